/**
 * Counters: exact, also against a concurrent delete. Each run of a node keeps one running total per chain; a delete
 * leaves a baseline, the totals that it saw, which is subtracted wherever a chain goes on beyond it. Nothing is ever
 * folded across runs. An imported value takes the place of all that was in view, and counts once however often it is
 * imported at the same time. Two copies of one running process go on with one chain; its trail tells where they parted,
 * so that both branches count (counter-paths.ts). Source: op-based counters with per-replica totals (Shapiro et al.
 * 2011), with reset by baseline as in resettable counters.
 */
import { ByteReader, ByteWriter, DecodeError } from './bytes.js'
import type { HybridTime } from './clock.js'
import {
  addTip,
  chainText,
  compareReaches,
  deepest,
  extended,
  linkBytes,
  type Reach,
  readSigned,
  withTrail,
  writeSigned,
} from './counter-paths.js'
import { type Actor, actorBytes, type Dot } from './dot.js'
import { baselineTrailBytesAim, chainsMax, counterTrailBytesMax, resetChainsMax, supersedesAim } from './limits.js'
import type { Version } from './update.js'

/** Content of a version of a counter. */
export type CounterValue =
  | { readonly kind: 'total'; readonly reach: Reach }
  | { readonly kind: 'baseline'; readonly reaches: readonly Reach[] }
  /** A value that was imported, and the baseline of what it took the place of. */
  | { readonly kind: 'imported'; readonly total: number; readonly reaches: readonly Reach[] }

/** Content that one increment stores, and the versions that it supersedes. */
export interface Increment {
  readonly value: Uint8Array
  /** This run's version that it goes on from, if any. */
  readonly supersedes: readonly Dot[]
}

const totalKind = 3
const baselineKind = 4
const importedKind = 2
/** Totals and baselines as they were stored before reaches had trails. */
const bareTotalKind = 0
const bareBaselineKind = 1
const reachBytesMin = actorBytes + 4
/** Bytes of a step of a trail, as they mostly are. */
const stepBytes = linkBytes + 2

/**
 * Writes what a version holds; reaches of a baseline sorted, each once. Throws a RangeError beyond the limit of chains.
 */
export function encodeCounter(counter: CounterValue): Buffer {
  if (counter.kind === 'total') return writeReach(new ByteWriter(64).u8(totalKind), counter.reach).finish()
  const { reaches } = counter
  const writer = new ByteWriter(32 + 64 * reaches.length)
  if (counter.kind === 'baseline') writer.u8(baselineKind)
  else writeSigned(writer.u8(importedKind), counter.total)
  writer.varint(reaches.length, chainsMax)
  for (const reach of reaches) writeReach(writer, reach)
  return writer.finish()
}

/** Reads what a version holds. Throws DecodeError. */
export function decodeCounter(bytes: Uint8Array): CounterValue {
  const reader = new ByteReader(bytes)
  const value = readValue(reader)
  reader.end()
  return value
}

function readValue(reader: ByteReader): CounterValue {
  const kind = reader.u8()
  switch (kind) {
    case totalKind:
    case bareTotalKind:
      return { kind: 'total', reach: readReach(reader, kind === totalKind) }
    case baselineKind:
    case bareBaselineKind:
      return { kind: 'baseline', reaches: readReaches(reader, kind === baselineKind) }
    case importedKind:
      return { kind: 'imported', total: readSigned(reader), reaches: readReaches(reader, true) }
    default:
      throw new DecodeError('unknown kind of counter version')
  }
}

/** True if the bytes of a version are those of a baseline; only the first byte is looked at. */
export function isBaseline(value: Uint8Array): boolean {
  return value[0] === baselineKind || value[0] === bareBaselineKind
}

function writeReach(writer: ByteWriter, { actor, chain, sequence, total, trail }: Reach): ByteWriter {
  writeSigned(writer.hex(actor).varint(chain).varint(sequence), total)
  return writer.bytes(trail ?? noTrail, counterTrailBytesMax)
}

const noTrail = new Uint8Array(0)

function readReach(reader: ByteReader, hasTrail: boolean): Reach {
  const actor = reader.hex(actorBytes)
  const chain = reader.varint()
  const sequence = reader.varint()
  const total = readSigned(reader)
  const trail = hasTrail ? reader.bytes(counterTrailBytesMax) : noTrail
  return trail.length === 0 ? { actor, chain, sequence, total } : { actor, chain, sequence, total, trail }
}

function readReaches(reader: ByteReader, haveTrails: boolean): Reach[] {
  const reaches: Reach[] = []
  for (let left = reader.count(chainsMax, reachBytesMin); left > 0; left--) {
    const reach = readReach(reader, haveTrails)
    if (reaches.length > 0 && compareReaches(reaches.at(-1)!, reach) >= 0) throw new DecodeError('reaches not in order')
    reaches.push(reach)
  }
  return reaches
}

/** The tips of each chain: one, or several where copies of one process went on with it. */
type Tips = Map<string, readonly Reach[]>

function raise(tips: Tips, reach: Reach): void {
  const text = chainText(reach)
  const known = tips.get(text)
  tips.set(text, known === undefined ? [reach] : addTip(known, reach))
}

/**
 * The live chains, the baselines and the imported value of an address. Versions that cannot be read count for nothing.
 */
interface Reading {
  readonly live: Readonly<Tips>
  readonly baselines: Readonly<Tips>
  /** The greatest of the values imported at the same time; undefined when none is live. */
  readonly imported: number | undefined
}

function readVersions(versions: readonly Version[]): Reading {
  const live: Tips = new Map()
  const baselines: Tips = new Map()
  let imported: number | undefined
  for (const { value } of versions) {
    const counter = decodeOrNothing(value)
    if (counter?.kind === 'total') raise(live, counter.reach)
    else for (const reach of counter?.reaches ?? []) raise(baselines, reach)
    if (counter?.kind === 'imported') imported = Math.max(counter.total, imported ?? counter.total)
  }
  return { live, baselines, imported }
}

function decodeOrNothing(value: Uint8Array): CounterValue | undefined {
  try {
    return decodeCounter(value)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
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
  const reading = readVersions(versions)
  let value = reading.imported === undefined ? undefined : BigInt(reading.imported)
  for (const { reach, from } of beyond(reading)) {
    value = (value ?? 0n) + BigInt(reach.total) - BigInt(from)
  }
  return value
}

/** True if the counter exists: it has an imported value, or a chain beyond its baseline. */
export function isPresent(versions: readonly Version[]): boolean {
  const reading = readVersions(versions)
  if (reading.imported !== undefined) return true
  for (const _ of beyond(reading)) return true
  return false
}

/**
 * The increment of `by` under `dot` at `time`: it continues this run's chain from its live version. A new chain begins
 * when there is no such version, when its baseline covers it, or when the total would leave the safe integers.
 */
export function increment(versions: readonly Version[], dot: Dot, time: HybridTime, by: number): Increment {
  const { baselines } = readVersions(versions)
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
