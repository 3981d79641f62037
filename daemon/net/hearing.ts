/** Notes when a peer is heard: at every piece of its bytes that was decrypted, whatever protocol it belongs to. */
import type { ConnectionEncrypter, SecurableStream, SecureConnectionOptions } from '@libp2p/interface'
import type { PeerId } from '../../protocols/network.js'

type Secure = ConnectionEncrypter['secureInbound']
type Source = SecurableStream['source']

/** An encrypter, built from libp2p's components, whose connections tell of what they receive. */
export function hearing<Components>(
  build: (components: Components) => ConnectionEncrypter,
  heard: (peer: PeerId) => void,
): (components: Components) => ConnectionEncrypter {
  return (components) => {
    const encrypter = build(components)
    const listening = (secure: Secure) => {
      const listened = async (stream: SecurableStream, options?: SecureConnectionOptions) => {
        const secured = await secure.call(encrypter, stream, options)
        const peer = secured.remotePeer.toString()
        secured.conn.source = tapped(secured.conn.source, () => heard(peer))
        return secured
      }
      return listened as Secure
    }
    encrypter.secureInbound = listening(encrypter.secureInbound)
    encrypter.secureOutbound = listening(encrypter.secureOutbound)
    return encrypter
  }
}

/** An iterator and no generator, which would keep a `return` waiting behind a `next` that is pending. */
function tapped(source: Source, onBytes: () => void): Source {
  const iterator = source[Symbol.asyncIterator]()
  const next = async () => {
    const result = await iterator.next()
    if (result.done !== true) onBytes()
    return result
  }
  const tap = {
    next,
    return: (value: unknown) => iterator.return?.(value) ?? Promise.resolve({ done: true, value }),
    throw: (error: unknown) => iterator.throw?.(error) ?? Promise.reject(error),
    [Symbol.asyncIterator]: () => tap,
  }
  return tap as Source
}
