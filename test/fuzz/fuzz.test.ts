/** Fuzzing: every decoder gives a value or its documented error for any bytes, in bounded time and memory. */
import { describe, expect, it } from 'vitest'
import { limitMs, seedOf } from '../faults/faults.js'
import { amount } from '../support/effort.js'
import { Random } from '../support/random.js'
import type { Decoder } from './decoders/decoder.js'
import { decoders } from './decoders.js'

/** Inputs for each decoder: a fixed budget in the short form, above a million in all in the long one. */
const inputsEach = amount(500, 4_000, Math.ceil(1_050_000 / decoders.length))
/** One input of at most 64 KiB may take so long on a busy machine, in milliseconds. */
const inputMsMax = 2_000
/** What may be held after all inputs of a decoder beyond what was held before, in bytes. */
const heldBytesMax = 64 * 1024 * 1024

const edges = [0, 1, 0x7f, 0x80, 0xff]
const hugeNumbers = ['ffffffffffffff7f', 'ffffffffffffff0f', 'ffffffff0f', '80808080808080', 'ffffff7f'].map((hex) =>
  Buffer.from(hex, 'hex'),
)

/**
 * One input: random bytes, or an example with bytes flipped, cut, repeated, joined with another, or a huge number in
 * it.
 */
function input(random: Random, { examples, mend }: Decoder): Uint8Array {
  const one = Buffer.from(examples[random.below(examples.length)]!)
  const at = random.below(one.length)
  const kind = random.below(10)
  let bytes: Buffer = one
  if (kind === 0) bytes = Buffer.from(Array.from({ length: random.below(80) }, () => random.below(256)))
  else if (kind === 1) bytes = one.subarray(0, at)
  else if (kind === 2) {
    bytes = Buffer.concat([one.subarray(0, at), hugeNumbers[random.below(hugeNumbers.length)]!, one.subarray(at)])
  } else if (kind === 3) {
    const length = 1 + random.below(20)
    const part = one.subarray(at, at + length)
    bytes = Buffer.concat([one.subarray(0, at), ...Array(1 + random.below(200)).fill(part), one.subarray(at)])
  } else if (kind === 4) {
    const from = examples[random.below(examples.length)]!
    bytes = Buffer.concat([one.subarray(0, at), from.subarray(random.below(from.length))])
  } else if (kind === 5) bytes[at] = edges[random.below(edges.length)]!
  else if (kind === 6) for (let end = Math.min(one.length, at + 8), to = at; to < end; to++) one[to] = 0xff
  else for (let flips = 1 + random.below(4); flips > 0; flips--) one[random.below(one.length)]! ^= 1 << random.below(8)
  return mend !== undefined && random.below(4) > 0 ? mend(bytes) : bytes
}

/** Runs one input; returns what is wrong with what came of it, and how long it took in milliseconds. */
function attempt(decoder: Decoder, bytes: Uint8Array): { wrong: string | undefined; took: number; isValue: boolean } {
  const startMs = performance.now()
  let wrong: string | undefined
  let isValue = true
  try {
    decoder.decode(bytes)
  } catch (error) {
    isValue = false
    if (!decoder.accepts(error)) wrong = String((error as Error)?.stack ?? error)
  }
  return { wrong, took: performance.now() - startMs, isValue }
}

describe('fuzzing', () => {
  const seed = seedOf(11)
  const totals = { inputs: 0, values: 0, slowestMs: 0 }

  it.each(decoders.map((decoder) => [decoder.name, decoder] as const))(
    '%s',
    { timeout: limitMs(120_000) },
    (name, decoder) => {
      for (const example of decoder.examples) expect(attempt(decoder, example).wrong).toBeUndefined()
      const random = new Random(seed + Buffer.from(name).reduce((sum, byte) => sum * 31 + byte, 0))
      const before = process.memoryUsage().arrayBuffers
      for (let at = 0; at < inputsEach; at++) {
        const bytes = input(random, decoder)
        const { wrong, took, isValue } = attempt(decoder, bytes)
        const replay = `seed ${seed}, input ${at}: ${Buffer.from(bytes).toString('hex').slice(0, 400)}`
        if (wrong !== undefined) expect.fail(`${replay}: ${wrong}`)
        if (took > inputMsMax) expect.fail(`${replay} took ${took} ms`)
        totals.slowestMs = Math.max(totals.slowestMs, took)
        totals.inputs++
        if (isValue) totals.values++
      }
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(heldBytesMax)
    },
  )

  it.each(['[', '{"a":', '"\\u', '(', '%', '1h', '/', '='])('deep or endless %s', (part) => {
    for (const decoder of decoders) {
      const { wrong, took } = attempt(decoder, Buffer.from(part.repeat(60_000)))
      expect(wrong, decoder.name).toBeUndefined()
      expect(took, decoder.name).toBeLessThan(inputMsMax)
    }
  })

  it('counts', () => {
    process.stdout.write(`fuzz ${JSON.stringify({ decoders: decoders.length, ...totals })}\n`)
    expect(totals.inputs).toBe(inputsEach * decoders.length)
    // Some inputs must get through: otherwise nothing but the first check of each decoder was tried.
    expect(totals.values / totals.inputs).toBeGreaterThan(0.02)
  })
})
