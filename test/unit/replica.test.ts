/** The replica's duties beside merging: expiry and identity. Commits, the log and damage have their own files. */
import { describe, expect, it } from 'vitest'
import { register, system } from '../../store/model/address.js'
import { liveVersions, type Node, openNode, putOver, rowsOf } from '../support/replicas.js'

const bytes = (text: string) => Buffer.from(text)

describe('expiry', () => {
  const minutes = 60_000

  it('a deadline hides at once, and deletes only when well past by every clock', async () => {
    const node = await openNode('a')
    const dueMs = node.environment.nowMs() + minutes
    await putOver(node, 'k', 'v', dueMs)
    node.replica.setMedianClock(() => -10 * minutes)
    node.environment.pass(5 * minutes)
    expect(await node.replica.sweepExpired()).toBe(0)
    node.replica.setMedianClock(() => 'silent')
    expect(await node.replica.sweepExpired()).toBe(0)
    const root = node.replica.capture().root
    node.replica.setMedianClock(() => 0)
    expect(await node.replica.sweepExpired()).toBe(1)
    expect([...node.replica.capture().root]).not.toEqual([...root])
    expect(await liveVersions(node.store)).toEqual([])
    expect(await rowsOf(node.store, 'deadline')).toBe(0)
  })

  it('a concurrent write without a deadline survives the expiry of its sibling', async () => {
    const node = await openNode('a')
    await putOver(node, 'k', 'expires', node.environment.nowMs() + 1000)
    await node.replica.transact((transaction) => transaction.put(register('k'), bytes('stays'), null, []))
    node.environment.pass(10 * minutes)
    await node.replica.sweepExpired()
    expect((await liveVersions(node.store)).map((line) => line.split(' ').at(-1))).toEqual(['stays'])
  })
})

describe('identity', () => {
  it('a start writes nothing, and every run that writes has its own actor id', async () => {
    const node = await openNode('a')
    await putOver(node, 'one')
    const rows = await rowsOf(node.store, 'context')
    const again = await openNode('b', { store: node.store })
    expect(again.replica.actor).toBeUndefined()
    expect(await rowsOf(node.store, 'context')).toBe(rows)
    await putOver(again, 'two')
    expect(again.replica.actor).not.toBe(node.replica.actor)
    expect(again.replica.capture().seen.actors()).toHaveLength(2)
  })

  it('a dot of our run that we did not issue ends the run; our live versions are issued again', async () => {
    const node = await openNode('a')
    await putOver(node, 'mine')
    const actor = node.replica.actor!
    const forged = {
      dot: { actor, counter: 5 },
      address: register('theirs'),
      kind: 'put' as const,
      time: { ms: 1, logical: 0 },
      expiresAtMs: null,
      value: bytes('clone'),
      supersedes: [],
    }
    await node.replica.applyUpdates({ updates: [forged], members: new Map() })
    await expect.poll(() => node.replica.versions(register('mine')).length).toBe(2)
    expect(node.replica.actor).not.toBe(actor)
    expect(node.replica.versions(register('theirs'))).toHaveLength(1)
    expect(node.warnings.join()).toContain('new actor id')
    await putOver(node, 'later')
    expect(node.replica.versions(register('later'))[0]!.dot.actor).not.toBe(actor)
  })

  it('a wall clock that jumps against the monotonic one ends the run before the next write', async () => {
    const node = await openNode('a')
    await putOver(node, 'before')
    const actor = node.replica.actor!
    node.environment.pass(3_600_000)
    await putOver(node, 'an hour later')
    expect(node.replica.actor).toBe(actor)
    node.environment.setWallClock(node.environment.nowMs() + 2_500)
    await putOver(node, 'after')
    expect(node.replica.actor).not.toBe(actor)
    expect(node.replica.versions(register('after'))[0]!.dot.actor).toBe(node.replica.actor)
    await expect.poll(() => node.replica.versions(register('before')).length).toBe(2)
    expect(node.warnings.join()).toContain('clock jumped')
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
      await node.replica.applyUpdates({ updates: [update], members: new Map() })
      return { node, update }
    }
    const [a, b] = [await issue('a', 'one'), await issue('b', 'two')]
    await a.node.replica.applyUpdates({ updates: [b.update], members: new Map() })
    await b.node.replica.applyUpdates({ updates: [a.update], members: new Map() })
    for (const { node } of [a, b]) {
      const values = node.replica.versions(register('k')).map((version) => Buffer.from(version.value).toString())
      expect(values.toSorted()).toEqual(['one', 'two'])
    }
    const under = (node: Node) =>
      Buffer.from(
        node.replica.versions(register('k')).find((version) => version.dot.actor === 'aaaaaaaaaaaaaaaa')!.value,
      ).toString()
    expect(under(a.node)).toBe(under(b.node))
  })

  it("the mesh's own records are apart from the users' keys", async () => {
    const node = await openNode('a')
    await node.replica.transact((transaction) => transaction.put(system('member/x'), bytes('record'), null, []))
    await putOver(node, 'member/x')
    expect(node.replica.userEntries).toBe(1)
    const records = await node.replica.scanSystem('member/')
    expect(records.map((entry) => Buffer.from(entry.versions[0]!.value).toString())).toEqual(['record'])
    expect(await node.replica.scanSystem('other/')).toEqual([])
  })
})
