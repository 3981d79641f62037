/** Membership as a service, on real replicas in virtual time: records, heartbeats, acknowledgements, waiting, repair at a read. */
import { describe, expect, it } from 'vitest'
import { decodeRecord, encodeRecord, memberAddress, memberTag } from '../../protocols/membership/core/record.js'
import { bytesAloneIntervalsMax } from '../../protocols/membership/limits.js'
import { readProtocol } from '../../protocols/membership/read-messages.js'
import type { Sighting, SightingStore } from '../../protocols/membership/types.js'
import { register } from '../../store/model/address.js'
import { FakeMesh } from '../support/fake-network.js'
import { type MemberNode, openMember, openMembers } from '../support/member-nodes.js'
import { VirtualWorld } from '../support/virtual-environment.js'

type Trio = [MemberNode, MemberNode, MemberNode]

const converged = (node: MemberNode) => node.membership.members().map((member) => member.converged)

describe('records', () => {
  it('a node alone writes nothing; one that meets others writes its record once', async () => {
    const world = new VirtualWorld(1)
    const mesh = new FakeMesh(world)
    const a = await openMember(mesh, 'a')
    await world.runFor(5_000)
    expect(a.replica.actor).toBeUndefined()
    const b = await openMember(mesh, 'b')
    mesh.connectAll()
    await world.runUntil(() => a.membership.records().length === 1 && b.membership.records().length === 1)
    await world.runFor(5_000)
    expect(a.replica.capture().applied.lastOf(a.replica.actor!)).toBe(1)
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
    const contexts = a.replica.capture().seen
    const again = await openMember(mesh, 'a', { store: a.store })
    expect(again.membership.records().map(({ name }) => name)).toEqual(['name-b', 'name-c'])
    expect(again.membership.members()[0]).toMatchObject({ connected: false, converged: false, behind: 0 })
    mesh.connectAll()
    await world.runFor(3_000)
    expect(again.replica.actor).toBeUndefined()
    expect(again.replica.capture().seen.equals(contexts)).toBe(true)
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

  it('members that settle conflicts by other rules are named; a record with other rules is written anew', async () => {
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
    expect(a.replica.capture().applied.lastOf(a.replica.actor!)).toBeLessThan(6)
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
    expect(a.membership.hasQuorum()).toBe(true)
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
        a.network.heard.set('b', a.environment.monotonicMs())
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
    Object.defineProperty(b.replica, 'isVerified', { get: () => false })
    b.membership.verificationChanged()
    await world.runUntil(() => a.membership.looksEqual('b') === undefined)
    expect(converged(a)).toEqual([false, true])
    const dot = await world.runThrough(a.put('key', 'x'))
    expect(await world.runThrough(a.membership.awaitAcks(dot, 'all', 3_000))).toMatchObject({ have: 2, want: 3 })
    expect(b.values('key')).toEqual(['x'])
  })

  it('an acknowledgement shrinks when its member says so, and a relay cannot bring it back', async () => {
    // c hears of b by way of a alone.
    const { world, nodes } = await openLine(['a', 'b'], ['a', 'c'])
    const [a, b, c] = nodes
    const dot = await world.runThrough(a.put('key', 'x'))
    await world.runUntil(() => c.membership.where(dot).nodes.includes('name-b'))
    const capture = b.replica.capture.bind(b.replica)
    b.replica.capture = () => {
      const { applied, ...rest } = capture()
      applied.setRanges(dot.actor, applied.rangesOf(dot.actor).length > 0 ? [1, dot.counter - 1] : [])
      return { applied, ...rest }
    }
    Object.defineProperty(b.replica, 'damageEpoch', { get: () => 1 })
    b.membership.verificationChanged()
    await world.runUntil(() => !c.membership.where(dot).nodes.includes('name-b'))
    await world.runFor(10_000)
    expect(c.membership.where(dot).nodes).not.toContain('name-b')
    expect(a.membership.where(dot).nodes).not.toContain('name-b')
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
    expect(a.membership.medianClock()).toBe('alone')
    mesh.connectAll()
    await world.runFor(10_000)
    const offsets = a.membership.members().map((member) => member.clockOffsetMs!)
    for (const [at, expected] of [200, 90_000, -400].entries())
      expect(Math.abs(offsets[at]! - expected)).toBeLessThan(40)
    expect(Math.abs((a.membership.medianClock() as number) - 200)).toBeLessThan(40)
    expect(a.membership.warnings().join()).toContain('the clock of name-c is 90 s ahead of ours')
    mesh.split(['a'])
    await world.runFor(61_000)
    expect(a.membership.medianClock()).toBe('silent')
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
    await world.runUntil(() => c.membership.where(first).nodes.includes('name-b'))
    await world.runThrough(b.stop())
    mesh.remove('b')
    await openMember(mesh, 'b', { store: b.store, clock: { offsetMs: -3_600_000 } })
    mesh.connect('a', 'b')
    await world.runFor(2_000)
    const second = await world.runThrough(a.put('key', 'y'))
    await world.runUntil(() => c.membership.where(second).nodes.includes('name-b'), { limitMs: 5_000 })
  })

  it('acknowledgements are kept across a restart, and not written again when nothing changed', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b'])
    const [a] = nodes as Trio
    const dot = await world.runThrough(a.put('key', 'x'))
    await world.runThrough(a.membership.awaitAcks(dot, 'all', 1_000))
    await world.runThrough(a.stop())
    mesh.remove('a')
    let saves = 0
    const again = await openMember(mesh, 'a', { store: a.store })
    expect(again.membership.where(dot)).toEqual({ nodes: ['name-a', 'name-b'], unknown: [] })
    const save = again.replica.save.bind(again.replica)
    again.replica.save = (...args) => {
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

describe('acknowledgements of a write', () => {
  it('come within milliseconds, name the nodes, and count this one', async () => {
    const { world, nodes } = await openMembers(['a', 'b', 'c'])
    const [a] = nodes as Trio
    await world.runFor(5_000)
    const dot = await world.runThrough(a.put('key', 'x'))
    const startMs = world.elapsedMs
    const acks = await world.runThrough(a.membership.awaitAcks(dot, 'all', 5_000))
    expect(acks).toMatchObject({ have: 3, want: 3 })
    expect([...acks.nodes].sort()).toEqual(['name-a', 'name-b', 'name-c'])
    expect(world.elapsedMs - startMs).toBeLessThan(50)
    expect(a.membership.where(dot)).toEqual({ nodes: ['name-a', 'name-b', 'name-c'], unknown: [] })
  })

  it('stay early while writes follow each other', async () => {
    const { world, nodes } = await openMembers(['a', 'b', 'c'])
    const [a] = nodes as Trio
    const startMs = world.elapsedMs
    for (let at = 0; at < 20; at++) {
      const dot = await world.runThrough(a.put('key', `${at}`))
      expect(await world.runThrough(a.membership.awaitAcks(dot, 'all', 5_000))).toMatchObject({ have: 3 })
    }
    expect(world.elapsedMs - startMs).toBeLessThan(20 * 40)
  })

  it('end with what there is when the time is over; a minority has no quorum', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a, b] = nodes as Trio
    await world.runFor(3_000)
    expect(a.membership.hasQuorum()).toBe(true)
    mesh.split(['a'], ['b', 'c'])
    expect(a.membership.hasQuorum()).toBe(false)
    expect(b.membership.hasQuorum()).toBe(true)
    const dot = await world.runThrough(a.put('key', 'x'))
    expect(await world.runThrough(a.membership.awaitAcks(dot, 'majority', 1_000))).toEqual({
      have: 1,
      want: 2,
      nodes: ['name-a'],
    })
    expect(a.membership.where(dot)).toEqual({ nodes: ['name-a'], unknown: ['name-b', 'name-c'] })
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
    const known = await world.runThrough(a.membership.awaitAcks(dot, 2, 2_000))
    expect(known).toMatchObject({ have: 2 })
    expect(await world.runThrough(a.membership.awaitAcks(dot, 'majority', 2_000))).toMatchObject({ have: 1, want: 2 })
  })

  it('reach writers that are not neighbours', async () => {
    const { world, nodes } = await openLine(['a', 'b'], ['b', 'c'])
    const [a] = nodes
    const dot = await world.runThrough(a.put('key', 'x'))
    const acks = await world.runThrough(a.membership.awaitAcks(dot, 'all', 5_000))
    expect(acks).toMatchObject({ have: 3, want: 3 })
    expect(await world.runThrough(a.membership.wait({ converged: true, timeoutMs: 10_000 }))).toBe(true)
  })
})

describe('wait', () => {
  it('returns when so many peers are connected', async () => {
    const world = new VirtualWorld(1)
    const mesh = new FakeMesh(world)
    const [a] = (await openEach(mesh, ['a', 'b', 'c'])) as Trio
    let outcome: boolean | undefined
    a.membership.wait({ peers: 2, converged: false, timeoutMs: 60_000 }).then((result) => {
      outcome = result
    })
    mesh.connect('a', 'b')
    await world.runFor(1_000)
    expect(outcome).toBeUndefined()
    mesh.connect('a', 'c')
    await world.runUntil(() => outcome === true)
    expect(await world.runThrough(a.membership.wait({ peers: 3, converged: false, timeoutMs: 500 }))).toBe(false)
  })

  it('believes no heartbeat from before the call', async () => {
    const { world, mesh, nodes } = await openMembers(['a', 'b', 'c'])
    const [a, b] = nodes as Trio
    await world.runUntil(() => converged(a).every(Boolean))
    await world.runFor(5_000)
    const startMs = world.elapsedMs
    expect(await world.runThrough(a.membership.wait({ converged: true, timeoutMs: 10_000 }))).toBe(true)
    expect(world.elapsedMs - startMs).toBeLessThan(10)
    // b stops to hear gossip and its heartbeats stay away: its last one still looks equal.
    mesh.silence('a', 'b')
    expect(converged(a)).toEqual([true, true])
    expect(await world.runThrough(a.membership.wait({ converged: true, timeoutMs: 1_000 }))).toBe(false)
    expect(await world.runThrough(a.membership.wait({ peers: 1, converged: true, timeoutMs: 1_000 }))).toBe(true)
    expect(b.silent.length).toBeLessThanOrEqual(1)
  })

  it('ends when it is aborted, and is true at once for a node alone', async () => {
    const world = new VirtualWorld(1)
    const mesh = new FakeMesh(world)
    const a = await openMember(mesh, 'a')
    expect(await world.runThrough(a.membership.wait({ converged: true, timeoutMs: 0 }))).toBe(true)
    const abort = new AbortController()
    const waiting = a.membership.wait({ peers: 1, converged: true, timeoutMs: 60_000 }, abort.signal)
    abort.abort()
    expect(await world.runThrough(waiting, { limitMs: 1_000 })).toBe(false)
  })
})

describe('read repair', () => {
  const address = register('key')

  async function lagging() {
    const opened = await openMembers(['a', 'b', 'c'])
    const { world, mesh, nodes } = opened
    const [a] = nodes as Trio
    await world.runThrough(a.put('key', 'old'))
    await world.runUntil(() => nodes.every((node) => node.values('key')[0] === 'old'))
    mesh.split(['a', 'b'], ['c'])
    return { ...opened, a, b: nodes[1]!, c: nodes[2]! }
  }

  it('brings what was missed here, and only that', async () => {
    const { world, mesh, a, c } = await lagging()
    await world.runThrough(a.put('key', 'new'))
    await world.runThrough(a.put('other', 'x'))
    await world.runFor(100)
    mesh.connectAll()
    await world.runThrough(c.membership.readRepair(address, 'majority', 5_000))
    expect(c.values('key')).toEqual(['new'])
    expect(c.values('other')).toEqual([])
    expect(c.replica.capture().seen.covers(a.replica.capture().seen)).toBe(false)
  })

  it('takes away what was deleted elsewhere, and never what others have not seen', async () => {
    const { world, mesh, a, b, c } = await lagging()
    await world.runThrough(
      a.replica.transact((transaction) => {
        transaction.remove(
          address,
          transaction.versions(address).map((version) => version.dot),
        )
      }),
    )
    await world.runUntil(() => b.values('key').length === 0)
    await world.runThrough(
      c.replica.transact((transaction) => {
        transaction.put(address, Buffer.from('concurrent'), null, [])
      }),
    )
    expect(c.values('key').sort()).toEqual(['concurrent', 'old'])
    mesh.connectAll()
    await world.runThrough(c.membership.readRepair(address, 'all', 5_000))
    expect(c.values('key')).toEqual(['concurrent'])
    // Those that lagged were repaired before the read returned.
    expect(a.values('key')).toEqual(['concurrent'])
    expect(b.values('key')).toEqual(['concurrent'])
  })

  it('refuses when too few answer, when the member lists differ, and while this store is not verified', async () => {
    const { world, mesh, a, b, c } = await lagging()
    await expect(world.runThrough(c.membership.readRepair(address, 'majority', 1_000))).rejects.toMatchObject({
      code: 'NO_QUORUM',
      details: { have: 1, want: 2 },
    })
    await expect(world.runThrough(a.membership.readRepair(address, 'all', 1_000))).rejects.toMatchObject({
      code: 'NO_QUORUM',
    })
    await world.runThrough(a.membership.readRepair(address, 'majority', 1_000))
    b.network.handle(readProtocol, () => new Promise(() => undefined))
    await expect(world.runThrough(a.membership.readRepair(address, 'majority', 1_000))).rejects.toMatchObject({
      code: 'NO_QUORUM',
    })
    await world.runThrough(c.membership.forget('b'))
    mesh.connect('a', 'c')
    await expect(world.runThrough(a.membership.readRepair(address, 'majority', 1_000))).rejects.toMatchObject({
      code: 'NO_QUORUM',
    })
    Object.defineProperty(a.replica, 'isVerified', { get: () => false })
    await expect(world.runThrough(a.membership.readRepair(address, 'majority', 1_000))).rejects.toMatchObject({
      code: 'NOT_VERIFIED',
    })
  })
})

/** The members a, b and c in a line: two pairs are connected, and the third pair hears of each other by way of the one between. */
async function openLine(...pairs: readonly (readonly [string, string])[]) {
  const world = new VirtualWorld(3)
  const mesh = new FakeMesh(world)
  const nodes = (await openEach(mesh, ['a', 'b', 'c'])) as Trio
  for (const [one, other] of pairs) mesh.connect(one, other)
  await world.runUntil(() => nodes.every((node) => node.membership.records().length === 2))
  return { world, mesh, nodes }
}

async function openEach(mesh: FakeMesh, peers: readonly string[]): Promise<MemberNode[]> {
  const nodes: MemberNode[] = []
  for (const peer of peers) nodes.push(await openMember(mesh, peer))
  return nodes
}
