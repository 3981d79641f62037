/** Actors and dots: the globally unique names of updates. */

/** One run of one store: 8 random bytes, as 16 lower-case hexadecimal digits. */
export type Actor = string

/** The bytes of an actor id. */
export const actorBytes = 8

/** The globally unique name of one update. Counters start at 1 and never repeat under one actor. */
export interface Dot {
  readonly actor: Actor
  readonly counter: number
}

/**
 * Digest of the content that an update issued under its dot: 8 bytes, as 16 lower-case hexadecimal digits. See
 * `contentDigest`.
 */
export type ContentDigest = string

export { contentDigestBytes } from './roots.js'

/** A dot with the digest of the content that is meant, where that is known: after a clone the same dot can have two. */
export interface NamedDot extends Dot {
  readonly digest?: ContentDigest | undefined
}

/** Orders dots by actor, then counter. Returns a negative number, zero or a positive number. */
export function compareDots(a: Dot, b: Dot): number {
  if (a.actor !== b.actor) return a.actor < b.actor ? -1 : 1
  return a.counter - b.counter
}

/** True if two dots name the same update. */
export function sameDot(a: Dot, b: Dot): boolean {
  return a.counter === b.counter && a.actor === b.actor
}

/** A dot as text, `actor:counter`; also its key in maps. */
export function dotText(dot: Dot): string {
  return `${dot.actor}:${dot.counter}`
}

/** True if a list of dots holds this one. */
export function includesDot(dots: readonly Dot[], dot: Dot): boolean {
  return dots.some((other) => sameDot(other, dot))
}

const fewDots = 8

/** Function that returns true if a list holds a dot, in constant time however long the list is. */
export function matcherOf(dots: readonly Dot[]): (dot: Dot) => boolean {
  if (dots.length <= fewDots) return (dot) => includesDot(dots, dot)
  const texts = new Set(dots.map(dotText))
  return (dot) => texts.has(dotText(dot))
}

/** Items by their dot, found in constant time however many there are. */
export function finderOf<T extends { readonly dot: Dot }>(items: readonly T[]): (dot: Dot) => T | undefined
export function finderOf<T>(items: readonly T[], dotOf: (item: T) => Dot): (dot: Dot) => T | undefined
export function finderOf<T>(
  items: readonly T[],
  dotOf = (item: T) => (item as { readonly dot: Dot }).dot,
): (dot: Dot) => T | undefined {
  if (items.length <= fewDots) return (dot) => items.find((item) => sameDot(dotOf(item), dot))
  const byText = new Map(items.map((item) => [dotText(dotOf(item)), item]))
  return (dot) => byText.get(dotText(dot))
}
