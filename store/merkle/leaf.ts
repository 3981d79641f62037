/** Leaves of the trie: up to 32 entries, sorted by id, packed in one slot of bytes. */

import { putHex } from '../model/bytes.js'
import { putHash } from '../model/digest.js'
import { actorBytes, type Dot } from '../model/dot.js'
import { digestBytes, idBytes, leafEntriesMax } from '../model/roots.js'
import { Slab } from './slab.js'

/** Nibbles of an id: the depth that no path exceeds. */
export const idNibbles = idBytes * 2

/** Entries that a slot grows by, and twice as many that it shrinks by. */
const capacityStep = 2
const leafDomain = 0x00
const pairBytes = idBytes + digestBytes
/** A locator is a whole dot: of 8 + 7 bytes, so that an actor whose versions are all gone costs nothing here. */
const counterBytes = 7
const locatorBytes = actorBytes + counterBytes

// A slot: the leaf's digest, the domain byte, the pairs (id, digest), the locators. The domain byte stands right
// before the pairs, so that a leaf is hashed where it lies.
const domainAt = digestBytes
const pairsAt = domainAt + 1

/** The nibble of an id at a depth. */
export function nibbleAt(id: Uint8Array, depth: number): number {
  const byte = id[depth >> 1]!
  return (depth & 1) === 0 ? byte >> 4 : byte & 0x0f
}

/** The slabs of one trie: one for each capacity of a leaf. */
export class LeafSlabs {
  readonly #slabs: Slab<Leaf>[] = []

  /** Takes the slab of a capacity, which is a multiple of the step. */
  of(capacity: number): Slab<Leaf> {
    const index = capacity / capacityStep
    this.#slabs[index] ??= new Slab<Leaf>(pairsAt + capacity * (pairBytes + locatorBytes))
    return this.#slabs[index]
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#slabs.reduce((total, slab) => total + slab.bytes, 0)
  }
}

const scratch = Buffer.alloc(1 + leafEntriesMax * pairBytes)

/** A leaf. Whoever drops one must `release` it. */
export class Leaf {
  slot: number
  /** True if the digest in the slot is out of date. */
  isDirty = true
  #count = 0
  #capacity: number
  readonly #slabs: LeafSlabs

  /** An empty leaf with room for so many entries. */
  constructor(slabs: LeafSlabs, entries: number) {
    this.#slabs = slabs
    this.#capacity = capacityFor(entries)
    this.slot = slabs.of(this.#capacity).allocate(this)
  }

  /** Entries held. */
  get count(): number {
    return this.#count
  }

  /** The position of an id; when it is not there, the complement (~) of the position where it belongs. */
  find(id: Uint8Array): number {
    const { page, start } = this.#place()
    let low = 0
    let high = this.#count - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const order = compareAt(page, start + pairsAt + middle * pairBytes, id)
      if (order === 0) return middle
      if (order < 0) low = middle + 1
      else high = middle - 1
    }
    return ~low
  }

  /** Inserts an entry at the position where it belongs. */
  insert(position: number, id: Uint8Array, digest: Uint8Array, locator: Dot): void {
    if (this.#count === this.#capacity) this.#resize(this.#count + 1)
    const { page, start } = this.#place()
    const pair = start + pairsAt + position * pairBytes
    page.copyWithin(pair + pairBytes, pair, start + pairsAt + this.#count * pairBytes)
    const locators = start + this.#locatorsAt()
    const spot = locators + position * locatorBytes
    page.copyWithin(spot + locatorBytes, spot, locators + this.#count * locatorBytes)
    page.set(id, pair)
    page.set(digest, pair + idBytes)
    writeLocator(page, spot, locator)
    this.#count++
    this.isDirty = true
  }

  /** Puts another digest and locator at a position. Returns whether the digest changed. */
  replace(position: number, digest: Uint8Array, locator: Dot): boolean {
    const { page, start } = this.#place()
    writeLocator(page, start + this.#locatorsAt() + position * locatorBytes, locator)
    const at = start + pairsAt + position * pairBytes + idBytes
    if (compareAt(page, at, digest) === 0) return false
    page.set(digest, at)
    this.isDirty = true
    return true
  }

  /** Removes the entry at a position. */
  remove(position: number): void {
    const { page, start } = this.#place()
    const pair = start + pairsAt + position * pairBytes
    page.copyWithin(pair, pair + pairBytes, start + pairsAt + this.#count * pairBytes)
    const locators = start + this.#locatorsAt()
    const spot = locators + position * locatorBytes
    page.copyWithin(spot, spot + locatorBytes, locators + this.#count * locatorBytes)
    this.#count--
    this.isDirty = true
    if (this.#count > 0 && this.#capacity - this.#count >= 2 * capacityStep) this.#resize(this.#count)
  }

  /** Appends a run of another leaf's entries, whose ids are all greater than those here. */
  append(other: Leaf, from: number, to: number): void {
    if (this.#count + to - from > this.#capacity) this.#resize(this.#count + to - from)
    const mine = this.#place()
    const theirs = other.#place()
    const pairs = theirs.start + pairsAt
    theirs.page.copy(
      mine.page,
      mine.start + pairsAt + this.#count * pairBytes,
      pairs + from * pairBytes,
      pairs + to * pairBytes,
    )
    const locators = theirs.start + other.#locatorsAt()
    theirs.page.copy(
      mine.page,
      mine.start + this.#locatorsAt() + this.#count * locatorBytes,
      locators + from * locatorBytes,
      locators + to * locatorBytes,
    )
    this.#count += to - from
    this.isDirty = true
  }

  /** A copy of the pairs `from` (included) to `to` (excluded): id, digest, id, digest, … */
  pairs(from: number, to: number): Buffer {
    const { page, start } = this.#place()
    const copy = Buffer.allocUnsafeSlow((to - from) * pairBytes)
    page.copy(copy, 0, start + pairsAt + from * pairBytes, start + pairsAt + to * pairBytes)
    return copy
  }

  /** The locator at a position. */
  locator(position: number): Dot {
    const { page, start } = this.#place()
    return readLocator(page, start + this.#locatorsAt() + position * locatorBytes)
  }

  /** The nibble, at a depth, of the id at a position. */
  nibble(position: number, depth: number): number {
    const { page, start } = this.#place()
    const byte = page[start + pairsAt + position * pairBytes + (depth >> 1)]!
    return (depth & 1) === 0 ? byte >> 4 : byte & 0x0f
  }

  /** Recomputes the digest in the slot. */
  refresh(): void {
    const { page, start } = this.#place()
    page[start + domainAt] = leafDomain
    const hashed = page.subarray(start + domainAt, start + pairsAt + this.#count * pairBytes)
    putHash(page, start, digestBytes, hashed)
    this.isDirty = false
  }

  /** Copies the digest to a place; it must not be dirty. */
  copyDigest(target: Uint8Array, at: number): void {
    const { page, start } = this.#place()
    page.copy(target, at, start, start + digestBytes)
  }

  /** The digest that a leaf of only the entries `from` to `to` would have. */
  digestOf(from: number, to: number): Buffer {
    const { page, start } = this.#place()
    scratch[0] = leafDomain
    page.copy(scratch, 1, start + pairsAt + from * pairBytes, start + pairsAt + to * pairBytes)
    const digest = Buffer.allocUnsafe(digestBytes)
    putHash(digest, 0, digestBytes, scratch.subarray(0, 1 + (to - from) * pairBytes))
    return digest
  }

  /** Gives the slot back; the leaf may not be used afterwards. */
  release(): void {
    this.#slabs.of(this.#capacity).release(this.slot)
    this.slot = -1
  }

  #place(): { page: Buffer; start: number } {
    const slab = this.#slabs.of(this.#capacity)
    return { page: slab.page(this.slot), start: slab.offset(this.slot) }
  }

  #locatorsAt(): number {
    return pairsAt + this.#capacity * pairBytes
  }

  #resize(entries: number): void {
    const slab = this.#slabs.of(this.#capacity)
    const { slot } = this
    const [from, start, locators] = [slab.page(slot), slab.offset(slot), this.#locatorsAt()]
    this.#capacity = capacityFor(entries)
    const wider = this.#slabs.of(this.#capacity)
    this.slot = wider.allocate(this)
    const [to, place] = [wider.page(this.slot), wider.offset(this.slot)]
    from.copy(to, place, start, start + pairsAt + this.#count * pairBytes)
    const end = start + locators + this.#count * locatorBytes
    from.copy(to, place + this.#locatorsAt(), start + locators, end)
    slab.release(slot)
  }
}

/** Bytes of one pair of id and digest in what `pairs` returns. */
export const leafPairBytes = pairBytes

function capacityFor(entries: number): number {
  return Math.ceil(Math.max(1, entries) / capacityStep) * capacityStep
}

function compareAt(page: Buffer, at: number, bytes: Uint8Array): number {
  for (let index = 0; index < idBytes; index++) {
    const order = page[at + index]! - bytes[index]!
    if (order !== 0) return order
  }
  return 0
}

/** Counters go up to 2^53 - 1, so seven bytes; what a peer may send must not be more than what fits. */
function writeLocator(page: Buffer, at: number, { actor, counter }: Dot): void {
  putHex(page, at, actor)
  page.writeUInt32LE(counter % 2 ** 32, at + actorBytes)
  page.writeUIntLE(Math.floor(counter / 2 ** 32), at + actorBytes + 4, counterBytes - 4)
}

function readLocator(page: Buffer, at: number): Dot {
  const low = page.readUInt32LE(at + actorBytes)
  const high = page.readUIntLE(at + actorBytes + 4, counterBytes - 4)
  return { actor: page.toString('hex', at, at + actorBytes), counter: low + high * 2 ** 32 }
}
