/** The rows that keep the digest of what stood at a dot of which the log has nothing any more. */
import { rowPrefixes } from '../keyspace.js'
import { ByteWriter } from '../model/bytes.js'
import { type ContentDigest, contentDigestBytes, type Dot } from '../model/dot.js'
import { dotKey } from './dots.js'
import { seal, unseal } from './seal.js'

/** The key of the row that keeps a dot's digest. */
export function digestKey(dot: Dot): Buffer {
  const key = dotKey(dot)
  key[0] = rowPrefixes.digest.charCodeAt(0)
  return key
}

/** The digest of what stood at a dot, and since when it is kept by itself, in milliseconds since 1970. */
export interface DigestRow {
  readonly digest: ContentDigest
  readonly keptSinceMs: number
}

/** Writes the row of a dot's digest. */
export function encodeDigest(key: Uint8Array, { digest, keptSinceMs }: DigestRow): Buffer {
  return seal(key, new ByteWriter(20).hex(digest).varint(keptSinceMs))
}

/** Reads the row of a dot's digest. */
export function decodeDigest(key: Uint8Array, value: Uint8Array): DigestRow {
  return unseal(key, value, (reader) => ({ digest: reader.hex(contentDigestBytes), keptSinceMs: reader.varint() }))
}
