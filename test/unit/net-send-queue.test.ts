/** The outgoing half of a channel: order, bounds, ends and breaks. */
import { encode } from 'it-length-prefixed'
import { expect, test } from 'vitest'
import { SendQueue } from '../../daemon/net/send-queue.js'

const piece = (...bytes: number[]) => encode.single(Uint8Array.from(bytes))
const settled = (promise: Promise<void>): Promise<string> => {
  const outcome = promise.then(
    () => 'resolved',
    () => 'rejected',
  )
  return Promise.race([outcome, new Promise<string>((resolve) => setImmediate(() => resolve('pending')))])
}

test('pushes resolve at once below the bound and wait above it until bytes are taken', async () => {
  const queue = new SendQueue(4, 4)
  const first = queue.push(piece(1))
  const second = queue.push(piece(2))
  expect(await settled(first)).toBe('resolved')
  expect(await settled(second)).toBe('pending')
  expect((await queue.next()).value.subarray()).toEqual(Uint8Array.of(1, 1, 1, 2))
  expect(await settled(second)).toBe('resolved')
})

test('small frames are taken together and a large one in several pieces, in order', async () => {
  const queue = new SendQueue(100, 5)
  for (const value of [1, 2]) void queue.push(piece(value))
  void queue.push(piece(3, 4, 5, 6, 7, 8))
  const ended = queue.end()
  const pieces: number[][] = []
  for await (const part of queue) pieces.push([...part.subarray()])
  expect(pieces).toEqual([[1, 1, 1, 2, 6], [3, 4, 5, 6, 7], [8]])
  expect(await settled(ended)).toBe('resolved')
  expect(await settled(queue.push(piece(9)))).toBe('rejected')
})

test('an end waits for what is queued, and a pull that waits gets the end', async () => {
  const queue = new SendQueue(100, 100)
  const pull = queue.next()
  void queue.push(piece(1))
  expect((await pull).done).toBe(false)
  const ended = queue.end()
  expect(await settled(ended)).toBe('pending')
  expect((await queue.next()).done).toBe(true)
  expect(await settled(ended)).toBe('resolved')
  expect(await settled(queue.end())).toBe('resolved')
})

test('a break rejects what waits and everything after, and ends the pull', async () => {
  const queue = new SendQueue(1, 100)
  const waiting = queue.push(piece(1))
  await queue.next()
  const second = queue.push(piece(2))
  const ended = queue.end()
  queue.fail(new Error('broken'))
  expect(await settled(waiting)).toBe('resolved')
  expect(await settled(second)).toBe('rejected')
  expect(await settled(ended)).toBe('rejected')
  expect(await settled(queue.push(piece(3)))).toBe('rejected')
  expect((await queue.next()).done).toBe(true)
})

test('a sink that leaves breaks the queue, unless everything was sent', async () => {
  const left = new SendQueue(100, 100)
  const pull = left.next()
  await left.return()
  expect((await pull).done).toBe(true)
  expect(await settled(left.push(piece(1)))).toBe('rejected')
  const done = new SendQueue(100, 100)
  await done.end()
  await done.return()
  expect(await settled(done.end())).toBe('resolved')
})
