/** One node's view of the simulated network, for one run: what the daemon's protocols take for the network. */
import type { Channel, Network, NetworkListener, PeerId, Protocol } from '../../protocols/network.js'
import { type Carrier, type Connection, openChannel, type SimulatedHandler } from './channels.js'
import { neverSettles } from './disk.js'
import { GossipMemory, type GossipRelay } from './gossip.js'

/** What a node needs of the mesh. */
export interface Hub extends Carrier {
  readonly gossip: GossipRelay
  neighbours(peer: PeerId): PeerId[]
  connection(a: PeerId, b: PeerId): Connection | undefined
}

/** One node's view of the network, for one run. */
export class SimNetwork implements Network {
  readonly self: PeerId
  isUp = false
  isDead = false
  /** The greatest value that this node takes in a session, in bytes, as one of another version may; undefined: any. */
  valueBytesMax: number | undefined
  /** Channels opened by this node, by protocol. */
  readonly opened = new Map<string, number>()
  readonly #hub: Hub
  readonly #handlers = new Map<string, SimulatedHandler>()
  readonly #listeners: NetworkListener[] = []
  readonly #memory = new GossipMemory()
  #receive: ((bytes: Uint8Array, from: PeerId) => boolean) | undefined
  #published = 0

  constructor(hub: Hub, self: PeerId) {
    this.#hub = hub
    this.self = self
  }

  peers(): PeerId[] {
    return this.isDead ? [] : this.#hub.neighbours(this.self)
  }

  /** Frames are not in pieces here: heartbeats alone tell that a peer is there. */
  heardMs(): undefined {
    return undefined
  }

  async open(peer: PeerId, protocol: Protocol): Promise<Channel> {
    if (this.isDead) return neverSettles()
    const connection = this.#hub.connection(this.self, peer)
    if (connection === undefined) throw new Error(`${peer} is not connected`)
    this.opened.set(protocol.id, (this.opened.get(protocol.id) ?? 0) + 1)
    this.#hub.note(() => `${this.self} opens ${protocol.id} to ${peer}`)
    return openChannel(this.#hub, connection, this.self, peer, protocol)
  }

  handle(protocol: Protocol, handler: SimulatedHandler): void {
    this.#handlers.set(protocol.id, handler)
  }

  async publish(bytes: Uint8Array): Promise<void> {
    if (this.isDead) return neverSettles()
    const { world, links, gossip } = this.#hub
    const id = `${this.self}/${world.elapsedMs.toFixed(3)}/${this.#published++}`
    this.#memory.take(id, world.elapsedMs)
    for (const neighbour of this.peers()) gossip.send(this.self, neighbour, id, Uint8Array.from(bytes))
    await new Promise<void>((resolve) => world.schedule(links.quality.latencyMs, () => this.#hand(resolve)))
    if (this.isDead) await neverSettles()
  }

  onGossip(receive: (bytes: Uint8Array, from: PeerId) => boolean): void {
    this.#receive = receive
  }

  listen(listener: NetworkListener): void {
    this.#listeners.push(listener)
  }

  /** What accepts channels of a protocol. */
  handlerOf(protocolId: string): SimulatedHandler | undefined {
    return this.isDead ? undefined : this.#handlers.get(protocolId)
  }

  /** Tells the node. */
  tellConnected(peer: PeerId): void {
    this.#hand(() => {
      for (const listener of this.#listeners) listener.connected(peer)
    })
  }

  /** Tells the node. */
  tellDisconnected(peer: PeerId): void {
    this.#hand(() => {
      for (const listener of this.#listeners) listener.disconnected(peer)
    })
  }

  /** A message comes. */
  receiveGossip(id: string, bytes: Uint8Array, from: PeerId): void {
    this.#hand(() => this.#takeGossip(id, bytes, from))
  }

  /** Does something in this run, once its machine is awake. */
  #hand(work: () => void): void {
    this.#hub.whenAwake(this.self, () => {
      if (!this.isDead) work()
    })
  }

  /** Takes a message unless it came before, and passes it on when it is well-formed. */
  #takeGossip(id: string, bytes: Uint8Array, from: PeerId): void {
    if (this.isDead || !this.isUp) return
    const { world, gossip } = this.#hub
    const memory = this.#memory.take(id, world.elapsedMs)
    if (memory === 'known') return
    this.#hub.note(() => `${this.self} receives gossip ${id} by way of ${from}, ${bytes.length} bytes`)
    if (this.#receive?.(bytes, from) !== true || memory === 'again') return
    for (const neighbour of this.peers()) if (neighbour !== from) gossip.send(this.self, neighbour, id, bytes)
  }
}
