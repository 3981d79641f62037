/**
 * Watches what comes over each encrypted connection: notes that its peer is heard, and closes one that would take too
 * much memory.
 */
import type { ConnectionEncrypter, MessageStream, StreamMuxerFactory } from '@libp2p/interface'
import type { PeerId } from '../../protocols/network.js'
import { connectionWaitingBytesMax, streamWindowBytesMax } from './limits.js'
import { YamuxFrames } from './yamux-frames.js'

type Build<Components, Built> = (components: Components) => Built
type Secure = ConnectionEncrypter['secureInbound']

/**
 * The guard of one host. It learns from the encrypter who is at the other end, and watches where the multiplexer begins
 * to read.
 */
export class ConnectionGuard {
  readonly #peers = new WeakMap<MessageStream, PeerId>()

  /** `heard` is called at all bytes from a peer, whatever protocol they belong to. */
  constructor(private readonly heard: (peer: PeerId) => void) {}

  /** An encrypter that tells this guard who is connected. */
  encrypter<C>(build: Build<C, ConnectionEncrypter>): Build<C, ConnectionEncrypter> {
    return (components) => {
      const encrypter = build(components)
      const noting = (secure: Secure): Secure => {
        return async (connection, options) => {
          const secured = await secure.call(encrypter, connection, options)
          this.#peers.set(secured.connection, secured.remotePeer.toString())
          return secured
        }
      }
      encrypter.secureInbound = noting(encrypter.secureInbound)
      encrypter.secureOutbound = noting(encrypter.secureOutbound)
      return encrypter
    }
  }

  /** A yamux multiplexer whose connections are watched. */
  muxer<C>(build: Build<C, StreamMuxerFactory>): Build<C, StreamMuxerFactory> {
    return (components) => {
      const factory = build(components)
      const create = factory.createStreamMuxer.bind(factory)
      factory.createStreamMuxer = (connection) => {
        this.#watch(connection)
        return create(connection)
      }
      return factory
    }
  }

  /**
   * Watches a connection. Call it before the multiplexer listens: bytes go to the first listener as soon as there is
   * one.
   */
  #watch(connection: MessageStream): void {
    const peer = this.#peers.get(connection)
    const frames = new YamuxFrames(streamWindowBytesMax)
    connection.maxWriteBufferLength = connectionWaitingBytesMax
    connection.addEventListener('message', ({ data }) => {
      if (peer !== undefined) this.heard(peer)
      if (!frames.accepts(data)) connection.abort(new Error('a multiplexer frame is over the window'))
    })
  }
}
