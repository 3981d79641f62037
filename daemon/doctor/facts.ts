/** Facts that the doctor judges by, of one moment. */
import type { MemberStatus } from '../../protocols/membership/types.js'
import type { VerificationProgress } from '../../store/replica/health.js'
import type { Notice } from '../../store/replica/warnings.js'
import type { SyncCondition } from '../views/mesh-view.js'
import type { Clashes } from '../views/node-view.js'

/** Space of the disk that holds the data directory, or why it could not be asked. */
export type DiskSpace = { readonly freeBytes: number; readonly totalBytes: number } | { readonly reason: string }

/** A member, and how sync with it goes; undefined while it is not connected. */
export interface MemberFact extends MemberStatus {
  readonly sync: SyncCondition | undefined
}

/** The state of the store. */
export interface StoreFact {
  readonly isVerified: boolean
  /** Why clients are not served; null: they are. */
  readonly obstacle: { readonly code: string; readonly message: string } | null
  /** Why the store is not verified, in words. */
  readonly unverifiedReason: string | null
  readonly progress: VerificationProgress | null
  readonly entries: number
}

/** Everything that is judged. Times are in milliseconds, moments in milliseconds since 1970. */
export interface Facts {
  readonly nowMs: number
  readonly name: string
  readonly version: string
  readonly store: StoreFact
  readonly disk: DiskSpace
  /** The update log and its limits. */
  readonly log: { readonly bytes: number; readonly maxBytes: number; readonly maxAgeMs: number }
  readonly notices: readonly Notice[]
  /** Dots with two contents; members by their names. */
  readonly clashes: Clashes
  readonly conflicts: number
  readonly members: readonly MemberFact[]
  readonly syncIntervalMs: number
  readonly network: {
    /** False while it is starting. */
    readonly isUp: boolean
    /** The multiaddrs that are announced to members. */
    readonly addresses: readonly string[]
    /** Those of them at which nothing answered when this node tried. */
    readonly unanswered: readonly string[]
    readonly isMdnsOn: boolean
  }
}
