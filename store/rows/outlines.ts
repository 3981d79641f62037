/**
 * Outlines of rows: what the verification of a store needs of them, read from the bytes as they are, since it reads
 * every row at each start. The decoders of `entries.ts` and `dots.ts` read whatever is not of the usual form.
 */
import { rowPrefixes } from '../keyspace.js'
import { ByteWriter } from '../model/bytes.js'
import { readDigest, readDot, readExpiry, readTime } from '../model/codec.js'
import { addressId, digestBytes, entryDigest, idOfEncoding, stampDigest } from '../model/digest.js'
import { actorBytes, type Dot } from '../model/dot.js'
import { isMeshType, typeOf } from '../model/types.js'
import { decodeDotRow, isPlainLiveRow } from './dots.js'
import { decodeVersions, entryAddress, entryKey } from './entries.js'
import { unlimited, unseal } from './seal.js'

/** An entry without its values. */
export interface EntryOutline {
  /** Its place in the trie. */
  readonly id: Buffer
  /** Its digest in the trie. */
  readonly digest: Buffer
  /** The dots of its live versions, sorted; none: the entry was lost to damage. */
  readonly dots: readonly Dot[]
}

/** Reads the outline of an entry. Throws DamagedRow. */
export function outlineEntry(key: Uint8Array, value: Uint8Array): EntryOutline {
  const id = idOfKey(key)
  const single = unseal(key, value, (reader) => {
    if (reader.count(unlimited, digestBytes + actorBytes) !== 1) {
      reader.raw(reader.left)
      return undefined
    }
    const start = reader.left
    const dot = readDot(reader)
    readTime(reader)
    readExpiry(reader)
    reader.raw(digestBytes)
    const stamp = reader.before(start - reader.left)
    reader.bytes(unlimited)
    return { id, digest: stampDigest(id, stamp), dots: [dot] }
  })
  if (single !== undefined) return single
  const versions = decodeVersions(key, value)
  return { id, digest: entryDigest(id, versions), dots: versions.map(({ dot }) => dot) }
}

/** The place in the trie of the entry under a key. */
function idOfKey(key: Uint8Array): Buffer {
  const end = key.indexOf(0, 1)
  const isPlain = end > 1 && end + 2 < key.length && key[end + 1] === 1
  if (!isPlain) return addressId(entryAddress(key))
  // A key without escapes holds the bytes of its address.
  const writer = new ByteWriter(key.length + 8).u8(key[end + 2]!)
  return idOfEncoding(
    writer
      .bytes(key.subarray(1, end))
      .bytes(key.subarray(end + 3))
      .finish(),
  )
}

/** Reads the key of the entry that the row of a live dot names; undefined when the dot is not live. Throws DamagedRow. */
export function outlineDot(key: Uint8Array, value: Uint8Array): Buffer | undefined {
  const plain = isPlainLiveRow(value) ? plainEntryKey(key, value) : undefined
  if (plain !== undefined) return plain
  const row = decodeDotRow(key, value)
  return row.state === 'live' ? entryKey(row.address) : undefined
}

/** The entry's key in the row of a put that superseded nothing; undefined when the row holds more than that. */
function plainEntryKey(rowKey: Uint8Array, value: Uint8Array): Buffer | undefined {
  return unseal(rowKey, value, (reader) => {
    reader.u8()
    reader.varint()
    const type = reader.u8()
    const key = reader.bytes(unlimited)
    const field = reader.bytes(unlimited)
    readTime(reader)
    readExpiry(reader)
    const isPlain = reader.varint() === 0 && key.length > 0 && !key.includes(0)
    if (isPlain) readDigest(reader)
    else reader.raw(reader.left)
    return isPlain ? joinedKey(type, key, field) : undefined
  })
}

function joinedKey(type: number, key: Buffer, field: Buffer): Buffer {
  const row = Buffer.allocUnsafe(key.length + field.length + 4)
  row[0] = (isMeshType(typeOf(type)) ? rowPrefixes.system : rowPrefixes.entry).charCodeAt(0)
  row.set(key, 1)
  row[key.length + 1] = 0
  row[key.length + 2] = 1
  row[key.length + 3] = type
  row.set(field, key.length + 4)
  return row
}
