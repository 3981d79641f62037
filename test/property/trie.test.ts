/** Properties of the hash trie against a plain model of it. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Trie } from '../../store/merkle/trie.js'
import type { Prefix } from '../../store/merkle/types.js'
import { compareDots, type Dot } from '../../store/model/dot.js'
import { amount } from '../support/effort.js'

interface Item {
  readonly id: Buffer
  readonly digest: Buffer
  readonly locator: Dot
}

const actors = ['00000000000000aa', '00000000000000bb', 'ffffffffffffffff']

/** Few different first bytes, so that paths are shared, leaves overflow and tries grow deep. */
const crowdedId = fc
  .tuple(
    fc.constantFrom(0x00, 0x01, 0xff),
    fc.constantFrom(0x00, 0xf0),
    fc.uint8Array({ minLength: 14, maxLength: 14 }),
  )
  .map(([first, second, rest]) => Buffer.concat([Buffer.from([first, second]), rest]))
const spreadId = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes))
const digestOf16 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes))
const locator = fc.record({
  actor: fc.constantFrom(...actors),
  counter: fc.oneof(
    fc.integer({ min: 1, max: 9 }),
    fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 48, Number.MAX_SAFE_INTEGER),
  ),
})
const item: fc.Arbitrary<Item> = fc.record({
  id: fc.oneof({ arbitrary: crowdedId, weight: 5 }, spreadId),
  digest: digestOf16,
  locator,
})
const items = fc.uniqueArray(item, { selector: (one) => one.id.toString('hex'), maxLength: 400, size: 'max' })
const prefix: fc.Arbitrary<Prefix> = fc
  .tuple(
    fc.constantFrom('', '0', '00', '000', '00f', '010', '100', 'ff', 'fff0', 'ff00'),
    fc.constantFrom('', '0', '1', 'a', 'ff'),
  )
  .map(([path, more]) => path + more)

function byId(a: Item, b: Item): number {
  return a.id.compare(b.id)
}

function build(list: readonly Item[]): Trie {
  const trie = new Trie()
  for (const { id, digest, locator } of list) trie.set(id, digest, locator)
  return trie
}

function hash16(...parts: Uint8Array[]): Buffer {
  const sha = createHash('sha256')
  for (const part of parts) sha.update(part)
  return sha.digest().subarray(0, 16)
}

/** The definition of the tree, computed from nothing but a sorted list. */
function modelNode(sorted: readonly Item[], path: Prefix): { kind: string; count: number; digest: Buffer } {
  const below = sorted.filter((one) => one.id.toString('hex').startsWith(path))
  const count = below.length
  if (count === 0) return { kind: 'empty', count, digest: Buffer.alloc(16) }
  if (count <= 32) {
    const digest = hash16(Buffer.from([0]), ...below.flatMap((one) => [one.id, one.digest]))
    return { kind: 'leaf', count, digest }
  }
  const children = Array.from('0123456789abcdef', (nibble) => modelNode(below, path + nibble).digest)
  return { kind: 'inner', count, digest: hash16(Buffer.from([1]), ...children) }
}

function expectNode(trie: Trie, sorted: readonly Item[], path: Prefix): void {
  const node = trie.node(path)
  const model = modelNode(sorted, path)
  expect({ ...node, digest: hex(node.digest) }).toEqual({ ...model, digest: hex(model.digest) })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function plain(list: readonly { id: Uint8Array; digest: Uint8Array; locator: Dot }[]): unknown[] {
  return list.map((one) => ({ id: hex(one.id), digest: hex(one.digest), locator: one.locator }))
}

describe('trie', () => {
  it('is what its definition says, at every prefix', () => {
    fc.assert(
      fc.property(items, fc.array(prefix, { maxLength: 8 }), (list, prefixes) => {
        const trie = build(list)
        const sorted = [...list].sort(byId)
        expect(trie.size).toBe(list.length)
        for (const path of ['', '0', 'f', ...prefixes]) expectNode(trie, sorted, path)
        for (const one of list.slice(0, 5)) expectNode(trie, sorted, one.id.toString('hex'))
      }),
      { numRuns: amount(12, 60) },
    )
  })

  it('after any changes, with digests asked for in between, equals one built from scratch', () => {
    const change = fc.tuple(fc.nat(), fc.constantFrom('delete', 'digest', 'root', 'add'), digestOf16, item)
    fc.assert(
      fc.property(items, fc.array(change, { maxLength: 200, size: 'max' }), (list, changes) => {
        const trie = build(list)
        const model = new Map(list.map((one) => [hex(one.id), one]))
        for (const [number, what, digest, added] of changes) {
          const target = list[number % Math.max(1, list.length)]
          if (what === 'root') trie.root()
          else if (what === 'add') {
            trie.set(added.id, added.digest, added.locator)
            model.set(hex(added.id), added)
          } else if (target !== undefined && what === 'delete') {
            expect(trie.delete(target.id)).toBe(model.delete(hex(target.id)))
          } else if (target !== undefined) {
            trie.set(target.id, digest, target.locator)
            model.set(hex(target.id), { ...target, digest })
          }
        }
        const left = [...model.values()].sort(byId)
        expect(hex(trie.root())).toBe(hex(build(left).root()))
        expectNode(trie, left, '')
        expect(plain(trie.entries(''))).toEqual(plain(left))
      }),
      { numRuns: amount(12, 60) },
    )
  })

  it('has one shape for one content, whatever the order, and forgets what was deleted', () => {
    fc.assert(
      fc.property(items, fc.infiniteStream(fc.nat()), fc.array(item, { maxLength: 80 }), (list, numbers, passing) => {
        const known = new Set(list.map((one) => hex(one.id)))
        const strangers = passing.filter((one) => !known.has(hex(one.id)))
        const shuffled = [...list, ...strangers]
          .map((one) => ({ one, rank: numbers.next().value as number }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ one }) => one)
        const trie = build(shuffled)
        for (const { id } of strangers) trie.delete(id)
        const reference = build(list)
        for (const path of ['', '0', '00', '000', '000f', 'ff', 'ff00']) {
          expect(trie.node(path)).toEqual(reference.node(path))
        }
      }),
      { numRuns: amount(12, 60) },
    )
  })

  it('shows a changed digest, id or number of entries in the root', () => {
    fc.assert(
      fc.property(items, fc.nat(), fc.integer({ min: 0, max: 127 }), (list, number, bit) => {
        fc.pre(list.length > 0)
        const before = hex(build(list).root())
        const target = list[number % list.length]!
        const others = list.filter((one) => one !== target)
        const flip = (bytes: Buffer): Buffer => {
          const copy = Buffer.from(bytes)
          copy[bit >> 3]! ^= 1 << (bit & 7)
          return copy
        }
        expect(hex(build([...others, { ...target, digest: flip(target.digest) }]).root())).not.toBe(before)
        const moved = { ...target, id: flip(target.id) }
        expect(hex(build([...others.filter((one) => !one.id.equals(moved.id)), moved]).root())).not.toBe(before)
        expect(hex(build(others).root())).not.toBe(before)
        const elsewhere = { ...target, locator: { actor: 'cccccccccccccccc', counter: 77 } }
        expect(hex(build([...others, elsewhere]).root())).toBe(before)
      }),
      { numRuns: amount(12, 60) },
    )
  })

  it('lists entries in order, after an id, up to a limit', () => {
    fc.assert(
      fc.property(
        items,
        prefix,
        fc.oneof(crowdedId, fc.nat(), fc.constant(undefined)),
        fc.option(fc.nat({ max: 100 }), { nil: undefined }),
        (list, path, start, limit) => {
          const after = typeof start === 'number' ? list[start % Math.max(1, list.length)]?.id : start
          const expected = [...list]
            .sort(byId)
            .filter((one) => hex(one.id).startsWith(path) && (after === undefined || one.id.compare(after) > 0))
            .slice(0, limit)
          const options = { ...(after && { after }), ...(limit !== undefined && { limit }) }
          expect(plain(build(list).entries(path, options))).toEqual(plain(expected))
        },
      ),
      { numRuns: amount(40, 200) },
    )
  })

  it('finds each entry with its locator and no other', () => {
    fc.assert(
      fc.property(items, spreadId, (list, stranger) => {
        const trie = build(list)
        for (const one of list) expect(plain([trie.get(one.id)!])).toEqual(plain([one]))
        if (!list.some((one) => one.id.equals(stranger))) expect(trie.get(stranger)).toBeUndefined()
      }),
      { numRuns: amount(10, 40) },
    )
  })

  it('keeps locators right while actors come and go', () => {
    const step = fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 20 }), fc.boolean())
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const trie = new Trie()
        const model = new Map<number, Dot>()
        for (const [slot, actor, isDelete] of steps) {
          const id = Buffer.alloc(16, slot)
          if (isDelete) {
            trie.delete(id)
            model.delete(slot)
          } else {
            const dot = { actor: actor.toString(16).padStart(16, '0'), counter: actor + 1 }
            trie.set(id, Buffer.alloc(16, 9), dot)
            model.set(slot, dot)
          }
          const expected = [...model.values()].sort(compareDots)
          const found = trie.entries('').map((entry) => entry.locator)
          expect(found.sort(compareDots)).toEqual(expected)
        }
      }),
      { numRuns: amount(12, 60) },
    )
  })

  it('refreshes in slices that end where one refresh ends', () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 5 }), (list, slice) => {
        const sliced = build(list)
        let rounds = 0
        while (!sliced.refresh(slice)) expect(++rounds).toBeLessThan(2000)
        expect(hex(sliced.root())).toBe(hex(build(list).root()))
      }),
      { numRuns: amount(10, 40) },
    )
  })
})
