/** The bytes of one connection that were received and not yet taken as frames: one bound for all of its channels. */

/** A channel as the budget sees it. */
export interface Receiver {
  /** Bytes that it holds. */
  readonly held: number
  /** Called when the channel may receive again. */
  mayReceive(): void
}

/**
 * Bounds the bytes that the channels of a connection hold. While these are the limit or more, one channel alone goes on
 * receiving, until it holds nothing: frames that all wait for their rest would otherwise wait for each other. What they
 * hold is then at most the limit, one frame, and what was under way when the others were paused.
 */
export class ReceiveBudget {
  readonly #receivers = new Set<Receiver>()
  #held = 0
  #leader: Receiver | undefined

  constructor(private readonly bytesMax: number) {}

  /** Bytes held by all channels. */
  get held(): number {
    return this.#held
  }

  /** A channel holds so many bytes more. */
  hold(receiver: Receiver, bytes: number): void {
    this.#receivers.add(receiver)
    this.#held += bytes
    if (this.#isFull) this.#leader ??= receiver
  }

  /** A channel holds so many bytes fewer. */
  release(receiver: Receiver, bytes: number): void {
    this.#held -= bytes
    if (receiver.held === 0) this.#forget(receiver)
    if (!this.#isFull) this.#leader = undefined
    else this.#leader ??= this.#receivers.values().next().value
    if (this.#leader !== undefined) this.#leader.mayReceive()
    else for (const each of [...this.#receivers, receiver]) each.mayReceive()
  }

  /** True if a channel is to receive more. */
  allows(receiver: Receiver): boolean {
    return !this.#isFull || this.#leader === receiver
  }

  get #isFull(): boolean {
    return this.#held >= this.bytesMax
  }

  #forget(receiver: Receiver): void {
    this.#receivers.delete(receiver)
    if (this.#leader === receiver) this.#leader = undefined
  }
}
