/** Heartbeats between members, on real replicas in virtual time: who is equal, silent, slow, or sends garbage. */
import { describe, expect, it } from 'vitest'
import { bytesAloneIntervalsMax, fullMeshNodesMax } from '../../protocols/membership/limits.js'
import type { Sighting, SightingStore } from '../../protocols/membership/types.js'
import { median } from '../../store/model/clock.js'
import { type MemberNode, openEach, openLine, openMember, openMembers } from '../support/member-nodes.js'
import { FakeMesh } from '../support/network/mesh.js'
import { VirtualWorld } from '../support/virtual-environment.js'

type Trio = [MemberNode, MemberNode, MemberNode]

const converged = (node: MemberNode) => node.membership.members().map((member) => member.converged)

describe('heartbeats', () => {
  it('show who is equal, who is behind and by how much', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a, b, c] = nodes as Trio
    await world.runUntil(() => nodes.every((node) => converged(node).every(Boolean)), { limitMs: 3_000 })
    mesh.split(['a', 'b'], ['c'])
    expect(converged(a)).toEqual([true, false])
    for (let at = 0; at < 3; at++) await world.runThrough(a.put(`key-${at}`, 'x'))
    await world.runUntil(() => converged(a)[0] === true && b.values('key-2').length === 1)
    expect(a.membership.members()[1]).toMatchObject({ name: 'name-c', connected: false, converged: false, behind: 3 })
    expect(a.membership.members()[1]!.hints).toMatchObject({ updates: 3 })
    mesh.connectAll()
    await world.runUntil(() => c.membership.members()[0]!.ahead === 3)
    expect(c.membership.looksEqual('a')).toBe(false)
    expect(a.membership.looksEqual('b')).toBe(true)
    expect(a.membership.lastEqualMs('b')).not.toBeNull()
  })

  it('tell of members that are not connected as soon as a mesh is too large for all connections', async () => {
    const world = new VirtualWorld(3)
    const mesh = new FakeMesh(world)
    const names = Array.from({ length: fullMeshNodesMax + 1 }, (_, at) => `n${at}`)
    const nodes = await openEach(mesh, names)
    for (const name of names.slice(1)) mesh.connect(names[0]!, name)
    await world.runUntil(() => nodes.every((node) => node.membership.records().length === fullMeshNodesMax))
    await world.runUntil(() => nodes.every((node) => converged(node).every(Boolean)), { limitMs: 30_000 })
    expect(nodes[1]!.membership.members().filter(({ connected }) => connected)).toHaveLength(1)
  })

  it('are remembered over restarts, and written only when somebody comes or goes, or hourly', async () => {
    const kept = new Map<string, Sighting>()
    const saves: number[] = []
    const world = new VirtualWorld(1)
    const mesh = new FakeMesh(world)
    const sightings: SightingStore = {
      load: async () => new Map(kept),
      save: async (now) => {
        saves.push(world.elapsedMs)
        for (const [peer, one] of now) kept.set(peer, one)
      },
    }
    const c = await openMember(mesh, 'c', { sightings })
    const nodes = [c, await openMember(mesh, 'a'), await openMember(mesh, 'b')]
    mesh.connectAll()
    await world.runUntil(() => converged(c).length === 2 && converged(c).every(Boolean), { limitMs: 5_000 })
    await world.runFor(10_000)
    expect(saves).toHaveLength(1)
    expect([...kept.keys()].sort()).toEqual(['a', 'b'])
    await world.runFor(600_000)
    expect(saves).toHaveLength(1)
    await world.runFor(3_600_000)
    expect(saves).toHaveLength(2)
    mesh.split(['a', 'b'], ['c'])
    await world.runFor(60_000)
    await world.runThrough(c.stop())
    const left = new Map(kept)
    expect([...left.values()].every(({ equalMs }) => equalMs !== null)).toBe(true)
    const again = await openMember(mesh, 'c', { sightings, store: c.store })
    for (const { peer, lastSeenMs, lastEqualMs, connected } of again.membership.members()) {
      expect({ connected, seenMs: lastSeenMs, equalMs: lastEqualMs }).toEqual({ connected: false, ...left.get(peer) })
    }
    expect(again.membership.members()).toHaveLength(2)
    expect(nodes.flatMap((node) => node.errors)).toEqual([])
  })

  it('tell since when a member is behind also while nobody is connected', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b'])
    const [a] = nodes as [MemberNode]
    await world.runUntil(() => nodes.every((node) => converged(node).every(Boolean)), { limitMs: 3_000 })
    mesh.split(['a'], ['b'])
    await world.runFor(10_000)
    expect(a.membership.members()[0]!.hints.sinceMs).toBeNull()
    const beforeMs = a.environment.nowMs()
    await world.runThrough(a.put('alone', 'x'))
    await world.runFor(60_000)
    const { hints } = a.membership.members()[0]!
    expect(hints).toMatchObject({ updates: 1 })
    expect(hints.sinceMs! - beforeMs).toBeLessThan(5_000)
  })

  it('an idle mesh sends few bytes', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    await world.runFor(10_000)
    const before = mesh.channelBytes
    await world.runFor(60_000)
    const perSecondAndNeighbour = (mesh.channelBytes - before) / 60 / 6
    expect(perSecondAndNeighbour).toBeLessThan(60)
    expect(nodes.flatMap((node) => node.errors)).toEqual([])
  })

  it('a silent neighbour is noticed within seconds, and only then', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b'])
    const [a] = nodes as Trio
    await world.runFor(20_000)
    expect(a.silent).toEqual([])
    mesh.silence('a', 'b')
    const cutMs = world.elapsedMs
    await world.runUntil(() => a.silent.length > 0)
    expect(a.silent).toEqual(['b'])
    expect(world.elapsedMs - cutMs).toBeLessThan(5_000)
  })

  it('a neighbour whose heartbeats wait behind other bytes of its own is not silent; without bytes it is', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b'])
    const [a] = nodes as Trio
    await world.runFor(20_000)
    mesh.silence('a', 'b')
    const hearBytes = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        a.network.receivedMs.set('b', a.environment.monotonicMs())
        await world.runFor(1_000)
      }
    }
    await hearBytes(bytesAloneIntervalsMax - 20)
    expect(a.silent).toEqual([])
    await world.runFor(5_000)
    expect(a.silent).toEqual(['b'])
    await hearBytes(bytesAloneIntervalsMax - 5)
    expect(a.silent).toEqual(['b'])
    await hearBytes(10)
    expect(a.silent).toEqual(['b', 'b'])
  })

  it('a node that is not verified shows no state and acknowledges nothing', async () => {
    const { world, nodes } = await openMembers(['a', 'b', 'c'])
    const [a, b] = nodes as Trio
    await world.runUntil(() => converged(a).every(Boolean))
    Object.defineProperty(b.replica.sync, 'isVerified', { get: () => false })
    b.membership.verificationChanged()
    await world.runUntil(() => a.membership.looksEqual('b') === undefined)
    expect(converged(a)).toEqual([false, true])
    const dot = await world.runThrough(a.put('key', 'x'))
    expect(await world.runThrough(a.membership.consistency.awaitAcks(dot, 'all', 3_000))).toMatchObject({
      have: 2,
      want: 3,
    })
    expect(b.values('key')).toEqual(['x'])
  })

  it('an acknowledgement shrinks when its member says so, and a relay cannot bring it back', async () => {
    // c hears of b by way of a alone.
    const { world, nodes } = await openLine(['a', 'b'], ['a', 'c'])
    const [a, b, c] = nodes
    const dot = await world.runThrough(a.put('key', 'x'))
    await world.runUntil(() => c.membership.consistency.knownHolders(dot).includes('name-b'))
    const capture = b.replica.sync.capture.bind(b.replica.sync)
    b.replica.sync.capture = () => {
      const { applied, ...rest } = capture()
      applied.setRanges(dot.actor, applied.rangesOf(dot.actor).length > 0 ? [1, dot.counter - 1] : [])
      return { applied, ...rest }
    }
    Object.defineProperty(b.replica.sync, 'damageEpoch', { get: () => 1 })
    b.membership.verificationChanged()
    await world.runUntil(() => !c.membership.consistency.knownHolders(dot).includes('name-b'))
    await world.runFor(10_000)
    expect(c.membership.consistency.knownHolders(dot)).not.toContain('name-b')
    expect(a.membership.consistency.knownHolders(dot)).not.toContain('name-b')
  })

  it('estimates the clocks of others, takes their median, and warns of one that is far off', async () => {
    const world = new VirtualWorld(5)
    const mesh = new FakeMesh(world, { latencyMs: 20, jitterMs: 30 })
    const nodes: MemberNode[] = []
    for (const [peer, offsetMs] of [
      ['a', 0],
      ['b', 200],
      ['c', 90_000],
      ['d', -400],
    ] as const) {
      nodes.push(await openMember(mesh, peer, { clock: { offsetMs } }))
    }
    const a = nodes[0]!
    expect(a.membership.memberClocks()).toEqual({ hasMembers: false, offsetsMs: [] })
    mesh.connectAll()
    await world.runFor(10_000)
    const offsets = a.membership.members().map((member) => member.clockOffsetMs!)
    for (const [at, expected] of [200, 90_000, -400].entries())
      expect(Math.abs(offsets[at]! - expected)).toBeLessThan(40)
    expect(Math.abs(median(a.membership.memberClocks().offsetsMs)! - 200)).toBeLessThan(40)
    expect(a.membership.warnings().join()).toContain('the clock of name-c is 90 s ahead of ours')
    mesh.split(['a'])
    await world.runFor(61_000)
    expect(a.membership.memberClocks()).toEqual({ hasMembers: true, offsetsMs: [] })
  })

  it('a node whose own clock is far from the median of the others says so of itself', async () => {
    const world = new VirtualWorld(5)
    const mesh = new FakeMesh(world)
    const nodes: MemberNode[] = []
    for (const [peer, offsetMs] of [
      ['a', 0],
      ['b', 0],
      ['c', 3_600_000],
    ] as const) {
      nodes.push(await openMember(mesh, peer, { clock: { offsetMs } }))
    }
    mesh.connectAll()
    const [a, , c] = nodes as Trio
    expect(c.membership.clockOffMs()).toBeNull()
    await world.runFor(10_000)
    expect(a.membership.clockOffMs()).toBeNull()
    expect(Math.round(c.membership.clockOffMs()! / 1_000)).toBe(3_600)
    expect(c.membership.warnings()).toEqual([
      "the clock of this node is 3600 s ahead of the median of the members' clocks; check the time service of this machine",
    ])
    // Its record came with a time an hour from now.
    expect(a.membership.warnings()).toEqual([
      'the clock of name-c is 3600 s ahead of ours; check the time service of both machines',
      expect.stringMatching(/^an update of name-c has a time up to 3(600|59\d) s in the future/),
    ])
  })

  it('a node that slept does not take its neighbours for silent', async () => {
    const { world, nodes } = await openMembers(['a', 'b'])
    const [a] = nodes as Trio
    await world.runFor(12_000)
    const monotonicMs = a.environment.monotonicMs.bind(a.environment)
    let sleptMs = 0
    a.environment.monotonicMs = () => monotonicMs() + sleptMs
    for (let nap = 0; nap < 10; nap++) {
      sleptMs += 60_000
      await world.runFor(5_130)
    }
    expect(a.silent).toEqual([])
  })

  it('a member whose clock went back across a restart is heard by those it is not connected to', async () => {
    const { world, mesh, nodes } = await openLine(['a', 'b'], ['a', 'c'])
    const [a, b, c] = nodes
    const first = await world.runThrough(a.put('key', 'x'))
    await world.runUntil(() => c.membership.consistency.knownHolders(first).includes('name-b'))
    await world.runThrough(b.stop())
    mesh.remove('b')
    await openMember(mesh, 'b', { store: b.store, clock: { offsetMs: -3_600_000 } })
    mesh.connect('a', 'b')
    await world.runFor(2_000)
    const second = await world.runThrough(a.put('key', 'y'))
    await world.runUntil(() => c.membership.consistency.knownHolders(second).includes('name-b'), { limitMs: 5_000 })
  })

  it('acknowledgements are kept across a restart, and not written again when nothing changed', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b'])
    const [a] = nodes as Trio
    const dot = await world.runThrough(a.put('key', 'x'))
    await world.runThrough(a.membership.consistency.awaitAcks(dot, 'all', 1_000))
    await world.runThrough(a.stop())
    mesh.remove('a')
    let saves = 0
    const again = await openMember(mesh, 'a', { store: a.store })
    expect(again.membership.consistency.knownHolders(dot)).toEqual(['name-b'])
    const save = again.replica.acks.save.bind(again.replica.acks)
    again.replica.acks.save = (...args) => {
      saves++
      return save(...args)
    }
    mesh.connectAll()
    await world.runFor(30_000)
    expect(saves).toBe(0)
    await world.runThrough(again.put('key', 'y'))
    for (let at = 0; at < 30; at++) {
      await world.runThrough(again.put('key', `${at}`))
      await world.runFor(100)
    }
    await world.runFor(10_000)
    expect(saves).toBeGreaterThan(0)
    expect(saves).toBeLessThanOrEqual(3)
  })

  it('a bad frame ends its channel, is counted, and harms nothing else', async () => {
    const { world, nodes } = await openMembers(['a', 'b'])
    const [a, b] = nodes as Trio
    const channel = await world.runThrough(a.network.open('b', { id: '/hearsay/heartbeat/1', frameBytesMax: 100 }))
    await world.runThrough(channel.send(Uint8Array.from([1, 2, 3])))
    await world.runUntil(() => b.membership.counts.malformed === 1)
    await world.runFor(10_000)
    expect(a.silent.concat(b.silent)).toEqual([])
    expect(converged(b)).toEqual([true])
  })
})
