/**
 * Commits of a replica: one batch for many writes, nothing told before it is durable, and reads in the moment in which
 * the disk shows it already.
 */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../store/memory.js'
import { register } from '../../store/model/address.js'
import { addressId } from '../../store/model/digest.js'
import { type Dot, dotText } from '../../store/model/dot.js'
import type { Commit } from '../../store/replica/types.js'
import { dotKey } from '../../store/rows/dots.js'
import { FaultyStore } from '../support/faulty-store.js'
import { liveVersions, type OpenReplica, openNode, putOver } from '../support/replicas.js'

const bytes = (text: string) => Buffer.from(text)

class CountingStore extends MemoryStore {
  batches = 0
  override write(...args: Parameters<MemoryStore['write']>): Promise<void> {
    this.batches++
    return super.write(...args)
  }
}

describe('group commit', () => {
  it('many writes in one turn are one batch, and a failing one among them leaves no trace', async () => {
    const store = new CountingStore()
    const node = await openNode('a', { store })
    const before = store.batches
    const writes = Array.from({ length: 50 }, (_, at) =>
      node.replica.transact((transaction) => {
        transaction.put(register(`k${at}`), bytes('v'), null, [])
        if (at === 20) throw new Error('changed my mind')
      }),
    )
    const outcomes = await Promise.allSettled(writes)
    expect(outcomes.filter((outcome) => outcome.status === 'rejected')).toHaveLength(1)
    expect(store.batches - before).toBeLessThanOrEqual(2)
    expect(await liveVersions(node.store)).toHaveLength(49)
    const { seen } = node.replica.sync.capture()
    expect(seen.rangeCount).toBe(1)
    expect(seen.size).toBe(49)
    expect(node.replica.userEntries).toBe(49)
  })

  it('nothing is answered, shown or told before the batch is durable', async () => {
    const store = new FaultyStore(new MemoryStore())
    const node = await openNode('a', { store })
    const commits: Commit[] = []
    node.replica.onCommit((commit) => commits.push(commit))
    const release = store.holdWrites('before')
    let isAnswered = false
    const write = putOver(node, 'k').then(() => {
      isAnswered = true
    })
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    expect(isAnswered).toBe(false)
    expect(commits).toEqual([])
    expect(node.replica.sync.capture().seen.isEmpty).toBe(true)
    expect(node.replica.versions(register('k'))).toEqual([])
    release()
    await write
    expect(commits).toHaveLength(1)
    expect(commits[0]!.issued[0]).toHaveLength(1)
    expect(commits[0]!.events.map(({ op, address }) => [op, address.key])).toEqual([['put', 'k']])
    expect(node.replica.sync.capture().seen.size).toBe(1)
  })

  it('after a failed write the node is read-only and says so; what was committed is still served', async () => {
    const store = new FaultyStore(new MemoryStore())
    const node = await openNode('a', { store })
    await putOver(node, 'before')
    store.failWrite(1, 'before')
    await expect(putOver(node, 'lost')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(putOver(node, 'after')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(node.replica.health.isVerified).toBe(false)
    expect(node.replica.versions(register('before'))).toHaveLength(1)
    expect(node.replica.sync.capture().seen.size).toBe(1)
  })
})

describe('a batch that the disk shows before its commit', () => {
  const address = register('k')
  const id = addressId(address)

  /** Two siblings at one address, and a change of them that the disk holds and that is not committed yet. */
  async function inFlight(change: (dots: readonly Dot[], node: OpenReplica) => Promise<unknown>) {
    const store = new FaultyStore(new MemoryStore())
    const node = await openNode('a', { store })
    const write = (value: string, supersedes: readonly Dot[]) =>
      node.replica.transact((transaction) => transaction.put(address, bytes(value), null, supersedes))
    const dots = [await write('one', []), await write('two', [])]
    const release = store.holdWrites('after')
    const shown = () =>
      node.replica
        .versions(address)
        .map(({ dot }) => dotText(dot))
        .join()
    const before = shown()
    const written = change(dots, node)
    while (shown() === before) await Promise.resolve()
    const end = () => {
      release()
      return written
    }
    return { node, dots, end }
  }

  it('moves an entry to another locator: it is read where it stands, with the sibling that stays', async () => {
    for (const at of [0, 1]) {
      const { node, dots, end } = await inFlight((siblings, { replica }) =>
        replica.transact((transaction) => transaction.put(address, bytes('three'), null, [siblings[at]!])),
      )
      const shown = () => node.replica.sync.peerEntry(id)!.updates.map(({ value }) => Buffer.from(value!).toString())
      expect(node.replica.sync.capture().seen.size).toBe(dots.length)
      expect(shown()).toEqual([at === 0 ? 'two' : 'one', 'three'])
      await end()
      expect(shown()).toEqual([at === 0 ? 'two' : 'one', 'three'])
    }
  })

  it('takes an entry away: it is gone', async () => {
    const { node, end } = await inFlight((dots, { replica }) =>
      replica.transact((transaction) => transaction.remove(address, dots)),
    )
    expect(node.replica.sync.peerEntry(id)).toBeUndefined()
    await end()
    expect(node.replica.sync.peerEntry(id)).toBeUndefined()
  })

  it('is not made up for a locator that was lost: that is damage, not an entry that was deleted', async () => {
    const node = await openNode('a')
    const dot = await node.replica.transact((transaction) => transaction.put(address, bytes('one'), null, []))
    await node.store.write([{ key: dotKey(dot), value: null }], { sync: true })
    expect(() => node.replica.sync.peerEntry(id)).toThrow(expect.objectContaining({ code: 'DAMAGED_VALUE' }))
    await node.replica.health.verify()
    expect(node.replica.sync.peerEntry(id)!.updates.map((update) => update.dot)).toEqual([dot])
  })
})
