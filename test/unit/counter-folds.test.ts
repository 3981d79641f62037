/** When a replica folds a counter and deletes a baseline: only with what every member has acknowledged of this run. */
import { describe, expect, it } from 'vitest'
import { Access } from '../../store/data/access.js'
import { Counters } from '../../store/data/counters.js'
import { MemoryStore } from '../../store/memory.js'
import { counter } from '../../store/model/address.js'
import { Context } from '../../store/model/context.js'
import { counterValue, resetsOf } from '../../store/model/counter.js'
import { foldOf } from '../../store/model/counter-fold.js'
import { extended } from '../../store/model/counter-paths.js'
import { decodeCounter, encodeCounter } from '../../store/model/counter-values.js'
import { valueHash } from '../../store/model/digest.js'
import type { Dot } from '../../store/model/dot.js'
import { counterTrailBytesMax, counterTrailKeptMs, foldBytes } from '../../store/model/limits.js'
import type { Version } from '../../store/model/update.js'
import { foldFreshMs, foldTotalsMin } from '../../store/replica/limits.js'
import { type OpenReplica, openNode } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'

const member = '2222222222222222'
const address = counter('c')

function countersOf({ replica }: OpenReplica): Counters {
  return new Counters(new Access(replica, () => Buffer.alloc(32)))
}

/** A store in which one node has counted in so many runs that have ended; the last of them in `node`. */
async function counted(runs: number) {
  const store = new MemoryStore()
  const environment = new StillEnvironment('a')
  let node = await openNode('a', { store }, environment)
  for (let run = 0; run < runs; run++) {
    if (run > 0) {
      environment.pass(1_000)
      node = await openNode('a', { store }, environment)
    }
    await countersOf(node).increment('c', 1, {})
  }
  return { node, store, environment }
}

/** What a member says that it has: all that is here, but for some dots. */
function hears({ replica }: OpenReplica, { readsFolds = true, without = [] as Dot[], more = [] as Dot[] } = {}): void {
  const lacks = new Context()
  for (const dot of without) lacks.add(dot)
  const acknowledged = replica.sync.capture().applied.minus(lacks)
  for (const dot of more) acknowledged.add(dot)
  replica.log.setObligations([{ member, acknowledged, readsFolds }])
}

const kinds = ({ replica }: OpenReplica) => replica.versions(address).map(({ value }) => decodeCounter(value).kind)
const ended = foldTotalsMin

describe('a counter', () => {
  it('is folded once all members have acknowledged an increment of this run, and counts on', async () => {
    const { node } = await counted(ended + 1)
    expect(kinds(node)).toHaveLength(ended + 1)
    hears(node)
    expect(await node.replica.upkeep.foldCounters()).toBe(1)
    expect(kinds(node).sort()).toEqual(['folded', 'total'])
    expect(counterValue(node.replica.versions(address))).toBe(BigInt(ended + 1))
    expect(await countersOf(node).increment('c', 5, {})).toMatchObject({ value: BigInt(ended + 6) })
    await countersOf(node).delete('c', {})
    expect(countersOf(node).get('c')).toBeUndefined()
  })

  it('is left as it is while its ended runs are few', async () => {
    const { node } = await counted(ended)
    hears(node)
    expect(await node.replica.upkeep.foldCounters()).toBe(0)
  })

  it('is left as it is while a member has not acknowledged this run, has more than is here, or reads no folds', async () => {
    const { node } = await counted(ended + 1)
    const [own] = node.replica.versions(address).filter(({ dot }) => dot.actor === node.replica.runs.actor)
    const fold = async (said: Parameters<typeof hears>[1]) => {
      hears(node, said)
      return node.replica.upkeep.foldCounters()
    }
    expect(await fold({ without: [own!.dot] })).toBe(0)
    expect(await fold({ more: [{ actor: 'e'.repeat(16), counter: 7 }] })).toBe(0)
    expect(await fold({ readsFolds: false })).toBe(0)
    node.replica.log.setObligations([])
    expect(await node.replica.upkeep.foldCounters()).toBe(0)
    expect(await fold({})).toBe(1)
  })

  it('is left as it is after a start, until this run has written; and when what was acknowledged is old', async () => {
    const { store, environment, node } = await counted(ended + 2)
    hears(node)
    environment.pass(foldFreshMs + 1)
    expect(await node.replica.upkeep.foldCounters()).toBe(0)
    const again = await openNode('a', { store }, environment)
    hears(again)
    expect(await again.replica.upkeep.foldCounters()).toBe(0)
    await countersOf(again).increment('c', 1, {})
    hears(again)
    expect(await again.replica.upkeep.foldCounters()).toBe(1)
  })

  it('is left as it is when the run ends as the fold takes its dot: the memory may have gone back in time', async () => {
    const { node, environment } = await counted(ended + 1)
    hears(node)
    environment.setWallClock(environment.nowMs() + 3_600_000)
    expect(await node.replica.upkeep.foldCounters()).toBe(0)
    expect(kinds(node)).not.toContain('folded')
  })

  it('keeps the totals of others', async () => {
    const { store, environment } = await counted(ended + 1)
    const other = await openNode('b', { store, member }, environment)
    await countersOf(other).increment('c', 1, {})
    hears(other)
    expect(await other.replica.upkeep.foldCounters()).toBe(0)
  })

  it('keeps its baseline after a start, until all members have acknowledged this run', async () => {
    const { store, environment, node } = await counted(1)
    await countersOf(node).delete('c', {})
    const again = await openNode('a', { store }, environment)
    hears(again)
    expect(await again.replica.upkeep.sweepBaselines()).toBe(0)
    const { dot } = await countersOf(again).increment('other', 1, {})
    hears(again, { without: [dot] })
    expect(await again.replica.upkeep.sweepBaselines()).toBe(0)
    hears(again)
    expect(await again.replica.upkeep.sweepBaselines()).toBe(1)
    expect(again.replica.versions(address)).toEqual([])
  })
})

describe('a fold', () => {
  const at = (dot: Dot, value: Uint8Array, ms: number): Version => {
    return { dot, time: { ms, logical: 0 }, expiresAtMs: null, value, valueHash: valueHash(value) }
  }
  const total = (run: number, ms = 0, by = 1): Version => {
    const dot = { actor: `${run}`.padStart(16, '0'), counter: 1 }
    return at(dot, encodeCounter({ kind: 'total', reach: extended(undefined, dot, { ms, logical: 0 }, by) }), ms)
  }
  const nines = { actor: '9'.repeat(16), counter: 1 }
  const runs = { current: 'f'.repeat(16), isOwn: () => true, nowMs: 0, totalsMin: 2 }
  const reachesOf = (value: Uint8Array | null) => {
    const content = decodeCounter(value!)
    return content.kind === 'folded' ? content.reaches : []
  }

  it('keeps trails while digests tell branches of a copied machine apart, and no longer', () => {
    const versions = [total(1), total(2)]
    const { value } = foldOf(versions, runs)!
    expect(reachesOf(value).map(({ trail }) => trail !== undefined)).toEqual([true, true])
    const nowMs = counterTrailKeptMs + 2 * 24 * 3600 * 1000
    const dot = { actor: '9'.repeat(16), counter: 1 }
    const later = foldOf([at(dot, value!, nowMs), total(3, nowMs), total(4, nowMs)], { ...runs, nowMs })!
    expect(reachesOf(later.value).map(({ trail }) => trail !== undefined)).toEqual([false, false, true, true])
  })

  it('leaves chains out that went on in two copies of a process, or stand in a version that is not folded', () => {
    const dot = { actor: 'a'.repeat(16), counter: 1 }
    const first = extended(undefined, dot, { ms: 0, logical: 0 }, 1)
    const branch = (counter: number, ms: number) =>
      at(
        { ...dot, counter },
        encodeCounter({ kind: 'total', reach: extended(first, { ...dot, counter }, { ms, logical: 0 }, ms) }),
        ms,
      )
    const reissued = at({ actor: 'b'.repeat(16), counter: 1 }, total(3).value, 0)
    const versions = [total(1), total(2), total(3), reissued, branch(2, 1), branch(3, 2)]
    expect(foldOf(versions, runs)!.supersedes).toEqual([total(1).dot, total(2).dot])
  })

  it('leaves out what a baseline covers whole; nothing is left of one that is covered', () => {
    const versions = [total(1), total(2), total(3)]
    const fold = at({ actor: '9'.repeat(16), counter: 1 }, foldOf(versions, runs)!.value!, 0)
    const covers = (...covered: Version[]) => {
      const reaches = covered.flatMap(({ value }) => {
        const content = decodeCounter(value)
        return content.kind === 'total' ? [content.reach] : []
      })
      return at({ actor: '8'.repeat(16), counter: 1 }, encodeCounter({ kind: 'baseline', reaches }), 0)
    }
    const some = foldOf([fold, covers(total(2))], runs)!
    expect(reachesOf(some.value).map(({ actor }) => actor)).toEqual([total(1).dot.actor, total(3).dot.actor])
    expect(foldOf([fold, covers(...versions)], runs)).toEqual({ value: null, supersedes: [fold.dot] })
  })

  it('keeps a total that a baseline covers in part', () => {
    const dot = { actor: 'a'.repeat(16), counter: 2 }
    const first = extended(undefined, { ...dot, counter: 1 }, { ms: 0, logical: 0 }, 1)
    const second = extended(first, dot, { ms: 1, logical: 0 }, 5)
    const baseline = encodeCounter({ kind: 'baseline', reaches: [first] })
    const versions = [total(1), at(dot, encodeCounter({ kind: 'total', reach: second }), 1), at(nines, baseline, 1)]
    const fold = at({ actor: '7'.repeat(16), counter: 1 }, foldOf(versions, runs)!.value!, 2)
    expect(counterValue([fold, at(nines, baseline, 1)])).toBe(6n)
  })

  it('that a delete had in view is covered by it, and so are its totals, wherever they come again', () => {
    const totals = [total(1), total(2)]
    const fold = at({ actor: '7'.repeat(16), counter: 1 }, foldOf(totals, runs)!.value!, 0)
    const [reset] = resetsOf([fold])
    expect(reset!.supersedes).toEqual([fold.dot])
    const baseline = at(nines, encodeCounter({ kind: 'baseline', reaches: reset!.reaches }), 0)
    expect(counterValue([...totals, baseline])).toBeUndefined()
    expect(counterValue([fold, total(3), baseline])).toBe(1n)
  })

  it('that shares chains with another one, or with totals, counts them once', () => {
    const fold = (dot: Dot, ...totals: Version[]) => at(dot, foldOf(totals, runs)!.value!, 0)
    const one = fold({ actor: '7'.repeat(16), counter: 1 }, total(1), total(2), total(3))
    const two = fold(nines, total(2), total(3), total(4))
    expect(counterValue([one, two])).toBe(4n)
    expect(counterValue([total(3), one, two, total(5)])).toBe(5n)
  })

  it('that is full stays, and another one begins', () => {
    const many = Array.from({ length: 400 }, (_, run) => {
      const dot = { actor: `${run + 1}`.padStart(16, '0'), counter: 1 }
      const trail = Buffer.alloc(counterTrailBytesMax, run)
      return at(dot, encodeCounter({ kind: 'total', reach: { ...dot, chain: 1, sequence: 1, total: 1, trail } }), 0)
    })
    const first = foldOf(many, runs)!
    expect(first.value!.length).toBeLessThanOrEqual(foldBytes + 1_024)
    const full = at(nines, first.value!, 0)
    const second = foldOf([full, ...many.slice(first.supersedes.length)], runs)!
    expect(second.supersedes).not.toContain(full.dot)
  })
})
