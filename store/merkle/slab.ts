/** Slots of one size, packed densely in pages of bytes: where the leaves of the trie keep their entries. */

/** Bytes of a page. Small enough for a trie of a few entries, large enough that the cost of a page does not show. */
export const slabPageBytes = 16 * 1024

/** Holder of a slot. The slab changes `slot` when it moves the bytes. */
export interface SlabOwner {
  slot: number
}

/**
 * A dense pool of slots. A released slot is filled with the last one, so that no holes are left behind, whatever
 * grows and shrinks in which order, and pages at the end are given back. (One byte array for each leaf would cost
 * some 300 bytes of the engine's own a leaf; free lists would leave most pages of outgrown sizes nearly empty.)
 */
export class Slab<Owner extends SlabOwner> {
  readonly #slotBytes: number
  readonly #slotsPerPage: number
  readonly #pages: Buffer[] = []
  readonly #owners: Owner[] = []

  /** A slab of slots of so many bytes; at most a page. */
  constructor(slotBytes: number) {
    if (slotBytes > slabPageBytes) throw new RangeError(`a slot of ${slotBytes} bytes does not fit in a page`)
    this.#slotBytes = slotBytes
    this.#slotsPerPage = Math.floor(slabPageBytes / slotBytes)
  }

  /** Bytes held, spare slots included. */
  get bytes(): number {
    return this.#pages.length * slabPageBytes
  }

  /**
   * Takes a slot for an owner, whose `slot` is left for the caller to set, and returns its number. The bytes in it are
   * undefined.
   */
  allocate(owner: Owner): number {
    if (this.#owners.length === this.#pages.length * this.#slotsPerPage) this.#pages.push(Buffer.alloc(slabPageBytes))
    return this.#owners.push(owner) - 1
  }

  /** Gives a slot back; the last slot of the slab moves into its place. */
  release(slot: number): void {
    const lastSlot = this.#owners.length - 1
    const last = this.#owners.pop()
    if (last === undefined || slot > lastSlot) throw new RangeError(`no slot ${slot} to release`)
    if (slot !== lastSlot) {
      const from = this.offset(lastSlot)
      this.page(lastSlot).copy(this.page(slot), this.offset(slot), from, from + this.#slotBytes)
      this.#owners[slot] = last
      last.slot = slot
    }
    const spare = this.#pages.length * this.#slotsPerPage - this.#owners.length
    if (spare > this.#slotsPerPage || this.#owners.length === 0) this.#pages.pop()
  }

  /** The page that a slot lies in. */
  page(slot: number): Buffer {
    return this.#pages[Math.floor(slot / this.#slotsPerPage)]!
  }

  /** Offset of a slot in its page, in bytes. */
  offset(slot: number): number {
    return (slot % this.#slotsPerPage) * this.#slotBytes
  }
}
