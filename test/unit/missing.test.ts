/**
 * Reading the log for a peer: every call is bounded, dense gaps are one scan, and no chain is walked again and again.
 */
import { describe, expect, it, vi } from 'vitest'
import { Context } from '../../store/model/context.js'
import { chainMax, missingRowsMax } from '../../store/replica/limits.js'
import type { MissingUpdates } from '../../store/replica/types.js'
import { type OpenReplica, openNode, putOver } from '../support/replicas.js'

const noDots = new Context()

/** Calls until the fate of every dot is told. */
async function readAll(node: OpenReplica, wanted: Context, peerApplied = noDots): Promise<MissingUpdates[]> {
  const calls: MissingUpdates[] = []
  for (let missing = wanted; !missing.isEmpty; ) {
    const found = await node.replica.sync.readMissing(missing, 1 << 18, peerApplied)
    const left = missing.minus(found.listed).minus(found.unlisted)
    expect(left.equals(missing)).toBe(false)
    calls.push(found)
    missing = left
  }
  return calls
}

const rowsOf = (calls: readonly MissingUpdates[]) => calls.reduce((sum, { rows }) => sum + rows, 0)

describe('reading what a peer misses', () => {
  it('every second dot of many: dense gaps are scanned once, scattered ones looked up, and every call is bounded', async () => {
    const node = await openNode('a')
    const count = 6_000
    await Promise.all(Array.from({ length: count }, (_, at) => putOver(node, `k${at}`)))
    const actor = node.replica.runs.actor!
    const scan = vi.spyOn(node.store, 'scan')
    for (const [stride, scansMax] of [
      [2, 10],
      [7, 10],
    ] as const) {
      const wanted = new Context()
      for (let counter = 1; counter <= count; counter += stride) wanted.addRange(actor, counter, counter)
      scan.mockClear()
      const calls = await readAll(node, wanted)
      expect(calls.flatMap(({ updates }) => updates)).toHaveLength(wanted.size)
      expect(calls.every(({ unlisted }) => unlisted.isEmpty)).toBe(true)
      expect(scan.mock.calls.length).toBeLessThanOrEqual(scansMax)
      expect(rowsOf(calls)).toBeLessThanOrEqual(2 * wanted.size)
    }
  })

  it('a million gaps of which nothing is kept: each call looks at so many rows at most, and tells of each dot', async () => {
    const node = await openNode('a')
    await putOver(node, 'k')
    const wanted = new Context()
    const ranges: number[] = []
    for (let counter = 10; counter < 1_000_000; counter += 20) ranges.push(counter, counter)
    wanted.setRanges('f'.repeat(16), ranges)
    const scan = vi.spyOn(node.store, 'scan')
    const calls = await readAll(node, wanted)
    expect(calls.length).toBeGreaterThan(1)
    // One for the digests of what is not kept any more.
    expect(scan).toHaveBeenCalledTimes(calls.length)
    for (const { rows } of calls) expect(rows).toBeLessThanOrEqual(missingRowsMax)
    const told = calls.reduce((sum, { unlisted }) => sum + unlisted.size, 0)
    expect(told).toBe(wanted.size)
  })

  it('a call that is late from the start tells the fate of some dots all the same', async () => {
    const node = await openNode('a')
    await putOver(node, 'k')
    let nowMs = 0
    vi.spyOn(node.environment, 'monotonicMs').mockImplementation(() => {
      nowMs += 60_000
      return nowMs
    })
    const calls = await readAll(node, node.replica.sync.capture().applied)
    expect(calls.flatMap(({ updates }) => updates)).toHaveLength(1)
  })

  it('a key that changed more often than is sent at once is walked in a time that grows with the changes alone', async () => {
    const node = await openNode('a')
    node.replica.log.setObligations([{ member: '2222222222222222', acknowledged: noDots }])
    const count = chainMax + 2_000
    await Promise.all(Array.from({ length: count }, (_, at) => putOver(node, 'k', `${at}`)))
    const calls = await readAll(node, node.replica.sync.capture().applied)
    const rows = rowsOf(calls)
    expect(rows).toBeLessThanOrEqual(4 * count)
    // The last changes come together, in an order that is safe; those before them are left to the tree.
    const updates = calls.flatMap((call) => call.updates)
    expect(updates.at(-1)!.value).not.toBeNull()
    expect(updates.length + calls.reduce((sum, { unlisted }) => sum + unlisted.size, 0)).toBe(count)
  })
})
