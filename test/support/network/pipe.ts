/** One direction of a channel: frames in order, with latency, as slowly as the reader takes them. */
import { heartbeatProtocol } from '../../../protocols/membership/messages.js'
import type { PeerId, Protocol } from '../../../protocols/network.js'
import type { VirtualWorld } from '../virtual-environment.js'
import type { FakeLinks } from './links.js'

/**
 * Decision over a channel that is opened, or over a frame: it passes, waits until the link is resumed, or breaks the
 * channel or the connection.
 */
export type Fate = 'passes' | 'waits' | 'breaks'

/** Pipes of the channels that are open between two nodes while they are connected. */
export interface Connection {
  readonly pipes: Set<Pipe>
}

/** Services of the mesh that pipes need. */
export interface FrameCarrier {
  readonly world: VirtualWorld
  readonly links: FakeLinks
  /** Bytes of all frames that were sent so far. */
  channelBytes: number
  note(text: () => string): void
  fateOf(protocolId: string, from: PeerId, to: PeerId, what: 'open' | 'frame'): Fate
  /** True if there is anybody to take what arrives. */
  isAttached(peer: PeerId): boolean
  /** Calls back when the machine of a node is awake: now, if it is. */
  whenAwake(peer: PeerId, callback: () => void): void
  disconnect(a: PeerId, b: PeerId): void
}

/** Frames under way in one direction of a channel before `send` waits. */
const window = 8

/** The frames from one node to another. */
export class Pipe {
  readonly #carrier: FrameCarrier
  readonly #connection: Connection
  readonly #from: PeerId
  readonly #to: PeerId
  readonly #protocol: Protocol
  /** Arrivals that wait for a blocked direction, in order. */
  #held: { arrive: () => void; isFrame: boolean }[] = []
  #lastArrivalMs = 0
  readonly #arrived: Uint8Array[] = []
  #underWay = 0
  #waitingSenders: (() => void)[] = []
  #wakeReader: (() => void) | undefined
  #hasEnded = false
  #broken: string | undefined

  constructor(carrier: FrameCarrier, connection: Connection, from: PeerId, to: PeerId, protocol: Protocol) {
    this.#carrier = carrier
    this.#connection = connection
    this.#from = from
    this.#to = to
    this.#protocol = protocol
    connection.pipes.add(this)
  }

  /** Resolves when there is room for the next frame. Rejects when the channel broke. */
  async send(frame: Uint8Array): Promise<void> {
    this.#assertOpen()
    if (frame.length > this.#protocol.frameBytesMax) {
      this.breakOff(`frame of ${frame.length} bytes over the limit`)
      this.#assertOpen()
    }
    this.#carrier.channelBytes += frame.length
    this.#underWay++
    const copy = Uint8Array.from(frame)
    this.whenArrived(() => this.#arrives(copy), true)
    while (this.#underWay >= window) {
      await new Promise<void>((resolve) => this.#waitingSenders.push(resolve))
      this.#assertOpen()
    }
  }

  /** No more frames will come. */
  end(): void {
    if (this.#broken !== undefined) return
    this.whenArrived(() => {
      this.#hasEnded = true
      this.#connection.pipes.delete(this)
      this.#wake()
    })
  }

  /** Breaks: both ends see an error, and what is under way is lost. */
  breakOff(reason: string): void {
    if (this.#hasEnded) return
    this.#broken ??= reason
    this.#connection.pipes.delete(this)
    this.#carrier.whenAwake(this.#to, () => this.#wake())
    this.#carrier.whenAwake(this.#from, () => this.#releaseSenders())
  }

  /** The frames that arrive, until the end. Throws when the channel broke. */
  async *frames(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const frame = this.#arrived.shift()
      if (frame !== undefined) {
        this.#underWay--
        this.#carrier.whenAwake(this.#from, () => this.#releaseSenders())
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

  /**
   * Calls back when what is sent now has arrived, in order; never, when it is lost on the way. While the direction is
   * blocked, everything waits; a machine that sleeps hears of nothing.
   */
  whenArrived(arrive: () => void, isFrame = false): void {
    const { world, links } = this.#carrier
    const lagMs = this.#protocol.id === heartbeatProtocol.id ? links.lagMs(this.#from, this.#to) : 0
    const atMs = world.elapsedMs + links.delayMs(this.#from, this.#to) + lagMs
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, atMs)
    world.schedule(this.#lastArrivalMs - world.elapsedMs, () => this.#deliver(arrive, isFrame))
  }

  /** Its direction is free again. */
  resume(): void {
    const held = this.#held
    this.#held = []
    for (const { arrive, isFrame } of held) this.whenArrived(arrive, isFrame)
  }

  #deliver(arrive: () => void, isFrame: boolean): void {
    if (this.#broken !== undefined) return
    const carrier = this.#carrier
    const isBlocked = carrier.links.isBlocked(this.#from, this.#to) || this.#held.length > 0
    const fate = isFrame && !isBlocked ? this.#fateOfFrame() : 'passes'
    if (fate === 'breaks') carrier.disconnect(this.#from, this.#to)
    else if (isBlocked || fate === 'waits') this.#held.push({ arrive, isFrame })
    else if (carrier.isAttached(this.#to)) {
      carrier.whenAwake(this.#to, () => (this.#broken !== undefined ? undefined : arrive()))
    }
  }

  #arrives(frame: Uint8Array): void {
    this.#carrier.note(() => `${this.#protocol.id} ${this.#from} to ${this.#to}: ${frame.length} bytes`)
    this.#arrived.push(frame)
    this.#wake()
  }

  #fateOfFrame(): Fate {
    return this.#carrier.fateOf(this.#protocol.id, this.#from, this.#to, 'frame')
  }

  #assertOpen(): void {
    if (this.#broken !== undefined) throw new Error(`channel to ${this.#to}: ${this.#broken}`)
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
