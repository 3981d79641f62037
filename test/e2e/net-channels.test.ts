/** Channels between real libp2p nodes: frames, limits, ends, breaks and back pressure. */
import { randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import type { Channel, Protocol } from '../../protocols/network.js'
import { DelayingProxy } from '../support/delaying-proxy.js'
import { amount } from '../support/effort.js'
import { collect, connected, type TestNode, TestNodes, untilTrue } from './net-nodes.js'

const mebibyte = 1024 * 1024
const protocol: Protocol = { id: '/hearsay-test/echo/1', frameBytesMax: 8 * mebibyte }
const nodes = new TestNodes()

afterEach(() => nodes.stop())

async function echo(channel: Channel): Promise<void> {
  for await (const frame of channel.frames) await channel.send(frame)
  await channel.close()
}

test('frames of every size arrive whole and in order, both ways, and the end is an end', async () => {
  const [server, client] = await nodes.pair()
  server.network.handle(protocol, echo)
  const frames = [1, 127, 128, 65_535, 65_536, 300_000, 3 * mebibyte, 8 * mebibyte].map((size) => randomBytes(size))
  const channel = await client.network.open(server.network.self, protocol)
  expect(channel.peer).toBe(server.network.self)
  const received = collect(channel)
  for (const frame of frames) await channel.send(frame)
  await channel.close()
  expect((await received).map((frame) => Buffer.compare(frame, frames.shift() ?? Buffer.alloc(0)))).toEqual(
    Array(8).fill(0),
  )
  await expect(channel.send(Uint8Array.of(1))).rejects.toThrow()
})

test('many small frames sent without waiting arrive in order', async () => {
  const [server, client] = await nodes.pair()
  server.network.handle(protocol, echo)
  const channel = await client.network.open(server.network.self, protocol)
  const received = collect(channel)
  const sends = Array.from({ length: 5_000 }, (_, index) => channel.send(Uint8Array.of(index >> 8, index & 255)))
  await Promise.all(sends)
  await channel.close()
  const numbers = (await received).map((frame) => ((frame[0] ?? 0) << 8) | (frame[1] ?? 0))
  expect(numbers).toEqual(Array.from({ length: 5_000 }, (_, index) => index))
})

test('a frame over the limit or empty is refused at the sender, and the channel goes on', async () => {
  const [server, client] = await nodes.pair()
  const small: Protocol = { id: '/hearsay-test/small/1', frameBytesMax: 100 }
  server.network.handle(small, echo)
  const channel = await client.network.open(server.network.self, small)
  await expect(channel.send(new Uint8Array(101))).rejects.toThrow(RangeError)
  await expect(channel.send(new Uint8Array(0))).rejects.toThrow(RangeError)
  await channel.send(new Uint8Array(100))
  await channel.close()
  expect((await collect(channel)).map((frame) => frame.length)).toEqual([100])
})

test('a frame over the limit from a peer breaks that channel alone and is counted', async () => {
  const [server, client] = await nodes.pair()
  const lax: Protocol = { id: '/hearsay-test/strict/1', frameBytesMax: mebibyte }
  const outcomes: string[] = []
  server.network.handle({ ...lax, frameBytesMax: 1_000 }, async (channel) => {
    await collect(channel).catch((error: Error) => outcomes.push(error.name))
  })
  server.network.handle(protocol, echo)
  const channel = await client.network.open(server.network.self, lax)
  await channel.send(new Uint8Array(1_001))
  await untilTrue(() => outcomes.length > 0)
  expect(outcomes).toEqual(['InvalidDataLengthError'])
  expect(server.network.counters.badFrames).toBe(1)
  await expect(collect(channel)).rejects.toThrow()
  await expect(sendUntilBroken(channel)).rejects.toThrow()
  const other = await client.network.open(server.network.self, protocol)
  await other.send(Uint8Array.of(7))
  await other.close()
  expect(await collect(other)).toHaveLength(1)
})

test('an abort on one side breaks the other; a failing handler aborts and is counted', async () => {
  const [server, client] = await nodes.pair()
  const outcomes: string[] = []
  server.network.handle(protocol, async (channel) => {
    await collect(channel).catch(() => outcomes.push('broken'))
    throw new Error('on purpose')
  })
  const channel = await client.network.open(server.network.self, protocol)
  await channel.send(Uint8Array.of(1))
  channel.abort('on purpose')
  await untilTrue(() => outcomes.length > 0)
  await expect(collect(channel)).rejects.toThrow('on purpose')

  server.network.handle(protocol, async () => Promise.reject(new Error('on purpose')))
  const failing = await client.network.open(server.network.self, protocol)
  await expect(collect(failing)).rejects.toThrow()
  expect(server.network.counters.handlerFailures).toBe(2)
})

test('a lost connection is a break and not an end', async () => {
  const [server, client] = await nodes.pair()
  const outcomes: string[] = []
  server.network.handle(protocol, async (channel) => {
    await collect(channel).then(
      () => outcomes.push('ended'),
      () => outcomes.push('broken'),
    )
  })
  const channel = await client.network.open(server.network.self, protocol)
  await channel.send(Uint8Array.of(1))
  await untilTrue(() => server.network.counters.channelsAccepted === 1)
  await client.network.disconnect(server.network.self)
  await untilTrue(() => outcomes.length > 0)
  expect(outcomes).toEqual(['broken'])
  await expect(collect(channel)).rejects.toThrow()
})

test('a sender that is held up hears of it when the connection goes, in whatever way', async () => {
  for (const way of ['in order', 'reset'] as const) {
    const server = await nodes.start()
    const port = Number(/tcp\/(\d+)/.exec(server.network.addresses()[0]!)![1])
    const proxy = await DelayingProxy.listen(() => port)
    const client = await nodes.start({ listen: [], bootstrap: [`/ip4/127.0.0.1/tcp/${proxy.port}`] })
    await connected(server, client)
    const outcomes: string[] = []
    for (const { network } of [server, client]) {
      network.handle(protocol, (channel) => sendUntilBroken(channel).catch(() => void outcomes.push(way)))
    }
    const channels = [
      await client.network.open(server.network.self, protocol),
      await server.network.open(client.network.self, protocol),
    ]
    for (const channel of channels) sendUntilBroken(channel).catch(() => void outcomes.push(way))
    await untilTrue(() => client.network.counters.channelsAccepted + server.network.counters.channelsAccepted === 2)
    proxy.break(way)
    await untilTrue(() => outcomes.length === 4)
    await Promise.all([client.network.stop(), server.network.stop(), proxy.close()])
  }
})

test('a sender is held up while the receiver does not read', async () => {
  const [server, client] = await nodes.pair()
  const sink: Protocol = { id: '/hearsay-test/sink/1', frameBytesMax: mebibyte }
  let read!: () => void
  const reading = new Promise<void>((resolve) => {
    read = resolve
  })
  let received = 0
  server.network.handle(protocol, echo)
  server.network.handle(sink, async (channel) => {
    await reading
    received = (await collect(channel)).length
    await channel.close()
  })
  const channel = await client.network.open(server.network.self, sink)
  let taken = 0
  const sending = (async () => {
    for (let index = 0; index < 64; index++, taken++) await channel.send(new Uint8Array(mebibyte))
    await channel.close()
  })()
  const other = await client.network.open(server.network.self, protocol)
  const echoes = other.frames[Symbol.asyncIterator]()
  for (let trip = 0; trip < 200; trip++) {
    await other.send(Uint8Array.of(1))
    await echoes.next()
  }
  expect(taken).toBeLessThan(8)
  read()
  await sending
  await collect(channel)
  expect(received).toBe(64)
})

test('large frames both ways over several connections break none of them', async () => {
  const server = await nodes.start()
  const clients = [await nodes.start({ bootstrap: server.network.addresses() })]
  clients.push(await nodes.start({ bootstrap: server.network.addresses() }))
  server.network.handle(protocol, echo)
  for (const client of clients) await connected(server, client)
  const sent = randomBytes(4 * mebibyte)
  const frames = amount(4, 12)
  const echoed = async (client: TestNode): Promise<number> => {
    const channel = await client.network.open(server.network.self, protocol)
    const received = collect(channel)
    for (let index = 0; index < frames; index++) await channel.send(sent)
    await channel.close()
    return (await received).filter((frame) => Buffer.compare(frame, sent) === 0).length
  }
  expect(await Promise.all([...clients, ...clients].map(echoed))).toEqual(Array(4).fill(frames))
  for (const client of clients) expect(client.events).toEqual([`+${server.network.self}`])
})

test('what a peer sent and ended before its reader began is all there', async () => {
  const [server, client] = await nodes.pair()
  let read!: () => void
  const reading = new Promise<void>((resolve) => {
    read = resolve
  })
  const outcomes: number[] = []
  server.network.handle(protocol, async (channel) => {
    await channel.close()
    await reading
    outcomes.push((await collect(channel)).length)
  })
  const channel = await client.network.open(server.network.self, protocol)
  expect(await collect(channel)).toEqual([])
  const sending = (async () => {
    for (let index = 0; index < 10; index++) await channel.send(new Uint8Array(65_536))
    await channel.close()
  })()
  await sending
  read()
  await untilTrue(() => outcomes.length > 0)
  expect(outcomes).toEqual([10])
})

test('a reader that leaves early does not hold up its peer', async () => {
  const [server, client] = await nodes.pair()
  server.network.handle(protocol, async (channel) => {
    for await (const _ of channel.frames) break
    await channel.send(Uint8Array.of(9))
    await channel.close()
  })
  const channel = await client.network.open(server.network.self, protocol)
  for (let index = 0; index < 12; index++) await channel.send(new Uint8Array(mebibyte))
  await channel.close()
  expect(await collect(channel)).toEqual([Uint8Array.of(9)])
})

test('opening fails for a peer that is not connected or does not speak the protocol', async () => {
  const [server, client] = await nodes.pair()
  await expect(client.network.open('12D3KooWNobody', protocol)).rejects.toMatchObject({ code: 'UNREACHABLE' })
  await expect(client.network.open(server.network.self, protocol)).rejects.toThrow()
})

async function sendUntilBroken(channel: Channel): Promise<void> {
  for (let index = 0; index < 1_000; index++) await channel.send(new Uint8Array(100_000))
}
