/** The mesh of real libp2p nodes: who connects, who does not, gossip, blocks, restarts and redials. */
import { randomBytes } from 'node:crypto'
import { createConnection, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { afterEach, expect, test } from 'vitest'
import { testInvitation } from '../../daemon/net/join.js'
import { realEnvironment } from '../../daemon/net/real-environment.js'
import type { Protocol } from '../../protocols/network.js'
import { collect, connected, memberRecordOf, type TestNode, TestNodes, untilTrue } from './net-nodes.js'

const protocol: Protocol = { id: '/hearsay-test/echo/1', frameBytesMax: 1_000 }
const stopBoundMs = 2_000
const nodes = new TestNodes()
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await nodes.stop()
})

test('gossip reaches nodes over others, once each, and malformed gossip stops at the first', async () => {
  const middle = await nodes.start()
  const left = await nodes.start({ bootstrap: middle.network.addresses() })
  const right = await nodes.start({ bootstrap: middle.network.addresses() })
  const heard: string[] = []
  middle.network.onGossip((bytes) => bytes[0] !== 0xff)
  right.network.onGossip((bytes, from) => heard.push(`${bytes.toString()} ${from}`) > 0)
  await connected(left, middle)
  await connected(right, middle)
  let sent = 0
  await untilTrue(() => {
    void left.network.publish(Uint8Array.of(0xff, sent >> 8, sent & 255))
    void left.network.publish(Uint8Array.of(1, sent >> 8, sent++ & 255))
    return heard.length > 0
  })
  await left.network.publish(Uint8Array.of(2, 0))
  await untilTrue(() => heard.some((line) => line.startsWith('2,')))
  expect(heard.every((line) => line.endsWith(` ${middle.network.self}`))).toBe(true)
  expect(heard.filter((line) => line.startsWith('255'))).toEqual([])
  expect(new Set(heard).size).toBe(heard.length)
  expect(middle.network.counters.gossipRejected).toBeGreaterThan(0)
  expect(left.network.peers()).toEqual([middle.network.self])
})

test('nodes that all dial one another at once end with one connection per pair, the same on both sides', async () => {
  const all: TestNode[] = []
  for (let index = 0; index < 6; index++) all.push(await nodes.start())
  for (const node of all) {
    const others = all.filter((other) => other !== node)
    node.network.addBootstrap(others.flatMap((other) => other.network.addresses()))
  }
  await untilTrue(() => all.every((node) => node.network.peers().length === 5))
  for (const node of all) {
    const open = node.network.connections()
    expect(open).toHaveLength(5)
    for (const { peer, direction } of open) {
      const other = all.find(({ network }) => network.self === peer)?.network.connections()
      expect(other?.find((each) => each.peer === node.network.self)?.direction).not.toBe(direction)
    }
    expect(node.events.filter((event) => event.startsWith('-'))).toEqual([])
    expect(node.events).toHaveLength(5)
  }
})

test('a node under another secret never gets in', async () => {
  const inside = await nodes.start()
  const outside = await nodes.start({ secret: randomBytes(32), bootstrap: inside.network.addresses() })
  await untilTrue(() => outside.network.counters.dialFailures >= 2 && inside.network.counters.inboundAttempts >= 2)
  expect(inside.network.counters.inboundAccepted).toBe(0)
  expect([...inside.events, ...outside.events]).toEqual([])
})

test('random bytes, half-open connections and port scans harm nobody', async () => {
  const node = await nodes.start()
  const port = Number(/tcp\/(\d+)/.exec(node.network.addresses()[0] ?? '')?.[1])
  const connect = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = createConnection(port, '127.0.0.1', () => resolve(socket))
      socket.on('error', reject)
      sockets.push(socket)
    })
  const ended: Promise<unknown>[] = []
  for (let index = 0; index < 8; index++) {
    const socket = await connect()
    socket.removeAllListeners('error')
    socket.on('error', () => {})
    ended.push(new Promise((resolve) => socket.on('close', resolve)))
    socket.resume()
    if (index < 4) socket.write(randomBytes(64 * 1024))
    else if (index < 6) socket.destroy()
  }
  const other = await nodes.start({ bootstrap: node.network.addresses() })
  await connected(node, other)
  await Promise.all(ended)
  expect(node.network.counters.inboundAttempts).toBe(9)
  expect(node.network.counters.inboundAccepted).toBe(1)
  expect(node.network.peers()).toEqual([other.network.self])
})

test('a refused peer is cut off at once in both directions, and back after the refusal is lifted', async () => {
  const [first, second] = await nodes.pair()
  second.network.setMembers([memberRecordOf(first)])
  first.network.setMembers([memberRecordOf(second)])
  await first.network.setRefused((peer) => peer === second.network.self)
  expect(first.network.peers()).toEqual([])
  expect(first.network.connections()).toEqual([])
  const { refused } = first.network.counters
  await untilTrue(() => first.network.counters.refused > refused + 1)
  expect(first.network.peers()).toEqual([])
  expect(second.events).toEqual([`+${first.network.self}`, `-${first.network.self}`])
  await first.network.setRefused(() => false)
  await connected(first, second)
})

test('a new secret takes effect on the same address, and everything registered still works', async () => {
  const [first, second] = await nodes.pair()
  first.network.setMembers([memberRecordOf(second)])
  second.network.setMembers([memberRecordOf(first)])
  first.network.handle(protocol, async (channel) => {
    for await (const frame of channel.frames) await channel.send(frame)
    await channel.close()
  })
  const heard: number[] = []
  first.network.onGossip((bytes) => heard.push(bytes[0] ?? 0) > 0)
  const addresses = first.network.addresses()
  const secret = randomBytes(32)
  await first.network.restart(secret)
  expect(first.network.addresses()).toEqual(addresses)
  expect(first.events).toEqual([`+${second.network.self}`, `-${second.network.self}`])
  await untilTrue(() => second.network.counters.dialFailures > 0)
  expect(first.network.peers()).toEqual([])
  await second.network.restart(secret)
  await connected(first, second)
  const channel = await second.network.open(first.network.self, protocol)
  await channel.send(Uint8Array.of(5))
  await channel.close()
  expect(await collect(channel)).toEqual([Uint8Array.of(5)])
  await untilTrue(() => {
    void second.network.publish(Uint8Array.of(3, ...randomBytes(8)))
    return heard.length > 0
  })
  expect(heard[0]).toBe(3)
})

test('a node that comes back on the same address is found again by itself', async () => {
  const [first, second] = await nodes.pair()
  second.network.setMembers([memberRecordOf(first)])
  const listen = first.network.addresses().map((address) => address.replace(/\/p2p\/.*/, ''))
  await first.network.stop()
  await untilTrue(() => second.events.includes(`-${first.network.self}`))
  await untilTrue(() => second.network.counters.dialFailures >= 2)
  const again = await nodes.start({ identity: first.identity, listen })
  await connected(again, second)
  expect(second.network.connections()).toHaveLength(1)
})

test('a disconnected peer is redialled', async () => {
  const [first, second] = await nodes.pair()
  await first.network.disconnect(second.network.self)
  await untilTrue(() => first.events.length === 3 && second.events.length === 3)
  expect(first.events).toEqual([`+${second.network.self}`, `-${second.network.self}`, `+${second.network.self}`])
})

test('stopping ends soon with channels open, peers that do not read and half-open sockets', async () => {
  const [first, second] = await nodes.pair()
  first.network.handle(protocol, () => new Promise(() => {}))
  const port = Number(/tcp\/(\d+)/.exec(first.network.addresses()[0] ?? '')?.[1])
  await new Promise<void>((resolve) => {
    sockets.push(createConnection(port, '127.0.0.1', resolve))
  })
  const channel = await second.network.open(first.network.self, protocol)
  const stuck = (async () => {
    for (;;) await channel.send(new Uint8Array(1_000))
  })().catch(() => 'broken')
  await untilTrue(() => first.network.counters.inboundAttempts === 2)
  const startMs = performance.now()
  await first.network.stop()
  expect(performance.now() - startMs).toBeLessThan(stopBoundMs)
  expect(first.network.peers()).toEqual([])
  expect(await stuck).toBe('broken')
})

test('a taken port and a foreign address are errors that name the address', async () => {
  const first = await nodes.start()
  const listen = first.network.addresses().map((address) => address.replace(/\/p2p\/.*/, ''))
  const port = /tcp\/(\d+)/.exec(listen[0] ?? '')?.[1]
  await expect(nodes.start({ listen })).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  })
  await expect(nodes.start({ listen: ['/ip4/192.0.2.1/tcp/0'] })).rejects.toMatchObject({ code: 'BAD_CONFIG' })
  await expect(nodes.start({ listen: ['localhost:7400'] })).rejects.toMatchObject({ code: 'BAD_CONFIG' })
})

test('free ports are kept over a restart, each at its own address', async () => {
  const node = await nodes.start({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.2/tcp/0'] })
  const addresses = node.network.addresses()
  expect(new Set(addresses.map((address) => /tcp\/\d+/.exec(address)?.[0])).size).toBe(2)
  await node.network.restart(randomBytes(32))
  expect(node.network.addresses()).toEqual(addresses)
})

test('announced addresses are told instead of those listened on', async () => {
  const announce = ['/ip4/192.0.2.7/tcp/7400']
  const node = await nodes.start({ announce })
  expect(node.network.addresses()).toEqual([`/ip4/192.0.2.7/tcp/7400/p2p/${node.network.self}`])
})

test('an invitation is tested without a trace at the inviting node', async () => {
  const inviter = await nodes.start()
  const invitation = { secret: nodes.secret, peer: inviter.network.self, addresses: inviter.network.addresses() }
  expect(await testInvitation(invitation, realEnvironment)).toBe(invitation.addresses[0])
  await untilTrue(() => inviter.network.connections().length === 0)
  expect(inviter.events).toEqual([])
  const foreign = testInvitation({ ...invitation, secret: randomBytes(32) }, realEnvironment)
  await expect(foreign).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringContaining('another secret'),
  })
  const dead = testInvitation({ ...invitation, addresses: ['/ip4/127.0.0.1/tcp/1'] }, realEnvironment)
  await expect(dead).rejects.toMatchObject({ code: 'UNREACHABLE' })
})
