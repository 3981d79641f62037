/** The JSON of the HTTP API, as its clients see it. Names and shapes are promised; unknown members may be added. */

/** A value in JSON. */
export interface EncodedValue {
  readonly value: string
  /** `utf8` when the bytes are valid UTF-8. */
  readonly encoding: 'utf8' | 'base64'
}

/** One sibling as shown. */
export interface Version extends EncodedValue {
  /** `actor:counter`. */
  readonly dot: string
  /** The name of the node that wrote it. */
  readonly node: string
  /** ISO 8601, with milliseconds. */
  readonly time: string
  readonly expires?: string | null
}

/** The bytes form of a read: the shown winner. */
export interface Shown {
  readonly value: Buffer
  /** The token of what is shown. */
  readonly context: string
  readonly dot: string
  /** 1 when there is no conflict. */
  readonly siblings: number
}

/** Every version of a key, the shown winner first. */
export interface Versions {
  readonly key: string
  /** The token of all versions shown here. */
  readonly context: string
  readonly versions: readonly Version[]
}

/** Which nodes have a write durably. */
export interface Acks {
  readonly have: number
  readonly want: number
  readonly nodes: readonly string[]
}

/** The answer to a write. */
export interface Written {
  readonly key: string
  readonly dot: string
  /** The token of the new version alone. */
  readonly context: string
  readonly acks: Acks
  /** Versions that a read shows there now; more than 1 is a conflict that stayed. Absent when the node does not tell. */
  readonly siblings?: number
}

/** A counter. */
export interface CounterValue {
  readonly key: string
  /** Decimal digits as text when it lies beyond 2^53 - 1. */
  readonly value: number | string
  readonly code?: 'COUNTER_RANGE'
}

/** A counter after an increment. */
export interface Counted extends CounterValue {
  readonly dot: string
  readonly acks: Acks
}

/** A member of a set: text, or with its encoding when it is not UTF-8. */
export type SetMember = string | EncodedValue

/** A set. */
export interface SetMembers {
  readonly key: string
  readonly members: readonly SetMember[]
}

/** A member after it was added. */
export interface Added {
  readonly key: string
  readonly member: SetMember
  readonly dot: string
  readonly acks: Acks
}

/** A map, every field with its shown winner. */
export interface MapFields {
  readonly key: string
  readonly fields: Readonly<Record<string, EncodedValue & { readonly siblings: number }>>
}

/** Every version of a field. */
export interface FieldVersions extends Versions {
  readonly field: string
}

/** The answer to a put of a field. */
export interface FieldWritten extends Written {
  readonly field: string
}

/** A document as it is shown, all versions merged. */
export interface DocumentShown {
  readonly key: string
  /** The token of all that is shown: a put with it is the difference to just this. */
  readonly context: string
  readonly dot: string
  readonly siblings: number
  /** Versions that the node cannot read; they are kept. */
  readonly unreadable: number
  readonly document: Readonly<Record<string, unknown>>
  /** The places inside that hold concurrent values. */
  readonly conflicts: readonly {
    /** A JSON pointer. */
    readonly path: string
    /** The shown one first. */
    readonly values: readonly unknown[]
  }[]
}

/** How a document is written. */
export interface DocumentOptions extends NodesOptions, OnceOptions {
  /** A token of an earlier read. */
  readonly context?: string | undefined
  /** Reject with EXISTS when there is a document. */
  readonly ifAbsent?: boolean
}

/** One write of a batch; which members it takes depends on `op`. */
export interface Operation {
  readonly op: 'put' | 'del' | 'counter.incr' | 'set.add' | 'set.rm' | 'map.put' | 'map.rm'
  readonly key: string
  readonly value?: string
  readonly encoding?: 'utf8' | 'base64'
  readonly member?: string
  readonly field?: string
  readonly by?: number
  readonly context?: string
  readonly ttl?: string
  readonly ifAbsent?: boolean
  readonly all?: boolean
}

/** The dots of a batch, in the order of its operations. */
export interface Batched {
  readonly ops: readonly { readonly dot: string }[]
  readonly acks: Acks
}

/** One item of a listing. */
export interface ListItem extends Partial<EncodedValue> {
  readonly key: string
  readonly types: readonly string[]
  readonly siblings: number
}

/** A page in key order. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Pass as `after` to go on; null at the end. */
  readonly next: string | null
}

/** One address in conflict. */
export interface Conflict {
  readonly key: string
  readonly type: string
  readonly field?: string
  readonly context: string
  readonly versions: readonly (Version & { readonly size?: number })[]
}

/** How to settle a conflict: by the 1-based number of a displayed version, by a value, or by merging. */
export type Resolution = { readonly pick: number } | { readonly value: string | Uint8Array } | { readonly merge: true }

/** A member as a node sees it. */
export interface Member {
  readonly name: string
  readonly peer: string
  readonly connected: boolean
  readonly blocked: boolean
  readonly converged: boolean
  /** Updates that it has not acknowledged. */
  readonly behind: number
  /** Updates that it has and this node has not, as last heard. */
  readonly ahead: number
  readonly lastSeen: string | null
  readonly lastEqual: string | null
  readonly hints: { readonly updates: number; readonly bytes: number; readonly since: string | null }
  readonly addresses: readonly string[]
  readonly version: string
  /** Its clock against that of the node, in milliseconds; null: not heard. */
  readonly clockOffsetMs: number | null
}

/** What a node knows of itself and the mesh. */
export interface Status {
  readonly node: string
  readonly peer: string
  readonly actor: string | null
  readonly version: string
  /** Entries of users. */
  readonly entries: number
  readonly root: string
  readonly context: string
  readonly conflicts: number
  /** What is kept of updates that are no longer live, for members that miss them. */
  readonly log: { readonly bytes: number }
  /** True once the store has been verified since the start; until then the node does not sync. */
  readonly verified: boolean
  /** Where peers reach the node: multiaddrs. */
  readonly addresses: readonly string[]
  readonly blocked: readonly string[]
  readonly warnings: readonly string[]
  readonly members: readonly Member[]
}

/** The report of one session of anti-entropy. */
export interface SyncSession {
  readonly peer: string
  /** The peer's name; its id while its name is not known. */
  readonly name: string
  readonly mode: string
  readonly roundTrips: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly entriesSent: number
  readonly entriesReceived: number
  readonly ended: string
}

/** Who durably holds the shown version of a key. */
export interface Where {
  readonly key: string
  readonly dot: string
  readonly nodes: readonly string[]
  /** Nodes that were asked, and do not have it. */
  readonly missing: readonly string[]
  /** Members that did not answer. */
  readonly unknown: readonly string[]
}

/** What an import did. */
export interface ImportSummary {
  readonly imported: number
  /** Lines whose value was there already. */
  readonly skipped: number
  readonly failed: readonly { readonly line: number; readonly code: string; readonly message: string }[]
  /** Entries of Consul whose flags were not kept; absent: none. */
  readonly flagged?: number
}

/** Options of reads. */
export interface ReadOptions {
  /** How many nodes to ask. */
  readonly consistency?: 'one' | 'majority' | 'all'
  readonly timeoutMs?: number
}

/** What a write asks of other nodes. */
export interface NodesOptions {
  /** Return only when so many nodes, the asked one included, have it durably. */
  readonly acks?: number | 'majority' | 'all'
  /** Refuse when less than a majority of the members is reachable. */
  readonly requireQuorum?: boolean
  readonly timeoutMs?: number
}

/** What makes a repeated write harmless. */
export interface OnceOptions {
  /** A name for this write, so that repeating it does nothing more. */
  readonly idempotencyKey?: string
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
export interface DeleteOptions extends NodesOptions {
  readonly context?: string
  /** Delete every version, conflict or not. */
  readonly all?: boolean
}

/** Options of a listing. */
export interface ListOptions {
  readonly prefix?: string
  /** Start behind this key. */
  readonly after?: string
  /** Items of one page, at most 10,000. */
  readonly limit?: number
  readonly values?: boolean
}

/** One event of the change feed. */
export interface WatchEvent {
  readonly key: string
  readonly type: string
  /** The member of a set or the field of a map; empty for other types. */
  readonly field: string
  /** Present when the field is not UTF-8. */
  readonly fieldEncoding?: 'base64'
  readonly op: 'put' | 'del' | 'expire'
  /** Of the update; of the removed version when a removal was learnt by comparing trees. */
  readonly dot: string
  readonly node: string
  readonly time: string
  /** Of a put, as far as its bytes are kept; null otherwise. */
  readonly value: string | null
  readonly encoding: 'utf8' | 'base64' | null
  /** Give it as `since` to go on behind this event. */
  readonly cursor: string
}

/** Options of the change feed. */
export interface WatchOptions {
  readonly prefix?: string
  /** A cursor, or `0` for the beginning of what is kept; from now on when absent. */
  readonly since?: string
  /** Ends the sequence. */
  readonly signal?: AbortSignal
  /** Told each time the position has moved: first when the watch stands, then behind each event, and now and then without one. */
  readonly onCursor?: (cursor: string) => void
  /** Told when the connection broke (undefined: the daemon ended it), and after how long it is tried again. */
  readonly onRetry?: (failure: unknown, retryMs: number) => void
}
