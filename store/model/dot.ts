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

/** Digest of the content that an update issued under its dot: 8 bytes, as 16 lower-case hexadecimal digits. See `contentDigest`. */
export type ContentDigest = string

/** The bytes of a content digest. */
export const contentDigestBytes = 8

/** A dot with the digest of the content that is meant, where that is known: after a clone the same dot can have two. */
export interface NamedDot extends Dot {
  readonly digest?: ContentDigest | undefined
}

/** Orders dots by actor, then counter. Returns a negative number, zero or a positive number. */
export function compareDots(a: Dot, b: Dot): number {
  if (a.actor !== b.actor) return a.actor < b.actor ? -1 : 1
  return a.counter - b.counter
}

/** Whether two dots name the same update. */
export function sameDot(a: Dot, b: Dot): boolean {
  return a.counter === b.counter && a.actor === b.actor
}

/** A dot as text, `actor:counter`; also its key in maps. */
export function dotText(dot: Dot): string {
  return `${dot.actor}:${dot.counter}`
}

/** Reads the text form of a dot. Returns undefined when it is not one. */
export function parseDot(text: string): Dot | undefined {
  const match = /^([0-9a-f]{16}):([1-9][0-9]{0,15})$/.exec(text)
  if (match === null) return undefined
  const counter = Number(match[2])
  return Number.isSafeInteger(counter) ? { actor: match[1]!, counter } : undefined
}

/** Whether a list of dots holds this one. */
export function includesDot(dots: readonly Dot[], dot: Dot): boolean {
  return dots.some((other) => sameDot(other, dot))
}
