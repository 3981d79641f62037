/** When the scheduler opens sessions, and when it does not. */
import { describe, expect, test } from 'vitest'
import type { NetworkListener } from '../../protocols/network.js'
import type { SessionReason } from '../../protocols/sync/core/progress.js'
import { busyRetryMs, connectGraceMs, deepAfterIntervals, gapDelayMs, mismatchMs } from '../../protocols/sync/limits.js'
import { type PeerView, SyncScheduler } from '../../protocols/sync/scheduler.js'
import type { SessionReport } from '../../protocols/sync/service.js'
import { VirtualWorld } from '../support/virtual-environment.js'

const intervalMs = 10_000

interface Run {
  readonly peer: string
  readonly youngOk: boolean
  readonly atMs: number
}

class Stage {
  readonly world = new VirtualWorld(5)
  readonly runs: Run[] = []
  /** Reasons of the sessions, in order. */
  readonly reasons: SessionReason[] = []
  readonly connected = new Set<string>()
  readonly equal = new Map<string, boolean>()
  readonly lastEqual = new Map<string, number>()
  readonly strangers = new Set<string>()
  readonly listeners: NetworkListener[] = []
  isReady = true
  /** How sessions end; complete by default. */
  answer: (run: Run) => Partial<SessionReport> = () => ({})
  /** Sessions wait until this is called, if set. */
  release: (() => void)[] | undefined
  readonly scheduler: SyncScheduler

  constructor(self = 'm') {
    const peers: PeerView = {
      isMember: (peer) => !this.strangers.has(peer),
      looksEqual: (peer) => this.equal.get(peer),
      lastEqualMs: (peer) => this.lastEqual.get(peer),
    }
    this.scheduler = new SyncScheduler({
      environment: this.world.environment(),
      network: { self, peers: () => [...this.connected], listen: (listener) => this.listeners.push(listener) },
      peers,
      run: (peer, { youngOk, why }) => {
        this.reasons.push(why)
        return this.#run({ peer, youngOk, atMs: this.world.elapsedMs })
      },
      isReady: () => this.isReady,
      intervalMs,
    })
    this.scheduler.start()
  }

  async #run(run: Run): Promise<SessionReport> {
    this.runs.push(run)
    if (this.release !== undefined) await new Promise<void>((resolve) => this.release!.push(resolve))
    const none = { roundTrips: 1, bytesSent: 0, bytesReceived: 0, entriesSent: 0, entriesReceived: 0 }
    return { peer: run.peer, mode: 'delta', ended: 'complete', ...none, ...this.answer(run) }
  }

  connect(...peers: string[]): void {
    for (const peer of peers) {
      this.connected.add(peer)
      for (const listener of this.listeners) listener.connected(peer)
    }
  }

  disconnect(peer: string): void {
    this.connected.delete(peer)
    for (const listener of this.listeners) listener.disconnected(peer)
  }

  /** Lets the sessions that follow a connect happen, and forgets them. */
  async quiet(): Promise<void> {
    await this.world.runFor(2 * connectGraceMs)
    this.runs.length = 0
  }
}

describe('the scheduler', () => {
  test('equal nodes at rest open no streams', async () => {
    const stage = new Stage()
    for (const peer of ['x', 'y', 'z']) stage.equal.set(peer, true)
    stage.connect('x', 'y', 'z')
    await stage.world.runFor(20 * intervalMs)
    expect(stage.runs).toEqual([])
  })

  test('after a connect the smaller peer opens at once, the greater after a while unless it was done', async () => {
    const smaller = new Stage('a')
    smaller.connect('x')
    await smaller.world.runFor(1)
    expect(smaller.runs).toEqual([{ peer: 'x', youngOk: false, atMs: 0 }])

    const greater = new Stage('z')
    greater.connect('x', 'y')
    await greater.world.runFor(1)
    expect(greater.runs).toEqual([])
    const none = { roundTrips: 1, bytesSent: 0, bytesReceived: 0, entriesSent: 0, entriesReceived: 0 }
    greater.scheduler.sessionEnded({ peer: 'y', mode: 'delta', ended: 'complete', ...none })
    await greater.world.runFor(2 * connectGraceMs)
    expect(greater.runs.map(({ peer }) => peer)).toEqual(['x'])
  })

  test('at each interval one peer that looks different, with the young rule; never a stranger or an equal one', async () => {
    const stage = new Stage('z')
    stage.strangers.add('s')
    stage.equal.set('e', true)
    for (const peer of ['x', 'y', 's']) stage.equal.set(peer, false)
    stage.connect('e', 's', 'u', 'x', 'y')
    await stage.quiet()
    await stage.world.runFor(40 * intervalMs)
    const count = (peer: string) => stage.runs.filter((run) => run.peer === peer).length
    expect(count('e') + count('s') + count('u')).toBe(0)
    expect(count('x')).toBeGreaterThan(3)
    expect(count('y')).toBeGreaterThan(3)
    expect(stage.runs.length).toBeGreaterThan(20)
    expect(stage.runs.length).toBeLessThan(80)
    // These two are never proven equal: seldom a session looks at everything.
    expect(stage.runs.filter(({ youngOk }) => !youngOk).length).toBeLessThanOrEqual((2 * 40) / deepAfterIntervals)
    const gaps = stage.runs.slice(1).map((run, at) => run.atMs - stage.runs[at]!.atMs)
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(intervalMs / 4)
  })

  test('prefers the peer proven equal longest ago, and drops the young rule for one not proven equal for long', async () => {
    const stage = new Stage('z')
    for (const peer of ['w', 'x', 'y']) stage.equal.set(peer, false)
    stage.connect('w', 'x', 'y')
    await stage.quiet()
    const refresh = () => {
      for (const peer of ['w', 'x']) stage.lastEqual.set(peer, stage.world.elapsedMs)
      stage.lastEqual.set('y', 0)
      stage.world.schedule(1_000, refresh)
    }
    refresh()
    await stage.world.runFor(60 * intervalMs)
    const count = (peer: string) => stage.runs.filter((run) => run.peer === peer).length
    expect(count('y')).toBeGreaterThan(count('w') + count('x'))
    expect(stage.runs.some(({ peer, youngOk }) => peer === 'y' && !youngOk)).toBe(true)
    expect(stage.runs.every(({ peer, youngOk }) => peer === 'y' || youngOk)).toBe(true)
  })

  test('a peer that was never proven equal gets sessions without the young rule too: seldom, counted from the connect', async () => {
    const stage = new Stage('z')
    stage.equal.set('x', false)
    stage.connect('x')
    await stage.quiet()
    const deepMs = deepAfterIntervals * intervalMs
    // Under steady writes no session proves it equal.
    stage.answer = ({ youngOk }) => ({ ended: youngOk ? 'young' : 'complete' })
    await stage.world.runFor(deepMs - 2 * connectGraceMs)
    expect(stage.runs.filter(({ youngOk }) => !youngOk)).toEqual([])
    await stage.world.runFor(2 * deepMs)
    const deep = stage.runs.filter(({ youngOk }) => !youngOk)
    expect(deep).toHaveLength(2)
    expect(deep[1]!.atMs - deep[0]!.atMs).toBeGreaterThan(deepMs)
  })

  test('a session that young differences ended does not stand for one that looks at everything', async () => {
    const stage = new Stage('z')
    stage.connect('x')
    const none = { roundTrips: 1, bytesSent: 0, bytesReceived: 0, entriesSent: 0, entriesReceived: 0 }
    stage.scheduler.sessionEnded({ peer: 'x', mode: 'young', ended: 'young', ...none })
    await stage.world.runFor(2 * connectGraceMs)
    expect(stage.runs).toMatchObject([{ peer: 'x', youngOk: false }])
  })

  test('a gap in gossip is waited out for a moment, asked once, and not at all when it has closed', async () => {
    const stage = new Stage('z')
    stage.equal.set('x', true)
    stage.connect('x')
    await stage.quiet()
    stage.equal.delete('x')
    let isOpen = true
    const startMs = stage.world.elapsedMs
    for (let count = 0; count < 5; count++) stage.scheduler.gapSeen('x', () => isOpen)
    await stage.world.runFor(gapDelayMs - 1)
    expect(stage.runs).toEqual([])
    await stage.world.runFor(2)
    expect(stage.runs).toEqual([{ peer: 'x', youngOk: false, atMs: startMs + gapDelayMs }])

    stage.scheduler.gapSeen('x', () => isOpen)
    isOpen = false
    await stage.world.runFor(2 * gapDelayMs)
    expect(stage.runs).toHaveLength(1)
  })

  test('a mismatch that lasts brings a session before the interval, a short one does not', async () => {
    const stage = new Stage('z')
    stage.equal.set('x', true)
    stage.connect('x')
    await stage.quiet()
    const beat = async (isEqual: boolean, forMs: number) => {
      stage.equal.set('x', isEqual)
      for (let passedMs = 0; passedMs < forMs; passedMs += 500) {
        stage.scheduler.heartbeatHeard('x')
        await stage.world.runFor(500)
      }
    }
    await beat(false, mismatchMs / 2)
    await beat(true, 1_000)
    await beat(false, mismatchMs)
    expect(stage.runs).toEqual([])
    await beat(false, 500)
    expect(stage.runs).toMatchObject([{ peer: 'x', youngOk: true }])
  })

  test('one session at a time; requests come first', async () => {
    const stage = new Stage('a')
    stage.release = []
    stage.connect('x', 'y', 'z')
    await stage.world.runFor(10)
    expect(stage.runs.map(({ peer }) => peer)).toEqual(['x'])
    const asked = stage.scheduler.syncNow('z')
    await stage.world.runFor(intervalMs)
    expect(stage.runs).toHaveLength(1)
    stage.release.shift()!()
    await stage.world.runFor(10)
    expect(stage.runs.map(({ peer }) => peer)).toEqual(['x', 'z'])
    stage.release.shift()!()
    expect(await asked).toMatchObject({ peer: 'z', ended: 'complete' })
  })

  test('busy is asked again soon, and whoever waits gets the session in the end', async () => {
    const stage = new Stage('z')
    stage.equal.set('x', true)
    stage.connect('x')
    await stage.quiet()
    let refusals = 3
    stage.answer = () => (refusals-- > 0 ? { mode: 'busy', ended: 'bulk' } : {})
    const report = await stage.world.runThrough(stage.scheduler.syncNow('x'))
    expect(report).toMatchObject({ mode: 'delta', ended: 'complete' })
    expect(stage.runs).toHaveLength(4)
    for (const [at, run] of stage.runs.slice(1).entries()) {
      const waitedMs = run.atMs - stage.runs[at]!.atMs
      expect(waitedMs).toBeGreaterThanOrEqual(busyRetryMs[0])
      expect(waitedMs).toBeLessThanOrEqual(busyRetryMs[1] + 1)
    }
  })

  test('busy for ever is reported in the end', async () => {
    const stage = new Stage('z')
    stage.equal.set('x', true)
    stage.connect('x')
    stage.answer = () => ({ mode: 'busy', ended: 'bulk' })
    expect(await stage.world.runThrough(stage.scheduler.syncNow('x'))).toMatchObject({ mode: 'busy', ended: 'bulk' })
  })

  test('failures back off', async () => {
    const stage = new Stage('a')
    stage.answer = () => ({ ended: 'no progress' })
    stage.connect('x')
    await stage.world.runFor(300_000)
    const waits = stage.runs.slice(1).map((run, at) => run.atMs - stage.runs[at]!.atMs)
    expect(stage.runs.length).toBeGreaterThan(5)
    expect(stage.runs.length).toBeLessThan(20)
    expect(waits[0]).toBeLessThan(2_000)
    expect(Math.max(...waits)).toBeGreaterThan(10_000)
  })

  test('before the store is verified nothing is opened; afterwards what was wanted is', async () => {
    const stage = new Stage('a')
    stage.isReady = false
    stage.connect('x')
    await stage.world.runFor(3 * intervalMs)
    expect(await stage.scheduler.syncNow('x')).toMatchObject({ mode: 'busy', ended: 'unverified' })
    expect(stage.runs).toEqual([])
    stage.isReady = true
    stage.scheduler.wake()
    await stage.world.runFor(1)
    expect(stage.runs).toMatchObject([{ peer: 'x' }])
  })

  test('who waits for a peer that goes away, or for a node that stops, is told', async () => {
    const stage = new Stage('a')
    stage.release = []
    stage.connect('x', 'y', 'z')
    await stage.world.runFor(1)
    const gone = stage.scheduler.syncNow('y')
    stage.disconnect('y')
    expect(await gone).toMatchObject({ ended: 'not connected' })
    expect(await stage.scheduler.syncNow('nobody')).toMatchObject({ ended: 'not connected' })
    const stopped = stage.scheduler.syncNow('z')
    stage.scheduler.stop()
    expect(await stopped).toMatchObject({ ended: 'closing' })
    await stage.world.runFor(10 * intervalMs)
    expect(stage.runs).toHaveLength(1)
  })

  test('says why each session is held', async () => {
    const stage = new Stage('a')
    stage.equal.set('x', false)
    stage.connect('x')
    await stage.world.runUntil(() => stage.reasons.length === 1)
    stage.scheduler.gapSeen('x')
    await stage.world.runUntil(() => stage.reasons.length === 2)
    await stage.world.runThrough(stage.scheduler.syncNow('x'))
    await stage.world.runUntil(() => stage.reasons.length === 4)
    expect(stage.reasons).toEqual(['connect', 'gap', 'asked', 'interval'])
    stage.reasons.length = 0
    stage.answer = () => ({ ended: 'no progress' })
    stage.scheduler.gapSeen('x')
    await stage.world.runUntil(() => stage.reasons.length === 2)
    expect(stage.reasons).toEqual(['gap', 'retry'])
  })
})
