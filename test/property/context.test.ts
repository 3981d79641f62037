/** Contexts against plain sets. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter } from '../../store/model/bytes.js'
import { readRanges, writeRanges } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { type Dot, dotText } from '../../store/model/dot.js'

const dot = fc.record({
  actor: fc.constantFrom('00000000000000aa', '00000000000000bb', '00000000000000cc'),
  counter: fc.integer({ min: 1, max: 30 }),
})
const dots = fc.array(dot, { maxLength: 40 })
const texts = (list: Iterable<Dot>) => new Set([...list].map(dotText))

describe('contexts', () => {
  it('hold exactly the dots that were added', () => {
    fc.assert(
      fc.property(dots, dot, (list, probe) => {
        const context = Context.of(list)
        expect(texts(context.dots())).toEqual(texts(list))
        expect(context.has(probe)).toBe(texts(list).has(dotText(probe)))
        expect(context.size).toBe(texts(list).size)
      }),
    )
  })

  it('hold no actor without a dot, also where ranges are given', () => {
    const context = new Context(new Map([['00000000000000aa', []]]))
    const united = new Context()
    united.union(context)
    for (const one of [context, united]) {
      expect([one.isEmpty, one.actors(), one.equals(new Context())]).toEqual([true, [], true])
    }
  })

  it('unite, subtract, intersect and cover as sets do', () => {
    fc.assert(
      fc.property(dots, dots, (left, right) => {
        const a = Context.of(left)
        const b = Context.of(right)
        const [setA, setB] = [texts(left), texts(right)]
        const united = a.clone()
        united.union(b)
        expect(texts(united.dots())).toEqual(new Set([...setA, ...setB]))
        expect(texts(a.minus(b).dots())).toEqual(new Set([...setA].filter((one) => !setB.has(one))))
        expect(texts(a.intersection(b).dots())).toEqual(new Set([...setA].filter((one) => setB.has(one))))
        expect(a.covers(b)).toBe([...setB].every((one) => setA.has(one)))
        expect(a.equals(b)).toBe(setA.size === setB.size && a.covers(b))
        expect(texts(a.dots())).toEqual(setA)
      }),
    )
  })

  it('keep clones apart, whichever side changes', () => {
    fc.assert(
      fc.property(dots, dot, fc.boolean(), (list, extra, changeClone) => {
        const original = Context.of(list)
        const clone = original.clone()
        const [changed, kept] = changeClone ? [clone, original] : [original, clone]
        changed.add(extra)
        expect(texts(kept.dots())).toEqual(texts(list))
        expect(changed.has(extra)).toBe(true)
      }),
    )
  })

  it('never change what they handed out, whatever is done afterwards', () => {
    fc.assert(
      fc.property(dots, dots, dots, (first, second, third) => {
        const a = Context.of(first)
        const b = Context.of(second)
        b.union(a)
        const difference = b.minus(Context.of(third))
        const held = [
          ...a.actors().map((actor) => a.rangesOf(actor)),
          ...difference.actors().map((actor) => difference.rangesOf(actor)),
        ]
        const before = held.map((ranges) => [...ranges])
        const [setA, setB, setDifference] = [texts(a.dots()), texts(b.dots()), texts(difference.dots())]
        for (const one of third) a.add(one)
        expect(texts(b.dots())).toEqual(setB)
        for (const one of third) b.add(one)
        for (const one of second) difference.add(one)
        expect(held.map((ranges) => [...ranges])).toEqual(before)
        expect(texts(a.dots())).toEqual(new Set([...setA, ...texts(third)]))
        expect(texts(b.dots())).toEqual(new Set([...setB, ...texts(third)]))
        expect(texts(difference.dots())).toEqual(new Set([...setDifference, ...texts(second)]))
      }),
    )
  })

  it('have one encoding for each set, also with counters up to 2^53 - 3', () => {
    const far = fc.record({
      actor: fc.constant('00000000000000aa'),
      counter: fc.constantFrom(1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 3),
    })
    fc.assert(
      fc.property(fc.array(fc.oneof(dot, far), { maxLength: 30 }), (list) => {
        const encode = (context: Context) => {
          const writer = new ByteWriter()
          for (const actor of context.actors()) writeRanges(writer, context.rangesOf(actor))
          return writer.finish()
        }
        const context = Context.of(list)
        const bytes = encode(context)
        const reader = new ByteReader(bytes)
        const read = new Context()
        for (const actor of context.actors()) read.setRanges(actor, readRanges(reader))
        reader.end()
        expect(read.equals(context)).toBe(true)
        expect(encode(Context.of(list.toReversed())).equals(bytes)).toBe(true)
      }),
    )
  })

  it('read or refuse arbitrary bytes as ranges, and what was read writes the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const reader = new ByteReader(bytes)
        let ranges: readonly number[]
        try {
          ranges = readRanges(reader)
        } catch (error) {
          expect((error as Error).name).toBe('DecodeError')
          return
        }
        const writer = new ByteWriter()
        writeRanges(writer, ranges)
        expect([...writer.finish()]).toEqual([...bytes.subarray(0, bytes.length - reader.left)])
      }),
      { numRuns: 500 },
    )
  })
})
