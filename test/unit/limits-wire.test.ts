/** Limits of what travels: whatever an encoder writes, its decoder reads, and beyond that nothing is written. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { announcedDotsMax } from '../../protocols/gossip/limits.js'
import { encodeAnnouncement, encodeFetchRequest } from '../../protocols/gossip/messages.js'
import { decodeMessage, encodeMessage } from '../../protocols/sync/codec.js'
import {
  listingEntriesMax,
  messageBytesMax,
  messageEntriesMax,
  treeNodesMax,
  valuesMax,
  wantsMax,
} from '../../protocols/sync/limits.js'
import type { Message } from '../../protocols/sync/messages.js'
import { piecesOf } from '../../protocols/sync/pieces.js'
import { type Address, mapField, noField, register } from '../../store/model/address.js'
import { ByteReader, ByteWriter } from '../../store/model/bytes.js'
import {
  decodeUpdates,
  encodeAddress,
  encodeUpdates,
  readTime,
  writeRanges,
  writeTime,
} from '../../store/model/codec.js'
import type { Reach } from '../../store/model/counter-paths.js'
import { decodeCounter, encodeCounter } from '../../store/model/counter-values.js'
import {
  chainsMax,
  contextRangesMax,
  fieldBytesMax,
  frameUpdatesMax,
  keyBytesMax,
  logicalMax,
  supersedesMax,
  timeMsMax,
  versionsMax,
} from '../../store/model/limits.js'
import { dotAt, limitActor, limitAddress, list, noMember, putAt } from '../support/many-updates.js'

const named = (count: number): Message => ({
  type: 'entries',
  part: false,
  entries: {
    entries: [
      {
        address: limitAddress,
        updates: list(count, (at) => putAt(dotAt(at), { value: null })),
        bare: list(count, dotAt),
      },
    ],
    members: new Map(),
  },
})
const reachAt = (at: number): Reach => ({ actor: limitActor, chain: at + 1, sequence: 1, total: 1 })

/** What travels: the limit, something of that size, and how it is read back. */
const encodings: readonly {
  readonly of: string
  readonly limit: number
  encode(count: number): Uint8Array
  decode(bytes: Uint8Array): unknown
}[] = [
  {
    of: 'bytes of a key',
    limit: keyBytesMax,
    encode: (count) => encodeAddress(register('k'.repeat(count))),
    decode: () => 0,
  },
  {
    of: 'bytes of a field',
    limit: fieldBytesMax,
    encode: (count) => encodeAddress(mapField('k', 'f'.repeat(count))),
    decode: () => 0,
  },
  {
    of: 'milliseconds of a time',
    limit: timeMsMax,
    encode: (ms) => timeBytes(ms, 0),
    decode: (bytes) => readTime(new ByteReader(bytes)),
  },
  {
    of: 'the count within a millisecond',
    limit: logicalMax,
    encode: (logical) => timeBytes(1, logical),
    decode: (bytes) => readTime(new ByteReader(bytes)),
  },
  {
    of: 'dots that an update supersedes',
    limit: supersedesMax,
    encode: (count) =>
      encodeUpdates([putAt({ actor: '22'.repeat(8), counter: 1 }, { supersedes: list(count, dotAt) })], noMember),
    decode: decodeUpdates,
  },
  {
    of: 'updates of a frame',
    limit: frameUpdatesMax,
    encode: (count) =>
      encodeUpdates(
        list(count, (at) => putAt(dotAt(at))),
        noMember,
      ),
    decode: decodeUpdates,
  },
  { of: 'versions of an entry', limit: versionsMax, encode: (count) => bytesOf(named(count)), decode: decodeMessage },
  {
    of: 'entries of a message',
    limit: messageEntriesMax,
    encode: (count) => {
      const entries = list(count, (at) => ({ address: register(`k${at}`), updates: [], bare: [] }))
      return bytesOf({ type: 'entries', part: false, entries: { entries, members: new Map() } })
    },
    decode: decodeMessage,
  },
  {
    of: 'nodes of a message',
    limit: treeNodesMax,
    encode: (count) =>
      bytesOf({ type: 'tree', answers: [], nodes: list(count, () => ({ kind: 'listing', digests: noField })) }),
    decode: decodeMessage,
  },
  {
    of: 'answers of a message',
    limit: treeNodesMax,
    encode: (count) => bytesOf({ type: 'tree', answers: list(count, () => 1), nodes: [] }),
    decode: decodeMessage,
  },
  {
    of: 'entries of a listing',
    limit: listingEntriesMax,
    encode: (count) =>
      bytesOf({ type: 'tree', answers: [], nodes: [{ kind: 'listing', digests: new Uint8Array(8 * count) }] }),
    decode: decodeMessage,
  },
  {
    of: 'positions wanted',
    limit: wantsMax,
    encode: (count) => bytesOf({ type: 'wants', positions: list(count, (at) => at) }),
    decode: decodeMessage,
  },
  {
    of: 'values asked for',
    limit: valuesMax,
    encode: (count) => bytesOf({ type: 'values', addresses: list(count, (at) => register(`k${at}`)) }),
    decode: decodeMessage,
  },
  {
    of: 'chains of a baseline',
    limit: chainsMax,
    encode: (count) => encodeCounter({ kind: 'baseline', reaches: list(count, reachAt) }),
    decode: decodeCounter,
  },
  {
    of: 'dots of an announcement',
    limit: announcedDotsMax,
    encode: (count) =>
      encodeAnnouncement(
        list(count, (at) => ({ dot: dotAt(at), value: null })),
        false,
        noMember,
      ),
    decode: () => 0,
  },
  {
    of: 'dots of a fetch',
    limit: announcedDotsMax,
    encode: (count) => encodeFetchRequest(list(count, dotAt)),
    decode: () => 0,
  },
]

function timeBytes(ms: number, logical: number): Buffer {
  const writer = new ByteWriter()
  writeTime(writer, { ms, logical })
  return writer.finish()
}

function bytesOf(message: Message): Buffer {
  return encodeMessage(message, noMember)
}

describe('what travels', () => {
  it.each(encodings)('$of: at the limit it is written and read, one beyond it is not written', (one) => {
    expect(() => one.decode(one.encode(one.limit))).not.toThrow()
    expect(() => one.encode(one.limit + 1)).toThrow(RangeError)
  })

  it('ranges of a context, and bytes of a message, that no peer would take are not written', () => {
    const ranges = { length: 2 * (contextRangesMax + 1) } as unknown as number[]
    expect(() => writeRanges(new ByteWriter(), ranges, contextRangesMax)).toThrow(RangeError)
    expect(() => [...piecesOf({ length: messageBytesMax + 1 } as unknown as Uint8Array)]).toThrow(RangeError)
    expect(() => encodeUpdates([putAt(dotAt(0), { expiresAtMs: 0 })], noMember)).toThrow(RangeError)
  })

  it('whatever update is written is read back', () => {
    const edge = (max: number) => fc.oneof(fc.nat(max), fc.constantFrom(0, 1, max))
    const update = fc.record({
      counter: fc.oneof(fc.constantFrom(1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER), fc.integer({ min: 1 })),
      key: fc.constantFrom('k', 'k'.repeat(keyBytesMax)),
      field: fc.uint8Array({ maxLength: fieldBytesMax }),
      ms: edge(timeMsMax),
      logical: edge(logicalMax),
      expiresAtMs: fc.option(fc.oneof(fc.constantFrom(1, Number.MAX_SAFE_INTEGER), fc.integer({ min: 1 }))),
      value: fc.uint8Array(),
    })
    fc.assert(
      fc.property(update, ({ counter: count, key, field, ms, logical, expiresAtMs, value }) => {
        const at: Address = { key, type: 'set', field: field.length === 0 ? noField : field }
        const one = putAt(
          { actor: limitActor, counter: count },
          { address: at, time: { ms, logical }, expiresAtMs, value },
        )
        const [read] = decodeUpdates(encodeUpdates([one], noMember)).updates
        expect(read).toMatchObject({ dot: one.dot, time: one.time, expiresAtMs, supersedes: [] })
        expect([...read!.value!]).toEqual([...value])
        expect([...read!.address.field]).toEqual([...field])
      }),
    )
  })
})
