/** The real replica against the reference state: any delivery, in any batches, with joins in between, over restarts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Trie } from '../../store/merkle/trie.js'
import type { Update } from '../../store/model/update.js'
import { isSound, Verification } from '../../store/replica/verify.js'
import { amount } from '../support/effort.js'
import { deliveries, playHistory, steps } from '../support/histories.js'
import { ReferenceState } from '../support/reference-state.js'
import { liveReference, liveVersions, type OpenReplica, openNode } from '../support/replicas.js'

const members = new Map<string, string>()

async function expectSound(node: OpenReplica): Promise<void> {
  const snapshot = node.store.snapshot()
  const rebuilt = new Trie()
  const survey = await new Verification(node.store, snapshot, async () => undefined).survey(rebuilt)
  await snapshot.close()
  expect(isSound(survey)).toBe(true)
  expect(node.replica.log.bytes).toBe(survey.logBytes)
  expect(survey.contexts.seen.equals(node.replica.sync.capture().seen)).toBe(true)
  expect(survey.contexts.applied.equals(node.replica.sync.capture().applied)).toBe(true)
  expect([...node.replica.health.trie.root()]).toEqual([...rebuilt.root()])
}

const deliver = (updates: readonly Update[], draws: readonly number[]) =>
  draws.map((draw) => updates[draw % updates.length]!)

describe('the replica', () => {
  it('agrees with the reference after any delivery, and all its sums add up', async () => {
    await fc.assert(
      fc.asyncProperty(steps(), deliveries(), async (history, draws) => {
        const { updates } = playHistory(history)
        const node = await openNode('a')
        const reference = new ReferenceState()
        const order = updates.length === 0 ? [] : [...deliver(updates, draws), ...updates.toReversed()]
        for (let at = 0; at < order.length; at += 3) {
          const batch = order.slice(at, at + 3)
          const applied = node.replica.sync.applyUpdates({ updates: batch, members })
          for (const update of batch) reference.apply(update)
          if (at % 2 === 0) await applied
        }
        await node.replica.transact(() => undefined)
        expect(await liveVersions(node.store)).toEqual(liveReference(reference))
        expect(node.replica.sync.capture().seen.equals(reference.seen)).toBe(true)
        expect(node.replica.sync.capture().applied.equals(reference.applied)).toBe(true)
        await expectSound(node)
      }),
      { numRuns: amount(25, 60) },
    )
  })

  it('reads missing updates that bring any other replica level, in any portions', async () => {
    await fc.assert(
      fc.asyncProperty(steps(), deliveries(12), fc.integer({ min: 1, max: 400 }), async (history, draws, bytesMax) => {
        const { updates } = playHistory(history)
        if (updates.length === 0) return
        const [from, to] = [await openNode('a'), await openNode('b')]
        await from.replica.sync.applyUpdates({ updates, members })
        await to.replica.sync.applyUpdates({ updates: deliver(updates, draws), members })
        let missing = from.replica.sync.capture().applied.minus(to.replica.sync.capture().applied)
        while (!missing.isEmpty) {
          const found = await from.replica.sync.readMissing(missing, bytesMax, to.replica.sync.capture().applied)
          expect(found.unlisted.isEmpty).toBe(true)
          await to.replica.sync.applyUpdates({ updates: [...found.updates], members })
          missing = missing.minus(found.listed)
          await expectNothingHidden(to, updates)
        }
        expect(await liveVersions(to.store)).toEqual(await liveVersions(from.store))
        await expectSound(to)
      }),
      { numRuns: amount(25, 60) },
    )
  })

  it('joins entries as the reference joins states, and a restart finds all of it', async () => {
    await fc.assert(
      fc.asyncProperty(steps(), async (history) => {
        const { updates, states } = playHistory(history)
        const [stateA, stateB] = states as [ReferenceState, ReferenceState]
        const [a, b] = [await openNode('a'), await openNode('b')]
        await a.replica.sync.applyUpdates({
          updates: updates.filter((update) => stateA.applied.has(update.dot)),
          members,
        })
        await b.replica.sync.applyUpdates({
          updates: updates.filter((update) => stateB.applied.has(update.dot)),
          members,
        })
        const peer = b.replica.sync.capture()
        const addresses = new Map([...stateA.entries, ...stateB.entries].map(([key, entry]) => [key, entry.address]))
        await a.replica.sync.joinEntries(
          [...addresses.values()].map((address) => b.replica.sync.peerEntryAt(address)),
          peer,
        )
        await a.replica.sync.unite(peer)
        stateA.join(stateB)
        expect(await liveVersions(a.store)).toEqual(liveReference(stateA))
        expect(a.replica.sync.capture().seen.equals(stateA.seen)).toBe(true)
        await expectSound(a)
        const again = await openNode('a', { store: a.store })
        expect(again.replica.sync.capture().seen.equals(stateA.seen)).toBe(true)
        expect(again.warnings).toEqual([])
        expect([...again.replica.health.trie.root()]).toEqual([...a.replica.health.trie.root()])
      }),
      { numRuns: amount(25, 60) },
    )
  })
})

/**
 * No update may be seen as superseded before one that superseded it was applied: that would hide a value for a while.
 */
async function expectNothingHidden(node: OpenReplica, updates: readonly Update[]): Promise<void> {
  const { seen, applied } = node.replica.sync.capture()
  const live = (await liveVersions(node.store)).join('\n')
  for (const update of updates) {
    if (update.kind !== 'put' || !seen.has(update.dot)) continue
    const isLive = live.includes(`${update.dot.actor}:${update.dot.counter} `)
    const isSuperseded = updates.some(
      (other) =>
        applied.has(other.dot) &&
        other.supersedes.some((dot) => dot.actor === update.dot.actor && dot.counter === update.dot.counter),
    )
    expect(isLive || isSuperseded).toBe(true)
  }
}
