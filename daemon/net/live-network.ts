/** The daemon's network: a Network whose libp2p host can be replaced while protocols stay registered. */
import type { Channel, Network, NetworkListener, PeerId, Protocol } from '../../protocols/network.js'
import type { Environment } from '../../store/environment.js'
import { HearsayError } from '../../store/errors.js'
import { withoutPeer } from './address-book.js'
import { boundAddresses, checkAddress, ownAddresses } from './addresses.js'
import { ConnectionTable } from './connection-table.js'
import { NetCounters } from './counters.js'
import { dialAny } from './dial.js'
import type { ReceiveGossip } from './gossip.js'
import { createHost, type Host, identifyPeer } from './host.js'
import type { Identity } from './identity.js'
import { withKeptPorts } from './kept-ports.js'
import { relistenAttemptsMax, relistenPauseMs, stopTimeoutMs } from './limits.js'
import { listenError } from './listen-error.js'
import type { NetLog } from './log.js'
import { type ChannelHandler, emptyRegistrations, Libp2pNetwork } from './network.js'
import { Supervisor } from './supervisor.js'
import type { Dial, KnownMember } from './supervisor-core.js'

/** Dependencies of the network. */
export interface LiveNetworkOptions {
  readonly identity: Identity
  /** The mesh secret, 32 bytes. */
  readonly secret: Uint8Array
  /** Multiaddrs to listen on; `tcp/0` takes a free port and keeps it over restarts. */
  readonly listen: readonly string[]
  /** The same as they were bound by an earlier process: those ports are taken again if nobody else has them. */
  readonly formerly?: readonly string[]
  /** Multiaddrs announced to others instead of those listened on. */
  readonly announce?: readonly string[]
  /** Multiaddrs to keep connected whatever happens. */
  readonly bootstrap?: readonly string[]
  /** True if the network looks for the mesh on the local network. */
  readonly mdns: boolean
  readonly environment: Environment
  readonly log: NetLog
}

interface Generation {
  readonly host: Host
  readonly network: Libp2pNetwork
  readonly connections: ConnectionTable
  readonly supervisor: Supervisor
}

/**
 * Network over one host after the other: `start`, `restart` and `stop` are done in turn. Handlers, listeners, the
 * gossip receiver, members and the refusing predicate may be set at any time and hold for every host; peers of a host
 * that is replaced are reported as disconnected.
 */
export class LiveNetwork implements Network {
  readonly counters = new NetCounters()
  readonly #registrations = emptyRegistrations()
  #identity: Identity
  #secret: Uint8Array
  #listen: readonly string[]
  #members: readonly KnownMember[] = []
  #refused: (peer: PeerId) => boolean = () => false
  #live: Generation | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** Throws BAD_CONFIG for a malformed multiaddr. */
  constructor(private readonly options: LiveNetworkOptions) {
    const { listen, announce = [], bootstrap = [] } = options
    for (const address of [...listen, ...announce, ...bootstrap]) checkAddress(address)
    this.#identity = options.identity
    this.#secret = options.secret
    this.#listen = listen
  }

  get self(): PeerId {
    return this.#identity.peer
  }

  /** True if a host is running. */
  get isStarted(): boolean {
    return this.#live !== undefined
  }

  /** Starts listening and dialling. Rejects with PORT_IN_USE or BAD_CONFIG when an address cannot be listened on. */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      this.#live ??= await this.#buildWhereItWas()
    })
  }

  /** The multiaddrs listened on, with the ports that were given. */
  get listening(): readonly string[] {
    return this.#listen
  }

  /** Stops; ends within two seconds whatever peers do. */
  stop(): Promise<void> {
    return this.#inTurn(() => this.#end())
  }

  /** Replaces the host by one under another mesh secret (and identity, if given) on the same addresses. */
  restart(secret: Uint8Array, identity: Identity = this.#identity): Promise<void> {
    return this.#inTurn(async () => {
      await this.#end()
      this.#secret = secret
      this.#identity = identity
      for (let attempt = 1; this.#live === undefined; attempt++) {
        try {
          this.#live = await this.#build()
        } catch (error) {
          if (!isTaken(error) || attempt === relistenAttemptsMax) throw error
          await this.#sleep(relistenPauseMs)
        }
      }
    })
  }

  /** The multiaddrs, with the peer id, that others can reach this node at; none while it is stopped. */
  addresses(): string[] {
    return this.#live === undefined ? [] : ownAddresses(this.#live.host, this.options.announce ?? [])
  }

  /** Sets whom to keep connected. */
  setMembers(members: readonly KnownMember[]): void {
    this.#members = members
    this.#live?.supervisor.setMembers(members)
  }

  /** Addresses of a peer that were learnt otherwise, of an invitation for example: dialled soon. */
  learn(peer: PeerId, addresses: readonly string[]): void {
    this.#live?.supervisor.learn(peer, addresses)
  }

  /** Adds addresses to keep connected whatever happens, until the next restart. */
  addBootstrap(addresses: readonly string[]): void {
    for (const address of addresses) checkAddress(address)
    this.#live?.supervisor.addStatic(addresses)
  }

  /** Every open connection, identified or not: for diagnosis. */
  connections(): { peer: PeerId; direction: 'inbound' | 'outbound'; address: string; openedAtMs: number }[] {
    const open = this.#live?.host.libp2p.getConnections() ?? []
    return open.map(({ remotePeer, remoteAddr, direction, timeline }) => {
      return { peer: remotePeer.toString(), direction, address: remoteAddr.toString(), openedAtMs: timeline.open }
    })
  }

  /**
   * Sets who is refused, in both directions; resolves when the connections to them are closed. Others are dialled soon.
   */
  async setRefused(refused: (peer: PeerId) => boolean): Promise<void> {
    this.#refused = refused
    this.#live?.supervisor.setRefused(refused)
    await this.#live?.connections.closeRefused()
  }

  /** Breaks the connection to a peer, a silent one for example; resolves when it is gone. It is redialled at once. */
  async disconnect(peer: PeerId): Promise<void> {
    await this.#live?.connections.close(peer, 'disconnected')
  }

  peers(): PeerId[] {
    return this.#live?.network.peers() ?? []
  }

  heardMs(peer: PeerId): number | undefined {
    return this.#live?.network.heardMs(peer)
  }

  /** Rejects with UNREACHABLE when the peer is not connected. */
  async open(peer: PeerId, protocol: Protocol): Promise<Channel> {
    if (this.#live === undefined) throw new HearsayError('UNREACHABLE', 'the network is stopped', { peer })
    return this.#live.network.open(peer, protocol)
  }

  handle(protocol: Protocol, handler: ChannelHandler): void {
    this.#registrations.handlers.set(protocol.id, { protocol, handler })
    this.#live?.network.handle(protocol, handler)
  }

  /** Does nothing while the network is stopped: gossip that nobody hears is lost anyway. */
  async publish(bytes: Uint8Array): Promise<void> {
    await this.#live?.network.publish(bytes)
  }

  onGossip(receive: ReceiveGossip): void {
    this.#registrations.receive = receive
  }

  listen(listener: NetworkListener): void {
    this.#registrations.listeners.add(listener)
  }

  async #buildWhereItWas(): Promise<Generation> {
    const wanted = this.#listen
    this.#listen = withKeptPorts(wanted, this.options.formerly ?? [])
    try {
      return await this.#build()
    } catch (error) {
      if (!isTaken(error) || this.#listen === wanted) throw error
      this.#listen = wanted
      return await this.#build()
    }
  }

  async #build(): Promise<Generation> {
    const { environment, log } = this.options
    const { peer } = this.#identity
    const connections = new ConnectionTable(
      peer,
      environment,
      (other) => this.#refused(other),
      {
        connected: (other, direction, addresses) => {
          supervisor.learn(other, this.#foreign(host, addresses))
          supervisor.connected(other, direction)
          this.#tell(other, (listener) => listener.connected(other))
        },
        disconnected: (other) => {
          supervisor.disconnected(other)
          this.#tell(other, (listener) => listener.disconnected(other))
        },
      },
      this.counters,
      log,
    )
    const supervisor: Supervisor = new Supervisor(
      peer,
      environment,
      {
        dial: (dial, signal) => this.#dial(host, dial, signal),
        close: (other) => void connections.close(other, 'the mesh is large'),
      },
      log,
    )
    const host: Host = await createHost({
      identity: this.#identity,
      secret: this.#secret,
      listen: this.#listen,
      announce: this.options.announce ?? [],
      mdns: this.options.mdns,
      gater: connections.gater(),
      discovered: (other, addresses) => supervisor.learn(other, addresses),
      heard: (other) => connections.heard(other),
      log,
    })
    connections.setIdentify((connection, signal) => identifyPeer(host, connection, signal))
    host.libp2p.addEventListener('connection:open', ({ detail }) => connections.opened(detail))
    host.libp2p.addEventListener('connection:close', ({ detail }) => connections.closed(detail))
    const network = new Libp2pNetwork(host, connections, this.#registrations, environment, this.counters, log)
    try {
      await network.start()
    } catch (error) {
      throw listenError(error, this.#listen)
    }
    this.#listen = boundAddresses(host, this.#listen)
    supervisor.setRefused((other) => this.#refused(other))
    supervisor.addStatic(this.options.bootstrap ?? [])
    supervisor.setMembers(this.#members)
    supervisor.start()
    return { host, network, connections, supervisor }
  }

  /** Stops the host; what has not ended in time is left to die with its sockets, which are destroyed first. */
  async #end(): Promise<void> {
    const live = this.#live
    if (live === undefined) return
    this.#live = undefined
    live.supervisor.stop()
    const stopped = live.network.stop().catch((error: Error) => {
      this.options.log.debug({ reason: error.message }, 'the libp2p host did not stop in order')
    })
    await Promise.race([stopped, this.#sleep(stopTimeoutMs)])
  }

  #dial(host: Host, dial: Dial, signal: AbortSignal): Promise<{ peer: PeerId; address: string }> {
    this.counters.dials++
    return dialAny(
      host,
      this.options.environment,
      { ...dial, addresses: this.#foreign(host, dial.addresses) },
      signal,
    ).catch((error) => {
      this.counters.dialFailures++
      throw error
    })
  }

  /**
   * Leaves out our own addresses: every node behind a loopback or a copied configuration would otherwise dial itself.
   */
  #foreign(host: Host, addresses: readonly string[]): string[] {
    const own = new Set(host.transports.getAddrs().map((address) => withoutPeer(address.toString())))
    return addresses.filter((address) => !own.has(withoutPeer(address)))
  }

  #tell(peer: PeerId, call: (listener: NetworkListener) => void): void {
    for (const listener of this.#registrations.listeners) {
      try {
        call(listener)
      } catch (error) {
        this.options.log.warn(
          { event: 'networkDefect', peer, reason: (error as Error).message },
          'a listener of connections failed',
        )
      }
    }
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.options.environment.setTimer(delayMs, resolve))
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof HearsayError && error.code === 'PORT_IN_USE'
}
