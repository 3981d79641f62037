/**
 * The small interface that every store implements (ordered bytes, atomic durable batches, snapshots), and what all
 * stores share.
 */
import { HearsayError } from './errors.js'

/** One row. */
export interface KvRow {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** One change of a batch; a null value deletes the row. */
export interface KvChange {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

/** A range of keys in byte order; absent bounds are open. */
export interface KvRange {
  readonly gte?: Uint8Array
  readonly gt?: Uint8Array
  readonly lt?: Uint8Array
  readonly lte?: Uint8Array
  readonly reverse?: boolean
  /** Rows at most; absent: all. */
  readonly limit?: number
  /** True if the next chunk may be read while one is looked at: for scans that end where the range does. */
  readonly readAhead?: boolean
}

/** A frozen view. Must be closed; a closed one may not be read. */
export interface KvSnapshot {
  close(): Promise<void>
}

/**
 * An ordered key-value store. Keys and values are bytes; what is returned may not be changed by the caller. A batch is
 * atomic: after a crash it is there whole or not at all. Reads see a batch no earlier than it is durable as asked.
 */
export interface KvStore {
  /**
   * The value of a key, or undefined. Synchronous: LevelDB's synchronous reads are an order of magnitude faster than
   * awaited ones.
   */
  get(key: Uint8Array, snapshot?: KvSnapshot): Uint8Array | undefined
  /**
   * Commits a batch. With `sync` it resolves once the batch would survive power loss. Rejects when nothing is known of
   * its outcome.
   */
  write(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void>
  /**
   * Rows of a range in order, in chunks of bounded rows and bytes, each chunk from one consistent view for the whole
   * scan.
   */
  scan(range: KvRange, snapshot?: KvSnapshot): AsyncIterable<readonly KvRow[]>
  /** A frozen view of now. */
  snapshot(): KvSnapshot
  /** Gives the space of deleted rows in a range back; best effort. */
  compact(range: { readonly gte: Uint8Array; readonly lt: Uint8Array }): Promise<void>
  /** Closes; waits for writes under way. */
  close(): Promise<void>
}

/** At most one bound on each side: the tightest of those given. */
export interface Bounds {
  readonly lower: Uint8Array | undefined
  readonly isLowerIncluded: boolean
  readonly upper: Uint8Array | undefined
  readonly isUpperIncluded: boolean
}

/**
 * The tightest bounds of a range. LevelDB itself looks at one of two bounds on the same side first and may miss rows.
 */
export function boundsOf(range: KvRange): Bounds {
  const { gt, gte, lt, lte } = range
  const isGtTighter = gt !== undefined && (gte === undefined || Buffer.compare(gt, gte) >= 0)
  const isLtTighter = lt !== undefined && (lte === undefined || Buffer.compare(lt, lte) <= 0)
  return {
    lower: isGtTighter ? gt : gte,
    isLowerIncluded: !isGtTighter,
    upper: isLtTighter ? lt : lte,
    isUpperIncluded: !isLtTighter,
  }
}

/** The limit of a range; no limit is Infinity. Throws a RangeError for what is not a count. */
export function limitOf(range: KvRange): number {
  const limit = range.limit ?? Number.POSITIVE_INFINITY
  if (Number.isNaN(limit) || limit < 0) throw new RangeError(`not a limit: ${limit}`)
  return limit
}

/** A store was used after it was closed. */
export function closedFailure(): HearsayError {
  return new HearsayError('STORE_FAILED', 'the store is closed; start the daemon again')
}

/** A snapshot was used after it was closed, or with a store that it is not of. A defect of the caller. */
export function snapshotFailure(): HearsayError {
  return new HearsayError('INTERNAL', 'a closed or foreign snapshot was read; this is a defect, please report it')
}
