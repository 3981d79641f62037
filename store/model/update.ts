/** Versions, entries and updates: what the store holds and what travels. */
import type { Address } from './address.js'
import type { HybridTime } from './clock.js'
import type { ContentDigest, Dot, NamedDot } from './dot.js'

/** One value stored at an address under one dot. */
export interface Version {
  readonly dot: Dot
  readonly time: HybridTime
  /** The deadline in milliseconds since 1970; null when it does not expire. */
  readonly expiresAtMs: number | null
  readonly value: Uint8Array
  /** The first 16 bytes of the SHA-256 of the value. */
  readonly valueHash: Uint8Array
}

/** An address with its live versions, sorted by dot; never empty in the store. */
export interface Entry {
  readonly address: Address
  readonly versions: readonly Version[]
}

/** Effect of an update: it stores a version, deletes, or deletes because of a deadline. */
export type UpdateKind = 'put' | 'delete' | 'expiry'

/** One update: the unit of gossip, of the log and of delta sync. */
export interface Update {
  readonly dot: Dot
  readonly address: Address
  readonly kind: UpdateKind
  readonly time: HybridTime
  /** Deadline of a put, in milliseconds since 1970; null otherwise and when it does not expire. */
  readonly expiresAtMs: number | null
  /**
   * Bytes of a put; null for deletes, and for a put whose version has been superseded and whose bytes are not sent
   * again.
   */
  readonly value: Uint8Array | null
  /** The dots at the same address that this update supersedes, with the digest of the content that it means; sorted. */
  readonly supersedes: readonly NamedDot[]
  /** Digest of the content, where it cannot be computed from the rest: of a put that travels without its bytes. */
  readonly digest?: ContentDigest | undefined
}
