/** Channels of the simulated network: frames in order and without loss while the connection stands, with latency and a window. */
import type { Channel, PeerId, Protocol } from '../../protocols/network.js'
import { type FramePipe, PipedChannel } from '../support/piped-channel.js'
import type { VirtualWorld } from '../support/virtual-environment.js'
import type { Links } from './links.js'

/** What becomes of a channel that is opened, or of a frame: it passes, waits until the link is resumed, or breaks the channel or the connection. */
export type Fate = 'passes' | 'waits' | 'breaks'

/** What stands between two nodes while they are connected. */
export interface Connection {
  readonly pipes: Set<Pipe>
}

/** What accepts the channels of one protocol. */
export type Handler = (channel: Channel) => Promise<void>

/** What channels need of the mesh that carries them. */
export interface Carrier {
  readonly world: VirtualWorld
  readonly links: Links
  /** Errors that handlers of channels threw. */
  readonly handlerFailures: unknown[]
  note(text: () => string): void
  fateOf(protocolId: string, from: PeerId, to: PeerId, what: 'open' | 'frame'): Fate
  /** Whether there is anybody to take what arrives. */
  isAttached(peer: PeerId): boolean
  handlerOf(peer: PeerId, protocolId: string): Handler | undefined
  disconnect(a: PeerId, b: PeerId): void
}

/** Frames under way in one direction of a channel before `send` waits. */
const window = 8

/** Opens a channel over a connection; the other end learns of it when it has arrived there. */
export function openChannel(
  carrier: Carrier,
  connection: Connection,
  from: PeerId,
  to: PeerId,
  protocol: Protocol,
): Channel {
  const there = new Pipe(carrier, connection, from, to, protocol)
  const back = new Pipe(carrier, connection, to, from, protocol)
  there.whenArrived(() => {
    const theirs = new PipedChannel(from, back, there)
    if (carrier.fateOf(protocol.id, from, to, 'open') === 'breaks') return theirs.abort('broken')
    const accept = carrier.handlerOf(to, protocol.id)
    if (accept === undefined) return theirs.abort(`does not speak ${protocol.id}`)
    accept(theirs).catch((error: unknown) => {
      carrier.handlerFailures.push(error)
      theirs.abort('the handler failed')
    })
  })
  return new PipedChannel(to, there, back)
}

/** One direction of a channel: frames in order, with latency and a window. */
export class Pipe implements FramePipe {
  readonly #carrier: Carrier
  readonly #connection: Connection
  readonly #from: PeerId
  readonly #to: PeerId
  readonly #protocol: Protocol
  readonly #arrived: Uint8Array[] = []
  /** What waits for a blocked direction, in order. */
  #held: { arrive: () => void; isFrame: boolean }[] = []
  #underWay = 0
  #lastArrivalMs = 0
  #waitingSenders: (() => void)[] = []
  #wakeReader: (() => void) | undefined
  #hasEnded = false
  #broken: string | undefined

  constructor(carrier: Carrier, connection: Connection, from: PeerId, to: PeerId, protocol: Protocol) {
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
    this.#underWay++
    const copy = Uint8Array.from(frame)
    this.whenArrived(() => {
      this.#carrier.note(() => `${this.#protocol.id} ${this.#from} to ${this.#to}: ${copy.length} bytes`)
      this.#arrived.push(copy)
      this.#wake()
    }, true)
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
    this.#wake()
    const waiting = this.#waitingSenders
    this.#waitingSenders = []
    for (const resolve of waiting) resolve()
  }

  /** Its direction is free again. */
  resume(): void {
    const held = this.#held
    this.#held = []
    for (const { arrive, isFrame } of held) this.whenArrived(arrive, isFrame)
  }

  /** The frames that arrive, until the end. Throws when the channel broke. */
  async *frames(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const frame = this.#arrived.shift()
      if (frame !== undefined) {
        this.#underWay--
        const waiting = this.#waitingSenders
        this.#waitingSenders = []
        for (const resolve of waiting) resolve()
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

  /** In order: nothing overtakes. While the direction is blocked, everything waits. */
  whenArrived(arrive: () => void, isFrame = false): void {
    const { world, links } = this.#carrier
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, world.elapsedMs + links.delayMs(this.#from, this.#to))
    world.schedule(this.#lastArrivalMs - world.elapsedMs, () => {
      if (this.#broken !== undefined) return
      const isBlocked = links.isBlocked(this.#from, this.#to) || this.#held.length > 0
      const fate =
        isFrame && !isBlocked ? this.#carrier.fateOf(this.#protocol.id, this.#from, this.#to, 'frame') : 'passes'
      if (fate === 'breaks') this.#carrier.disconnect(this.#from, this.#to)
      else if (isBlocked || fate === 'waits') this.#held.push({ arrive, isFrame })
      else if (this.#carrier.isAttached(this.#to)) arrive()
    })
  }

  #assertOpen(): void {
    if (this.#broken !== undefined) throw new Error(`channel to ${this.#to}: ${this.#broken}`)
  }

  #wake(): void {
    this.#wakeReader?.()
    this.#wakeReader = undefined
  }
}
