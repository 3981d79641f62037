/** The frames of a yamux connection, in whatever pieces they come. */
import { Uint8ArrayList } from 'uint8arraylist'
import { expect, test } from 'vitest'
import { YamuxFrames } from '../../daemon/net/yamux-frames.js'

/** A frame of a type, with the length that its header claims and the body that follows. */
function frame(type: number, length: number, body = 0): Buffer {
  const header = Buffer.alloc(12 + body, 0xff)
  header.writeUInt8(0, 0)
  header.writeUInt8(type, 1)
  header.writeUInt32BE(length, 8)
  return header
}

const data = (length: number) => frame(0, length, length)
const windowUpdate = frame(1, 2 ** 32 - 1)

test('data up to the limit and any other frame are taken, in pieces of any size', () => {
  const bytes = Buffer.concat([data(100), windowUpdate, data(0), frame(2, 2 ** 31), data(99), frame(3, 1)])
  for (const size of [1, 2, 5, 11, 12, 13, 50, bytes.length]) {
    const frames = new YamuxFrames(100)
    for (let at = 0; at < bytes.length; at += size) expect(frames.accepts(bytes.subarray(at, at + size))).toBe(true)
    expect(frames.accepts(data(101))).toBe(false)
  }
})

test('a frame over the limit is refused at its header, before any of its bytes', () => {
  for (const length of [101, 2 ** 32 - 1]) {
    const bytes = Buffer.concat([data(100), frame(0, length)])
    expect(new YamuxFrames(100).accepts(bytes)).toBe(false)
    const frames = new YamuxFrames(100)
    expect(frames.accepts(bytes.subarray(0, -1))).toBe(true)
    expect(frames.accepts(new Uint8ArrayList(bytes.subarray(-1), Buffer.alloc(1)))).toBe(false)
  }
})
