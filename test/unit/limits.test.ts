/** One table of limits: whatever an encoder writes, its decoder reads; rows hold whatever has come; only local writes are refused. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { announcedDotsMax } from '../../protocols/gossip/limits.js'
import { encodeAnnouncement, encodeFetchRequest } from '../../protocols/gossip/messages.js'
import {
  listingEntriesMax,
  messageBytesMax,
  messageEntriesMax,
  treeNodesMax,
  valuesMax,
  wantsMax,
} from '../../protocols/sync/limits.js'
import { decodeMessage, encodeMessage, type Message } from '../../protocols/sync/messages.js'
import { piecesOf } from '../../protocols/sync/pieces.js'
import { Access } from '../../store/data/access.js'
import { UserData } from '../../store/data/user-data.js'
import { MemoryStore } from '../../store/memory.js'
import { type Address, document, mapField, noField, register } from '../../store/model/address.js'
import { ByteReader, ByteWriter } from '../../store/model/bytes.js'
import { zeroTime } from '../../store/model/clock.js'
import {
  decodeUpdates,
  encodeAddress,
  encodeUpdates,
  readTime,
  unknownMember,
  writeRanges,
  writeTime,
} from '../../store/model/codec.js'
import {
  counterValue,
  decodeCounter,
  encodeCounter,
  increment,
  isPresent,
  resetsOf,
} from '../../store/model/counter.js'
import type { Reach } from '../../store/model/counter-paths.js'
import { valueHash } from '../../store/model/digest.js'
import type { Dot } from '../../store/model/dot.js'
import {
  chainsMax,
  contextRangesMax,
  fieldBytesMax,
  frameUpdatesMax,
  keyBytesMax,
  localVersionBytesMax,
  localVersionsMax,
  logicalMax,
  resetChainsMax,
  supersedesAim,
  supersedesMax,
  timeMsMax,
  versionsMax,
} from '../../store/model/limits.js'
import { tokenKey } from '../../store/model/token.js'
import type { Update, Version } from '../../store/model/update.js'
import { contextKey, decodeContext, encodeContext } from '../../store/rows/contexts.js'
import { decodeDotRow, dotKey, encodeDotRow } from '../../store/rows/dots.js'
import { decodeVersions, encodeVersions, entryKey } from '../../store/rows/entries.js'
import { type OpenReplica, openNode } from '../support/replicas.js'

const actor = '11'.repeat(8)
const dotAt = (at: number): Dot => ({ actor, counter: at + 1 })
const list = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))
const noMember = () => unknownMember
const address = register('k')
const put = (dot: Dot, over: Partial<Update> = {}): Update => ({
  dot,
  address,
  kind: 'put',
  time: { ms: 1, logical: 0 },
  expiresAtMs: null,
  value: new Uint8Array(0),
  supersedes: [],
  ...over,
})
const named = (count: number): Message => ({
  type: 'entries',
  part: false,
  entries: {
    entries: [{ address, updates: list(count, (at) => put(dotAt(at), { value: null })), bare: list(count, dotAt) }],
    members: new Map(),
  },
})
const reachAt = (at: number): Reach => ({ actor, chain: at + 1, sequence: 1, total: 1 })

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
      encodeUpdates([put({ actor: '22'.repeat(8), counter: 1 }, { supersedes: list(count, dotAt) })], noMember),
    decode: decodeUpdates,
  },
  {
    of: 'updates of a frame',
    limit: frameUpdatesMax,
    encode: (count) =>
      encodeUpdates(
        list(count, (at) => put(dotAt(at))),
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
    expect(() => encodeUpdates([put(dotAt(0), { expiresAtMs: 0 })], noMember)).toThrow(RangeError)
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
        const one = put({ actor, counter: count }, { address: at, time: { ms, logical }, expiresAtMs, value })
        const [read] = decodeUpdates(encodeUpdates([one], noMember)).updates
        expect(read).toMatchObject({ dot: one.dot, time: one.time, expiresAtMs, supersedes: [] })
        expect([...read!.value!]).toEqual([...value])
        expect([...read!.address.field]).toEqual([...field])
      }),
    )
  })
})

const many = 65_537

/** Versions of as many runs, as peers' updates bring them. */
function updatesOf(count: number, at: Address, valueAt: (at: number) => Uint8Array): Update[] {
  return list(count, (index) => {
    const run = (index + 1).toString(16).padStart(16, '0')
    return put({ actor: run, counter: 1 }, { address: at, value: valueAt(index) })
  })
}

async function take(node: OpenReplica, updates: readonly Update[]): Promise<void> {
  for (let at = 0; at < updates.length; at += 5_000) {
    await node.replica.sync.applyUpdates({ updates: updates.slice(at, at + 5_000), members: new Map() })
  }
}

describe('rows', () => {
  it('of any number of versions, superseded dots and ranges are read as they were written', () => {
    const key = entryKey(address)
    const value = Buffer.of(1)
    const version = (at: number): Version => ({ ...put(dotAt(at)), value, valueHash: valueHash(value) })
    expect(decodeVersions(key, encodeVersions(key, list(many, version)))).toHaveLength(many)
    const rowKey = dotKey(dotAt(0))
    const row = {
      state: 'logged' as const,
      kind: 'delete' as const,
      bare: false,
      sequence: 1,
      address,
      time: { ms: 1, logical: 0 },
      expiresAtMs: null,
      supersedes: list(many, dotAt),
      supersededBy: null,
      value: null,
    }
    expect(decodeDotRow(rowKey, encodeDotRow(rowKey, row)).supersedes).toHaveLength(many)
    const ranges = list(2 * (1_000_000 + 1), (at) => 1 + 2 * at - (at % 2))
    const context = { member: unknownMember, seen: ranges, applied: ranges }
    expect(decodeContext(contextKey(actor), encodeContext(contextKey(actor), context)).seen).toHaveLength(ranges.length)
  })

  it('more versions than local writes may leave are kept, readable, no damage, passed on, and settled by one write', async () => {
    const crowd = 5 * localVersionsMax
    const store = new MemoryStore()
    const node = await openNode('crowded', { store })
    await take(
      node,
      updatesOf(crowd, address, (at) => Buffer.from(`${at}`)),
    )
    const again = await openNode('again', { store })
    expect(again.warnings).toEqual([])
    expect(again.replica.versions(address)).toHaveLength(crowd)
    const peer = await openNode('peer')
    await passOn(again, peer)
    const inView = again.replica.versions(address).map(({ dot }) => dot)
    await again.replica.transact((transaction) => transaction.put(address, Buffer.from('settled'), null, inView))
    await passOn(again, peer)
    expect(peer.replica.versions(address).map(({ value }) => `${Buffer.from(value)}`)).toEqual(['settled'])
  })

  it('a write that supersedes more than one update can name is several updates, in one batch', async () => {
    const node = await openNode('settler')
    const peer = await openNode('peer')
    const dots = list(many, dotAt)
    await node.replica.transact((transaction) => transaction.put(address, Buffer.from('settled'), null, dots))
    const found = await node.replica.sync.readMissing(node.replica.sync.capture().applied, 1 << 24)
    const counts = found.updates.map(({ supersedes }) => supersedes.length)
    expect(counts).toEqual([supersedesAim, supersedesAim, many - 2 * supersedesAim])
    await passOn(node, peer)
    expect(peer.replica.versions(address)).toHaveLength(1)
  })
})

/** Everything that the peer misses, as a session would bring it. */
async function passOn(from: OpenReplica, to: OpenReplica): Promise<void> {
  for (let missing = missingAt(from, to); !missing.isEmpty; missing = missingAt(from, to)) {
    const found = await from.replica.sync.readMissing(missing, 1 << 18, to.replica.sync.capture().applied)
    expect(found.unlisted.isEmpty).toBe(true)
    const bytes = encodeUpdates(found.updates, noMember)
    await to.replica.sync.applyUpdates(decodeUpdates(bytes))
  }
  expect([...to.replica.sync.capture().root]).toEqual([...from.replica.sync.capture().root])
}

function missingAt(from: OpenReplica, to: OpenReplica) {
  return from.replica.sync.capture().applied.minus(to.replica.sync.capture().applied)
}

describe('a counter of more chains than one version names', () => {
  const totals = list(many, (at): Version => {
    const run = (at + 1).toString(16).padStart(16, '0')
    const value = encodeCounter({ kind: 'total', reach: { actor: run, chain: 1, sequence: 1, total: 1 } })
    return { ...put({ actor: run, counter: 1 }), value, valueHash: valueHash(value) }
  })

  it('goes on, and is deleted by several versions, each increment counted exactly', () => {
    expect(counterValue(totals)).toBe(BigInt(many))
    const next = increment(totals, { actor: totals[3]!.dot.actor, counter: 2 }, zeroTime, 5)
    expect(next.supersedes).toEqual([totals[3]!.dot])
    const resets = resetsOf(totals)
    expect(resets.map(({ reaches }) => reaches.length)).toEqual([
      resetChainsMax,
      resetChainsMax,
      many - 2 * resetChainsMax,
    ])
    expect(resets.flatMap(({ supersedes }) => supersedes)).toEqual(totals.map(({ dot }) => dot))
    const baselines = resets.map(({ reaches }, at): Version => {
      const value = encodeCounter({ kind: 'baseline', reaches })
      return { ...put(dotAt(at)), value, valueHash: valueHash(value) }
    })
    expect(isPresent(baselines)).toBe(false)
    // What the delete had not seen is counted from where it had been.
    const later: Version = { ...totals[3]!, value: next.value, valueHash: valueHash(next.value) }
    expect(counterValue([...baselines, later])).toBe(5n)
    // A later delete has all of them in view.
    const again = resetsOf([...baselines, later])
    expect(again.reduce((sum, { reaches }) => sum + reaches.length, 0)).toBe(many)
    expect(again.at(-1)!.supersedes).toEqual(expect.arrayContaining(baselines.map(({ dot }) => dot)))
  })

  it('one beyond which nothing could be read before is read', () => {
    const reaches = list(many, reachAt)
    expect(decodeCounter(encodeCounter({ kind: 'baseline', reaches }))).toEqual({ kind: 'baseline', reaches })
  })
})

describe('local writes', () => {
  const open = async () => {
    const node = await openNode('local')
    return { node, data: new UserData(new Access(node.replica, () => tokenKey(Buffer.alloc(32)))) }
  }
  const refused = { code: 'TOO_MANY_SIBLINGS' }

  it.each([
    ['a register', register('k')],
    ['a field', mapField('k', 'f')],
    ['a document', document('k')],
  ])('leave at most so many versions of %s; one that settles is taken', async (_, at) => {
    const { node } = await open()
    const sibling = () => node.replica.transact((transaction) => transaction.put(at, Buffer.from('x'), null, []))
    await take(
      node,
      updatesOf(localVersionsMax - 2, at, (index) => Buffer.from(`${index}`)),
    )
    await sibling()
    await sibling()
    await expect(sibling()).rejects.toMatchObject({ ...refused, details: { versions: localVersionsMax } })
    expect(node.replica.versions(at)).toHaveLength(localVersionsMax)
    const [first] = node.replica.versions(at)
    await node.replica.transact((transaction) => transaction.put(at, Buffer.from('y'), null, [first!.dot]))
    const inView = node.replica.versions(at).map(({ dot }) => dot)
    await node.replica.transact((transaction) => transaction.put(at, Buffer.from('z'), null, inView))
    expect(node.replica.versions(at)).toHaveLength(1)
  })

  it('leave at most so many bytes of siblings; what peers bring beyond it stays, and may be made less', async () => {
    const { node, data } = await open()
    const half = Buffer.alloc(localVersionBytesMax / 2)
    const sibling = (value: Uint8Array) =>
      node.replica.transact((transaction) => transaction.put(address, value, null, []))
    await sibling(half)
    await sibling(half)
    await expect(sibling(Buffer.of(1))).rejects.toMatchObject(refused)
    await take(
      node,
      updatesOf(3, address, () => half),
    )
    expect(data.registers.get('k')!.versions).toHaveLength(1)
    expect(node.replica.versions(address)).toHaveLength(5)
    const [first, second] = node.replica.versions(address)
    await node.replica.transact((transaction) => transaction.put(address, half, null, [first!.dot, second!.dot]))
    expect(node.replica.versions(address)).toHaveLength(4)
    // One value alone is bound by its own limit.
    const large = await open()
    await large.data.registers.put('k', Buffer.alloc(localVersionBytesMax + 1), {})
    await large.data.registers.put('k', Buffer.alloc(localVersionBytesMax + 2), {})
    expect(large.data.registers.get('k')!.versions[0]!.value).toHaveLength(localVersionBytesMax + 2)
  })

  it('are refused alike by a put with an old context, and by an import; a set and a counter are not bound', async () => {
    const { node, data } = await open()
    const { context } = await data.registers.put('k', Buffer.from('first'), {})
    await take(
      node,
      updatesOf(localVersionsMax - 2, address, (at) => Buffer.from(`${at}`)),
    )
    for (const value of ['second', 'third']) await data.registers.put('k', Buffer.from(value), { context })
    await expect(data.registers.put('k', Buffer.from('more'), { context })).rejects.toMatchObject(refused)
    const extra = { expiresAtMs: null, extra: true }
    await expect(data.contents.importVersion(address, Buffer.from('more'), extra)).rejects.toMatchObject(refused)
    const shown = data.registers.get('k')!
    expect(shown.versions).toHaveLength(localVersionsMax)
    await data.registers.put('k', Buffer.from('settled'), { context: shown.context })
    expect(data.registers.get('k')!.versions).toHaveLength(1)
  })
})
