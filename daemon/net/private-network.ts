/** The private network of libp2p, with the memory of its cipher kept small. */
import type { ConnectionProtector, MultiaddrConnection } from '@libp2p/interface'
import { preSharedKey } from '@libp2p/pnet'
import { cipherPieceBytesMax } from './limits.js'

/** One direction of the cipher. */
interface Cipher {
  update(bytes: Uint8Array): Uint8Array
  finalize(): void
}

/** The protected connection, as @libp2p/pnet makes it. */
interface Boxed extends MultiaddrConnection {
  maxMessageSize?: number
  inboundXor: Cipher
  outboundXor: Cipher
}

/**
 * A protector under a mesh secret of 32 bytes. All ciphers of the process share one WebAssembly memory, of 640 KiB at
 * first and 62 MiB at most: each takes 64 bytes of it until it is finalized, and a piece has to fit besides. When it
 * grows, every other cipher loses its view and grows it again; at its end, connections break. So pieces are small, and
 * ciphers are finalized, which @libp2p/pnet never does.
 */
export function privateNetwork(secret: Uint8Array): () => ConnectionProtector {
  const build = preSharedKey({ psk: sharedKeyFile(secret) })
  return () => {
    const protector = build()
    const protect = protector.protect.bind(protector)
    protector.protect = async (connection, options) => {
      const boxed = (await protect(connection, options)) as Boxed
      boxed.maxMessageSize = cipherPieceBytesMax
      if (boxed.status === 'open') boxed.addEventListener('close', () => finalize(boxed))
      else finalize(boxed)
      return boxed
    }
    return protector
  }
}

/** Gives the memory of both ciphers back. What still comes over a connection that is closed is nobody's. */
function finalize(boxed: Boxed): void {
  boxed.inboundXor.finalize()
  boxed.outboundXor.finalize()
  boxed.inboundXor = closed
  boxed.outboundXor = closed
}

const closed: Cipher = { update: () => new Uint8Array(0), finalize: () => {} }

/** The key file format of libp2p's private networks. */
function sharedKeyFile(secret: Uint8Array): Uint8Array {
  return Buffer.from(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(secret).toString('hex')}`)
}
