/**
 * The update log's obligations: which updates members still miss (hints), and which rows may be trimmed. A row of the
 * log goes when every member has acknowledged it, or when the log is over its limit; correctness never depends on it.
 */
import { rangeOf } from '../keyspace.js'
import { type MemberTag, unknownMember } from '../model/codec.js'
import { Context } from '../model/context.js'
import type { Actor, Dot } from '../model/dot.js'
import { type DotRow, dotKey } from '../rows/dots.js'
import { decodeFeed, feedKey, feedSequence } from '../rows/feed.js'
import { DamagedRow } from '../rows/seal.js'
import type { Batch } from './batch.js'
import type { ReplicaCore } from './core.js'
import { compactionShare, hintBytesReadMax, hintRowsMax, trimRowsMax } from './limits.js'
import type { Obligation } from './types.js'

/** Limits of the log that is kept for members that are away. */
export interface LogLimits {
  /** Bytes of log rows whose version is no longer live. */
  readonly maxBytes: number
  /** Age of an update in the log, in milliseconds. */
  readonly maxAgeMs: number
}

/** Hint of a member: the updates that it misses, and the log that is kept for it. */
export interface LogHint {
  readonly updates: number
  readonly bytes: number
  /** Time since which it misses updates, in milliseconds since 1970; null when it misses none. */
  readonly sinceMs: number | null
}

/** A feed row that may go. Without a dot (a removal, or a damaged row) no member waits for it. */
interface Candidate {
  readonly sequence: number
  readonly dot: Dot | null
  /** Another feed row that goes with it; 0: none. */
  readonly arrival: number
}

/** Trims the log and tells what is held for whom. */
export class UpdateLog {
  readonly #core: ReplicaCore
  readonly #limits: LogLimits
  /** Undefined until the members are known: until then nothing may go. */
  #obligations: readonly Obligation[] | undefined
  readonly #behindSince = new Map<MemberTag, number>()
  readonly #measured = new Map<MemberTag, { missed: Context; logBytes: number; bytes: number }>()
  #cursor = 0
  /** Position in the feed after which rows are held for its readers. */
  #hold = Number.POSITIVE_INFINITY
  #trimmedSinceCompaction = 0

  constructor(core: ReplicaCore, limits: LogLimits) {
    this.#core = core
    this.#limits = limits
  }

  /** Names the members whose acknowledgements the log waits for. */
  setObligations(obligations: readonly Obligation[]): void {
    this.#obligations = obligations
    const applied = this.#core.committed.applied
    for (const { member, acknowledged } of obligations) {
      if (acknowledged.covers(applied)) this.#behindSince.delete(member)
      else if (!this.#behindSince.has(member)) this.#behindSince.set(member, this.#core.environment.nowMs())
    }
  }

  /** Bytes of the log that are kept for members that miss updates; 0 when nothing is. */
  get bytes(): number {
    return this.#core.ledger.dots.logBytes
  }

  /** Time since which a member misses updates, in milliseconds since 1970; undefined when it misses none. */
  behindSinceMs(member: MemberTag): number | undefined {
    return this.#behindSince.get(member)
  }

  /** A member missed updates already in an earlier run. */
  wasBehind(member: MemberTag, sinceMs: number): void {
    this.#behindSince.set(member, sinceMs)
  }

  /** Hint of a member. Bytes are those of the log rows of the updates that it misses. */
  hint(member: MemberTag): LogHint {
    const obligation = this.#obligations?.find((other) => other.member === member)
    if (obligation === undefined) return { updates: 0, bytes: 0, sinceMs: null }
    const missed = this.#core.committed.applied.minus(obligation.acknowledged)
    const updates = missed.size
    if (updates === 0) {
      this.#measured.delete(member)
      return { updates, bytes: 0, sinceMs: null }
    }
    return { updates, bytes: this.#bytesFor(member, missed), sinceMs: this.behindSinceMs(member) ?? null }
  }

  /** The dots that every member has acknowledged; none while the members are not known. */
  acknowledgedByAll(): Context {
    if (this.#obligations === undefined) return new Context()
    let common = this.#core.committed.applied.clone()
    for (const { acknowledged } of this.#obligations) common = common.intersection(acknowledged)
    return common
  }

  /** True if every member has acknowledged a dot, and all that the members have acknowledged is applied here. */
  isKnownToAll(dot: Dot): boolean {
    if (this.#obligations === undefined || !this.#areMembersSettled) return false
    const applied = this.#core.committed.applied
    if (!applied.has(dot)) return false
    return this.#obligations.every(({ acknowledged }) => acknowledged.has(dot) && applied.covers(acknowledged))
  }

  /**
   * True if every member has acknowledged something of the present run. What a member knew before the start proves
   * little: this node may have issued more since then, and have lost it with a disk that went back.
   */
  isHeardByAll(): boolean {
    const { actor } = this.#core.ledger.runs
    if (actor === undefined) return false
    return this.#obligations?.every(({ acknowledged }) => acknowledged.lastOf(actor) > 0) === true
  }

  /**
   * True if counters may be folded, given an increment of the present run: there are members, all of them have
   * acknowledged it, read folds, and have nothing that is unknown here.
   */
  mayFold(increment: Dot): boolean {
    const members = this.#obligations ?? []
    if (members.length === 0 || increment.actor !== this.#core.ledger.runs.actor) return false
    return members.every(({ readsFolds }) => readsFolds === true) && this.isKnownToAll(increment)
  }

  /**
   * True if each of these runs is of this node, or of a member whose acknowledgements the log waits for: others
   * may issue updates that it does not wait for.
   */
  areMembers(actors: ReadonlySet<Actor>): boolean {
    const known = new Set([this.#core.member, ...(this.#obligations ?? []).map(({ member }) => member)])
    return [...actors].every((actor) => known.has(this.#core.ledger.members.get(actor) ?? unknownMember))
  }

  /** Holds what came after a position for readers of the feed, as far as the log's limits allow; null: nothing. */
  holdFeed(sequence: number | null): void {
    this.#hold = sequence ?? Number.POSITIVE_INFINITY
  }

  /** Trims what nobody needs any more, a bounded number of rows in each write. Returns how many rows went. */
  async trim(): Promise<number> {
    let trimmed = 0
    this.#cursor = Math.min(this.#cursor, this.#core.ledger.feed.takeReopened() - 1)
    for (;;) {
      const candidates = await this.#candidates()
      if (candidates.length === 0) break
      // Looked at inside the write: a member that has come meanwhile holds everything.
      const result = await this.#core.submit((batch) => this.#trimRows(batch, candidates, this.acknowledgedByAll()))
      trimmed += result.rows
      this.#cursor = result.cursor
      if (result.isStopped) break
    }
    this.#trimmedSinceCompaction += trimmed
    return trimmed
  }

  /**
   * Gives the disk space of trimmed rows back, once they are a share of what is live: a compaction writes nearly all of
   * the store again.
   */
  async compact(): Promise<void> {
    const { liveDots } = this.#core.ledger.entries.counts
    if (this.#trimmedSinceCompaction < Math.max(trimRowsMax, liveDots * compactionShare)) return
    this.#trimmedSinceCompaction = 0
    for (const kind of ['dot', 'feed', 'entry'] as const) await this.#core.store.compact(rangeOf(kind))
  }

  /** Starts over at the beginning of the log; for when acknowledgements shrank. */
  rewind(): void {
    this.#cursor = 0
  }

  /** False while a change of the mesh's own records is not committed: who is a member is then not settled. */
  get #areMembersSettled(): boolean {
    return this.#core.ledger.entries.systemWrites === this.#core.committed.systemWrites
  }

  /** Measured again only when what it misses, or the log, has changed. */
  #bytesFor(member: MemberTag, missed: Context): number {
    const logBytes = this.bytes
    const known = this.#measured.get(member)
    if (known?.logBytes === logBytes && known.missed.equals(missed)) return known.bytes
    const bytes = this.#measure(missed)
    this.#measured.set(member, { missed, logBytes, bytes })
    return bytes
  }

  /** Adds up the rows of some dots; from more than a few, a sample spread evenly over them stands for all. */
  #measure(missed: Context): number {
    const updates = missed.size
    let rows = 0
    let bytes = 0
    for (const dot of spread(missed, Math.max(1, updates / hintRowsMax))) {
      rows++
      bytes += this.#rowBytes(dot)
      if (bytes > hintBytesReadMax) break
    }
    return rows === 0 ? 0 : Math.round((bytes * updates) / rows)
  }

  /** A row that is gone, or cannot be read, holds nothing. */
  #rowBytes(dot: Dot): number {
    try {
      return this.#core.store.get(dotKey(dot))?.length ?? 0
    } catch {
      return 0
    }
  }

  async #candidates(): Promise<Candidate[]> {
    const candidates: Candidate[] = []
    const range = { gt: feedKey(this.#cursor), lt: rangeOf('feed').lt, limit: trimRowsMax }
    for await (const rows of this.#core.store.scan(range)) {
      for (const { key, value } of rows) {
        candidates.push(candidate(key, value))
      }
    }
    return candidates
  }

  #trimRows(batch: Batch, candidates: readonly Candidate[], acknowledged: Context) {
    let rows = 0
    let cursor = this.#cursor
    if (!this.#areMembersSettled) return { rows, cursor, isStopped: true }
    for (const candidate of candidates) {
      const row = candidate.dot === null ? undefined : this.#core.ledger.dots.read(batch, candidate.dot)
      const isForced = this.#isOverLimit(row)
      if (candidate.sequence > this.#hold && !isForced) return { rows, cursor, isStopped: true }
      if (row !== undefined && !isForced && !acknowledged.has(candidate.dot!)) {
        return { rows, cursor, isStopped: true }
      }
      if (row !== undefined) rows += this.#dropSuperseded(batch, row, acknowledged, isForced)
      // A live version keeps its rows: the dot index, and its place in the feed.
      if (row?.state !== 'live') rows += this.#drop(batch, candidate.dot, candidate.sequence, row)
      if (candidate.arrival > 0) rows += this.#drop(batch, null, candidate.arrival, undefined)
      cursor = candidate.sequence
    }
    return { rows, cursor, isStopped: false }
  }

  #isOverLimit(row: DotRow | undefined): boolean {
    if (this.bytes > this.#limits.maxBytes) return true
    return row !== undefined && row.time.ms < this.#core.environment.nowMs() - this.#limits.maxAgeMs
  }

  #dropSuperseded(batch: Batch, row: DotRow, acknowledged: Context, isForced: boolean): number {
    let rows = 0
    for (const superseded of row.supersedes) {
      const theirs = this.#core.ledger.dots.read(batch, superseded)
      if (theirs === undefined || theirs.state === 'live') continue
      if (theirs.sequence > this.#hold && !isForced) continue
      // What only remembers its successor is of no use without it; anything else waits for its own acknowledgements.
      if (isForced || theirs.state === 'stub' || acknowledged.has(superseded))
        rows += this.#drop(batch, superseded, theirs.sequence, theirs)
    }
    return rows
  }

  #drop(batch: Batch, dot: Dot | null, sequence: number, row: DotRow | undefined): number {
    if (row !== undefined && dot !== null) {
      const { dots, digests } = this.#core.ledger
      dots.write(batch, dot, null)
      if (row.digest !== undefined) digests.write(batch, dot, row.digest)
    }
    if (sequence > 0) {
      batch.set(feedKey(sequence), null)
      this.#core.ledger.feed.raiseFloor(sequence)
    }
    return 1
  }
}

/** Every n-th dot of a context, without a walk over those between. */
function* spread(context: Context, stride: number): Generator<Dot> {
  let passed = 0
  let next = 0
  for (const actor of context.actors()) {
    const ranges = context.rangesOf(actor)
    for (let at = 0; at < ranges.length; at += 2) {
      const end = passed + ranges[at + 1]! - ranges[at]! + 1
      for (; next < end; next += stride) yield { actor, counter: ranges[at]! + Math.floor(next - passed) }
      passed = end
    }
  }
}

function candidate(key: Uint8Array, value: Uint8Array): Candidate {
  const sequence = feedSequence(key)
  try {
    const row = decodeFeed(key, value)
    if (row.kind === 'update') return { sequence, dot: row.dot, arrival: 0 }
    return { sequence, dot: null, arrival: row.kind === 'removal' ? row.arrival : 0 }
  } catch (error) {
    if (error instanceof DamagedRow) return { sequence, dot: null, arrival: 0 }
    throw error
  }
}
