/**
 * Queue of what waits for one reader of the live stream, bounded: a reader that lets too much wait is notified, and cut.
 */
import { liveQueueBytesMax } from './limits.js'

/** Queue of one reader. */
export class LiveQueue {
  readonly #bytesMax: number
  readonly #farewell: Buffer
  #chunks: Buffer[] = []
  #bytes = 0
  #isEnded = false
  #wake: (() => void) | undefined

  /** `farewell` is what a reader gets last that has let too much wait. */
  constructor(farewell: Buffer, bytesMax = liveQueueBytesMax) {
    this.#farewell = farewell
    this.#bytesMax = bytesMax
  }

  /** Adds what is to be sent. Returns false if too much waits: the reader gets its farewell in place of all of it. */
  push(chunk: Buffer): boolean {
    if (this.#isEnded) return false
    const fits = this.#bytes + chunk.length <= this.#bytesMax
    if (!fits) this.#chunks = []
    this.#chunks.push(fits ? chunk : this.#farewell)
    this.#bytes += chunk.length
    if (!fits) this.#isEnded = true
    this.#wake?.()
    return fits
  }

  /** Ends the queue once what waits was taken. */
  end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  /** Takes all that waits, again and again, until the queue has ended. */
  async *chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      if (this.#chunks.length > 0) {
        const taken = Buffer.concat(this.#chunks)
        this.#chunks = []
        this.#bytes = 0
        yield taken
      } else if (this.#isEnded) {
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = undefined
      }
    }
  }
}
