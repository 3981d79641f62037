/**
 * Reading for others: the updates that a peer misses, and single addresses as a peer sees them. Durable state alone:
 * what is committed, or a little newer.
 */
import type { Environment } from '../environment.js'
import { rangeOf } from '../keyspace.js'
import type { KvStore } from '../kv.js'
import type { TrieEntry } from '../merkle/types.js'
import type { Address } from '../model/address.js'
import type { MemberTag } from '../model/codec.js'
import type { Context, Ranges } from '../model/context.js'
import { versionDigest } from '../model/digest.js'
import type { Actor, ContentDigest, Dot } from '../model/dot.js'
import { updateOf, versionAt } from '../model/join.js'
import type { Entry, Update, Version } from '../model/update.js'
import { digestKey } from '../rows/digests.js'
import { type DotRow, decodeDotRow, dotKey, dotOfKey } from '../rows/dots.js'
import { decodeVersions, entryAddress, entryKey, entryPrefix } from '../rows/entries.js'
import { DamagedRow, isDamage } from '../rows/seal.js'
import { readDigestRow } from './digest-rows.js'
import type { TrieChange } from './entry-rows.js'
import { missingGapMax, missingLookupsMax, missingSliceRows } from './limits.js'
import { Reading, supersededBy } from './reading.js'
import type { MissingUpdates, PeerEntry } from './types.js'

/** Names the member of an actor. */
export type NameMember = (actor: Actor) => MemberTag

/** Reads committed rows in the shapes that sync sends. */
export class PeerReader {
  readonly #store: KvStore
  readonly #environment: Environment

  constructor(store: KvStore, environment: Environment) {
    this.#store = store
    this.#environment = environment
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
    const version = versionAt(this.versions(row.address), dot)
    return version && versionDigest(version, row.address)
  }

  /** The mesh's own records whose key starts with a prefix; those that cannot be read are reported, and left out. */
  async systemEntries(prefix: string, damageFound: (row: Error) => void): Promise<Entry[]> {
    const entries: Entry[] = []
    const gte = entryPrefix('system', prefix)
    for await (const rows of this.#store.scan({ gte, lt: rangeOf('system').lt })) {
      for (const { key, value } of rows) {
        if (!Buffer.from(key).subarray(0, gte.length).equals(gte)) return entries
        try {
          const address = entryAddress(key)
          // Records of a later version may stand under the same names with a type of their own.
          if (address.type === 'sys') entries.push({ address, versions: decodeVersions(key, value) })
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
      updates.push(updateOf(version, address, supersededBy(version.dot, row)))
    }
    return { address, updates, bare }
  }

  /**
   * The entry that stands in the trie of the committed state behind this locator; undefined when it is gone since.
   * LevelDB shows a batch before its writer is notified: then the locator may be live no longer, and what the batch in
   * flight did to the trie (`inFlight`) tells where the entry stands. Taking it for absent would have the peer delete
   * what stands there beside the old locator. Throws DamagedRow, also when the locator is dead and nothing that is
   * known has superseded it.
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
    const reading = new Reading(this, peerApplied, bytesMax, this.#environment)
    for (const actor of missing.actors()) {
      for (const span of spansOf(missing.rangesOf(actor))) {
        if (span.dots <= missingLookupsMax) await this.#lookUp(reading, actor, span.ranges)
        else await this.#scan(reading, actor, span.ranges)
        // Asked only now: also a call that is late from the start tells the fate of some dots.
        if (reading.isFull) break
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
        if (digest !== undefined) reading.noteDigest(dot, digest)
      }
    }
  }

  async #lookUp(reading: Reading, actor: Actor, ranges: Ranges): Promise<void> {
    for (let at = 0; at < ranges.length; at += 2) {
      for (let counter = ranges[at]!; counter <= ranges[at + 1]!; counter++) {
        const dot = { actor, counter }
        const row = this.dotRow(dot)
        if (row === undefined) reading.miss(actor, counter, counter)
        else reading.take(dot, row)
        await this.#letOthers(reading)
        if (reading.isFull) return
      }
    }
  }

  /** One pass over the rows from the first range to the last. */
  async #scan(reading: Reading, actor: Actor, ranges: Ranges): Promise<void> {
    const gaps = new Gaps(ranges)
    const miss = (first: number, last: number) => reading.miss(actor, first, last)
    const gte = dotKey({ actor, counter: ranges[0]! })
    const lte = dotKey({ actor, counter: ranges.at(-1)! })
    for await (const rows of this.#store.scan({ gte, lte })) {
      for (const { key, value } of rows) {
        const dot = dotOfKey(key)
        gaps.until(dot.counter - 1, miss)
        if (gaps.take(dot.counter)) reading.take(dot, decodeDotRow(key, value))
        await this.#letOthers(reading)
        if (reading.isFull) return
      }
    }
    gaps.until(Number.MAX_SAFE_INTEGER, miss)
  }

  async #letOthers(reading: Reading): Promise<void> {
    if (++reading.rows % missingSliceRows === 0) await this.#environment.yieldTurn()
  }
}

/** Ranges that are near each other, and how many dots they hold. */
function* spansOf(ranges: Ranges): Iterable<{ ranges: Ranges; dots: number }> {
  for (let from = 0; from < ranges.length; ) {
    let to = from
    let dots = 0
    do {
      dots += ranges[to + 1]! - ranges[to]! + 1
      to += 2
    } while (to < ranges.length && ranges[to]! - ranges[to - 1]! - 1 <= missingGapMax)
    yield { ranges: from === 0 && to === ranges.length ? ranges : ranges.slice(from, to), dots }
    from = to
  }
}

/** Counters of some ranges that a scan has not met. */
class Gaps {
  readonly #ranges: Ranges
  #at = 0
  #next: number

  constructor(ranges: Ranges) {
    this.#ranges = ranges
    this.#next = ranges[0]!
  }

  /** Names the counters up to `last` that were not met. */
  until(last: number, miss: (first: number, last: number) => void): void {
    while (this.#at < this.#ranges.length) {
      const first = Math.max(this.#next, this.#ranges[this.#at]!)
      const end = Math.min(last, this.#ranges[this.#at + 1]!)
      if (first <= end) miss(first, end)
      this.#next = Math.max(this.#next, end + 1)
      if (this.#next <= this.#ranges[this.#at + 1]!) return
      this.#at += 2
    }
  }

  /** Meets a counter. Returns whether it lies in the ranges. */
  take(counter: number): boolean {
    const isIn = this.#at < this.#ranges.length && this.#ranges[this.#at]! <= counter
    this.#next = counter + 1
    return isIn
  }
}
