/** Every decoder of bytes or text that come from outside or from the disk, in one table: valid examples, and the errors it may throw. */
import { crc32 } from 'node:zlib'
import { parseApiAddress, parseResolvers } from '../../daemon/config/checks.js'
import { parseAcks, parseDuration, parseSize } from '../../daemon/config/parse.js'
import { parseJson } from '../../daemon/http/body.js'
import { keyOf } from '../../daemon/http/paths.js'
import { parseQuery, typedQuery } from '../../daemon/http/query.js'
import { parseLine } from '../../daemon/http/transfer/import-lines.js'
import * as gossip from '../../protocols/gossip/messages.js'
import { decodeForgotten, decodeRecord, encodeForgotten, encodeRecord } from '../../protocols/membership/core/record.js'
import { decodeInvite, encodeInvite } from '../../protocols/membership/invite.js'
import { decodeHeartbeat, encodeHeartbeat } from '../../protocols/membership/messages.js'
import * as reads from '../../protocols/membership/read-messages.js'
import { baselineOf, diffCapture } from '../../protocols/sync/core/captures.js'
import { decodeMessage, encodeMessage, type Message } from '../../protocols/sync/messages.js'
import { Assembly, piecesOf } from '../../protocols/sync/pieces.js'
import { BackupDecoder } from '../../store/backup/decoder.js'
import { BackupEncoder } from '../../store/backup/format.js'
import { Access } from '../../store/data/access.js'
import { DocumentTokens } from '../../store/data/document-tokens.js'
import { rowsOf } from '../../store/documents/chunk.js'
import { parseJsonPatch } from '../../store/documents/json-patch.js'
import { loadDocumentLibrary } from '../../store/documents/library.js'
import { HearsayError } from '../../store/errors.js'
import * as rows from '../../store/keyspace.js'
import { document, noField, register } from '../../store/model/address.js'
import { ByteReader, ByteWriter, DecodeError } from '../../store/model/bytes.js'
import { decodeUpdates, encodeUpdates, readContexts, writeContexts } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { sha256, valueHash } from '../../store/model/digest.js'
import { parseDot } from '../../store/model/dot.js'
import { decodeToken, encodeToken, tokenKey } from '../../store/model/token.js'
import type { Update } from '../../store/model/update.js'
import type { Replica } from '../../store/replica/replica.js'
import { crc32c, masked, unpackSnappy } from '../../store/tables-bytes.js'
import { decodeManifest } from '../../store/tables-manifest.js'
import { edited } from '../support/documents.js'
import { resealedChunk } from '../support/saved-document.js'

/** One decoder. */
export interface Decoder {
  readonly name: string
  /** Valid encodings, which are mutated. */
  readonly examples: readonly Uint8Array[]
  /** Decodes; throws what `accepts` knows. */
  decode(bytes: Uint8Array): unknown
  /** Whether this error is one that the decoder documents. */
  accepts(error: unknown): boolean
  /** Puts the checksum of a mutated row right, so that what is behind it is reached too. */
  mend?(bytes: Uint8Array): Uint8Array
}

const actor = '0102030405060708'
const other = '1112131415161718'
const tag = 'aaaaaaaaaaaaaaaa'
const memberOf = () => tag
const dot = { actor, counter: 2 ** 53 - 3 }
const address = register('key')
const value = Buffer.from('value')
const time = { ms: 1_700_000_000_000, logical: 3 }
const put: Update = {
  dot,
  address,
  kind: 'put',
  time,
  expiresAtMs: 5,
  value,
  supersedes: [{ actor: other, counter: 300 }],
}
const remove: Update = {
  ...put,
  dot: { actor: other, counter: 301 },
  kind: 'delete',
  expiresAtMs: null,
  value: null,
  supersedes: [dot],
}
const members = new Map([
  [actor, tag],
  [other, tag],
])
const context = Context.of([
  dot,
  { actor: other, counter: 1 },
  { actor: other, counter: 2 },
  { actor: other, counter: 9 },
])
const contexts = { seen: context, applied: Context.of([dot]) }
const capture = diffCapture({ ...contexts, members, root: Buffer.alloc(16, 7), entries: 3 }, baselineOf(), memberOf)
const secret = new Uint8Array(32).fill(3)
const key = tokenKey(secret)

const isDecodeError = (error: unknown) => error instanceof DecodeError
const isDamaged = (error: unknown) => error instanceof rows.DamagedRow
const isKnownError = (error: unknown) => error instanceof HearsayError
/** Parsers of settings throw plain errors whose text the user reads. */
const isPlainError = (error: unknown) => error instanceof Error && error.constructor === Error

const never = () => false
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const utf8 = (bytes: Uint8Array) => Buffer.from(bytes).toString()

function bytesDecoder(name: string, examples: readonly Uint8Array[], decode: (bytes: Uint8Array) => unknown): Decoder {
  return { name, examples, decode, accepts: isDecodeError }
}

/** A backup with two rows. */
function backup(): Buffer {
  const encoder = new BackupEncoder()
  const head = { layout: 1, takenAtMs: 5, software: '1', node: 'one', peer: '12D3KooW' }
  const start = encoder.start(head, { seed: secret, secret })
  for (const sequence of [1, 2]) {
    const key = rows.feedKey(sequence)
    encoder.add({ key, value: rows.encodeFeed(key, { kind: 'update', dot }) })
  }
  return Buffer.concat([start, encoder.finish()])
}

/** The bytes of a backup with every block's checksums and the digest put right, as far as its blocks can be told apart. */
function mendBackup(bytes: Uint8Array): Uint8Array {
  const mended = Buffer.from(bytes)
  for (let at = 9; at + 13 <= mended.length; ) {
    const end = at + 9 + mended.readUInt32LE(at + 1)
    if (end + 4 > mended.length) break
    mended.writeUInt32LE(crc32(mended.subarray(at, at + 5)), at + 5)
    if (mended[at] === 4 && end - 32 > at + 9) sha256(mended.subarray(0, end - 32)).copy(mended, end - 32)
    mended.writeUInt32LE(crc32(mended.subarray(at, end)), end)
    at = end + 4
  }
  return mended
}

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

function textDecoder(
  name: string,
  examples: readonly string[],
  decode: (text: string) => unknown,
  accepts: (error: unknown) => boolean,
): Decoder {
  return { name, examples: examples.map((one) => Buffer.from(one)), decode: (bytes) => decode(utf8(bytes)), accepts }
}

const tokens = new DocumentTokens(new Access({} as Replica, () => Buffer.alloc(32, 1)))
const library = await loadDocumentLibrary()
const small = edited(library, [], { put: { a: { b: [1, 'x', null, 2.5] }, c: true } })
const text700 = Array.from({ length: 100 }, (_, at) => `${at * 7919}`).join('-')
const savedDocuments = [
  small,
  edited(library, [small], {
    merge: { a: null, d: Object.fromEntries([...text700].map((one, at) => [`${at}${one}`, one])) },
  }),
]

const messages: readonly Message[] = [
  { type: 'open', young: true, salt: Buffer.alloc(8, 1), capture },
  { type: 'busy', reason: 'bulk' },
  { type: 'equal', capture },
  { type: 'young', capture },
  { type: 'delta', updates: { updates: [put, remove], members } },
  { type: 'deltaEnd', unlisted: 2 },
  { type: 'check', descends: true, capture },
  {
    type: 'tree',
    answers: [1, 0x8001],
    nodes: [
      { kind: 'digests', digests: Buffer.alloc(128, 1) },
      { kind: 'listing', digests: Buffer.alloc(16, 2) },
    ],
  },
  { type: 'wants', positions: [0, 3, 900] },
  { type: 'entries', part: false, entries: { entries: [{ address, updates: [put], bare: [] }], members } },
  { type: 'values', addresses: [address] },
  { type: 'end', expecting: true },
]

const copy: reads.Copy = { entry: { address, updates: [put], bare: [dot] }, removed: [{ actor, counter: 1 }], members }
const list = new Uint8Array(8)
const memberRecord = { name: 'one', peer: '12D3KooW', version: '0.1.0', addresses: ['/ip4/127.0.0.1/tcp/7400'] }
const heartbeat = encodeHeartbeat({
  nonce: 300,
  wallMs: 1_700_000_000_000,
  isVerified: true,
  urges: true,
  asks: true,
  echo: { nonce: 299, heldMs: 5 },
  state: { root: new Uint8Array(16), contexts: new Uint8Array(16) },
  list,
  epoch: 1_700_000_000_000,
  knownEpoch: 7,
  acknowledged: [{ actor, ranges: [1, 5, 2 ** 53 - 4, 2 ** 53 - 3] }],
  neighbours: [tag],
  relays: [
    { member: tag, ageMs: 3, isVerified: true, epoch: 4, list, state: 'same', acknowledged: 'same' },
    { member: tag, ageMs: 3, isVerified: true, epoch: 4, list, state: list, acknowledged: [{ actor, ranges: [2, 2] }] },
  ],
})

const contextsWriter = new ByteWriter()
writeContexts(contextsWriter, contexts, memberOf)

const dotRow = rows.dotKey(dot)
const entryRow = rows.entryKey(address)
const feedRow = rows.feedKey(7)
const ackRow = rows.acknowledgementKey(tag)
const retryRow = rows.retryKeyRow('retry')
const orderRow = rows.retryOrderKey(7)
const contextRow = rows.contextKey(actor)

/** The table. */
export const decoders: readonly Decoder[] = [
  bytesDecoder('updates', [encodeUpdates([put, remove], memberOf)], decodeUpdates),
  bytesDecoder('contexts', [contextsWriter.finish()], (bytes) => {
    const reader = new ByteReader(bytes)
    readContexts(reader)
    reader.end()
  }),
  bytesDecoder(
    'gossip',
    [
      gossip.encodeGossip([put, remove], true, memberOf),
      gossip.encodeAnnouncement([put, remove].map(gossip.announced), false, memberOf),
    ],
    gossip.decodeGossip,
  ),
  bytesDecoder('fetch request', [gossip.encodeFetchRequest([dot, remove.dot])], gossip.decodeFetchRequest),
  bytesDecoder(
    'fetch answer',
    [gossip.encodeFetchUpdates([put], true, memberOf), gossip.encodeFetchRefusal('busy')],
    gossip.decodeFetchAnswer,
  ),
  bytesDecoder('heartbeat', [heartbeat], decodeHeartbeat),
  bytesDecoder('read request', [reads.encodeReadRequest({ address, list, dots: [dot] })], reads.decodeReadRequest),
  bytesDecoder('read answer', [reads.encodeReadAnswer({ kind: 'copy', copy }, memberOf)], (bytes) =>
    reads.decodeReadAnswer(bytes, address),
  ),
  bytesDecoder('read repair', [reads.encodeRepair(copy, memberOf)], (bytes) => reads.decodeRepair(bytes, address)),
  bytesDecoder('read repaired', [reads.encodeRepaired()], reads.decodeRepaired),
  bytesDecoder(
    'member record',
    [encodeRecord(memberRecord), encodeRecord({ ...memberRecord, rules: [{ prefix: 'a', mark: '0102030405060708' }] })],
    decodeRecord,
  ),
  bytesDecoder('forgotten record', [encodeForgotten({ name: 'one', peer: '12D3KooW' })], decodeForgotten),
  bytesDecoder(
    'sync message',
    messages.map((message) => encodeMessage(message, memberOf)),
    decodeMessage,
  ),
  bytesDecoder('sync piece', [...piecesOf(Buffer.alloc(300_000))], (bytes) => new Assembly().add(bytes)),
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
  {
    name: 'backup',
    examples: [backup()],
    decode: (bytes) => {
      const decoder = new BackupDecoder()
      const parts = decoder.push(bytes)
      return [parts, decoder.end()]
    },
    accepts: isKnownError,
    mend: mendBackup,
  },
  {
    name: 'snappy',
    examples: [Buffer.from([9, 8, 97, 98, 99, 9, 3])],
    decode: (bytes) => unpackSnappy(bytes, 1 << 20),
    accepts: never,
  },
  {
    name: 'manifest',
    // Three edits as LevelDB wrote them: tables that come, go, and come by compaction.
    examples: [
      Buffer.from(
        '7gElwXsAAQEabGV2ZWxkYi5CeXRld2lzZUNvbXBhcmF0b3IFAA5tc3RhdGUBAgAAAAAAAAcADOSCBhFj+Z8x1+GnhxgBvQkAAAAAAA5tc3RhdGUBpQIAAAAAAAcBCqj7ARFjYlBovZttlCABmQIAAAAAAA5tc3RhdGUBnwIAAAAAABL5gCMvAAECEAkAAxEExBMHAA+UAxFjoWOkaeF9qp8BwwkAAAAAAA5tc3RhdGUBxAkAAAAAAA==',
        'base64',
      ),
    ],
    decode: (bytes) => decodeManifest(Buffer.from(bytes)),
    accepts: never,
    mend: mendLogRecord,
  },
  textDecoder(
    'invitation',
    [encodeInvite({ secret, peer: '12D3KooW', addresses: ['/ip4/127.0.0.1/tcp/7400'] })],
    decodeInvite,
    isKnownError,
  ),
  textDecoder('context token', [encodeToken(key, address, [dot])], (token) => decodeToken(key, address, token), never),
  textDecoder('dot', [`${actor}:7`], parseDot, never),
  textDecoder(
    'context token of a document',
    [tokens.token(document('key'), { dots: [dot], heads: ['ab'.repeat(32)] })],
    (token) => tokens.read(document('key'), token),
    isKnownError,
  ),
  { name: 'saved document', examples: savedDocuments, decode: rowsOf, accepts: never, mend: resealedChunk },
  {
    name: 'json patch',
    examples: [
      Buffer.from('[{"op":"add","path":"/a~1b/0","value":{"c":[1.5,"x"]}},{"op":"move","from":"/a","path":"/b/-"}]'),
    ],
    decode: (bytes) => parseJsonPatch(parseJson(Buffer.from(bytes))),
    accepts: isKnownError,
  },
  {
    name: 'key in a path',
    examples: [Buffer.from('/v1/kv/a%2Fb%C3%A4?ttl=3s')],
    decode: (bytes) => keyOf(`/v1/kv/${text(bytes)}`),
    accepts: isKnownError,
  },
  textDecoder(
    'query',
    ['prefix=a%2F&limit=10&values=true&limit=3'],
    (query) =>
      typedQuery(parseQuery(query), { properties: { limit: { type: 'integer' }, values: { type: 'boolean' } } }),
    isKnownError,
  ),
  {
    name: 'import line',
    examples: [
      '{"key":"k","value":"v","encoding":"utf8"}',
      '{"key":"k","type":"reg","versions":[{"value":"dg==","encoding":"base64","expires":"2030-01-01T00:00:00.000Z"}]}',
    ].map((line) => Buffer.from(line)),
    decode: (bytes) => parseLine(Buffer.from(bytes)),
    accepts: isKnownError,
  },
  {
    name: 'json body',
    examples: [Buffer.from('{"peers":["one"],"deep":[[[{"a":1e9}]]]}')],
    decode: (bytes) => parseJson(Buffer.from(bytes)),
    accepts: isKnownError,
  },
  textDecoder('duration', ['1h30m', '2.5s', '250ms'], parseDuration, isPlainError),
  textDecoder('size', ['64MiB', '8 MB', '4096'], parseSize, isPlainError),
  textDecoder('acks', ['majority', '3'], parseAcks, isPlainError),
  textDecoder('api address', ['127.0.0.1:7480', '[::1]:7480', '7480'], parseApiAddress, isPlainError),
  textDecoder('resolvers', ['[{"prefix":"a/","use":"lww"}]'], parseResolvers, isPlainError),
]

/** Gives the first record of a log of LevelDB a length and a checksum that fit, so that what it holds is looked at. */
function mendLogRecord(bytes: Buffer): Buffer {
  const header = 7
  if (bytes.length < header) return bytes
  const mended = Buffer.from(bytes)
  mended.writeUInt16LE(Math.min(mended.readUInt16LE(4), mended.length - header, 32_000), 4)
  mended[6] = 1
  const end = header + mended.readUInt16LE(4)
  mended.writeUInt32LE(masked(crc32c(mended.subarray(6, end))), 0)
  return mended
}
