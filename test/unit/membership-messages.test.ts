/** The frames of membership and invitations: golden vectors, round trips, limits, and bytes that are none. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeForgotten, decodeRecord, encodeForgotten, encodeRecord } from '../../protocols/membership/core/record.js'
import { decodeInvite, encodeInvite } from '../../protocols/membership/invite.js'
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat } from '../../protocols/membership/messages.js'
import * as reads from '../../protocols/membership/read-messages.js'
import { register } from '../../store/model/address.js'
import { DecodeError } from '../../store/model/bytes.js'
import type { Update } from '../../store/model/update.js'
import { expectValueOrDecodeError } from '../support/damaged-bytes.js'

const actor = '0102030405060708'
const tag = 'aaaaaaaaaaaaaaaa'
const memberOf = () => tag

const idle: Heartbeat = {
  nonce: 300,
  wallMs: 1_700_000_000_000,
  isVerified: true,
  wantsEarlyAcks: false,
  asks: false,
  echo: { nonce: 299, heldMs: 512 },
  state: null,
  list: null,
  epoch: null,
  knownEpoch: null,
  acknowledged: [],
  neighbours: null,
  relays: [],
}
const list = Uint8Array.from({ length: 8 }, (_, at) => at)
const full: Heartbeat = {
  ...idle,
  wantsEarlyAcks: true,
  asks: true,
  state: { root: new Uint8Array(16).fill(1), contexts: new Uint8Array(16).fill(2) },
  list,
  epoch: 1_700_000_000_000,
  knownEpoch: 2 ** 47,
  acknowledged: [{ actor, ranges: [1, 5, 2 ** 53 - 4, 2 ** 53 - 3] }],
  neighbours: [tag],
  relays: [
    { member: tag, ageMs: 3, isVerified: true, epoch: 4, list, state: 'same', acknowledged: 'same' },
    { member: tag, ageMs: 3, isVerified: false, epoch: 4, list, state: list, acknowledged: null },
    { member: tag, ageMs: 3, isVerified: true, epoch: 4, list, state: list, acknowledged: [{ actor, ranges: [2, 2] }] },
  ],
}

const put: Update = {
  dot: { actor, counter: 2 },
  address: register('key'),
  kind: 'put',
  time: { ms: 1_700_000_000_000, logical: 3 },
  expiresAtMs: null,
  value: Buffer.from('value'),
  supersedes: [],
}
const copy: reads.Copy = {
  entry: { address: register('key'), updates: [put], bare: [put.dot] },
  removed: [{ actor, counter: 1 }],
  members: new Map([[actor, tag]]),
}
const request = { address: register('key'), list, dots: [put.dot] }
const record = { name: 'name', peer: 'peer', addresses: ['/ip4/1.2.3.4/tcp/7400'], version: '0.1.0' }
const rules = [{ prefix: 'notes/', mark: '0102030405060708' }]

const frames: [string, () => Buffer, (bytes: Uint8Array) => unknown, unknown][] = [
  ['idle heartbeat', () => encodeHeartbeat(idle), decodeHeartbeat, idle],
  ['full heartbeat', () => encodeHeartbeat(full), decodeHeartbeat, full],
  ['read request', () => reads.encodeReadRequest(request), reads.decodeReadRequest, request],
  [
    'read answer',
    () => reads.encodeReadAnswer({ kind: 'copy', copy }, memberOf),
    (bytes) => reads.decodeReadAnswer(bytes, register('key')),
    { kind: 'copy', copy },
  ],
  [
    'read refusal',
    () => reads.encodeReadAnswer({ kind: 'other-list' }, memberOf),
    (bytes) => reads.decodeReadAnswer(bytes, register('key')),
    { kind: 'other-list' },
  ],
  ['repair', () => reads.encodeRepair(copy, memberOf), (bytes) => reads.decodeRepair(bytes, register('key')), copy],
  ['repaired', () => reads.encodeRepaired(), reads.decodeRepaired, undefined],
  ['record', () => encodeRecord(record), decodeRecord, record],
  ['record with rules', () => encodeRecord({ ...record, rules }), decodeRecord, { ...record, rules }],
  ['forgotten', () => encodeForgotten({ peer: 'peer', name: 'name' }), decodeForgotten, { peer: 'peer', name: 'name' }],
]

describe('the frames of membership', () => {
  it('match their golden vectors', () => {
    expect(Object.fromEntries(frames.map(([name, encode]) => [name, encode().toString('hex')]))).toMatchInlineSnapshot(`
      {
        "forgotten": "010470656572046e616d65",
        "full heartbeat": "01fe0fac0280d095ffbc31ab0280040101010101010101010101010101010102020202020202020202020202020202000102030405060780d095ffbc3180808080808020010102030405060708020004f5ffffffffffff0f0101aaaaaaaaaaaaaaaa0306aaaaaaaaaaaaaaaa0304000102030405060701aaaaaaaaaaaaaaaa03040001020304050607000102030405060708aaaaaaaaaaaaaaaa030400010203040506070001020304050607010102030405060708010100",
        "idle heartbeat": "0108ac0280d095ffbc31ab028004",
        "read answer": "0200010102030405060708aaaaaaaaaaaaaaaa0104000200036b65790080d095ffbc31030576616c7565000101020304050607080201010203040506070801",
        "read refusal": "0201",
        "read request": "0200036b65790000010203040506070101020304050607080200",
        "record": "01046e616d65047065657205302e312e3001152f6970342f312e322e332e342f7463702f37343030",
        "record with rules": "02046e616d65047065657205302e312e3001152f6970342f312e322e332e342f7463702f3734303001066e6f7465732f0102030405060708",
        "repair": "02010102030405060708aaaaaaaaaaaaaaaa0104000200036b65790080d095ffbc31030576616c7565000101020304050607080201010203040506070801",
        "repaired": "02",
      }
    `)
  })

  it.each(frames)('%s: comes back as it was', (_name, encode, decode, value) => {
    expect(decode(encode())).toEqual(value)
  })

  it.each(frames)(
    '%s: arbitrary and mutated bytes give a value or a DecodeError, nothing else',
    (_name, encode, decode) => expectValueOrDecodeError(encode(), decode),
  )

  it('an idle heartbeat is small', () => {
    expect(encodeHeartbeat(idle).length).toBeLessThanOrEqual(20)
  })

  it('refuse what must not be', () => {
    const unverified = { ...idle, isVerified: false }
    expect(() => decodeHeartbeat(encodeHeartbeat({ ...full, isVerified: false }))).toThrow(DecodeError)
    expect(decodeHeartbeat(encodeHeartbeat(unverified))).toEqual(unverified)
    const elsewhere = reads.encodeRepair(copy, memberOf)
    expect(() => reads.decodeRepair(elsewhere, register('other'))).toThrow(DecodeError)
    const both = { ...copy, removed: [put.dot] }
    expect(() => reads.decodeRepair(reads.encodeRepair(both, memberOf), register('key'))).toThrow(DecodeError)
    const deleted = { ...copy, entry: { ...copy.entry, updates: [{ ...put, kind: 'delete' as const, value: null }] } }
    expect(() => reads.decodeRepair(reads.encodeRepair(deleted, memberOf), register('key'))).toThrow(DecodeError)
  })
})

describe('invitations', () => {
  const secret = Uint8Array.from({ length: 32 }, (_, at) => at)
  const invite = { secret, peer: '12D3KooWpeer', addresses: ['/ip4/10.0.0.1/tcp/7400', '/ip6/::1/tcp/7400'] }

  it('match their golden vector, and come back as they were', () => {
    const token = encodeInvite(invite)
    expect(token).toMatchInlineSnapshot(
      `"hearsay-AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fDDEyRDNLb29XcGVlcgIWL2lwNC8xMC4wLjAuMS90Y3AvNzQwMBEvaXA2Lzo6MS90Y3AvNzQwMKHrhtw"`,
    )
    expect(decodeInvite(`  ${token}\n`)).toEqual(invite)
    expect(() => encodeInvite({ ...invite, secret: new Uint8Array(31) })).toThrow(RangeError)
  })

  it('a typing error anywhere is BAD_TOKEN', () => {
    const token = encodeInvite(invite)
    const badToken = expect.objectContaining({ code: 'BAD_TOKEN' })
    const typed = fc.tuple(fc.nat(token.length - 1), fc.constantFrom(...'abcXYZ019-_ é')).map(([at, letter]) => {
      return token.slice(0, at) + letter + token.slice(at + 1)
    })
    const shorter = fc.nat(token.length - 1).map((length) => token.slice(0, length))
    fc.assert(
      fc.property(
        fc.oneof(
          typed,
          shorter,
          fc.string(),
          fc.string().map((text) => `hearsay-${text}`),
        ),
        (text) => {
          if (text.trim() !== token) expect(() => decodeInvite(text)).toThrow(badToken)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
