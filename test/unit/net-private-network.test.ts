/** The private network: what is sent arrives, in small pieces of the cipher, whose memory is given back. */
import { randomBytes } from 'node:crypto'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { expect, test } from 'vitest'
import '../../daemon/polyfill.js'
import { cipherPieceBytesMax } from '../../daemon/net/limits.js'
import { privateNetwork } from '../../daemon/net/private-network.js'

/** The parts of a protected connection that it keeps to itself. */
interface Ciphers {
  inboundXor: { update(bytes: Uint8Array): Uint8Array; finalize(): void }
  outboundXor: { update(bytes: Uint8Array): Uint8Array; finalize(): void }
}

test('large pieces are split, arrive as they were sent, and both ciphers are given back when the connection closes', async () => {
  const [ours, theirs] = multiaddrConnectionPair()
  const build = privateNetwork(randomBytes(32))
  const [near, far] = await Promise.all([build().protect(ours), build().protect(theirs)])
  const pieces: number[] = []
  const received: Uint8Array[] = []
  let finalized = 0
  const { inboundXor, outboundXor } = near as unknown as Ciphers
  const update = outboundXor.update.bind(outboundXor)
  outboundXor.update = (bytes) => {
    pieces.push(bytes.length)
    return update(bytes)
  }
  for (const cipher of [inboundXor, outboundXor]) {
    const finalize = cipher.finalize.bind(cipher)
    cipher.finalize = () => {
      finalized++
      finalize()
    }
  }
  far.addEventListener('message', ({ data }) => received.push(data.subarray()))
  const sent = randomBytes(5 * cipherPieceBytesMax + 7)
  near.send(sent)
  await expect.poll(() => Buffer.compare(Buffer.concat(received), sent)).toBe(0)
  expect(Math.max(...pieces)).toBe(cipherPieceBytesMax)
  near.abort(new Error('on purpose'))
  expect(finalized).toBe(2)
})
