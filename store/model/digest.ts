/** Digests: domain-separated SHA-256, cut to 16 bytes. */
import { hash } from 'node:crypto'
import type { Address } from './address.js'
import { ByteWriter } from './bytes.js'
import { encodeAddress, writeDot, writeExpiry, writeTime } from './codec.js'
import type { Version } from './update.js'

/** Bytes of every digest in memory and on disk. */
export const digestBytes = 16

/** SHA-256, whole. */
export function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer')
}

/** The first 16 bytes of the SHA-256 of a value. */
export function valueHash(value: Uint8Array): Buffer {
  return sha256(value).subarray(0, digestBytes)
}

/** The place of an address in the trie: the first 16 bytes of the SHA-256 of its encoding. */
export function addressId(address: Address): Buffer {
  return sha256(encodeAddress(address)).subarray(0, digestBytes)
}

const entryDomain = 0x02

/**
 * The digest of an entry: address, sorted dots with their times and deadlines, and the values' hashes
 * (dots alone could not show a dot that was issued twice).
 * `id` is the address's id; `versions` are sorted by dot.
 */
export function entryDigest(id: Uint8Array, versions: readonly Version[]): Buffer {
  const writer = new ByteWriter(32 + versions.length * 48).u8(entryDomain).raw(id)
  for (const version of versions) {
    writeDot(writer, version.dot)
    writeTime(writer, version.time)
    writeExpiry(writer, version.expiresAtMs)
    writer.raw(version.valueHash)
  }
  return sha256(writer.finish()).subarray(0, digestBytes)
}
