/**
 * The links of the fake network: all share one quality, and each direction of a pair can be blocked or clogged by
 * itself.
 */
import type { PeerId } from '../../../protocols/network.js'
import type { Random } from '../random.js'

/** Behaviour of the links. Times in milliseconds. */
export interface LinkQuality {
  latencyMs: number
  jitterMs: number
  /** Probability that a gossip message is lost on a link, and that it comes twice. */
  loss: number
  duplication: number
  /** Greatest extra delay of some gossip, so that it is overtaken. */
  lateMs: number
}

/** One direction of a pair. */
interface Direction {
  readonly from: PeerId
  readonly to: PeerId
  isBlocked: boolean
  /** Time at which something last passed, or could have: the start of the block, while it is blocked. */
  freeUntilMs: number
  /** Every message of gossip is lost; frames pass. */
  isHushed: boolean
  clogMs: number
  /** Extra delay of heartbeats, as of those that wait behind a bulk transfer. */
  lagMs: number
}

/** All links of one mesh. */
export class FakeLinks {
  readonly quality: LinkQuality
  readonly #random: Random
  readonly #directions = new Map<string, Direction>()

  constructor(random: Random, quality: Partial<LinkQuality>) {
    this.#random = random
    this.quality = { latencyMs: 1, jitterMs: 0, loss: 0, duplication: 0, lateMs: 0, ...quality }
  }

  /** True if nothing passes in this direction. */
  isBlocked(from: PeerId, to: PeerId): boolean {
    return this.#direction(from, to).isBlocked
  }

  /** Blocks or unblocks a direction. What waits for it is the mesh's to move. */
  setBlocked(from: PeerId, to: PeerId, isBlocked: boolean, nowMs: number): void {
    const direction = this.#direction(from, to)
    if (isBlocked && !direction.isBlocked) direction.freeUntilMs = nowMs
    direction.isBlocked = isBlocked
  }

  /** True if anything could have passed in this direction at a moment or since. */
  wasFreeSince(from: PeerId, to: PeerId, sinceMs: number): boolean {
    const { isBlocked, freeUntilMs } = this.#direction(from, to)
    return !isBlocked || freeUntilMs >= sinceMs
  }

  /** True if every message of gossip is lost in this direction. */
  isHushed(from: PeerId, to: PeerId): boolean {
    return this.#direction(from, to).isHushed
  }

  /** Lets gossip be lost in a direction, or come again. */
  setHushed(from: PeerId, to: PeerId, isHushed: boolean): void {
    this.#direction(from, to).isHushed = isHushed
  }

  /** Slows a direction down. */
  clog(from: PeerId, to: PeerId, clogMs: number): void {
    this.#direction(from, to).clogMs = clogMs
  }

  /** Slows the heartbeats of a direction down. */
  lag(from: PeerId, to: PeerId, lagMs: number): void {
    this.#direction(from, to).lagMs = lagMs
  }

  /** Extra delay of heartbeats, in milliseconds. */
  lagMs(from: PeerId, to: PeerId): number {
    return this.#direction(from, to).lagMs
  }

  /** Delay of one frame or message, in milliseconds. */
  delayMs(from: PeerId, to: PeerId): number {
    const { latencyMs, jitterMs } = this.quality
    return latencyMs + this.#random.next() * jitterMs + this.#direction(from, to).clogMs
  }

  /** Ends every fault but the blocks, and returns the directions that are blocked. */
  clear(): readonly (readonly [PeerId, PeerId])[] {
    this.quality.loss = 0
    this.quality.duplication = 0
    this.quality.lateMs = 0
    const directions = [...this.#directions.values()]
    for (const direction of directions) {
      direction.clogMs = 0
      direction.lagMs = 0
      direction.isHushed = false
    }
    return directions.filter(({ isBlocked }) => isBlocked).map(({ from, to }) => [from, to])
  }

  #direction(from: PeerId, to: PeerId): Direction {
    const key = `${from}>${to}`
    let direction = this.#directions.get(key)
    if (direction === undefined) {
      direction = { from, to, isBlocked: false, freeUntilMs: 0, isHushed: false, clogMs: 0, lagMs: 0 }
      this.#directions.set(key, direction)
    }
    return direction
  }
}
