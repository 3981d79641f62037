/** Digests: domain-separated SHA-256, cut to 16 bytes, or to 8 where they only tell two contents of one dot apart. */
import { hash } from 'node:crypto'
import type { Address } from './address.js'
import { ByteWriter } from './bytes.js'
import { encodeAddress, writeAddress, writeDot, writeExpiry, writeTime } from './codec.js'
import { type ContentDigest, contentDigestBytes } from './dot.js'
import { digestBytes, idBytes } from './roots.js'
import type { Update, UpdateKind, Version } from './update.js'

export { digestBytes } from './roots.js'

/** SHA-256, whole. */
export function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer')
}

/** Puts the first bytes of the SHA-256 of some bytes into a place. */
export function putHash(target: Uint8Array, at: number, length: number, bytes: Uint8Array): void {
  // As characters it costs a third of what a buffer of its own does.
  const hashed = hash('sha256', bytes, 'binary')
  for (let byte = 0; byte < length; byte++) target[at + byte] = hashed.charCodeAt(byte)
}

/** The first bytes of the SHA-256 of some bytes. */
function cutHash(bytes: Uint8Array, length: number): Buffer {
  const cut = Buffer.allocUnsafe(length)
  putHash(cut, 0, length, bytes)
  return cut
}

/** The first bytes of the SHA-256 of some bytes, as hexadecimal digits. */
function cutHex(bytes: Uint8Array, length: number): string {
  return hash('sha256', bytes, 'hex').slice(0, 2 * length)
}

/** The first 16 bytes of the SHA-256 of a value. */
export function valueHash(value: Uint8Array): Buffer {
  return cutHash(value, digestBytes)
}

/** The place of an address in the trie: the first 16 bytes of the SHA-256 of its encoding. */
export function addressId(address: Address): Buffer {
  return idOfEncoding(encodeAddress(address))
}

/** The place in the trie of the address with this encoding. */
export function idOfEncoding(encoding: Uint8Array): Buffer {
  return cutHash(encoding, idBytes)
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
  return cutHash(writer.finish(), digestBytes)
}

/** The digest of an entry of one version; `stamp`: dot, time, deadline and hash of the value, as they are encoded. */
export function stampDigest(id: Uint8Array, stamp: Uint8Array): Buffer {
  const input = Buffer.allocUnsafe(1 + id.length + stamp.length)
  input[0] = entryDomain
  input.set(id, 1)
  input.set(stamp, 1 + id.length)
  return cutHash(input, digestBytes)
}

const contentDomain = 0x03
const kinds: readonly UpdateKind[] = ['put', 'delete', 'expiry']

/** Content of a put or a delete, as it is hashed. */
type Content = Pick<Update, 'address' | 'kind' | 'time' | 'expiresAtMs'> & { readonly valueHash: Uint8Array | null }

/**
 * The digest of what an update issued under its dot: address, put or delete, time, deadline and value. Two updates
 * under one dot with different digests were issued by two copies of one run (a cloned or rolled-back machine).
 */
export function contentDigest({ address, kind, time, expiresAtMs, valueHash: hashed }: Content): ContentDigest {
  const writer = new ByteWriter(64 + address.key.length + address.field.length)
    .u8(contentDomain)
    .u8(kinds.indexOf(kind))
  writeAddress(writer, address)
  writeTime(writer, time)
  writeExpiry(writer, expiresAtMs)
  if (hashed !== null) writer.raw(hashed)
  return cutHex(writer.finish(), contentDigestBytes)
}

/** The digest of a version at an address: that of the put that stored it. */
export function versionDigest({ time, expiresAtMs, valueHash: hashed }: Version, address: Address): ContentDigest {
  return contentDigest({ address, kind: 'put', time, expiresAtMs, valueHash: hashed })
}

/**
 * The digest of an update's content; undefined for a put that travels with neither its bytes nor their digest.
 * `hashed`: the hash of its value, where it is known already.
 */
export function updateDigest(update: Update, hashed?: Uint8Array | null): ContentDigest | undefined {
  const { address, kind, time, expiresAtMs, value } = update
  if (kind !== 'put') return contentDigest({ address, kind, time, expiresAtMs, valueHash: null })
  if (value === null) return update.digest
  return contentDigest({ address, kind, time, expiresAtMs, valueHash: hashed ?? valueHash(value) })
}

const placeDomain = 0x06
/**
 * Marks begin with zeros, so that they lie below the digests of contents: whatever really stood at a dot is the greater
 * one.
 */
const placeMark = '00000000'

/**
 * Digest that is kept of a dot that was superseded before its own update came, by an update that did not name its
 * content: a mark of the address alone. At this address any content of the dot counts as the superseded one, at every
 * other address as a different one (see `differs`).
 */
export function placeDigest(address: Address): ContentDigest {
  const writer = new ByteWriter(64).u8(placeDomain)
  writeAddress(writer, address)
  return placeMark + cutHex(writer.finish(), contentDigestBytes - placeMark.length / 2)
}

/** True if what is kept of a dot is its place alone. */
export function isPlace(digest: ContentDigest): boolean {
  return digest.startsWith(placeMark)
}

/** True if what is kept of a dot (`ours`) says that something else stood there than a content at an address. */
export function differs(ours: ContentDigest, theirs: ContentDigest, address: Address): boolean {
  return ours !== theirs && !(isPlace(ours) && ours === placeDigest(address))
}
