/** Ranges of counters: the compact form of the dots of one actor. */

/**
 * Ranges of counters, flat and ascending: first, last, first, last, … Neighbouring ranges are merged. Never changed
 * once handed out.
 */
export type Ranges = readonly number[]

/** The ranges of no counter. */
export const noRanges: Ranges = []

/** Number of counters in the ranges. */
export function countOf(ranges: Ranges): number {
  let total = 0
  for (let at = 0; at < ranges.length; at += 2) total += ranges[at + 1]! - ranges[at]! + 1
  return total
}

/** Ranges as text: `1-5,7`. */
export function rangesText(ranges: Ranges): string {
  const parts: string[] = []
  for (let at = 0; at < ranges.length; at += 2) {
    parts.push(ranges[at] === ranges[at + 1] ? `${ranges[at]}` : `${ranges[at]}-${ranges[at + 1]}`)
  }
  return parts.join(',')
}

/** True if one range holds all counters from `first` to `last`. */
export function containsRange(ranges: Ranges, first: number, last: number): boolean {
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

/** True if both hold the same counters. */
export function sameRanges(a: Ranges, b: Ranges): boolean {
  return a === b || (a.length === b.length && a.every((value, at) => value === b[at]))
}

/** Changes the array in place: every range that overlaps or touches the new one becomes part of it. */
export function insertRange(ranges: number[], first: number, last: number): void {
  const from = firstEndingFrom(ranges, first - 1)
  let to = from
  while (to * 2 < ranges.length && ranges[to * 2]! <= last + 1) to++
  const start = to === from ? first : Math.min(first, ranges[from * 2]!)
  const end = to === from ? last : Math.max(last, ranges[to * 2 - 1]!)
  ranges.splice(from * 2, (to - from) * 2, start, end)
}

/** The counters of either; `a` itself when `b` adds nothing. */
export function uniteRanges(a: Ranges, b: Ranges): Ranges {
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

/** The counters of `a` that `b` lacks. */
export function subtractRanges(a: Ranges, b: Ranges): Ranges {
  if (a === b) return noRanges
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
