/** Parts that keys of several kinds have in common: names, and numbers whose byte order is their own. */
import { type RowKind, rowPrefixes } from '../keyspace.js'

/** Bytes of a number in a key. */
export const numberBytes = 7

/** The key of a row that there is once. */
export const metaKey = (name: string): Buffer => Buffer.from(rowPrefixes.meta + name)

/** A key of a kind and a number. */
export function numbered(kind: RowKind, value: number): Buffer {
  const key = Buffer.allocUnsafe(1 + numberBytes)
  key[0] = rowPrefixes[kind].charCodeAt(0)
  writeNumber(key, value, 1)
  return key
}

/** Writes a number of `numberBytes` into a key. */
export function writeNumber(key: Buffer, value: number, at: number): void {
  key.writeUIntBE(Math.floor(value / 2 ** 32), at, 3)
  key.writeUInt32BE(value % 2 ** 32, at + 3)
}

/** Reads a number from a key. */
export function readNumber(key: Uint8Array, at: number): number {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  return bytes.readUIntBE(at, 3) * 2 ** 32 + bytes.readUInt32BE(at + 3)
}
