/** The simulated mesh: which nodes run, which pairs are connected, and how a lost connection is tried again. */
import type { PeerId } from '../../protocols/network.js'
import type { Random } from '../support/random.js'
import type { VirtualWorld } from '../support/virtual-environment.js'
import type { Connection, Fate, SimulatedHandler } from './channels.js'
import { type GossipPaths, GossipRelay } from './gossip.js'
import { type LinkQuality, SimulatedLinks } from './links.js'
import { type Hub, SimNetwork } from './network.js'

/** How soon a lost connection is tried again, in milliseconds. */
const redialMs: readonly [number, number] = [50, 1_500]

/** All nodes' networks, and the links between them. */
export class SimMesh implements Hub, GossipPaths {
  readonly world: VirtualWorld
  readonly random: Random
  readonly links: SimulatedLinks
  readonly gossip: GossipRelay
  /** Told of what happens, for the trace. */
  note: (text: () => string) => void = () => undefined
  /** True if a connection is refused by one of its ends. */
  isRefused: (a: PeerId, b: PeerId) => boolean = () => false
  /** Calls back when the machine of a node is awake: now, if it is. */
  whenAwake: (peer: PeerId, callback: () => void) => void = (_, callback) => callback()
  /** True if the machine of a node sleeps, or its process is stopped. */
  isAsleep: (peer: PeerId) => boolean = () => false
  /** Decides over single channels and frames, for scripted faults. */
  fateOf: (protocolId: string, from: PeerId, to: PeerId, what: 'open' | 'frame') => Fate = () => 'passes'
  readonly handlerFailures: unknown[] = []
  readonly #nodes = new Map<PeerId, SimNetwork>()
  readonly #edges = new Set<string>()
  readonly #peers = new Map<PeerId, readonly PeerId[]>()
  readonly #connections = new Map<string, Connection>()
  readonly #dialling = new Set<string>()

  constructor(world: VirtualWorld, random: Random, quality: LinkQuality) {
    this.world = world
    this.random = random
    this.links = new SimulatedLinks(random, quality)
    this.gossip = new GossipRelay(this)
  }

  /** A node that starts again: its peers learn now, if they had not, that the old connection is gone. */
  forgetRun(peer: PeerId): void {
    for (const other of this.peersOf(peer)) this.disconnect(peer, other)
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

  /** Blocks or unblocks a direction. Frames under way wait until it is free again, or their connection is given up. */
  block(from: PeerId, to: PeerId, isBlocked: boolean): void {
    this.links.setBlocked(from, to, isBlocked, this.world.elapsedMs)
    if (isBlocked) return
    this.resume(from, to)
    this.dial(from, to)
  }

  /** What waits on the channels of a pair is looked at again. */
  resume(a: PeerId, b: PeerId): void {
    for (const pipe of this.connection(a, b)?.pipes ?? []) pipe.resume()
  }

  /** Ends every fault of the network. */
  heal(): void {
    for (const node of this.#nodes.values()) node.valueBytesMax = undefined
    for (const [from, to] of this.links.clear()) this.block(from, to, false)
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

  /** True if one node could have asked another, and been answered, at a moment or since: no cut stood between them all the time. */
  couldAnswer(a: PeerId, b: PeerId, sinceMs: number): boolean {
    const isPair = this.#edges.has(pairKey(a, b))
    return isPair && this.links.wasFreeSince(a, b, sinceMs) && this.links.wasFreeSince(b, a, sinceMs)
  }

  /** True if a process runs there. */
  isAttached(peer: PeerId): boolean {
    return this.#nodes.has(peer)
  }

  /** What accepts channels of a protocol at a node. */
  handlerOf(peer: PeerId, protocolId: string): SimulatedHandler | undefined {
    return this.#nodes.get(peer)?.handlerOf(protocolId)
  }

  /** Whom a node is connected to, as far as it knows. */
  neighbours(peer: PeerId): PeerId[] {
    return this.peersOf(peer).filter((other) => this.connection(peer, other) !== undefined)
  }

  /** A message of gossip arrives, when there is still a way. */
  deliverGossip(from: PeerId, to: PeerId, id: string, bytes: Uint8Array): void {
    if (this.connection(from, to) === undefined || this.links.isBlocked(from, to)) return
    this.#nodes.get(to)?.receiveGossip(id, bytes, from)
  }

  #connect(a: PeerId, b: PeerId): void {
    const [one, two] = [this.#nodes.get(a), this.#nodes.get(b)]
    if (one?.isUp !== true || two?.isUp !== true || this.isRefused(a, b)) return
    const isBlocked = this.links.isBlocked(a, b) || this.links.isBlocked(b, a)
    const waits = isBlocked || this.isAsleep(a) || this.isAsleep(b)
    if (waits) this.dial(a, b)
    if (waits || this.connection(a, b) !== undefined) return
    this.#connections.set(pairKey(a, b), { pipes: new Set() })
    this.note(() => `${a} and ${b} are connected`)
    one.tellConnected(b)
    two.tellConnected(a)
  }
}

function pairKey(a: PeerId, b: PeerId): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`
}
