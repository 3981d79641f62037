/** Deletion of the digests of dots whose rows the log no longer has: it keeps up with any rate of writes. */
import { describe, expect, it } from 'vitest'
import { rangeOf } from '../../store/keyspace.js'
import { MemoryStore } from '../../store/memory.js'
import { Context } from '../../store/model/context.js'
import { DigestSweep } from '../../store/replica/digest-sweep.js'
import {
  digestAgeMsMax,
  digestSpanDots,
  digestSweepRowsMax,
  unacknowledgedDigestSpanDots,
} from '../../store/replica/limits.js'
import { decodeDigest, digestKey, encodeDigest } from '../../store/rows/digests.js'
import { dotOfKey } from '../../store/rows/dots.js'
import { rowsOf } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'

const [one, other, third] = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb', 'cccccccccccccccc'] as const

/**
 * A store of digests, and the sweep over it; `runs`: the last dot of each run, the ranges acknowledged of it, and the
 * dots of which there are digests: all, or those from `from` to `to`.
 */
async function stage(
  runs: Readonly<Record<string, { from?: number; to?: number; last: number; acknowledged: readonly number[] }>>,
  keptSinceMs?: number,
) {
  const [store, environment, seen, acknowledged] = [
    new MemoryStore(),
    new StillEnvironment(),
    new Context(),
    new Context(),
  ]
  const rows: { key: Uint8Array; value: Uint8Array | null }[] = []
  for (const [actor, { from = 1, last, to = last, acknowledged: ranges }] of Object.entries(runs)) {
    seen.setRanges(actor, [1, last])
    if (ranges.length > 0) acknowledged.setRanges(actor, ranges)
    for (let counter = from; counter <= to; counter++) {
      const key = digestKey({ actor, counter })
      rows.push({
        key,
        value: encodeDigest(key, { digest: '0123456789abcdef', keptSinceMs: keptSinceMs ?? environment.nowMs() }),
      })
    }
  }
  await store.write(rows, { sync: false })
  const submit = async <T>(change: (batch: never) => T): Promise<T> => {
    const changes: { key: Uint8Array; value: Uint8Array | null }[] = []
    const result = change({ set: (key: Uint8Array, value: Uint8Array | null) => changes.push({ key, value }) } as never)
    await store.write(changes, { sync: false })
    return result
  }
  const core = { store, environment, submit, committed: { seen } } as never
  return { store, sweep: new DigestSweep(core, { acknowledgedByAll: () => acknowledged }) }
}

/** The first digest that is left of each run. */
async function firstLeft(store: MemoryStore): Promise<Record<string, number>> {
  const first: Record<string, number> = {}
  for await (const rows of store.scan(rangeOf('digest'))) {
    for (const { key, value } of rows) {
      decodeDigest(key, value)
      const { actor, counter } = dotOfKey(key)
      first[actor] ??= counter
    }
  }
  return first
}

describe('the sweep of digests', () => {
  it('deletes all that is beyond the span of a run at once, however much it is', async () => {
    const last = digestSpanDots + 10 * digestSweepRowsMax
    const { store, sweep } = await stage({ [one]: { last, acknowledged: [1, last] } })
    expect(await sweep.sweep()).toBe(10 * digestSweepRowsMax)
    expect(await firstLeft(store)).toEqual({ [one]: 10 * digestSweepRowsMax + 1 })
    expect(await sweep.sweep()).toBe(0)
  })

  it('is not held up by runs of which all stays: the young, and what some member has not acknowledged', async () => {
    const last = digestSpanDots + 100
    const { store, sweep } = await stage({
      [one]: { last: 3 * digestSweepRowsMax, acknowledged: [1, 3 * digestSweepRowsMax] },
      [other]: { last, acknowledged: [] },
      [third]: { last, acknowledged: [1, 10, 21, last] },
    })
    let deleted = 0
    for (let sweeps = 0; sweeps < 3; sweeps++) deleted += await sweep.sweep()
    expect(deleted).toBe(90)
    const left = await rowsOf(store, 'digest')
    expect(left).toBe(3 * digestSweepRowsMax + last + (last - 90))
    expect(await firstLeft(store)).toEqual({ [one]: 1, [other]: 1, [third]: 11 })
  })

  it('deletes what is old, and what nobody has acknowledged for too long', async () => {
    const old = await stage({ [one]: { last: 50, acknowledged: [1, 40] } }, Date.UTC(2030, 0, 1) - digestAgeMsMax - 1)
    expect(await old.sweep.sweep()).toBe(40)
    const last = 1_000 + unacknowledgedDigestSpanDots
    const far = await stage({ [one]: { from: 1_000, to: 1_010, last, acknowledged: [] } })
    expect(await far.sweep.sweep()).toBe(1)
  })
})
