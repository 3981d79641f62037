/** What peers send: updates, gossip, heartbeats, reads, records of members, and messages of sync. */
import * as gossip from '../../../protocols/gossip/messages.js'
import {
  decodeForgotten,
  decodeRecord,
  encodeForgotten,
  encodeRecord,
} from '../../../protocols/membership/core/record.js'
import { decodeHeartbeat, encodeHeartbeat } from '../../../protocols/membership/messages.js'
import * as reads from '../../../protocols/membership/read-messages.js'
import { decodeMessage, encodeMessage } from '../../../protocols/sync/codec.js'
import type { Message } from '../../../protocols/sync/messages.js'
import { Assembly, piecesOf } from '../../../protocols/sync/pieces.js'
import { decodeUpdates, encodeUpdates } from '../../../store/model/codec.js'
import { bytesDecoder, type Decoder } from './decoder.js'
import {
  address,
  capture,
  exampleActor,
  exampleDot,
  exampleMember,
  exampleMembers,
  examplePut,
  exampleRemove,
  tag,
} from './examples.js'

const messages: readonly Message[] = [
  { type: 'open', young: true, salt: Buffer.alloc(8, 1), capture },
  { type: 'busy', reason: 'bulk' },
  { type: 'equal', capture, table: new Uint8Array(16).fill(3) },
  {
    type: 'table',
    answers: [0x8001],
    nodes: [
      { kind: 'digests', digests: new Uint8Array(128).fill(9) },
      { kind: 'listing', actors: [{ actor: exampleActor, member: tag, seen: [1, 5], applied: [1, 4] }] },
    ],
    actors: [{ actor: exampleActor, member: tag, seen: [2, 2], applied: [2, 2] }],
  },
  { type: 'young', capture },
  { type: 'delta', updates: { updates: [examplePut, exampleRemove], members: exampleMembers } },
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
  {
    type: 'entries',
    part: false,
    entries: { entries: [{ address, updates: [examplePut], bare: [] }], members: exampleMembers },
  },
  { type: 'values', addresses: [address] },
  { type: 'end', expecting: true },
]

const copy: reads.Copy = {
  entry: { address, updates: [examplePut], bare: [exampleDot] },
  removed: [{ actor: exampleActor, counter: 1 }],
  members: exampleMembers,
}
const list = new Uint8Array(8)
const memberRecord = { name: 'one', peer: '12D3KooW', version: '0.1.0', addresses: ['/ip4/127.0.0.1/tcp/7400'] }
const heartbeat = encodeHeartbeat({
  nonce: 300,
  wallMs: 1_700_000_000_000,
  isVerified: true,
  wantsEarlyAcks: true,
  asks: true,
  echo: { nonce: 299, heldMs: 5 },
  state: { root: new Uint8Array(16), contexts: new Uint8Array(16) },
  list,
  epoch: 1_700_000_000_000,
  knownEpoch: 7,
  acknowledged: [{ actor: exampleActor, ranges: [1, 5, 2 ** 53 - 4, 2 ** 53 - 3] }],
  neighbours: [tag],
  relays: [
    { member: tag, ageMs: 3, isVerified: true, epoch: 4, list, state: 'same', acknowledged: 'same' },
    {
      member: tag,
      ageMs: 3,
      isVerified: true,
      epoch: 4,
      list,
      state: list,
      acknowledged: [{ actor: exampleActor, ranges: [2, 2] }],
    },
  ],
})

/** Of bytes from peers. */
export const wireDecoders: readonly Decoder[] = [
  bytesDecoder('updates', [encodeUpdates([examplePut, exampleRemove], exampleMember)], decodeUpdates),
  bytesDecoder(
    'gossip',
    [
      gossip.encodeGossip([examplePut, exampleRemove], true, exampleMember),
      gossip.encodeAnnouncement([examplePut, exampleRemove].map(gossip.announced), false, exampleMember),
    ],
    gossip.decodeGossip,
  ),
  bytesDecoder(
    'fetch request',
    [gossip.encodeFetchRequest([exampleDot, exampleRemove.dot])],
    gossip.decodeFetchRequest,
  ),
  bytesDecoder(
    'fetch answer',
    [gossip.encodeFetchUpdates([examplePut], true, exampleMember), gossip.encodeFetchRefusal('busy')],
    gossip.decodeFetchAnswer,
  ),
  bytesDecoder('heartbeat', [heartbeat], decodeHeartbeat),
  bytesDecoder(
    'read request',
    [reads.encodeReadRequest({ address, list, dots: [exampleDot] })],
    reads.decodeReadRequest,
  ),
  bytesDecoder('read answer', [reads.encodeReadAnswer({ kind: 'copy', copy }, exampleMember)], (bytes) =>
    reads.decodeReadAnswer(bytes, address),
  ),
  bytesDecoder('read repair', [reads.encodeRepair(copy, exampleMember)], (bytes) => reads.decodeRepair(bytes, address)),
  bytesDecoder('read repaired', [reads.encodeRepaired()], reads.decodeRepaired),
  bytesDecoder(
    'member record',
    [encodeRecord(memberRecord), encodeRecord({ ...memberRecord, rules: [{ prefix: 'a', mark: '0102030405060708' }] })],
    decodeRecord,
  ),
  bytesDecoder('forgotten record', [encodeForgotten({ name: 'one', peer: '12D3KooW' })], decodeForgotten),
  bytesDecoder(
    'sync message',
    messages.map((message) => encodeMessage(message, exampleMember)),
    decodeMessage,
  ),
  bytesDecoder('sync piece', [...piecesOf(Buffer.alloc(300_000))], (bytes) => new Assembly().add(bytes)),
]
