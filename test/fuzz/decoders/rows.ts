/** The rows of the store, and the key that is parsed back. */
import { crc32 } from 'node:zlib'
import { noField } from '../../../store/model/address.js'
import { Context } from '../../../store/model/context.js'
import { valueHash } from '../../../store/model/digest.js'
import {
  acknowledgementKey,
  decodeAcknowledgement,
  encodeAcknowledgement,
} from '../../../store/rows/acknowledgements.js'
import { contextKey, decodeContext, encodeContext } from '../../../store/rows/contexts.js'
import { decodeDotRow, dotKey, encodeDotRow } from '../../../store/rows/dots.js'
import { decodeVersions, encodeVersions, entryAddress, entryKey } from '../../../store/rows/entries.js'
import { decodeFeed, encodeFeed, feedKey } from '../../../store/rows/feed.js'
import {
  decodeRetry,
  decodeRetryOrder,
  encodeRetry,
  encodeRetryOrder,
  retryKeyRow,
  retryOrderKey,
} from '../../../store/rows/retries.js'
import { decodeFormat, decodeState, encodeFormat, encodeState, formatKey, stateKey } from '../../../store/rows/state.js'
import { type Decoder, isDamaged } from './decoder.js'
import { address, exampleActor, exampleDot, examplePut, exampleRemove, exampleTime, tag, value } from './examples.js'

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

const dotRow = dotKey(exampleDot)
const entryRow = entryKey(address)
const feedRow = feedKey(7)
const ackRow = acknowledgementKey(tag)
const retryRow = retryKeyRow('retry')
const orderRow = retryOrderKey(7)
const contextRow = contextKey(exampleActor)

/** Of rows from the disk. */
export const rowDecoders: readonly Decoder[] = [
  row('format', encodeFormat(1), formatKey, decodeFormat),
  row(
    'state',
    encodeState({
      liveDots: 3,
      checksum: { low: 1, high: 2 ** 32 - 1 },
      userEntries: 2,
      logBytes: 12,
      sequence: 9,
      feedFloor: 1,
      clock: exampleTime,
      feedId: exampleActor,
    }),
    stateKey,
    decodeState,
  ),
  row('context', encodeContext(contextRow, { member: tag, seen: [1, 5, 9, 9], applied: [1, 5] }), contextRow, (bytes) =>
    decodeContext(contextRow, bytes),
  ),
  row(
    'dot',
    encodeDotRow(dotRow, { ...examplePut, state: 'logged', bare: false, sequence: 3, supersededBy: exampleRemove.dot }),
    dotRow,
    (bytes) => decodeDotRow(dotRow, bytes),
  ),
  row(
    'entry',
    encodeVersions(entryRow, [
      { dot: exampleDot, time: exampleTime, expiresAtMs: null, value, valueHash: valueHash(value) },
    ]),
    entryRow,
    (bytes) => decodeVersions(entryRow, bytes),
  ),
  row(
    'feed',
    encodeFeed(feedRow, { kind: 'removal', dot: exampleDot, address, time: exampleTime, arrival: 3 }),
    feedRow,
    (bytes) => decodeFeed(feedRow, bytes),
  ),
  row(
    'acknowledgement',
    encodeAcknowledgement(ackRow, { acknowledged: new Context(new Map([[exampleActor, [1, 5]]])), behindSinceMs: 4 }),
    ackRow,
    (bytes) => decodeAcknowledgement(ackRow, bytes),
  ),
  row('retry', encodeRetry(retryRow, { requestHash: new Uint8Array(32), answer: value, atMs: 9 }), retryRow, (bytes) =>
    decodeRetry(retryRow, bytes),
  ),
  row('retry order', encodeRetryOrder(orderRow, 'retry', 9), orderRow, (bytes) => decodeRetryOrder(orderRow, bytes)),
  {
    name: 'row key of an entry',
    examples: [entryKey({ key: 'a\0b', type: 'reg', field: noField })],
    decode: entryAddress,
    accepts: isDamaged,
  },
]
