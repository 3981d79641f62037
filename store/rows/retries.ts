/** The rows of retry-safe requests: remembered answers, and the order in which they were remembered. */
import { rowPrefixes } from '../keyspace.js'
import { ByteWriter } from '../model/bytes.js'
import { numbered } from './keys.js'
import { seal, unlimited, unseal } from './seal.js'

const requestHashBytesMax = 64
const retryKeyBytesMax = 4096

/** The remembered answer of a retry-safe request. */
export interface RetryRow {
  readonly requestHash: Uint8Array
  readonly answer: Uint8Array
  readonly atMs: number
}

/** The key of a remembered answer. */
export function retryKeyRow(retryKey: string): Buffer {
  return Buffer.from(rowPrefixes.retry + retryKey)
}

/** Writes a remembered answer. */
export function encodeRetry(key: Uint8Array, row: RetryRow): Buffer {
  return seal(key, new ByteWriter(128).varint(row.atMs).bytes(row.requestHash, requestHashBytesMax).bytes(row.answer))
}

/** Reads a remembered answer. */
export function decodeRetry(key: Uint8Array, value: Uint8Array): RetryRow {
  return unseal(key, value, (reader) => ({
    atMs: reader.varint(),
    requestHash: reader.bytes(requestHashBytesMax),
    answer: reader.bytes(unlimited),
  }))
}

/** The key of the row that remembers when a retry key was used; the value is that key. */
export function retryOrderKey(sequence: number): Buffer {
  return numbered('retryOrder', sequence)
}

/** Writes which retry key was used. */
export function encodeRetryOrder(key: Uint8Array, retryKey: string, atMs: number): Buffer {
  return seal(key, new ByteWriter(64).varint(atMs).text(retryKey, retryKeyBytesMax))
}

/** Reads which retry key was used when. */
export function decodeRetryOrder(key: Uint8Array, value: Uint8Array): { retryKey: string; atMs: number } {
  return unseal(key, value, (reader) => ({ atMs: reader.varint(), retryKey: reader.text(retryKeyBytesMax) }))
}
