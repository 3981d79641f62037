/** Received updates on their way into the store: in the order of arrival, several messages in one batch, bounded. */
import type { MemberTag, TaggedUpdates } from '../../../store/model/codec.js'
import type { Actor } from '../../../store/model/dot.js'
import type { Update } from '../../../store/model/update.js'
import type { PeerId } from '../../network.js'

/** The updates of one message (or of one fetched group), which are applied in one batch. */
export interface Received {
  readonly tagged: TaggedUpdates
  readonly from: PeerId
  readonly bytes: number
}

/** Bounds of the queue. */
export interface InboxLimits {
  readonly messagesMax: number
  readonly bytesMax: number
  readonly batchBytesMax: number
}

/** A bounded queue of messages. */
export class Inbox {
  readonly #limits: InboxLimits
  #waiting: Received[] = []
  #bytes = 0

  constructor(limits: InboxLimits) {
    this.#limits = limits
  }

  /** Messages that wait. */
  get length(): number {
    return this.#waiting.length
  }

  /** Takes a message. Returns false, and leaves it to sync, when the queue is full. */
  add(received: Received): boolean {
    const isFull = this.#waiting.length >= this.#limits.messagesMax
    if (isFull || this.#bytes + received.bytes > this.#limits.bytesMax) return false
    this.addFetched(received)
    return true
  }

  /** Takes a fetched group, which is bounded elsewhere. */
  addFetched(received: Received): void {
    this.#bytes += received.bytes
    this.#waiting.push(received)
  }

  /** Takes the next messages, at least one if any waits, about a batch of them. */
  take(): Received[] {
    let bytes = 0
    let count = 0
    for (const received of this.#waiting) {
      bytes += received.bytes
      if (count > 0 && bytes > this.#limits.batchBytesMax) break
      count++
    }
    const taken = this.#waiting.splice(0, count)
    for (const received of taken) this.#bytes -= received.bytes
    return taken
  }
}

/** The updates of several messages as one list, in their order. */
export function merge(received: readonly Received[]): TaggedUpdates {
  if (received.length === 1) return received[0]!.tagged
  const updates: Update[] = []
  const members = new Map<Actor, MemberTag>()
  for (const { tagged } of received) {
    for (const update of tagged.updates) updates.push(update)
    for (const [actor, member] of tagged.members) members.set(actor, member)
  }
  return { updates, members }
}
