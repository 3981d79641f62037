/** What the HTTP API needs of the rest of the daemon: the users' registers, and the mesh. */

import type { Address, Type } from '../store/model/address.js'
import type { HybridTime } from '../store/model/clock.js'
import type { MemberTag } from '../store/model/codec.js'
import type { Dot } from '../store/model/dot.js'

/** One sibling as shown to a user. */
export interface ShownVersion {
  readonly dot: Dot
  /** The tag of the member that wrote it; Mesh.nameOf gives its name. */
  readonly member: MemberTag
  readonly time: HybridTime
  readonly expiresAtMs: number | null
  readonly value: Uint8Array
}

/** What a read shows: the winner first. */
export interface Shown {
  readonly key: string
  readonly versions: readonly ShownVersion[]
  /** The token of what the bytes form shows: the winner's group. */
  readonly winnerContext: string
  /** The token of all versions. */
  readonly context: string
}

/** How a put or delete is to be done. */
export interface WriteOptions {
  /** A token of an earlier read; supersedes exactly what that showed. */
  readonly context?: string
  /** Deletes: supersede every version in view, conflict or not. */
  readonly all?: boolean
  /** Puts: the absolute deadline in milliseconds since 1970. */
  readonly expiresAtMs?: number | null
  /** Puts: refuse with EXISTS when a live version is there. */
  readonly ifAbsent?: boolean
  /** Puts: apply once for each retry key; `requestHash` tells whether it is the same request. */
  readonly retry?: { readonly key: string; readonly requestHash: Uint8Array }
}

/** What a write answers. */
export interface Written {
  readonly dot: Dot
  /** The token of the new dot alone. */
  readonly context: string
}

/** One item of a listing. */
export interface ListItem {
  readonly key: string
  readonly types: readonly Exclude<Type, 'sys'>[]
  /** Sibling groups of the register; 1 when there is no conflict. */
  readonly siblings: number
  /** The shown winner's bytes, when asked for and the key has a register. */
  readonly value?: Uint8Array
}

/** One address in conflict. */
export interface ConflictItem {
  readonly key: string
  readonly type: Exclude<Type, 'sys'>
  readonly field: Uint8Array
  readonly context: string
  readonly versions: readonly ShownVersion[]
}

/** A page in key order. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Pass as `after` to go on; null at the end. */
  readonly next: string | null
}

/** How a conflict is to be settled: by the 1-based number of a displayed version, or by a value. */
export type Resolution = { readonly pick: number } | { readonly value: Uint8Array } | { readonly merge: true }

/** The users' registers. Every method that fails rejects with a HearsayError and has stored nothing, but for STORE_FAILED (outcome unknown). */
export interface Registers {
  /** What a read shows now; undefined when there is nothing. Throws DAMAGED_VALUE. */
  get(key: string): Shown | undefined
  put(key: string, value: Uint8Array, options: WriteOptions): Promise<Written>
  /** NOT_FOUND when there is nothing; CONFLICT when siblings are there and neither a context nor `all` was given. */
  delete(key: string, options: WriteOptions): Promise<Written>
  /** Keys in order of their UTF-8 bytes; every type. `limit` at most 10,000. */
  list(query: { prefix: string; after?: string; limit: number; values: boolean }): Promise<Page<ListItem>>
  conflicts(query: { prefix: string; after?: string; limit: number }): Promise<Page<ConflictItem>>
  /** Settles a conflict; STALE_CONTEXT when a sibling has come that the given context lacks. */
  resolve(key: string, resolution: Resolution, options: { context?: string }): Promise<Written>
  /** Import of one exported line: a version equal to a live one is skipped (undefined); `extra` supersedes nothing. */
  importValue(
    key: string,
    value: Uint8Array,
    options: { expiresAtMs: number | null; extra: boolean },
  ): Promise<Written | undefined>
}

/** A member as `status` shows it. */
export interface MemberStatus {
  readonly name: string
  readonly peer: string
  readonly connected: boolean
  readonly blocked: boolean
  /** Only while its latest heartbeat showed our root and contexts. */
  readonly converged: boolean
  /** Updates applied here that it has not acknowledged. */
  readonly behind: number
  /** Updates that it has applied and we have not, as last heard. */
  readonly ahead: number
  /** Milliseconds since 1970; null: never. */
  readonly lastSeenMs: number | null
  readonly lastEqualMs: number | null
  readonly hints: { readonly updates: number; readonly bytes: number; readonly sinceMs: number | null }
  readonly addresses: readonly string[]
  readonly version: string
  /** Its clock against ours, in milliseconds; null: not heard. */
  readonly clockOffsetMs: number | null
}

/** The report of one sync session. */
export interface SessionReport {
  readonly peer: string
  readonly mode: 'equal' | 'contexts' | 'delta' | 'tree' | 'full' | 'busy' | 'young'
  readonly roundTrips: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly entriesSent: number
  readonly entriesReceived: number
  /** Why it ended: `complete`, or a reason for a cut. */
  readonly ended: string
}

/** Acknowledgements of one write. */
export interface Acks {
  readonly have: number
  readonly want: number
  readonly nodes: readonly string[]
}

/** The mesh as the API sees it. */
export interface Mesh {
  readonly name: string
  readonly peer: string
  /** The multiaddrs others can reach this node at. */
  addresses(): string[]
  /** The name of the member behind a tag; the tag itself when it is not known. */
  nameOf(member: MemberTag): string
  /** All members but this one, forgotten ones left out, by name. */
  members(): MemberStatus[]
  /** Names and ids this node is cut off from. */
  blocked(): string[]
  warnings(): string[]
  /** A token with addresses and the mesh secret. */
  invite(): string
  /** Joins another mesh: BAD_TOKEN, UNREACHABLE, OTHER_MESH; nothing has changed then. */
  join(token: string): Promise<void>
  /** Retires a member for good. NOT_FOUND. */
  forget(nameOrPeer: string): Promise<void>
  /** Cuts this node off from peers; returns when their connections are closed. NOT_FOUND for an unknown one. */
  block(peers: readonly string[]): Promise<void>
  /** Lifts blocks; all when absent. */
  unblock(peers?: readonly string[]): Promise<void>
  /** Runs anti-entropy now with one peer, or with every connected one. NOT_FOUND, UNREACHABLE. */
  sync(peer?: string): Promise<SessionReport[]>
  /** Waits until so many members have a durable copy of the dot, this node included. Resolves with what there is at the end of the time. */
  awaitAcks(dot: Dot, want: number | 'majority' | 'all', timeoutMs: number): Promise<Acks>
  /** Whether a majority of the members (this one included) is connected. */
  hasQuorum(): boolean
  /** Waits until `peers` members are connected and, with `converged`, a heartbeat taken after the call shows them equal to us. Resolves whether it came true in time. */
  wait(condition: { peers?: number; converged: boolean; timeoutMs: number }, signal?: AbortSignal): Promise<boolean>
  /** Asks members for their copy of an address, joins the answers here, repairs what lags; NO_QUORUM when too few answer. */
  readRepair(address: Address, consistency: 'majority' | 'all', timeoutMs: number): Promise<void>
  /** Which members durably hold this version. */
  where(dot: Dot): { nodes: string[]; unknown: string[] }
}
