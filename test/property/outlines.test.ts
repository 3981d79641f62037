/** Outlines of rows say what their decoders say, whatever is in the rows. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Address } from '../../store/model/address.js'
import { addressId, entryDigest } from '../../store/model/digest.js'
import { compareDots, type Dot, type NamedDot } from '../../store/model/dot.js'
import { type Type, typeOf } from '../../store/model/types.js'
import type { Version } from '../../store/model/update.js'
import { type DotRow, decodeDotRow, dotKey, encodeDotRow } from '../../store/rows/dots.js'
import { encodeVersions, entryKey } from '../../store/rows/entries.js'
import { outlineDot, outlineEntry } from '../../store/rows/outlines.js'
import { DamagedRow } from '../../store/rows/seal.js'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((id) => Buffer.from(id).toString('hex'))
const dot: fc.Arbitrary<Dot> = fc.record({ actor: hex(8), counter: fc.maxSafeNat().map((n) => Math.max(1, n)) })
const type: fc.Arbitrary<Type> = fc.oneof(fc.constantFrom<Type>('reg', 'set', 'sys'), fc.nat(255).map(typeOf))
const key = fc.oneof(fc.string({ minLength: 1, unit: 'binary' }), fc.constantFrom('a\0b', '\0', 'é', 'k'.repeat(200)))
const address: fc.Arbitrary<Address> = fc.record({ key, type, field: fc.uint8Array({ maxLength: 140 }) })
const time = fc.record({ ms: fc.nat(), logical: fc.nat(1000) })
const expiresAtMs = fc.option(fc.integer({ min: 1 }))
const version: fc.Arbitrary<Version> = fc.record({
  ...{ dot, time, expiresAtMs, value: fc.uint8Array({ maxLength: 300 }) },
  valueHash: fc.uint8Array({ minLength: 16, maxLength: 16 }),
})
const versions = fc
  .uniqueArray(version, { maxLength: 3, selector: ({ dot: { actor } }) => actor })
  .map((all) => all.sort((a, b) => compareDots(a.dot, b.dot)))
const named: fc.Arbitrary<NamedDot> = fc.record({ actor: hex(8), counter: fc.integer({ min: 1 }), digest: hex(8) })
const row: fc.Arbitrary<DotRow> = fc.record({
  ...{ address, time, expiresAtMs, bare: fc.boolean(), sequence: fc.maxSafeNat() },
  state: fc.constantFrom('live', 'live', 'logged', 'stub'),
  kind: fc.constantFrom('put', 'put', 'delete', 'expiry'),
  supersedes: fc.oneof(
    fc.constant([]),
    named.map((one) => [one]),
  ),
  digest: fc.option(hex(8), { nil: undefined }),
  supersededBy: fc.option(dot, { freq: 3 }),
  value: fc.option(fc.uint8Array({ maxLength: 20 }), { freq: 3 }),
})

it('an outline of an entry has its place, its digest and its dots', () => {
  fc.assert(
    fc.property(address, versions, (at, live) => {
      const rowKey = entryKey(at)
      const outline = outlineEntry(rowKey, encodeVersions(rowKey, live))
      const id = addressId(at)
      expect(outline).toEqual({ id, digest: entryDigest(id, live), dots: live.map((one) => one.dot) })
    }),
  )
})

it('an outline of a dot is the key of its entry while it is live', () => {
  fc.assert(
    fc.property(dot, row, (name, written) => {
      const rowKey = dotKey(name)
      const bytes = encodeDotRow(rowKey, written)
      const { state, address: at } = decodeDotRow(rowKey, bytes)
      expect(outlineDot(rowKey, bytes)).toEqual(state === 'live' ? entryKey(at) : undefined)
    }),
  )
})

it('rows with any byte changed have no outline', () => {
  fc.assert(
    fc.property(
      dot,
      row,
      address,
      version,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (name, written, at, one, n, x) => {
        const [rowKey, place] = [dotKey(name), entryKey(at)]
        const rows = [encodeDotRow(rowKey, written), encodeVersions(place, [one])] as const
        for (const bytes of rows) bytes[n % bytes.length]! ^= x
        expect(() => outlineDot(rowKey, rows[0])).toThrow(DamagedRow)
        expect(() => outlineEntry(place, rows[1])).toThrow(DamagedRow)
      },
    ),
  )
})
