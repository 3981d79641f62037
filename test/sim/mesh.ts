/** The simulated mesh: the fake network, with pairs that keep themselves connected whenever they can. */
import type { PeerId } from '../../protocols/network.js'
import { FakeMesh, pairKey } from '../support/network/mesh.js'
import type { FakeNetwork } from '../support/network/network.js'

/** Delay until a lost connection is tried again, in milliseconds: least and greatest. */
const redialMs: readonly [number, number] = [50, 1_500]

/** All nodes' networks, and the pairs of them that redial. */
export class SimMesh extends FakeMesh {
  /** True if a connection is refused by one of its ends. */
  isRefused: (a: PeerId, b: PeerId) => boolean = () => false
  /** True if the machine of a node sleeps, or its process is stopped. */
  isAsleep: (peer: PeerId) => boolean = () => false
  readonly #edges = new Set<string>()
  readonly #peers = new Map<PeerId, readonly PeerId[]>()
  readonly #dialling = new Set<string>()

  /** A node that starts again: its peers learn now, if they had not, that the old connection is gone. */
  forgetRun(peer: PeerId): void {
    for (const other of this.peersOf(peer)) this.disconnect(peer, other)
  }

  /** The node is ready to talk. */
  up(node: FakeNetwork): void {
    node.isUp = true
    for (const other of this.peersOf(node.self)) this.dial(node.self, other)
  }

  /** A node ends. With `reset` its peers are notified soon; otherwise they find out by its silence. */
  down(peer: PeerId, reset: boolean): void {
    const node = this.nodes.get(peer)
    if (node === undefined) return
    node.isUp = false
    node.isDead = true
    this.nodes.delete(peer)
    for (const other of [...this.nodes.keys()].sort()) {
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

  override block(from: PeerId, to: PeerId, isBlocked: boolean): void {
    super.block(from, to, isBlocked)
    if (!isBlocked) this.dial(from, to)
  }

  /** Ends every fault of the network. */
  heal(): void {
    for (const node of this.nodes.values()) node.valueBytesMax = undefined
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
      this.#redial(a, b)
    })
  }

  override disconnect(a: PeerId, b: PeerId): void {
    if (this.connection(a, b) === undefined) return
    super.disconnect(a, b)
    this.dial(a, b)
  }

  /** True if one node could have asked another, and been answered, at a moment or since: no cut lasted all the time. */
  couldAnswer(a: PeerId, b: PeerId, sinceMs: number): boolean {
    const isPair = this.#edges.has(pairKey(a, b))
    return isPair && this.links.wasFreeSince(a, b, sinceMs) && this.links.wasFreeSince(b, a, sinceMs)
  }

  #redial(a: PeerId, b: PeerId): void {
    if (this.nodes.get(a)?.isUp !== true || this.nodes.get(b)?.isUp !== true || this.isRefused(a, b)) return
    const isBlocked = this.links.isBlocked(a, b) || this.links.isBlocked(b, a)
    const waits = isBlocked || this.isAsleep(a) || this.isAsleep(b)
    if (waits) this.dial(a, b)
    else this.connect(a, b)
  }
}
