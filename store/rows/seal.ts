/** The checksum that closes every row, and what becomes of rows that fail it. */
import { crc32 } from 'node:zlib'
import { HearsayError } from '../errors.js'
import { kindOfRow, kindsWithoutValue } from '../keyspace.js'
import { ByteReader, type ByteWriter, DecodeError } from '../model/bytes.js'

const checksumBytes = 4
/**
 * Rows were written here and are checked by their sum: what is in them is read, however much it is. Only what travels
 * has limits.
 */
export const unlimited = Number.MAX_SAFE_INTEGER

/** True if an error is about a row that cannot be read: its checksum fails, or LevelDB finds its block damaged. */
export function isDamage(error: unknown): boolean {
  return error instanceof DamagedRow || (error instanceof HearsayError && error.code === 'DAMAGED_VALUE')
}

/** Thrown for a row that fails its checksum or cannot be read: damage on the disk, never remote input. */
export class DamagedRow extends Error {
  override readonly name = 'DamagedRow'

  constructor(
    readonly key: Uint8Array,
    options?: ErrorOptions,
  ) {
    super(`row ${Buffer.from(key).toString('hex')} is damaged`, options)
  }
}

/** A row's value closed with its checksum. */
export function seal(key: Uint8Array, writer: ByteWriter): Buffer {
  const body = writer.finish()
  return writer.u32(crc32(body, crc32(key))).finish()
}

/** True if a row's checksum fits key and value; for kinds of rows without a value, if the value is empty. */
export function isSealed(key: Uint8Array, value: Uint8Array): boolean {
  if (kindsWithoutValue.has(kindOfRow(key))) return value.length === 0
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const end = bytes.length - checksumBytes
  return end >= 0 && bytes.readUInt32LE(end) === crc32(bytes.subarray(0, end), crc32(key))
}

/** Checks a row's checksum and reads its value. Throws DamagedRow. */
export function unseal<T>(key: Uint8Array, value: Uint8Array, read: (reader: ByteReader) => T): T {
  if (!isSealed(key, value)) throw new DamagedRow(key)
  try {
    const reader = new ByteReader(value.subarray(0, value.length - checksumBytes))
    const result = read(reader)
    reader.end()
    return result
  } catch (error) {
    if (error instanceof DecodeError) throw new DamagedRow(key, { cause: error })
    throw error
  }
}
