/** The messages of a sync session, as both sides have them in memory; `codec.ts` has their bytes. */

import type { Address } from '../../store/model/address.js'
import type { TaggedUpdates } from '../../store/model/codec.js'
import type { NamedDot } from '../../store/model/dot.js'
import type { CapturePatch } from './core/captures.js'
import type { TableMessage } from './core/tables.js'
import type { TaggedEntries } from './entries.js'

/** Reasons for which a session is refused. */
export const busyReasons = ['bulk', 'crossed', 'unverified', 'stranger', 'version', 'closing'] as const

/** One of the reasons. */
export type BusyReason = (typeof busyReasons)[number]

/** A reason that only a later version knows. */
export const laterReason = 'another reason'

/** A node below one differing prefix: the salted digests of its 16 children, or those of all of its entries. */
export interface TreeNode {
  readonly kind: 'digests' | 'listing'
  /** 8 bytes each. */
  readonly digests: Uint8Array
}

/**
 * An address at which the sender of a message knows other contents under some dots that the receiver has live there.
 */
export interface ClashingDots {
  readonly address: Address
  /** Dots with the digests of the contents that the sender knows. */
  readonly dots: readonly NamedDot[]
}

/** One message of a session. */
export type Message =
  | {
      readonly type: 'open'
      /**
       * True from the initiator if young differences may end the session. True from the responder if all that the
       * initiator lacks is young: nothing is sent, and the floor goes back.
       */
      readonly young: boolean
      readonly salt: Uint8Array
      readonly capture: CapturePatch
      /**
       * Present in a session that compares and changes nothing, from both sides. A responder that does not know the
       * field leaves it out: then the initiator breaks off.
       */
      readonly compares?: true
      /**
       * The digest of the table that the initiator's first capture is a patch on; from the responder, of the one that
       * it found. None: nothing.
       */
      readonly table?: Uint8Array | undefined
    }
  | { readonly type: 'busy'; readonly reason: BusyReason | typeof laterReason }
  | { readonly type: 'equal'; readonly capture: CapturePatch; readonly table?: Uint8Array | undefined }
  /** Part of a swap of tables; without anything in it: the initiator is to send its contexts whole. */
  | ({ readonly type: 'table' } & TableMessage)
  | { readonly type: 'young'; readonly capture: CapturePatch }
  | { readonly type: 'delta'; readonly updates: TaggedUpdates }
  /** Digests of contents whose updates the log does not keep any more; sorted by dot. */
  | { readonly type: 'digests'; readonly dots: readonly NamedDot[] }
  | { readonly type: 'deltaEnd'; readonly unlisted: number }
  | {
      readonly type: 'check'
      readonly capture: CapturePatch
      /** True if the first nodes of a descent follow in the same turn. */
      readonly descends: boolean
    }
  | {
      readonly type: 'tree'
      /**
       * Masks, one for each of the peer's blocks of 16 digests, in order: a bit for each child that differs here,
       * lowest child first.
       */
      readonly answers: readonly number[]
      /** The sender's nodes for the children that differ, in order. */
      readonly nodes: readonly TreeNode[]
    }
  | { readonly type: 'wants'; readonly positions: readonly number[] }
  | { readonly type: 'entries'; readonly part: boolean; readonly entries: TaggedEntries }
  | { readonly type: 'values'; readonly addresses: readonly Address[] }
  /**
   * Dots under which the sender knows another content than it was shown, or which it has live: nothing of that was
   * removed.
   */
  | {
      readonly type: 'clashes'
      /** True if not all could be named: the receiver removes nothing that it showed. */
      readonly more: boolean
      readonly clashes: readonly ClashingDots[]
    }
  | {
      readonly type: 'end'
      /** True if something in this turn needs an answer. */
      readonly expecting: boolean
    }
