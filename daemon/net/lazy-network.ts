/**
 * A Network that protocols can be built on before libp2p is loaded: it keeps what they register and passes it on later.
 */
import type { Channel, Network, NetworkListener, PeerId, Protocol } from '../../protocols/network.js'
import { HearsayError } from '../../store/errors.js'

/** Network that is connected to nobody until a live network is attached. */
export class LazyNetwork implements Network {
  readonly self: PeerId
  readonly #handlers = new Map<string, [Protocol, (channel: Channel) => Promise<void>]>()
  readonly #listeners: NetworkListener[] = []
  #receive: ((bytes: Uint8Array, from: PeerId) => boolean) | undefined
  #live: Network | undefined

  constructor(self: PeerId) {
    this.self = self
  }

  /**
   * Hands everything registered so far, and from now on, to the live network. Call it once, before that one is started.
   */
  attach(live: Network): void {
    this.#live = live
    for (const [protocol, handler] of this.#handlers.values()) live.handle(protocol, handler)
    for (const listener of this.#listeners) live.listen(listener)
    if (this.#receive !== undefined) live.onGossip(this.#receive)
  }

  peers(): PeerId[] {
    return this.#live?.peers() ?? []
  }

  heardMs(peer: PeerId): number | undefined {
    return this.#live?.heardMs(peer)
  }

  async open(peer: PeerId, protocol: Protocol): Promise<Channel> {
    if (this.#live === undefined) throw new HearsayError('UNREACHABLE', 'the network is still starting', { peer })
    return this.#live.open(peer, protocol)
  }

  handle(protocol: Protocol, handler: (channel: Channel) => Promise<void>): void {
    this.#handlers.set(protocol.id, [protocol, handler])
    this.#live?.handle(protocol, handler)
  }

  async publish(bytes: Uint8Array): Promise<void> {
    await this.#live?.publish(bytes)
  }

  onGossip(receive: (bytes: Uint8Array, from: PeerId) => boolean): void {
    this.#receive = receive
    this.#live?.onGossip(receive)
  }

  listen(listener: NetworkListener): void {
    this.#listeners.push(listener)
    this.#live?.listen(listener)
  }
}
