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
  const high = Math.floor(value / 2 ** 32)
  key[at] = high >>> 16
  key[at + 1] = high >>> 8
  key[at + 2] = high
  const low = value % 2 ** 32
  key[at + 3] = low >>> 24
  key[at + 4] = low >>> 16
  key[at + 5] = low >>> 8
  key[at + 6] = low
}

/** Reads a number from a key. */
export function readNumber(key: Uint8Array, at: number): number {
  const high = (key[at]! << 16) | (key[at + 1]! << 8) | key[at + 2]!
  const low = ((key[at + 3]! << 24) | (key[at + 4]! << 16) | (key[at + 5]! << 8) | key[at + 6]!) >>> 0
  return high * 2 ** 32 + low
}
