/**
 * Actions that a session asks of its surroundings, one at a time, and the answers to them. A session is a generator:
 * pure, synchronous, with no stream, clock or randomness of its own. Source of the shape: etcd raft's rawnode (event
 * in, actions out).
 */
import type { TaggedContexts, TaggedUpdates } from '../../../store/model/codec.js'
import type { Context } from '../../../store/model/context.js'
import type { NamedDot } from '../../../store/model/dot.js'
import type { ApplyOutcome, Capture, MissingUpdates, PeerEntry, SyncReplica } from '../../../store/replica/types.js'
import type { Message } from '../messages.js'

/** The synchronous part of a replica: what a session reads by itself. */
export type SyncView = Pick<
  SyncReplica,
  | 'isVerified'
  | 'damageEpoch'
  | 'awaitsPass'
  | 'trie'
  | 'capture'
  | 'appliedBefore'
  | 'peerEntry'
  | 'peerEntryAt'
  | 'digestOf'
>

/** One thing that a session asks of its surroundings. */
export type SessionAction =
  /** Send a message; go on when the next may be sent. */
  | { readonly type: 'send'; readonly message: Message }
  /** Wait for the peer's next message. */
  | { readonly type: 'receive' }
  /** Read updates from the log. */
  | {
      readonly type: 'readMissing'
      readonly missing: Context
      readonly bytesMax: number
      readonly peerApplied: Context
    }
  /** Begin to apply updates in one durable batch; the next batches come after it. */
  | { readonly type: 'apply'; readonly updates: TaggedUpdates }
  /** Begin to keep digests of contents whose updates the peer does not keep any more. */
  | { readonly type: 'keepDigests'; readonly dots: readonly NamedDot[] }
  /** Begin to join entries in one durable batch; the next batches come after it. */
  | { readonly type: 'join'; readonly entries: readonly PeerEntry[]; readonly peer: TaggedContexts }
  /** Wait until everything applied and joined is durable and committed. */
  | { readonly type: 'settle' }
  /** Unite the peer's captured contexts, durably. */
  | {
      readonly type: 'unite'
      readonly peer: TaggedContexts
      readonly except: Context
      /** Dots that had been seen here when the copies were compared, and those that the peer listed since. */
      readonly compared: Context
    }
  /** Take the slot for bulk transfers. */
  | { readonly type: 'acquireSlot' }
  /** Take note of the contexts that the peer has sent: what it applied is acknowledged. */
  | { readonly type: 'peerCaptured'; readonly capture: Capture }
  /** Let others have a turn. */
  | { readonly type: 'pause' }

/** The answer to an action. */
export type SessionAnswer =
  | { readonly type: 'done' }
  | { readonly type: 'message'; readonly message: Message }
  | { readonly type: 'missing'; readonly missing: MissingUpdates }
  | { readonly type: 'settled'; readonly outcome: ApplyOutcome }
  | { readonly type: 'acquired'; readonly granted: boolean }

/** A part of a session: yields actions, is given their answers, and returns a T. */
export type SessionPart<T> = Generator<SessionAction, T, SessionAnswer>

/** Thrown when a session cannot go on: `reason` is for reports and logs. */
export class SyncError extends Error {
  override readonly name = 'SyncError'
  readonly reason: string

  constructor(reason: string) {
    super(`sync: ${reason}`)
    this.reason = reason
  }
}

/** Waits for the peer's next message. */
export function* receive(): SessionPart<Message> {
  const answer = yield { type: 'receive' }
  if (answer.type !== 'message') throw new Error(`expected a message, got ${answer.type}`)
  return answer.message
}

/** Reads updates from the log. */
export function* readMissing(missing: Context, bytesMax: number, peerApplied: Context): SessionPart<MissingUpdates> {
  const answer = yield { type: 'readMissing', missing, bytesMax, peerApplied }
  if (answer.type !== 'missing') throw new Error(`expected updates, got ${answer.type}`)
  return answer.missing
}

/** Waits until what was applied and joined is durable. */
export function* settle(): SessionPart<ApplyOutcome> {
  const answer = yield { type: 'settle' }
  if (answer.type !== 'settled') throw new Error(`expected an outcome, got ${answer.type}`)
  return answer.outcome
}

/** Takes the slot for bulk transfers. Returns whether it was free. */
export function* acquireSlot(): SessionPart<boolean> {
  const answer = yield { type: 'acquireSlot' }
  if (answer.type !== 'acquired') throw new Error(`expected the slot, got ${answer.type}`)
  return answer.granted
}
