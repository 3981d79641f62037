/** A libp2p stream, which is a target of events, as a duplex for it-pipe, with back pressure in both directions. */
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { ReceiveBudget, Receiver } from './receive-budget.js'

type Bytes = Uint8Array | Uint8ArrayList

/**
 * The stream is paused while `waitingBytesMax` bytes or more wait here, or the budget is full; its reader tells through
 * `release` what it has taken out of the pieces. A paused peer can still fill its window, which the stream keeps, and
 * which comes in one piece afterwards.
 *
 * libp2p's own `messageStreamToDuplex` keeps what nobody takes without a bound, and loses what a paused stream holds
 * when the peer ends it.
 */
export class StreamDuplex implements Receiver {
  readonly source: AsyncIterable<Bytes>
  readonly #pieces: Bytes[] = []
  #waiting = 0
  #held = 0
  #isResuming = false
  #hasEnded = false
  #isClosed = false
  #failure: Error | undefined
  #wake: (() => void) | undefined

  /** Takes over a stream that may be paused, and reads from now on. */
  constructor(
    private readonly stream: Stream,
    private readonly waitingBytesMax: number,
    private readonly budget: ReceiveBudget,
  ) {
    this.source = { [Symbol.asyncIterator]: () => this.#read() }
    stream.addEventListener('message', ({ data }) => this.#received(data))
    stream.addEventListener('end', () => this.#end())
    stream.addEventListener('close', ({ error }) => this.#close(error))
    this.#adjust()
    this.#endIfRead()
  }

  /** Bytes received, and not yet released. */
  get held(): number {
    return this.#held
  }

  mayReceive(): void {
    this.#adjust()
  }

  /** The reader is done with so many bytes of the pieces. */
  release(bytes: number): void {
    const released = Math.min(bytes, this.#held)
    if (released === 0) return
    this.#held -= released
    this.budget.release(this, released)
  }

  /** Sends everything from the source, as fast as the peer takes it, and ends our side. */
  readonly sink = async (source: AsyncIterable<Bytes>): Promise<void> => {
    for await (const piece of source) {
      if (!this.stream.send(piece)) await drained(this.stream)
    }
    await this.stream.close()
  }

  async *#read(): AsyncGenerator<Bytes> {
    for (;;) {
      const piece = this.#pieces.shift()
      if (piece !== undefined) {
        this.#waiting -= piece.byteLength
        this.#adjust()
        yield piece
      } else if (this.#hasEnded) {
        if (this.#failure !== undefined) throw this.#failure
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  #received(data: Bytes): void {
    this.#pieces.push(data)
    this.#waiting += data.byteLength
    if (!this.#isClosed) {
      this.#held += data.byteLength
      this.budget.hold(this, data.byteLength)
    }
    this.#endIfRead()
    this.#adjust()
    this.#wake?.()
  }

  /**
   * The negotiation of a protocol gives back what it read too much, also after the stream has announced its end: no
   * other event tells then that everything is here.
   */
  #endIfRead(): void {
    if (this.stream.readableEnded && this.stream.readBufferLength === 0) this.#end()
  }

  #end(error?: Error): void {
    this.#failure ??= error
    this.#hasEnded = true
    this.#wake?.()
  }

  /** A closed stream counts no more; what it still keeps comes before its end. */
  #close(error: Error | undefined): void {
    this.#isClosed = true
    if (error !== undefined || this.stream.readBufferLength === 0) this.#end(error)
    this.release(this.#held)
  }

  /**
   * Pauses or resumes the stream. Not while a resume hands over what had come: the stream would take the pause and yet
   * ask for more.
   */
  #adjust(): void {
    if (this.#isResuming || this.#hasEnded) return
    const isWanted = this.#waiting < this.waitingBytesMax && this.budget.allows(this)
    if (!isWanted && this.stream.readStatus === 'readable') this.stream.pause()
    if (isWanted && this.stream.readStatus === 'paused') this.#resume()
  }

  #resume(): void {
    this.#isResuming = true
    try {
      this.stream.resume()
    } catch {
      // The connection is gone, and with it whom to ask for more; what had come was handed over first.
    } finally {
      this.#isResuming = false
    }
    this.#adjust()
  }
}

/** Resolves when a stream takes more; rejects when it is gone first. */
function drained(stream: Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      stream.removeEventListener('drain', onDrain)
      stream.removeEventListener('close', onClose)
      done()
    }
    const onDrain = () => settle(resolve)
    const onClose = () => settle(() => reject(new Error('the stream closed')))
    stream.addEventListener('drain', onDrain)
    stream.addEventListener('close', onClose)
    if (stream.status !== 'open') onClose()
  })
}
