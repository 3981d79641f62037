/**
 * Clocks: the hybrid logical one, which orders siblings for display and decides nothing else, and what several wall
 * clocks say together.
 */

import { logicalMax } from './limits.js'

/**
 * A hybrid logical time: wall-clock milliseconds since 1970 and a logical count within the millisecond (0 to 65,535).
 */
export interface HybridTime {
  readonly ms: number
  readonly logical: number
}

/** The earliest time. */
export const zeroTime: HybridTime = { ms: 0, logical: 0 }

/** Orders times. Returns a negative number, zero or a positive number. */
export function compareTimes(a: HybridTime, b: HybridTime): number {
  return a.ms - b.ms || a.logical - b.logical
}

/**
 * The next time of a clock that last showed `last`, when the wall clock shows `nowMs`.
 * Source: Kulkarni et al., Logical Physical Clocks (2014).
 */
export function tick(last: HybridTime, nowMs: number): HybridTime {
  if (nowMs > last.ms) return { ms: nowMs, logical: 0 }
  if (last.logical < logicalMax) return { ms: last.ms, logical: last.logical + 1 }
  return { ms: last.ms + 1, logical: 0 }
}

/**
 * The clock after it has met a remote time. A time from further than `boundMs` in the future is left aside,
 * so that one wrong clock cannot carry the others with it.
 */
export function observe(last: HybridTime, remote: HybridTime, nowMs: number, boundMs: number): HybridTime {
  if (isFuture(remote, nowMs, boundMs)) return last
  return compareTimes(remote, last) > 0 ? remote : last
}

/** True if a time is more than `boundMs` after `nowMs`. */
export function isFuture(time: HybridTime, nowMs: number, boundMs: number): boolean {
  return time.ms > nowMs + boundMs
}

/**
 * The clock as it counts at a moment: one that shows more than `boundMs` after now is not taken up again, so that a
 * clock that was put right is right.
 */
export function taken(last: HybridTime, nowMs: number, boundMs: number): HybridTime {
  return isFuture(last, nowMs, boundMs) ? zeroTime : last
}

/** The wall clocks of members that were heard of late, against our own, in milliseconds. */
export interface HeardClocks {
  readonly hasMembers: boolean
  readonly offsetsMs: readonly number[]
}

/**
 * Now, as nodes that hear each other agree on it, whichever of their clocks is wrong: the median of the own clock and
 * the members'.
 */
export function sharedNowMs(nowMs: number, { offsetsMs }: HeardClocks): number {
  return nowMs + median([0, ...offsetsMs])!
}

/** The earlier of the own clock and the members' median; NaN while there are members and none is heard. */
export function agreedNowMs(nowMs: number, { hasMembers, offsetsMs }: HeardClocks): number {
  if (!hasMembers) return nowMs
  return Math.min(nowMs, nowMs + (median(offsetsMs) ?? Number.NaN))
}

/** The median; the lower one of the middle two. Undefined for an empty list. */
export function median(values: readonly number[]): number | undefined {
  return values.slice().sort((a, b) => a - b)[(values.length - 1) >> 1]
}
