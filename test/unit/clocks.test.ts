/** Clocks that are wrong: what a node makes of its own, of the members', and of times that its store kept. */
import { describe, expect, it } from 'vitest'
import { Access } from '../../store/data/access.js'
import { Registers } from '../../store/data/registers.js'
import { register } from '../../store/model/address.js'
import { agreedNowMs, median, sharedNowMs, taken, zeroTime } from '../../store/model/clock.js'
import { tokenKey } from '../../store/model/token.js'
import { expiryGraceMs } from '../../store/replica/limits.js'
import { FutureTimes, MeshClock } from '../../store/replica/mesh-clock.js'
import { type OpenReplica, openNode, putOver } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'

const hourMs = 3_600_000
const yearMs = 365 * 24 * hourMs
const boundMs = 60_000

const registersOf = ({ replica }: OpenReplica) => new Registers(new Access(replica, () => tokenKey(Buffer.alloc(32))))
const shownBy = (node: OpenReplica, key = 'k') =>
  registersOf(node)
    .get(key)
    ?.versions.map(({ value }) => Buffer.from(value).toString())
const timesOf = ({ replica }: OpenReplica, key: string) => replica.versions(register(key)).map(({ time }) => time.ms)

/** Brings what one node has to another. */
async function bring(from: OpenReplica, to: OpenReplica): Promise<void> {
  const missing = from.replica.sync.capture().applied.minus(to.replica.sync.capture().applied)
  const { updates } = await from.replica.sync.readMissing(missing, 1 << 20)
  const members = new Map(updates.map(({ dot }) => [dot.actor, from.replica.memberOf(dot.actor)]))
  await to.replica.sync.applyUpdates({ updates: [...updates], members })
}

describe('the clocks of several nodes together', () => {
  it('now is the median of the own clock and the others, the lower one of two', () => {
    expect(sharedNowMs(1_000, { hasMembers: false, offsetsMs: [] })).toBe(1_000)
    expect(sharedNowMs(1_000, { hasMembers: true, offsetsMs: [500] })).toBe(1_000)
    expect(sharedNowMs(1_500, { hasMembers: true, offsetsMs: [-500] })).toBe(1_000)
    expect(sharedNowMs(9_000, { hasMembers: true, offsetsMs: [-8_000, -8_010] })).toBe(1_000)
  })

  it('deadlines pass by the own clock and by the median of the others; nobody can tell while none is heard', () => {
    expect(agreedNowMs(1_000, { hasMembers: false, offsetsMs: [] })).toBe(1_000)
    expect(agreedNowMs(1_000, { hasMembers: true, offsetsMs: [500] })).toBe(1_000)
    expect(agreedNowMs(1_000, { hasMembers: true, offsetsMs: [-500, 500, -700] })).toBe(500)
    expect(agreedNowMs(1_000, { hasMembers: true, offsetsMs: [] })).toBeNaN()
    expect(median([])).toBeUndefined()
  })

  it('a node goes by its own clock alone no longer than until it has a member, whenever it last looked', () => {
    const clock = new MeshClock(new StillEnvironment('a', 1_000_000), boundMs)
    let heard = { hasMembers: false, offsetsMs: [] as number[] }
    clock.setMembers(() => heard)
    expect(clock.expiredByMs()).toBe(1_000_000 - expiryGraceMs)
    heard = { hasMembers: true, offsetsMs: [] }
    expect(clock.expiredByMs()).toBeNaN()
  })

  it('nodes that hear each other order versions alike, also the one whose clock is wrong', async () => {
    const right = [await openNode('a'), await openNode('b')]
    const wrong = await openNode('c', {}, new StillEnvironment('c', Date.UTC(2030, 0, 1) + hourMs))
    const all = [...right, wrong]
    for (const node of right) node.replica.clock.setMembers(() => ({ hasMembers: true, offsetsMs: [0, hourMs] }))
    wrong.replica.clock.setMembers(() => ({ hasMembers: true, offsetsMs: [-hourMs, -hourMs] }))
    for (const node of all) await putOver(node, 'k', node === wrong ? 'wrong' : `right-${all.indexOf(node)}`)
    for (const from of all) for (const to of all) await bring(from, to)
    const order = shownBy(right[0]!)!
    expect(order.at(-1)).toBe('wrong')
    expect(all.map((node) => shownBy(node))).toEqual([order, order, order])
    // A put supersedes what all of them show first.
    await registersOf(wrong).put('k', Buffer.from('over'), {})
    expect(shownBy(wrong)!.toSorted()).toEqual([...order.slice(1), 'over'].toSorted())
  })

  it('a time from beyond the bound is told of for as long as it lies there, and moves no clock', async () => {
    const wrong = await openNode('w', {}, new StillEnvironment('w', Date.UTC(2030, 0, 1) + hourMs))
    const node = await openNode('a')
    await putOver(wrong, 'far', 'x')
    await bring(wrong, node)
    await putOver(node, 'k', 'y')
    expect(timesOf(node, 'k')).toEqual([node.environment.nowMs()])
    const member = wrong.replica.memberOf(wrong.replica.runs.actor!)
    expect(node.replica.clock.futureTimes()).toEqual([{ member, updates: 1, aheadMs: hourMs }])
    node.environment.pass(hourMs - boundMs)
    expect(node.replica.clock.futureTimes()).toEqual([])
    expect(shownBy(node, 'far')).toEqual(['x'])
  })

  it('only the latest such time of a member is remembered', () => {
    const times = new FutureTimes(boundMs)
    for (const ms of [hourMs, 2 * hourMs, hourMs]) times.met({ ms, logical: 0 }, 'm')
    expect(times.still(0)).toEqual([{ member: 'm', updates: 3, aheadMs: 2 * hourMs }])
  })
})

describe('a clock that was a year ahead', () => {
  it('marks no later write once it has been put right', async () => {
    const node = await openNode('a')
    const rightMs = node.environment.nowMs()
    node.environment.setWallClock(rightMs + yearMs)
    await putOver(node, 'early', 'x')
    node.environment.setWallClock(rightMs)
    await putOver(node, 'late', 'y')
    expect(timesOf(node, 'early')).toContain(rightMs + yearMs)
    expect(timesOf(node, 'late')).toEqual([rightMs])
  })

  it('is not taken up again at a start', async () => {
    const node = await openNode('a')
    const rightMs = node.environment.nowMs()
    node.environment.setWallClock(rightMs + yearMs)
    await putOver(node, 'early', 'x')
    const again = await openNode('b', { store: node.store })
    await putOver(again, 'late', 'y')
    expect(timesOf(again, 'late')).toEqual([rightMs])
  })

  it('still gives times in order while it is ahead, and a step within the bound goes back behind nothing', async () => {
    const node = await openNode('a')
    node.replica.clock.setMembers(() => ({ hasMembers: true, offsetsMs: [-yearMs, -yearMs] }))
    await putOver(node, 'one', 'x')
    await putOver(node, 'two', 'y')
    const [one, two] = ['one', 'two'].map((key) => node.replica.versions(register(key))[0]!.time)
    expect([two!.ms, two!.logical]).toEqual([one!.ms, one!.logical + 1])
    node.environment.setWallClock(one!.ms - boundMs / 2)
    await putOver(node, 'three', 'z')
    expect(node.replica.versions(register('three'))[0]!.time).toEqual({ ms: one!.ms, logical: 2 })
  })

  it('a clock that is behind goes on from what it has seen', () => {
    expect(taken({ ms: 5_000, logical: 1 }, 1_000, 10_000)).toEqual({ ms: 5_000, logical: 1 })
    expect(taken({ ms: 50_000, logical: 1 }, 1_000, 10_000)).toEqual(zeroTime)
  })
})

describe('a put on a node whose clock is an hour ahead', () => {
  async function opened() {
    const right = await openNode('r')
    const rightMs = right.environment.nowMs()
    await registersOf(right).put('k', Buffer.from('lease'), { expiresAtMs: rightMs + 20 * 60_000 })
    const node = await openNode('w', {}, new StillEnvironment('w', rightMs + hourMs))
    await bring(right, node)
    node.replica.clock.setMembers(() => ({ hasMembers: true, offsetsMs: [-hourMs, -hourMs] }))
    const live = () => node.replica.versions(register('k')).map(({ value }) => Buffer.from(value).toString())
    return { node, live, registers: registersOf(node) }
  }

  it('leaves a sibling that it does not show, and that has not expired by the clocks of the mesh', async () => {
    const { registers, live } = await opened()
    expect(registers.get('k')).toBeUndefined()
    await registers.put('k', Buffer.from('new'), { ifAbsent: true })
    expect(live().toSorted()).toEqual(['lease', 'new'])
    expect(registers.get('k')?.versions).toHaveLength(1)
    await registers.put('k', Buffer.from('newer'), { context: registers.get('k')!.context })
    expect(live().toSorted()).toEqual(['lease', 'newer'])
  })

  it('a delete takes what is shown, also with all of it, and nothing that only this clock hides', async () => {
    const { registers, live } = await opened()
    await expect(registers.delete('k', { all: true })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await registers.put('k', Buffer.from('new'), {})
    await registers.delete('k', { all: true })
    expect(live()).toEqual(['lease'])
  })

  it('takes it along once the deadline has passed by all clocks, and none while no member is heard', async () => {
    const { node, registers, live } = await opened()
    node.replica.clock.setMembers(() => ({ hasMembers: true, offsetsMs: [] }))
    await registers.put('k', Buffer.from('new'), {})
    expect(live()).toContain('lease')
    node.replica.clock.setMembers(() => ({ hasMembers: true, offsetsMs: [-60_000, 0] }))
    await registers.put('k', Buffer.from('newer'), {})
    expect(live()).toEqual(['newer'])
  })
})
