/** Digests that heartbeats carry: of contexts, of the member list, and of a whole state. */
import { ByteWriter } from '../../../store/model/bytes.js'
import { type Contexts, writeRanges } from '../../../store/model/codec.js'
import { digestBytes, sha256 } from '../../../store/model/digest.js'
import type { PeerId } from '../../network.js'

/** Bytes of the digest of a member list, and of that of a state. */
export const shortDigestBytes = 8

const contextsDomain = 0x10
const listDomain = 0x11
const stateDomain = 0x12

/** The digest of the sets seen and applied (whoever the actors belong to), 16 bytes. */
export function contextsDigest({ seen, applied }: Contexts): Buffer {
  const writer = new ByteWriter(1024).u8(contextsDomain)
  seen.visitWith(applied, (actor, ranges, appliedRanges) => {
    writer.latin1(actor)
    writeRanges(writer, ranges)
    writeRanges(writer, appliedRanges)
  })
  return sha256(writer.finish()).subarray(0, digestBytes)
}

/** The digest of a member list, 8 bytes; the order of the peers does not matter. */
export function listDigest(peers: Iterable<PeerId>): Buffer {
  const sorted = [...new Set(peers)].sort()
  const writer = new ByteWriter(256).u8(listDomain).varint(sorted.length)
  for (const peer of sorted) writer.text(peer)
  return sha256(writer.finish()).subarray(0, shortDigestBytes)
}

/** The digest of root and contexts together, 8 bytes. */
export function stateDigest(root: Uint8Array, contexts: Uint8Array): Buffer {
  return sha256(new ByteWriter(64).u8(stateDomain).raw(root).raw(contexts).finish()).subarray(0, shortDigestBytes)
}
