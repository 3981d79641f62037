/**
 * A network of virtual links: latency, loss, partitions that are noticed or silent, gossip that floods, channels with
 * back pressure.
 */
import type { Channel, Network, NetworkListener, PeerId, Protocol } from '../../protocols/network.js'
import { FramePipe, PipedChannel } from './piped-channel.js'
import type { VirtualWorld } from './virtual-environment.js'

/** Behaviour of the links. */
export interface LinkOptions {
  /** One-way latency, in milliseconds: at least, and how much more by chance. */
  readonly latencyMs?: number
  readonly jitterMs?: number
  /** The probability that a gossip message is lost on a link. */
  readonly gossipLoss?: number
  /** Frames under way in one direction of a channel before `send` waits. */
  readonly window?: number
}

interface Link {
  /** Frames and gossip vanish; nobody is told. */
  isSilent: boolean
  readonly pipes: Set<Pipe>
}

/** All nodes and the links between them. */
export class FakeMesh {
  readonly world: VirtualWorld
  readonly options: Required<LinkOptions>
  readonly #nodes = new Map<PeerId, FakeNetwork>()
  readonly #links = new Map<string, Link>()
  /** Failures of channel handlers, as the daemon would count them. */
  readonly handlerFailures: unknown[] = []
  /** Payload bytes of all channels so far. */
  channelBytes = 0
  channelFrames = 0
  gossipBytes = 0

  constructor(world: VirtualWorld, options: LinkOptions = {}) {
    this.world = world
    this.options = { latencyMs: 1, jitterMs: 0, gossipLoss: 0, window: 8, ...options }
  }

  /** A node's view; not connected to any. */
  node(peer: PeerId): FakeNetwork {
    const node = new FakeNetwork(this, peer)
    this.#nodes.set(peer, node)
    return node
  }

  /** Takes a node away, as a crash does: its links break and its peers are told. */
  remove(peer: PeerId): void {
    for (const other of this.#nodes.keys()) this.disconnect(peer, other)
    this.#nodes.delete(peer)
  }

  /** Connects two nodes; both are told. */
  connect(a: PeerId, b: PeerId): void {
    if (a === b || this.link(a, b) !== undefined) return
    const [one, two] = [this.#nodes.get(a), this.#nodes.get(b)]
    if (one === undefined || two === undefined) throw new Error(`no such node: ${a} or ${b}`)
    this.#links.set(linkKey(a, b), { isSilent: false, pipes: new Set() })
    one.tellConnected(b)
    two.tellConnected(a)
  }

  /** Connects every pair. */
  connectAll(peers: readonly PeerId[] = [...this.#nodes.keys()]): void {
    for (const a of peers) for (const b of peers) if (a < b) this.connect(a, b)
  }

  /** Cuts two nodes; both are told, and their channels break. */
  disconnect(a: PeerId, b: PeerId): void {
    const link = this.link(a, b)
    if (link === undefined) return
    this.#links.delete(linkKey(a, b))
    for (const pipe of [...link.pipes]) pipe.breakOff('disconnected')
    this.#nodes.get(a)?.tellDisconnected(b)
    this.#nodes.get(b)?.tellDisconnected(a)
  }

  /** Splits the nodes into groups; links between groups are cut. Nodes that are not named form one more group. */
  split(...groups: readonly (readonly PeerId[])[]): void {
    const side = (peer: PeerId) => groups.findIndex((group) => group.includes(peer))
    for (const a of this.#nodes.keys()) {
      for (const b of this.#nodes.keys()) if (a < b && side(a) !== side(b)) this.disconnect(a, b)
    }
  }

  /** Makes a link swallow everything, without anybody being told; or ends that. */
  silence(a: PeerId, b: PeerId, isSilent = true): void {
    const link = this.link(a, b)
    if (link !== undefined) link.isSilent = isSilent
  }

  /** The link between two nodes, if they are connected. */
  link(a: PeerId, b: PeerId): Link | undefined {
    return this.#links.get(linkKey(a, b))
  }

  /** A node by its id. */
  at(peer: PeerId): FakeNetwork | undefined {
    return this.#nodes.get(peer)
  }

  /** The nodes a node is connected to, in order. */
  neighbours(peer: PeerId): PeerId[] {
    return [...this.#nodes.keys()].filter((other) => this.link(peer, other) !== undefined).sort()
  }

  /** A one-way delay, in milliseconds. */
  delayMs(): number {
    return this.options.latencyMs + this.world.random.next() * this.options.jitterMs
  }

  /** Sends one gossip message along a link. */
  gossip(from: PeerId, to: PeerId, id: string, bytes: Uint8Array): void {
    if (this.world.random.chance(this.options.gossipLoss)) return
    this.gossipBytes += bytes.length
    this.world.schedule(this.delayMs(), () => {
      const link = this.link(from, to)
      if (link !== undefined && !link.isSilent) this.at(to)?.receiveGossip(id, bytes, from)
    })
  }
}

/** One node's view of the fake mesh. */
export class FakeNetwork implements Network {
  readonly self: PeerId
  readonly #mesh: FakeMesh
  readonly #handlers = new Map<string, (channel: Channel) => Promise<void>>()
  readonly #listeners: NetworkListener[] = []
  readonly #known = new Set<string>()
  #receive: ((bytes: Uint8Array, from: PeerId) => boolean) | undefined
  #published = 0
  /** Channels opened by this node so far, by protocol. */
  readonly opened = new Map<string, number>()
  /** Times when bytes of peers came last, where a test sets them. */
  readonly heard = new Map<PeerId, number>()

  constructor(mesh: FakeMesh, self: PeerId) {
    this.#mesh = mesh
    this.self = self
  }

  peers(): PeerId[] {
    return this.#mesh.neighbours(this.self)
  }

  heardMs(peer: PeerId): number | undefined {
    return this.heard.get(peer)
  }

  async open(peer: PeerId, protocol: Protocol): Promise<Channel> {
    const link = this.#mesh.link(this.self, peer)
    const accepting = this.#mesh.at(peer)?.handlerOf(protocol.id)
    if (link === undefined) throw new Error(`${peer} is not connected`)
    if (accepting === undefined) throw new Error(`${peer} does not speak ${protocol.id}`)
    this.opened.set(protocol.id, (this.opened.get(protocol.id) ?? 0) + 1)
    const there = new Pipe(this.#mesh, link, this.self, peer, protocol)
    const back = new Pipe(this.#mesh, link, peer, this.self, protocol)
    const theirs = new PipedChannel(this.self, back, there)
    this.#mesh.world.schedule(this.#mesh.delayMs(), () => {
      accepting(theirs).catch((error: unknown) => {
        this.#mesh.handlerFailures.push(error)
        theirs.abort('the handler failed')
      })
    })
    return new PipedChannel(peer, there, back)
  }

  handle(protocol: Protocol, handler: (channel: Channel) => Promise<void>): void {
    this.#handlers.set(protocol.id, handler)
  }

  async publish(bytes: Uint8Array): Promise<void> {
    const id = `${this.self}/${this.#published++}`
    this.#known.add(id)
    for (const neighbour of this.peers()) this.#mesh.gossip(this.self, neighbour, id, Uint8Array.from(bytes))
    await new Promise<void>((resolve) => this.#mesh.world.schedule(this.#mesh.options.latencyMs, resolve))
  }

  onGossip(receive: (bytes: Uint8Array, from: PeerId) => boolean): void {
    this.#receive = receive
  }

  listen(listener: NetworkListener): void {
    this.#listeners.push(listener)
  }

  /** Returns the handler of channels of a protocol. */
  handlerOf(protocolId: string): ((channel: Channel) => Promise<void>) | undefined {
    return this.#handlers.get(protocolId)
  }

  /** Closes the connection to a peer, as the daemon does with a silent one. */
  disconnect(peer: PeerId): void {
    this.#mesh.disconnect(this.self, peer)
  }

  tellConnected(peer: PeerId): void {
    for (const listener of this.#listeners) listener.connected(peer)
  }

  tellDisconnected(peer: PeerId): void {
    for (const listener of this.#listeners) listener.disconnected(peer)
  }

  receiveGossip(id: string, bytes: Uint8Array, from: PeerId): void {
    if (this.#known.has(id)) return
    this.#known.add(id)
    if (this.#receive?.(bytes, from) !== true) return
    for (const neighbour of this.peers()) if (neighbour !== from) this.#mesh.gossip(this.self, neighbour, id, bytes)
  }
}

/** One direction of a channel: frames in order, with latency. */
class Pipe extends FramePipe {
  readonly #mesh: FakeMesh
  readonly #link: Link
  #lastArrivalMs = 0

  constructor(mesh: FakeMesh, link: Link, from: PeerId, to: PeerId, { frameBytesMax }: Protocol) {
    super({ name: `channel to ${to} from ${from}`, frameBytesMax, window: mesh.options.window })
    this.#mesh = mesh
    this.#link = link
    link.pipes.add(this)
  }

  /** Delivers in order; a silent link drops. */
  override whenArrived(arrive: () => void): void {
    const { world } = this.#mesh
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, world.elapsedMs + this.#mesh.delayMs())
    world.schedule(this.#lastArrivalMs - world.elapsedMs, () => {
      if (!this.isBroken && !this.#link.isSilent) arrive()
    })
  }

  protected override leaves({ length }: Uint8Array): void {
    this.#mesh.channelBytes += length
    this.#mesh.channelFrames++
  }

  protected override closed(): void {
    this.#link.pipes.delete(this)
  }
}

function linkKey(a: PeerId, b: PeerId): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`
}
