/** Channels of the simulated network: frames in order and without loss while the connection stands, with latency and a window. */
import { heartbeatProtocol } from '../../protocols/membership/messages.js'
import type { Channel, PeerId, Protocol } from '../../protocols/network.js'
import { FramePipe, PipedChannel } from '../support/piped-channel.js'
import type { VirtualWorld } from '../support/virtual-environment.js'
import type { SimulatedLinks } from './links.js'

/** What becomes of a channel that is opened, or of a frame: it passes, waits until the link is resumed, or breaks the channel or the connection. */
export type Fate = 'passes' | 'waits' | 'breaks'

/** What stands between two nodes while they are connected. */
export interface Connection {
  readonly pipes: Set<Pipe>
}

/** What accepts the channels of one protocol. */
export type SimulatedHandler = (channel: Channel) => Promise<void>

/** What channels need of the mesh that carries them. */
export interface Carrier {
  readonly world: VirtualWorld
  readonly links: SimulatedLinks
  /** Errors that handlers of channels threw. */
  readonly handlerFailures: unknown[]
  note(text: () => string): void
  fateOf(protocolId: string, from: PeerId, to: PeerId, what: 'open' | 'frame'): Fate
  /** True if there is anybody to take what arrives. */
  isAttached(peer: PeerId): boolean
  /** Calls back when the machine of a node is awake: now, if it is. */
  whenAwake(peer: PeerId, callback: () => void): void
  handlerOf(peer: PeerId, protocolId: string): SimulatedHandler | undefined
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

/** One direction of a channel: frames in order, with latency. */
export class Pipe extends FramePipe {
  readonly #carrier: Carrier
  readonly #connection: Connection
  readonly #from: PeerId
  readonly #to: PeerId
  readonly #protocolId: string
  /** What waits for a blocked direction, in order. */
  #held: { arrive: () => void; isFrame: boolean }[] = []
  #lastArrivalMs = 0

  constructor(carrier: Carrier, connection: Connection, from: PeerId, to: PeerId, protocol: Protocol) {
    super({ name: `channel to ${to}`, frameBytesMax: protocol.frameBytesMax, window })
    this.#carrier = carrier
    this.#connection = connection
    this.#from = from
    this.#to = to
    this.#protocolId = protocol.id
    connection.pipes.add(this)
  }

  /** In order: nothing overtakes. While the direction is blocked, everything waits. */
  override whenArrived(arrive: () => void, isFrame = false): void {
    const { world, links } = this.#carrier
    const lagMs = this.#protocolId === heartbeatProtocol.id ? links.lagMs(this.#from, this.#to) : 0
    const atMs = world.elapsedMs + links.delayMs(this.#from, this.#to) + lagMs
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, atMs)
    world.schedule(this.#lastArrivalMs - world.elapsedMs, () => {
      if (this.isBroken) return
      const isBlocked = links.isBlocked(this.#from, this.#to) || this.#held.length > 0
      const fate = isFrame && !isBlocked ? this.#fateOfFrame() : 'passes'
      if (fate === 'breaks') this.#carrier.disconnect(this.#from, this.#to)
      else if (isBlocked || fate === 'waits') this.#held.push({ arrive, isFrame })
      else if (this.#carrier.isAttached(this.#to)) this.tellReader(() => (this.isBroken ? undefined : arrive()))
    })
  }

  /** Its direction is free again. */
  resume(): void {
    const held = this.#held
    this.#held = []
    for (const { arrive, isFrame } of held) this.whenArrived(arrive, isFrame)
  }

  /** A machine that sleeps hears of nothing. */
  protected override tellReader(tell: () => void): void {
    this.#carrier.whenAwake(this.#to, tell)
  }

  protected override tellSender(tell: () => void): void {
    this.#carrier.whenAwake(this.#from, tell)
  }

  protected override arrives({ length }: Uint8Array): void {
    this.#carrier.note(() => `${this.#protocolId} ${this.#from} to ${this.#to}: ${length} bytes`)
  }

  protected override closed(): void {
    this.#connection.pipes.delete(this)
  }

  #fateOfFrame(): Fate {
    return this.#carrier.fateOf(this.#protocolId, this.#from, this.#to, 'frame')
  }
}
