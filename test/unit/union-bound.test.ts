/** What one peer may bring in new runs with one union. */
import { describe, expect, it, vi } from 'vitest'
import { unknownMember } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { unionActorsMax } from '../../store/replica/limits.js'
import { openNode } from '../support/replicas.js'

// Small, so that the test is quick.
vi.mock('../../store/replica/limits.js', async (original) => ({ ...(await original<object>()), unionActorsMax: 50 }))

const actorOf = (number: number) => `${number}`.padStart(16, '0')
const extra = 5

describe('a union with more new runs than one peer may bring', () => {
  it('takes so many, counts nothing as applied yet, says so, and takes the rest with the next one', async () => {
    const { replica } = await openNode('one')
    const own = { actor: 'f'.repeat(16), counter: 1 }
    const seen = new Context(new Map(Array.from({ length: unionActorsMax + extra }, (_, at) => [actorOf(at), [1, 2]])))
    seen.add(own)
    const peer = { seen, applied: seen.clone(), members: { get: () => unknownMember, *[Symbol.iterator]() {} } }
    await replica.sync.unite(peer)
    const first = replica.sync.capture()
    expect([first.seen.actorCount, first.applied.actorCount]).toEqual([unionActorsMax, 0])
    expect(replica.warnings.all()).toEqual([expect.stringContaining(`${unionActorsMax + extra + 1} runs`)])
    await replica.sync.unite(peer)
    const { seen: mine, applied } = replica.sync.capture()
    expect([mine.equals(seen), applied.equals(seen)]).toEqual([true, true])
    await replica.close()
  })
})
