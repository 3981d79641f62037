/**
 * The rows of entries, of the users and of the mesh itself: the live versions at each address, in the order of keys.
 */
import { rowPrefixes } from '../keyspace.js'
import { type Address, noField } from '../model/address.js'
import { ByteWriter } from '../model/bytes.js'
import { readDot, readExpiry, readTime, writeDot, writeExpiry, writeTime } from '../model/codec.js'
import { digestBytes } from '../model/digest.js'
import { actorBytes } from '../model/dot.js'
import { isMeshType, type Type, typeNumber, typeOf } from '../model/types.js'
import type { Version } from '../model/update.js'
import { DamagedRow, seal, unlimited, unseal } from './seal.js'

/**
 * The key of an entry: the user's key escaped (00 becomes 00 FF, 00 01 ends it), so that rows stand in the order of
 * keys.
 */
export function entryKey(address: Address): Buffer {
  return asciiEntryKey(address) ?? escapedEntryKey(address)
}

/** The key of an entry where nothing is to be escaped or encoded: by far the usual case. */
function asciiEntryKey({ key, type, field }: Address): Buffer | undefined {
  const row = Buffer.allocUnsafe(key.length + field.length + 4)
  row[0] = prefixOf(type)
  for (let at = 0; at < key.length; at++) {
    const character = key.charCodeAt(at)
    if (character === 0 || character >= 0x80) return undefined
    row[at + 1] = character
  }
  row[key.length + 1] = 0
  row[key.length + 2] = 1
  row[key.length + 3] = typeNumber(type)
  row.set(field, key.length + 4)
  return row
}

function prefixOf(type: Type): number {
  return (isMeshType(type) ? rowPrefixes.system : rowPrefixes.entry).charCodeAt(0)
}

function escapedEntryKey(address: Address): Buffer {
  const key = Buffer.from(address.key)
  const writer = new ByteWriter(key.length + address.field.length + 8)
  writer.u8(prefixOf(address.type))
  for (let from = 0; ; ) {
    const zero = key.indexOf(0, from)
    writer.raw(key.subarray(from, zero < 0 ? key.length : zero))
    if (zero < 0) break
    writer.u8(0).u8(0xff)
    from = zero + 1
  }
  return writer.u8(0).u8(1).u8(typeNumber(address.type)).raw(address.field).finish()
}

/** The start of the rows of user keys with this prefix; `kind` chooses users' or system entries. */
export function entryPrefix(kind: 'entry' | 'system', keyPrefix: string): Buffer {
  const whole = entryKey({ key: keyPrefix, type: kind === 'entry' ? 'reg' : 'sys', field: noField })
  return whole.subarray(0, -3)
}

/** The first key after every row of a user key: where a listing goes on. */
export function entryKeyEnd(key: string): Buffer {
  const whole = Buffer.from(entryKey({ key, type: 'reg', field: noField }).subarray(0, -1))
  whole[whole.length - 1] = 2
  return whole
}

/** The first key that a row of a user key can have: a listing in falling order goes on before it. */
export function entryKeyStart(key: string): Buffer {
  return entryKey({ key, type: 'reg', field: noField }).subarray(0, -1)
}

/** The first key after every row of user keys with a prefix: that of the next prefix of the same length. */
export function entryPrefixEnd(keyPrefix: string): Buffer {
  const end = Buffer.from(entryPrefix('entry', keyPrefix))
  let length = end.length
  // The first byte tells the kind of row, and is not the greatest.
  while (end[length - 1] === 0xff) length--
  end[length - 1]!++
  return end.subarray(0, length)
}

/** The first key of the rows of this address's key and type. */
export function entryTypeStart({ key, type }: Address): Buffer {
  return entryKey({ key, type, field: noField })
}

/** The first key after every row of this address's key and type: where the next type, or the next key, begins. */
export function entryTypeEnd({ key, type }: Address): Buffer {
  const first = Buffer.from(entryKey({ key, type, field: noField }))
  first[first.length - 1]!++
  return first
}

/** The address of an entry's key. Throws DamagedRow when it is none. */
export function entryAddress(rowKey: Uint8Array): Address {
  const row = Buffer.from(rowKey.buffer, rowKey.byteOffset, rowKey.byteLength)
  const parts: Buffer[] = []
  let from = 1
  for (;;) {
    const zero = row.indexOf(0, from)
    if (zero < 0 || zero + 2 > row.length) throw new DamagedRow(rowKey)
    parts.push(row.subarray(from, zero))
    from = zero + 2
    if (row[zero + 1] === 1) break
    parts.push(Buffer.of(0))
  }
  if (from === row.length) throw new DamagedRow(rowKey)
  const type = typeOf(row[from]!)
  const field = row.subarray(from + 1)
  return { key: Buffer.concat(parts).toString(), type, field: field.length === 0 ? noField : Uint8Array.from(field) }
}

/**
 * Writes the live versions of an entry, sorted by dot. An empty list marks an entry that was lost to damage: it is
 * answered as damaged, not as absent, until its fate has been learnt again.
 */
export function encodeVersions(key: Uint8Array, versions: readonly Version[]): Buffer {
  let size = 16
  for (const version of versions) size += 64 + version.value.length
  const writer = new ByteWriter(size).varint(versions.length)
  for (const version of versions) {
    writeDot(writer, version.dot)
    writeTime(writer, version.time)
    writeExpiry(writer, version.expiresAtMs)
    writer.raw(version.valueHash).bytes(version.value)
  }
  return seal(key, writer)
}

/** Reads the live versions of an entry. Values are views of the row. */
export function decodeVersions(key: Uint8Array, value: Uint8Array): Version[] {
  return unseal(key, value, (reader) => {
    const versions: Version[] = []
    for (let left = reader.count(unlimited, digestBytes + actorBytes); left > 0; left--) {
      versions.push({
        dot: readDot(reader),
        time: readTime(reader),
        expiresAtMs: readExpiry(reader),
        valueHash: reader.raw(digestBytes),
        value: reader.bytes(unlimited),
      })
    }
    return versions
  })
}
