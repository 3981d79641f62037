/** A channel as a test's network gives it: two pipes, one for each direction. */
import type { Channel, PeerId } from '../../protocols/network.js'

/** One direction of a channel. */
export interface FramePipe {
  /** Resolves when there is room for the next frame. */
  send(frame: Uint8Array): Promise<void>
  /** No more frames will come. */
  end(): void
  /** Both ends see an error. */
  breakOff(reason: string): void
  frames(): AsyncIterable<Uint8Array>
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
