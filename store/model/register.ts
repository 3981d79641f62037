/** Multi-value registers: what a reader sees of the versions at an address, and what a writer thereby supersedes. */
import { compareTimes, type HybridTime, isFuture } from './clock.js'
import { compareDots, type Dot, dotText, type NamedDot } from './dot.js'
import type { Version } from './update.js'

/** Versions with equal bytes, shown as one: token, put, delete and sibling count treat them as one. */
export interface Sibling {
  /** The greatest version of the group in display order; its dot, time and node are shown. */
  readonly version: Version
  /** The latest deadline of the group; null (none) beats any. */
  readonly expiresAtMs: number | null
  /** Every dot of the group, sorted. */
  readonly dots: readonly Dot[]
}

/** Clock readings, and the bound, on which the display of versions depends. */
export interface DisplayClock {
  /** The own wall clock, which hides versions from their deadline on, in milliseconds since 1970. */
  readonly nowMs: number
  /**
   * Now, by the median of the own clock and the members', which orders versions: nodes that hear each other show the
   * same winner.
   */
  readonly sharedNowMs: number
  /** Bound on how far in the future a time may lie before it sorts last, in milliseconds. */
  readonly clockBoundMs: number
}

/** True if a version's deadline has passed. */
export function hasExpired(version: Version, nowMs: number): boolean {
  return version.expiresAtMs !== null && version.expiresAtMs <= nowMs
}

/**
 * Groups of equal bytes as a reader sees them, the shown winner first. A group is hidden when its latest deadline has
 * passed: as long as it is shown, all its dots are in view, also those whose own deadline is over.
 */
export function siblings(versions: readonly Version[], clock: DisplayClock): Sibling[] {
  if (versions.length < 2) return versions.filter((version) => !hasExpired(version, clock.nowMs)).map(alone)
  const groups = new Map<string, Version[]>()
  for (const version of versions) {
    const key = Buffer.from(version.valueHash).toString('latin1')
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [version])
    else group.push(version)
  }
  const order = displayOrder(clock)
  return [...groups.values()]
    .filter((group) => group.some((version) => !hasExpired(version, clock.nowMs)))
    .map((group) => toSibling(group, order))
    .sort((a, b) => order(a.version, b.version))
}

function alone(version: Version): Sibling {
  return { version, expiresAtMs: version.expiresAtMs, dots: [version.dot] }
}

function toSibling(group: Version[], order: (a: Version, b: Version) => number): Sibling {
  group.sort(order)
  const deadlines = group.map((version) => version.expiresAtMs)
  return {
    version: group[0]!,
    expiresAtMs: deadlines.includes(null) ? null : Math.max(...(deadlines as number[])),
    dots: group.map((version) => version.dot).sort(compareDots),
  }
}

/** Greatest (hybrid logical time, actor) first; versions from beyond the clock bound behind all others. */
function displayOrder(clock: DisplayClock): (a: Version, b: Version) => number {
  const future = (time: HybridTime) => (isFuture(time, clock.sharedNowMs, clock.clockBoundMs) ? 1 : 0)
  return (a, b) => future(a.time) - future(b.time) || compareTimes(b.time, a.time) || compareDots(b.dot, a.dot)
}

/**
 * The dots of versions whose deadline has passed for good, by the clocks of the mesh; every put supersedes them too. A
 * single clock may be wrong.
 */
export function expiredDots(versions: readonly Version[], expiredByMs: number): Dot[] {
  if (versions.length === 0) return []
  return versions.filter((version) => hasExpired(version, expiredByMs)).map((version) => version.dot)
}

/** The versions that the own clock does not hide. */
export function visible(versions: readonly Version[], nowMs: number): Version[] {
  return versions.filter((version) => !hasExpired(version, nowMs))
}

/** The union of lists of dots: sorted, each once. */
export function mergeDots(...lists: readonly (readonly NamedDot[])[]): NamedDot[] {
  if (lists.every((list) => list.length === 0)) return []
  const all = new Map<string, NamedDot>()
  for (const list of lists) for (const dot of list) all.set(dotText(dot), dot)
  return [...all.values()].sort(compareDots)
}
