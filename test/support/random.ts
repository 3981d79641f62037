/** Randomness that can be repeated: a seed decides it. */

/** A stream of random numbers that a seed decides. Source: mulberry32 (Ettinger 2017). */
export class Random {
  #state: number

  /** Equal seeds give equal streams. */
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A number from 0 (included) to 1 (excluded). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor(this.next() * below)
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }

  /** True if something of this probability happens. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** The items in a random order. */
  shuffle<T>(items: readonly T[]): T[] {
    const result = items.slice()
    for (let at = result.length - 1; at > 0; at--) {
      const other = this.below(at + 1)
      const kept = result[at]!
      result[at] = result[other]!
      result[other] = kept
    }
    return result
  }

  /** Random bytes. */
  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256))
  }
}
