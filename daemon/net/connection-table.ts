/** Open connections, and the gate before them: strangers are refused, and each pair has one connection. */
import type { Connection, ConnectionGater, MultiaddrConnection } from '@libp2p/interface'
import type { PeerId } from '../../protocols/network.js'
import type { Environment } from '../../store/environment.js'
import type { NetCounters } from './counters.js'
import { identifyTimeoutMs, pendingConnectionMs, simultaneousDialMs } from './limits.js'
import type { NetLog } from './log.js'

/** Listener that is notified of peers; the addresses are those the peer says it listens on. */
export interface ConnectionEvents {
  connected(peer: PeerId, direction: 'inbound' | 'outbound', addresses: string[]): void
  disconnected(peer: PeerId): void
}

/** Asks the peer of a connection who it is; resolves with the addresses it listens on. */
export type Identify = (connection: Connection, signal: AbortSignal) => Promise<string[]>

/** A channel over a connection. */
export interface Attached {
  /** Resolves when nothing can be sent any more. */
  readonly sent: Promise<void>
  abort(reason: string): void
}

interface Entry {
  readonly connection: Connection
  /** Channels that may still be sent to. */
  readonly channels: Set<Attached>
  /** Time when bytes came last, in monotonic milliseconds. */
  heardMs: number
  readonly openedAtMs: number
  /** Resolves when identified; rejects when the connection is gone first. */
  readonly ready: Promise<void>
  isReady: boolean
  readonly closed: Promise<void>
  readonly markClosed: () => void
}

/** A connection that was admitted and is still being set up. */
interface PendingConnection {
  readonly link: MultiaddrConnection
  readonly atMs: number
}

/**
 * One connection per pair without flapping: when both sides dial at once, the smaller peer id decides. The first of
 * the two connections that finishes its encryption there is kept and the other refused before it opens anywhere
 * (the multiplexer is negotiated after encryption, so the dialler learns of the refusal in time). The greater peer
 * id accepts what comes. An inbound connection beside one that is older than any simultaneous dial
 * means that the peer has lost the old one, which is then replaced.
 */
export class ConnectionTable {
  readonly #entries = new Map<PeerId, Entry>()
  readonly #pending = new Map<PeerId, PendingConnection>()
  #identify: Identify = () => Promise.reject(new Error('the host is not started'))

  constructor(
    private readonly self: PeerId,
    private readonly environment: Environment,
    private readonly isRefused: (peer: PeerId) => boolean,
    private readonly events: ConnectionEvents,
    private readonly counters: NetCounters,
    private readonly log: NetLog,
  ) {}

  /** Sets how peers are identified; before the host starts. */
  setIdentify(identify: Identify): void {
    this.#identify = identify
  }

  /** Connected and identified peers. */
  peers(): PeerId[] {
    return [...this.#entries].filter(([, entry]) => entry.isReady).map(([peer]) => peer)
  }

  /** The identified connection to a peer. */
  get(peer: PeerId): Connection | undefined {
    const entry = this.#entries.get(peer)
    return entry?.isReady === true ? entry.connection : undefined
  }

  /** Bytes came from a peer. */
  heard(peer: PeerId): void {
    const entry = this.#entries.get(peer)
    if (entry !== undefined) entry.heardMs = this.environment.monotonicMs()
  }

  /** Time when bytes came last from a connected peer, in monotonic milliseconds. */
  heardMs(peer: PeerId): number | undefined {
    return this.#entries.get(peer)?.heardMs
  }

  /**
   * Breaks a channel when its connection closes. libp2p does not tell a sender that waits for the peer to take more:
   * its stream ends, but a push into the stream that waits stays unanswered.
   */
  attach(connection: Connection, channel: Attached): void {
    const entry = this.#entries.get(connection.remotePeer.toString())
    if (entry?.connection !== connection) {
      channel.abort('the connection closed')
      return
    }
    entry.channels.add(channel)
    void channel.sent.then(() => entry.channels.delete(channel))
  }

  /** Resolves when a peer is identified, at once if it is. Rejects when it is not connected or goes first. */
  async whenReady(peer: PeerId): Promise<void> {
    const entry = this.#entries.get(peer)
    if (entry === undefined) throw new Error(`${peer} is not connected`)
    if (!entry.isReady) await entry.ready
  }

  /** Breaks the connection to a peer; resolves when it is gone. */
  async close(peer: PeerId, reason: string): Promise<void> {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return
    entry.connection.abort(new Error(reason))
    await entry.closed
  }

  /** Breaks the connections to all refused peers; resolves when they are gone. */
  async closeRefused(): Promise<void> {
    const refused = [...this.#entries.keys()].filter((peer) => this.isRefused(peer))
    await Promise.all(refused.map((peer) => this.close(peer, 'the peer is refused')))
  }

  /** Breaks all connections; resolves when they are gone. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((peer) => this.close(peer, 'the host stops')))
  }

  /**
   * Adds a connection, or breaks it when its peer is refused or has one already; call it on libp2p's `connection:open`.
   */
  opened(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    if (this.#entries.has(peer) || this.isRefused(peer)) {
      connection.abort(new Error('a second connection'))
      return
    }
    this.#pending.delete(peer)
    if (connection.direction === 'inbound') this.counters.inboundAccepted++
    let markClosed!: () => void
    const closed = new Promise<void>((resolve) => {
      markClosed = resolve
    })
    const openedAtMs = this.environment.monotonicMs()
    const entry: Entry = {
      connection,
      channels: new Set(),
      heardMs: openedAtMs,
      openedAtMs,
      ready: this.#identified(connection),
      isReady: false,
      closed,
      markClosed,
    }
    this.#entries.set(peer, entry)
    entry.ready.catch(() => {})
  }

  /** Removes a connection and breaks its channels; call it on libp2p's `connection:close`. */
  closed(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const entry = this.#entries.get(peer)
    if (entry?.connection !== connection) return
    this.#entries.delete(peer)
    for (const channel of entry.channels) channel.abort('the connection closed')
    if (entry.isReady) this.events.disconnected(peer)
    entry.markClosed()
  }

  /** The gate that libp2p asks at each step of an upgrade. */
  gater(): ConnectionGater {
    const after = (direction: 'inbound' | 'outbound') => (peer: { toString(): string }, link: MultiaddrConnection) =>
      this.#denyEncrypted(peer.toString(), direction, link)
    const last = (peer: { toString(): string }) => this.#count(this.isRefused(peer.toString()))
    return {
      denyInboundConnection: () => {
        this.counters.inboundAttempts++
        return false
      },
      denyOutboundConnection: (peer) => this.#count(this.isRefused(peer.toString())),
      denyInboundEncryptedConnection: after('inbound'),
      denyOutboundEncryptedConnection: after('outbound'),
      denyInboundUpgradedConnection: last,
      denyOutboundUpgradedConnection: last,
    }
  }

  async #denyEncrypted(peer: PeerId, direction: 'inbound' | 'outbound', link: MultiaddrConnection): Promise<boolean> {
    if (this.isRefused(peer) || isOther(link, peer)) return this.#count(true)
    const existing = this.#entries.get(peer)
    if (existing !== undefined) {
      const age = this.environment.monotonicMs() - existing.openedAtMs
      if (direction === 'outbound' || age < simultaneousDialMs) return this.#count(true)
      this.counters.replaced++
      this.log.debug({ peer }, 'a stale connection is replaced')
      await this.close(peer, 'replaced by a newer connection')
    }
    if (this.self > peer) return false
    if (this.#isPending(peer)) return this.#count(true)
    for (const other of this.#pending.keys()) if (!this.#isPending(other)) this.#pending.delete(other)
    this.#pending.set(peer, { link, atMs: this.environment.monotonicMs() })
    return false
  }

  /** True if a connection to the peer was admitted and is still being set up. */
  #isPending(peer: PeerId): boolean {
    const pending = this.#pending.get(peer)
    if (pending === undefined) return false
    const lapsed = this.environment.monotonicMs() - pending.atMs > pendingConnectionMs
    return pending.link.timeline.close === undefined && !lapsed
  }

  #count(denied: boolean): boolean {
    if (denied) this.counters.refused++
    return denied
  }

  /** Identifies the peer, then notifies the listener of it; a peer that does not answer in time is cut off. */
  async #identified(connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    const asking = new AbortController()
    const timer = this.environment.setTimer(identifyTimeoutMs, () => asking.abort())
    try {
      const addresses = await this.#identify(connection, asking.signal)
      const entry = this.#entries.get(peer)
      if (entry?.connection !== connection) throw new Error(`${peer} went before it was identified`)
      entry.isReady = true
      this.events.connected(peer, connection.direction, addresses)
    } catch (error) {
      this.counters.unidentified++
      this.log.debug({ peer, reason: (error as Error).message }, 'a peer was not identified')
      connection.abort(error as Error)
      throw error
    } finally {
      timer.cancel()
    }
  }
}

/** True if a dial for one peer was answered by another. */
function isOther(link: MultiaddrConnection, peer: PeerId): boolean {
  const expected = link.remoteAddr.getComponents().findLast(({ name }) => name === 'p2p')?.value
  return expected !== undefined && expected !== peer
}
