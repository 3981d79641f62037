/** Types that all data types share: what users see of their data, and the options of their requests. */
import type { HybridTime } from '../model/clock.js'
import type { MemberTag } from '../model/codec.js'
import type { Dot } from '../model/dot.js'
import type { Type } from '../model/types.js'

/** One sibling as a reader sees it. */
export interface ShownVersion {
  readonly dot: Dot
  /** The tag of the member that wrote it. */
  readonly member: MemberTag
  readonly time: HybridTime
  /** The deadline in milliseconds since 1970; null when it does not expire. */
  readonly expiresAtMs: number | null
  readonly value: Uint8Array
}

/** Versions that a read shows, the winner first, and their tokens. */
export interface Shown {
  readonly key: string
  readonly versions: readonly ShownVersion[]
  /** The token of what the bytes form shows: what a put without a token would supersede. */
  readonly winnerContext: string
  /** The token of all versions. */
  readonly context: string
}

/** Options of every write. */
export interface OnceOptions {
  /** Once for each retry key; `requestHash` tells whether it is the same request. */
  readonly retry?: { readonly key: string; readonly requestHash: Uint8Array } | undefined
  /**
   * Called inside the write, unless it is a retry of one that was stored; what it throws refuses the write. A promise
   * that it returns ends the write, with nothing stored: it starts again once that is fulfilled, and is refused by what
   * that rejects with.
   */
  readonly guard?: () => Promise<void> | undefined
}

/** Options that say what a write has in view. */
export interface ViewOptions {
  /** A token of an earlier read: supersedes exactly what that showed. */
  readonly context?: string | undefined
}

/** Options of a put. */
export interface PutOptions extends ViewOptions {
  /** The deadline in milliseconds since 1970. */
  readonly expiresAtMs?: number | null
  /** Refuse with EXISTS when a live version is there. */
  readonly ifAbsent?: boolean
}

/** Options of a delete. */
export interface DeleteOptions extends ViewOptions {
  /** Every version in view, conflict or not. */
  readonly all?: boolean
}

/** Options of a put or a delete, and of every write. */
export interface WriteOptions extends PutOptions, DeleteOptions, OnceOptions {}

/** Options of a write that settles a conflict. */
export interface ResolveOptions extends ViewOptions, OnceOptions {}

/** Answer to a write. */
export interface Written {
  readonly dot: Dot
  /** The token of the new dot alone. */
  readonly context: string
  /** After a put: versions that a read shows there, this one included; more than 1 is a conflict. */
  readonly siblings?: number
  /** After a resolution that was no retry: the versions that it settled, in the order in which they were shown. */
  readonly settled?: readonly SettledVersion[]
}

/** Content of a version that a resolution has settled. */
export interface SettledVersion {
  readonly value: Uint8Array
  /** The deadline in milliseconds since 1970; null when it does not expire. */
  readonly expiresAtMs: number | null
}

/** Versions that an undo wrote again, in the order in which they had been shown, and the token of all of them. */
export interface Reopened {
  readonly dots: readonly Dot[]
  readonly context: string
}

/** A type that users see; one that is not known here by its number. */
export type UserType = Exclude<Type, 'sys'>

/** One key of a listing. */
export interface ListItem {
  readonly key: string
  readonly types: readonly UserType[]
  /** Sibling groups of the register; 1 without a conflict, 0 without a register. */
  readonly siblings: number
  /** The shown winner, when asked for and the key has a register. */
  readonly value?: Uint8Array
}

/** Number of keys, and of those that have each type. */
export interface CountedKeys {
  readonly keys: number
  readonly types: ReadonlyMap<UserType, number>
  /** Key to go on behind; null when all were counted. */
  readonly next: string | null
}

/** One address in conflict. */
export interface ConflictItem {
  readonly key: string
  readonly type: UserType
  readonly field: Uint8Array
  readonly context: string
  readonly versions: readonly ShownVersion[]
}

/** A page in key order. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Key to go on behind; null at the end. */
  readonly next: string | null
}

/** Choice that settles a conflict: a version by its number, a new value, or the merge of the resolver. */
export type Resolution = { readonly pick: number } | { readonly value: Uint8Array } | { readonly merge: true }
