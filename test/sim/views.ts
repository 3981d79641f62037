/**
 * What a writer has in view at a register, worked out beside the code that is tested: what its write must supersede.
 */
import { compareTimes, isFuture } from '../../store/model/clock.js'
import { compareDots, type Dot } from '../../store/model/dot.js'
import type { Version } from '../../store/model/update.js'

/**
 * What a writer's clocks show: its own, that of the nodes that hear each other, and the one that deadlines must have
 * passed.
 */
export interface Clocks {
  readonly nowMs: number
  readonly sharedNowMs: number
  readonly expiredByMs: number
  readonly clockBoundMs: number
}

/**
 * What a put without a token supersedes: the shown winner with everything equal to it, and what has expired by the
 * clocks of the mesh.
 */
export function inViewOfPut(
  versions: readonly Version[],
  { nowMs, sharedNowMs, expiredByMs, clockBoundMs }: Clocks,
): Dot[] {
  const shown = readerSees(versions, nowMs)
  const rank = (version: Version) => (isFuture(version.time, sharedNowMs, clockBoundMs) ? 1 : 0)
  const [winner] = shown.toSorted(
    (a, b) => rank(a) - rank(b) || compareTimes(b.time, a.time) || compareDots(b.dot, a.dot),
  )
  return versions
    .filter((version) => isExpired(version, expiredByMs) || (winner && sameBytes(version, winner)))
    .map(({ dot }) => dot)
}

/** What has expired by a clock. */
export function expired(versions: readonly Version[], byMs: number): Dot[] {
  return versions.filter((version) => isExpired(version, byMs)).map(({ dot }) => dot)
}

/** Versions that a reader is shown: a clock hides none whose bytes a version without a passed deadline has too. */
export function readerSees(versions: readonly Version[], nowMs: number): Version[] {
  const shown = versions.filter((version) => !isExpired(version, nowMs))
  return versions.filter((version) => shown.some((one) => sameBytes(one, version)))
}

function isExpired(version: Version, nowMs: number): boolean {
  return version.expiresAtMs !== null && version.expiresAtMs <= nowMs
}

function sameBytes(a: Version, b: Version): boolean {
  return Buffer.compare(a.value, b.value) === 0
}
