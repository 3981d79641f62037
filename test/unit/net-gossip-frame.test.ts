/** Gossip frames: what is let through to the decoder, and what the decoder itself refuses. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isDecodable } from '../../daemon/net/gossip-frame.js'
import { gossipTopic } from '../../daemon/net/gossip-options.js'
import { createHost, type Host } from '../../daemon/net/host.js'
import { createIdentity } from '../../daemon/net/identity.js'
import { gossipFieldsMax, gossipFrameBytesMax, gossipTopicBytesMax } from '../../daemon/net/limits.js'
import { silentNetLog } from '../../daemon/net/log.js'
import { control, costly, field, message, overLimits } from '../support/gossip-frames.js'

let host: Host

beforeAll(async () => {
  host = await createHost({
    identity: createIdentity(),
    secret: randomBytes(32),
    listen: [],
    announce: [],
    mdns: false,
    gater: {},
    discovered: () => {},
    heard: () => {},
    log: silentNetLog,
  })
})
afterAll(() => host.libp2p.stop())

/** gossipsub's own decoder with the limits that it was given. */
function decode(frame: Uint8Array): unknown {
  return (host.gossip as unknown as { decodeRpc(bytes: Uint8Array): unknown }).decodeRpc(frame)
}

describe('the decoder', () => {
  test.each(Object.entries(overLimits()))('refuses too many %s', (_, frame) => {
    expect(() => decode(frame)).toThrow('too many elements')
  })

  test('takes what members send', () => {
    const frame = Buffer.concat([
      message(gossipTopic, randomBytes(1_000)),
      control('graft', field(1, Buffer.from(gossipTopic))),
    ])
    expect(isDecodable(frame)).toBe(true)
    expect(decode(frame)).toMatchObject({
      messages: [{ topic: gossipTopic }],
      control: { graft: [{ topicID: gossipTopic }] },
    })
  })
})

describe('a frame', () => {
  test('of a large message, of as many ids as gossipsub sends, and of unknown fields is let through', () => {
    expect(isDecodable(message(gossipTopic, new Uint8Array(gossipFrameBytesMax - 100)))).toBe(true)
    expect(isDecodable(costly()['5,000 IHAVE ids']!())).toBe(true)
    expect(isDecodable(Buffer.from([0x78, 1, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4, 0x7a, 1, 9]))).toBe(true)
    expect(isDecodable(new Uint8Array(0))).toBe(true)
  })

  test('of too many fields, wherever they are, is refused', () => {
    const id = field(1, Buffer.alloc(1))
    const ids = (count: number) => control('iwant', Buffer.concat(Array(count).fill(id)))
    // The control message and its record are fields too; ids are not looked into.
    expect(isDecodable(ids(gossipFieldsMax - 2))).toBe(true)
    expect(isDecodable(ids(gossipFieldsMax - 1))).toBe(false)
    expect(isDecodable(Buffer.concat(Array(gossipFieldsMax + 1).fill(field(3, Buffer.alloc(0)))))).toBe(false)
    for (const name of ['one message with many topics', 'one PRUNE with many fields', 'empty control messages']) {
      expect(isDecodable(costly()[name]!()), name).toBe(false)
    }
  })

  test('with a long topic is refused, whatever names it', () => {
    const topic = Buffer.alloc(gossipTopicBytesMax + 1, 'x')
    expect(isDecodable(message(topic.subarray(1).toString(), Buffer.alloc(1)))).toBe(true)
    for (const kind of ['ihave', 'graft', 'prune'] as const)
      expect(isDecodable(control(kind, field(1, topic)))).toBe(false)
    expect(isDecodable(message(topic.toString(), Buffer.alloc(1)))).toBe(false)
    expect(isDecodable(field(1, field(2, topic)))).toBe(false)
  })

  test('that is malformed is refused', () => {
    const good = message(gossipTopic, randomBytes(20))
    for (let length = 1; length < good.length; length++) expect(isDecodable(good.subarray(0, length))).toBe(false)
    expect(isDecodable(Buffer.from([0x7b, 0x7c]))).toBe(false)
    expect(isDecodable(Buffer.alloc(20, 0xff))).toBe(false)
    expect(isDecodable(Buffer.from([0x79, 1, 2]))).toBe(false)
    // A length within that leads beyond the field around it.
    expect(isDecodable(Buffer.from([0x12, 2, 0x12, 5, 1, 2, 3, 4, 5]))).toBe(false)
  })
})
