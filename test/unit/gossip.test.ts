/**
 * Gossip: what waits to be published, what came before, what is fetched, and services on real replicas in virtual time.
 */
import { describe, expect, it } from 'vitest'
import { FrameReader } from '../../protocols/channels.js'
import { Fetches } from '../../protocols/gossip/core/fetches.js'
import { Inbox } from '../../protocols/gossip/core/inbox.js'
import { Outbox } from '../../protocols/gossip/core/outbox.js'
import { fetchProgressMs, servesPerPeerMax } from '../../protocols/gossip/limits.js'
import {
  type Announcement,
  decodeFetchAnswer,
  encodeFetchRequest,
  encodeFetchUpdates,
  fetchProtocol,
} from '../../protocols/gossip/messages.js'
import { Gossip } from '../../protocols/gossip/service.js'
import type { GossipOptions } from '../../protocols/gossip/types.js'
import { register } from '../../store/model/address.js'
import type { Update } from '../../store/model/update.js'
import { type BareNode, openBareNode } from '../support/mesh-nodes.js'
import type { LinkQuality } from '../support/network/links.js'
import { FakeMesh } from '../support/network/mesh.js'
import { VirtualWorld } from '../support/virtual-environment.js'

const actor = '0102030405060708'

function update(counter: number, valueBytes: number): Update {
  return {
    dot: { actor, counter },
    address: register('key'),
    kind: 'put',
    time: { ms: 1, logical: 0 },
    expiresAtMs: null,
    value: new Uint8Array(valueBytes),
    supersedes: [],
  }
}

interface GossipNode extends BareNode {
  readonly gossip: Gossip
  readonly gaps: string[]
}

async function openNodes(peers: string[], links: Partial<LinkQuality> = {}, options: Partial<GossipOptions> = {}) {
  const world = new VirtualWorld(7)
  const mesh = new FakeMesh(world, links)
  const nodes: GossipNode[] = []
  for (const peer of peers) {
    const node = await openBareNode(mesh, peer)
    const gaps: string[] = []
    const gossip = new Gossip({ ...node, onGap: (from) => gaps.push(from), ...options })
    node.listeners.push((commit) => gossip.committed(commit))
    gossip.start()
    nodes.push({ ...node, gossip, gaps })
  }
  return { world, mesh, nodes }
}

describe('the outbox', () => {
  it('puts whole groups into one message, in order, and never splits one', () => {
    const outbox = new Outbox(1_000, 10_000)
    const groups = [[update(1, 100), update(2, 100)], [update(3, 300)], [update(4, 400)]]
    for (const group of groups) expect(outbox.add(group)).toBe(true)
    expect(outbox.take()).toEqual({ kind: 'updates', groups: groups.slice(0, 2) })
    expect(outbox.take()).toEqual({ kind: 'updates', groups: groups.slice(2) })
    expect(outbox.take()).toBeUndefined()
  })

  it('announces a group that fits no message, in its place among the others', () => {
    const outbox = new Outbox(1_000, 10_000)
    outbox.add([update(1, 10)])
    outbox.add([update(2, 600), update(3, 600)])
    outbox.add([update(4, 10)])
    expect(outbox.take()?.kind).toBe('updates')
    expect(outbox.take()).toMatchObject({
      kind: 'announcement',
      updates: [{ dot: { counter: 2 } }, { dot: { counter: 3 } }],
    })
    expect(outbox.take()?.kind).toBe('updates')
  })

  it('refuses what is beyond its bound, and takes again once there is room', () => {
    const outbox = new Outbox(1_000, 1_500)
    expect(outbox.add([update(1, 800)])).toBe(true)
    expect(outbox.add([update(2, 800)])).toBe(false)
    outbox.take()
    expect(outbox.add([update(2, 800)])).toBe(true)
  })
})

describe('the inbox', () => {
  it('is bounded by messages and by bytes, and hands out batches', () => {
    const inbox = new Inbox({ messagesMax: 3, bytesMax: 100, batchBytesMax: 50 })
    const received = (bytes: number) => ({ tagged: { updates: [], members: new Map() }, from: 'a', bytes })
    expect([40, 20, 30].map((bytes) => inbox.add(received(bytes)))).toEqual([true, true, true])
    expect(inbox.add(received(1))).toBe(false)
    expect(inbox.take().map(({ bytes }) => bytes)).toEqual([40])
    expect(inbox.take().map(({ bytes }) => bytes)).toEqual([20, 30])
    expect(inbox.add(received(101))).toBe(false)
  })
})

describe('pending fetches', () => {
  const limits = { pendingMax: 2, atOnceMax: 1, bytesAtOnceMax: 100, groupBytesMax: 50, attemptsMax: 3 }
  const announcement = (counter: number, bytes = 10): Announcement => ({
    updates: [{ dot: { actor, counter }, value: { bytes, hash: new Uint8Array(16) } }],
    members: new Map(),
  })

  it('asks the neighbour that announced, then the writer, then others, and gives up after so many attempts', () => {
    const fetches = new Fetches(limits)
    expect(fetches.add(announcement(1), 'near', 0)).toBe('added')
    const asked: string[] = []
    for (let attempt = 1; ; attempt++) {
      const fetch = fetches.take(attempt * 10, ['other', 'near', 'writer'], () => 'writer')!
      asked.push(fetch.peer)
      expect(fetches.isPending({ actor, counter: 1 })).toBe(true)
      if (fetches.failed(fetch.pending, attempt * 10, () => 5) === undefined) break
      expect(fetches.take(attempt * 10 + 4, ['other'], () => undefined)).toBeUndefined()
    }
    expect(asked).toEqual(['near', 'writer', 'other'])
    expect(fetches.isPending({ actor, counter: 1 })).toBe(false)
  })

  it('refuses what is too large, what is too many, and knows what it has', () => {
    const fetches = new Fetches(limits)
    expect(fetches.add(announcement(1, 51), 'a', 0)).toBe('refused')
    expect(fetches.add(announcement(1), 'a', 0)).toBe('added')
    expect(fetches.add(announcement(1), 'b', 0)).toBe('known')
    expect(fetches.add(announcement(2), 'a', 0)).toBe('added')
    expect(fetches.add(announcement(3), 'a', 0)).toBe('refused')
    const first = fetches.take(0, ['a'], () => undefined)!
    expect(fetches.take(0, ['a'], () => undefined)).toBeUndefined()
    fetches.done(first.pending)
    expect(fetches.take(0, ['a'], () => undefined)?.pending.dots[0]?.counter).toBe(2)
  })
})

describe('gossip', () => {
  it('brings a write to every node, by way of others too', async () => {
    const { world, mesh, nodes } = await openNodes(['a', 'b', 'c'])
    mesh.connect('a', 'b')
    mesh.connect('b', 'c')
    await world.runThrough(nodes[0]!.put('key', 'value'))
    await world.runUntil(() => nodes[2]!.values('key').includes('value'))
    expect(nodes[1]!.values('key')).toEqual(['value'])
    expect(nodes[0]!.replica.sync.capture().root).toEqual(nodes[2]!.replica.sync.capture().root)
  })

  it('coalesces what is written while a publish is out', async () => {
    const { world, mesh, nodes } = await openNodes(['a', 'b'])
    mesh.connectAll()
    const [a, b] = nodes as [GossipNode, GossipNode]
    await world.runThrough(a.put('first', 'x'))
    await world.runThrough(Promise.all(Array.from({ length: 100 }, (_, at) => a.put(`key-${at}`, 'x'))))
    await world.runUntil(() => a.gossip.counts.updatesPublished === 101 && b.replica.userEntries === 101)
    expect(a.gossip.counts.messagesPublished).toBeLessThanOrEqual(3)
    expect(b.gaps).toEqual([])
  })

  it('announces a large value and fetches it; nothing changes before all bytes are here', async () => {
    const { world, mesh, nodes } = await openNodes(['a', 'b', 'c'])
    mesh.connect('a', 'b')
    mesh.connect('b', 'c')
    const [a, b, c] = nodes as [GossipNode, GossipNode, GossipNode]
    const large = 'x'.repeat(300_000)
    await world.runThrough(
      a.replica.transact((transaction) => {
        for (const key of ['one', 'two']) transaction.put(register(key), Buffer.from(large), null, [])
      }),
    )
    let both = 0
    for (const node of [b, c]) {
      node.listeners.push((commit) => {
        expect(commit.events.map((event) => event.address.key).sort()).toEqual(['one', 'two'])
        both++
      })
    }
    await world.runUntil(() => both === 2)
    expect(c.values('two')).toEqual([large])
    expect(a.gossip.counts.announcementsPublished).toBe(1)
    expect(mesh.gossip.bytes).toBeLessThan(1_000)
    expect([...b.gaps, ...c.gaps]).toEqual([])
  })

  it('fetches from another neighbour when the first does not answer', async () => {
    const { world, mesh, nodes } = await openNodes(['a', 'b', 'c'])
    mesh.connectAll()
    const [a, b] = nodes as [GossipNode, GossipNode]
    const answer = a.network.handlerOf(fetchProtocol.id)!
    a.network.handle(fetchProtocol, async (channel) => {
      if (channel.peer === 'b') throw new Error('broken')
      return answer(channel)
    })
    await world.runThrough(a.put('key', Buffer.alloc(100_000, 'z')))
    await world.runUntil(() => b.values('key').length === 1)
    expect(b.gossip.counts.fetchesFailed).toBeGreaterThan(0)
    expect(b.gaps).toEqual([])
  })

  it('leaves a gap, and the store as it was, when every fetch fails', async () => {
    const { world, mesh, nodes } = await openNodes(['a', 'b'])
    mesh.connectAll()
    const [a, b] = nodes as [GossipNode, GossipNode]
    const before = b.replica.sync.capture()
    a.network.handle(fetchProtocol, async (channel) => channel.abort('broken'))
    await world.runThrough(a.put('key', Buffer.alloc(100_000, 'z')))
    await world.runUntil(() => b.gaps.length > 0)
    expect(b.gossip.counts).toMatchObject({ announcementsGivenUp: 1, fetches: 6, fetchesFailed: 6 })
    expect(b.replica.sync.capture().seen.equals(before.seen)).toBe(true)
  })

  it('refuses a fetched group whose bytes are not those that were announced', async () => {
    const { world, mesh, nodes } = await openNodes(['a', 'b'])
    mesh.connectAll()
    const [a, b] = nodes as [GossipNode, GossipNode]
    a.network.handle(fetchProtocol, async (channel) => {
      const { updates } = await a.replica.sync.readMissing(a.replica.sync.capture().applied, 1 << 20)
      const altered = updates.map((one) => ({ ...one, value: Buffer.alloc(100_000, 'y') }))
      await channel.send(encodeFetchUpdates(altered, true, a.replica.memberOf))
    })
    await world.runThrough(a.put('key', Buffer.alloc(100_000, 'z')))
    await world.runUntil(() => b.gaps.length > 0)
    expect(b.values('key')).toEqual([])
  })

  it('breaks a fetch that is blocked', async () => {
    const { world, mesh, nodes } = await openNodes(['a', 'b'])
    mesh.connectAll()
    const [a, b] = nodes as [GossipNode, GossipNode]
    a.network.handle(fetchProtocol, () => new Promise(() => undefined))
    await world.runThrough(a.put('key', Buffer.alloc(100_000, 'z')))
    await world.runUntil(() => b.gossip.counts.fetchesFailed > 0, { limitMs: 11_000 })
  })

  it('answers few fetches of one peer at once, and those of others all the same', async () => {
    const { world, mesh, nodes } = await openNodes(['a', 'b', 'c'])
    mesh.connectAll()
    const [a, b, c] = nodes as [GossipNode, GossipNode, GossipNode]
    const dot = await world.runThrough(a.put('key', Buffer.from('x')))
    const ask = async (from: GossipNode) => {
      const channel = await from.network.open('a', fetchProtocol)
      await channel.send(encodeFetchRequest([dot]))
      const frame = await new FrameReader(channel).next()
      return decodeFetchAnswer(frame!).kind
    }
    for (let held = 0; held < servesPerPeerMax; held++) await b.network.open('a', fetchProtocol)
    expect(await world.runThrough(ask(b))).toBe('busy')
    expect(await world.runThrough(ask(c))).toBe('updates')
    await world.runFor(fetchProgressMs + 1_000)
    expect(await world.runThrough(ask(b))).toBe('updates')
    const bad = await b.network.open('a', fetchProtocol)
    await bad.send(Buffer.from('no request'))
    await world.runUntil(() => a.gossip.counts.fetchesMalformed === 1)
  })

  it('tells of a gap when an update comes whose predecessor did not', async () => {
    const { world, mesh, nodes } = await openNodes(['a', 'b'])
    const [a, b] = nodes as [GossipNode, GossipNode]
    await world.runThrough(a.put('lost', 'x'))
    await world.runFor(10)
    mesh.connectAll()
    await world.runThrough(a.put('key', 'x'))
    await world.runUntil(() => b.values('key').length === 1)
    expect(b.gaps).toEqual(['a'])
    expect(b.values('lost')).toEqual([])
  })

  it('does not pass on what is malformed, and counts it', async () => {
    const { world, mesh, nodes } = await openNodes(['a', 'b', 'c'])
    mesh.connect('a', 'b')
    mesh.connect('b', 'c')
    const publishing = nodes[0]!.network.publish(Uint8Array.from([1, 0, 9, 9]))
    await world.runThrough(publishing)
    await world.runFor(100)
    expect(nodes[1]!.gossip.counts.malformed).toBe(1)
    expect(nodes[2]!.gossip.counts.messagesReceived).toBe(0)
  })

  it('asks for early acknowledgements in the message', async () => {
    let wanted = 0
    const { world, mesh, nodes } = await openNodes(
      ['a', 'b'],
      {},
      { wantsEarlyAcknowledgement: () => true, onEarlyAcknowledgementWanted: () => wanted++ },
    )
    mesh.connectAll()
    await world.runThrough(nodes[0]!.put('key', 'x'))
    await world.runUntil(() => nodes[1]!.values('key').length === 1)
    expect(wanted).toBe(1)
  })

  it('is the same from the same seed, under loss and jitter', async () => {
    const run = async () => {
      const { world, mesh, nodes } = await openNodes(['a', 'b', 'c'], { jitterMs: 20, loss: 0.3 })
      mesh.connectAll()
      for (let at = 0; at < 20; at++) {
        await world.runThrough(nodes[at % 3]!.put(`key-${at}`, `${at}`))
        await world.runFor(5)
      }
      await world.runFor(1_000)
      return nodes.map((node) => ({ ...node.gossip.counts, gapsFrom: node.gaps, held: node.replica.userEntries }))
    }
    const first = await run()
    expect(first.some(({ gaps }) => gaps > 0)).toBe(true)
    expect(await run()).toEqual(first)
  })
})
