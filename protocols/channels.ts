/** Small tools for whoever talks over a channel: reading frame by frame, and breaking a channel that stands still. */
import type { Environment, Timer } from '../store/environment.js'
import type { Channel } from './network.js'

/** Reads a channel's frames one at a time; leaving off early does not end the channel. */
export class FrameReader {
  readonly #iterator: AsyncIterator<Uint8Array>

  constructor(channel: Channel) {
    this.#iterator = channel.frames[Symbol.asyncIterator]()
  }

  /** The next frame; undefined when the peer has closed. Rejects when the channel broke. */
  async next(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#iterator.next()
    return done === true ? undefined : value
  }
}

/** Breaks a channel that makes no progress for some time, so that a slow peer holds no slot for ever. */
export class Watchdog {
  readonly #environment: Environment
  readonly #channel: Channel
  readonly #limitMs: number
  #timer: Timer | undefined

  /** Starts to watch. `limitMs`: how long the channel may stand still. */
  constructor(environment: Environment, channel: Channel, limitMs: number) {
    this.#environment = environment
    this.#channel = channel
    this.#limitMs = limitMs
    this.progress()
  }

  /** There was progress. */
  progress(): void {
    this.#timer?.cancel()
    this.#timer = this.#environment.setTimer(this.#limitMs, () => this.#channel.abort('no progress'))
  }

  /** Watches no longer. */
  stop(): void {
    this.#timer?.cancel()
  }
}
