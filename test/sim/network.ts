/**
 * The simulated network: connections between pairs that carry framed channels in order and without loss while they stand,
 * and gossip that is delayed, lost, repeated and overtaken. Each direction of a pair can be blocked or clogged by itself.
 */
import type { Channel, Network, NetworkListener, PeerId, Protocol } from '../../protocols/network.js'
import type { Random, VirtualWorld } from '../support/virtual-environment.js'
import { never } from './disk.js'

/** How the links behave. Times in milliseconds. */
export interface LinkQuality {
  latencyMs: number
  jitterMs: number
  /** Probability that a gossip message is lost on a link, and that it comes twice. */
  loss: number
  duplication: number
  /** How much later some gossip comes, so that it is overtaken. */
  lateMs: number
}

/** One direction of a pair. */
interface Direction {
  isBlocked: boolean
  clogMs: number
}

/** What becomes of a channel that is opened, or of a frame: it passes, waits until the link is resumed, or breaks the channel or the connection. */
export type Fate = 'passes' | 'waits' | 'breaks'

interface Connection {
  readonly pipes: Set<Pipe>
}

/** Frames under way in one direction of a channel before `send` waits. */
const window = 8
/** How soon a lost connection is tried again, in milliseconds. */
const redialMs: readonly [number, number] = [50, 1_500]
/** How long gossip ids are remembered, so that what comes later comes again, in milliseconds: as gossipsub's seen cache does. */
const rememberGossipMs = 4_000

/** All nodes' networks, and the links between them. */
export class SimMesh {
  readonly world: VirtualWorld
  readonly random: Random
  readonly quality: LinkQuality
  /** Told of what happens, for the trace. */
  note: (text: () => string) => void = () => undefined
  /** Whether a connection is refused by one of its ends. */
  isRefused: (a: PeerId, b: PeerId) => boolean = () => false
  /** Decides over single channels and frames, for scripted faults. */
  fateOf: (protocolId: string, from: PeerId, to: PeerId, what: 'open' | 'frame') => Fate = () => 'passes'
  readonly handlerFailures: unknown[] = []
  /** When the last gossip that is under way arrives, in virtual milliseconds. */
  gossipUntilMs = 0
  readonly #nodes = new Map<PeerId, SimNetwork>()
  readonly #edges = new Set<string>()
  readonly #peers = new Map<PeerId, readonly PeerId[]>()
  readonly #connections = new Map<string, Connection>()
  readonly #directions = new Map<string, Direction>()
  readonly #dialling = new Set<string>()

  constructor(world: VirtualWorld, random: Random, quality: LinkQuality) {
    this.world = world
    this.random = random
    this.quality = quality
  }

  /** The network of a node that starts. Connections of an earlier run of it are gone. */
  attach(peer: PeerId): SimNetwork {
    const node = new SimNetwork(this, peer)
    this.#nodes.set(peer, node)
    return node
  }

  /** The node is ready to talk. */
  up(node: SimNetwork): void {
    node.isUp = true
    for (const other of this.peersOf(node.self)) this.dial(node.self, other)
  }

  /** A node ends. With `reset` its peers are told soon; otherwise they find out by its silence. */
  down(peer: PeerId, reset: boolean): void {
    const node = this.#nodes.get(peer)
    if (node === undefined) return
    node.isUp = false
    node.isDead = true
    this.#nodes.delete(peer)
    for (const other of [...this.#nodes.keys()].sort()) {
      const connection = this.connection(peer, other)
      if (connection === undefined || !reset) continue
      this.world.schedule(1 + this.random.next() * 50, () => {
        if (this.connection(peer, other) === connection) this.disconnect(peer, other)
      })
    }
  }

  /** Names a pair that keeps itself connected whenever it can. */
  addEdge(a: PeerId, b: PeerId): void {
    if (a === b) return
    this.#edges.add(pairKey(a, b))
    this.#peers.set(a, [...new Set([...this.peersOf(a), b])].sort())
    this.#peers.set(b, [...new Set([...this.peersOf(b), a])].sort())
    this.dial(a, b)
  }

  /** The pairs of a node, in order. */
  peersOf(peer: PeerId): readonly PeerId[] {
    return this.#peers.get(peer) ?? []
  }

  /** A direction of a pair. */
  direction(from: PeerId, to: PeerId): Direction {
    const key = `${from}>${to}`
    let direction = this.#directions.get(key)
    if (direction === undefined) {
      direction = { isBlocked: false, clogMs: 0 }
      this.#directions.set(key, direction)
    }
    return direction
  }

  /** Blocks or unblocks a direction. Frames under way wait until it is free again, or their connection is given up. */
  block(from: PeerId, to: PeerId, isBlocked: boolean): void {
    this.direction(from, to).isBlocked = isBlocked
    if (isBlocked) return
    this.resume(from, to)
    this.dial(from, to)
  }

  /** What waits on the channels of a pair is looked at again. */
  resume(a: PeerId, b: PeerId): void {
    for (const pipe of this.connection(a, b)?.pipes ?? []) pipe.resume()
  }

  /** Slows a direction down. */
  clog(from: PeerId, to: PeerId, clogMs: number): void {
    this.direction(from, to).clogMs = clogMs
  }

  /** Ends every fault of the network. */
  heal(): void {
    this.quality.loss = 0
    this.quality.duplication = 0
    this.quality.lateMs = 0
    for (const direction of this.#directions.values()) direction.clogMs = 0
    for (const [key, direction] of this.#directions) {
      if (direction.isBlocked) this.block(...(key.split('>') as [PeerId, PeerId]), false)
    }
  }

  /** Tries to connect a pair soon, and again until it is connected. */
  dial(a: PeerId, b: PeerId): void {
    const key = pairKey(a, b)
    if (this.#dialling.has(key) || !this.#edges.has(key)) return
    this.#dialling.add(key)
    const [leastMs, mostMs] = redialMs
    this.world.schedule(leastMs + this.random.next() * (mostMs - leastMs), () => {
      this.#dialling.delete(key)
      this.#connect(a, b)
    })
  }

  /** Breaks a connection; both ends that still run are told, and their channels break. */
  disconnect(a: PeerId, b: PeerId): void {
    const key = pairKey(a, b)
    const connection = this.#connections.get(key)
    if (connection === undefined) return
    this.#connections.delete(key)
    this.note(() => `${a} and ${b} are disconnected`)
    for (const pipe of [...connection.pipes]) pipe.breakOff('disconnected')
    this.#nodes.get(a)?.tellDisconnected(b)
    this.#nodes.get(b)?.tellDisconnected(a)
    this.dial(a, b)
  }

  /** The connection of a pair, if it stands. */
  connection(a: PeerId, b: PeerId): Connection | undefined {
    return this.#connections.get(pairKey(a, b))
  }

  /** A node's network while it runs. */
  at(peer: PeerId): SimNetwork | undefined {
    return this.#nodes.get(peer)
  }

  /** Whom a node is connected to, as far as it knows. */
  neighbours(peer: PeerId): PeerId[] {
    return this.peersOf(peer).filter((other) => this.connection(peer, other) !== undefined)
  }

  /** How long one frame takes, in milliseconds. */
  delayMs(from: PeerId, to: PeerId): number {
    const { latencyMs, jitterMs } = this.quality
    return latencyMs + this.random.next() * jitterMs + this.direction(from, to).clogMs
  }

  /** Sends gossip along a link: perhaps lost, perhaps twice, perhaps late. */
  gossip(from: PeerId, to: PeerId, id: string, bytes: Uint8Array): void {
    const { loss, duplication, lateMs } = this.quality
    if (this.random.chance(loss)) {
      this.note(() => `gossip ${id} from ${from} to ${to} is lost`)
      return
    }
    const copies = this.random.chance(duplication) ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const late = this.random.chance(0.2) ? this.random.next() * lateMs : 0
      const delayMs = this.delayMs(from, to) + late
      this.gossipUntilMs = Math.max(this.gossipUntilMs, this.world.elapsedMs + delayMs)
      this.world.schedule(delayMs, () => {
        if (this.connection(from, to) === undefined || this.direction(from, to).isBlocked) return
        this.at(to)?.receiveGossip(id, bytes, from)
      })
    }
  }

  #connect(a: PeerId, b: PeerId): void {
    const [one, two] = [this.#nodes.get(a), this.#nodes.get(b)]
    if (one?.isUp !== true || two?.isUp !== true || this.isRefused(a, b)) return
    const isBlocked = this.direction(a, b).isBlocked || this.direction(b, a).isBlocked
    if (isBlocked) this.dial(a, b)
    if (isBlocked || this.connection(a, b) !== undefined) return
    this.#connections.set(pairKey(a, b), { pipes: new Set() })
    this.note(() => `${a} and ${b} are connected`)
    one.tellConnected(b)
    two.tellConnected(a)
  }

  /** A node that starts again: its peers learn now, if they had not, that the old connection is gone. */
  forgetRun(peer: PeerId): void {
    for (const other of this.peersOf(peer)) this.disconnect(peer, other)
  }
}

/** One node's view of the network, for one run. */
export class SimNetwork implements Network {
  readonly self: PeerId
  isUp = false
  isDead = false
  /** Channels opened by this node, by protocol. */
  readonly opened = new Map<string, number>()
  readonly #mesh: SimMesh
  readonly #handlers = new Map<string, (channel: Channel) => Promise<void>>()
  readonly #listeners: NetworkListener[] = []
  #known = new Map<string, number>()
  #receive: ((bytes: Uint8Array, from: PeerId) => boolean) | undefined
  #published = 0

  constructor(mesh: SimMesh, self: PeerId) {
    this.#mesh = mesh
    this.self = self
  }

  peers(): PeerId[] {
    return this.isDead ? [] : this.#mesh.neighbours(this.self)
  }

  /** Frames are not in pieces here: heartbeats alone tell that a peer is there. */
  heardMs(): undefined {
    return undefined
  }

  async open(peer: PeerId, protocol: Protocol): Promise<Channel> {
    if (this.isDead) return never()
    const connection = this.#mesh.connection(this.self, peer)
    if (connection === undefined) throw new Error(`${peer} is not connected`)
    this.opened.set(protocol.id, (this.opened.get(protocol.id) ?? 0) + 1)
    this.#mesh.note(() => `${this.self} opens ${protocol.id} to ${peer}`)
    const there = new Pipe(this.#mesh, connection, this.self, peer, protocol)
    const back = new Pipe(this.#mesh, connection, peer, this.self, protocol)
    there.whenArrived(() => {
      const theirs = new SimChannel(this.self, back, there)
      if (this.#mesh.fateOf(protocol.id, this.self, peer, 'open') === 'breaks') return theirs.abort('broken')
      const accept = this.#mesh.at(peer)?.handlerOf(protocol.id)
      if (accept === undefined) return theirs.abort(`does not speak ${protocol.id}`)
      accept(theirs).catch((error: unknown) => {
        this.#mesh.handlerFailures.push(error)
        theirs.abort('the handler failed')
      })
    })
    return new SimChannel(peer, there, back)
  }

  handle(protocol: Protocol, handler: (channel: Channel) => Promise<void>): void {
    this.#handlers.set(protocol.id, handler)
  }

  async publish(bytes: Uint8Array): Promise<void> {
    if (this.isDead) return never()
    const id = `${this.self}/${this.#mesh.world.elapsedMs.toFixed(3)}/${this.#published++}`
    this.#remember(id)
    for (const neighbour of this.peers()) this.#mesh.gossip(this.self, neighbour, id, Uint8Array.from(bytes))
    await new Promise<void>((resolve) => this.#mesh.world.schedule(this.#mesh.quality.latencyMs, resolve))
    if (this.isDead) await never()
  }

  onGossip(receive: (bytes: Uint8Array, from: PeerId) => boolean): void {
    this.#receive = receive
  }

  listen(listener: NetworkListener): void {
    this.#listeners.push(listener)
  }

  /** What accepts channels of a protocol. */
  handlerOf(protocolId: string): ((channel: Channel) => Promise<void>) | undefined {
    return this.isDead ? undefined : this.#handlers.get(protocolId)
  }

  /** Tells the node. */
  tellConnected(peer: PeerId): void {
    if (!this.isDead) for (const listener of this.#listeners) listener.connected(peer)
  }

  /** Tells the node. */
  tellDisconnected(peer: PeerId): void {
    if (!this.isDead) for (const listener of this.#listeners) listener.disconnected(peer)
  }

  /** Takes a message unless it came before, and passes it on when it is well-formed. */
  receiveGossip(id: string, bytes: Uint8Array, from: PeerId): void {
    if (this.isDead || !this.isUp) return
    const atMs = this.#known.get(id)
    if (atMs !== undefined && this.#mesh.world.elapsedMs - atMs < rememberGossipMs) return
    this.#remember(id)
    this.#mesh.note(() => `${this.self} receives gossip ${id} by way of ${from}, ${bytes.length} bytes`)
    if (this.#receive?.(bytes, from) !== true || atMs !== undefined) return
    for (const neighbour of this.peers()) if (neighbour !== from) this.#mesh.gossip(this.self, neighbour, id, bytes)
  }

  #remember(id: string): void {
    this.#known.set(id, this.#mesh.world.elapsedMs)
  }
}

/** One direction of a channel: frames in order, with latency and a window. */
class Pipe {
  readonly #mesh: SimMesh
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

  constructor(mesh: SimMesh, connection: Connection, from: PeerId, to: PeerId, protocol: Protocol) {
    this.#mesh = mesh
    this.#connection = connection
    this.#from = from
    this.#to = to
    this.#protocol = protocol
    connection.pipes.add(this)
  }

  async send(frame: Uint8Array): Promise<void> {
    this.#assertOpen()
    if (frame.length > this.#protocol.frameBytesMax) {
      this.breakOff(`frame of ${frame.length} bytes over the limit`)
      this.#assertOpen()
    }
    this.#underWay++
    const copy = Uint8Array.from(frame)
    this.whenArrived(() => {
      this.#mesh.note(() => `${this.#protocol.id} ${this.#from} to ${this.#to}: ${copy.length} bytes`)
      this.#arrived.push(copy)
      this.#wake()
    }, true)
    while (this.#underWay >= window) {
      await new Promise<void>((resolve) => this.#waitingSenders.push(resolve))
      this.#assertOpen()
    }
  }

  end(): void {
    if (this.#broken !== undefined) return
    this.whenArrived(() => {
      this.#hasEnded = true
      this.#connection.pipes.delete(this)
      this.#wake()
    })
  }

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
    const { world } = this.#mesh
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, world.elapsedMs + this.#mesh.delayMs(this.#from, this.#to))
    world.schedule(this.#lastArrivalMs - world.elapsedMs, () => {
      if (this.#broken !== undefined) return
      const isBlocked = this.#mesh.direction(this.#from, this.#to).isBlocked || this.#held.length > 0
      const fate =
        isFrame && !isBlocked ? this.#mesh.fateOf(this.#protocol.id, this.#from, this.#to, 'frame') : 'passes'
      if (fate === 'breaks') this.#mesh.disconnect(this.#from, this.#to)
      else if (isBlocked || fate === 'waits') this.#held.push({ arrive, isFrame })
      else if (this.#mesh.at(this.#to) !== undefined) arrive()
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

class SimChannel implements Channel {
  readonly peer: PeerId
  readonly #out: Pipe
  readonly #in: Pipe

  constructor(peer: PeerId, out: Pipe, incoming: Pipe) {
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

function pairKey(a: PeerId, b: PeerId): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`
}
