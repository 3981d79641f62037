/** Tools for services that use a channel: reading it frame by frame, and breaking one that makes no progress. */
import type { Environment, Timer } from '../store/environment.js'
import type { Channel, PeerId } from './network.js'

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

/** Bounds on a transfer that a watchdog enforces. */
export interface TransferTimeouts {
  /** Longest time without progress, in milliseconds. */
  readonly idleMs: number
  /** Longest duration of the whole transfer, in milliseconds, before the bytes that were transferred extend it. */
  readonly totalMs: number
  /** Rate at which transferred bytes extend `totalMs`, in bytes a second. */
  readonly bytesPerSecondMin: number
}

/** Breaks a channel that makes no progress, or so little that it would hold its slot for ever. */
export class Watchdog {
  readonly #environment: Environment
  readonly #channel: Channel
  readonly #timeouts: TransferTimeouts
  readonly #startMs: number
  #bytes = 0
  #timer: Timer | undefined

  /** Starts to watch. */
  constructor(environment: Environment, channel: Channel, timeouts: TransferTimeouts) {
    this.#environment = environment
    this.#channel = channel
    this.#timeouts = timeouts
    this.#startMs = environment.monotonicMs()
    this.progress(0)
  }

  /** Counts bytes that were transferred in either direction, and sets the deadline again. */
  progress(bytes: number): void {
    const { idleMs, totalMs, bytesPerSecondMin } = this.#timeouts
    this.#bytes += bytes
    const earnedMs = (this.#bytes / bytesPerSecondMin) * 1000
    const leftMs = totalMs + earnedMs - (this.#environment.monotonicMs() - this.#startMs)
    this.#timer?.cancel()
    this.#timer = this.#environment.setTimer(Math.max(0, Math.min(idleMs, leftMs)), () =>
      this.#channel.abort('no progress'),
    )
  }

  /** Stops watching. */
  stop(): void {
    this.#timer?.cancel()
  }
}

/** Numbers of channels that each peer has open at once, so that none takes the slots of all others. */
export class ChannelCounts {
  readonly #counts = new Map<PeerId, number>()

  /** Counts one more channel of a peer. Returns how many it has now. */
  enter(peer: PeerId): number {
    const count = (this.#counts.get(peer) ?? 0) + 1
    this.#counts.set(peer, count)
    return count
  }

  /** Counts one channel of a peer less. */
  leave(peer: PeerId): void {
    const count = (this.#counts.get(peer) ?? 0) - 1
    if (count > 0) this.#counts.set(peer, count)
    else this.#counts.delete(peer)
  }
}
