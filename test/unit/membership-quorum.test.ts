/**
 * Proofs of a quorum, who holds a version, and whom a wait is missing: asked afresh, on real replicas in virtual time.
 */
import { describe, expect, it } from 'vitest'
import { encodeRecord, memberAddress } from '../../protocols/membership/core/record.js'
import { type MemberNode, openEach, openLine, openMembers } from '../support/member-nodes.js'
import { FakeMesh } from '../support/network/mesh.js'
import { VirtualWorld } from '../support/virtual-environment.js'

type Trio = [MemberNode, MemberNode, MemberNode]

/** Frames that a node has sent to another since, heartbeats all of them. */
const beatsOf = (node: MemberNode) => node.membership.counts.sent

describe('a quorum', () => {
  it('is proven by answers within a round trip', async () => {
    const { world, nodes } = await openMembers(['a', 'b', 'c'])
    const [a] = nodes as Trio
    await world.runFor(5_000)
    const startMs = world.elapsedMs
    expect(await world.runThrough(a.membership.consistency.proveQuorum(5_000))).toBe(true)
    expect(world.elapsedMs - startMs).toBeLessThan(10)
  })

  it('is not proven by connections, nor by what was heard before the request: from the first instant of a silent cut', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a, b] = nodes as Trio
    await world.runFor(5_000)
    mesh.silence('a', 'b')
    mesh.silence('a', 'c')
    expect(a.network.peers()).toHaveLength(2)
    expect(await world.runThrough(a.membership.consistency.proveQuorum(2_000))).toBe(false)
    expect(await world.runThrough(b.membership.consistency.proveQuorum(2_000))).toBe(true)
  })

  it('is not proven by way of others: who is not connected does not count', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c', 'd', 'e'])
    const [a] = nodes as Trio
    for (const other of ['c', 'd', 'e']) mesh.disconnect('a', other)
    await world.runFor(5_000)
    // b passes on of each of the others that it was heard a moment ago.
    expect(a.membership.members().filter(({ connected }) => connected)).toHaveLength(1)
    expect(await world.runThrough(a.membership.consistency.proveQuorum(2_000))).toBe(false)
  })

  it('is found when members connect within the time', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a] = nodes as Trio
    mesh.split(['a'], ['b', 'c'])
    const proving = a.membership.consistency.proveQuorum(5_000)
    await world.runFor(2_000)
    mesh.connect('a', 'c')
    const startMs = world.elapsedMs
    expect(await world.runThrough(proving)).toBe(true)
    expect(world.elapsedMs - startMs).toBeLessThan(500)
  })

  it('shares its questions among those who come at once, and never an exchange that began before', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'], { latencyMs: 20 })
    const [a] = nodes as Trio
    await world.runFor(5_000)
    const before = beatsOf(a)
    const proofs = await world.runThrough(
      Promise.all(Array.from({ length: 200 }, () => a.membership.consistency.proveQuorum(5_000))),
    )
    expect(proofs.every(Boolean)).toBe(true)
    expect(beatsOf(a) - before).toBeLessThan(12)
    // One exchange is under way, its questions have been answered, and the answers are on their way: then the cut.
    const early = a.membership.consistency.proveQuorum(3_000)
    await world.runFor(30)
    mesh.silence('a', 'b')
    mesh.silence('a', 'c')
    const late = a.membership.consistency.proveQuorum(3_000)
    expect(await world.runThrough(late)).toBe(false)
    await world.runThrough(early)
  })

  it('does not count a node with another member list', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a, b] = nodes as Trio
    mesh.split(['a', 'b'], ['c'])
    await world.runFor(1_000)
    // b alone learns of d: its gossip does not arrive.
    mesh.at('a')!.onGossip(() => false)
    const value = encodeRecord({ name: 'name-d', peer: 'd', addresses: [], version: '' })
    await world.runThrough(
      b.replica.transact((transaction) => void transaction.put(memberAddress('d'), value, null, [])),
    )
    expect(await world.runThrough(a.membership.consistency.proveQuorum(2_000))).toBe(false)
  })

  it('a node alone is one', async () => {
    const world = new VirtualWorld(1)
    const [a] = await openEach(new FakeMesh(world), ['a'])
    expect(await world.runThrough(a!.membership.consistency.proveQuorum(0))).toBe(true)
  })
})

describe('where', () => {
  it('puts each member into exactly one list: a member that is connected and lacks the version is missing', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c', 'd'])
    const [a, b] = nodes as Trio
    await world.runFor(3_000)
    mesh.split(['a', 'b', 'c'], ['d'])
    mesh.at('b')!.onGossip(() => false)
    const dot = await world.runThrough(a.put('key', 'x'))
    expect(await world.runThrough(a.membership.consistency.where(dot))).toEqual({
      nodes: ['name-a', 'name-c'],
      missing: ['name-b'],
      unknown: ['name-d'],
    })
    expect(await world.runThrough(b.membership.consistency.where(dot))).toEqual({
      nodes: ['name-a', 'name-c'],
      missing: ['name-b'],
      unknown: ['name-d'],
    })
  })

  it('asks afresh: who does not answer is unknown, and an acknowledgement of before still counts', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a] = nodes as Trio
    const first = await world.runThrough(a.put('key', 'x'))
    await world.runThrough(a.membership.consistency.awaitAcks(first, 'all', 5_000))
    mesh.silence('a', 'b')
    const second = await world.runThrough(a.put('key', 'y'))
    const startMs = world.elapsedMs
    expect(await world.runThrough(a.membership.consistency.where(second, 1_000))).toEqual({
      nodes: ['name-a', 'name-c'],
      missing: [],
      unknown: ['name-b'],
    })
    expect(world.elapsedMs - startMs).toBeLessThanOrEqual(1_001)
    expect(await world.runThrough(a.membership.consistency.where(first, 1_000))).toMatchObject({ unknown: [] })
  })

  it('believes of a member that is not connected what was passed on since the question', async () => {
    const { world, nodes } = await openLine(['a', 'b'], ['b', 'c'])
    const [a] = nodes
    await world.runFor(3_000)
    const dot = await world.runThrough(a.put('key', 'x'))
    expect(await world.runThrough(a.membership.consistency.where(dot, 5_000))).toMatchObject({
      missing: [],
      unknown: [],
    })
  })
})

describe('a wait that does not come true', () => {
  it('names who is missing, and why', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c', 'd'])
    const [a] = nodes as Trio
    await world.runFor(3_000)
    mesh.split(['a', 'c', 'd'], ['b'])
    await world.runFor(59_000)
    mesh.at('c')!.onGossip(() => false)
    mesh.silence('a', 'd')
    await world.runThrough(a.put('key', 'x'))
    const waited = await world.runThrough(a.membership.consistency.wait({ converged: true, timeoutMs: 3_000 }))
    expect(waited).toMatchObject({
      isTrue: false,
      isUnverified: false,
      missing: [
        { name: 'name-b', reason: 'away', behind: 1 },
        { name: 'name-c', reason: 'unequal', awayMs: null, behind: 1 },
        { name: 'name-d', reason: 'silent', awayMs: null },
      ],
    })
    expect(Math.abs(waited.missing[0]!.awayMs! - 62_000)).toBeLessThan(2_500)
    expect(
      await world.runThrough(a.membership.consistency.wait({ peers: 3, converged: false, timeoutMs: 10 })),
    ).toMatchObject({
      isTrue: false,
      missing: [{ name: 'name-b', reason: 'away' }],
    })
    expect(
      await world.runThrough(a.membership.consistency.wait({ peers: 2, converged: false, timeoutMs: 10 })),
    ).toEqual({
      isTrue: true,
      missing: [],
      isUnverified: false,
    })
  })
})
