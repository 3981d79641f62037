/** The hybrid logical clock: it orders siblings for display and decides nothing else. */

import { logicalMax } from './limits.js'

/** A hybrid logical time: wall-clock milliseconds since 1970 and a logical count within the millisecond (0 to 65,535). */
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

/** Whether a time lies further in the future than the bound. */
export function isFuture(time: HybridTime, nowMs: number, boundMs: number): boolean {
  return time.ms > nowMs + boundMs
}
