/** The replica's duties beside merging: expiry and identity. Commits, the log and damage have their own files. */
import { describe, expect, it } from 'vitest'
import { register, systemAddress } from '../../store/model/address.js'
import { decodeUpdates, encodeUpdates, unknownMember } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import type { Dot } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import { liveVersions, type OpenReplica, openNode, putOver, rowsOf } from '../support/replicas.js'

const bytes = (text: string) => Buffer.from(text)

describe('expiry', () => {
  const minutes = 60_000

  it('is swept by one chain of timers, however often the store is verified', async () => {
    const node = await openNode('a')
    const timers = node.environment.timersSet
    for (let again = 0; again < 3; again++) await node.replica.health.verify()
    expect(node.environment.timersSet).toBe(timers)
    node.environment.pass(minutes)
    await expect.poll(() => node.environment.timersSet).toBe(timers)
    await node.replica.close()
    expect(node.environment.timersSet).toBe(0)
  })

  it('a deadline hides at once, and deletes only when well past by every clock', async () => {
    const node = await openNode('a')
    const dueMs = node.environment.nowMs() + minutes
    await putOver(node, 'k', 'v', dueMs)
    node.replica.clock.setMembers(() => ({ hasMembers: true, offsetsMs: [-10 * minutes] }))
    node.environment.pass(5 * minutes)
    expect(await node.replica.upkeep.sweepExpired()).toBe(0)
    node.replica.clock.setMembers(() => ({ hasMembers: true, offsetsMs: [] }))
    expect(await node.replica.upkeep.sweepExpired()).toBe(0)
    const root = node.replica.sync.capture().root
    node.replica.clock.setMembers(() => ({ hasMembers: true, offsetsMs: [0] }))
    expect(await node.replica.upkeep.sweepExpired()).toBe(1)
    expect([...node.replica.sync.capture().root]).not.toEqual([...root])
    expect(await liveVersions(node.store)).toEqual([])
    expect(await rowsOf(node.store, 'deadline')).toBe(0)
  })

  it('a concurrent write without a deadline survives the expiry of its sibling', async () => {
    const node = await openNode('a')
    await putOver(node, 'k', 'expires', node.environment.nowMs() + 1000)
    await node.replica.transact((transaction) => transaction.put(register('k'), bytes('stays'), null, []))
    node.environment.pass(10 * minutes)
    await node.replica.upkeep.sweepExpired()
    expect((await liveVersions(node.store)).map((line) => line.split(' ').at(-1))).toEqual(['stays'])
  })
})

const put = (dot: Dot, key: string, value: string): Update => ({
  dot,
  address: register(key),
  kind: 'put',
  time: { ms: 1, logical: 0 },
  expiresAtMs: null,
  value: bytes(value),
  supersedes: [],
})

describe('identity', () => {
  it('a start writes nothing, and every run that writes has its own actor id', async () => {
    const node = await openNode('a')
    await putOver(node, 'one')
    const rows = await rowsOf(node.store, 'context')
    const again = await openNode('b', { store: node.store })
    expect(again.replica.runs.actor).toBeUndefined()
    expect(await rowsOf(node.store, 'context')).toBe(rows)
    await putOver(again, 'two')
    expect(again.replica.runs.actor).not.toBe(node.replica.runs.actor)
    expect(again.replica.sync.capture().seen.actors()).toHaveLength(2)
  })

  it('evidence of a second copy ends the id, and nothing is issued again', async () => {
    const node = await openNode('a')
    await putOver(node, 'mine')
    const actor = node.replica.runs.actor!
    await node.replica.sync.applyUpdates({
      updates: [put({ actor, counter: 5 }, 'theirs', 'clone')],
      members: new Map(),
    })
    expect(node.replica.runs.actor).toBeUndefined()
    expect(node.replica.versions(register('theirs'))).toHaveLength(1)
    expect(node.warnings.join()).toContain('cloned while it ran')
    await putOver(node, 'later')
    expect(node.replica.runs.actor).not.toBe(actor)
    expect(node.replica.versions(register('later'))[0]!.dot.actor).toBe(node.replica.runs.actor)
    expect(node.replica.versions(register('mine')).map(({ dot }) => dot)).toEqual([{ actor, counter: 1 }])
  })

  it('an update that supersedes dots which were not issued yet does not make later writes vanish', async () => {
    const node = await openNode('a')
    await putOver(node, 'k', 'one')
    const { actor } = node.replica.versions(register('k'))[0]!.dot
    const future = [2, 3].map((counter) => ({ actor, counter }))
    const update = { ...put({ actor: 'eeeeeeeeeeeeeeee', counter: 1 }, 'k', 'foreign'), supersedes: future }
    await node.replica.sync.applyUpdates({ updates: [update], members: new Map() })
    await putOver(node, 'two', 'stays')
    await putOver(node, 'three', 'stays')
    expect(node.replica.versions(register('two'))).toHaveLength(1)
    expect(node.replica.versions(register('three'))).toHaveLength(1)
  })

  it('a put over the dot that it would get itself is issued under a new id', async () => {
    const node = await openNode('a')
    await putOver(node, 'k', 'one')
    const { actor } = node.replica.versions(register('k'))[0]!.dot
    const dot = await node.replica.transact((transaction) =>
      transaction.put(register('k'), bytes('two'), null, [{ actor, counter: 2 }]),
    )
    expect(dot.actor).not.toBe(actor)
    const [update] = (await node.replica.sync.readMissing(Context.of([dot]), 1000)).updates
    expect(update!.supersedes).toMatchObject([{ actor, counter: 2 }])
    expect(decodeUpdates(encodeUpdates([update!], () => unknownMember)).updates).toHaveLength(1)
  })

  it('an update cannot supersede what stands at another address', async () => {
    const node = await openNode('a')
    await putOver(node, 'victim')
    const [victim] = node.replica.versions(register('victim'))
    const update = { ...put({ actor: 'eeeeeeeeeeeeeeee', counter: 1 }, 'other', 'x'), supersedes: [victim!.dot] }
    await node.replica.sync.applyUpdates({ updates: [update], members: new Map() })
    expect(node.replica.versions(register('victim'))).toHaveLength(1)
    expect(node.replica.irregularities.foreignDots).toBe(1)
    const [sent] = (await node.replica.sync.readMissing(Context.of([update.dot]), 1000)).updates
    expect(sent!.supersedes).toEqual([])
  })

  it('a dot that an update of another address named in advance is taken when it comes', async () => {
    const node = await openNode('a')
    const later = { actor: 'cccccccccccccccc', counter: 1 }
    const update = { ...put({ actor: 'eeeeeeeeeeeeeeee', counter: 1 }, 'other', 'x'), supersedes: [later] }
    await node.replica.sync.applyUpdates({ updates: [update], members: new Map() })
    await node.replica.sync.applyUpdates({ updates: [put(later, 'victim', 'lives')], members: new Map() })
    expect(node.replica.versions(register('victim'))).toHaveLength(1)
  })

  it('the end of an id outlives the write that noticed it', async () => {
    const node = await openNode('a')
    await putOver(node, 'k', 'one')
    const { actor } = node.replica.versions(register('k'))[0]!.dot
    const refused = node.replica.transact((transaction) => {
      transaction.put(register('k'), bytes('two'), null, [{ actor, counter: 9 }])
      throw new RangeError('a later operation of the batch')
    })
    await expect(refused).rejects.toThrow(RangeError)
    expect(node.replica.runs.actor).toBeUndefined()
    await putOver(node, 'k', 'three')
    expect(node.replica.runs.actor).not.toBe(actor)
  })

  it('a step of the clock in a write that is refused ends the id all the same', async () => {
    const node = await openNode('a')
    await putOver(node, 'k')
    const { actor } = node.replica.runs
    node.environment.setWallClock(node.environment.nowMs() + 60_000)
    const refused = node.replica.transact((transaction) => {
      transaction.put(register('k'), bytes('two'), null, [])
      throw new RangeError('no')
    })
    await expect(refused).rejects.toThrow(RangeError)
    await putOver(node, 'k')
    expect(node.replica.runs.actor).not.toBe(actor)
  })

  it('a wall clock that steps against the monotonic one ends the id before the next write, and that is all', async () => {
    const node = await openNode('a')
    await putOver(node, 'before')
    const actor = node.replica.runs.actor!
    node.environment.pass(3_600_000)
    await putOver(node, 'an hour later')
    expect(node.replica.runs.actor).toBe(actor)
    node.environment.setWallClock(node.environment.nowMs() + 2_500)
    await putOver(node, 'after')
    expect(node.replica.runs.actor).not.toBe(actor)
    expect(node.replica.versions(register('after'))[0]!.dot.actor).toBe(node.replica.runs.actor)
    expect(node.replica.versions(register('before')).map(({ dot }) => dot)).toEqual([{ actor, counter: 1 }])
    expect(node.warnings).toEqual([])
  })

  it('a machine that sleeps often does not make its store grow', async () => {
    const node = await openNode('a')
    for (let key = 0; key < 300; key++) await putOver(node, `key-${key}`, 'x'.repeat(1000))
    const count = async () => [
      await rowsOf(node.store, 'dot'),
      await rowsOf(node.store, 'entry'),
      node.replica.userEntries,
    ]
    const before = await count()
    for (let sleeps = 1; sleeps <= 12; sleeps++) {
      node.environment.setWallClock(node.environment.nowMs() + 3_600_000)
      await putOver(node, 'key-0', `awake ${sleeps}`)
    }
    const after = await count()
    expect(after).toEqual([before[0]! + 12, before[1], before[2]])
  })

  it('one dot with two values: both values stay, under two dots, whichever side meets it', async () => {
    const issue = async (name: string, value: string) => {
      const node = await openNode(name)
      const update = {
        dot: { actor: 'aaaaaaaaaaaaaaaa', counter: 1 },
        address: register('k'),
        kind: 'put' as const,
        time: { ms: 1, logical: 0 },
        expiresAtMs: null,
        value: bytes(value),
        supersedes: [],
      }
      await node.replica.sync.applyUpdates({ updates: [update], members: new Map() })
      return { node, update }
    }
    const [a, b] = [await issue('a', 'one'), await issue('b', 'two')]
    await a.node.replica.sync.applyUpdates({ updates: [b.update], members: new Map() })
    await b.node.replica.sync.applyUpdates({ updates: [a.update], members: new Map() })
    for (const { node } of [a, b]) {
      const values = node.replica.versions(register('k')).map((version) => Buffer.from(version.value).toString())
      expect(values.toSorted()).toEqual(['one', 'two'])
    }
    const under = (node: OpenReplica) =>
      Buffer.from(
        node.replica.versions(register('k')).find((version) => version.dot.actor === 'aaaaaaaaaaaaaaaa')!.value,
      ).toString()
    expect(under(a.node)).toBe(under(b.node))
  })

  it("the mesh's own records are apart from the users' keys", async () => {
    const node = await openNode('a')
    await node.replica.transact((transaction) => transaction.put(systemAddress('member/x'), bytes('record'), null, []))
    await putOver(node, 'member/x')
    expect(node.replica.userEntries).toBe(1)
    const records = await node.replica.scanSystem('member/')
    expect(records.map((entry) => Buffer.from(entry.versions[0]!.value).toString())).toEqual(['record'])
    expect(await node.replica.scanSystem('other/')).toEqual([])
  })
})
