/**
 * Verification (rule 11 of the design): a store that lost entries must never read as a store that deleted them. Every
 * live dot stands in two rows in different key ranges; after each start, and when a checksum fails later, the two sides
 * are compared with each other and with the count and checksum that moved with every batch, all under one snapshot.
 */

import { type RowKind, rangeOf } from '../keyspace.js'
import type { KvSnapshot, KvStore } from '../kv.js'
import type { Trie } from '../merkle/trie.js'
import type { Address } from '../model/address.js'
import type { Contexts } from '../model/codec.js'
import { Context } from '../model/context.js'
import { type Dot, dotText, type NamedDot, sameDot } from '../model/dot.js'
import type { Version } from '../model/update.js'
import { contextActor, decodeContext } from '../rows/contexts.js'
import { digestKey } from '../rows/digests.js'
import { type DotRow, decodeDotRow, dotKey, dotOfKey } from '../rows/dots.js'
import { decodeVersions, entryAddress, entryKey } from '../rows/entries.js'
import { outlineDot, outlineEntry } from '../rows/outlines.js'
import { isDamage } from '../rows/seal.js'
import { decodeState, type StateRow, stateKey } from '../rows/state.js'
import { readDigestRow } from './digest-rows.js'
import { verifySliceRows } from './limits.js'
import { addToTally, emptyTally, isSameTally, type Tally } from './tally.js'

/** Result of a scan of the whole store. */
export interface Survey {
  readonly entries: Tally & { userEntries: number }
  readonly dots: Tally
  /** The state row of the same snapshot; undefined when it is missing or damaged. */
  readonly state: StateRow | undefined
  /** The contexts of the same snapshot. */
  readonly contexts: Contexts
  readonly damagedEntryKeys: readonly Uint8Array[]
  readonly damagedDots: readonly Dot[]
  readonly damagedContexts: boolean
  /** Whole blocks of a table file could not be read: which rows stood in them is not known. */
  readonly damagedBlocks: boolean
  /** Addresses that were lost to damage before, and whose fate has not been learnt yet. */
  readonly lostAddresses: readonly Address[]
  /** Bytes of log rows whose version is no longer live. */
  readonly logBytes: number
}

/** Damage, as far as the two sides together show it. */
export interface Damage {
  /** Live according to the index, but not readable: their fate is to be learnt again. */
  readonly lost: readonly { readonly dot: Dot; readonly address: Address }[]
  /** Live and readable, but not in the index. */
  readonly unindexed: readonly { readonly version: Version; readonly address: Address }[]
  readonly damagedEntryKeys: readonly Uint8Array[]
  readonly damagedDots: readonly Dot[]
  /** Set when the counts still differ after all of this: what may be believed (rule 11). */
  readonly rebuilt: Believed | undefined
  readonly survey: Survey
}

/** Contexts of a damaged store, as far as they may be believed. */
export interface Believed extends Contexts {
  /**
   * Dots that are known by what superseded them alone, each with the content that was superseded. Where a dot has two
   * contents, the other one may be live elsewhere: it is not gone because this one is.
   */
  readonly named: readonly NamedDot[]
}

/** Kinds of rows that hold entries. */
const entryKinds = ['system', 'entry'] as const
type EntryKind = (typeof entryKinds)[number]

/** Loads the contexts row by row; damaged rows are left out and reported. */
export async function loadContexts(
  store: KvStore,
  take: (actor: string, row: ReturnType<typeof decodeContext>) => void,
  snapshot?: KvSnapshot,
): Promise<{ damaged: boolean }> {
  let damaged = false
  try {
    for await (const rows of store.scan(rangeOf('context'), snapshot)) {
      for (const { key, value } of rows) {
        const row = readable(() => decodeContext(key, value))
        if (row === undefined) damaged = true
        else take(contextActor(key), row)
      }
    }
  } catch (error) {
    if (!isDamage(error)) throw error
    damaged = true
  }
  return { damaged }
}

/** One verification under one snapshot. */
export class Verification {
  readonly #store: KvStore
  readonly #snapshot: KvSnapshot
  readonly #yieldTurn: () => Promise<void>
  #damagedBlocks = false
  #rows = 0
  #scans = 0

  /** The snapshot stays the caller's to close. `yieldTurn` lets clients in between slices. */
  constructor(store: KvStore, snapshot: KvSnapshot, yieldTurn: () => Promise<void>) {
    this.#store = store
    this.#snapshot = snapshot
    this.#yieldTurn = yieldTurn
  }

  /** Rows looked at so far, and scans of the whole store begun: each scan looks at about two rows for a live dot. */
  get progress(): { readonly rows: number; readonly scans: number } {
    return { rows: this.#rows, scans: this.#scans }
  }

  /** Scans the store once: builds the trie, counts both sides. */
  async survey(trie: Trie): Promise<Survey> {
    const entries = { ...emptyTally(), userEntries: 0 }
    const dots = emptyTally()
    const damagedEntryKeys: Uint8Array[] = []
    const damagedDots: Dot[] = []
    const lostAddresses: Address[] = []
    let logBytes = 0
    this.#scans++
    const { contexts, damaged } = await this.#contexts()
    let damagedContexts = damaged
    const takeEntry = (kind: EntryKind) => (key: Uint8Array, value: Uint8Array) => {
      const entry = readable(() => outlineEntry(key, value))
      if (entry === undefined) return void damagedEntryKeys.push(key)
      const { id, digest, dots: live } = entry
      if (live.length === 0) return void lostAddresses.push(entryAddress(key))
      trie.set(id, digest, live[0]!)
      if (kind === 'entry') entries.userEntries++
      for (const dot of live) {
        addToTally(entries, dotKey(dot), key)
        // A live dot that was never seen: a context row is lost.
        if (!contexts.seen.has(dot)) damagedContexts = true
      }
    }
    for (const kind of entryKinds) await this.#eachRow(kind, takeEntry(kind))
    await this.#eachRow('dot', (key, value) => {
      const row = readable(() => ({ entryKey: outlineDot(key, value) }))
      if (row === undefined) damagedDots.push(dotOfKey(key))
      else if (row.entryKey !== undefined) addToTally(dots, key, row.entryKey)
      else logBytes += value.length
    })
    const state = readable(() => {
      const row = this.#store.get(stateKey, this.#snapshot)
      return row === undefined ? undefined : decodeState(row)
    })
    return {
      entries,
      dots,
      state,
      contexts,
      damagedEntryKeys,
      damagedDots,
      damagedContexts,
      damagedBlocks: this.#damagedBlocks,
      lostAddresses,
      logBytes,
    }
  }

  /**
   * Compares the two sides row by row. Only called when their sums disagree, something was unreadable, or (`isSuspect`)
   * LevelDB itself was repaired, so that even sums that agree prove nothing.
   */
  async locate(survey: Survey, isSuspect: boolean): Promise<Damage> {
    const lost: { dot: Dot; address: Address }[] = []
    const unindexed: { version: Version; address: Address }[] = []
    this.#scans++
    await this.#eachDot((key, row) => {
      if (row?.state !== 'live') return
      const dot = dotOfKey(key)
      const versions = this.#versions(row.address)
      if (!versions.some((version) => sameDot(version.dot, dot))) lost.push({ dot, address: row.address })
    })
    await this.#eachEntry((_, entry) => {
      for (const version of entry?.versions ?? []) {
        const row = this.#dotRow(version.dot)
        if (row?.state !== 'live') unindexed.push({ version, address: entry!.address })
      }
    })
    const { damagedEntryKeys, damagedDots } = survey
    const rebuilt = !isSuspect && isExplained(survey, lost) ? undefined : await this.#believable()
    return { lost, unindexed, damagedEntryKeys, damagedDots, rebuilt, survey }
  }

  /**
   * Live readable dots, dots superseded by readable log rows, dots of readable delete rows; never the dot of a put that
   * is not live.
   */
  async #believable(): Promise<Believed> {
    const named = new Map<string, NamedDot>()
    const seen = new Context()
    const applied = new Context()
    this.#scans++
    await this.#eachEntry((_, entry) => {
      for (const version of entry?.versions ?? []) {
        seen.add(version.dot)
        const row = this.#dotRow(version.dot)
        if (row?.state === 'live' && !row.bare) applied.add(version.dot)
      }
    })
    const live = seen.clone()
    const lost = new Context()
    await this.#eachDot((key, row) => {
      if (row === undefined || row.state === 'stub') return
      const dot = dotOfKey(key)
      if (row.state === 'live' && !live.has(dot)) return void lost.add(dot)
      for (const superseded of row.supersedes) {
        seen.add(superseded)
        if (!live.has(superseded) && !this.#keepsContent(superseded)) addGreater(named, superseded)
      }
      if (row.kind !== 'put') {
        seen.add(dot)
        applied.add(dot)
      }
    })
    // A dot that is superseded in the log and live in an entry: the entry is older than the log (a table file came back).
    // What is live stays live until a peer says otherwise. Who superseded the dot of a lost version had another content
    // of that dot in view.
    return { seen: seen.minus(lost), applied, named: [...named.values()] }
  }

  /** True if a readable row tells what stood at a dot. */
  #keepsContent(dot: Dot): boolean {
    const get = (key: Uint8Array) => this.#store.get(key, this.#snapshot)
    return this.#dotRow(dot) !== undefined || readDigestRow(digestKey(dot), get) !== undefined
  }

  async #contexts(): Promise<{ contexts: Contexts; damaged: boolean }> {
    const contexts = { seen: new Context(), applied: new Context() }
    const { damaged } = await loadContexts(
      this.#store,
      (actor, row) => {
        contexts.seen.setRanges(actor, row.seen)
        contexts.applied.setRanges(actor, row.applied)
      },
      this.#snapshot,
    )
    return { contexts, damaged }
  }

  async #eachEntry(
    visit: (key: Uint8Array, entry: { address: Address; versions: Version[] } | undefined) => void,
  ): Promise<void> {
    for (const kind of entryKinds) {
      await this.#eachRow(kind, (key, value) => {
        visit(
          key,
          readable(() => ({ address: entryAddress(key), versions: decodeVersions(key, value) })),
        )
      })
    }
  }

  async #eachDot(visit: (key: Uint8Array, row: DotRow | undefined) => void): Promise<void> {
    await this.#eachRow('dot', (key, value) => {
      visit(
        key,
        readable(() => decodeDotRow(key, value)),
      )
    })
  }

  async #eachRow(kind: RowKind, visit: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
    let sinceYield = 0
    try {
      for await (const rows of this.#store.scan({ ...rangeOf(kind), readAhead: true }, this.#snapshot)) {
        for (const { key, value } of rows) {
          visit(key, value)
          this.#rows++
          if (++sinceYield % verifySliceRows === 0) await this.#yieldTurn()
        }
      }
    } catch (error) {
      // LevelDB steps over blocks that it cannot read, and tells so at the end of the scan.
      if (!isDamage(error)) throw error
      this.#damagedBlocks = true
    }
  }

  #versions(address: Address): readonly Version[] {
    const key = entryKey(address)
    return (
      readable(() => {
        const row = this.#store.get(key, this.#snapshot)
        return row === undefined ? [] : decodeVersions(key, row)
      }) ?? []
    )
  }

  #dotRow(dot: Dot): DotRow | undefined {
    const key = dotKey(dot)
    return readable(() => {
      const row = this.#store.get(key, this.#snapshot)
      return row === undefined ? undefined : decodeDotRow(key, row)
    })
  }
}

/** True if both sides and the persisted counts agree, and every row was readable. */
export function isSound(survey: Survey): boolean {
  const { entries, dots, state } = survey
  return (
    state !== undefined &&
    !survey.damagedContexts &&
    !survey.damagedBlocks &&
    survey.damagedEntryKeys.length === 0 &&
    survey.damagedDots.length === 0 &&
    isSameTally(entries, dots) &&
    isSameTally(entries, state) &&
    entries.userEntries === state.userEntries
  )
}

/**
 * True if the persisted counts equal those of the readable entries plus the dots that are lost according to the index.
 */
function isExplained(survey: Survey, lost: readonly { dot: Dot; address: Address }[]): boolean {
  if (survey.state === undefined || survey.damagedContexts || survey.damagedBlocks) return false
  const tally: Tally = { ...survey.entries }
  for (const { dot, address } of lost) addToTally(tally, dotKey(dot), entryKey(address))
  return isSameTally(tally, survey.state)
}

/** Of two contents that were superseded the greater one kept the dot. */
function addGreater(named: Map<string, NamedDot>, dot: NamedDot): void {
  if (dot.digest === undefined) return
  const before = named.get(dotText(dot))
  if (before === undefined || before.digest! < dot.digest) named.set(dotText(dot), dot)
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}
