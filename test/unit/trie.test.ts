/** The hash trie and its wire digests: golden values, the bounds of leaves, and refused arguments. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  differencesBelow,
  isEmptySalted,
  prefixesBelow,
  saltedBelow,
  saltedDigests,
} from '../../store/merkle/salted.js'
import { Slab, type SlabOwner } from '../../store/merkle/slab.js'
import { Trie } from '../../store/merkle/trie.js'

const locator = { actor: '0123456789abcdef', counter: 1 }

function sha(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 16)
}

/** A trie of the entries numbered from 0: id and digest are hashes of `id n` and `digest n`. */
function numbered(count: number): Trie {
  const trie = new Trie()
  for (let number = 0; number < count; number++) trie.set(sha(`id ${number}`), sha(`digest ${number}`), locator)
  return trie
}

/** An id that begins with these hexadecimal digits and ends with a number. */
function idOf(start: string, number: number): Buffer {
  return Buffer.from(start.padEnd(24, '0') + number.toString(16).padStart(8, '0'), 'hex')
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

describe('trie', () => {
  it.each([
    [0, '00000000000000000000000000000000'],
    [1, '9bbda96f9f9060c8ea4526896bce0edd'],
    [32, '7e243c41ad76db2f9f35ac88bb1a24ed'],
    [33, 'b9bfc17c6c8c44facca2a05f02932e6a'],
    [1000, '8382b2ffebc361fbc0c075fab869c214'],
  ])('has the golden root for %i entries', (count, root) => {
    expect(hex(numbered(count).root())).toBe(root)
  })

  it('splits a leaf at 33 entries and collapses at 32', () => {
    const trie = new Trie()
    for (let number = 0; number < 32; number++) trie.set(idOf('ab', number), sha('x'), locator)
    expect(trie.node('')).toMatchObject({ kind: 'leaf', count: 32 })
    const before = hex(trie.root())
    trie.set(idOf('cd', 0), sha('y'), locator)
    expect(trie.node('')).toMatchObject({ kind: 'inner', count: 33 })
    expect(trie.node('a')).toMatchObject({ kind: 'leaf', count: 32 })
    trie.set(idOf('ac', 0), sha('y'), locator)
    expect(trie.node('a')).toMatchObject({ kind: 'inner', count: 33 })
    expect(trie.delete(idOf('ac', 0))).toBe(true)
    expect(trie.node('a')).toMatchObject({ kind: 'leaf', count: 32 })
    expect(trie.delete(idOf('cd', 0))).toBe(true)
    expect(trie.node('')).toMatchObject({ kind: 'leaf', count: 32 })
    expect(hex(trie.root())).toBe(before)
  })

  it('grows as deep as ids differ only at their end, and collapses from there at once', () => {
    const trie = new Trie()
    for (let number = 0; number < 33; number++) trie.set(idOf('ab', number), sha('x'), locator)
    expect(trie.node('ab0000000000000000000000000000')).toMatchObject({ kind: 'inner', count: 33 })
    expect(trie.node('ab00000000000000000000000000002')).toMatchObject({ kind: 'leaf', count: 1 })
    trie.delete(idOf('ab', 7))
    expect(trie.node('')).toMatchObject({ kind: 'leaf', count: 32 })
  })

  it('looks at a leaf in finer pieces', () => {
    const trie = new Trie()
    for (let number = 0; number < 5; number++) trie.set(idOf('ab', number), sha('x'), locator)
    for (let number = 0; number < 3; number++) trie.set(idOf('ac', number), sha('x'), locator)
    const alone = new Trie()
    for (let number = 0; number < 3; number++) alone.set(idOf('ac', number), sha('x'), locator)
    expect(trie.node('ac')).toEqual({ kind: 'leaf', count: 3, digest: alone.root() })
    expect(trie.node('ad')).toEqual({ kind: 'empty', count: 0, digest: new Uint8Array(16) })
    expect(trie.entries('ac').map((entry) => hex(entry.id))).toEqual([0, 1, 2].map((number) => hex(idOf('ac', number))))
  })

  it('gives digests and entries that later changes leave alone', () => {
    const trie = numbered(100)
    const [root, first] = [trie.root(), trie.entries('')[0]!]
    const before = [hex(root), hex(first.id), hex(first.digest)]
    for (let number = 0; number < 100; number++) trie.set(sha(`id ${number}`), sha(`other ${number}`), locator)
    expect(hex(trie.root())).not.toBe(before[0])
    expect([hex(root), hex(first.id), hex(first.digest)]).toEqual(before)
  })

  it('gives its bytes back when entries go', () => {
    const trie = numbered(5000)
    const held = trie.packedBytes
    expect(held).toBeLessThan(5000 * 80)
    // One level of leaves stays as it is; each holds a third of its entries at the end.
    for (let number = 1600; number < 5000; number++) trie.delete(sha(`id ${number}`))
    expect(trie.packedBytes).toBeLessThan(held * 0.7)
    for (let number = 0; number < 1600; number++) trie.delete(sha(`id ${number}`))
    expect([trie.size, trie.packedBytes]).toEqual([0, 0])
  })

  it('keeps the whole dot of the last locator, also at the greatest counter', () => {
    const trie = numbered(10)
    const last = { actor: '00000000000000ff', counter: Number.MAX_SAFE_INTEGER }
    for (const counter of [1, 2 ** 32, last.counter]) trie.set(sha('one id'), sha('x'), { ...last, counter })
    expect(trie.get(sha('one id'))?.locator).toEqual(last)
  })

  it('refuses what is not an id, a digest or a prefix', () => {
    const trie = numbered(1)
    const short = Buffer.alloc(15)
    expect(() => trie.set(short, Buffer.alloc(16), locator)).toThrow(RangeError)
    expect(() => trie.set(Buffer.alloc(16), short, locator)).toThrow(RangeError)
    expect(() => trie.delete(short)).toThrow(RangeError)
    expect(() => trie.get(short)).toThrow(RangeError)
    expect(() => trie.entries('', { after: short })).toThrow(RangeError)
    for (const path of ['A', 'g', ' ', '0'.repeat(33)]) expect(() => trie.node(path)).toThrow(RangeError)
    expect(trie.size).toBe(1)
  })
})

describe('slab', () => {
  it('stays dense: the last slot moves into a released one, bytes and all', () => {
    const slab = new Slab<SlabOwner>(1000)
    const owners = Array.from({ length: 40 }, (_, number) => {
      const owner = { slot: -1 }
      owner.slot = slab.allocate(owner)
      slab.page(owner.slot).fill(number, slab.offset(owner.slot), slab.offset(owner.slot) + 1000)
      return owner
    })
    for (const number of [3, 39, 0, 17]) slab.release(owners[number]!.slot)
    const left = owners.filter((_, number) => ![3, 39, 0, 17].includes(number))
    expect(left.map((owner) => owner.slot).sort((a, b) => a - b)).toEqual(Array.from({ length: 36 }, (_, slot) => slot))
    for (const owner of left) {
      const start = slab.offset(owner.slot)
      expect(slab.page(owner.slot).subarray(start, start + 1000)).toEqual(Buffer.alloc(1000, owners.indexOf(owner)))
    }
    for (const owner of left) slab.release(owner.slot)
    expect(slab.bytes).toBe(0)
    expect(() => slab.release(0)).toThrow(RangeError)
  })
})

describe('salted digests', () => {
  const salt = Buffer.from('salt of both')

  it('are the first 8 bytes of SHA-256(salt || digest), zero for empty', () => {
    const expected = createHash('sha256').update(salt).update(sha('a')).digest().subarray(0, 8)
    expect(saltedDigests(salt, sha('a'))).toEqual(expected)
    expect(saltedDigests(salt, new Uint8Array(16))).toEqual(Buffer.alloc(8))
    expect(saltedDigests(Buffer.from('another salt'), sha('a'))).not.toEqual(expected)
    const many = saltedDigests(salt, Buffer.concat([sha('a'), Buffer.alloc(16), sha('b')]))
    expect(many).toEqual(Buffer.concat([expected, Buffer.alloc(8), saltedDigests(salt, sha('b'))]))
    expect([0, 1, 2].map((position) => isEmptySalted(many, position))).toEqual([false, true, false])
    expect(() => saltedDigests(salt, Buffer.alloc(17))).toThrow(RangeError)
    expect(() => saltedDigests(salt, Buffer.alloc(8))).toThrow(RangeError)
  })

  it('lead to exactly the children that differ', () => {
    const mine = numbered(2000)
    const theirs = numbered(2000)
    theirs.set(sha('id 5'), sha('changed'), locator)
    theirs.delete(sha('id 6'))
    const expected = [sha('id 5'), sha('id 6')].map((id) => hex(id).slice(0, 2)).sort()
    const found = differencesBelow(mine, '', salt, saltedBelow(theirs, '', salt, 2), 2)
    expect(found).toEqual([...new Set(expected)].map((prefix) => ({ prefix, isEmptyThere: false })))
    expect(differencesBelow(mine, '', salt, saltedBelow(mine, '', salt))).toEqual([])
    const [child] = expected
    expect(differencesBelow(mine, child!, salt, saltedBelow(theirs, child!, salt)).length).toBeGreaterThan(0)
  })

  it('tell an empty child of the peer, and compare a leaf with an inner node', () => {
    const mine = numbered(40)
    const theirs = numbered(30)
    const isThere = (prefix: string): boolean => theirs.node(prefix).count > 0
    const found = differencesBelow(mine, '', salt, saltedBelow(theirs, '', salt))
    expect(found.length).toBeGreaterThan(0)
    for (const { prefix, isEmptyThere } of found) expect(isEmptyThere).toBe(!isThere(prefix))
    const same = prefixesBelow('').filter((prefix) => !found.some((difference) => difference.prefix === prefix))
    for (const prefix of same) expect(mine.entries(prefix)).toEqual(theirs.entries(prefix))
    expect(() => differencesBelow(mine, '', salt, Buffer.alloc(8))).toThrow(RangeError)
  })
})
