/** The log of a replica: what is kept for members that miss it, and what goes when nobody needs it any more. */
import { describe, expect, it } from 'vitest'
import { rangeOf } from '../../store/keyspace.js'
import type { KvStore } from '../../store/kv.js'
import { Trie } from '../../store/merkle/trie.js'
import { Context } from '../../store/model/context.js'
import { compactionShare, trimRowsMax } from '../../store/replica/limits.js'
import { Verification } from '../../store/replica/verify.js'
import { openNode, putOver, removeAll, rowsOf } from '../support/replicas.js'

/** The text of every row's key and value: what is left of a deleted key on the disk. */
async function rowsNaming(store: KvStore, name: string): Promise<string[]> {
  const found: string[] = []
  for await (const rows of store.scan({})) {
    for (const { key, value } of rows) {
      if (Buffer.from(key).includes(name) || Buffer.from(value).includes(name))
        found.push(Buffer.from(key).toString('latin1'))
    }
  }
  return found
}

async function bytesOf(store: KvStore, kind: Parameters<typeof rangeOf>[0]): Promise<number> {
  let bytes = 0
  for await (const rows of store.scan(rangeOf(kind))) for (const { value } of rows) bytes += value.length
  return bytes
}

describe('the log', () => {
  it('alone in its mesh a node keeps no trace of what was deleted', async () => {
    const node = await openNode('a')
    await putOver(node, 'SECRET-NAME', 'one')
    await putOver(node, 'SECRET-NAME', 'two')
    await putOver(node, 'kept')
    await removeAll(node, 'SECRET-NAME')
    await node.replica.upkeep.trim()
    expect(await rowsNaming(node.store, 'SECRET-NAME')).not.toEqual([]) // Who is a member is not known yet.
    node.replica.log.setObligations([])
    await node.replica.upkeep.trim()
    expect(await rowsNaming(node.store, 'SECRET-NAME')).toEqual([])
    expect(await rowsOf(node.store, 'dot')).toBe(1)
    expect(node.replica.sync.capture().seen.size).toBe(4)
    expect(node.replica.log.bytes).toBe(0)
  })

  it('its size is right when writes go on while the store is verified', async () => {
    const node = await openNode('a')
    node.replica.log.setObligations([{ member: '2222222222222222', acknowledged: new Context() }])
    for (const round of ['one', 'two', 'three']) {
      for (const key of ['a', 'b', 'c']) await putOver(node, key, `${round} ${key}`)
      const writing = putOver(node, 'a', `${round}, while it is verified`)
      const verifying = node.replica.health.verify()
      const more = putOver(node, 'b', `${round}, too`)
      await Promise.all([writing, verifying, more])
    }
    const logBytes = node.replica.log.bytes
    await node.replica.health.verify()
    expect(logBytes).toBeGreaterThan(0)
    expect(node.replica.log.bytes).toBe(logBytes)
    const snapshot = node.store.snapshot()
    const survey = await new Verification(node.store, snapshot, async () => undefined).survey(new Trie())
    await snapshot.close()
    expect(survey.logBytes).toBe(logBytes)
  })

  it('a hint counts what its member misses alone: exactly when it is little, by a sample when it is much', async () => {
    const node = await openNode('a')
    await putOver(node, 'big', 'x'.repeat(2_000))
    await removeAll(node, 'big')
    const before = node.replica.sync.capture().applied
    for (let at = 0; at < 600; at++) await putOver(node, `key-${at}`)
    node.replica.log.setObligations([
      { member: '1111111111111111', acknowledged: before },
      { member: '2222222222222222', acknowledged: new Context() },
    ])
    const all = await bytesOf(node.store, 'dot')
    const { updates, bytes } = node.replica.log.hint('1111111111111111')
    expect(updates).toBe(600)
    expect(bytes).toBeGreaterThan((all - 2_200) * 0.9)
    expect(bytes).toBeLessThan((all - 2_000) * 1.1)
    await putOver(node, 'one-more')
    expect(node.replica.log.hint('1111111111111111').updates).toBe(601)
    expect(node.replica.log.hint('1111111111111111').bytes).toBeGreaterThan(bytes)
  })

  it('updates are kept until every member has acknowledged them, and go when the last one has', async () => {
    const node = await openNode('a')
    await putOver(node, 'gone')
    await removeAll(node, 'gone')
    const all = node.replica.sync.capture().applied
    node.replica.log.setObligations([
      { member: '1111111111111111', acknowledged: all },
      { member: '2222222222222222', acknowledged: new Context() },
    ])
    await node.replica.upkeep.trim()
    expect(await rowsNaming(node.store, 'gone')).not.toEqual([])
    expect(node.replica.log.hint('2222222222222222')).toMatchObject({ updates: 2 })
    const rowsBytes = await bytesOf(node.store, 'dot')
    expect(rowsBytes).toBeGreaterThan(0)
    expect(node.replica.log.hint('2222222222222222').bytes).toBe(rowsBytes)
    expect(node.replica.log.hint('2222222222222222').sinceMs).not.toBeNull()
    expect(node.replica.log.hint('1111111111111111')).toEqual({ updates: 0, bytes: 0, sinceMs: null })
    const found = await node.replica.sync.readMissing(all, 1 << 20, new Context())
    expect(found.updates.map((update) => update.kind)).toEqual(['put', 'delete'])
    node.replica.log.setObligations([
      { member: '1111111111111111', acknowledged: all },
      { member: '2222222222222222', acknowledged: all },
    ])
    await node.replica.upkeep.trim()
    expect(await rowsNaming(node.store, 'gone')).toEqual([])
  })

  it('a version superseded after its row was passed goes as well, once both are acknowledged', async () => {
    const node = await openNode('a')
    node.replica.log.setObligations([])
    await putOver(node, 'k', 'one')
    await node.replica.upkeep.trim()
    await putOver(node, 'k', 'two')
    await node.replica.upkeep.trim()
    expect(await rowsOf(node.store, 'dot')).toBe(1)
    expect(await rowsOf(node.store, 'feed')).toBe(1)
  })

  it('beyond its limit the log forgets, live versions can still be sent, and the rest is reported as not listed', async () => {
    const node = await openNode('a', { log: { maxBytes: 0, maxAgeMs: Number.POSITIVE_INFINITY } })
    node.replica.log.setObligations([{ member: '2222222222222222', acknowledged: new Context() }])
    await putOver(node, 'live')
    await putOver(node, 'gone')
    await removeAll(node, 'gone')
    await node.replica.upkeep.trim()
    const all = node.replica.sync.capture().applied
    const found = await node.replica.sync.readMissing(all, 1 << 20, new Context())
    expect(found.updates.map((update) => update.address.key)).toEqual(['live'])
    expect(found.unlisted.size).toBe(2)
  })

  it('its disk space is given back once what was trimmed is a share of what is live', async () => {
    const node = await openNode('a')
    let compactions = 0
    const { store } = node
    const compact = store.compact.bind(store)
    store.compact = (range) => {
      compactions += Buffer.compare(range.gte, rangeOf('dot').gte) === 0 ? 1 : 0
      return compact(range)
    }
    const write = async (keys: number, value: string) => {
      await Promise.all(Array.from({ length: keys }, (_, at) => putOver(node, `key-${at}`, value)))
      await node.replica.upkeep.trim()
      return compactions
    }
    node.replica.log.setObligations([])
    const enough = trimRowsMax + 10
    await write(enough / compactionShare, 'one')
    expect(await write(enough - 1, 'two')).toBe(0)
    expect(await write(1, 'three')).toBe(1)
    expect(await write(enough - 1, 'four')).toBe(1)
  })

  it('acknowledgements survive a restart', async () => {
    const node = await openNode('a')
    await putOver(node, 'k')
    await node.replica.acks.save('2222222222222222', node.replica.sync.capture().applied)
    const again = await openNode('a', { store: node.store })
    const loaded = await again.replica.acks.load()
    expect(loaded.get('2222222222222222')!.equals(node.replica.sync.capture().applied)).toBe(true)
  })
})
