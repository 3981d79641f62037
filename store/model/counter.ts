/**
 * Counters: exact, also against a concurrent delete. Each run of a node keeps one running total per chain; a delete
 * leaves a baseline, the totals that it saw, which is subtracted wherever a chain goes on beyond it. Totals of ended
 * runs may stand in one version, a fold, each as it was (counter-fold.ts). An imported value takes the place of all that
 * was in view, and counts once however often it is imported at the same time. Two copies of one running process go on
 * with one chain; its trail tells where they parted, so that both branches count (counter-paths.ts). Source: op-based
 * counters with per-replica totals (Shapiro et al. 2011), with reset by baseline as in resettable counters.
 */
import type { HybridTime } from './clock.js'
import {
  addTip,
  chainText,
  compareReaches,
  deepest,
  extended,
  linkBytes,
  type Reach,
  withTrail,
} from './counter-paths.js'
import { type CounterValue, decodeOrNothing, encodeCounter, isFold } from './counter-values.js'
import type { Actor, Dot } from './dot.js'
import { foldContent, sharedChains } from './fold-contents.js'
import { baselineTrailBytesAim, resetChainsMax, supersedesAim } from './limits.js'
import type { Version } from './update.js'

/** Content that one increment stores, and the versions that it supersedes. */
export interface Increment {
  readonly value: Uint8Array
  /** This run's version that it goes on from, if any. */
  readonly supersedes: readonly Dot[]
}

/** Bytes of a step of a trail, as they mostly are. */
const stepBytes = linkBytes + 2

/** Tips of each chain: one, or several where copies of one process went on with it. */
export type Tips = Map<string, readonly Reach[]>

function raise(tips: Tips, reach: Reach): void {
  const text = chainText(reach)
  const known = tips.get(text)
  tips.set(text, known === undefined ? [reach] : addTip(known, reach))
}

/**
 * Live chains, the baselines and the imported value of an address. Versions that cannot be read count for nothing.
 */
interface Reading {
  readonly live: Readonly<Tips>
  readonly baselines: Readonly<Tips>
  /** The greatest of the values imported at the same time; undefined when none is live. */
  readonly imported: number | undefined
}

/** Reads all versions of an address. */
export function readVersions(versions: readonly Version[]): Reading {
  const live: Tips = new Map()
  const baselines: Tips = new Map()
  let imported: number | undefined
  for (const { value } of versions) {
    const counter = decodeOrNothing(value)
    const tips = counter !== undefined && isShown(counter) ? live : baselines
    for (const reach of reachesOf(counter)) raise(tips, reach)
    if (counter?.kind === 'imported') imported = Math.max(counter.total, imported ?? counter.total)
  }
  return { live, baselines, imported }
}

/** True if what a version holds is shown, and not subtracted. */
function isShown({ kind }: CounterValue): boolean {
  return kind === 'total' || kind === 'folded'
}

/** Reaches that a version holds, whether it shows them or subtracts them. */
export function reachesOf(counter: CounterValue | undefined): readonly Reach[] {
  if (counter === undefined) return []
  return counter.kind === 'total' ? [counter.reach] : counter.reaches
}

/** The live paths beyond what is covered by baselines, and by those before them. */
function* beyond({ live, baselines }: Reading): Iterable<{ reach: Reach; from: number }> {
  for (const [text, tips] of live) {
    let covered = baselines.get(text) ?? []
    for (const reach of tips.length === 1 ? tips : [...tips].sort(compareReaches)) {
      const { sequence, total } = deepest(reach, covered)
      if (sequence < reach.sequence) yield { reach, from: total }
      covered = [...covered, reach]
    }
  }
}

/**
 * The value: what was imported, and the sum over chains of what lies beyond their baseline. Undefined when there is
 * neither (the counter is not there).
 */
export function counterValue(versions: readonly Version[]): bigint | undefined {
  const { reading, apart } = readApart(versions)
  let value = reading.imported === undefined ? undefined : BigInt(reading.imported)
  for (const { chains, sum } of apart) if (chains > 0) value = (value ?? 0n) + sum
  for (const { reach, from } of beyond(reading)) {
    value = (value ?? 0n) + BigInt(reach.total) - BigInt(from)
  }
  return value
}

/** True if the counter exists: it has an imported value, or a chain beyond its baseline. */
export function isPresent(versions: readonly Version[]): boolean {
  return counterValue(versions) !== undefined
}

/** Chains of a fold that stand nowhere else: their number, and their sum. */
interface Apart {
  readonly chains: number
  readonly sum: bigint
}

/** Reads all versions, but of the folds only the chains that stand elsewhere too; the others are summed up. */
function readApart(versions: readonly Version[]): { reading: Reading; apart: Apart[] } {
  const contents = versions.map((version) => (isFold(version.value) ? foldContent(version) : undefined))
  const folds = contents.filter((content) => content !== undefined)
  const reading = readVersions(versions.filter((_, at) => contents[at] === undefined))
  const live: Tips = new Map(reading.live)
  const elsewhere = [...live.keys(), ...reading.baselines.keys()]
  const apart = folds.map((fold) => {
    const texts = new Set(elsewhere.filter((text) => fold.reaches.has(text)))
    for (const other of folds) if (other !== fold) for (const text of sharedChains(fold, other)) texts.add(text)
    let { sum } = fold
    for (const text of texts) {
      const reach = fold.reaches.get(text)!
      sum -= BigInt(reach.total)
      raise(live, reach)
    }
    return { chains: fold.reaches.size - texts.size, sum }
  })
  return { reading: { ...reading, live }, apart }
}

/**
 * The increment of `by` under `dot` at `time`: it continues this run's chain from its live version. A new chain begins
 * when there is no such version, when its baseline covers it, or when the total would leave the safe integers.
 */
export function increment(versions: readonly Version[], dot: Dot, time: HybridTime, by: number): Increment {
  const { baselines } = readVersions(versions.filter(({ value }) => !isFold(value)))
  const own = versions.flatMap((version) => ownReach(version, dot.actor))
  const last = own.reduce<Reach | undefined>((best, { reach }) => (isLater(reach, best) ? reach : best), undefined)
  const isOver = last !== undefined && deepest(last, baselines.get(chainText(last)) ?? []).sequence >= last.sequence
  if (last === undefined || isOver || !Number.isSafeInteger(last.total + by)) {
    return { value: encodeCounter({ kind: 'total', reach: extended(undefined, dot, time, by) }), supersedes: [] }
  }
  const supersedes = own.filter((one) => one.reach.chain === last.chain).map((one) => one.dot)
  return { value: encodeCounter({ kind: 'total', reach: extended(last, dot, time, by) }), supersedes }
}

function ownReach({ dot, value }: Version, actor: Actor): { dot: Dot; reach: Reach }[] {
  if (dot.actor !== actor) return []
  const counter = decodeOrNothing(value)
  return counter?.kind === 'total' && counter.reach.actor === actor ? [{ dot, reach: counter.reach }] : []
}

function isLater(reach: Reach, than: Reach | undefined): boolean {
  return (
    than === undefined || reach.chain > than.chain || (reach.chain === than.chain && reach.sequence > than.sequence)
  )
}

/** One update of a delete or an import: how far chains had come, and the versions that it supersedes. */
export interface Reset {
  /** Sorted by chain; empty when nothing needs to be remembered. */
  readonly reaches: readonly Reach[]
  readonly supersedes: readonly Dot[]
}

/**
 * Updates of a delete, or of an import beneath its value: how far every chain in view had come, by its live version or
 * an earlier baseline. Always at least one; several when one cannot name all chains. Then each supersedes the versions
 * of the chains that it names, and the last ones also the earlier baselines and imported values.
 */
export function resetsOf(versions: readonly Version[]): Reset[] {
  const { live, baselines } = readVersions(versions)
  const reaches: Tips = new Map(baselines)
  for (const tips of live.values()) for (const reach of tips) raise(reaches, reach)
  const sorted = [...reaches.values()].flat().sort(compareReaches)
  const { ofChains, others } = dotsByChain(versions)
  const steps = Math.floor(baselineTrailBytesAim / stepBytes / Math.max(1, Math.min(sorted.length, resetChainsMax)))
  const resets: Reset[] = []
  for (let at = 0; at === 0 || at < sorted.length; at += resetChainsMax) {
    const named = sorted.slice(at, at + resetChainsMax).map((reach) => withTrail(reach, steps))
    const isLast = at + resetChainsMax >= sorted.length
    const chains = new Set(named.map(chainText))
    const dots = [...chains].flatMap((chain) => ofChains.get(chain) ?? [])
    for (const chain of chains) ofChains.delete(chain)
    const supersedes = isLast ? [...dots, ...others] : dots
    resets.push({ reaches: named, supersedes: supersedes.slice(0, supersedesAim) })
    for (let from = supersedesAim; from < supersedes.length; from += supersedesAim) {
      resets.push({ reaches: [], supersedes: supersedes.slice(from, from + supersedesAim) })
    }
  }
  return resets
}

/** The versions by the chain that they are a total of, and those that are none. */
function dotsByChain(versions: readonly Version[]): { ofChains: Map<string, Dot[]>; others: Dot[] } {
  const ofChains = new Map<string, Dot[]>()
  const others: Dot[] = []
  for (const { dot, value } of versions) {
    const counter = decodeOrNothing(value)
    if (counter?.kind !== 'total') {
      others.push(dot)
      continue
    }
    const text = chainText(counter.reach)
    const dots = ofChains.get(text)
    if (dots === undefined) ofChains.set(text, [dot])
    else dots.push(dot)
  }
  return { ofChains, others }
}

/**
 * The baselines that subtract from nothing that is here: none of their chains shows a live version. Whether they may go
 * for good depends on what members have acknowledged.
 */
export function idleBaselines(versions: readonly Version[]): IdleBaseline[] {
  const { live } = readVersions(versions)
  return versions.flatMap(({ dot, value }) => {
    const counter = decodeOrNothing(value)
    if (counter?.kind !== 'baseline' || counter.reaches.some((reach) => live.has(chainText(reach)))) return []
    return [{ dot, actors: new Set(counter.reaches.map(({ actor }) => actor)) }]
  })
}

/** A baseline that subtracts from nothing here, and whose runs it names. */
export interface IdleBaseline {
  readonly dot: Dot
  readonly actors: ReadonlySet<Actor>
}
