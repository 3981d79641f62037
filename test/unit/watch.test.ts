/**
 * The parts of the change feed: pages from the store, what the log holds for readers, recent events, the window of the
 * hold.
 */
import { describe, expect, it } from 'vitest'
import { cursorText, parseCursor } from '../../daemon/watch/cursor.js'
import { Hold } from '../../daemon/watch/hold.js'
import { WatchHub } from '../../daemon/watch/hub.js'
import { holdMs } from '../../daemon/watch/limits.js'
import { RecentEvents } from '../../daemon/watch/recent.js'
import { watchHeartbeatMs } from '../../protocols/api/limits.js'
import { MemoryStore } from '../../store/memory.js'
import { register } from '../../store/model/address.js'
import type { Dot } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import type { FeedEvent } from '../../store/replica/types.js'
import { decodeDotRow, dotKey, encodeDotRow } from '../../store/rows/dots.js'
import { feedKey } from '../../store/rows/feed.js'
import { type OpenReplica, openNode } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'
import { Watcher } from '../support/watchers.js'

const put = (node: OpenReplica, key: string, value = key) =>
  node.replica.transact((transaction) => {
    const dots = transaction.versions(register(key)).map(({ dot }) => dot)
    return transaction.put(register(key), Buffer.from(value), null, dots)
  })
const remove = (node: OpenReplica, key: string) =>
  node.replica.transact((transaction) => {
    const dots = transaction.versions(register(key)).map(({ dot }) => dot)
    return transaction.remove(register(key), dots)
  })
const pageOf = (
  node: OpenReplica,
  sequence: number,
  base = 0,
  until = node.replica.feed.bounds.sequence,
  rowsMax?: number,
) => node.replica.feed.reader.read({ from: { sequence, base }, until, prefix: '', rowsMax })
const told = ({ events }: { events: readonly FeedEvent[] }) =>
  events.map(({ sequence, op, address, value }) => [sequence, op, address.key, value && Buffer.from(value).toString()])

async function history(): Promise<OpenReplica> {
  const node = await openNode('a')
  node.replica.log.setObligations([])
  await put(node, 'k', 'one')
  await put(node, 'other')
  await put(node, 'k', 'two')
  await remove(node, 'k')
  return node
}

describe('pages of the feed', () => {
  it('show what happened with the bytes that are kept, never beyond what is asked for', async () => {
    const node = await history()
    expect(told(await pageOf(node, 0))).toEqual([
      [1, 'put', 'k', 'one'],
      [2, 'put', 'other', 'other'],
      [3, 'put', 'k', 'two'],
      [4, 'del', 'k', null],
    ])
    expect(await pageOf(node, 0, 0, 2)).toMatchObject({ sequence: 2, events: [{ sequence: 1 }, { sequence: 2 }] })
    expect(await pageOf(node, 1, 0, 4, 2)).toMatchObject({ sequence: 3, events: [{ sequence: 2 }, { sequence: 3 }] })
    expect(await pageOf(node, 4)).toEqual({ sequence: 4, events: [] })
  })

  it('end before a large value, and hold one larger than a page whole', async () => {
    const node = await openNode('a')
    const large = 'x'.repeat(300 * 1024)
    for (const key of ['a', 'b', 'c']) await put(node, key, large)
    for (const sequence of [0, 1, 2]) {
      const page = await pageOf(node, sequence)
      expect([page.events.length, page.sequence]).toEqual([1, sequence + 1])
      expect(page.events[0]!.value!.length).toBe(large.length)
    }
  })

  it('refuse what the log has dropped; below the base they show what is live', async () => {
    const node = await history()
    await node.replica.upkeep.trim()
    expect(node.replica.feed.bounds.floor).toBe(4)
    for (const sequence of [0, 1, 2, 3])
      await expect(pageOf(node, sequence)).rejects.toMatchObject({ code: 'CURSOR_GONE' })
    expect(told(await pageOf(node, 0, 4))).toEqual([[2, 'put', 'other', 'other']])
    await put(node, 'k', 'new')
    expect(told(await pageOf(node, 0, 4))).toEqual([
      [2, 'put', 'other', 'other'],
      [5, 'put', 'k', 'new'],
    ])
    expect(told(await pageOf(node, 4))).toEqual([[5, 'put', 'k', 'new']])
  })

  it.each(['is missing', 'is damaged', 'has lost its dot row'])(
    'end before a row that %s, and cannot be read from there',
    async (how) => {
      const node = await history()
      const row = { key: feedKey(3), value: how === 'is missing' ? null : Buffer.from('damaged') }
      const [, , third] = (await pageOf(node, 0)).events
      const dotRow = { key: dotKey(third!.dot), value: null }
      await node.store.write([how === 'has lost its dot row' ? dotRow : row], { sync: true })
      expect(await pageOf(node, 0)).toMatchObject({ sequence: 2, events: [{ sequence: 1 }, { sequence: 2 }] })
      await expect(pageOf(node, 2)).rejects.toMatchObject({ code: 'CURSOR_GONE', details: { at: 3 } })
      expect(told(await pageOf(node, 3))).toEqual([[4, 'del', 'k', null]])
      const hub = new WatchHub({ replica: node.replica, environment: node.environment, nameOf: String })
      await expect(new Watcher('', `${node.replica.feed.bounds.id}.2.00000000`).open(hub)).rejects.toMatchObject({
        code: 'CURSOR_GONE',
      })
      await expect.poll(() => node.replica.feed.bounds.floor).toBe(3)
      // Whoever starts at the beginning passes over it from now on.
      const whole = new Watcher('', '0')
      await whole.open(hub)
      await whole.takeAll()
      expect(whole.received.map(({ sequence }) => sequence)).toEqual([2, 4])
      await whole.cut()
    },
  )

  it('a put whose bytes cannot be read still comes, without them', async () => {
    const node = await history()
    const [, other] = (await pageOf(node, 0)).events
    const key = dotKey(other!.dot)
    const row = decodeDotRow(key, node.store.get(key)!)
    // Live by its row, but in no entry.
    await node.store.write([{ key, value: encodeDotRow(key, { ...row, address: register('nowhere') }) }], {
      sync: true,
    })
    expect(told(await pageOf(node, 1, 0, 2))).toEqual([[2, 'put', 'nowhere', null]])
  })

  it('a version that came bare, and then as its own update, is one event', async () => {
    const node = await openNode('a')
    const dot: Dot = { actor: '00000000000000aa', counter: 1 }
    const update: Update = {
      dot,
      address: register('k'),
      kind: 'put',
      time: { ms: 1, logical: 0 },
      expiresAtMs: null,
      value: Buffer.from('v'),
      supersedes: [],
    }
    const peer = await openNode('b')
    await node.replica.sync.joinEntries(
      [{ address: update.address, updates: [update], bare: [dot] }],
      peer.replica.sync.capture(),
    )
    await put(node, 'k', 'over')
    await node.replica.sync.applyUpdates({ updates: [update], members: new Map() })
    expect(told(await pageOf(node, 0))).toEqual([
      [1, 'put', 'k', 'v'],
      [2, 'put', 'k', 'over'],
    ])
    node.replica.log.setObligations([])
    await node.replica.upkeep.trim()
    expect(node.replica.log.bytes).toBe(0)
  })

  it('a removal learnt through the tree leaves what it removed in the feed until the log drops both', async () => {
    const node = await openNode('a')
    const peer = await openNode('b')
    const dot = await put(node, 'k', 'v')
    await peer.replica.sync.applyUpdates({
      updates: (await node.replica.sync.readMissing(node.replica.sync.capture().applied, 1000)).updates as Update[],
      members: new Map(),
    })
    await remove(peer, 'k')
    await node.replica.sync.joinEntries([peer.replica.sync.peerEntryAt(register('k'))], peer.replica.sync.capture())
    expect(told(await pageOf(node, 0))).toEqual([
      [1, 'put', 'k', null],
      [2, 'del', 'k', null],
    ])
    expect((await pageOf(node, 1)).events[0]!.dot).toEqual(dot)
    node.replica.log.setObligations([])
    await node.replica.upkeep.trim()
    expect(node.store.get(feedKey(1)) ?? node.store.get(feedKey(2))).toBeUndefined()
    await expect(pageOf(node, 0)).rejects.toMatchObject({ code: 'CURSOR_GONE' })
  })
})

describe('a batch that is on the disk, but not committed yet', () => {
  /** Its writes resolve when a test says so. */
  class GatedStore extends MemoryStore {
    gate: Promise<void> = Promise.resolve()

    override async write(...args: Parameters<MemoryStore['write']>): Promise<void> {
      await super.write(...args)
      await this.gate
    }
  }

  it('is not shown to a reader that reads the store, and once only to every one', async () => {
    const store = new GatedStore()
    const node = await openNode('a', { store })
    const hub = new WatchHub({ replica: node.replica, environment: node.environment, nameOf: String })
    node.replica.onCommit((commit) => hub.committed(commit))
    await put(node, 'before')
    let release: () => void = () => {}
    store.gate = new Promise((resolve) => {
      release = resolve
    })
    const writing = put(node, 'k')
    await expect.poll(() => store.get(feedKey(2))).toBeDefined()
    const watchers = [new Watcher('', '0'), new Watcher()]
    for (const watcher of watchers) {
      await watcher.open(hub)
      await watcher.takeAll()
    }
    expect(watchers.map(({ received }) => received.map(({ sequence }) => sequence))).toEqual([[1], []])
    release()
    await writing
    for (const watcher of watchers) await watcher.takeAll()
    expect(watchers.map(({ received }) => received.map(({ sequence }) => sequence))).toEqual([[1, 2], [2]])
    for (const watcher of watchers) await watcher.cut()
    await hub.stop()
  })
})

describe('the log', () => {
  it('holds what came after a position for readers, as far as its limits allow', async () => {
    const node = await history()
    node.replica.feed.hold(1)
    await node.replica.upkeep.trim()
    expect(told(await pageOf(node, 1)).length).toBe(3)
    node.replica.feed.hold(null)
    await node.replica.upkeep.trim()
    await expect(pageOf(node, 1)).rejects.toMatchObject({ code: 'CURSOR_GONE' })
    const full = await openNode('b', { log: { maxBytes: 0, maxAgeMs: Number.POSITIVE_INFINITY } })
    full.replica.log.setObligations([])
    full.replica.feed.hold(0)
    await put(full, 'k', 'one')
    await put(full, 'k', 'two')
    await full.replica.upkeep.trim()
    await expect(pageOf(full, 0)).rejects.toMatchObject({ code: 'CURSOR_GONE' })
  })

  it('is held over a restart, and until readers have been away for long enough', async () => {
    const node = await openNode('a')
    node.replica.log.setObligations([])
    const hub = new WatchHub({ replica: node.replica, environment: node.environment, nameOf: String })
    const watcher = new Watcher()
    await watcher.open(hub)
    await watcher.takeAll()
    await node.replica.transact(() => undefined)
    await watcher.cut()
    await hub.stop()
    const again = await openNode('a', { store: node.store }, new StillEnvironment('again'))
    again.replica.log.setObligations([])
    const next = new WatchHub({ replica: again.replica, environment: again.environment, nameOf: String })
    again.replica.onCommit((commit) => next.committed(commit))
    await put(again, 'k', 'one')
    await put(again, 'k', 'two')
    await remove(again, 'k')
    await again.replica.upkeep.trim()
    await watcher.open(next)
    await watcher.takeAll()
    expect(watcher.received.map(({ data }) => [data.op, data.value])).toEqual([
      ['put', 'one'],
      ['put', 'two'],
      ['del', null],
    ])
    await watcher.cut()
    again.environment.pass(holdMs + 2 * watchHeartbeatMs)
    await again.replica.upkeep.trim()
    await expect(pageOf(again, 0)).rejects.toMatchObject({ code: 'CURSOR_GONE' })
    expect(again.replica.feed.held()).toBeUndefined()
    await next.stop()
  })
})

describe('the hold', () => {
  it('is the least position of the last minutes, whatever comes and goes', () => {
    const environment = new StillEnvironment()
    const applied: (number | null)[] = []
    const saved: (number | null)[] = []
    let reader: number | undefined = 5
    const hold = new Hold({
      environment,
      readers: () => reader,
      apply: (sequence) => applied.push(sequence),
      save: (sequence) => saved.push(sequence),
    })
    hold.resume(3)
    expect([applied, saved]).toEqual([[3], []])
    hold.note(5)
    hold.note(4)
    for (let at = 0; at < 8; at++) environment.pass(watchHeartbeatMs)
    expect(applied.at(-1)).toBe(5)
    reader = 100
    for (let at = 0; at < 12; at++) environment.pass(watchHeartbeatMs)
    expect(applied.at(-1)).toBe(100)
    reader = undefined
    for (let at = 0; at < 12; at++) environment.pass(watchHeartbeatMs)
    expect(applied.at(-1)).toBe(null)
    expect(saved).toEqual(applied.slice(1))
    hold.note(7)
    expect(applied.at(-1)).toBe(7)
    hold.stop()
  })
})

describe('recent events', () => {
  const event = (sequence: number, bytes = 1): FeedEvent => ({
    sequence,
    address: register('k'),
    op: 'put',
    dot: { actor: '00000000000000aa', counter: sequence },
    time: { ms: 1, logical: 0 },
    value: Buffer.alloc(bytes),
    supersedes: [],
    supersedesMore: 0,
  })
  const render = ({ sequence }: FeedEvent) => Buffer.from(`${sequence}`)

  it('are one run without gaps, bounded in number and bytes, also by what is sent of them', () => {
    const recent = new RecentEvents(render, { eventsMax: 3, bytesMax: 10_000 })
    recent.add([1, 2, 3, 4].map((sequence) => event(sequence)))
    expect([1, 2, 3, 4, 5].map((at) => recent.at(at)?.sequence)).toEqual([undefined, 2, 3, 4, undefined])
    expect(recent.frame(3).toString()).toBe('3')
    recent.add([event(9)])
    expect([4, 8, 9].map((at) => recent.at(at)?.sequence)).toEqual([undefined, undefined, 9])
    recent.add([event(10, 20_000)])
    expect([recent.at(10), recent.bytes]).toEqual([undefined, 0])
    const wide = new RecentEvents(() => Buffer.alloc(9_700), { eventsMax: 3, bytesMax: 10_000 })
    wide.add([event(1), event(2)])
    expect([wide.frame(2).length, wide.at(1), wide.at(2)?.sequence]).toEqual([9_700, undefined, 2])
    expect(wide.bytes).toBeLessThanOrEqual(10_000)
  })

  it('do not keep a whole frame for the sake of a small value in it', () => {
    const recent = new RecentEvents(render)
    recent.add([{ ...event(1), value: Buffer.alloc(1 << 20).subarray(5, 7) }])
    expect(recent.at(1)!.value!.buffer.byteLength).toBe(2)
  })
})

describe('cursors', () => {
  it('are read as they were written', () => {
    for (const base of [0, 2 ** 53 - 1]) {
      const cursor = { feedId: '0123456789abcdef', position: { sequence: 2 ** 53 - 2, base }, mark: 0xfedcba98 }
      expect(parseCursor(cursorText(cursor))).toEqual(cursor)
    }
    const text = cursorText({ feedId: '0123456789abcdef', position: { sequence: 7, base: 7 }, mark: 1 })
    expect(text).toBe('0123456789abcdef.7.00000001')
  })
})
