/**
 * Rule 11: a store that lost rows must never read as one that deleted them. Rows are taken away or bent behind the
 * replica's back.
 */
import { describe, expect, it, vi } from 'vitest'
import { rangeOf } from '../../store/keyspace.js'
import { MemoryStore } from '../../store/memory.js'
import { register } from '../../store/model/address.js'
import { Context } from '../../store/model/context.js'
import { versionDigest } from '../../store/model/digest.js'
import { dotText, type NamedDot } from '../../store/model/dot.js'
import { ReplicaCore } from '../../store/replica/core.js'
import { Health } from '../../store/replica/health.js'
import { UpdateLog } from '../../store/replica/log.js'
import { openRows } from '../../store/replica/opening.js'
import { Replica } from '../../store/replica/replica.js'
import { contextKey } from '../../store/rows/contexts.js'
import { dotKey } from '../../store/rows/dots.js'
import { entryKey } from '../../store/rows/entries.js'
import { stateKey } from '../../store/rows/state.js'
import { FaultyStore } from '../support/faulty-store.js'
import { type OpenReplica, openNode } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'

const bytes = (text: string) => Buffer.from(text)

/** A closed store with five keys, one of them overwritten and one deleted. */
async function makeStore() {
  const store = new MemoryStore()
  const node = await openNode('a', { store })
  node.replica.log.setObligations([{ member: '2222222222222222', acknowledged: node.replica.sync.capture().applied }])
  const dots = new Map<string, { actor: string; counter: number }>()
  const write = async (key: string, value: string | null) => {
    const address = register(key)
    const dot = await node.replica.transact((transaction) => {
      const superseded = transaction.versions(address).map((version) => version.dot)
      return value === null
        ? transaction.remove(address, superseded)
        : transaction.put(address, bytes(value), null, superseded)
    })
    dots.set(key, dot)
    return dot
  }
  for (const key of ['one', 'two', 'three', 'four']) await write(key, key)
  const overwritten = dots.get('two')!
  await write('two', 'TWO')
  await write('four', null)
  const peer = node.replica.sync.capture()
  return { store, dots, overwritten, peer, root: [...peer.root], userEntries: node.replica.userEntries }
}

const reopen = (store: MemoryStore): Promise<OpenReplica> => openNode('again', { store })
const openUnverified = (store: MemoryStore) =>
  Replica.open({
    store,
    environment: new StillEnvironment('suspect'),
    member: '3333333333333333',
    sync: true,
    clockBoundMs: 60_000,
    log: { maxBytes: 1 << 30, maxAgeMs: Number.POSITIVE_INFINITY },
    isSuspect: true,
  })
const remove = (store: MemoryStore, key: Uint8Array) => store.write([{ key, value: null }], { sync: true })
const seen = (node: OpenReplica) => new Set([...node.replica.sync.capture().seen.dots()].map(dotText))

async function bend(store: MemoryStore, key: Uint8Array): Promise<void> {
  const value = Buffer.from(store.get(key)!)
  value[Math.floor(value.length / 2)]! ^= 0x10
  await store.write([{ key, value }], { sync: true })
}

/**
 * A healthy copy sends everything that the damaged one misses; afterwards both are equal and a further start finds
 * nothing wrong.
 */
async function heals(made: Awaited<ReturnType<typeof makeStore>>, node: OpenReplica): Promise<void> {
  const healthy = await openNode('healthy')
  const fresh = await makeCopy(made)
  await healthy.replica.sync.applyUpdates(fresh)
  const missing = healthy.replica.sync.capture().applied.minus(node.replica.sync.capture().applied)
  const found = await healthy.replica.sync.readMissing(missing, 1 << 20, node.replica.sync.capture().applied)
  await node.replica.sync.applyUpdates({ updates: [...found.updates], members: fresh.members })
  const addresses = ['one', 'two', 'three', 'four'].map(register)
  const peer = healthy.replica.sync.capture()
  await node.replica.sync.joinEntries(
    addresses.map((address) => healthy.replica.sync.peerEntryAt(address)),
    peer,
  )
  await node.replica.sync.unite(peer)
  expect([...node.replica.sync.capture().root]).toEqual(made.root)
  expect(node.replica.userEntries).toBe(made.userEntries)
  const again = await openNode('third', { store: node.store })
  expect(again.warnings).toEqual([])
}

/** The same updates as `makeStore` wrote, taken from an undamaged run of it. */
async function makeCopy(made: Awaited<ReturnType<typeof makeStore>>) {
  const { store } = await makeStore()
  const node = await openNode('source', { store })
  const { applied, members } = node.replica.sync.capture()
  expect(applied.equals(made.peer.applied)).toBe(true)
  const { updates } = await node.replica.sync.readMissing(applied, 1 << 20)
  return { updates: [...updates], members }
}

describe('damage on the disk', () => {
  it.each(['overwritten', 'delete'] as const)(
    'an unreadable log row of what is not live (%s) takes nothing out of the contexts',
    async (which) => {
      const made = await makeStore()
      const dot = which === 'overwritten' ? made.overwritten : made.dots.get('four')!
      await bend(made.store, dotKey(dot))
      const node = await reopen(made.store)
      expect(node.warnings.join()).toContain('located')
      expect(made.store.get(dotKey(dot))).toBeUndefined()
      const { seen: kept, applied } = node.replica.sync.capture()
      expect([kept.equals(made.peer.seen), applied.equals(made.peer.applied)]).toEqual([true, true])
      expect([...node.replica.sync.capture().root]).toEqual(made.root)
    },
  )

  it('a sound store opens without a warning and with the same root', async () => {
    const made = await makeStore()
    const node = await reopen(made.store)
    expect(node.warnings).toEqual([])
    expect([...node.replica.sync.capture().root]).toEqual(made.root)
    expect(node.replica.health.isVerified).toBe(true)
  })

  it('a lost entry: exactly its dot leaves the contexts, and a peer brings it back', async () => {
    const made = await makeStore()
    await remove(made.store, entryKey(register('one')))
    const node = await reopen(made.store)
    expect(node.warnings.join()).toContain('located')
    const expected = new Set([...made.peer.seen.dots()].map(dotText))
    expected.delete(dotText(made.dots.get('one')!))
    expect(seen(node)).toEqual(expected)
    await heals(made, node)
    expect(node.replica.versions(register('one'))).toHaveLength(1)
  })

  it('a bent entry is reported, never answered as absent, and comes back from a peer', async () => {
    const made = await makeStore()
    const node = await reopen(made.store)
    await bend(made.store, entryKey(register('three')))
    expect(() => node.replica.versions(register('three'))).toThrow(expect.objectContaining({ code: 'DAMAGED_VALUE' }))
    await node.replica.health.verify()
    expect(node.replica.sync.capture().seen.has(made.dots.get('three')!)).toBe(false)
    expect(node.replica.health.damageEpoch).toBeGreaterThan(0)
    await heals(made, node)
    expect(node.replica.versions(register('three'))).toHaveLength(1)
  })

  it.each(['lost', 'bent'])('a %s index row of a live version is made again', async (how) => {
    const made = await makeStore()
    const key = dotKey(made.dots.get('two')!)
    await (how === 'lost' ? remove(made.store, key) : bend(made.store, key))
    const node = await reopen(made.store)
    expect(node.replica.versions(register('two'))).toHaveLength(1)
    expect(node.replica.sync.capture().seen.has(made.dots.get('two')!)).toBe(true)
    await heals(made, node)
  })

  it('both rows of a live version lost: the contexts are rebuilt, and nothing that is missing counts as deleted', async () => {
    const made = await makeStore()
    await remove(made.store, entryKey(register('one')))
    await remove(made.store, dotKey(made.dots.get('one')!))
    const node = await reopen(made.store)
    expect(node.warnings.join()).toContain('could not be located')
    expect(node.replica.sync.capture().seen.has(made.dots.get('one')!)).toBe(false)
    expect(node.replica.sync.capture().seen.has(made.dots.get('three')!)).toBe(true)
    expect(node.replica.sync.capture().seen.has(made.dots.get('four')!)).toBe(true)
    await heals(made, node)
    expect(node.replica.versions(register('one'))).toHaveLength(1)
    expect(node.replica.versions(register('four'))).toEqual([])
  })

  it('a context row and both rows of a version lost under a running node: what memory remembers does not make the version deleted', async () => {
    const made = await makeStore()
    const node = await reopen(made.store)
    const dot = made.dots.get('one')!
    for (const key of [contextKey(dot.actor), entryKey(register('one')), dotKey(dot)]) await remove(made.store, key)
    await node.replica.health.verify()
    expect(node.warnings.join()).toContain('could not be located')
    expect(node.replica.sync.capture().seen.has(dot)).toBe(false)
    expect(node.replica.sync.capture().seen.has(made.dots.get('three')!)).toBe(true)
    await heals(made, node)
    expect(node.replica.versions(register('one'))).toHaveLength(1)
  })

  it('damage that a write under way has written over is none: nothing leaves the contexts, and nothing comes twice', async () => {
    const rows = new MemoryStore()
    const store = new FaultyStore(rows)
    const node = await openNode('a', { store })
    const address = register('k')
    const put = (value: string) =>
      node.replica.transact((transaction) => transaction.put(address, bytes(value), null, []))
    const first = await put('first')
    const { updates } = await node.replica.sync.readMissing(Context.of([first]), 1 << 20)
    const release = store.holdWrites('before')
    // It has read the row of the entry whole; what damages that row meanwhile is written over.
    const second = put('second')
    await Promise.resolve()
    await bend(rows, entryKey(address))
    await bend(rows, contextKey(first.actor))
    const verified = node.replica.health.verify()
    release()
    await verified
    expect(node.warnings).toEqual([])
    const dots = [first, await second]
    expect(seen(node)).toEqual(new Set(dots.map(dotText)))
    await node.replica.sync.applyUpdates({ updates: [...updates], members: new Map() })
    expect(node.replica.versions(address).map(({ dot }) => dot)).toEqual(dots)
    const again = await openNode('again', { store: rows })
    expect(again.warnings).toEqual([])
  })

  it('what damage takes of a batch that the disk shows before its commit is not believed: a peer brings it again', async () => {
    const source = await openNode('source')
    const address = register('k')
    const dot = await source.replica.transact((transaction) => transaction.put(address, bytes('v'), null, []))
    const { updates } = await source.replica.sync.readMissing(Context.of([dot]), 1 << 20)
    const rows = new MemoryStore()
    const store = new FaultyStore(rows)
    const node = await openNode('a', { store })
    const apply = () => node.replica.sync.applyUpdates({ updates: [...updates], members: new Map() })
    const release = store.holdWrites('after')
    const applied = apply()
    while (rows.get(dotKey(dot)) === undefined) await Promise.resolve()
    for (const key of [entryKey(address), dotKey(dot), contextKey(dot.actor)]) await remove(rows, key)
    const verified = node.replica.health.verify()
    release()
    await Promise.all([verified, applied])
    expect(node.warnings.join()).toContain('could not be located')
    expect(node.replica.sync.capture().seen.has(dot)).toBe(false)
    await apply()
    expect(node.replica.versions(address)).toHaveLength(1)
  })

  it('a put over a version whose index row is lost says, and keeps, which content it supersedes', async () => {
    const { store, dots } = await makeStore()
    const dot = dots.get('one')!
    const { replica } = await reopen(store)
    await remove(store, dotKey(dot))
    const issued: NamedDot[] = []
    replica.onCommit((commit) => issued.push(...commit.issued.flat().flatMap(({ supersedes }) => supersedes)))
    const [version] = replica.versions(register('one'))
    await replica.transact((transaction) => transaction.put(register('one'), bytes('ONE'), null, [dot]))
    const digest = versionDigest(version!, register('one'))
    expect(issued).toEqual([{ ...dot, digest }])
    expect(replica.sync.digestOf(dot)).toBe(digest)
  })

  it('all entries lost, as with a deleted table file: nothing counts as deleted', async () => {
    const made = await makeStore()
    for await (const rows of made.store.scan(rangeOf('entry')))
      for (const { key } of rows) await remove(made.store, key)
    for await (const rows of made.store.scan(rangeOf('dot'))) for (const { key } of rows) await remove(made.store, key)
    const node = await reopen(made.store)
    expect(node.replica.sync.capture().seen.isEmpty).toBe(true)
    await heals(made, node)
  })

  it.each([
    ['state row', () => stateKey],
    ['context row', (made: Awaited<ReturnType<typeof makeStore>>) => contextKey(made.dots.get('one')!.actor)],
  ] as const)('a lost or bent %s', async (_, keyOf) => {
    for (const spoil of [remove, bend]) {
      const made = await makeStore()
      await spoil(made.store, keyOf(made))
      const node = await reopen(made.store)
      for (const key of ['one', 'two', 'three']) expect(node.replica.versions(register(key))).toHaveLength(1)
      for (const key of ['one', 'two', 'three'])
        expect(node.replica.sync.capture().seen.has(made.dots.get(key)!)).toBe(true)
      await heals(made, node)
    }
  })

  it('a store known to be repaired has its contexts rebuilt even when its sums agree', async () => {
    const made = await makeStore()
    const node = await openNode('again', { store: made.store, isSuspect: true })
    expect(node.replica.health.damageEpoch).toBe(1)
    expect(node.replica.sync.capture().seen.has(made.overwritten)).toBe(true)
    await heals(made, node)
  })

  it('a write that fails does not take an address out of those that were lost', async () => {
    const made = await makeStore()
    await bend(made.store, entryKey(register('three')))
    const node = await reopen(made.store)
    const address = register('three')
    expect(node.replica.sync.awaitsPass).toBe(true)
    const write = node.replica.transact((transaction) => {
      transaction.put(address, bytes('new'), null, [])
      throw new Error('a later operation of the batch fails')
    })
    await expect(write).rejects.toThrow('a later operation')
    expect(() => node.replica.versions(address)).toThrow('lost to damage')
    expect(node.replica.sync.awaitsPass).toBe(true)
    // Only a complete pass, or a write that is stored, settles it.
    await node.replica.sync.unite((await openNode('peer')).replica.sync.capture())
    expect(node.replica.sync.awaitsPass).toBe(false)
    expect(node.replica.versions(address)).toEqual([])
  })

  it('a survey that fails otherwise than by damage leaves no backlog that grows with every commit', async () => {
    const store = new MemoryStore()
    const environment = new StillEnvironment('health')
    const options = { store, environment, member: 'a'.repeat(16), sync: true, clockBoundMs: 60_000 }
    const core = new ReplicaCore(options, await openRows(store, environment))
    const log = new UpdateLog(core, { maxBytes: 0, maxAgeMs: 0 })
    const health = new Health(core, log, { isSuspect: false, onUnreadableTables: () => {} })
    const trie = [{ id: Buffer.alloc(16), digest: null, locator: null }]
    const commit = () =>
      core.commits.emit({ ...core.committed, trie, events: [], issued: [], contextsChanged: false, changedActors: [] })
    commit()
    expect(health.trieChangesWaiting).toBe(0)
    vi.spyOn(store, 'scan').mockImplementation(() => {
      throw new Error('too many open files')
    })
    const verification = health.verify()
    commit()
    expect(health.trieChangesWaiting).toBe(1)
    await expect(verification).rejects.toThrow('too many open files')
    commit()
    expect(health.trieChangesWaiting).toBe(0)
  })

  it('while it is not verified a replica does not unite', async () => {
    const made = await makeStore()
    const node = await reopen(made.store)
    const before = seen(node)
    await bend(made.store, entryKey(register('three')))
    expect(() => node.replica.versions(register('three'))).toThrow()
    expect(node.replica.health.isVerified).toBe(false)
    const peer = await openNode('peer')
    await peer.replica.transact((transaction) => transaction.put(register('p'), bytes('p'), null, []))
    await node.replica.sync.unite(peer.replica.sync.capture())
    expect([...seen(node)].every((dot) => before.has(dot))).toBe(true)
  })

  it('a verification that fails is told with its reason, and a later one that passes ends that', async () => {
    const made = await makeStore()
    const node = await reopen(made.store)
    expect(node.replica.health.obstacle).toBeUndefined()
    expect(node.replica.health.unverifiedReason).toBeNull()
    const snapshot = vi.spyOn(made.store, 'snapshot').mockImplementation(() => {
      throw new Error('too many open files')
    })
    await expect(node.replica.health.verify()).rejects.toThrow('too many open files')
    expect(node.replica.health.unverifiedReason).toMatch(/too many open files; .*restart the daemon/)
    expect(node.replica.warnings.all()).toEqual([node.replica.health.unverifiedReason])
    // A store that was not suspect goes on serving users.
    expect(node.replica.health.obstacle).toBeUndefined()
    expect(node.replica.versions(register('one'))).toHaveLength(1)
    snapshot.mockRestore()
    await node.replica.health.verify()
    expect(node.replica.health.unverifiedReason).toBeNull()
    expect(node.replica.warnings.all()).toEqual([])
  })

  it('a suspect store says that it is being verified, and why when that has failed', async () => {
    const made = await makeStore()
    const replica = await openUnverified(made.store)
    expect(replica.health.obstacle).toMatchObject({
      code: 'NOT_VERIFIED',
      message: expect.stringContaining('try again'),
    })
    expect(() => replica.versions(register('one'))).toThrow('try again')
    const snapshot = vi.spyOn(made.store, 'snapshot').mockImplementation(() => {
      throw new Error('too many open files')
    })
    await expect(replica.health.verify()).rejects.toThrow()
    expect(replica.health.obstacle).toMatchObject({ code: 'NOT_VERIFIED', message: expect.stringContaining('restart') })
    expect(() => replica.versions(register('one'))).toThrow('too many open files')
    snapshot.mockRestore()
    await replica.health.verify()
    expect(replica.health.obstacle).toBeUndefined()
    expect(replica.versions(register('one'))).toHaveLength(1)
  })
})
