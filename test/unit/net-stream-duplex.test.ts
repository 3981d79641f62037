/** Streams of libp2p as duplexes: order, back pressure, ends and breaks, on pairs of its own streams in memory. */

import type { Stream } from '@libp2p/interface'
import { byteStream, streamPair } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, test } from 'vitest'
import '../../daemon/polyfill.js'
import { ReceiveBudget } from '../../daemon/net/receive-budget.js'
import { StreamDuplex } from '../../daemon/net/stream-duplex.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
/** Streams in memory deliver in timers. */
const settle = async (): Promise<void> => {
  for (let round = 0; round < 5; round++) await new Promise((resolve) => setTimeout(resolve, 1))
}

async function pair(): Promise<[Stream, Stream]> {
  const [local, remote] = await streamPair()
  return [local as Stream, remote as Stream]
}

const budget = () => new ReceiveBudget(1_000_000)

async function readAll(duplex: StreamDuplex): Promise<number[]> {
  const bytes: number[] = []
  for await (const piece of duplex.source) bytes.push(...(piece as Uint8ArrayList).subarray())
  return bytes
}

describe('reading', () => {
  test('what was sent before anyone read comes in order, and then the end', async () => {
    const [local, remote] = await pair()
    remote.pause()
    local.send(Uint8Array.of(1, 2))
    local.send(Uint8Array.of(3))
    await local.close()
    await settle()
    expect(await readAll(new StreamDuplex(remote, 100, budget()))).toEqual([1, 2, 3])
  })

  test('an end that came before anyone read is an end', async () => {
    const [local, remote] = await pair()
    await local.close()
    await settle()
    expect(await readAll(new StreamDuplex(remote, 100, budget()))).toEqual([])
  })

  test('what the negotiation had read already, and gives back after the end, comes before that end', async () => {
    const [local, remote] = await pair()
    const negotiation = byteStream(remote)
    local.send(Uint8Array.of(1, 2, 3))
    await local.close()
    await settle()
    expect(await negotiation.read({ bytes: 1 })).toMatchObject({ byteLength: 1 })
    negotiation.unwrap()
    expect([remote.readableEnded, remote.readBufferLength]).toEqual([true, 2])
    expect(await readAll(new StreamDuplex(remote, 100, budget()))).toEqual([2, 3])
  })

  test('a stream is paused while enough waits, and nothing is lost when the peer ends it meanwhile', async () => {
    const [local, remote] = await pair()
    const duplex = new StreamDuplex(remote, 2, budget())
    for (const value of [1, 2, 3, 4, 5]) {
      local.send(Uint8Array.of(value))
      await settle()
    }
    expect(remote.readStatus).toBe('paused')
    expect(duplex.held).toBeLessThan(5)
    await local.close()
    await remote.close()
    await settle()
    expect(await readAll(duplex)).toEqual([1, 2, 3, 4, 5])
  })

  test('a reset is an error', async () => {
    const [local, remote] = await pair()
    const duplex = new StreamDuplex(remote, 100, budget())
    local.abort(new Error('on purpose'))
    await settle()
    await expect(readAll(duplex)).rejects.toThrow()
  })
})

describe('a budget', () => {
  test('that is full lets one stream alone go on, until it holds nothing, and closing gives back what is held', async () => {
    const shared = new ReceiveBudget(4)
    const streams = [await pair(), await pair()] as const
    const [first, second] = streams.map(([, remote]) => new StreamDuplex(remote, 100, shared)) as [
      StreamDuplex,
      StreamDuplex,
    ]
    streams[0][0].send(Uint8Array.of(1, 2))
    await settle()
    streams[1][0].send(Uint8Array.of(3, 4))
    await settle()
    // Taken out of the queue, and yet of no use: the rest of a frame is missing.
    const [firstRead, secondRead] = [first, second].map(({ source }) => source[Symbol.asyncIterator]().next())
    expect([(await firstRead)?.done, (await secondRead)?.done]).toEqual([false, false])
    streams[0][0].send(Uint8Array.of(5))
    streams[1][0].send(Uint8Array.of(6))
    await settle()
    expect([first.held, second.held]).toEqual([2, 3])
    second.release(3)
    await settle()
    expect([first.held, second.held]).toEqual([3, 0])
    streams[0][0].abort(new Error('on purpose'))
    await settle()
    expect(shared.held).toBe(0)
  })
})

describe('sending', () => {
  test('a sink ends its side after everything, and fails when the stream is reset while the peer takes no more', async () => {
    const [local, remote] = await pair()
    const reading = readAll(new StreamDuplex(remote, 100, budget()))
    const numbers = async function* () {
      for (const value of [1, 2, 3]) yield Uint8Array.of(value)
    }
    await new StreamDuplex(local, 100, budget()).sink(numbers())
    expect(await reading).toEqual([1, 2, 3])

    const [stuck] = await pair()
    stuck.send = () => false
    const sending = new StreamDuplex(stuck, 100, budget()).sink(numbers())
    await turn()
    stuck.abort(new Error('on purpose'))
    await expect(sending).rejects.toThrow('closed')
  })
})
