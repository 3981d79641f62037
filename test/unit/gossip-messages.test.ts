/** The messages of gossip: golden vectors, round trips, limits, and bytes that are none. */
import { describe, expect, it } from 'vitest'
import {
  announced,
  decodeFetchAnswer,
  decodeFetchRequest,
  decodeGossip,
  encodeAnnouncement,
  encodeFetchRefusal,
  encodeFetchRequest,
  encodeFetchUpdates,
  encodeGossip,
} from '../../protocols/gossip/messages.js'
import { register } from '../../store/model/address.js'
import { DecodeError } from '../../store/model/bytes.js'
import type { Update } from '../../store/model/update.js'
import { expectValueOrDecodeError } from '../support/damaged-bytes.js'

const actor = '0102030405060708'
const other = '1112131415161718'
const memberOf = (of: string) => (of === actor ? 'aaaaaaaaaaaaaaaa' : 'bbbbbbbbbbbbbbbb')

const put: Update = {
  dot: { actor, counter: 2 },
  address: register('key'),
  kind: 'put',
  time: { ms: 1_700_000_000_000, logical: 3 },
  expiresAtMs: null,
  value: Buffer.from('value'),
  supersedes: [{ actor: other, counter: 2 ** 53 - 3 }],
}
const remove: Update = { ...put, dot: { actor, counter: 3 }, kind: 'delete', value: null, supersedes: [put.dot] }

const messages: [string, () => Buffer, (bytes: Uint8Array) => unknown][] = [
  ['gossip', () => encodeGossip([put, remove], true, memberOf), decodeGossip],
  ['announcement', () => encodeAnnouncement([put, remove].map(announced), false, memberOf), decodeGossip],
  ['fetch request', () => encodeFetchRequest([put.dot, remove.dot]), decodeFetchRequest],
  ['fetch updates', () => encodeFetchUpdates([put], true, memberOf), decodeFetchAnswer],
  ['fetch refusal', () => encodeFetchRefusal('missing'), decodeFetchAnswer],
]

describe('the messages of gossip', () => {
  it('match their golden vectors', () => {
    expect(
      Object.fromEntries(messages.map(([name, encode]) => [name, encode().toString('hex')])),
    ).toMatchInlineSnapshot(`
      {
        "announcement": "0202010102030405060708aaaaaaaaaaaaaaaa02000206cd42404d52ad55ccfa9aca4adc828aa5000300",
        "fetch refusal": "0202",
        "fetch request": "0201010203040506070800000000000000000200020003",
        "fetch updates": "0201020102030405060708aaaaaaaaaaaaaaaa1112131415161718bbbbbbbbbbbbbbbb0104000200036b65790080d095ffbc31030576616c75650102fdffffffffffff0f",
        "gossip": "0201020102030405060708aaaaaaaaaaaaaaaa1112131415161718bbbbbbbbbbbbbbbb0204000200036b65790080d095ffbc31030576616c75650102fdffffffffffff0f01000300036b65790080d095ffbc3103010002",
      }
    `)
  })

  it('come back as they were', () => {
    const gossip = decodeGossip(encodeGossip([put, remove], true, memberOf))
    expect(gossip).toMatchObject({ kind: 'updates', early: true })
    expect(gossip.kind === 'updates' && gossip.tagged.updates).toEqual([put, remove])
    expect(gossip.kind === 'updates' && gossip.tagged.members.get(actor)).toBe('aaaaaaaaaaaaaaaa')

    const announcement = decodeGossip(encodeAnnouncement([put, remove].map(announced), false, memberOf))
    expect(announcement).toMatchObject({ kind: 'announcement', early: false })
    expect(announcement.kind === 'announcement' && announcement.announcement.updates).toEqual(
      [put, remove].map(announced).map(({ dot, value }) => ({
        dot,
        value: value === null ? null : { bytes: value.bytes, hash: Uint8Array.from(value.hash) },
      })),
    )

    expect(decodeFetchRequest(encodeFetchRequest([put.dot, remove.dot]))).toEqual([put.dot, remove.dot])
    expect(decodeFetchAnswer(encodeFetchUpdates([put], true, memberOf))).toMatchObject({
      kind: 'updates',
      isLast: true,
    })
    expect(decodeFetchAnswer(encodeFetchRefusal('busy'))).toEqual({ kind: 'busy' })
  })

  it('refuse another version, empty messages, puts without bytes, dots named twice', () => {
    const bad = [
      Buffer.concat([Buffer.from([1]), encodeGossip([put], false, memberOf).subarray(1)]),
      encodeGossip([], false, memberOf),
      encodeGossip([{ ...put, value: null }], false, memberOf),
      encodeAnnouncement([announced(put), announced(put)], false, memberOf),
      encodeAnnouncement([], false, memberOf),
    ]
    for (const bytes of bad) expect(() => decodeGossip(bytes)).toThrow(DecodeError)
    expect(() => decodeFetchRequest(encodeFetchRequest([]))).toThrow(DecodeError)
  })

  it.each(messages)(
    '%s: arbitrary and mutated bytes give a value or a DecodeError, nothing else',
    (_name, encode, decode) => expectValueOrDecodeError(encode(), decode),
  )
})
