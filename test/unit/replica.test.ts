/** The replica's duties beside merging: the log, expiry, identity, failures. Damage has its own file. */
import { describe, expect, it } from 'vitest'
import { FaultyStore } from '../../store/faulty.js'
import { dotKey, rangeOf } from '../../store/keyspace.js'
import type { KvStore } from '../../store/kv.js'
import { MemoryStore } from '../../store/memory.js'
import { Trie } from '../../store/merkle/trie.js'
import { register, system } from '../../store/model/address.js'
import { Context } from '../../store/model/context.js'
import { addressId } from '../../store/model/digest.js'
import { type Dot, dotText } from '../../store/model/dot.js'
import type { Commit } from '../../store/replica/types.js'
import { Verification } from '../../store/replica/verify.js'
import { liveVersions, type Node, openNode } from '../support/replicas.js'

const bytes = (text: string) => Buffer.from(text)
const put = (node: Node, key: string, value = key, expiresAtMs: number | null = null) =>
  node.replica.transact((transaction) =>
    transaction.put(
      register(key),
      bytes(value),
      expiresAtMs,
      transaction.versions(register(key)).map((version) => version.dot),
    ),
  )
const remove = (node: Node, key: string) =>
  node.replica.transact((transaction) =>
    transaction.remove(
      register(key),
      transaction.versions(register(key)).map((version) => version.dot),
    ),
  )

class CountingStore extends MemoryStore {
  batches = 0
  override write(...args: Parameters<MemoryStore['write']>): Promise<void> {
    this.batches++
    return super.write(...args)
  }
}

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

async function rowsOf(store: KvStore, kind: Parameters<typeof rangeOf>[0]): Promise<number> {
  let count = 0
  for await (const rows of store.scan(rangeOf(kind))) count += rows.length
  return count
}

async function bytesOf(store: KvStore, kind: Parameters<typeof rangeOf>[0]): Promise<number> {
  let bytes = 0
  for await (const rows of store.scan(rangeOf(kind))) for (const { value } of rows) bytes += value.length
  return bytes
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
    const { seen } = node.replica.capture()
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
    const write = put(node, 'k').then(() => {
      isAnswered = true
    })
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    expect(isAnswered).toBe(false)
    expect(commits).toEqual([])
    expect(node.replica.capture().seen.isEmpty).toBe(true)
    expect(node.replica.versions(register('k'))).toEqual([])
    release()
    await write
    expect(commits).toHaveLength(1)
    expect(commits[0]!.issued[0]).toHaveLength(1)
    expect(commits[0]!.events.map(({ op, address }) => [op, address.key])).toEqual([['put', 'k']])
    expect(node.replica.capture().seen.size).toBe(1)
  })

  it('after a failed write the node is read-only and says so; what was committed is still served', async () => {
    const store = new FaultyStore(new MemoryStore())
    const node = await openNode('a', { store })
    await put(node, 'before')
    store.failWrite(1, 'before')
    await expect(put(node, 'lost')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(put(node, 'after')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(node.replica.isVerified).toBe(false)
    expect(node.replica.versions(register('before'))).toHaveLength(1)
    expect(node.replica.capture().seen.size).toBe(1)
  })
})

describe('a batch that the disk shows before its commit', () => {
  const address = register('k')
  const id = addressId(address)

  /** Two siblings at one address, and a change of them that the disk holds and that is not committed yet. */
  async function inFlight(change: (dots: readonly Dot[], node: Node) => Promise<unknown>) {
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
      const shown = () => node.replica.peerEntry(id)!.updates.map(({ value }) => Buffer.from(value!).toString())
      expect(node.replica.capture().seen.size).toBe(dots.length)
      expect(shown()).toEqual([at === 0 ? 'two' : 'one', 'three'])
      await end()
      expect(shown()).toEqual([at === 0 ? 'two' : 'one', 'three'])
    }
  })

  it('takes an entry away: it is gone', async () => {
    const { node, end } = await inFlight((dots, { replica }) =>
      replica.transact((transaction) => transaction.remove(address, dots)),
    )
    expect(node.replica.peerEntry(id)).toBeUndefined()
    await end()
    expect(node.replica.peerEntry(id)).toBeUndefined()
  })

  it('is not made up for a locator that was lost: that is damage, not an entry that was deleted', async () => {
    const node = await openNode('a')
    const dot = await node.replica.transact((transaction) => transaction.put(address, bytes('one'), null, []))
    await node.store.write([{ key: dotKey(dot), value: null }], { sync: true })
    expect(() => node.replica.peerEntry(id)).toThrow(expect.objectContaining({ code: 'DAMAGED_VALUE' }))
    await node.replica.verify()
    expect(node.replica.peerEntry(id)!.updates.map((update) => update.dot)).toEqual([dot])
  })
})

describe('the log', () => {
  it('alone in its mesh a node keeps no trace of what was deleted', async () => {
    const node = await openNode('a')
    await put(node, 'SECRET-NAME', 'one')
    await put(node, 'SECRET-NAME', 'two')
    await put(node, 'kept')
    await remove(node, 'SECRET-NAME')
    await node.replica.trim()
    expect(await rowsNaming(node.store, 'SECRET-NAME')).not.toEqual([]) // Who is a member is not known yet.
    node.replica.setObligations([])
    await node.replica.trim()
    expect(await rowsNaming(node.store, 'SECRET-NAME')).toEqual([])
    expect(await rowsOf(node.store, 'dot')).toBe(1)
    expect(node.replica.capture().seen.size).toBe(4)
    expect(node.replica.logBytes).toBe(0)
  })

  it('its size is right when writes go on while the store is verified', async () => {
    const node = await openNode('a')
    node.replica.setObligations([{ member: '2222222222222222', acknowledged: new Context() }])
    for (const round of ['one', 'two', 'three']) {
      for (const key of ['a', 'b', 'c']) await put(node, key, `${round} ${key}`)
      const writing = put(node, 'a', `${round}, while it is verified`)
      const verifying = node.replica.verify()
      const more = put(node, 'b', `${round}, too`)
      await Promise.all([writing, verifying, more])
    }
    const { logBytes } = node.replica
    await node.replica.verify()
    expect(logBytes).toBeGreaterThan(0)
    expect(node.replica.logBytes).toBe(logBytes)
    const snapshot = node.store.snapshot()
    const survey = await new Verification(node.store, snapshot, async () => undefined).survey(new Trie())
    await snapshot.close()
    expect(survey.logBytes).toBe(logBytes)
  })

  it('a hint counts what its member misses alone: exactly when it is little, by a sample when it is much', async () => {
    const node = await openNode('a')
    await put(node, 'big', 'x'.repeat(2_000))
    await remove(node, 'big')
    const before = node.replica.capture().applied
    for (let at = 0; at < 600; at++) await put(node, `key-${at}`)
    node.replica.setObligations([
      { member: '1111111111111111', acknowledged: before },
      { member: '2222222222222222', acknowledged: new Context() },
    ])
    const all = await bytesOf(node.store, 'dot')
    const { updates, bytes } = node.replica.hint('1111111111111111')
    expect(updates).toBe(600)
    expect(bytes).toBeGreaterThan((all - 2_200) * 0.9)
    expect(bytes).toBeLessThan((all - 2_000) * 1.1)
    await put(node, 'one-more')
    expect(node.replica.hint('1111111111111111').updates).toBe(601)
    expect(node.replica.hint('1111111111111111').bytes).toBeGreaterThan(bytes)
  })

  it('updates are kept until every member has acknowledged them, and go when the last one has', async () => {
    const node = await openNode('a')
    await put(node, 'gone')
    await remove(node, 'gone')
    const all = node.replica.capture().applied
    node.replica.setObligations([
      { member: '1111111111111111', acknowledged: all },
      { member: '2222222222222222', acknowledged: new Context() },
    ])
    await node.replica.trim()
    expect(await rowsNaming(node.store, 'gone')).not.toEqual([])
    expect(node.replica.hint('2222222222222222')).toMatchObject({ updates: 2 })
    const rowsBytes = await bytesOf(node.store, 'dot')
    expect(rowsBytes).toBeGreaterThan(0)
    expect(node.replica.hint('2222222222222222').bytes).toBe(rowsBytes)
    expect(node.replica.hint('2222222222222222').sinceMs).not.toBeNull()
    expect(node.replica.hint('1111111111111111')).toEqual({ updates: 0, bytes: 0, sinceMs: null })
    const found = await node.replica.readMissing(all, 1 << 20, new Context())
    expect(found.updates.map((update) => update.kind)).toEqual(['put', 'delete'])
    node.replica.setObligations([
      { member: '1111111111111111', acknowledged: all },
      { member: '2222222222222222', acknowledged: all },
    ])
    await node.replica.trim()
    expect(await rowsNaming(node.store, 'gone')).toEqual([])
  })

  it('a version superseded after its row was passed goes as well, once both are acknowledged', async () => {
    const node = await openNode('a')
    node.replica.setObligations([])
    await put(node, 'k', 'one')
    await node.replica.trim()
    await put(node, 'k', 'two')
    await node.replica.trim()
    expect(await rowsOf(node.store, 'dot')).toBe(1)
    expect(await rowsOf(node.store, 'feed')).toBe(1)
  })

  it('beyond its limit the log forgets, live versions can still be sent, and the rest is reported as not listed', async () => {
    const node = await openNode('a', { log: { maxBytes: 0, maxAgeMs: Number.POSITIVE_INFINITY } })
    node.replica.setObligations([{ member: '2222222222222222', acknowledged: new Context() }])
    await put(node, 'live')
    await put(node, 'gone')
    await remove(node, 'gone')
    await node.replica.trim()
    const all = node.replica.capture().applied
    const found = await node.replica.readMissing(all, 1 << 20, new Context())
    expect(found.updates.map((update) => update.address.key)).toEqual(['live'])
    expect(found.unlisted.size).toBe(2)
  })

  it('acknowledgements survive a restart', async () => {
    const node = await openNode('a')
    await put(node, 'k')
    await node.replica.save('2222222222222222', node.replica.capture().applied)
    const again = await openNode('a', { store: node.store })
    const loaded = await again.replica.load()
    expect(loaded.get('2222222222222222')!.equals(node.replica.capture().applied)).toBe(true)
  })
})

describe('expiry', () => {
  const minutes = 60_000

  it('a deadline hides at once, and deletes only when well past by every clock', async () => {
    const node = await openNode('a')
    const dueMs = node.environment.nowMs() + minutes
    await put(node, 'k', 'v', dueMs)
    node.replica.setMedianClock(() => -10 * minutes)
    node.environment.pass(5 * minutes)
    expect(await node.replica.sweepExpired()).toBe(0)
    node.replica.setMedianClock(() => 'silent')
    expect(await node.replica.sweepExpired()).toBe(0)
    const root = node.replica.capture().root
    node.replica.setMedianClock(() => 0)
    expect(await node.replica.sweepExpired()).toBe(1)
    expect([...node.replica.capture().root]).not.toEqual([...root])
    expect(await liveVersions(node.store)).toEqual([])
    expect(await rowsOf(node.store, 'deadline')).toBe(0)
  })

  it('a concurrent write without a deadline survives the expiry of its sibling', async () => {
    const node = await openNode('a')
    await put(node, 'k', 'expires', node.environment.nowMs() + 1000)
    await node.replica.transact((transaction) => transaction.put(register('k'), bytes('stays'), null, []))
    node.environment.pass(10 * minutes)
    await node.replica.sweepExpired()
    expect((await liveVersions(node.store)).map((line) => line.split(' ').at(-1))).toEqual(['stays'])
  })
})

describe('identity', () => {
  it('a start writes nothing, and every run that writes has its own actor id', async () => {
    const node = await openNode('a')
    await put(node, 'one')
    const rows = await rowsOf(node.store, 'context')
    const again = await openNode('b', { store: node.store })
    expect(again.replica.actor).toBeUndefined()
    expect(await rowsOf(node.store, 'context')).toBe(rows)
    await put(again, 'two')
    expect(again.replica.actor).not.toBe(node.replica.actor)
    expect(again.replica.capture().seen.actors()).toHaveLength(2)
  })

  it('a dot of our run that we did not issue ends the run; our live versions are issued again', async () => {
    const node = await openNode('a')
    await put(node, 'mine')
    const actor = node.replica.actor!
    const forged = {
      dot: { actor, counter: 5 },
      address: register('theirs'),
      kind: 'put' as const,
      time: { ms: 1, logical: 0 },
      expiresAtMs: null,
      value: bytes('clone'),
      supersedes: [],
    }
    await node.replica.applyUpdates({ updates: [forged], members: new Map() })
    await expect.poll(() => node.replica.versions(register('mine')).length).toBe(2)
    expect(node.replica.actor).not.toBe(actor)
    expect(node.replica.versions(register('theirs'))).toHaveLength(1)
    expect(node.warnings.join()).toContain('new actor id')
    await put(node, 'later')
    expect(node.replica.versions(register('later'))[0]!.dot.actor).not.toBe(actor)
  })

  it('a wall clock that jumps against the monotonic one ends the run before the next write', async () => {
    const node = await openNode('a')
    await put(node, 'before')
    const actor = node.replica.actor!
    node.environment.pass(3_600_000)
    await put(node, 'an hour later')
    expect(node.replica.actor).toBe(actor)
    node.environment.setWallClock(node.environment.nowMs() + 2_500)
    await put(node, 'after')
    expect(node.replica.actor).not.toBe(actor)
    expect(node.replica.versions(register('after'))[0]!.dot.actor).toBe(node.replica.actor)
    await expect.poll(() => node.replica.versions(register('before')).length).toBe(2)
    expect(node.warnings.join()).toContain('clock jumped')
  })

  it('one dot with two values: both values stay, under two dots, whichever side meets it', async () => {
    const issue = async (name: string, value: string) => {
      const node = await openNode(name)
      const update = {
        dot: { actor: 'aaaaaaaaaaaaaaaa', counter: 1 },
        address: register('k'),
        kind: 'put' as const,
        time: { ms: 1, logical: 0 },
        expiresAtMs: null,
        value: bytes(value),
        supersedes: [],
      }
      await node.replica.applyUpdates({ updates: [update], members: new Map() })
      return { node, update }
    }
    const [a, b] = [await issue('a', 'one'), await issue('b', 'two')]
    await a.node.replica.applyUpdates({ updates: [b.update], members: new Map() })
    await b.node.replica.applyUpdates({ updates: [a.update], members: new Map() })
    for (const { node } of [a, b]) {
      const values = node.replica.versions(register('k')).map((version) => Buffer.from(version.value).toString())
      expect(values.toSorted()).toEqual(['one', 'two'])
    }
    const under = (node: Node) =>
      Buffer.from(
        node.replica.versions(register('k')).find((version) => version.dot.actor === 'aaaaaaaaaaaaaaaa')!.value,
      ).toString()
    expect(under(a.node)).toBe(under(b.node))
  })

  it("the mesh's own records are apart from the users' keys", async () => {
    const node = await openNode('a')
    await node.replica.transact((transaction) => transaction.put(system('member/x'), bytes('record'), null, []))
    await put(node, 'member/x')
    expect(node.replica.userEntries).toBe(1)
    const records = await node.replica.scanSystem('member/')
    expect(records.map((entry) => Buffer.from(entry.versions[0]!.value).toString())).toEqual(['record'])
    expect(await node.replica.scanSystem('other/')).toEqual([])
  })
})
