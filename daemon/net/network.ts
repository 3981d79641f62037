/** The protocols' network over one libp2p host: channels on streams, gossip, and who is connected. */
import type { Connection, Stream } from '@libp2p/interface'
import type { Channel, Network, NetworkListener, PeerId, Protocol } from '../../protocols/network.js'
import type { Environment } from '../../store/environment.js'
import { HearsayError } from '../../store/errors.js'
import { StreamChannel } from './channel.js'
import type { ConnectionTable } from './connection-table.js'
import type { NetCounters } from './counters.js'
import { HostGossip, type ReceiveGossip } from './gossip.js'
import type { Host } from './host.js'
import { channelsPerProtocolMax, openTimeoutMs, receivedBytesMax } from './limits.js'
import type { NetLog } from './log.js'
import { ReceiveBudget } from './receive-budget.js'

/** Owns a channel that a peer opened. */
export type ChannelHandler = (channel: Channel) => Promise<void>

/** Registrations of the protocols; they outlive a host. */
export interface Registrations {
  readonly handlers: Map<string, { readonly protocol: Protocol; readonly handler: ChannelHandler }>
  readonly listeners: Set<NetworkListener>
  receive: ReceiveGossip | undefined
}

/** Makes registrations that are still empty. */
export function emptyRegistrations(): Registrations {
  return { handlers: new Map(), listeners: new Set(), receive: undefined }
}

/** One libp2p host as a Network. */
export class Libp2pNetwork implements Network {
  readonly self: PeerId
  readonly #gossip: HostGossip
  readonly #budgets = new WeakMap<Connection, ReceiveBudget>()

  constructor(
    private readonly host: Host,
    private readonly connections: ConnectionTable,
    private readonly registrations: Registrations,
    private readonly environment: Environment,
    private readonly counters: NetCounters,
    private readonly log: NetLog,
  ) {
    this.self = host.libp2p.peerId.toString()
    this.#gossip = new HostGossip(host, connections, environment, counters)
  }

  /** Registers the protocols, starts the host and subscribes to gossip. */
  async start(): Promise<void> {
    for (const { protocol } of this.registrations.handlers.values()) await this.#register(protocol)
    this.#gossip.prepare()
    await this.host.libp2p.start()
    this.#gossip.start((bytes, from) => this.registrations.receive?.(bytes, from) ?? true)
  }

  /** Breaks all connections and stops the host. */
  async stop(): Promise<void> {
    this.#gossip.stop()
    const closing = this.connections.closeAll()
    await this.host.libp2p.stop()
    await closing
  }

  peers(): PeerId[] {
    return this.connections.peers()
  }

  heardMs(peer: PeerId): number | undefined {
    return this.connections.heardMs(peer)
  }

  /**
   * Rejects with UNREACHABLE when the peer is not connected; with libp2p's own error when it does not speak the
   * protocol.
   */
  async open(peer: PeerId, protocol: Protocol): Promise<Channel> {
    const connection = this.connections.get(peer)
    if (connection === undefined) {
      throw new HearsayError('UNREACHABLE', `${peer} is not connected; it is redialled by itself`, { peer })
    }
    const opening = new AbortController()
    const timer = this.environment.setTimer(openTimeoutMs, () => opening.abort())
    try {
      const stream = await connection.newStream(protocol.id, { signal: opening.signal, ...streamLimits })
      this.counters.channelsOpened++
      return this.#channel(stream, connection, protocol)
    } finally {
      timer.cancel()
    }
  }

  handle(protocol: Protocol, handler: ChannelHandler): void {
    this.registrations.handlers.set(protocol.id, { protocol, handler })
    this.#register(protocol).catch((error: Error) => {
      this.log.warn(
        { event: 'networkDefect', protocol: protocol.id, reason: error.message },
        'a protocol could not be registered',
      )
    })
  }

  publish(bytes: Uint8Array): Promise<void> {
    return this.#gossip.publish(bytes)
  }

  onGossip(receive: ReceiveGossip): void {
    this.registrations.receive = receive
  }

  listen(listener: NetworkListener): void {
    this.registrations.listeners.add(listener)
  }

  #channel(stream: Stream, connection: Connection, protocol: Protocol): StreamChannel {
    const budget = this.#budgets.get(connection) ?? new ReceiveBudget(receivedBytesMax)
    this.#budgets.set(connection, budget)
    const channel = new StreamChannel(stream, connection.remotePeer.toString(), protocol, this.counters, budget)
    this.connections.attach(connection, channel)
    return channel
  }

  async #register(protocol: Protocol): Promise<void> {
    await this.host.libp2p.handle(
      protocol.id,
      (stream, connection) => void this.#accept(protocol, stream, connection),
      {
        force: true,
        ...streamLimits,
      },
    )
  }

  /**
   * Gives an inbound channel to its handler once the peer is identified, so that listeners know it first. Until then
   * the stream is paused: libp2p resets one that nobody reads.
   */
  async #accept(protocol: Protocol, stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    try {
      stream.pause()
      await this.connections.whenReady(peer)
      const registered = this.registrations.handlers.get(protocol.id)
      if (registered === undefined) throw new Error('the protocol is no longer handled')
      this.counters.channelsAccepted++
      await registered.handler(this.#channel(stream, connection, protocol))
    } catch (error) {
      this.counters.handlerFailures++
      this.log.debug({ peer, protocol: protocol.id, reason: (error as Error).message }, 'a channel handler failed')
      stream.abort(error as Error)
    }
  }
}

const streamLimits = { maxInboundStreams: channelsPerProtocolMax, maxOutboundStreams: channelsPerProtocolMax }
