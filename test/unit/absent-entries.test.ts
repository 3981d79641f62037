/** Entries that the trie does not hold are not looked for on the disk: when that is so, and when it is not. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../store/memory.js'
import { register } from '../../store/model/address.js'
import type { OpenReplica } from '../support/replicas.js'
import { openNode, putOver } from '../support/replicas.js'

/** Counts the reads of entries. */
class WatchedStore extends MemoryStore {
  reads = 0

  override get(...args: Parameters<MemoryStore['get']>): Uint8Array | undefined {
    if (args[0][0] === 'e'.charCodeAt(0)) this.reads++
    return super.get(...args)
  }
}

async function opened(): Promise<{ node: OpenReplica; readsOf(key: string): Promise<number> }> {
  const store = new WatchedStore()
  const node = await openNode('a', { store })
  const readsOf = async (key: string) => {
    const before = store.reads
    await node.replica.transact((transaction) => {
      const supersedes = transaction.versions(register(key)).map(({ dot }) => dot)
      transaction.put(register(key), Buffer.from('v'), null, supersedes)
    })
    return store.reads - before
  }
  return { node, readsOf }
}

describe('entries that the trie does not hold', () => {
  it('are not looked for by a write, and those that it holds are', async () => {
    const { node, readsOf } = await opened()
    expect(await readsOf('new')).toBe(0)
    expect(await readsOf('new')).toBe(1)
    expect(node.replica.versions(register('new'))).toHaveLength(1)
  })

  it('are found by the next write while the batch that stores them is under way', async () => {
    const { node } = await opened()
    await Promise.all([putOver(node, 'k'), putOver(node, 'k')])
    expect(node.replica.versions(register('k'))).toHaveLength(1)
  })

  it('are looked for while the store is being verified, and for good once damage was found', async () => {
    const { node, readsOf } = await opened()
    await readsOf('old')
    const verified = node.replica.health.verify()
    expect(await readsOf('meanwhile')).toBe(1)
    await verified
    expect(await readsOf('after')).toBe(0)
    const [key] = [...(await rowsOf(node))]
    await node.store.write([{ key: key!, value: Buffer.from('rotten') }], { sync: true })
    await node.replica.health.verify()
    expect(node.replica.sync.damageEpoch).toBe(1)
    expect(await readsOf('later')).toBe(1)
  })
})

async function rowsOf(node: OpenReplica): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = []
  for await (const rows of node.store.scan({ gte: Buffer.from('e'), lt: Buffer.from('f') })) {
    for (const { key } of rows) keys.push(key)
  }
  return keys
}
