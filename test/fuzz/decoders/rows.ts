/** The rows of the store, and the key that is parsed back. */
import { crc32 } from 'node:zlib'
import * as rows from '../../../store/keyspace.js'
import { noField } from '../../../store/model/address.js'
import { valueHash } from '../../../store/model/digest.js'
import { type Decoder, isDamaged } from './decoder.js'
import { actor, address, dot, put, remove, tag, time, value } from './examples.js'

/** The bytes of a row with the checksum that belongs to them. */
function resealed(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const body = Buffer.from(bytes.subarray(0, Math.max(0, bytes.length - 4)))
  const sum = Buffer.alloc(4)
  sum.writeUInt32LE(crc32(body, crc32(key)))
  return Buffer.concat([body, sum])
}

function row(name: string, example: Uint8Array, key: Uint8Array, decode: (value: Uint8Array) => unknown): Decoder {
  return {
    name: `row: ${name}`,
    examples: [example],
    decode,
    accepts: isDamaged,
    mend: (bytes) => resealed(key, bytes),
  }
}

const dotRow = rows.dotKey(dot)
const entryRow = rows.entryKey(address)
const feedRow = rows.feedKey(7)
const ackRow = rows.acknowledgementKey(tag)
const retryRow = rows.retryKeyRow('retry')
const orderRow = rows.retryOrderKey(7)
const contextRow = rows.contextKey(actor)

/** Of rows from the disk. */
export const rowDecoders: readonly Decoder[] = [
  row('format', rows.encodeFormat(1), rows.formatKey, rows.decodeFormat),
  row(
    'state',
    rows.encodeState({
      liveDots: 3,
      checksum: { low: 1, high: 2 ** 32 - 1 },
      userEntries: 2,
      logBytes: 12,
      sequence: 9,
      feedFloor: 1,
      clock: time,
      feedId: actor,
    }),
    rows.stateKey,
    rows.decodeState,
  ),
  row(
    'context',
    rows.encodeContext(contextRow, { member: tag, seen: [1, 5, 9, 9], applied: [1, 5] }),
    contextRow,
    (bytes) => rows.decodeContext(contextRow, bytes),
  ),
  row(
    'dot',
    rows.encodeDotRow(dotRow, { ...put, state: 'logged', bare: false, sequence: 3, supersededBy: remove.dot }),
    dotRow,
    (bytes) => rows.decodeDotRow(dotRow, bytes),
  ),
  row(
    'entry',
    rows.encodeVersions(entryRow, [{ dot, time, expiresAtMs: null, value, valueHash: valueHash(value) }]),
    entryRow,
    (bytes) => rows.decodeVersions(entryRow, bytes),
  ),
  row('feed', rows.encodeFeed(feedRow, { kind: 'removal', dot, address, time, arrival: 3 }), feedRow, (bytes) =>
    rows.decodeFeed(feedRow, bytes),
  ),
  row(
    'acknowledgement',
    rows.encodeAcknowledgement(ackRow, { ranges: new Map([[actor, [1, 5]]]), behindSinceMs: 4 }),
    ackRow,
    (bytes) => rows.decodeAcknowledgement(ackRow, bytes),
  ),
  row(
    'retry',
    rows.encodeRetry(retryRow, { requestHash: new Uint8Array(32), answer: value, atMs: 9 }),
    retryRow,
    (bytes) => rows.decodeRetry(retryRow, bytes),
  ),
  row('retry order', rows.encodeRetryOrder(orderRow, 'retry', 9), orderRow, (bytes) =>
    rows.decodeRetryOrder(orderRow, bytes),
  ),
  {
    name: 'row key of an entry',
    examples: [rows.entryKey({ key: 'a\0b', type: 'reg', field: noField })],
    decode: rows.entryAddress,
    accepts: isDamaged,
  },
]
