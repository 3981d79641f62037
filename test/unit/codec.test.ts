/** The canonical encoding: golden vectors, round trips, and every decoder against hostile bytes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { register } from '../../store/model/address.js'
import { ByteReader, ByteWriter, DecodeError } from '../../store/model/bytes.js'
import { decodeUpdates, encodeUpdates, readDots } from '../../store/model/codec.js'
import { addressId, entryDigest, valueHash } from '../../store/model/digest.js'
import { compareDots } from '../../store/model/dot.js'
import { decodeToken, encodeToken, tokenKey } from '../../store/model/token.js'
import { typeOf } from '../../store/model/types.js'
import type { Update } from '../../store/model/update.js'

const actor = '0123456789abcdef'
const member = 'fedcba9876543210'
const memberOf = () => member

const dots = fc.uniqueArray(
  fc.record({
    actor: fc.constantFrom('00000000000000aa', '00000000000000bb', 'ffffffffffffffff'),
    counter: fc.constantFrom(1, 2, 127, 128, 2 ** 31, 2 ** 32, 2 ** 53 - 1),
  }),
  { maxLength: 6, selector: (dot) => `${dot.actor}:${dot.counter}` },
)

const update: fc.Arbitrary<Update> = fc
  .record({
    dots: dots.filter((list) => list.length > 0),
    key: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
    type: fc.integer({ min: 0, max: 255 }).map(typeOf),
    field: fc.uint8Array({ maxLength: 10 }),
    kind: fc.constantFrom('put' as const, 'delete' as const, 'expiry' as const),
    ms: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    logical: fc.integer({ min: 0, max: 65535 }),
    expires: fc.option(fc.integer({ min: 1, max: 2 ** 53 - 1 })),
    value: fc.option(fc.uint8Array({ maxLength: 50 })),
  })
  .map(({ dots: [dot, ...rest], key, type, field, kind, ms, logical, expires, value }) => ({
    dot: dot!,
    address: { key, type, field },
    kind,
    time: { ms, logical },
    expiresAtMs: kind === 'put' ? expires : null,
    value: kind === 'put' ? value : null,
    supersedes: rest.sort(compareDots),
  }))

const plain = (updates: readonly Update[]) =>
  updates.map((one) => ({
    ...one,
    address: { ...one.address, field: [...one.address.field] },
    value: one.value === null ? null : [...one.value],
  }))

describe('numbers', () => {
  it('survive up to 2^53 - 1', () => {
    for (const value of [0, 1, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1]) {
      const bytes = new ByteWriter().varint(value).finish()
      expect(new ByteReader(bytes).varint()).toBe(value)
    }
  })

  it('are refused when not in their shortest form, too long, or beyond the limit', () => {
    for (const bytes of [[0x80, 0x00], [0xff, 0x00], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0x80]]) {
      expect(() => new ByteReader(Uint8Array.from(bytes)).varint()).toThrow(DecodeError)
    }
    expect(() => new ByteReader(Uint8Array.of(9)).varint(8)).toThrow(DecodeError)
    expect(() => new ByteWriter().varint(2 ** 53)).toThrow(RangeError)
    expect(() => new ByteWriter().varint(-1)).toThrow(RangeError)
  })

  it('a count beyond the bytes that follow is refused before anything is allocated', () => {
    const bytes = new ByteWriter().varint(60_000).finish()
    expect(() => readDots(new ByteReader(bytes))).toThrow(/beyond the bytes/)
  })
})

describe('updates', () => {
  it('golden vector: one put', () => {
    const put: Update = {
      dot: { actor, counter: 300 },
      address: register('k'),
      kind: 'put',
      time: { ms: 1, logical: 2 },
      expiresAtMs: null,
      value: Buffer.from('v'),
      supersedes: [{ actor, counter: 7 }],
    }
    const hex = '010123456789abcdeffedcba9876543210' + '01' + '0400ac02' + '00016b00' + '0102' + '0176' + '010007'
    expect(encodeUpdates([put], memberOf).toString('hex')).toBe(hex)
    expect(plain(decodeUpdates(Buffer.from(hex, 'hex')).updates)).toEqual(plain([put]))
  })

  it('golden vector: a type that is not known stands where a known one does', () => {
    const hex = '010123456789abcdeffedcba9876543210' + '01' + '0400ac02' + '06016b0166' + '0102' + '0176' + '010007'
    const { updates } = decodeUpdates(Buffer.from(hex, 'hex'))
    expect(updates[0]!.address).toEqual({ key: 'k', type: 'type-6', field: Uint8Array.from(Buffer.from('f')) })
    expect(encodeUpdates(updates, memberOf).toString('hex')).toBe(hex)
  })

  it('round-trip', () => {
    fc.assert(
      fc.property(fc.array(update, { maxLength: 5 }), (updates) => {
        const read = decodeUpdates(encodeUpdates(updates, memberOf))
        expect(plain(read.updates)).toEqual(plain(updates))
        for (const one of updates) expect(read.members.get(one.dot.actor)).toBe(member)
      }),
    )
  })

  it('arbitrary and mutated bytes give an error or a value, and what is accepted has that one encoding', () => {
    const mutated = fc.tuple(fc.array(update, { maxLength: 3 }), fc.nat(), fc.nat(255)).map(([updates, at, byte]) => {
      const bytes = Buffer.from(encodeUpdates(updates, memberOf))
      bytes[at % bytes.length] = byte
      return new Uint8Array(bytes)
    })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
        let read: ReturnType<typeof decodeUpdates>
        try {
          read = decodeUpdates(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
          return
        }
        const again = encodeUpdates(read.updates, (one) => read.members.get(one)!)
        expect([...again]).toEqual([...bytes])
      }),
      { numRuns: 2000 },
    )
  })

  it('one that supersedes itself, or holds unsorted dots, is refused', () => {
    const base: Update = {
      dot: { actor, counter: 1 },
      address: register('k'),
      kind: 'delete',
      time: { ms: 1, logical: 0 },
      expiresAtMs: null,
      value: null,
      supersedes: [],
    }
    const itself = { ...base, supersedes: [{ actor, counter: 1 }] }
    const unsorted = {
      ...base,
      supersedes: [
        { actor, counter: 3 },
        { actor, counter: 2 },
      ],
    }
    expect(() => decodeUpdates(encodeUpdates([itself], memberOf))).toThrow(DecodeError)
    expect(() => decodeUpdates(encodeUpdates([unsorted], memberOf))).toThrow(DecodeError)
  })
})

describe('digests', () => {
  it('golden: the id of an address and the digest of an entry', () => {
    const id = addressId(register('greeting'))
    const value = Buffer.from('hello')
    const version = {
      dot: { actor, counter: 1 },
      time: { ms: 5, logical: 0 },
      expiresAtMs: null,
      value,
      valueHash: valueHash(value),
    }
    expect(id.toString('hex')).toMatchInlineSnapshot(`"46c8bd80c35cf86bb5c0fa3649ea16cc"`)
    expect(entryDigest(id, [version]).toString('hex')).toMatchInlineSnapshot(`"394d6dc0be05643ea62caa7e366400f7"`)
  })

  it('an entry digest tells values, deadlines and times apart under one dot', () => {
    const id = addressId(register('k'))
    const make = (text: string, expiresAtMs: number | null, ms: number) => {
      const value = Buffer.from(text)
      return entryDigest(id, [
        { dot: { actor, counter: 1 }, time: { ms, logical: 0 }, expiresAtMs, value, valueHash: valueHash(value) },
      ])
    }
    const all = [make('a', null, 1), make('b', null, 1), make('a', 9, 1), make('a', null, 2)]
    expect(new Set(all.map((digest) => digest.toString('hex'))).size).toBe(4)
  })
})

describe('context tokens', () => {
  const key = tokenKey(Buffer.alloc(32, 1))
  const address = register('a')

  it('carry their dots back at their own address', () => {
    fc.assert(
      fc.property(dots, (list) => {
        const sorted = [...list].sort(compareDots)
        expect(decodeToken(key, address, encodeToken(key, address, sorted))).toEqual(sorted)
      }),
    )
  })

  it('are refused at another address, under another key, altered, or cut', () => {
    const token = encodeToken(key, address, [{ actor, counter: 3 }])
    expect(decodeToken(key, register('b'), token)).toBeUndefined()
    expect(decodeToken(key, { ...address, type: 'map' }, token)).toBeUndefined()
    expect(decodeToken(tokenKey(Buffer.alloc(32, 2)), address, token)).toBeUndefined()
    for (let at = 0; at < token.length; at++) {
      const altered = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
      expect(decodeToken(key, address, altered)).toBeUndefined()
      expect(decodeToken(key, address, token.slice(0, at))).toBeUndefined()
    }
    expect(decodeToken(key, address, `${token}=`)).toBeUndefined()
  })
})
