/**
 * Two copies of one running process issue different content under one dot: neither is lost, and each keeps its deadline
 * and time.
 */
import { describe, expect, it } from 'vitest'
import type { MemoryStore } from '../../store/memory.js'
import { register } from '../../store/model/address.js'
import { Context } from '../../store/model/context.js'
import { updateDigest } from '../../store/model/digest.js'
import type { Update } from '../../store/model/update.js'
import { type OpenReplica, openNode, putOver } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'

/** A running process, and a copy of its disk and memory that runs beside it a moment later. */
async function twoCopies(): Promise<[OpenReplica, OpenReplica]> {
  const one = await openNode('one')
  await putOver(one, 'before')
  const environment = new StillEnvironment('two', one.environment.nowMs())
  const store = (one.store as MemoryStore).clone()
  const two = await openNode('one', { store, memory: one.replica.runs.memory }, environment)
  two.environment.pass(5)
  return [one, two]
}

/** What a node issues while something is done. */
async function issuedBy(node: OpenReplica, work: () => Promise<unknown>): Promise<Update[]> {
  const issued: Update[] = []
  node.replica.onCommit((commit) => issued.push(...commit.issued.flat()))
  await work()
  return issued
}

/** What is live at an address, without the names that a clash may change. */
function shown({ replica }: OpenReplica, key: string): unknown[] {
  const versions = replica.versions(register(key)).map(({ value, expiresAtMs, time }) => {
    return { value: Buffer.from(value).toString(), expiresAtMs, time }
  })
  return versions.sort((a, b) => (a.value < b.value ? -1 : 1))
}

describe('two contents under one dot', () => {
  it('both stay, with their bytes, deadlines and times, whichever keeps the dot', async () => {
    const whoKept = new Set<string>()
    for (let round = 0; round < 12; round++) {
      const [one, two] = await twoCopies()
      const deadlineMs = one.environment.nowMs() + 3_600_000
      const [here] = await issuedBy(one, () => putOver(one, 'key', `here ${round}`, deadlineMs))
      const [there] = await issuedBy(two, () => putOver(two, 'key', `there ${round}`, deadlineMs + 1))
      expect(there!.dot).toEqual(here!.dot)
      await one.replica.sync.applyUpdates({ updates: [there!], members: new Map() })
      await two.replica.sync.applyUpdates({ updates: [here!], members: new Map() })
      const both = [
        { value: `here ${round}`, expiresAtMs: deadlineMs, time: here!.time },
        { value: `there ${round}`, expiresAtMs: deadlineMs + 1, time: there!.time },
      ]
      for (const node of [one, two]) expect(shown(node, 'key')).toEqual(both)
      expect(two.replica.versions(register('key'))).toEqual(one.replica.versions(register('key')))
      // Counted and named for the operator, each dot once.
      expect(one.replica.irregularities).toMatchObject({ clashes: 1, clashedDots: [here!.dot] })
      expect(one.replica.warnings.notices().map(({ about }) => about)).toContain('clash')
      const kept = one.replica.versions(register('key')).find(({ dot }) => dot.actor === here!.dot.actor)
      whoKept.add(Buffer.from(kept!.value).toString().split(' ')[0]!)
    }
    expect([...whoKept].sort()).toEqual(['here', 'there'])
  })

  it('whoever has superseded both has superseded both, also where only the lesser one was known', async () => {
    for (let round = 0; round < 6; round++) {
      const [one, two] = await twoCopies()
      const [here] = await issuedBy(one, () => putOver(one, 'key', `here ${round}`))
      const [there] = await issuedBy(two, () => putOver(two, 'key', `there ${round}`))
      const third = await openNode('third')
      await third.replica.sync.applyUpdates({ updates: [here!], members: new Map() })
      await third.replica.sync.applyUpdates({ updates: [there!], members: new Map() })
      const [over] = await issuedBy(third, () => putOver(third, 'key', 'decided'))
      expect(over!.supersedes).toHaveLength(2)
      for (const node of [one, two]) {
        await node.replica.sync.applyUpdates({ updates: [over!], members: new Map() })
        expect(shown(node, 'key')).toMatchObject([{ value: 'decided' }])
      }
    }
  })

  it('a context that was read elsewhere means the content that was read there', async () => {
    const [one, two] = await twoCopies()
    const [here] = await issuedBy(one, () => putOver(one, 'key', 'here'))
    const [there] = await issuedBy(two, () => putOver(two, 'key', 'there'))
    const [lesser, greater] = updateDigest(here!)! < updateDigest(there!)! ? [one, there!] : [two, here!]
    const digest = updateDigest(greater)
    const address = register('key')
    const nothing = { seen: new Context(), applied: new Context(), members: new Map() }
    const clashes = [{ ...greater.dot, digest }]
    await lesser.replica.sync.joinEntries([{ address, updates: [], bare: [], clashes }], nothing)
    await lesser.replica.transact((transaction) =>
      transaction.put(address, Buffer.from('over the greater'), null, [{ ...greater.dot, digest }]),
    )
    const own = lesser === one ? 'here' : 'there'
    expect(shown(lesser, 'key')).toMatchObject([{ value: own }, { value: 'over the greater' }])
  })

  it('a reissue outlives a start, and its deadline deletes it for good', async () => {
    const [one, two] = await twoCopies()
    const deadlineMs = one.environment.nowMs() + 10_000
    const [here] = await issuedBy(one, () => putOver(one, 'key', 'here', deadlineMs))
    await putOver(two, 'key', 'there', deadlineMs)
    await two.replica.sync.applyUpdates({ updates: [here!], members: new Map() })
    const again = await openNode('one', { store: (two.store as MemoryStore).clone() })
    expect(again.replica.versions(register('key')).map(({ expiresAtMs }) => expiresAtMs)).toEqual([
      deadlineMs,
      deadlineMs,
    ])
    again.environment.pass(24 * 3_600_000)
    await again.replica.upkeep.sweepExpired()
    expect(again.replica.versions(register('key'))).toEqual([])
  })
})
