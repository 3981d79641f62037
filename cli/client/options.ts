/** Options of the client's calls, and results beyond the JSON of the contract (protocols/api/). */

import type * as collections from '../../protocols/api/collections.js'
import type { ReadQuery } from '../../protocols/api/common.js'
import type * as kv from '../../protocols/api/kv.js'
import type * as transfer from '../../protocols/api/transfer.js'
import type * as feed from '../../protocols/api/watch.js'
import type { ImportFormat } from './importing.js'

/** The bytes form of a read: the shown winner. */
export interface Shown {
  readonly value: Buffer
  /** The token of what is shown. */
  readonly context: string
  readonly dot: string
  /** 1 when there is no conflict. */
  readonly siblings: number
}

/** Siblings that a put left, which its answer holds beside the JSON. */
export interface SiblingsLeft {
  /**
   * Versions that a read shows there now; more than 1 is a conflict that stayed. Absent when the node does not tell.
   */
  readonly siblings?: number
}

/** The answer to a write. */
export type Written = kv.Written & SiblingsLeft

/** The answer to a put of a field. */
export type FieldWritten = collections.FieldWritten & SiblingsLeft

/** Choice that settles a conflict: the 1-based number of a displayed version, a value, or merging. */
export type Resolution = { readonly pick: number } | { readonly value: string | Uint8Array } | { readonly merge: true }

/** Choice of the resolution to undo. */
export interface UndoOptions extends CallOptions {
  /** Token that the resolution answered; the last resolution when absent. */
  readonly undo?: string | undefined
  /** The field of a map. */
  readonly field?: string | undefined
}

/** Summary of an import over all its requests. */
export interface ImportSummary extends Omit<transfer.ImportSummary, 'failures'> {
  /** Entries of Consul whose flags were not kept; absent: none. */
  readonly flagged?: number
}

/** One event of the change feed. */
export type WatchEvent = feed.WatchEvent & {
  /** Give it as `since` to go on behind this event. */
  readonly cursor: string
}

/** Options of every call. */
export interface CallOptions {
  /**
   * Ends the call, which then rejects with the reason of the signal, as `fetch` does; `AbortSignal.timeout(ms)` bounds
   * its time. Whether a write that was on its way is stored is not known then.
   */
  readonly signal?: AbortSignal | undefined
}

/** Options of reads. */
export interface ReadOptions extends CallOptions {
  /** Nodes to ask, the asked one included. */
  readonly consistency?: ReadQuery['consistency']
  /** Time for which the daemon waits for other nodes; its own default when absent. */
  readonly timeoutMs?: number
}

/** Requirements of a write on other nodes. */
export interface NodesOptions extends CallOptions {
  /** Return only when so many nodes, the asked one included, have it durably. */
  readonly acks?: number | 'majority' | 'all'
  /** Refuse when less than a majority of the members is reachable. */
  readonly requireQuorum?: boolean
  /** Time for which the daemon waits for other nodes; its own default when absent. */
  readonly timeoutMs?: number
}

/** Options that make a repeated write harmless. */
export interface OnceOptions {
  /**
   * A name for this write, so that repeating it does nothing more. Made by the client when absent, unless its `retries`
   * is 0.
   */
  readonly idempotencyKey?: string
}

/** Options of any write. */
export interface WriteOptions extends NodesOptions, OnceOptions {
  /** A token of an earlier read; supersedes exactly what that showed. */
  readonly context?: string | undefined
}

/** Options of writes of counters and sets, and of batches. */
export interface CollectionOptions extends NodesOptions, OnceOptions {}

/** Options of a put. */
export interface PutOptions extends NodesOptions, OnceOptions {
  /** A token of an earlier read; supersedes exactly what that showed. */
  readonly context?: string
  readonly ttlMs?: number
  /** Refuse when the key exists. */
  readonly ifAbsent?: boolean
}

/** Options of a delete. */
export interface DeleteOptions extends NodesOptions, OnceOptions {
  readonly context?: string
  /** Delete every version, conflict or not. */
  readonly all?: boolean
}

/** Options of a write of a document. */
export interface DocumentOptions extends NodesOptions, OnceOptions {
  /** A token of an earlier read. */
  readonly context?: string | undefined
  /** Reject with EXISTS when there is a document. */
  readonly ifAbsent?: boolean
}

/** Options of a comparison with a peer. */
export interface DiffOptions extends CallOptions {
  /** Differences at most; 100 when absent, 1,000 at most. */
  readonly limit?: number
}

/** Keys of a listing or a count. */
export interface RangeOptions extends CallOptions {
  readonly prefix?: string
  /** Start behind this key, in the order of the listing. */
  readonly after?: string
  /** End with this key, in the order of the listing. */
  readonly until?: string
  /** From the last key to the first. */
  readonly reverse?: boolean
}

/** Options of a listing. */
export interface ListOptions extends RangeOptions {
  /** Items of one page, at most 10,000. */
  readonly limit?: number
  readonly values?: boolean
}

/** Options of what settles a conflict. */
export interface ResolveOptions extends CallOptions, OnceOptions {
  /** The context of the conflict as it was shown; that of this moment when absent. */
  readonly context?: string | undefined
  /** The field of a map that is in conflict. */
  readonly field?: string | undefined
}

/** Options of a wait for the mesh. */
export interface WaitOptions extends CallOptions {
  /** Members that must be connected. */
  readonly peers?: number | undefined
  /** True to wait until all members, or `peers` of them, have exactly what the asked node has. */
  readonly converged?: boolean | undefined
  readonly timeoutMs?: number | undefined
}

/** Options of an import. */
export interface ImportOptions extends CallOptions {
  /**
   * JSON lines (`jsonl`), `consul kv export` (`consul`), or key, tab, value (`tsv`); by default what the first entry
   * tells, and BAD_REQUEST when that is none of them.
   */
  readonly format?: ImportFormat | 'auto'
  /** Called after each request with the bytes of the source taken so far. */
  readonly onProgress?: ((bytes: number, sum: ImportSummary) => void) | undefined
}

/** Options of the change feed. */
export interface WatchOptions {
  readonly prefix?: string
  /** A cursor, or `0` for the beginning of what is kept; from now on when absent. */
  readonly since?: string | undefined
  /** True to get what there is first, as puts with `initial`; with a cursor of such a watch it goes on there. */
  readonly initial?: boolean | undefined
  /** Called once when all that there was has come: what follows are changes. */
  readonly onInitialEnd?: ((cursor: string) => void) | undefined
  /** Ends the sequence, without an error. */
  readonly signal?: AbortSignal | undefined
  /**
   * Called each time the position has moved: first when the watch is open, then behind each event, and now and then
   * without one.
   */
  readonly onCursor?: (cursor: string) => void
  /**
   * Called when the connection broke, with its failure (undefined: the daemon ended it) and the delay of the next
   * attempt.
   */
  readonly onRetry?: (failure: unknown, retryMs: number) => void
}
