/** State of the dashboard: events in, state out; sessions as a film; the addresses of its places; its command line. */
import { describe, expect, it } from 'vitest'
import { chartPlans, chartText, columnsOf } from '../../daemon/web/page/model/charts.js'
import { askedBy, commandsFor } from '../../daemon/web/page/model/commands.js'
import type { LiveEvent, RecordedSession, SessionStep, Status } from '../../daemon/web/page/model/events.js'
import { pageHash, placeAt, secretOf } from '../../daemon/web/page/model/places.js'
import {
  barParts,
  cellRows,
  joinedSessions,
  lastHeal,
  msAt,
  running,
  sceneAt,
  sceneText,
  sessionsMax,
  stepsMax,
  summaryOf,
  withStep,
} from '../../daemon/web/page/model/sessions.js'
import { EventParser, eventCharactersMax, reconnectMs } from '../../daemon/web/page/model/sse.js'
import { changesMax, type LiveState, ratesMax, reduceLive, silentState } from '../../daemon/web/page/model/state.js'
import { demoChanges, demoPeer, demoRates, demoSessions, runningSession } from '../support/demo-mesh.js'

const nowMs = 1_800_000_000_000
const demo = demoSessions(nowMs)
const [first, second] = demo as [RecordedSession, RecordedSession]
const take = (state: LiveState, ...events: LiveEvent[]) =>
  events.reduce((before, event) => reduceLive(before, { kind: 'event', event, nowMs }), state)
const eventsOf = ({ steps, ...head }: RecordedSession): LiveEvent[] =>
  steps.map((step) => ({ event: 'session', data: { ...head, step } }))

describe('the parser of the stream', () => {
  it('gives whole events, however they are cut', () => {
    const text = ': hello\n\nevent: a\ndata: {"x":\ndata: 1}\n\r\nid: 7\ndata: second\r\n\n'
    for (let cut = 0; cut <= text.length; cut++) {
      const parser = new EventParser()
      const events = [...parser.take(text.slice(0, cut)), ...parser.take(text.slice(cut))]
      expect(events).toEqual([
        { name: 'a', data: '{"x":\n1}' },
        { name: 'message', data: 'second' },
      ])
    }
  })

  it('drops an event beyond its bound, and goes on', () => {
    const parser = new EventParser()
    const line = `data: ${'x'.repeat(1 << 20)}\n`
    for (let at = 0; at * (1 << 20) <= eventCharactersMax; at++) expect(parser.take(line)).toEqual([])
    expect(parser.take('\ndata: y\n\n')).toEqual([{ name: 'message', data: 'y' }])
  })

  it('connects again soon at first, and every ten seconds at last', () => {
    expect([0, 1, 2, 3, 9].map(reconnectMs)).toEqual([500, 1000, 2000, 4000, 10_000])
  })
})

describe('the live state', () => {
  const status = { peer: 'self', root: 'aa', conflicts: 0, members: [], warnings: ['old'] } as unknown as Status

  it('is live with the first event, and keeps what it knew when the daemon goes', () => {
    const state = take(silentState, { event: 'status', data: status })
    expect([state.link, state.heardMs, state.hues.get('self')]).toEqual(['live', nowMs, 0])
    const gone = reduceLive(state, { kind: 'link', link: 'away' })
    expect([gone.link, gone.status, gone.heardMs]).toEqual(['away', status, nowMs])
  })

  it('keeps bounded lists, the latest of them', () => {
    const [change] = demoChanges(nowMs)
    const changes = Array.from({ length: changesMax + 5 }, (_, at): LiveEvent => {
      return { event: 'change', data: { ...change!, dot: `a:${at}` } }
    })
    const state = take(silentState, ...changes, { event: 'changes', data: { skipped: 9 } })
    expect(state.changes.length).toBe(changesMax)
    expect(state.changes[0]).toEqual({ skipped: 9 })
    const rates = demoRates(nowMs, ratesMax + 20).map((data): LiveEvent => ({ event: 'rates', data }))
    expect(take(silentState, ...rates).rates.map(({ at }) => at)).toEqual(
      demoRates(nowMs, ratesMax + 20)
        .slice(20)
        .map(({ at }) => at),
    )
  })

  it('takes conflicts and warnings between two statuses', () => {
    const state = take(
      silentState,
      { event: 'status', data: status },
      { event: 'conflicts', data: { conflicts: 2 } },
      { event: 'warning', data: { text: 'new' } },
      { event: 'lagged', data: { detail: 'slow' } },
    )
    expect([state.status?.conflicts, state.warnings, state.said]).toEqual([2, ['old', 'new'], '2 keys in conflict.'])
  })
})

describe('sessions', () => {
  it('are built step by step, the same as they are recorded', () => {
    const built = take(silentState, ...eventsOf(second), ...eventsOf(first)).sessions
    expect(built).toEqual([first, second])
    expect(joinedSessions(built, demo).map(({ id }) => id)).toEqual(demo.map(({ id }) => id).toReversed())
  })

  it('and their steps are bounded', () => {
    const step: SessionStep = { step: 'entries', ms: 1, sent: 1, received: 0, bytesSent: 1, bytesReceived: 0 }
    const head = { id: 'a', peer: 'p', name: 'n', at: first.at }
    let sessions: readonly RecordedSession[] = []
    for (let at = 0; at < stepsMax + 9; at++) sessions = withStep(sessions, { ...head, step: { ...step, sent: at } })
    expect(sessions[0]!.steps.length).toBe(stepsMax)
    expect(sessions[0]!.steps.at(-1)).toMatchObject({ sent: stepsMax + 8 })
    for (let at = 0; at < sessionsMax + 9; at++) sessions = withStep(sessions, { ...head, id: `${at}`, step })
    expect(sessions.length).toBe(sessionsMax)
  })

  it('show at each moment what had happened by then', () => {
    const phases = [0, 19, 66, 120, 164].map((ms) => sceneAt(second, ms).phase)
    expect(phases).toEqual(['start', 'contexts', 'tree', 'entries', 'end'])
    expect(sceneAt(second, 66).levels.length).toBe(2)
    expect([sceneAt(second, 66).entries, sceneAt(second, 1e9).end?.equal]).toEqual([null, true])
    expect(sceneText(sceneAt(second, 66))).toBe('Level 2 of the tree: 48 nodes compared, 4 differ.')
    expect(sceneText(sceneAt(second, 1e9))).toBe('Both are equal after 0.2 s.')
    expect(summaryOf(second)).toBe('contexts 612 B → 3 levels of the tree → 4 entries → equal (0.2 s)')
  })

  it('are replayed at an even pace', () => {
    const stops = second.steps.map(({ ms }) => ms)
    expect(stops.map((_, at) => msAt(second, at / (stops.length - 1)))).toEqual(stops)
    expect([msAt(second, -1), msAt(second, 2)]).toEqual([0, 164])
  })

  it('that run are told from the last that healed', () => {
    const now = runningSession('cid', nowMs)
    expect(running([now, ...demo])).toEqual([now])
    expect(summaryOf(now)).toContain('under way')
    expect(lastHeal(demo.toReversed())?.name).toBe('cid')
    expect(lastHeal([])).toBeNull()
  })

  it('have bars whose sum is all that is missing', () => {
    const gaps = [3, 9, 1, 0, 5, 2].map((missing, at) => ({ actor: `${at}`.repeat(8), missing }))
    const bars = barParts(gaps, 7, 4)
    expect(bars.map(({ missing }) => missing)).toEqual([9, 5, 3, 10])
    expect(bars.map(({ part }) => part)).toEqual([0.9, 0.5, 0.3, 1])
    expect(bars.at(-1)?.label).toBe('others')
  })

  it('show the tree as rows of sixteen', () => {
    const rows = cellRows(sceneAt(second, 66).levels[1]!)
    expect(rows.map((row) => row.flatMap((isLit, at) => (isLit ? [at] : [])))).toEqual([[3], [0, 9], [14]])
    expect(cellRows(sceneAt(second, 66).levels[0]!)).toEqual([sceneAt(second, 66).levels[0]!.children])
  })
})

describe('addresses', () => {
  it('name places, items and prefixes of any text', () => {
    for (const item of ['cart/7', 'a?b=c#d', 'ü 日', '%', '..', demoPeer('ann')]) {
      expect(placeAt(pageHash('keys', item, 'a/&=?'))).toEqual({ name: 'keys', item, prefix: 'a/&=?', isNew: false })
    }
    expect(placeAt('#/nowhere/x').name).toBe('mesh')
    expect(placeAt('').item).toBeNull()
    expect(placeAt('#/keys?new').isNew).toBe(true)
    expect(placeAt('#/keys/%E0%A4%A')).toMatchObject({ item: '%E0%A4%A' })
  })

  it('carry the secret of a sign-in', () => {
    expect([secretOf('#link=a%2Bb'), secretOf('#token=x'), secretOf('#/mesh')]).toEqual([
      { link: 'a+b' },
      { token: 'x' },
      null,
    ])
  })
})

describe('the command line', () => {
  it('takes a line for a search unless it begins with a command', () => {
    expect(askedBy('cart/')).toEqual({ kind: 'search', prefix: 'cart/' })
    expect(askedBy('put')).toEqual({ kind: 'search', prefix: 'put' })
    expect(askedBy('putter x')).toEqual({ kind: 'search', prefix: 'putter x' })
  })

  it('reads commands, and says how they are used', () => {
    expect(askedBy('put cart/7 green tea')).toEqual({ kind: 'put', key: 'cart/7', value: 'green tea' })
    expect(askedBy('put "a b" "x\\ny"')).toEqual({ kind: 'put', key: 'a b', value: 'x\ny' })
    expect(askedBy('get a b ')).toEqual({ kind: 'get', key: 'a b' })
    expect(askedBy('go members')).toEqual({ kind: 'go', place: 'members' })
    expect([askedBy('sync').kind, askedBy('invite').kind]).toEqual(['sync', 'invite'])
    expect([askedBy('put x').kind, askedBy('go ').kind, askedBy('get ').kind]).toEqual(['usage', 'usage', 'usage'])
    expect(commandsFor('s').map(({ name }) => name)).toEqual(['sync'])
  })
})

describe('charts', () => {
  it('have a column for each series, and a sentence', () => {
    const rates = demoRates(nowMs, 3)
    for (const plan of chartPlans) {
      expect(columnsOf(plan, rates).map(({ length }) => length)).toEqual(Array(plan.series.length + 1).fill(3))
      expect(chartText(plan, rates)).toMatch(/at most/)
    }
    const silent = rates.map((one) => ({ ...one, p50Ms: null, p99Ms: null }))
    expect(chartText(chartPlans[1]!, silent)).toBe('p50: nothing yet; p99: nothing yet.')
  })
})
