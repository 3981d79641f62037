/** Steps of sync sessions as watchers receive them: from real sessions, between two replicas in memory. */
import { describe, expect, test } from 'vitest'
import type { ProgressStep } from '../../protocols/sync/core/progress.js'
import { progressActorsMax, progressEntriesMs } from '../../protocols/sync/limits.js'
import { SyncService } from '../../protocols/sync/service.js'
import type { WatchSession } from '../../protocols/sync/watching.js'
import { register } from '../../store/model/address.js'
import type { Update } from '../../store/model/update.js'
import { ModelReplica } from '../support/model-replica.js'
import { FakeMesh } from '../support/network/mesh.js'
import type { FakeNetwork } from '../support/network/network.js'
import { VirtualWorld } from '../support/virtual-environment.js'

interface Watched {
  readonly peer: string
  readonly steps: ProgressStep[]
  readonly ms: number[]
}

interface Node {
  readonly network: FakeNetwork
  readonly replica: ModelReplica
  readonly service: SyncService
  readonly sessions: Watched[]
}

const world = () => {
  const time = new VirtualWorld(5)
  return { time, mesh: new FakeMesh(time) }
}

function node({ time, mesh }: ReturnType<typeof world>, name: string, watch?: WatchSession): Node {
  const network = mesh.node(name)
  const replica = new ModelReplica()
  const sessions: Watched[] = []
  const record: WatchSession = (peer) => {
    const session: Watched = { peer, steps: [], ms: [] }
    sessions.push(session)
    return (step, ms) => {
      session.steps.push(step)
      session.ms.push(ms)
    }
  }
  const service = new SyncService({ network, replica, environment: time.environment(), watch: watch ?? record })
  service.start()
  return { network, replica, service, sessions }
}

function pair(watch?: WatchSession) {
  const stage = world()
  const [a, b] = [node(stage, 'a', watch), node(stage, 'b')]
  stage.mesh.connectAll()
  const hasEnded = ({ steps }: Watched) => steps.at(-1)?.step === 'end'
  const sync = async (options: Parameters<SyncService['run']>[1]) => {
    const report = await stage.time.runThrough(a.service.run('b', options))
    await stage.time.runUntil(() => b.sessions.every(hasEnded))
    return report
  }
  return { a, b, sync }
}

const actorOf = (at: number) => at.toString(16).padStart(16, '0')

/** Updates of one actor, each at a key of its own. */
function updates(actor: number, count: number, first = 1): Update[] {
  return Array.from({ length: count }, (_, at) => ({
    dot: { actor: actorOf(actor), counter: first + at },
    address: register(`${actor}/${first + at}`),
    kind: 'put',
    time: { ms: first + at, logical: 0 },
    expiresAtMs: null,
    value: Buffer.alloc(20, at),
    supersedes: [],
  }))
}

const ofKind = <Kind extends ProgressStep['step']>(steps: readonly ProgressStep[], kind: Kind) =>
  steps.filter((one): one is Extract<ProgressStep, { step: Kind }> => one.step === kind)

describe('the steps of a session', () => {
  test('name who lacks what, count what went over, and end with the report, on both sides', async () => {
    const { a, b, sync } = pair()
    a.replica.applyNow(updates(1, 3))
    b.replica.applyNow(updates(2, 5))
    const report = await sync({ youngOk: false, why: 'gap' })
    const [ours] = a.sessions
    const [theirs] = b.sessions
    expect([ours!.peer, theirs!.peer]).toEqual(['b', 'a'])
    expect(ours!.steps[0]).toEqual({ step: 'start', role: 'initiator', why: 'gap', mode: 'whole' })
    expect(theirs!.steps[0]).toEqual({ step: 'start', role: 'responder', why: 'peer', mode: 'whole' })
    const lacks = (actor: number, missing: number) => ({ actors: [{ actor: actorOf(actor), missing }], rest: 0 })
    expect(ofKind(ours!.steps, 'contexts')).toMatchObject([{ mine: lacks(2, 5), theirs: lacks(1, 3) }])
    expect(ofKind(theirs!.steps, 'contexts')).toMatchObject([{ mine: lacks(1, 3), theirs: lacks(2, 5) }])
    expect(ofKind(ours!.steps, 'contexts')[0]!.bytes).toBeGreaterThan(50)
    expect(ofKind(ours!.steps, 'entries').at(-1)).toMatchObject({ sent: 3, received: 5 })
    const { peer: _, ...totals } = report
    expect(ours!.steps.at(-1)).toMatchObject({ step: 'end', ...totals, equal: true })
    expect(theirs!.steps.at(-1)).toMatchObject({ step: 'end', entriesSent: 5, entriesReceived: 3, equal: true })
    expect(ours!.ms).toEqual([...ours!.ms].sort((x, y) => x - y))
  })

  test('of equal nodes are start, contexts and end', async () => {
    const { a, b, sync } = pair()
    for (const { replica } of [a, b]) replica.applyNow(updates(1, 3))
    await sync({ youngOk: true, why: 'interval' })
    for (const { sessions } of [a, b]) {
      expect(sessions[0]!.steps.map(({ step }) => step)).toEqual(['start', 'contexts', 'end'])
      expect(sessions[0]!.steps).toMatchObject([
        { mode: 'young' },
        { mine: { actors: [], rest: 0 } },
        { mode: 'equal', equal: true },
      ])
    }
  })

  test('name the actors of whom most is missing, and add up the rest', async () => {
    const { a, b, sync } = pair()
    for (let actor = 1; actor <= progressActorsMax + 3; actor++) b.replica.applyNow(updates(actor, actor))
    await sync({ youngOk: false })
    const { mine } = ofKind(a.sessions[0]!.steps, 'contexts')[0]!
    expect(mine.actors).toHaveLength(progressActorsMax)
    expect(mine.actors[0]).toEqual({ actor: actorOf(progressActorsMax + 3), missing: progressActorsMax + 3 })
    expect(mine.rest).toBe(1 + 2 + 3)
  })

  test('show the levels of the tree, from both sides alike', async () => {
    const { a, b, sync } = pair()
    for (const { replica } of [a, b]) replica.applyNow(updates(1, 600))
    // The log forgets, so that only the tree can tell.
    a.replica.applyNow(updates(2, 4))
    a.replica.truncate(() => true, true)
    await sync({ youngOk: false })
    const levels = a.sessions.map(({ steps }) => ofKind(steps, 'level'))[0]!
    expect(levels.slice(0, 2).map(({ level, compared }) => [level, compared])).toEqual([
      [1, 16],
      [2, 256],
    ])
    const [first, second] = levels
    expect(first!.children.filter(Boolean)).toHaveLength(first!.differing)
    expect(first!.differing).toBeGreaterThan(0)
    expect(first!.differing).toBeLessThanOrEqual(4)
    expect(second!.rows).toHaveLength(first!.differing)
    expect(ofKind(b.sessions[0]!.steps, 'level')).toEqual(levels)
    expect(a.sessions[0]!.steps.at(-1)).toMatchObject({ mode: 'tree', entriesSent: 4 })
  })

  test('show a small tree as one listing', async () => {
    const { a, b, sync } = pair()
    for (const { replica } of [a, b]) replica.applyNow(updates(1, 20))
    a.replica.applyNow(updates(2, 2))
    a.replica.truncate(() => true, true)
    await sync({ youngOk: false })
    expect(ofKind(a.sessions[0]!.steps, 'level')[0]).toMatchObject({ level: 0, children: [], rows: [] })
  })

  test('count what goes over a few times a second at most', async () => {
    const { a, b, sync } = pair()
    b.replica.applyNow(updates(1, 600))
    await sync({ youngOk: false })
    const { steps, ms } = a.sessions[0]!
    const counted = steps.flatMap(({ step }, at) => (step === 'entries' ? [ms[at]!] : []))
    expect(ofKind(steps, 'entries').at(-1)!.received).toBe(600)
    // The last one comes with the end, whenever that is.
    const pauses = counted.slice(1, -1).map((at, index) => at - counted[index]!)
    for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(progressEntriesMs)
  })

  test('of a session that never came about are none, and of a refused one its refusal', async () => {
    const { a, b, sync } = pair()
    b.replica.isVerified = false
    expect(await sync({ youngOk: false })).toMatchObject({ ended: 'unverified' })
    expect(a.sessions[0]!.steps.map(({ step }) => step)).toEqual(['start', 'end'])
    expect(a.sessions[0]!.steps.at(-1)).toMatchObject({ mode: 'busy', ended: 'unverified', equal: false })
  })
})

describe('whoever watches', () => {
  test('cannot disturb the session', async () => {
    const { a, b, sync } = pair(() => () => {
      throw new Error('a defect of the watcher')
    })
    b.replica.applyNow(updates(1, 3))
    expect(await sync({ youngOk: false })).toMatchObject({ ended: 'complete', entriesReceived: 3 })
    expect(a.replica.applied.size).toBe(3)
  })

  test('changes nothing of what goes over the wire', async () => {
    const reports = await Promise.all(
      [true, false].map(async (isWatched) => {
        const stage = world()
        const [a, b] = [node(stage, 'a'), node(stage, 'b')]
        if (!isWatched) Object.assign(a, { service: unwatched(stage, a) })
        stage.mesh.connectAll()
        a.replica.applyNow(updates(1, 300))
        b.replica.applyNow(updates(2, 400))
        return stage.time.runThrough(a.service.run('b', { youngOk: false }))
      }),
    )
    expect(reports[0]).toEqual(reports[1])
  })
})

function unwatched({ time }: ReturnType<typeof world>, { network, replica }: Node): SyncService {
  const service = new SyncService({ network, replica, environment: time.environment() })
  service.start()
  return service
}
