/** Reading for others: the updates that a peer misses, and single addresses as a peer sees them. Durable state alone: what is committed, or a little newer. */

import {
  DamagedRow,
  type DotRow,
  decodeDotRow,
  decodeVersions,
  digestKey,
  dotKey,
  dotOfKey,
  entryAddress,
  entryKey,
  entryPrefix,
  isDamage,
  rangeOf,
} from '../keyspace.js'
import type { KvStore } from '../kv.js'
import type { TrieEntry } from '../merkle/types.js'
import { type Address, addressText } from '../model/address.js'
import type { MemberTag } from '../model/codec.js'
import { Context } from '../model/context.js'
import { versionDigest } from '../model/digest.js'
import { type Actor, type ContentDigest, type Dot, dotText, type NamedDot, sameDot } from '../model/dot.js'
import { updateOf } from '../model/join.js'
import type { Entry, Update, Version } from '../model/update.js'
import { readDigestRow } from './digest-rows.js'
import type { TrieChange } from './entry-rows.js'
import { chainMax } from './limits.js'
import type { MissingUpdates, PeerEntry } from './types.js'

/** Names the member of an actor. */
export type NameMember = (actor: Actor) => MemberTag

const updateOverheadBytes = 48

/** Reads committed rows in the shapes that sync sends. */
export class PeerReader {
  readonly #store: KvStore

  constructor(store: KvStore) {
    this.#store = store
  }

  /** The committed live versions at an address. Throws DamagedRow. */
  versions(address: Address): Version[] {
    const key = entryKey(address)
    const row = this.#store.get(key)
    return row === undefined ? [] : decodeVersions(key, row)
  }

  /** The committed dot row. Throws DamagedRow. */
  dotRow(dot: Dot): DotRow | undefined {
    const key = dotKey(dot)
    const row = this.#store.get(key)
    return row === undefined ? undefined : decodeDotRow(key, row)
  }

  /** The digest of the content that a dot has here; undefined when it is not known. Throws DamagedRow. */
  digestOf(dot: Dot): ContentDigest | undefined {
    const row = this.dotRow(dot)
    if (row === undefined) return readDigestRow(digestKey(dot), (key) => this.#store.get(key))
    if (row.digest !== undefined || row.state !== 'live') return row.digest
    const version = this.versions(row.address).find((other) => sameDot(other.dot, dot))
    return version && versionDigest(version, row.address)
  }

  /** Whether the address was lost to damage, and its fate has not been learnt again. */
  isLost(address: Address): boolean {
    const key = entryKey(address)
    const row = this.#store.get(key)
    return row !== undefined && decodeVersions(key, row).length === 0
  }

  /** The mesh's own records whose key starts with a prefix; those that cannot be read are told of, and left out. */
  async systemEntries(prefix: string, damageFound: (row: Error) => void): Promise<Entry[]> {
    const entries: Entry[] = []
    const gte = entryPrefix('system', prefix)
    for await (const rows of this.#store.scan({ gte, lt: rangeOf('system').lt })) {
      for (const { key, value } of rows) {
        if (!Buffer.from(key).subarray(0, gte.length).equals(gte)) return entries
        try {
          entries.push({ address: entryAddress(key), versions: decodeVersions(key, value) })
        } catch (error) {
          if (!isDamage(error)) throw error
          damageFound(error as Error)
        }
      }
    }
    return entries
  }

  /** An address with all of its live versions and what they superseded. Throws DamagedRow. */
  peerEntryAt(address: Address): PeerEntry {
    const updates: Update[] = []
    const bare: Dot[] = []
    for (const version of this.versions(address)) {
      const row = this.dotRow(version.dot)
      if (row === undefined || row.bare) bare.push(version.dot)
      updates.push(updateOf(version, address, row?.supersedes ?? []))
    }
    return { address, updates, bare }
  }

  /**
   * The entry that stands in the trie of the committed state behind this locator; undefined when it is gone since.
   * LevelDB shows a batch before its writer is told: then the locator may be live no longer, and what the batch in flight did to the trie
   * (`inFlight`) tells where the entry stands. Taking it for absent would have the peer delete what stands there beside the old locator.
   * Throws DamagedRow, also when the locator is dead and nothing that is known has superseded it.
   */
  peerEntry({ id, locator }: TrieEntry, inFlight: readonly TrieChange[]): PeerEntry | undefined {
    const entry = this.#entryBehind(locator)
    if (entry !== undefined) return entry
    const change = inFlight.find((one) => Buffer.compare(one.id, id) === 0)
    if (change?.locator === null) return undefined
    const moved = change && this.#entryBehind(change.locator)
    if (moved === undefined) throw new DamagedRow(dotKey(locator))
    return moved
  }

  #entryBehind(locator: Dot): PeerEntry | undefined {
    const row = this.dotRow(locator)
    return row?.state === 'live' ? this.peerEntryAt(row.address) : undefined
  }

  /** Updates for a peer that misses these dots; see SyncReplica.readMissing. */
  async readMissing(missing: Context, bytesMax: number, peerApplied: Context): Promise<MissingUpdates> {
    const reading = new Reading(this, peerApplied, bytesMax)
    for (const actor of missing.actors()) {
      const ranges = missing.rangesOf(actor)
      for (let at = 0; at < ranges.length && !reading.isFull; at += 2) {
        await this.#readRange(reading, actor, ranges[at]!, ranges[at + 1]!)
      }
      await this.#readDigests(reading, actor)
      if (reading.isFull) break
    }
    return reading
  }

  /** The digests that are kept of an actor's dots whose updates are not. */
  async #readDigests(reading: Reading, actor: Actor): Promise<void> {
    const ranges = reading.unlisted.rangesOf(actor)
    if (ranges.length === 0) return
    const gte = digestKey({ actor, counter: ranges[0]! })
    const lte = digestKey({ actor, counter: ranges.at(-1)! })
    for await (const rows of this.#store.scan({ gte, lte })) {
      for (const { key, value } of rows) {
        const dot = dotOfKey(key)
        const digest = reading.unlisted.has(dot) ? readDigestRow(key, () => value) : undefined
        if (digest !== undefined) reading.digests.push({ ...dot, digest })
      }
    }
  }

  async #readRange(reading: Reading, actor: Actor, first: number, last: number): Promise<void> {
    let next = first
    const range = { gte: dotKey({ actor, counter: first }), lte: dotKey({ actor, counter: last }) }
    for await (const rows of this.#store.scan(range)) {
      for (const { key, value } of rows) {
        const dot = dotOfKey(key)
        if (next < dot.counter) reading.unlisted.addRange(actor, next, dot.counter - 1)
        reading.take(dot, decodeDotRow(key, value))
        next = dot.counter + 1
        if (reading.isFull) return
      }
    }
    if (next <= last) reading.unlisted.addRange(actor, next, last)
  }
}

/** One call of readMissing: what was found so far. */
class Reading implements MissingUpdates {
  readonly updates: Update[] = []
  readonly listed = new Context()
  readonly unlisted = new Context()
  readonly digests: NamedDot[] = []
  readonly #reader: PeerReader
  readonly #peerApplied: Context
  #bytesLeft: number

  constructor(reader: PeerReader, peerApplied: Context, bytesMax: number) {
    this.#reader = reader
    this.#peerApplied = peerApplied
    this.#bytesLeft = bytesMax
  }

  get isFull(): boolean {
    return this.#bytesLeft <= 0
  }

  /** Takes one row of the log, together with what superseded it as far as the peer misses that as well. */
  take(dot: Dot, row: DotRow): void {
    if (this.listed.has(dot)) return
    const chain = this.#chain(dot, row)
    if (chain === undefined) {
      this.unlisted.add(dot)
      return
    }
    for (const update of chain) {
      this.updates.push(update)
      this.listed.add(update.dot)
      this.#bytesLeft -= updateOverheadBytes + (update.value?.length ?? 0) + update.supersedes.length * 4
    }
  }

  /**
   * The update and, when its version is gone, the updates that superseded it, oldest first: all of one address, to be applied at once.
   * Alone it would take a value away at the peer before the next one is there.
   * Undefined when a part of it is not kept any more: then only the tree can tell.
   */
  #chain(first: Dot, firstRow: DotRow): Update[] | undefined {
    const updates: Update[] = []
    const address = addressText(firstRow.address)
    const taken = new Set<string>()
    for (
      let dot = first, row: DotRow | undefined = firstRow;
      updates.length < chainMax;
      row = this.#reader.dotRow(dot)
    ) {
      if (row === undefined || row.bare || row.state === 'stub' || addressText(row.address) !== address)
        return undefined
      const update = this.#update(dot, row)
      if (update === undefined) return undefined
      updates.push(update)
      taken.add(dotText(dot))
      const next = row.kind === 'put' && update.value === null ? update.supersededBy : null
      // A delete, a live version, or one whose successor the peer has (or is being sent): the chain ends here.
      if (next === null || this.#peerApplied.has(next) || this.listed.has(next) || taken.has(dotText(next)))
        return updates
      dot = next
    }
    return undefined
  }

  #update(dot: Dot, row: DotRow): (Update & { supersededBy: Dot | null }) | undefined {
    const { address, kind, time, expiresAtMs, supersedes } = row
    const base = { dot, address, kind, time, expiresAtMs, supersedes }
    if (kind !== 'put') return { ...base, value: null, supersededBy: null }
    if (row.state === 'live') {
      const version = this.#reader.versions(address).find((other) => sameDot(other.dot, dot))
      if (version !== undefined) return { ...base, value: version.value, supersededBy: null }
    }
    // Superseded between the scan and now, or long ago: the row of now says by what.
    const supersededBy = row.state === 'live' ? (this.#reader.dotRow(dot)?.supersededBy ?? null) : row.supersededBy
    return supersededBy === null ? undefined : { ...base, value: null, digest: row.digest, supersededBy }
  }
}
