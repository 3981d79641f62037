/** Contexts: exact, compact sets of dots (per actor, ranges of counters; nearly always one range from 1). */
import { hash } from 'node:crypto'
import { ActorMap, type MapDigests } from './actor-map.js'
import { ByteWriter } from './bytes.js'
import { writeRanges } from './codec.js'
import { type Actor, actorBytes, type Dot } from './dot.js'
import {
  containsRange,
  countOf,
  insertRange,
  noRanges,
  type Ranges,
  rangesText,
  sameRanges,
  subtractRanges,
  uniteRanges,
} from './ranges.js'
import { digestBytes } from './roots.js'

export { countOf, type Ranges } from './ranges.js'

/** The dots of one actor: its last counter where all from 1 on are in the set, else its ranges. */
type Held = number | Ranges

/**
 * A set of dots. Gaps are kept exactly: a context says which dots, not how far. Clones are cheap (copy on write), so
 * that a context can be captured in one turn and kept while the original moves on; and what two contexts share by their
 * past costs nothing when they are compared or united. Source: version vectors with exceptions; the node-wide contexts
 * of DottedDB and of delta-state CRDTs.
 */
export class Context {
  #held: ActorMap<Held>
  /** Actors whose array nobody else has seen: it may be changed in place. */
  readonly #owned = new Set<Actor>()

  /** An empty context, or one over the given ranges, which it takes over. */
  constructor(ranges?: ReadonlyMap<Actor, Ranges>) {
    this.#held = new ActorMap()
    for (const [actor, of] of ranges ?? []) if (of.length > 0) this.#held.set(actor, held(of))
  }

  /** The context of exactly these dots. */
  static of(dots: Iterable<Dot>): Context {
    const context = new Context()
    for (const dot of dots) context.add(dot)
    return context
  }

  /** An independent copy, in constant time. */
  clone(): Context {
    const copy = new Context()
    copy.#held = this.#share()
    return copy
  }

  /** Gives back memory that is kept in reserve: for one that was filled and will hardly change. */
  pack(): void {
    this.#held.pack()
  }

  /** True if the dot is in the set. */
  has({ actor, counter }: Dot): boolean {
    const here = this.#held.get(actor)
    if (here === undefined) return false
    return typeof here === 'number' ? counter <= here : containsRange(here, counter, counter)
  }

  /** Adds one dot. Returns whether it was new. */
  add(dot: Dot): boolean {
    return this.addRange(dot.actor, dot.counter, dot.counter)
  }

  /** Adds the counters `first` to `last` (both included) of an actor. Returns whether any was new. */
  addRange(actor: Actor, first: number, last: number): boolean {
    const here = this.#held.get(actor) ?? 0
    if (typeof here === 'number' && first <= here + 1) {
      if (last > here) this.#held.set(actor, last)
      return last > here
    }
    const ranges = rangesIn(here)
    if (containsRange(ranges, first, last)) return false
    const own = this.#owned.has(actor) ? (ranges as number[]) : ranges.slice()
    insertRange(own, first, last)
    const now = held(own)
    this.#held.set(actor, now)
    if (now === own) this.#owned.add(actor)
    else this.#owned.delete(actor)
    return true
  }

  /** Adds every dot of another context. */
  union(other: Context): void {
    if (this.isEmpty) {
      this.#held = other.#share()
      this.#owned.clear()
      return
    }
    const changed: [Actor, Held][] = []
    other.#held.visitUnlike(this.#held, alike, (actor, theirs, mine) => {
      const united = mine === undefined ? theirs : unitedWith(mine, theirs)
      if (united !== mine) changed.push([actor, united])
      if (united === theirs) other.#owned.delete(actor)
      return true
    })
    for (const [actor, united] of changed) this.#replace(actor, united)
  }

  /** The dots of this context that another lacks. */
  minus(other: Context): Context {
    if (other.isEmpty) return this.clone()
    const result = new Context()
    this.#held.visitUnlike(other.#held, alike, (actor, mine, theirs) => {
      const left = theirs === undefined ? mine : held(subtractRanges(rangesIn(mine), rangesIn(theirs)))
      if (left === mine) this.#owned.delete(actor)
      if (left !== 0) result.#held.set(actor, left)
      return true
    })
    return result
  }

  /** The dots in both contexts. */
  intersection(other: Context): Context {
    const [few, many] = this.#held.size <= other.#held.size ? [this, other] : [other, this]
    const result = few.clone()
    few.#held.visitUnlike(many.#held, alike, (actor, one, two) => {
      result.#replace(actor, two === undefined ? 0 : commonTo(one, two))
      return true
    })
    return result
  }

  /** True if every dot of another context is in this one. */
  covers(other: Context): boolean {
    return other.#held.visitUnlike(
      this.#held,
      alike,
      (_, theirs, mine) => mine !== undefined && subtractRanges(rangesIn(theirs), rangesIn(mine)).length === 0,
    )
  }

  /** True if both are the same set. */
  equals(other: Context): boolean {
    return this.#held.size === other.#held.size && this.#held.visitUnlike(other.#held, alike, () => false)
  }

  /** True if it holds no dot. */
  get isEmpty(): boolean {
    return this.#held.size === 0
  }

  /** Number of dots. */
  get size(): number {
    let total = 0
    for (const here of this.#held.values()) total += typeof here === 'number' ? here : countOf(here)
    return total
  }

  /** Number of dots of an actor. */
  sizeOf(actor: Actor): number {
    const here = this.#held.get(actor) ?? 0
    return typeof here === 'number' ? here : countOf(here)
  }

  /** Number of ranges: its cost in memory and on the wire. */
  get rangeCount(): number {
    let total = 0
    for (const here of this.#held.values()) total += rangesIn(here).length / 2
    return total
  }

  /** Number of actors with at least one dot. */
  get actorCount(): number {
    return this.#held.size
  }

  /** The actors with at least one dot, in ascending order. */
  actors(): Actor[] {
    return Array.from(this.#held, ([actor]) => actor)
  }

  /** The position of an actor among `actors()`; undefined when it has no dot. */
  rankOf(actor: Actor): number | undefined {
    return this.#held.rankOf(actor)
  }

  /** The actor at a position among `actors()`; undefined beyond the end. */
  actorAt(rank: number): Actor | undefined {
    return this.#held.actorAt(rank)
  }

  /** The actors whose dots differ between this context and another, in ascending order. */
  actorsUnlike(other: Context): Actor[] {
    const actors = new Set<Actor>()
    const add = (actor: Actor) => actors.add(actor) !== undefined
    this.#held.visitUnlike(other.#held, alike, add)
    other.#held.visitUnlike(this.#held, alike, add)
    return [...actors].sort()
  }

  /**
   * Visits the actors in ascending order, each packed (8 characters, its bytes), with its ranges here and in another
   * context.
   */
  visitWith(other: Context, visit: (key: string, here: Ranges, there: Ranges) => void): void {
    this.#owned.clear()
    other.#owned.clear()
    this.#held.visitWith(other.#held, (key, here, there) => visit(key, rangesIn(here), rangesIn(there ?? 0)))
  }

  /** Number of actors with at least one dot whose id begins with these hexadecimal digits. */
  countBelow(prefix: string): number {
    return this.#held.countBelow(prefix)
  }

  /** The actors with at least one dot whose id begins with these hexadecimal digits, in ascending order. */
  actorsBelow(prefix: string): Actor[] {
    return Array.from(this.#held.entriesBelow(prefix), ([actor]) => actor)
  }

  /**
   * The digest of the dots of the actors whose id begins with these hexadecimal digits, as 16 characters, its bytes.
   * Equal sets have equal ones.
   */
  digestBelow(prefix: string): string {
    return this.#held.digestBelow(prefix, digests)
  }

  /** The ranges of an actor; empty when it has none. */
  rangesOf(actor: Actor): Ranges {
    this.#owned.delete(actor)
    return rangesIn(this.#held.get(actor) ?? 0)
  }

  /** Puts the given ranges in place of an actor's present ones; an empty list removes the actor. */
  setRanges(actor: Actor, ranges: Ranges): void {
    this.#replace(actor, held(ranges))
  }

  /** The greatest counter of an actor; 0 when it has none. */
  lastOf(actor: Actor): number {
    const here = this.#held.get(actor) ?? 0
    return typeof here === 'number' ? here : here.at(-1)!
  }

  /**
   * Every dot, actors ascending, counters ascending. For small contexts and tests: the number of dots is not bounded by
   * the size in memory.
   */
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

  /** Puts an array in place that stands elsewhere too, or may: it is not changed any more. */
  #replace(actor: Actor, here: Held): void {
    this.#owned.delete(actor)
    if (here === 0) this.#held.delete(actor)
    else this.#held.set(actor, here)
  }

  /** Hands out all that it holds: from now on neither context may change an array in place. */
  #share(): ActorMap<Held> {
    this.#owned.clear()
    return this.#held.clone()
  }
}

const entriesDomain = 0x20
const halvesDomain = 0x21

/** Digests of parts of a context: SHA-256, cut to 16 bytes. */
const digests: MapDigests<Held> = {
  ofEntries(keys, values) {
    const writer = new ByteWriter(values.length * 16 + 1).u8(entriesDomain)
    for (const [at, here] of values.entries()) {
      writer.latin1(keys.slice(at * actorBytes, (at + 1) * actorBytes))
      writeRanges(writer, rangesIn(here))
    }
    return cutDigest(writer)
  },
  ofHalves: (left, right) => cutDigest(new ByteWriter(33).u8(halvesDomain).latin1(left).latin1(right)),
}

function cutDigest(writer: ByteWriter): string {
  return hash('sha256', writer.finish(), 'buffer').toString('latin1', 0, digestBytes)
}

/** The short form of ranges; 0 for none. */
function held(ranges: Ranges): Held {
  if (ranges.length === 0) return 0
  return ranges.length === 2 && ranges[0] === 1 ? ranges[1]! : ranges
}

function rangesIn(here: Held): Ranges {
  if (typeof here !== 'number') return here
  return here === 0 ? noRanges : [1, here]
}

function alike(a: Held, b: Held): boolean {
  return a === b || (typeof a !== 'number' && typeof b !== 'number' && sameRanges(a, b))
}

/** Returns `mine` or `theirs` itself when that is the union. */
function unitedWith(mine: Held, theirs: Held): Held {
  if (typeof mine === 'number' && typeof theirs === 'number') return Math.max(mine, theirs)
  const [a, b] = [rangesIn(mine), rangesIn(theirs)]
  const united = uniteRanges(a, b)
  return united === a ? mine : sameRanges(united, b) ? theirs : held(united)
}

function commonTo(one: Held, two: Held): Held {
  if (typeof one === 'number' && typeof two === 'number') return Math.min(one, two)
  const a = rangesIn(one)
  return held(subtractRanges(a, subtractRanges(a, rangesIn(two))))
}
