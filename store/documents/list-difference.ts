/**
 * The difference of two lists as few edits: the longest common subsequence between the common ends stays where it is;
 * between what stays, elements that are versions of the same thing change in place, the rest is removed and inserted.
 */
import { canonical, entryOf, isList, isObject, type Json } from './json.js'
import { listPairsMax } from './limits.js'

/** One edit; `at` is an index of the list as it was. */
export type ListStep =
  | { readonly kind: 'remove'; readonly at: number }
  /** The element at `at` becomes the wanted one at `to`. */
  | { readonly kind: 'change'; readonly at: number; readonly to: number }
  /** The wanted elements from `from` to before `to` come before `at`. */
  | { readonly kind: 'insert'; readonly at: number; readonly from: number; readonly to: number }

/** Range of indices of one list: from `from` to before `to`. */
interface Gap {
  readonly from: number
  readonly to: number
}

/** The edits that turn one list into the other, in order. */
export function differenceOf(current: readonly Json[], wanted: readonly Json[]): ListStep[] {
  const old = current.map(canonical)
  const next = wanted.map(canonical)
  const steps: ListStep[] = []
  let at = 0
  let to = 0
  for (const [stayAt, stayTo] of [...stays(old, next), [old.length, next.length] as const]) {
    steps.push(...bridge(current, wanted, { from: at, to: stayAt }, { from: to, to: stayTo }))
    at = stayAt + 1
    to = stayTo + 1
  }
  return steps
}

/** Pairs of indices of what stays, ascending. */
function stays(old: readonly string[], next: readonly string[]): (readonly [number, number])[] {
  const shorter = Math.min(old.length, next.length)
  let head = 0
  while (head < shorter && old[head] === next[head]) head++
  let tail = 0
  while (tail < shorter - head && old[old.length - 1 - tail] === next[next.length - 1 - tail]) tail++
  const middle = common(old.slice(head, old.length - tail), next.slice(head, next.length - tail))
  return [
    ...Array.from({ length: head }, (_, index) => [index, index] as const),
    ...middle.map(([at, to]) => [at + head, to + head] as const),
    ...Array.from({ length: tail }, (_, index) => [old.length - tail + index, next.length - tail + index] as const),
  ]
}

/** A longest common subsequence; none when the lists are too long to compare every pair. */
function common(old: readonly string[], next: readonly string[]): (readonly [number, number])[] {
  const width = next.length + 1
  if (old.length * next.length > listPairsMax || old.length === 0 || next.length === 0) return []
  const lengths = new Uint32Array((old.length + 1) * width)
  for (let at = old.length - 1; at >= 0; at--) {
    for (let to = next.length - 1; to >= 0; to--) {
      const here = at * width + to
      lengths[here] =
        old[at] === next[to] ? lengths[here + width + 1]! + 1 : Math.max(lengths[here + width]!, lengths[here + 1]!)
    }
  }
  const pairs: (readonly [number, number])[] = []
  for (let at = 0, to = 0; at < old.length && to < next.length; ) {
    const here = at * width + to
    if (old[at] === next[to]) pairs.push([at++, to++])
    else if (lengths[here + width]! >= lengths[here + 1]!) at++
    else to++
  }
  return pairs
}

/** The edits between two stays: each wanted element takes the next old one that it may be a version of. */
function bridge(current: readonly Json[], wanted: readonly Json[], old: Gap, next: Gap): ListStep[] {
  const steps: ListStep[] = []
  let at = old.from
  let from = next.from
  const removeTo = (end: number) => {
    while (at < end) steps.push({ kind: 'remove', at: at++ })
  }
  const insertTo = (end: number) => {
    if (from < end) steps.push({ kind: 'insert', at, from, to: end })
    from = end
  }
  for (let to = next.from; to < next.to && at < old.to; to++) {
    const match = versionOf(wanted[to]!, current, { from: at, to: Math.min(old.to, at + lookAheadMax) })
    if (match === undefined) continue
    insertTo(to)
    removeTo(match)
    steps.push({ kind: 'change', at, to })
    at++
    from = to + 1
  }
  insertTo(next.to)
  removeTo(old.to)
  return steps
}

/** Number of old elements that are looked at for each wanted one. */
const lookAheadMax = 32

function versionOf(wanted: Json, current: readonly Json[], gap: Gap): number | undefined {
  for (let at = gap.from; at < gap.to; at++) if (areVersions(current[at]!, wanted)) return at
  return undefined
}

/**
 * True if two elements are taken for versions of one thing: scalars always; objects with the same `id` (or `_id`), or,
 * without one, when at least half of their entries are equal; lists when they begin or end alike.
 */
export function areVersions(a: Json, b: Json): boolean {
  if (isList(a) && isList(b)) return alike(a[0], b[0]) || alike(a.at(-1), b.at(-1)) || a.length + b.length === 0
  if (isList(a) || isList(b)) return false
  if (!isObject(a) || !isObject(b)) return !isObject(a) && !isObject(b)
  for (const name of ['id', '_id']) {
    const [left, right] = [entryOf(a, name), entryOf(b, name)]
    if (left !== undefined || right !== undefined) return alike(left, right)
  }
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  const equal = [...keys].filter((key) => alike(entryOf(a, key), entryOf(b, key)))
  return equal.length > 0 && equal.length * 2 >= keys.size
}

function alike(a: Json | undefined, b: Json | undefined): boolean {
  return a !== undefined && b !== undefined && (a === b || canonical(a) === canonical(b))
}
