/**
 * A peer that holds the mesh secret and behaves badly: raw streams on a libp2p host of the project's own, and
 * heartbeats to be let stay.
 */
import { once } from 'node:events'
import { type Connection, type Stream, stop } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { encode } from 'it-length-prefixed'
import { createHost, type Host } from '../../daemon/net/host.js'
import { createIdentity, loadMeshSecret } from '../../daemon/net/identity.js'
import { silentNetLog } from '../../daemon/net/log.js'
import { shortDigestBytes } from '../../protocols/membership/core/digest.js'
import { encodeHeartbeat, heartbeatProtocol } from '../../protocols/membership/messages.js'
import type { Daemon } from '../e2e/daemons.js'

const heartbeatMs = 500

/** One stream to the victim. */
export interface RawStream {
  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void
  /** Sends one frame, as our channels do. */
  frame(bytes: Uint8Array): void
  /** Resolves with the time, in milliseconds since it was opened, at which the victim ended it. */
  readonly ended: Promise<number>
  readonly isOpen: boolean
}

/** The peer. */
export class HostilePeer {
  readonly peer: string
  readonly #host: Host
  readonly #connection: Connection
  #timer: NodeJS.Timeout | undefined

  private constructor(peer: string, host: Host, connection: Connection) {
    this.peer = peer
    this.#host = host
    this.#connection = connection
  }

  /** Connects to a daemon under the secret of its mesh. */
  static async connect(victim: Daemon): Promise<HostilePeer> {
    const identity = createIdentity()
    const host = await createHost({
      identity,
      secret: await loadMeshSecret(victim.data),
      listen: [],
      announce: [],
      mdns: false,
      gater: {},
      discovered: () => {},
      heard: () => {},
      log: silentNetLog,
    })
    await host.libp2p.start()
    return new HostilePeer(identity.peer, host, await host.libp2p.dial(multiaddr(victim.ready.addresses[0]!)))
  }

  /** True if the victim still lets it be connected. */
  get isConnected(): boolean {
    return this.#connection.status === 'open'
  }

  /** Sends heartbeats in order from now on, of a node that is never verified. */
  async beat(): Promise<void> {
    const stream = await this.open(heartbeatProtocol.id)
    let nonce = 0
    const send = () => {
      nonce++
      stream.frame(
        encodeHeartbeat({
          nonce,
          wallMs: Date.now(),
          isVerified: false,
          wantsEarlyAcks: false,
          asks: false,
          echo: null,
          state: null,
          list: Buffer.alloc(shortDigestBytes),
          epoch: null,
          knownEpoch: null,
          acknowledged: [],
          neighbours: null,
          relays: [],
        }),
      )
    }
    send()
    this.#timer = setInterval(send, heartbeatMs)
  }

  /** Opens a stream of a protocol. */
  async open(protocol: string): Promise<RawStream> {
    const stream = await this.#connection.newStream(protocol)
    return rawStream(stream)
  }

  /** Opens the stream of gossip, in place of the one of its own gossipsub. */
  async openGossip(): Promise<RawStream> {
    await stop(this.#host.gossip)
    return this.open('/meshsub/1.2.0')
  }

  /** Leaves. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#host.libp2p.stop()
  }
}

function rawStream(stream: Stream): RawStream {
  const openedMs = performance.now()
  let isOpen = true
  // What the victim sends is taken and dropped.
  stream.addEventListener('message', () => {})
  // The victim resets the stream, or closes its side in order; both may have been before anyone could listen.
  const isOver = stream.status !== 'open' || stream.remoteWriteStatus === 'closed'
  const over = isOver ? Promise.resolve() : Promise.race([once(stream, 'close'), once(stream, 'remoteCloseWrite')])
  const ended = over.then(() => {
    isOpen = false
    stream.abort(new Error('over'))
    return performance.now() - openedMs
  })
  // In order, and as fast as the victim takes it.
  let before: Promise<unknown> = Promise.resolve()
  const write = (bytes: Uint8Array) => {
    const send = async () => {
      if (stream.writableNeedsDrain) await stream.onDrain()
      if (stream.writeStatus === 'writable') stream.send(bytes)
    }
    // A victim that ended the stream takes nothing more.
    before = before.then(send).catch(() => {})
  }
  return {
    write,
    frame: (bytes) => write(encode.single(bytes).subarray()),
    ended,
    get isOpen() {
      return isOpen
    },
  }
}
