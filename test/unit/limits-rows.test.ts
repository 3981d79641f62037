/** Rows hold whatever has come: any number of versions, of superseded dots, of ranges and of chains. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../store/memory.js'
import { zeroTime } from '../../store/model/clock.js'
import { decodeUpdates, encodeUpdates, unknownMember } from '../../store/model/codec.js'
import { counterValue, increment, isPresent, resetsOf } from '../../store/model/counter.js'
import type { Reach } from '../../store/model/counter-paths.js'
import { decodeCounter, encodeCounter } from '../../store/model/counter-values.js'
import { valueHash } from '../../store/model/digest.js'
import { localVersionsMax, resetChainsMax, supersedesAim } from '../../store/model/limits.js'
import type { Version } from '../../store/model/update.js'
import { contextKey, decodeContext, encodeContext } from '../../store/rows/contexts.js'
import { decodeDotRow, dotKey, encodeDotRow } from '../../store/rows/dots.js'
import { decodeVersions, encodeVersions, entryKey } from '../../store/rows/entries.js'
import {
  dotAt,
  limitActor,
  limitAddress,
  list,
  noMember,
  putAt,
  takeUpdates,
  updatesOf,
} from '../support/many-updates.js'
import { type OpenReplica, openNode } from '../support/replicas.js'

const many = 65_537

const reachAt = (at: number): Reach => ({ actor: limitActor, chain: at + 1, sequence: 1, total: 1 })

describe('rows', () => {
  it('of any number of versions, superseded dots and ranges are read as they were written', () => {
    const key = entryKey(limitAddress)
    const value = Buffer.of(1)
    const version = (at: number): Version => ({ ...putAt(dotAt(at)), value, valueHash: valueHash(value) })
    expect(decodeVersions(key, encodeVersions(key, list(many, version)))).toHaveLength(many)
    const rowKey = dotKey(dotAt(0))
    const row = {
      state: 'logged' as const,
      kind: 'delete' as const,
      bare: false,
      sequence: 1,
      address: limitAddress,
      time: { ms: 1, logical: 0 },
      expiresAtMs: null,
      supersedes: list(many, dotAt),
      supersededBy: null,
      value: null,
    }
    expect(decodeDotRow(rowKey, encodeDotRow(rowKey, row)).supersedes).toHaveLength(many)
    const ranges = list(2 * (1_000_000 + 1), (at) => 1 + 2 * at - (at % 2))
    const context = { member: unknownMember, seen: ranges, applied: ranges }
    expect(decodeContext(contextKey(limitActor), encodeContext(contextKey(limitActor), context)).seen).toHaveLength(
      ranges.length,
    )
  })

  it('more versions than local writes may leave are kept, readable, no damage, passed on, and settled by one write', async () => {
    const crowd = 5 * localVersionsMax
    const store = new MemoryStore()
    const node = await openNode('crowded', { store })
    await takeUpdates(
      node,
      updatesOf(crowd, limitAddress, (at) => Buffer.from(`${at}`)),
    )
    const again = await openNode('again', { store })
    expect(again.warnings).toEqual([])
    expect(again.replica.versions(limitAddress)).toHaveLength(crowd)
    const peer = await openNode('peer')
    await passOn(again, peer)
    const inView = again.replica.versions(limitAddress).map(({ dot }) => dot)
    await again.replica.transact((transaction) => transaction.put(limitAddress, Buffer.from('settled'), null, inView))
    await passOn(again, peer)
    expect(peer.replica.versions(limitAddress).map(({ value }) => `${Buffer.from(value)}`)).toEqual(['settled'])
  })

  it('a write that supersedes more than one update can name is several updates, in one batch', async () => {
    const node = await openNode('settler')
    const peer = await openNode('peer')
    const dots = list(many, dotAt)
    await node.replica.transact((transaction) => transaction.put(limitAddress, Buffer.from('settled'), null, dots))
    const found = await node.replica.sync.readMissing(node.replica.sync.capture().applied, 1 << 24)
    const counts = found.updates.map(({ supersedes }) => supersedes.length)
    expect(counts).toEqual([supersedesAim, supersedesAim, many - 2 * supersedesAim])
    await passOn(node, peer)
    expect(peer.replica.versions(limitAddress)).toHaveLength(1)
  })
})

/** Everything that the peer misses, as a session would bring it. */
async function passOn(from: OpenReplica, to: OpenReplica): Promise<void> {
  for (let missing = missingAt(from, to); !missing.isEmpty; missing = missingAt(from, to)) {
    const found = await from.replica.sync.readMissing(missing, 1 << 18, to.replica.sync.capture().applied)
    expect(found.unlisted.isEmpty).toBe(true)
    const bytes = encodeUpdates(found.updates, noMember)
    await to.replica.sync.applyUpdates(decodeUpdates(bytes))
  }
  expect([...to.replica.sync.capture().root]).toEqual([...from.replica.sync.capture().root])
}

function missingAt(from: OpenReplica, to: OpenReplica) {
  return from.replica.sync.capture().applied.minus(to.replica.sync.capture().applied)
}

describe('a counter of more chains than one version names', () => {
  const totals = list(many, (at): Version => {
    const run = (at + 1).toString(16).padStart(16, '0')
    const value = encodeCounter({ kind: 'total', reach: { actor: run, chain: 1, sequence: 1, total: 1 } })
    return { ...putAt({ actor: run, counter: 1 }), value, valueHash: valueHash(value) }
  })

  it('goes on, and is deleted by several versions, each increment counted exactly', () => {
    expect(counterValue(totals)).toBe(BigInt(many))
    const next = increment(totals, { actor: totals[3]!.dot.actor, counter: 2 }, zeroTime, 5)
    expect(next.supersedes).toEqual([totals[3]!.dot])
    const resets = resetsOf(totals)
    expect(resets.map(({ reaches }) => reaches.length)).toEqual([
      resetChainsMax,
      resetChainsMax,
      many - 2 * resetChainsMax,
    ])
    expect(resets.flatMap(({ supersedes }) => supersedes)).toEqual(totals.map(({ dot }) => dot))
    const baselines = resets.map(({ reaches }, at): Version => {
      const value = encodeCounter({ kind: 'baseline', reaches })
      return { ...putAt(dotAt(at)), value, valueHash: valueHash(value) }
    })
    expect(isPresent(baselines)).toBe(false)
    // What the delete had not seen is counted from where it had been.
    const later: Version = { ...totals[3]!, value: next.value, valueHash: valueHash(next.value) }
    expect(counterValue([...baselines, later])).toBe(5n)
    // A later delete has all of them in view.
    const again = resetsOf([...baselines, later])
    expect(again.reduce((sum, { reaches }) => sum + reaches.length, 0)).toBe(many)
    expect(again.at(-1)!.supersedes).toEqual(expect.arrayContaining(baselines.map(({ dot }) => dot)))
  })

  it('one beyond which nothing could be read before is read', () => {
    const reaches = list(many, reachAt)
    expect(decodeCounter(encodeCounter({ kind: 'baseline', reaches }))).toEqual({ kind: 'baseline', reaches })
  })
})
