/** How long a repeated request finds the answer of the first: whatever the wall clock does meanwhile. */
import { describe, expect, it } from 'vitest'
import { register } from '../../store/model/address.js'
import { Batch } from '../../store/replica/batch.js'
import { retryKeepMs, retryPruneIntervalMs } from '../../store/replica/limits.js'
import { Retries } from '../../store/replica/retries.js'
import { openNode, rowsOf } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'

const hash = Buffer.alloc(32, 1)
const answer = Buffer.from('answer')
const year = 365 * 24 * 3600 * 1000

type Node = Awaited<ReturnType<typeof openNode>>

/** A write with a retry key. */
const remember = (node: Node, key: string) =>
  node.replica.transact((transaction) => {
    transaction.put(register(key), Buffer.from(key), null, [])
    transaction.remember(key, hash, answer)
  })
const recall = async (node: Node, key: string) =>
  (await node.replica.transact((transaction) => transaction.recall(key))) !== undefined

/** Lets time pass in the steps in which a replica tidies up, and each step's work end. */
async function pass(node: Node, ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= retryPruneIntervalMs) {
    node.environment.pass(Math.min(leftMs, retryPruneIntervalMs))
    await settled()
    node.environment.pass(2_000)
    await settled()
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('remembered answers', () => {
  it.each([year, -year])(
    'outlive a step of the wall clock by %d ms, and go after a day of this run',
    async (stepMs) => {
      const node = await openNode('a')
      await remember(node, 'op')
      await pass(node, retryPruneIntervalMs)
      node.environment.setWallClock(node.environment.nowMs() + stepMs)
      await pass(node, 2 * retryPruneIntervalMs)
      expect(await recall(node, 'op')).toBe(true)
      await remember(node, 'later')
      await pass(node, retryKeepMs - 4 * retryPruneIntervalMs)
      expect(await recall(node, 'op')).toBe(true)
      await pass(node, 3 * retryPruneIntervalMs)
      expect([await recall(node, 'op'), await recall(node, 'later')]).toEqual([false, true])
    },
  )

  it('of an earlier run begin again with this one, whatever the clock says of the time between', async () => {
    const before = await openNode('a')
    await remember(before, 'op')
    const environment = new StillEnvironment('b', before.environment.nowMs() + year)
    const node = await openNode('a', { store: before.store }, environment)
    await pass(node, retryKeepMs - 2 * retryPruneIntervalMs)
    expect(await recall(node, 'op')).toBe(true)
    await pass(node, 3 * retryPruneIntervalMs)
    expect(await recall(node, 'op')).toBe(false)
    expect(await rowsOf(node.store, 'retryOrder')).toBe(0)
  })

  it('go with the row of their order, the oldest first, and are counted', async () => {
    const node = await openNode('a')
    const environment = new StillEnvironment('retries')
    const retries = new Retries({
      store: node.store,
      environment,
      submit: async (write) => {
        const batch = new Batch((key) => node.store.get(key))
        const result = write(batch)
        await node.store.write(batch.changes(), { sync: true })
        return result
      },
    })
    expect(await retries.prune()).toBe(0)
    for (const key of ['one', 'two']) {
      await remember(node, key)
      expect(await retries.prune()).toBe(key === 'one' ? 1 : 2)
      environment.pass(1000)
    }
    environment.pass(retryKeepMs - 2000)
    expect(await retries.prune()).toBe(1)
    expect([await recall(node, 'one'), await recall(node, 'two')]).toEqual([false, true])
    expect(await rowsOf(node.store, 'retry')).toBe(1)
  })
})
