/** The sync protocol over channels: reports, the slot, peers that stall, trickle, break off or speak nonsense. */
import { describe, expect, test } from 'vitest'
import type { Channel } from '../../protocols/network.js'
import { encodeMessage } from '../../protocols/sync/codec.js'
import {
  comparisonsMax,
  firstFrameTimeoutMs,
  inboundSessionsPerPeerMax,
  pieceBytesAim,
  progressTimeoutMs,
} from '../../protocols/sync/limits.js'
import type { Message } from '../../protocols/sync/messages.js'
import { piecesOf } from '../../protocols/sync/pieces.js'
import { SyncService } from '../../protocols/sync/service.js'
import { BulkSlot } from '../../protocols/sync/slot.js'
import { register } from '../../store/model/address.js'
import { unknownMember } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { ModelReplica } from '../support/model-replica.js'
import { SyncStage } from '../support/sync-stage.js'

const frames = (message: Message) => [...piecesOf(encodeMessage(message, () => unknownMember))]
const opening: Message = {
  type: 'open',
  young: false,
  salt: Buffer.alloc(8),
  capture: { root: Buffer.alloc(16, 1), entries: 1, changed: [], added: [] },
}

describe('tables of contexts', () => {
  const runs = 200

  /** Two nodes that know the same many runs, of which the second may be of a build without tables. */
  function known(tables: boolean) {
    const stage = new SyncStage()
    const pair = [stage.node('a'), stage.node('b', undefined, tables)] as const
    stage.mesh.connectAll()
    stage.fill([...pair], 5)
    for (const { replica } of pair) {
      for (let at = 0; at < runs; at++) {
        const dot = { actor: `${at}`.padStart(16, '0'), counter: 1 }
        replica.seen.add(dot)
        replica.applied.add(dot)
      }
    }
    return { stage, pair }
  }

  test('are named in place of contexts, and a session of equals costs next to nothing', async () => {
    const { stage, pair } = known(true)
    const { mode, ended, bytesSent, bytesReceived } = await stage.sync(pair[0], 'b')
    expect({ mode, ended }).toEqual({ mode: 'equal', ended: 'complete' })
    expect(bytesSent + bytesReceived).toBeLessThan(150)
  })

  test.each([0, 1] as const)(
    'are not used with a build that does not know them, whoever of the two opens: %i',
    async (at) => {
      const { stage, pair } = known(false)
      stage.fill([pair[0]], 3)
      stage.fill([pair[1]], 2)
      for (let session = 0; session < 2; session++) {
        const report = await stage.sync(pair[at], at === 0 ? 'b' : 'a')
        expect(report.ended).toBe('complete')
        expect(report.bytesSent).toBeGreaterThan(runs * 8)
      }
      await stage.world.settle()
      expect(pair[0].replica.applied.equals(pair[1].replica.applied)).toBe(true)
      expect(pair[at].reports.map(({ ended }) => ended)).toEqual(['complete', 'complete'])
    },
  )
})

describe('reports', () => {
  test('count bytes, entries and round trips on both sides alike, and name acknowledgements', async () => {
    const stage = new SyncStage()
    const [a, b] = stage.pair()
    stage.fill([a, b], 5)
    stage.fill([a], 30, 1_000)
    const report = await stage.sync(a, 'b')
    await stage.world.settle()
    expect(report).toMatchObject({ peer: 'b', mode: 'delta', roundTrips: 1.5, entriesSent: 30, ended: 'complete' })
    expect(b.reports).toMatchObject([
      { peer: 'a', entriesReceived: 30, bytesSent: report.bytesReceived, bytesReceived: report.bytesSent },
    ])
    expect(report.bytesSent).toBeGreaterThan(30_000)
    expect([...a.equal, ...b.equal]).toEqual(['b', 'a'])
    expect(a.heard).toEqual(['b:5', 'b:35'])
    expect(b.heard).toEqual(['a:35', 'a:35'])
    expect(Buffer.compare(a.replica.trie.root(), b.replica.trie.root())).toBe(0)
  })

  test('a value of many pieces arrives whole', async () => {
    const stage = new SyncStage()
    const [a, b] = stage.pair()
    stage.fill([a], 1, 5 * pieceBytesAim + 3)
    expect(await stage.sync(b, 'a')).toMatchObject({ mode: 'full', ended: 'complete' })
    expect(b.replica.versionsAt(register('key-1'))[0]?.value).toHaveLength(5 * pieceBytesAim + 3)
  })

  test('a peer that is gone, and one that is cut off in the middle, end a session with a reason and no union', async () => {
    const stage = new SyncStage()
    const [a, b] = stage.pair()
    stage.fill([b], 200, 1_000)
    const running = a.service.run('b', { youngOk: false })
    await stage.world.runUntil(() => a.replica.entries.size > 10)
    stage.mesh.disconnect('a', 'b')
    const report = await stage.world.runThrough(running)
    expect(report.ended).toContain('disconnected')
    expect(a.replica.entries.size).toBeLessThan(200)
    expect(a.replica.seen.size).toBe(a.replica.entries.size)
    expect((await stage.sync(a, 'b')).ended).toContain('not connected')
    expect(a.service.slot.isFree && b.service.slot.isFree).toBe(true)
  })
})

describe('refusals', () => {
  test('a stranger, a store that is not verified, and another version are told so', async () => {
    const stage = new SyncStage()
    const a = stage.node('a')
    const b = stage.node('b', (peer) => peer !== 'a')
    stage.mesh.connectAll()
    expect(await stage.sync(a, 'b')).toMatchObject({ mode: 'busy', ended: 'stranger' })
    a.replica.isVerified = false
    expect(await stage.sync(b, 'a')).toMatchObject({ mode: 'busy', ended: 'unverified' })
    expect(await stage.sync(a, 'b')).toMatchObject({ mode: 'busy', ended: 'unverified' })
    a.replica.isVerified = true

    const channel = await stage.raw('z', 'a')
    const [frame] = frames(opening)
    frame![2] = 9
    const answer = channel.frames[Symbol.asyncIterator]().next()
    await channel.send(frame!)
    const { value } = await stage.world.runThrough(answer)
    expect(Buffer.from(value)).toEqual(frames({ type: 'busy', reason: 'version' })[0])
  })

  test('a node takes part in one bulk transfer at a time, but tells others meanwhile that they are equal', async () => {
    const stage = new SyncStage({ latencyMs: 10 })
    const [a, b, c, d] = [stage.node('a'), stage.node('b'), stage.node('c'), stage.node('d')]
    stage.mesh.connectAll()
    stage.fill([b, d], 50, 5_000)
    const bulk = a.service.run('b', { youngOk: false })
    await stage.world.runUntil(() => !b.service.slot.isFree && a.replica.entries.size > 0)
    expect(await stage.sync(c, 'b')).toMatchObject({ mode: 'busy', ended: 'bulk' })
    expect(await stage.sync(d, 'b')).toMatchObject({ mode: 'equal' })
    expect(await stage.world.runThrough(bulk)).toMatchObject({ mode: 'full', ended: 'complete' })
    expect(await stage.sync(c, 'b')).toMatchObject({ mode: 'full', ended: 'complete' })
  })

  test('two nodes that open at the same moment hold one session', async () => {
    const stage = new SyncStage({ latencyMs: 10 })
    const [a, b] = stage.pair()
    stage.fill([a], 20)
    const both = [a.service.run('b', { youngOk: false }), b.service.run('a', { youngOk: false })]
    const reports = await stage.world.runThrough(Promise.all(both))
    expect(reports.map(({ mode }) => mode)).toEqual(['full', 'busy'])
    expect(a.replica.seen.equals(b.replica.seen)).toBe(true)
    expect(a.service.slot.isFree && b.service.slot.isFree).toBe(true)
  })
})

describe('peers that misbehave', () => {
  test('one that says nothing is cut, and the slot is free again', async () => {
    const stage = new SyncStage()
    const [a, b] = stage.pair()
    stage.fill([a], 5)
    const channel = await stage.raw('z', 'a')
    for (const frame of frames(opening)) await channel.send(frame)
    await stage.world.runUntil(() => !a.service.slot.isFree)
    const startMs = stage.world.elapsedMs
    await stage.world.runUntil(() => a.service.slot.isFree)
    expect(stage.world.elapsedMs - startMs).toBeLessThanOrEqual(progressTimeoutMs + 1_000)
    expect(a.reports.at(-1)).toMatchObject({ peer: 'z', ended: 'no progress' })
    expect(b.reports).toEqual([])
  })

  test('one that opens many sessions gets few of them, is timed out of those, and keeps nobody else away', async () => {
    const stage = new SyncStage()
    const [a, b] = stage.pair()
    stage.fill([a], 5)
    const channels = await Promise.all(Array.from({ length: 60 }, () => stage.raw('z', 'a')))
    const answered = async (channel: Channel) => {
      for await (const _ of channel.frames) return true
      return false
    }
    const refused = channels.map((channel) => answered(channel).catch(() => false))
    await stage.world.runFor(1_000)
    expect(await stage.sync(b, 'a')).toMatchObject({ ended: 'complete' })
    await stage.world.runFor(firstFrameTimeoutMs)
    const silent = a.reports.filter(({ peer }) => peer === 'z')
    expect(silent.map(({ ended }) => ended)).toEqual(Array(inboundSessionsPerPeerMax).fill('no progress'))
    const answers = await Promise.all(refused)
    expect(answers.filter(Boolean)).toHaveLength(channels.length - inboundSessionsPerPeerMax)
  })

  test('one that trickles valid frames does not hold the slot for ever', async () => {
    const stage = new SyncStage()
    const [a] = stage.pair()
    stage.fill([a], 5)
    const channel = await stage.raw('z', 'a')
    for (const frame of frames(opening)) await channel.send(frame)
    const empty: Message = { type: 'delta', updates: { updates: [], members: new Map() } }
    const trickle = () => {
      for (const frame of frames(empty)) channel.send(frame).catch(() => undefined)
      if (!a.service.slot.isFree || a.reports.length === 0) stage.world.schedule(20_000, trickle)
    }
    trickle()
    await stage.world.runUntil(() => a.reports.length > 0, { limitMs: 200_000 })
    expect(a.reports[0]).toMatchObject({ peer: 'z', ended: 'no progress' })
    expect(a.service.slot.isFree).toBe(true)
  })

  test.each([
    ['nonsense', [Buffer.from('nonsense')]],
    ['a message of no known type', [Buffer.of(0, 99)]],
    ['an empty frame', [Buffer.alloc(0)]],
    ['a message out of place', frames({ type: 'wants', positions: [1] })],
    [
      'a capture that does not fit',
      frames({ ...opening, capture: { ...opening.capture, changed: [{ index: 3, seen: [1, 2], applied: [1, 2] }] } }),
    ],
  ])('%s ends its session, and harms nothing else', async (_, sent) => {
    const stage = new SyncStage()
    const [a, b] = stage.pair()
    stage.fill([a], 5)
    const channel = await stage.raw('z', 'a')
    for (const frame of sent) await channel.send(frame)
    await stage.world.runUntil(() => a.reports.length > 0)
    expect(a.reports[0]?.ended).not.toBe('complete')
    expect(a.replica.seen.size).toBe(5)
    expect(await stage.sync(b, 'a')).toMatchObject({ ended: 'complete' })
  })

  test('stopping breaks what runs', async () => {
    const stage = new SyncStage({ latencyMs: 10 })
    const [a, b] = stage.pair()
    stage.fill([a], 100, 5_000)
    const running = b.service.run('a', { youngOk: false })
    await stage.world.runUntil(() => b.replica.entries.size > 5)
    await stage.world.runThrough(a.service.stop())
    const report = await stage.world.runThrough(running)
    expect(report.ended).not.toBe('complete')
    expect(b.replica.entries.size).toBeLessThan(100)
    expect(await stage.sync(b, 'a')).toMatchObject({ mode: 'busy', ended: 'closing' })
    expect(await stage.sync(a, 'b')).toMatchObject({ mode: 'busy', ended: 'closing' })
  })
})

describe('the slot', () => {
  test('an unanswered session of ours gives way to a smaller peer only, a transfer to nobody', () => {
    const slot = new BulkSlot('m')
    let yielded = 0
    const open = () => slot.open('q', () => yielded++)
    open()
    expect(slot.accept('z')).toBeUndefined()
    const accepted = slot.accept('c')
    expect(accepted).toBeDefined()
    expect(yielded).toBe(1)
    expect(slot.accept('b')).toBeUndefined()
    expect(open()).toBeUndefined()
    accepted!.release()
    const mine = open()!
    mine.begin()
    expect(slot.accept('c')).toBeUndefined()
    mine.release()
    accepted!.release()
    expect(slot.isFree).toBe(true)
  })

  test('a comparison finds what differs, takes no slot, tells no scheduler of a sync, and changes nothing', async () => {
    const stage = new SyncStage()
    const [a, b] = stage.pair()
    stage.fill([a, b], 30)
    stage.fill([b], 2)
    const roots = () => [a, b].map(({ replica }) => Buffer.from(replica.trie.root()).toString('hex'))
    const before = roots()
    const hold = b.service.slot.open('c', () => undefined)!
    const found = await stage.world.runThrough(a.service.compare('b', 10))
    hold.release()
    await stage.world.runUntil(() => b.reports.length > 0)
    expect(found.compared!.entries.map(({ address, here, there }) => [address.key, here.length, there.length])).toEqual(
      [
        ['key-31', 0, 1],
        ['key-32', 0, 1],
      ],
    )
    expect(roots()).toEqual(before)
    expect([a, b].map(({ reports }) => reports.map(({ mode, ended }) => [mode, ended]))).toEqual([
      [['compared', 'complete']],
      [['compared', 'complete']],
    ])
    expect([...a.equal, ...b.equal]).toEqual([])
  })

  test('a comparison says why it came to nothing', async () => {
    const stage = new SyncStage()
    const [a, b] = stage.pair()
    stage.fill([b], 1)
    const ended = async () => {
      const found = await stage.world.runThrough(a.service.compare('b', 10))
      return found.compared === undefined ? found.ended : 'compared'
    }
    b.replica.isVerified = false
    expect(await ended()).toBe('unverified')
    a.replica.isVerified = false
    expect(await ended()).toBe('unverified here')
    a.replica.isVerified = true
    b.replica.isVerified = true
    const all = Promise.all([...Array(comparisonsMax + 1).keys()].map(ended))
    expect(await all).toEqual([...Array(comparisonsMax).fill('compared'), 'busy here'])
    stage.mesh.disconnect('a', 'b')
    expect(await ended()).not.toBe('compared')
  })

  test('refused values are told with their dots', async () => {
    const stage = new SyncStage()
    const a = stage.node('a')
    const network = stage.mesh.node('small')
    const replica = new ModelReplica()
    const refused = new Context()
    const service = new SyncService({
      network,
      replica,
      environment: stage.world.environment(),
      valueBytesMax: 100,
      listener: { refused: (_, dots) => refused.union(dots) },
    })
    stage.mesh.connectAll()
    stage.fill([a], 3)
    stage.fill([a], 1, 1_000)
    await stage.world.runThrough(service.run('a', { youngOk: false }))
    expect([...refused.dots()].map(({ counter }) => counter)).toEqual([4])
    expect(replica.seen.size).toBe(3)
  })
})
