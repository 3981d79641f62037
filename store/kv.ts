/** The small interface that every store implements: ordered bytes, atomic durable batches, snapshots. */

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
}

/** A frozen view. Must be closed; a closed one may not be read. */
export interface KvSnapshot {
  close(): Promise<void>
}

/**
 * An ordered key-value store. Keys and values are bytes; what is returned may not be changed by the caller.
 * A batch is atomic: after a crash it is there whole or not at all. Reads see a batch no earlier than it is durable as asked.
 */
export interface KvStore {
  /** The value of a key, or undefined. Synchronous: LevelDB's synchronous reads are an order of magnitude faster than awaited ones. */
  get(key: Uint8Array, snapshot?: KvSnapshot): Uint8Array | undefined
  /** Commits a batch. With `sync` it resolves once the batch would survive power loss. Rejects when nothing is known of its outcome. */
  write(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void>
  /** Rows of a range in order, in chunks of bounded rows and bytes, each chunk from one consistent view for the whole scan. */
  scan(range: KvRange, snapshot?: KvSnapshot): AsyncIterable<readonly KvRow[]>
  /** A frozen view of now. */
  snapshot(): KvSnapshot
  /** Gives the space of deleted rows in a range back; best effort. */
  compact(range: { readonly gte: Uint8Array; readonly lt: Uint8Array }): Promise<void>
  /** Closes; waits for writes under way. */
  close(): Promise<void>
}
