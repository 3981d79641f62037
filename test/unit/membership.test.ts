/** Membership as a service, on real replicas in virtual time: records, acknowledgements, waiting. */
import { describe, expect, it } from 'vitest'
import { decodeRecord, encodeRecord, memberAddress, memberTag } from '../../protocols/membership/core/record.js'
import { type MemberNode, openEach, openLine, openMember, openMembers } from '../support/member-nodes.js'
import { FakeMesh } from '../support/network/mesh.js'
import { VirtualWorld } from '../support/virtual-environment.js'

type Trio = [MemberNode, MemberNode, MemberNode]

const converged = (node: MemberNode) => node.membership.members().map((member) => member.converged)

describe('records', () => {
  it('a node alone writes nothing; one that meets others writes its record once', async () => {
    const world = new VirtualWorld(1)
    const mesh = new FakeMesh(world)
    const a = await openMember(mesh, 'a')
    await world.runFor(5_000)
    expect(a.replica.runs.actor).toBeUndefined()
    const b = await openMember(mesh, 'b')
    mesh.connectAll()
    await world.runUntil(() => a.membership.records().length === 1 && b.membership.records().length === 1)
    await world.runFor(5_000)
    expect(a.replica.sync.capture().applied.lastOf(a.replica.runs.actor!)).toBe(1)
    expect(b.membership.members()).toMatchObject([
      { name: 'name-a', peer: 'a', connected: true, version: '0.1.0', addresses: ['/ip4/10.0.0.1/tcp/7400/p2p/a'] },
    ])
  })

  it('members are remembered across a restart, which writes nothing', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a] = nodes as Trio
    await world.runFor(10_000)
    await world.runThrough(a.stop())
    mesh.remove('a')
    const contexts = a.replica.sync.capture().seen
    const again = await openMember(mesh, 'a', { store: a.store })
    expect(again.membership.records().map(({ name }) => name)).toEqual(['name-b', 'name-c'])
    expect(again.membership.members()[0]).toMatchObject({ connected: false, converged: false, behind: 0 })
    mesh.connectAll()
    await world.runFor(3_000)
    expect(again.replica.runs.actor).toBeUndefined()
    expect(again.replica.sync.capture().seen.equals(contexts)).toBe(true)
  })

  it('a changed address is written, and told to all', async () => {
    let address = '/ip4/10.0.0.1/tcp/1'
    const world = new VirtualWorld(1)
    const mesh = new FakeMesh(world)
    const a = await openMember(mesh, 'a', { addresses: () => [address] })
    const b = await openMember(mesh, 'b')
    mesh.connectAll()
    await world.runUntil(() => b.membership.records().length === 1)
    address = '/ip4/10.0.0.1/tcp/2'
    a.membership.addressesChanged()
    await world.runUntil(() => b.membership.records()[0]!.addresses[0] === address)
  })

  it('members that settle conflicts by other rules are named; a record with other rules is written again', async () => {
    const world = new VirtualWorld(1)
    const mesh = new FakeMesh(world)
    const rule = (prefix: string, digit: string) => ({ prefix, mark: digit.repeat(16) })
    const rules = ['a/', 'b/', 'c/', 'd/', 'e/'].map((prefix) => rule(prefix, '1'))
    const a = await openMember(mesh, 'a', { rules })
    const b = await openMember(mesh, 'b', { rules: [rules[0]!, rule('b/', '2')] })
    const c = await openMember(mesh, 'c', { rules })
    mesh.connectAll()
    await world.runUntil(() => [a, b, c].every((node) => node.membership.records().length === 2))
    expect(a.membership.warnings()).toEqual([
      expect.stringMatching(/^name-b resolves 'b\/', 'c\/', 'd\/' and 1 more by another rule/),
    ])
    expect(b.membership.warnings()).toHaveLength(2)
    await world.runThrough(b.stop())
    mesh.remove('b')
    const again = await openMember(mesh, 'b', { store: b.store, rules })
    mesh.connectAll()
    const own = () => decodeRecord(again.replica.versions(memberAddress('b'))[0]!.value)
    await world.runUntil(() => own().rules?.length === rules.length)
    expect(own().rules).toEqual(rules)
    expect(again.membership.warnings()).toEqual([])
  })

  it('two nodes that share a peer id stop overwriting each other, and warn', async () => {
    const { world, nodes } = await openMembers(['a', 'b', 'c'])
    const [a, b] = nodes as Trio
    for (let round = 0; round < 10; round++) {
      await world.runThrough(
        b.replica.transact((transaction) => {
          const supersedes = transaction.versions(memberAddress('a')).map((version) => version.dot)
          transaction.put(memberAddress('a'), Buffer.from(`clone ${round}`), null, supersedes)
        }),
      )
      await world.runFor(1_000)
    }
    expect(a.replica.sync.capture().applied.lastOf(a.replica.runs.actor!)).toBeLessThan(6)
    expect(a.membership.warnings().join()).toContain('uses the peer id of this one')
  })

  it('a forgotten member is no member any more, anywhere, and stays so', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a, b, c] = nodes as Trio
    mesh.split(['a', 'b'], ['c'])
    await world.runThrough(a.membership.forget('name-c'))
    await world.runUntil(() => b.membership.isForgotten('c'))
    expect(b.membership.members().map(({ name }) => name)).toEqual(['name-a'])
    expect(b.membership.nameOf(memberTag('c'))).toBe('name-c')
    expect(await world.runThrough(a.membership.consistency.proveQuorum(1_000))).toBe(true)
    mesh.connect('b', 'c')
    await world.runFor(3_000)
    expect(b.membership.records().map(({ name }) => name)).toEqual(['name-a'])
    expect(() => b.membership.resolve('c')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    await expect(world.runThrough(a.membership.forget('name-a'))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    expect(c.membership.isForgotten('c')).toBe(false)
  })

  it('a name that two members use must be given as a peer id, and is warned of', async () => {
    const world = new VirtualWorld(1)
    const mesh = new FakeMesh(world)
    const nodes: MemberNode[] = []
    for (const peer of ['a', 'b', 'c']) nodes.push(await openMember(mesh, peer, { name: peer === 'a' ? 'a' : 'same' }))
    mesh.connectAll()
    await world.runUntil(() => nodes[0]!.membership.records().length === 2)
    expect(() => nodes[0]!.membership.resolve('same')).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
    expect(nodes[0]!.membership.resolve('b')).toBe('b')
    expect(nodes[0]!.membership.warnings().join()).toContain('several members are called same')
  })
})

describe('acknowledgements of a write', () => {
  it('come within milliseconds, name the nodes, and count this one', async () => {
    const { world, nodes } = await openMembers(['a', 'b', 'c'])
    const [a] = nodes as Trio
    await world.runFor(5_000)
    const dot = await world.runThrough(a.put('key', 'x'))
    const startMs = world.elapsedMs
    const acks = await world.runThrough(a.membership.consistency.awaitAcks(dot, 'all', 5_000))
    expect(acks).toMatchObject({ have: 3, want: 3 })
    expect([...acks.nodes].sort()).toEqual(['name-a', 'name-b', 'name-c'])
    expect(world.elapsedMs - startMs).toBeLessThan(50)
    expect(await world.runThrough(a.membership.consistency.where(dot))).toEqual({
      nodes: ['name-a', 'name-b', 'name-c'],
      missing: [],
      unknown: [],
    })
  })

  it('stay early while writes follow each other', async () => {
    const { world, nodes } = await openMembers(['a', 'b', 'c'])
    const [a] = nodes as Trio
    const startMs = world.elapsedMs
    for (let at = 0; at < 20; at++) {
      const dot = await world.runThrough(a.put('key', `${at}`))
      expect(await world.runThrough(a.membership.consistency.awaitAcks(dot, 'all', 5_000))).toMatchObject({ have: 3 })
    }
    expect(world.elapsedMs - startMs).toBeLessThan(20 * 40)
  })

  it('end with what there is when the time is over', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a] = nodes as Trio
    await world.runFor(3_000)
    mesh.split(['a'], ['b', 'c'])
    const dot = await world.runThrough(a.put('key', 'x'))
    expect(await world.runThrough(a.membership.consistency.awaitAcks(dot, 'majority', 1_000))).toEqual({
      have: 1,
      want: 2,
      nodes: ['name-a'],
    })
    expect(await world.runThrough(a.membership.consistency.where(dot))).toEqual({
      nodes: ['name-a'],
      missing: [],
      unknown: ['name-b', 'name-c'],
    })
  })

  it('do not count towards a majority from a node with another member list', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a] = nodes as Trio
    mesh.split(['a', 'b'], ['c'])
    // b alone knows of d.
    const d = await openMember(mesh, 'd')
    nodes[1]!.gossip.committed = () => undefined
    mesh.at('b')!.onGossip(() => false)
    mesh.connect('b', 'd')
    await world.runUntil(() => d.network.peers().length === 1)
    await world.runThrough(
      nodes[1]!.replica.transact((transaction) => {
        transaction.put(
          memberAddress('d'),
          d.replica.versions(memberAddress('d'))[0]?.value ??
            encodeRecord({ name: 'name-d', peer: 'd', addresses: [], version: '' }),
          null,
          [],
        )
      }),
    )
    await world.runFor(2_000)
    nodes[1]!.gossip.start()
    const dot = await world.runThrough(a.put('key', 'x'))
    const known = await world.runThrough(a.membership.consistency.awaitAcks(dot, 2, 2_000))
    expect(known).toMatchObject({ have: 2 })
    expect(await world.runThrough(a.membership.consistency.awaitAcks(dot, 'majority', 2_000))).toMatchObject({
      have: 1,
      want: 2,
    })
  })

  it('reach writers that are not neighbours', async () => {
    const { world, nodes } = await openLine(['a', 'b'], ['b', 'c'])
    const [a] = nodes
    const dot = await world.runThrough(a.put('key', 'x'))
    const acks = await world.runThrough(a.membership.consistency.awaitAcks(dot, 'all', 5_000))
    expect(acks).toMatchObject({ have: 3, want: 3 })
    expect(await world.runThrough(a.membership.consistency.wait({ converged: true, timeoutMs: 10_000 }))).toMatchObject(
      {
        isTrue: true,
      },
    )
  })
})

describe('wait', () => {
  it('returns when so many peers are connected', async () => {
    const world = new VirtualWorld(1)
    const mesh = new FakeMesh(world)
    const [a] = (await openEach(mesh, ['a', 'b', 'c'])) as Trio
    let outcome: boolean | undefined
    a.membership.consistency.wait({ peers: 2, converged: false, timeoutMs: 60_000 }).then(({ isTrue }) => {
      outcome = isTrue
    })
    mesh.connect('a', 'b')
    await world.runFor(1_000)
    expect(outcome).toBeUndefined()
    mesh.connect('a', 'c')
    await world.runUntil(() => outcome === true)
    expect(
      await world.runThrough(a.membership.consistency.wait({ peers: 3, converged: false, timeoutMs: 500 })),
    ).toMatchObject({
      isTrue: false,
    })
  })

  it('believes no heartbeat from before the call', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a, b] = nodes as Trio
    await world.runUntil(() => converged(a).every(Boolean))
    await world.runFor(5_000)
    const startMs = world.elapsedMs
    expect(await world.runThrough(a.membership.consistency.wait({ converged: true, timeoutMs: 10_000 }))).toMatchObject(
      {
        isTrue: true,
      },
    )
    expect(world.elapsedMs - startMs).toBeLessThan(10)
    // b stops to hear gossip and its heartbeats stay away: its last one still looks equal.
    mesh.silence('a', 'b')
    expect(converged(a)).toEqual([true, true])
    expect(await world.runThrough(a.membership.consistency.wait({ converged: true, timeoutMs: 1_000 }))).toMatchObject({
      isTrue: false,
    })
    expect(
      await world.runThrough(a.membership.consistency.wait({ peers: 1, converged: true, timeoutMs: 1_000 })),
    ).toMatchObject({
      isTrue: true,
    })
    expect(b.silent.length).toBeLessThanOrEqual(1)
  })

  it('ends when it is aborted, and is true at once for a node alone', async () => {
    const world = new VirtualWorld(1)
    const mesh = new FakeMesh(world)
    const a = await openMember(mesh, 'a')
    expect(await world.runThrough(a.membership.consistency.wait({ converged: true, timeoutMs: 0 }))).toMatchObject({
      isTrue: true,
    })
    const abort = new AbortController()
    const waiting = a.membership.consistency.wait({ peers: 1, converged: true, timeoutMs: 60_000 }, abort.signal)
    abort.abort()
    expect(await world.runThrough(waiting, { limitMs: 1_000 })).toMatchObject({ isTrue: false })
  })
})
