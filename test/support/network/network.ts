/** One node's view of the fake network, for one run: the network as the daemon's protocols see it. */
import type { Channel, Network, NetworkListener, PeerId, Protocol } from '../../../protocols/network.js'
import { neverSettles } from '../virtual-environment.js'
import { type ChannelCarrier, type FakeHandler, openChannel } from './channels.js'
import { GossipMemory, type GossipRelay } from './gossip.js'
import type { Connection } from './pipe.js'

/** Services of the mesh that a node needs. */
export interface Hub extends ChannelCarrier {
  readonly gossip: GossipRelay
  neighbours(peer: PeerId): PeerId[]
  connection(a: PeerId, b: PeerId): Connection | undefined
}

/** One node's view of the network, for one run. */
export class FakeNetwork implements Network {
  readonly self: PeerId
  isUp = false
  isDead = false
  /** The greatest value that this node takes in a session, in bytes, as one of another version may; undefined: any. */
  valueBytesMax: number | undefined
  /** Channels opened by this node, by protocol. */
  readonly opened = new Map<string, number>()
  /** Times at which bytes of peers last came, where a test sets them; frames are not in pieces here. */
  readonly receivedMs = new Map<PeerId, number>()
  readonly #hub: Hub
  readonly #handlers = new Map<string, FakeHandler>()
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

  heardMs(peer: PeerId): number | undefined {
    return this.receivedMs.get(peer)
  }

  async open(peer: PeerId, protocol: Protocol): Promise<Channel> {
    if (this.isDead) return neverSettles()
    const connection = this.#hub.connection(this.self, peer)
    if (connection === undefined) throw new Error(`${peer} is not connected`)
    this.opened.set(protocol.id, (this.opened.get(protocol.id) ?? 0) + 1)
    this.#hub.note(() => `${this.self} opens ${protocol.id} to ${peer}`)
    return openChannel(this.#hub, connection, this.self, peer, protocol)
  }

  handle(protocol: Protocol, handler: FakeHandler): void {
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

  /** Returns the handler of channels of a protocol; of a dead node, none. */
  handlerOf(protocolId: string): FakeHandler | undefined {
    return this.isDead ? undefined : this.#handlers.get(protocolId)
  }

  /** Notifies the node of a connection. */
  tellConnected(peer: PeerId): void {
    this.#hand(() => {
      for (const listener of this.#listeners) listener.connected(peer)
    })
  }

  /** Notifies the node that a connection is gone. */
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
