/** What a writer has in view at a register, worked out beside the code that is tested: what its write must supersede. */
import { compareTimes, isFuture } from '../../store/model/clock.js'
import { compareDots, type Dot } from '../../store/model/dot.js'
import type { Version } from '../../store/model/update.js'

/** What a put without a token supersedes: the shown winner with everything equal to it, and what has expired. */
export function inViewOfPut(versions: readonly Version[], nowMs: number, clockBoundMs: number): Dot[] {
  const shown = versions.filter((version) => !isExpired(version, nowMs))
  const rank = (version: Version) => (isFuture(version.time, nowMs, clockBoundMs) ? 1 : 0)
  const [winner] = shown.toSorted(
    (a, b) => rank(a) - rank(b) || compareTimes(b.time, a.time) || compareDots(b.dot, a.dot),
  )
  return versions
    .filter((version) => isExpired(version, nowMs) || (winner && sameBytes(version, winner)))
    .map(({ dot }) => dot)
}

/** What has expired. */
export function expired(versions: readonly Version[], nowMs: number): Dot[] {
  return versions.filter((version) => isExpired(version, nowMs)).map(({ dot }) => dot)
}

function isExpired(version: Version, nowMs: number): boolean {
  return version.expiresAtMs !== null && version.expiresAtMs <= nowMs
}

function sameBytes(a: Version, b: Version): boolean {
  return Buffer.compare(a.value, b.value) === 0
}
