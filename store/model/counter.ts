/**
 * Counters: exact, also against a concurrent delete. Each run of a node keeps one running total per chain; a delete leaves a baseline,
 * the totals that it saw, which is subtracted wherever a chain goes on beyond it. Nothing is ever folded across runs. An imported value
 * takes the place of all that was in view, and counts once however often it is imported at the same time.
 * Source: op-based counters with per-replica totals (Shapiro et al. 2011), with reset by baseline as in resettable counters.
 */
import { ByteReader, ByteWriter, DecodeError } from './bytes.js'
import { type Actor, actorBytes, type Dot } from './dot.js'
import { chainsMax, resetChainsMax, supersedesMax } from './limits.js'
import type { Version } from './update.js'

/** A chain of increments of one run at one address: the run's actor, and the counter of the dot that began it. */
export interface Chain {
  readonly actor: Actor
  readonly chain: number
}

/** How far a chain has come: the number of its increments, and their sum. */
export interface Reach extends Chain {
  readonly sequence: number
  readonly total: number
}

/** What a version of a counter holds. */
export type CounterValue =
  | { readonly kind: 'total'; readonly reach: Reach }
  | { readonly kind: 'baseline'; readonly reaches: readonly Reach[] }
  /** A value that was imported, and the baseline of what it took the place of. */
  | { readonly kind: 'imported'; readonly total: number; readonly reaches: readonly Reach[] }

/** What one increment stores, given what is live. */
export interface Increment {
  readonly value: Uint8Array
  /** This run's version that it goes on from, if any. */
  readonly supersedes: readonly Dot[]
}

const totalKind = 0
const baselineKind = 1
const importedKind = 2
const reachBytesMin = actorBytes + 4

/** Writes what a version holds; reaches of a baseline sorted by chain, each chain once. Throws a RangeError beyond the limit of chains. */
export function encodeCounter(counter: CounterValue): Buffer {
  if (counter.kind === 'total') return writeReach(new ByteWriter(32).u8(totalKind), counter.reach).finish()
  const { reaches } = counter
  const writer = new ByteWriter(32 + 24 * reaches.length)
  if (counter.kind === 'baseline') writer.u8(baselineKind)
  else writeTotal(writer.u8(importedKind), counter.total)
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
  switch (reader.u8()) {
    case totalKind:
      return { kind: 'total', reach: readReach(reader) }
    case baselineKind:
      return { kind: 'baseline', reaches: readReaches(reader) }
    case importedKind:
      return { kind: 'imported', total: readTotal(reader), reaches: readReaches(reader) }
    default:
      throw new DecodeError('unknown kind of counter version')
  }
}

/** Whether the bytes of a version are those of a baseline, as far as its first byte tells. */
export function isBaseline(value: Uint8Array): boolean {
  return value[0] === baselineKind
}

function writeReach(writer: ByteWriter, { actor, chain, sequence, total }: Reach): ByteWriter {
  return writeTotal(writer.hex(actor).varint(chain).varint(sequence), total)
}

function writeTotal(writer: ByteWriter, total: number): ByteWriter {
  return writer.u8(total < 0 ? 1 : 0).varint(Math.abs(total))
}

function readTotal(reader: ByteReader): number {
  const sign = reader.u8()
  const size = reader.varint()
  if (sign > 1 || (sign === 1 && size === 0)) throw new DecodeError('total not in its canonical form')
  return sign === 1 ? -size : size
}

function readReach(reader: ByteReader): Reach {
  const actor = reader.hex(actorBytes)
  const chain = reader.varint()
  const sequence = reader.varint()
  return { actor, chain, sequence, total: readTotal(reader) }
}

function readReaches(reader: ByteReader): Reach[] {
  const reaches: Reach[] = []
  for (let left = reader.count(chainsMax, reachBytesMin); left > 0; left--) {
    const reach = readReach(reader)
    if (reaches.length > 0 && compareChains(reaches.at(-1)!, reach) >= 0) throw new DecodeError('chains not in order')
    reaches.push(reach)
  }
  return reaches
}

function compareChains(a: Chain, b: Chain): number {
  return a.actor < b.actor ? -1 : a.actor > b.actor ? 1 : a.chain - b.chain
}

function chainText({ actor, chain }: Chain): string {
  return `${actor}:${chain}`
}

/** Keeps the greater sequence of each chain; at equal ones (bytes reissued, or a copied machine) the greater total. */
function raise(reaches: Map<string, Reach>, reach: Reach): void {
  const text = chainText(reach)
  const known = reaches.get(text)
  if (known === undefined || reach.sequence > known.sequence) reaches.set(text, reach)
  else if (reach.sequence === known.sequence && reach.total > known.total) reaches.set(text, reach)
}

/** The live chains, the baselines and the imported value of an address. Versions that cannot be read count for nothing. */
interface Reading {
  readonly live: ReadonlyMap<string, Reach>
  readonly baselines: ReadonlyMap<string, Reach>
  /** The greatest of the values imported at the same time; undefined when none is live. */
  readonly imported: number | undefined
}

function readVersions(versions: readonly Version[]): Reading {
  const live = new Map<string, Reach>()
  const baselines = new Map<string, Reach>()
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

function* beyond({ live, baselines }: Reading): Iterable<{ reach: Reach; from: number }> {
  for (const [text, reach] of live) {
    const baseline = baselines.get(text)
    if (baseline === undefined) yield { reach, from: 0 }
    else if (reach.sequence > baseline.sequence) yield { reach, from: baseline.total }
  }
}

/**
 * The value: what was imported, and the sum over chains of what lies beyond their baseline. Undefined when there is neither (the counter is
 * not there).
 */
export function counterValue(versions: readonly Version[]): bigint | undefined {
  const reading = readVersions(versions)
  let value = reading.imported === undefined ? undefined : BigInt(reading.imported)
  for (const { reach, from } of beyond(reading)) {
    value = (value ?? 0n) + BigInt(reach.total) - BigInt(from)
  }
  return value
}

/** Whether there is a counter: an imported value, or any chain beyond its baseline. */
export function isPresent(versions: readonly Version[]): boolean {
  const reading = readVersions(versions)
  if (reading.imported !== undefined) return true
  for (const _ of beyond(reading)) return true
  return false
}

/**
 * What an increment under `dot` stores: this run's chain goes on from its live version; one whose version was removed, or lies at its
 * baseline, or whose total would leave the safe integers, is followed by a new chain.
 */
export function increment(versions: readonly Version[], dot: Dot, by: number): Increment {
  const { baselines } = readVersions(versions)
  const own = versions.flatMap((version) => ownReach(version, dot.actor))
  const last = own.reduce<Reach | undefined>((best, { reach }) => (isLater(reach, best) ? reach : best), undefined)
  const baseline = last && baselines.get(chainText(last))
  const total = (last?.total ?? 0) + by
  const goesOn = last !== undefined && !(baseline !== undefined && baseline.sequence >= last.sequence)
  if (!goesOn || !Number.isSafeInteger(total)) {
    return {
      value: encodeCounter({
        kind: 'total',
        reach: { actor: dot.actor, chain: dot.counter, sequence: 1, total: by },
      }),
      supersedes: [],
    }
  }
  const reach = { ...last, sequence: last.sequence + 1, total }
  const supersedes = own.filter((one) => one.reach.chain === last.chain).map((one) => one.dot)
  return { value: encodeCounter({ kind: 'total', reach }), supersedes }
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

/** What takes the place of versions: how far chains had come, and the versions that go. One update. */
export interface Reset {
  /** Sorted by chain; empty when nothing needs to be remembered. */
  readonly reaches: readonly Reach[]
  readonly supersedes: readonly Dot[]
}

/**
 * What a delete stores, and an import beneath its value: how far every chain in view had come, by its live version or an earlier baseline.
 * One update, or several when there is more than one can name: then each names the chains whose versions it supersedes, and the last
 * supersedes what stood for the chains until then. Always at least one.
 */
export function resetsOf(versions: readonly Version[]): Reset[] {
  const { live, baselines } = readVersions(versions)
  const reaches = new Map(baselines)
  for (const reach of live.values()) raise(reaches, reach)
  const sorted = [...reaches.values()].sort(compareChains)
  const { ofChains, others } = dotsByChain(versions)
  const resets: Reset[] = []
  for (let at = 0; at === 0 || at < sorted.length; at += resetChainsMax) {
    const named = sorted.slice(at, at + resetChainsMax)
    const isLast = at + resetChainsMax >= sorted.length
    const dots = named.flatMap((reach) => ofChains.get(chainText(reach)) ?? [])
    const supersedes = isLast ? [...dots, ...others] : dots
    resets.push({ reaches: named, supersedes: supersedes.slice(0, supersedesMax) })
    for (let from = supersedesMax; from < supersedes.length; from += supersedesMax) {
      resets.push({ reaches: [], supersedes: supersedes.slice(from, from + supersedesMax) })
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
 * The baselines that subtract from nothing that is here: none of their chains shows a live version. Whether they may go for good depends on
 * what members have acknowledged.
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
