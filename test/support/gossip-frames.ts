/**
 * Frames of the gossipsub protocol, put together by hand: legal ones, and ones that cost their reader as much as their
 * size allows.
 */
import { gossipTopic } from '../../daemon/net/gossip-options.js'
import { gossipFrameBytesMax } from '../../daemon/net/limits.js'

/** Field numbers of an RPC and of its control message. */
const subscriptionsField = 1
const messagesField = 2
const controlField = 3
const kinds = { ihave: 1, iwant: 2, graft: 3, prune: 4, idontwant: 5 } as const

const text = (value: string): Buffer => Buffer.from(value)
const unknownNumber = Buffer.from([0x78, 0])

/** An unsigned varint. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left])
    bytes.push((left % 128) + 128)
  }
}

/** A field of bytes. */
export function field(number: number, body: Uint8Array): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(body.length), body])
}

/** As many copies as fit into so many bytes. */
function filled(part: Uint8Array, bytes: number): Buffer {
  return Buffer.alloc(Math.floor(bytes / part.length) * part.length, part)
}

/** Copies, so many. */
function times(count: number, part: (index: number) => Uint8Array): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => part(index)))
}

/** A frame with one control message. */
export function control(kind: keyof typeof kinds, body: Uint8Array): Buffer {
  return field(controlField, field(kinds[kind], body))
}

/** A message with data. */
export function message(topic: string, data: Uint8Array): Buffer {
  return field(messagesField, Buffer.concat([field(2, data), field(4, text(topic))]))
}

/** Frames that break one of gossipsub's own limits, by name. */
export function overLimits(): Record<string, Buffer> {
  const id = (length: number) => (index: number) => field(1, Buffer.alloc(length, index))
  return {
    subscriptions: times(65, () => field(subscriptionsField, field(2, text(gossipTopic)))),
    messages: times(501, () => message('x', Buffer.alloc(1))),
    'IHAVE ids': control(
      'ihave',
      times(5_001, (index) => field(2, Buffer.alloc(1, index))),
    ),
    'IWANT ids': control('iwant', times(5_001, id(1))),
    'IDONTWANT ids': control('idontwant', times(5_001, id(1))),
    'IWANT records': field(
      controlField,
      times(65, () => field(kinds.iwant, id(1)(0))),
    ),
    GRAFTs: field(
      controlField,
      times(65, () => field(kinds.graft, field(1, text(gossipTopic)))),
    ),
    PRUNEs: field(
      controlField,
      times(65, () => field(kinds.prune, field(1, text(gossipTopic)))),
    ),
    'PRUNE peers': control(
      'prune',
      times(17, () => field(2, Buffer.alloc(0))),
    ),
  }
}

/** The largest frames that a reader takes, by what they are full of. */
export function costly(): Record<string, () => Buffer> {
  const bytes = gossipFrameBytesMax - 100
  const ids = (length: number) => field(kinds.iwant, filled(field(1, Buffer.alloc(length)), bytes))
  const topic = (index: number) =>
    field(subscriptionsField, Buffer.concat([Buffer.from([8, 1]), field(2, text(`t${index}`))]))
  return {
    '340,000 IWANT ids': () => field(controlField, ids(4)),
    'IWANT records of many empty ids': () =>
      field(controlField, filled(field(kinds.iwant, filled(field(1, Buffer.alloc(0)), 10_000)), bytes)),
    '5,000 IHAVE ids': () =>
      control('ihave', Buffer.concat([field(1, text(gossipTopic)), times(5_000, (index) => field(2, varint(index)))])),
    GRAFTs: () => field(controlField, filled(field(kinds.graft, field(1, text(gossipTopic))), bytes)),
    '64 GRAFTs': () =>
      field(
        controlField,
        times(64, () => field(kinds.graft, field(1, text(gossipTopic)))),
      ),
    PRUNEs: () => field(controlField, filled(field(kinds.prune, field(1, text(gossipTopic))), bytes)),
    'one PRUNE with many fields': () => control('prune', filled(Buffer.from([0x18, 1]), bytes)),
    'empty control messages': () => filled(field(controlField, Buffer.alloc(0)), bytes),
    'subscriptions to many topics': () => times(100_000, topic),
    'messages of many topics': () => times(100_000, (index) => message(`t${index}`, Buffer.alloc(1))),
    '500 messages': () => times(500, (index) => message(gossipTopic, Buffer.alloc(4_000, `${index}`))),
    'one message with many topics': () => field(messagesField, filled(field(4, text('x')), bytes)),
    'one message with a long topic': () => field(messagesField, field(4, Buffer.alloc(bytes, 0xc3))),
    'unknown numbers': () => filled(unknownNumber, bytes),
    'unknown numbers in a control message': () => field(controlField, filled(unknownNumber, bytes)),
  }
}
