/** Contexts: exact, compact sets of dots (per actor, ranges of counters; nearly always one range from 1). */
import type { Actor, Dot } from './dot.js'

/** Ranges of counters, flat and ascending: first, last, first, last, … Neighbouring ranges are merged. Never changed once handed out. */
export type Ranges = readonly number[]

const none: Ranges = []

/**
 * A set of dots. Gaps are kept exactly: a context says which dots, not how far.
 * Clones are cheap (copy on write), so that a context can be captured in one turn and kept while the original moves on.
 * Source: version vectors with exceptions; the node-wide contexts of DottedDB and of delta-state CRDTs.
 */
export class Context {
  #ranges: Map<Actor, Ranges>
  #shared = false
  /** Actors whose array nobody else has seen: it may be changed in place. */
  readonly #owned = new Set<Actor>()

  /** An empty context, or one over the given ranges, which it takes over. */
  constructor(ranges: Map<Actor, Ranges> = new Map()) {
    this.#ranges = ranges
  }

  /** The context of exactly these dots. */
  static of(dots: Iterable<Dot>): Context {
    const context = new Context()
    for (const dot of dots) context.add(dot)
    return context
  }

  /** An independent copy; constant time until one of the two changes. */
  clone(): Context {
    this.#shared = true
    this.#owned.clear()
    const copy = new Context(this.#ranges)
    copy.#shared = true
    return copy
  }

  /** True if the dot is in the set. */
  has(dot: Dot): boolean {
    const ranges = this.#ranges.get(dot.actor)
    return ranges !== undefined && contains(ranges, dot.counter)
  }

  /** Adds one dot. Returns whether it was new. */
  add(dot: Dot): boolean {
    return this.addRange(dot.actor, dot.counter, dot.counter)
  }

  /** Adds the counters `first` to `last` (both included) of an actor. Returns whether any was new. */
  addRange(actor: Actor, first: number, last: number): boolean {
    const ranges = this.#ranges.get(actor)
    if (ranges !== undefined && containsRange(ranges, first, last)) return false
    const own = this.#owned.has(actor) ? (ranges as number[]) : (ranges?.slice() ?? [])
    insertRange(own, first, last)
    this.#own().set(actor, own)
    this.#owned.add(actor)
    return true
  }

  /** Adds every dot of another context. */
  union(other: Context): void {
    for (const [actor, theirs] of other.#ranges) {
      const mine = this.#ranges.get(actor)
      const united = mine === undefined ? theirs : uniteRanges(mine, theirs)
      if (united === mine) continue
      this.#own().set(actor, united)
      if (united === theirs) this.#handOut(other, actor)
    }
  }

  /** The dots of this context that another lacks. */
  minus(other: Context): Context {
    const result = new Map<Actor, Ranges>()
    for (const [actor, mine] of this.#ranges) {
      const theirs = other.#ranges.get(actor)
      const left = theirs === undefined ? mine : subtractRanges(mine, theirs)
      if (left.length > 0) result.set(actor, left)
      if (left === mine) this.#owned.delete(actor)
    }
    return new Context(result)
  }

  /** The dots in both contexts. */
  intersection(other: Context): Context {
    return this.minus(this.minus(other))
  }

  /** True if every dot of another context is in this one. */
  covers(other: Context): boolean {
    for (const [actor, theirs] of other.#ranges) {
      const mine = this.#ranges.get(actor)
      if (mine === theirs) continue
      if (mine === undefined || subtractRanges(theirs, mine).length > 0) return false
    }
    return true
  }

  /** True if both are the same set. */
  equals(other: Context): boolean {
    if (this.#ranges.size !== other.#ranges.size) return false
    for (const [actor, mine] of this.#ranges) {
      const theirs = other.#ranges.get(actor)
      if (theirs === undefined || !sameRanges(mine, theirs)) return false
    }
    return true
  }

  /** True if it holds no dot. */
  get isEmpty(): boolean {
    return this.#ranges.size === 0
  }

  /** Number of dots. */
  get size(): number {
    let total = 0
    for (const ranges of this.#ranges.values()) total += countOf(ranges)
    return total
  }

  /** Number of dots of an actor. */
  sizeOf(actor: Actor): number {
    return countOf(this.#ranges.get(actor) ?? none)
  }

  /** Number of ranges: its cost in memory and on the wire. */
  get rangeCount(): number {
    let total = 0
    for (const ranges of this.#ranges.values()) total += ranges.length / 2
    return total
  }

  /** The actors with at least one dot, in ascending order. */
  actors(): Actor[] {
    return [...this.#ranges.keys()].sort()
  }

  /** The ranges of an actor; empty when it has none. */
  rangesOf(actor: Actor): Ranges {
    this.#owned.delete(actor)
    return this.#ranges.get(actor) ?? none
  }

  /** Puts the given ranges in place of an actor's present ones; an empty list removes the actor. */
  setRanges(actor: Actor, ranges: Ranges): void {
    this.#owned.delete(actor)
    if (ranges.length === 0) this.#own().delete(actor)
    else this.#own().set(actor, ranges)
  }

  /** The greatest counter of an actor; 0 when it has none. */
  lastOf(actor: Actor): number {
    return this.#ranges.get(actor)?.at(-1) ?? 0
  }

  /** Every dot, actors ascending, counters ascending. For small contexts and tests: the number of dots is not bounded by the size in memory. */
  *dots(): IterableIterator<Dot> {
    for (const actor of this.actors()) {
      const ranges = this.rangesOf(actor)
      for (let at = 0; at < ranges.length; at += 2) {
        for (let counter = ranges[at]!; counter <= ranges[at + 1]!; counter++) yield { actor, counter }
      }
    }
  }

  /** The set as text, for messages and traces: `actor[1-5,7] …`. */
  toString(): string {
    return this.actors()
      .map((actor) => `${actor.slice(0, 6)}[${rangesText(this.rangesOf(actor))}]`)
      .join(' ')
  }

  /** Another context's array stands here too now: neither may change it in place. */
  #handOut(other: Context, actor: Actor): void {
    this.#owned.delete(actor)
    other.#owned.delete(actor)
  }

  #own(): Map<Actor, Ranges> {
    if (this.#shared) {
      this.#ranges = new Map(this.#ranges)
      this.#shared = false
    }
    return this.#ranges
  }
}

/** Number of counters in the ranges. */
export function countOf(ranges: Ranges): number {
  let total = 0
  for (let at = 0; at < ranges.length; at += 2) total += ranges[at + 1]! - ranges[at]! + 1
  return total
}

function rangesText(ranges: Ranges): string {
  const parts: string[] = []
  for (let at = 0; at < ranges.length; at += 2) {
    parts.push(ranges[at] === ranges[at + 1] ? `${ranges[at]}` : `${ranges[at]}-${ranges[at + 1]}`)
  }
  return parts.join(',')
}

function contains(ranges: Ranges, counter: number): boolean {
  return containsRange(ranges, counter, counter)
}

/** True if one range holds all counters from `first` to `last`. */
function containsRange(ranges: Ranges, first: number, last: number): boolean {
  const at = firstEndingFrom(ranges, first) * 2
  return at < ranges.length && ranges[at]! <= first && last <= ranges[at + 1]!
}

/** The index of the first range that ends at `counter` or behind it; the number of ranges when none does. */
function firstEndingFrom(ranges: Ranges, counter: number): number {
  let low = 0
  let high = ranges.length / 2
  while (low < high) {
    const middle = (low + high) >> 1
    if (ranges[middle * 2 + 1]! < counter) low = middle + 1
    else high = middle
  }
  return low
}

function sameRanges(a: Ranges, b: Ranges): boolean {
  return a === b || (a.length === b.length && a.every((value, at) => value === b[at]))
}

/** Changes the array in place: every range that overlaps or touches the new one becomes part of it. */
function insertRange(ranges: number[], first: number, last: number): void {
  const from = firstEndingFrom(ranges, first - 1)
  let to = from
  while (to * 2 < ranges.length && ranges[to * 2]! <= last + 1) to++
  const start = to === from ? first : Math.min(first, ranges[from * 2]!)
  const end = to === from ? last : Math.max(last, ranges[to * 2 - 1]!)
  ranges.splice(from * 2, (to - from) * 2, start, end)
}

/** Returns `a` itself when `b` adds nothing. */
function uniteRanges(a: Ranges, b: Ranges): Ranges {
  const result: number[] = []
  let atA = 0
  let atB = 0
  while (atA < a.length || atB < b.length) {
    const takeA = atB >= b.length || (atA < a.length && a[atA]! <= b[atB]!)
    const first = takeA ? a[atA]! : b[atB]!
    const last = takeA ? a[atA + 1]! : b[atB + 1]!
    if (takeA) atA += 2
    else atB += 2
    const end = result.at(-1)
    if (end !== undefined && first <= end + 1) result[result.length - 1] = Math.max(end, last)
    else result.push(first, last)
  }
  return sameRanges(result, a) ? a : result
}

function subtractRanges(a: Ranges, b: Ranges): Ranges {
  if (a === b) return none
  const result: number[] = []
  let atB = 0
  for (let at = 0; at < a.length; at += 2) {
    let first = a[at]!
    const last = a[at + 1]!
    while (atB < b.length && b[atB + 1]! < first) atB += 2
    let scan = atB
    while (scan < b.length && b[scan]! <= last && first <= last) {
      if (b[scan]! > first) result.push(first, b[scan]! - 1)
      first = Math.max(first, b[scan + 1]! + 1)
      scan += 2
    }
    if (first <= last) result.push(first, last)
  }
  return result
}
