/** The laws of json-merge on generated documents. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { valueHash } from '../../store/model/digest.js'
import { mergeJson } from '../../store/model/json-merge.js'
import { equalityText, jsonText, readJson, roundedNumber } from '../../store/model/json-text.js'
import { siblings } from '../../store/model/register.js'
import type { Version } from '../../store/model/update.js'

/** Few keys and leaves, so that documents meet each other. */
const { document } = fc.letrec<{ document: unknown }>((tie) => ({
  document: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom(0, 1, -1.5, 'a', 'b', '', true, null),
    fc.array(tie('document'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), tie('document'), { maxKeys: 4 }),
  ),
}))
const text = document.map((value) => Buffer.from(JSON.stringify(value)))
const texts = fc.array(text, { minLength: 2, maxLength: 5 })

function versionsOf(values: readonly Uint8Array[], times: readonly number[]): Version[] {
  return values.map((value, at) => ({
    dot: { actor: '00000000000000aa', counter: at + 1 },
    time: { ms: times[at] ?? 0, logical: 0 },
    expiresAtMs: null,
    value,
    valueHash: valueHash(value),
  }))
}

const ordered = (versions: readonly Version[]) =>
  siblings(versions, { nowMs: 1_000, sharedNowMs: 1_000, clockBoundMs: 60_000 }).map((group) => group.version.value)

/** True if everything in `part` is in `whole`: every key and every element of what is of one kind. */
function holds(whole: unknown, part: unknown): boolean {
  if (Array.isArray(whole) && Array.isArray(part)) {
    const there = new Set(whole.map(canonical))
    return part.every((item) => there.has(canonical(item)))
  }
  if (!isPlain(whole) || !isPlain(part)) return true
  return Object.keys(part).every((key) => Object.hasOwn(whole, key) && holds(whole[key], part[key]))
}

const canonical = (value: unknown) => equalityText(readJson(Buffer.from(JSON.stringify(value)))!)
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

describe('json-merge', () => {
  it('depends on the versions and their times, not on the order in which they came', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(3)), fc.infiniteStream(fc.nat()), (values, times, picks) => {
        const versions = versionsOf(values, times)
        const result = mergeJson(ordered(versions))
        const shuffled = versions
          .map((version) => ({ version, rank: picks.next().value as number }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ version }) => version)
        expect(mergeJson(ordered(shuffled))).toEqual(result)
      }),
    )
  })

  it('a merged result, merged again with any of what it was made of, is itself', () => {
    fc.assert(
      fc.property(fc.uniqueArray(text, { minLength: 2, maxLength: 5, selector: String }), fc.nat(), (values, mask) => {
        const result = mergeJson(values)!
        const again = values.filter((_, at) => ((mask >> at) & 1) === 1)
        expect(mergeJson([result, ...again])).toEqual(result)
      }),
    )
  })

  it('may be done in steps, the first versions before the others', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 4 }), (values, cut) => {
        const first = mergeJson(values.slice(0, cut))!
        expect(mergeJson([first, ...values.slice(cut)])).toEqual(mergeJson(values))
      }),
    )
  })

  it('keeps every key and element that is of the kind of the first', () => {
    fc.assert(
      fc.property(texts, (values) => {
        const result = JSON.parse(String(mergeJson(values)))
        expect(holds(result, JSON.parse(String(values[0])))).toBe(true)
        const isSameKind = values.filter((value) => value[0] === values[0]![0])
        if (isSameKind.length === 2) expect(holds(result, JSON.parse(String(mergeJson(isSameKind))))).toBe(true)
      }),
    )
  })

  it('a text that is read and written says the same', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const value = readJson(Buffer.from(json))!
        expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(json))
      }),
    )
  })

  it('any bytes are a value or none, and never an exception', () => {
    const almostJson = fc
      .string({ unit: fc.constantFrom(...'{}[]",:0-.eEtrufalsn\\ ') })
      .map((json) => Buffer.from(json))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), almostJson), (bytes) => {
        const value = readJson(bytes)
        if (value !== undefined) expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(Buffer.from(bytes).toString()))
      }),
    )
  })
})

describe('numbers that would be rounded', () => {
  it('are exactly the whole numbers that do not come back, wherever they stand', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), (number) => {
        const comesBack = JSON.stringify(Number(number)) === String(number)
        const found = roundedNumber(`{"a":[1.5,{"b":${number}}]}`)
        // From 10^21 on a double is shown with an exponent, and is the same number nevertheless.
        const isShownShort = Math.abs(Number(number)) >= 1e21
        if (!isShownShort) expect(found).toEqual(comesBack ? undefined : { path: '/a/1/b', spelt: String(number) })
      }),
    )
  })

  it('are none of those that JSON.stringify or seventeen digits say of a double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(roundedNumber(JSON.stringify({ number }))).toBeUndefined()
        expect(roundedNumber(`[${number.toExponential(16)}]`)).toBeUndefined()
      }),
    )
  })
})
