/**
 * The outgoing half of a channel: frames wait here, bounded, until the stream pulls them, many small ones in one piece.
 */
import type { Uint8ArrayList } from 'uint8arraylist'

interface Sender {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * An iterator that a stream's sink pulls from. A push resolves at once while fewer than `bytesMax` bytes wait, else
 * when they have been taken: back pressure without a turn of the whole stack for each small frame. It is an object and
 * no generator, because a sink that was reset calls `return` while a `next` is pending, and a generator would queue
 * that behind it.
 */
export class SendQueue implements AsyncIterableIterator<Uint8ArrayList> {
  #waiting: Uint8ArrayList | undefined
  #senders: Sender[] = []
  #pull: ((result: IteratorResult<Uint8ArrayList>) => void) | undefined
  #flushed: Sender[] = []
  #isPulled = false
  #hasEnded = false
  #failure: Error | undefined

  /** Bounds in bytes: what may wait, and what one pull takes at most unless a single frame is larger. */
  constructor(
    private readonly bytesMax: number,
    private readonly pieceBytesMax: number,
  ) {}

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Queues bytes; resolves when the next may be pushed. Rejects when the queue has ended or failed. */
  push(bytes: Uint8ArrayList): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#hasEnded) return Promise.reject(new Error('the channel is closed'))
    if (this.#waiting === undefined) this.#waiting = bytes
    else this.#waiting.append(bytes)
    this.#hand()
    if (this.#size < this.bytesMax) return Promise.resolve()
    return new Promise((resolve, reject) => this.#senders.push({ resolve, reject }))
  }

  /** Ends the queue. Resolves when everything queued has been taken; rejects when the stream broke first. */
  end(): Promise<void> {
    this.#hasEnded = true
    this.#hand()
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (!this.#isPulled && this.#size === 0) return Promise.resolve()
    return new Promise((resolve, reject) => this.#flushed.push({ resolve, reject }))
  }

  /** The stream is gone: rejects everything that waits, and every later push. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#hasEnded = true
    this.#isPulled = false
    this.#waiting = undefined
    const senders = [...this.#senders.splice(0), ...this.#flushed.splice(0)]
    for (const sender of senders) sender.reject(this.#failure)
    this.#hand()
  }

  next(): Promise<IteratorResult<Uint8ArrayList>> {
    this.#isPulled = false
    return new Promise((resolve) => {
      this.#pull = resolve
      this.#hand()
    })
  }

  return(): Promise<IteratorResult<Uint8ArrayList>> {
    const isDone = this.#hasEnded && !this.#isPulled && this.#size === 0
    if (!isDone) this.fail(new Error('the peer ended the stream'))
    return Promise.resolve({ done: true, value: undefined })
  }

  get #size(): number {
    return this.#waiting?.byteLength ?? 0
  }

  /** Gives the sink a piece, if it asks for one and there is one. */
  #hand(): void {
    const pull = this.#pull
    if (pull === undefined) return
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#pull = undefined
      this.#isPulled = true
      const piece = waiting.sublist(0, Math.min(waiting.byteLength, this.pieceBytesMax))
      waiting.consume(piece.byteLength)
      if (waiting.byteLength === 0) this.#waiting = undefined
      pull({ done: false, value: piece })
      if (this.#size < this.bytesMax) for (const { resolve } of this.#senders.splice(0)) resolve()
    } else if (this.#hasEnded) {
      this.#pull = undefined
      for (const { resolve } of this.#flushed.splice(0)) resolve()
      pull({ done: true, value: undefined })
    }
  }
}
