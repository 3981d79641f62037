/** Publishing and receiving over gossipsub, and reopening its streams when they died alone. */
import type { Message, TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import type { Connection, PeerId as Libp2pPeerId, Stream, StreamMiddleware } from '@libp2p/interface'
import type { PeerId } from '../../protocols/network.js'
import type { Environment, Timer } from '../../store/environment.js'
import type { ConnectionTable } from './connection-table.js'
import type { NetCounters } from './counters.js'
import { guardGossip } from './gossip-guard.js'
import { gossipTopic } from './gossip-options.js'
import type { Host } from './host.js'
import { gossipBufferBytesMax, gossipMessageBytesMax, gossipRepairMs } from './limits.js'

/** The protocols of gossipsub, each with streams of its own. */
const gossipProtocols = ['/meshsub/1.2.0', '/meshsub/1.1.0', '/meshsub/1.0.0']

/** Takes a message; returns whether it is well-formed. */
export type ReceiveGossip = (bytes: Uint8Array, from: PeerId) => boolean

/** The streams and hooks of gossipsub that it keeps to itself. */
interface GossipInternals {
  readonly streamsOutbound: Map<string, { readonly rawStream: Stream; close(): Promise<void> }>
  onPeerConnected(peer: Libp2pPeerId, connection: Connection): void
}

/** The gossip of one host. */
export class HostGossip {
  readonly #suspects = new Set<PeerId>()
  #timer: Timer | undefined

  constructor(
    private readonly host: Host,
    private readonly connections: ConnectionTable,
    private readonly environment: Environment,
    private readonly counters: NetCounters,
  ) {}

  /** Bounds what neighbours can cause, and sets what their streams go through first; before the host starts. */
  prepare(): void {
    const { gossip, registrar } = this.host
    guardGossip(gossip, this.counters)
    const middleware = registrar.getMiddleware.bind(registrar)
    // libp2p appends the handler of each inbound stream to the list that it is given.
    registrar.getMiddleware = (protocol) => [...middleware(protocol)]
    for (const protocol of gossipProtocols) registrar.use(protocol, [this.#admit])
  }

  /** Subscribes; the host must be started. */
  start(receive: ReceiveGossip): void {
    this.host.gossip.topicValidators.set(gossipTopic, async (from, message) => {
      const isGood = await this.#receive(from.toString(), message, receive)
      return (isGood ? 'accept' : 'reject') as TopicValidatorResult
    })
    this.host.gossip.subscribe(gossipTopic)
    this.#repairLater()
  }

  /** Ends the repairs; gossipsub itself stops with its host. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Hands bytes to the neighbours. Throws a RangeError when they are over the limit. */
  async publish(bytes: Uint8Array): Promise<void> {
    if (bytes.length > gossipMessageBytesMax)
      throw new RangeError(`gossip of ${bytes.length} bytes is over ${gossipMessageBytesMax}`)
    this.counters.gossipPublished++
    await this.host.gossip.publish(gossipTopic, bytes)
    // gossipsub only queues; the streams take the bytes in later turns, and what is written meanwhile is coalesced.
    await this.environment.yieldTurn()
  }

  /**
   * gossipsub queues what it reads without a bound, and never waits: a neighbour is read once it is identified, and
   * sent no more than it takes.
   */
  readonly #admit: StreamMiddleware = async (stream, connection, next) => {
    if (stream.direction === 'outbound') {
      dropBeyond(stream, gossipBufferBytesMax)
    } else {
      stream.pause()
      await this.connections.whenReady(connection.remotePeer.toString())
      if (stream.readStatus === 'paused') stream.resume()
    }
    next(stream, connection)
  }

  async #receive(from: PeerId, message: Message, receive: ReceiveGossip): Promise<boolean> {
    await this.connections.whenReady(from)
    this.counters.gossipReceived++
    const isGood = message.data.length <= gossipMessageBytesMax && receive(message.data, from)
    if (!isGood) this.counters.gossipRejected++
    return isGood
  }

  #repairLater(): void {
    const delayMs = gossipRepairMs * (0.5 + this.environment.random())
    this.#timer = this.environment.setTimer(delayMs, () => {
      this.#repair()
      this.#repairLater()
    })
  }

  /**
   * gossipsub opens one stream each way at the first connection and never looks again: a stream that ends alone leaves
   * the pair without gossip for as long as the connection is open. One that is found dead twice in a row is replaced.
   * Each side cares for its own outgoing stream only, or the two would close each other's repairs.
   */
  #repair(): void {
    // Private in its types, but there is no other way to reach the streams.
    const internals = this.host.gossip as unknown as GossipInternals
    for (const peer of this.connections.peers()) {
      const connection = this.connections.get(peer)
      if (connection === undefined || isSending(internals.streamsOutbound.get(peer)?.rawStream)) {
        this.#suspects.delete(peer)
      } else if (this.#suspects.delete(peer)) {
        this.counters.gossipRepairs++
        reopen(internals, peer, connection)
      } else {
        this.#suspects.add(peer)
      }
    }
  }
}

/** True if an outgoing stream is whole. The reader never sends on it, so an end of its side means that it has left. */
function isSending(stream: Stream | undefined): boolean {
  return stream?.writeStatus === 'writable' && stream.remoteWriteStatus === 'writable'
}

/**
 * Refuses what a slow reader has no room for. gossipsub's own limit resets the stream instead, with all that waits in
 * it.
 */
function dropBeyond(stream: Stream, bytesMax: number): void {
  const send = stream.send.bind(stream)
  stream.send = (data) => {
    if (stream.writeBufferLength + data.byteLength > bytesMax) throw new Error('the neighbour takes no more gossip')
    return send(data)
  }
}

function reopen(internals: GossipInternals, peer: PeerId, connection: Connection): void {
  internals.streamsOutbound
    .get(peer)
    ?.close()
    .catch(() => {})
  internals.streamsOutbound.delete(peer)
  internals.onPeerConnected(connection.remotePeer, connection)
}
