/** The live stream: what comes, how often, for whom, and what happens to those who read too slowly. */
import { PassThrough } from 'node:stream'
import { Value } from 'typebox/value'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LiveHub } from '../../daemon/live/hub.js'
import {
  changesPerSecondMax,
  liveReadersMax,
  ratesMs,
  sessionsKept,
  statusPauseMs,
  statusRefreshMs,
  stepsKept,
} from '../../daemon/live/limits.js'
import { RateMeter } from '../../daemon/live/rates.js'
import { SessionLog } from '../../daemon/live/session-log.js'
import { watchHeartbeatMs } from '../../protocols/api/limits.js'
import { liveEvents, recordedSessionsShape } from '../../protocols/api/live.js'
import type { Status } from '../../protocols/api/mesh.js'
import type { ProgressStep } from '../../protocols/sync/core/progress.js'
import { register } from '../../store/model/address.js'
import type { FeedEvent } from '../../store/replica/types.js'
import { status as statusAnswer } from '../support/answers.js'
import { type ApiServer, ask, connectTo, received, startApiServer } from '../support/api-server.js'
import { StillEnvironment } from '../support/still-environment.js'

const totals = { mode: 'delta', roundTrips: 1, entriesSent: 3, entriesReceived: 0, ended: 'complete' } as const
const steps: readonly ProgressStep[] = [
  { step: 'start', role: 'initiator', why: 'gap', mode: 'whole' },
  {
    step: 'contexts',
    bytes: 90,
    mine: { actors: [], rest: 0 },
    theirs: { actors: [{ actor: '00000000000000aa', missing: 3 }], rest: 4 },
  },
  { step: 'level', level: 1, compared: 16, differing: 1, children: Array.from({ length: 16 }, () => false), rows: [] },
  { step: 'entries', sent: 2, received: 0, bytesSent: 300, bytesReceived: 50 },
  { step: 'end', ...totals, bytesSent: 400, bytesReceived: 60, equal: true },
]
const peer = '12D3KooWEnFvoy97qzCTSsgsmp4dDXbkj67dfQVmEKB1xy3pmFH7'

interface Event {
  readonly name: string
  readonly data: Record<string, unknown>
}

function eventsIn(text: string): Event[] {
  return text.split('\n\n').flatMap((block) => {
    const match = /^event: (\w+)\ndata: (.*)$/.exec(block)
    return match === null ? [] : [{ name: match[1]!, data: JSON.parse(match[2]!) as Record<string, unknown> }]
  })
}

class Stage {
  readonly environment = new StillEnvironment()
  readonly sessions = new SessionLog(() => this.environment.nowMs())
  looks = 0
  status: Status = statusAnswer
  readonly hub = new LiveHub({
    environment: this.environment,
    sessions: this.sessions,
    names: { memberOf: () => 'bb', nameOf: () => 'ann' },
    status: async () => {
      this.looks++
      return this.status
    },
    bytes: () => ({ gossip: { in: 0, out: 0 }, heartbeat: { in: 0, out: 0 } }),
    rss: () => 1_000_000,
    queueBytesMax: 64 * 1024,
  })

  /** A reader, and what it was sent. */
  async reader(isAllowed = () => true) {
    const gone = new AbortController()
    const reader = await this.hub.open({ signal: gone.signal, isAllowed })
    const to = new PassThrough({ highWaterMark: 1024 * 1024 })
    const ended = reader.send(to)
    const taken = { text: '' }
    const take = async () => {
      await settle()
      taken.text += (to.read() as Buffer | null)?.toString() ?? ''
      return eventsIn(taken.text)
    }
    return { gone, reader, to, ended, take, taken }
  }

  async pass(ms: number): Promise<void> {
    this.environment.pass(ms)
    await settle()
  }

  commit(count: number, key = 'k'): void {
    const events = Array.from({ length: count }, (_, at): FeedEvent => {
      const time = { ms: 1000, logical: at }
      const dot = { actor: 'aa', counter: at + 1 }
      const update = { dot, time, value: Buffer.from('secret'), supersedes: [], supersedesMore: 0 }
      return { sequence: at + 1, address: register(key), op: 'put', ...update }
    })
    this.hub.committed({ issued: [], events, contextsChanged: true })
  }
}

/** Lets everything that waits for nothing but turns come to its end. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

const named = (events: readonly Event[], name: string) => events.filter((event) => event.name === name)

describe('a reader', () => {
  it('gets the status first, and again when it has changed, not more often than it may', async () => {
    const stage = new Stage()
    const { take } = await stage.reader()
    expect((await take()).map(({ name }) => name)).toEqual(['status'])
    await stage.pass(statusPauseMs)
    expect(named(await take(), 'status')).toHaveLength(1)
    stage.status = { ...statusAnswer, entries: 7, conflicts: 2, warnings: ['the disk is full'] }
    await stage.pass(statusPauseMs - 1)
    expect(named(await take(), 'status')).toHaveLength(1)
    await stage.pass(1)
    const events = await take()
    expect(named(events, 'status').at(-1)?.data).toMatchObject({ entries: 7 })
    expect(named(events, 'conflicts')).toEqual([{ name: 'conflicts', data: { conflicts: 2 } }])
    expect(named(events, 'warning')).toEqual([{ name: 'warning', data: { text: 'the disk is full' } }])
  })

  it('is not told of times alone, but now and then', async () => {
    const stage = new Stage()
    const { take } = await stage.reader()
    const [member] = statusAnswer.members
    stage.status = {
      ...statusAnswer,
      members: [{ ...member!, lastSeen: '2030-01-01T00:00:00.000Z', clockOffsetMs: 9 }],
    }
    await stage.pass(statusPauseMs)
    expect(named(await take(), 'status')).toHaveLength(1)
    for (let ms = 0; ms <= statusRefreshMs; ms += statusPauseMs) await stage.pass(statusPauseMs)
    expect(named(await take(), 'status')).toHaveLength(2)
  })

  it('sees sessions step by step, in the form of the contract', async () => {
    const stage = new Stage()
    stage.sessions.nameOf = () => 'bob'
    const { take } = await stage.reader()
    const tell = stage.sessions.watch(peer)
    for (const [at, step] of steps.entries()) tell(step, at)
    const seen = named(await take(), 'session').map(({ data }) => data)
    expect(seen.map(({ step }) => (step as { step: string }).step)).toEqual(steps.map(({ step }) => step))
    for (const data of seen) {
      expect(Value.Errors(liveEvents.session, data)).toEqual([])
      expect(data).toMatchObject({ id: '1', peer, name: 'bob' })
    }
    expect(seen[1]!.step).toMatchObject({ ms: 1, theirs: [{ actor: '00000000', missing: 3 }], theirsRest: 4 })
  })

  it('sees changes without their values, a bounded number a second, and how many were left out', async () => {
    const stage = new Stage()
    const { take, taken } = await stage.reader()
    stage.commit(changesPerSecondMax + 7)
    await stage.pass(ratesMs)
    const events = await take()
    expect(named(events, 'change')).toHaveLength(changesPerSecondMax)
    expect(named(events, 'changes')).toEqual([{ name: 'changes', data: { skipped: 7 } }])
    expect(Value.Errors(liveEvents.change, named(events, 'change')[0]!.data)).toEqual([])
    expect(taken.text).not.toContain('secret')
    stage.commit(1)
    expect(named(await take(), 'change')).toHaveLength(changesPerSecondMax + 1)
  })

  it('gets rates once a second, and a comment every fifteen', async () => {
    const stage = new Stage()
    const { take, taken } = await stage.reader()
    stage.hub.answered(true, 4)
    stage.hub.answered(false, 2)
    await stage.pass(ratesMs)
    const [rates] = named(await take(), 'rates')
    expect(rates!.data).toMatchObject({ writes: 1, reads: 1, p50Ms: 2, p99Ms: 4, rss: 1_000_000, sessions: 0 })
    expect(Value.Errors(liveEvents.rates, rates!.data)).toEqual([])
    for (let ms = ratesMs; ms < watchHeartbeatMs; ms += ratesMs) await stage.pass(ratesMs)
    expect(named(await take(), 'rates')).toHaveLength(watchHeartbeatMs / ratesMs)
    expect(taken.text).toContain('\n\n:\n\n')
  })

  it('that lets too much wait is notified that it lags, and cut; others go on', async () => {
    const stage = new Stage()
    const other = await stage.reader()
    const stuck = new PassThrough({ highWaterMark: 1 })
    const lagging = await stage.hub.open({ signal: new AbortController().signal, isAllowed: () => true })
    const ended = lagging.send(stuck)
    await settle()
    for (let at = 0; at < 10; at++) {
      stage.commit(changesPerSecondMax, 'k'.repeat(900))
      await stage.pass(ratesMs)
      await other.take()
    }
    expect(stage.hub.readers).toBe(1)
    let text = ''
    stuck.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    expect(await ended).toBe('done')
    expect(eventsIn(text).at(-1)?.name).toBe('lagged')
    expect(named(await other.take(), 'lagged')).toEqual([])
  })

  it('who is not signed in any more is cut', async () => {
    const stage = new Stage()
    let isAllowed = true
    const { ended } = await stage.reader(() => isAllowed)
    await stage.pass(ratesMs)
    expect(stage.hub.readers).toBe(1)
    isAllowed = false
    await stage.pass(ratesMs)
    expect(stage.hub.readers).toBe(0)
    expect(await ended).toBe('done')
  })

  it('is one of a bounded number', async () => {
    const stage = new Stage()
    for (let at = 0; at < liveReadersMax; at++) await stage.reader()
    await expect(stage.reader()).rejects.toMatchObject({ code: 'TOO_MANY_WATCHERS' })
  })
})

describe('with nobody listening', () => {
  it('nothing is looked at, counted or sent', async () => {
    const stage = new Stage()
    const { gone, ended } = await stage.reader()
    gone.abort()
    await ended
    expect(stage.hub.readers).toBe(0)
    const { looks } = stage
    await stage.pass(10 * statusRefreshMs)
    stage.commit(3)
    expect([stage.looks, stage.sessions.onStep]).toEqual([looks, undefined])
  })

  it('the last sessions are kept all the same, a bounded number of steps of each', () => {
    const stage = new Stage()
    for (let at = 0; at <= sessionsKept; at++) {
      const tell = stage.sessions.watch(peer)
      for (const step of steps) tell(step, 0)
    }
    const tell = stage.sessions.watch(peer)
    for (let at = 0; at < 2 * stepsKept; at++) tell(steps[Math.min(at, 3)]!, at)
    tell(steps.at(-1)!, 999)
    const recent = stage.hub.recentSessions()
    expect(recent).toHaveLength(sessionsKept)
    expect(Value.Errors(recordedSessionsShape, { sessions: recent })).toEqual([])
    expect(recent.at(-1)!.steps).toHaveLength(stepsKept)
    expect(recent.at(-1)!.steps.at(-1)).toMatchObject({ step: 'end', ms: 999 })
    expect(recent.at(-1)!.steps[0]).toMatchObject({ step: 'start' })
  })

  it('a session that the peer never opened leaves no trace', () => {
    const stage = new Stage()
    stage.sessions.watch(peer)
    expect([stage.hub.recentSessions(), stage.sessions.open]).toEqual([[], 0])
  })
})

describe('the rates', () => {
  it('are of the time since the look before, and null without requests', () => {
    let bytes = 0
    const meter = new RateMeter(
      () => ({ gossip: { in: bytes, out: 0 }, sync: { in: 0, out: 0 }, heartbeat: { in: 0, out: 0 } }),
      0,
    )
    bytes = 500
    for (let at = 1; at <= 100; at++) meter.count(at > 50, at)
    expect(meter.read(2_000)).toMatchObject({
      writes: 25,
      reads: 25,
      p50Ms: 50,
      p99Ms: 99,
      bytes: { gossip: { in: 250 } },
    })
    expect(meter.read(3_000)).toMatchObject({ writes: 0, p50Ms: null, p99Ms: null, bytes: { gossip: { in: 0 } } })
  })
})

describe('over HTTP', () => {
  let server: ApiServer
  beforeEach(async () => {
    server = await startApiServer()
  })
  afterEach(() => server.close())

  it('the stream is server-sent events, and the sessions are a list', async () => {
    const socket = await connectTo(server)
    socket.write('GET /v1/events HTTP/1.1\r\nHost: a\r\n\r\n')
    const text = await received(socket, (sofar) => sofar.includes('event: status'))
    expect(text).toMatch(/Content-Type: text\/event-stream/i)
    socket.destroy()
    for (const step of steps) server.services.sessions.watch(peer)(step, 1)
    const answer = await ask(server, { path: '/v1/sessions' })
    expect(Value.Errors(recordedSessionsShape, answer.json())).toEqual([])
    expect(answer.json().sessions).toHaveLength(steps.length)
    const head = await ask(server, { method: 'HEAD', path: '/v1/events' })
    expect(head.status).toBe(405)
  })
})
