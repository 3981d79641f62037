/**
 * The fake network of all tests: nodes, their connections and links in virtual time. Partitions are noticed or silent,
 * gossip floods, channels have back pressure. A test connects and cuts by hand; the simulator's mesh redials by itself.
 */
import type { PeerId } from '../../../protocols/network.js'
import type { Random } from '../random.js'
import type { VirtualWorld } from '../virtual-environment.js'
import type { FakeHandler } from './channels.js'
import { type GossipPaths, GossipRelay } from './gossip.js'
import { FakeLinks, type LinkQuality } from './links.js'
import { FakeNetwork, type Hub } from './network.js'
import type { Connection, Fate } from './pipe.js'

/** All nodes' networks, and the links between them. */
export class FakeMesh implements Hub, GossipPaths {
  readonly world: VirtualWorld
  readonly random: Random
  readonly links: FakeLinks
  readonly gossip: GossipRelay
  /** Receives each thing that happens, for a trace. */
  note: (text: () => string) => void = () => undefined
  /** Calls back when the machine of a node is awake: now, if it is. */
  whenAwake: (peer: PeerId, callback: () => void) => void = (_, callback) => callback()
  /** Decides over single channels and frames, for scripted faults. */
  fateOf: (protocolId: string, from: PeerId, to: PeerId, what: 'open' | 'frame') => Fate = () => 'passes'
  /** Failures of channel handlers, as the daemon would count them. */
  readonly handlerFailures: unknown[] = []
  /** Payload bytes of all channels so far. */
  channelBytes = 0
  protected readonly nodes = new Map<PeerId, FakeNetwork>()
  readonly #connections = new Map<string, Connection>()
  readonly #neighbours = new Map<PeerId, Set<PeerId>>()

  constructor(world: VirtualWorld, quality: Partial<LinkQuality> = {}, random = world.random) {
    this.world = world
    this.random = random
    this.links = new FakeLinks(random, quality)
    this.gossip = new GossipRelay(this)
  }

  /** The network of a node that runs; not connected to any. */
  node(peer: PeerId): FakeNetwork {
    const node = this.attach(peer)
    node.isUp = true
    return node
  }

  /** The network of a node that starts, and takes no gossip yet. */
  attach(peer: PeerId): FakeNetwork {
    const node = new FakeNetwork(this, peer)
    this.nodes.set(peer, node)
    return node
  }

  /** Takes a node away: its connections break, and its peers are notified. */
  remove(peer: PeerId): void {
    for (const other of this.neighbours(peer)) this.disconnect(peer, other)
    this.nodes.delete(peer)
  }

  /** The network of a node by its id. */
  at(peer: PeerId): FakeNetwork | undefined {
    return this.nodes.get(peer)
  }

  /** Connects two nodes, unless they are; both are notified. */
  connect(a: PeerId, b: PeerId): void {
    if (a === b || this.connection(a, b) !== undefined) return
    const [one, two] = [this.nodes.get(a), this.nodes.get(b)]
    if (one === undefined || two === undefined) throw new Error(`no such node: ${a} or ${b}`)
    this.#connections.set(pairKey(a, b), { pipes: new Set() })
    this.#neighboursOf(a).add(b)
    this.#neighboursOf(b).add(a)
    this.note(() => `${a} and ${b} are connected`)
    one.tellConnected(b)
    two.tellConnected(a)
  }

  /** Connects every pair. */
  connectAll(peers: readonly PeerId[] = [...this.nodes.keys()]): void {
    for (const a of peers) for (const b of peers) if (a < b) this.connect(a, b)
  }

  /** Breaks a connection; both ends that still run are notified, and their channels break. */
  disconnect(a: PeerId, b: PeerId): void {
    const connection = this.connection(a, b)
    if (connection === undefined) return
    this.#connections.delete(pairKey(a, b))
    this.#neighboursOf(a).delete(b)
    this.#neighboursOf(b).delete(a)
    this.note(() => `${a} and ${b} are disconnected`)
    for (const pipe of [...connection.pipes]) pipe.breakOff('disconnected')
    this.nodes.get(a)?.tellDisconnected(b)
    this.nodes.get(b)?.tellDisconnected(a)
  }

  /** Cuts the nodes into groups. Nodes that are not named form one more group. */
  split(...groups: readonly (readonly PeerId[])[]): void {
    const side = (peer: PeerId) => groups.findIndex((group) => group.includes(peer))
    for (const a of this.nodes.keys()) {
      for (const b of this.nodes.keys()) if (a < b && side(a) !== side(b)) this.disconnect(a, b)
    }
  }

  /** Blocks both directions of a pair; nobody is notified. */
  silence(a: PeerId, b: PeerId): void {
    this.block(a, b, true)
    this.block(b, a, true)
  }

  /** Blocks or unblocks a direction. Frames under way wait until it is free again, or their connection is given up. */
  block(from: PeerId, to: PeerId, isBlocked: boolean): void {
    this.links.setBlocked(from, to, isBlocked, this.world.elapsedMs)
    if (!isBlocked) this.resume(from, to)
  }

  /** Sends on what waits on the channels of a pair, unless it is still blocked. */
  resume(a: PeerId, b: PeerId): void {
    for (const pipe of this.connection(a, b)?.pipes ?? []) pipe.resume()
  }

  /** The connection of a pair, if it is open. */
  connection(a: PeerId, b: PeerId): Connection | undefined {
    return this.#connections.get(pairKey(a, b))
  }

  /** True if a process runs there. */
  isAttached(peer: PeerId): boolean {
    return this.nodes.has(peer)
  }

  /** Returns the handler of channels of a protocol at a node. */
  handlerOf(peer: PeerId, protocolId: string): FakeHandler | undefined {
    return this.nodes.get(peer)?.handlerOf(protocolId)
  }

  /** Nodes that a node is connected to, as far as it knows, in order. */
  neighbours(peer: PeerId): PeerId[] {
    return [...this.#neighboursOf(peer)].sort()
  }

  /** A message of gossip arrives, when there is still a way. */
  deliverGossip(from: PeerId, to: PeerId, id: string, bytes: Uint8Array): void {
    if (this.connection(from, to) === undefined || this.links.isBlocked(from, to)) return
    this.nodes.get(to)?.receiveGossip(id, bytes, from)
  }

  #neighboursOf(peer: PeerId): Set<PeerId> {
    const known = this.#neighbours.get(peer) ?? new Set()
    this.#neighbours.set(peer, known)
    return known
  }
}

/** Key of a pair of peers in either order. */
export function pairKey(a: PeerId, b: PeerId): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`
}
