/**
 * Folds: a member puts the totals of its own ended runs into one version that holds all of them as they are, so that
 * what a counter costs does not grow with every restart. Which chains are shown, and how far they have come, is the
 * same before and after; so a delete that saw the totals, the fold or both subtracts the same, and two folds of one
 * total count it once. What is left to the caller: that nothing which deleted a total is unknown here.
 */
import { reachesOf, readVersions, type Tips } from './counter.js'
import { chainText, compareReaches, deepest, type Reach, withTrail } from './counter-paths.js'
import { decodeOrNothing, encodeCounter, type FoldedReach } from './counter-values.js'
import type { Actor, Dot } from './dot.js'
import { counterTrailKeptMs, foldBytes, supersedesAim } from './limits.js'
import type { Version } from './update.js'

/** Runs as the member that folds knows them. */
export interface FoldingRuns {
  /** The run that it issues under now: not ended. */
  readonly current: Actor
  /** True if a run is its own. */
  isOwn(actor: Actor): boolean
  /** The wall clock, in milliseconds since 1970. */
  readonly nowMs: number
  /** Totals of ended runs from which on a fold is worthwhile. */
  readonly totalsMin: number
}

/** Update that folds: the version that takes the place of others. */
export interface Fold {
  /** Its bytes; null when baselines cover all that it would hold. */
  readonly value: Uint8Array | null
  readonly supersedes: readonly Dot[]
}

/** Version that may be folded. */
interface Foldable {
  readonly dot: Dot
  readonly isFold: boolean
  readonly reaches: readonly FoldedReach[]
}

const dayMs = 24 * 3600 * 1000
/** Bytes of a reach without its trail, roughly. */
const reachBytes = 16

/**
 * The fold that a member may make at an address; undefined when none is worthwhile. Of a chain that went on in two
 * copies of a process, or stands in a version that may not be folded as well, everything stays as it is.
 */
export function foldOf(versions: readonly Version[], runs: FoldingRuns): Fold | undefined {
  const mine = withinBytes(whole(foldable(versions, runs), versions))
  const { baselines } = readVersions(versions)
  const { kept, isCovered } = uncovered(mine, baselines)
  if (!isCovered && mine.filter(({ isFold }) => !isFold).length < runs.totalsMin) return undefined
  const reaches = kept.map((reach) => withoutOldTrail(reach, runs.nowMs)).sort(compareReaches)
  const value = reaches.length === 0 ? null : encodeCounter({ kind: 'folded', reaches })
  return { value, supersedes: mine.map(({ dot }) => dot) }
}

/** The folds of this member, and the totals of its ended runs; a reissued total is left alone. */
function foldable(versions: readonly Version[], { current, isOwn }: FoldingRuns): Foldable[] {
  return versions.flatMap(({ dot, value, time }): Foldable[] => {
    if (!isOwn(dot.actor)) return []
    const counter = decodeOrNothing(value)
    if (counter?.kind === 'folded') return [{ dot, isFold: true, reaches: counter.reaches }]
    if (counter?.kind !== 'total' || dot.actor === current || counter.reach.actor !== dot.actor) return []
    const day = Math.floor(time.ms / dayMs)
    return [{ dot, isFold: false, reaches: [{ ...counter.reach, day }] }]
  })
}

/** Those all of whose chains have one tip, and stand in no other version. */
function whole(mine: readonly Foldable[], versions: readonly Version[]): readonly Foldable[] {
  const own = new Set(mine.map(({ dot }) => dot))
  const { live } = readVersions(versions)
  const left = new Set([...live].filter(([, tips]) => tips.length > 1).map(([text]) => text))
  for (const { dot, value } of versions) {
    if (own.has(dot)) continue
    const counter = decodeOrNothing(value)
    if (counter?.kind === 'total' || counter?.kind === 'folded')
      for (const one of reachesOf(counter)) left.add(chainText(one))
  }
  return withoutChains(mine, left)
}

/** Leaves out what holds one of these chains, and then what shares a chain with that. */
function withoutChains(mine: readonly Foldable[], left: Set<string>): readonly Foldable[] {
  const isLeft = ({ reaches }: Foldable) => reaches.some((reach) => left.has(chainText(reach)))
  const kept = mine.filter((one) => !isLeft(one))
  if (kept.length === mine.length) return kept
  for (const one of mine.filter(isLeft)) for (const reach of one.reaches) left.add(chainText(reach))
  return withoutChains(kept, left)
}

/** As many as fit into one version, smaller ones first; one that is full is left as it is. */
function withinBytes(mine: readonly Foldable[]): readonly Foldable[] {
  const bySize = mine.map((one) => ({ one, bytes: bytesOf(one.reaches) })).sort((a, b) => a.bytes - b.bytes)
  const fitting: Foldable[] = []
  let left = foldBytes
  for (const { one, bytes } of bySize.slice(0, supersedesAim)) {
    left -= bytes
    if (left < 0) break
    fitting.push(one)
  }
  return fitting
}

function bytesOf(reaches: readonly Reach[]): number {
  return reaches.reduce((sum, { trail }) => sum + reachBytes + (trail?.length ?? 0), 0)
}

/** The reaches of some versions, each once, but for those that a baseline covers whole: they show nothing any more. */
function uncovered(mine: readonly Foldable[], baselines: Readonly<Tips>): { kept: FoldedReach[]; isCovered: boolean } {
  const furthest = new Map<string, FoldedReach>()
  for (const reach of mine.flatMap(({ reaches }) => reaches)) {
    const text = chainText(reach)
    const other = furthest.get(text)
    if (other === undefined || compareReaches(reach, other) > 0) furthest.set(text, reach)
  }
  const all = [...furthest]
  const kept = all.filter(([text, reach]) => deepest(reach, baselines.get(text) ?? []).sequence < reach.sequence)
  return { kept: kept.map(([, reach]) => reach), isCovered: kept.length < all.length }
}

/** A trail tells branches of a running machine's copy; it goes when no digest would tell them any more either. */
function withoutOldTrail(reach: FoldedReach, nowMs: number): FoldedReach {
  const endedMs = ((reach.day ?? 0) + 1) * dayMs
  return endedMs < nowMs - counterTrailKeptMs ? withTrail(reach, 0) : reach
}
