/** Channels as a test's network gives them: two pipes, one for each direction, with a window for frames under way. */
import type { Channel, PeerId } from '../../protocols/network.js'

/** Bounds of a pipe, and its name in errors. */
export interface PipeTerms {
  readonly name: string
  readonly frameBytesMax: number
  /** Frames under way before `send` waits. */
  readonly window: number
}

/**
 * One direction of a channel: frames in order, as slowly as its reader takes them. How they travel is the network's to
 * say.
 */
export abstract class FramePipe {
  readonly #terms: PipeTerms
  readonly #arrived: Uint8Array[] = []
  #underWay = 0
  #waitingSenders: (() => void)[] = []
  #wakeReader: (() => void) | undefined
  #hasEnded = false
  #broken: string | undefined

  constructor(terms: PipeTerms) {
    this.#terms = terms
  }

  /** Calls back when what is sent now has arrived, in order; or never, when it is lost on the way. */
  abstract whenArrived(arrive: () => void, isFrame?: boolean): void

  /** Called when it has ended or broken, perhaps more than once. */
  protected abstract closed(): void

  /** Called with each frame that is sent. */
  protected leaves(_frame: Uint8Array): void {}

  /** Called with each frame that arrives, before it is read. */
  protected arrives(_frame: Uint8Array): void {}

  /** Delivers a break to the reading end; at once by default. */
  protected tellReader(tell: () => void): void {
    tell()
  }

  /** Delivers a break, and room, to the sending end; at once by default. */
  protected tellSender(tell: () => void): void {
    tell()
  }

  /** True if it broke: what is still under way is lost. */
  protected get isBroken(): boolean {
    return this.#broken !== undefined
  }

  /** Resolves when there is room for the next frame. Rejects when the channel broke. */
  async send(frame: Uint8Array): Promise<void> {
    this.#assertOpen()
    if (frame.length > this.#terms.frameBytesMax) {
      this.breakOff(`frame of ${frame.length} bytes over the limit`)
      this.#assertOpen()
    }
    this.leaves(frame)
    this.#underWay++
    const copy = Uint8Array.from(frame)
    this.whenArrived(() => {
      this.arrives(copy)
      this.#arrived.push(copy)
      this.#wake()
    }, true)
    while (this.#underWay >= this.#terms.window) {
      await new Promise<void>((resolve) => this.#waitingSenders.push(resolve))
      this.#assertOpen()
    }
  }

  /** No more frames will come. */
  end(): void {
    if (this.#broken !== undefined) return
    this.whenArrived(() => {
      this.#hasEnded = true
      this.closed()
      this.#wake()
    })
  }

  /** Breaks: both ends see an error, and what is under way is lost. */
  breakOff(reason: string): void {
    if (this.#hasEnded) return
    this.#broken ??= reason
    this.closed()
    this.tellReader(() => this.#wake())
    this.tellSender(() => this.#releaseSenders())
  }

  /** The frames that arrive, until the end. Throws when the channel broke. */
  async *frames(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const frame = this.#arrived.shift()
      if (frame !== undefined) {
        this.#underWay--
        this.tellSender(() => this.#releaseSenders())
        yield frame
        continue
      }
      if (this.#broken !== undefined) throw new Error(`channel broke: ${this.#broken}`)
      if (this.#hasEnded) return
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
    }
  }

  #assertOpen(): void {
    if (this.#broken !== undefined) throw new Error(`${this.#terms.name}: ${this.#broken}`)
  }

  #wake(): void {
    this.#wakeReader?.()
    this.#wakeReader = undefined
  }

  #releaseSenders(): void {
    const waiting = this.#waitingSenders
    this.#waitingSenders = []
    for (const resolve of waiting) resolve()
  }
}

/** One end of a channel. */
export class PipedChannel implements Channel {
  readonly peer: PeerId
  readonly #out: FramePipe
  readonly #in: FramePipe

  constructor(peer: PeerId, out: FramePipe, incoming: FramePipe) {
    this.peer = peer
    this.#out = out
    this.#in = incoming
  }

  get frames(): AsyncIterable<Uint8Array> {
    return this.#in.frames()
  }

  send(frame: Uint8Array): Promise<void> {
    return this.#out.send(frame)
  }

  async close(): Promise<void> {
    this.#out.end()
  }

  abort(reason: string): void {
    this.#out.breakOff(reason)
    this.#in.breakOff(reason)
  }
}
