/**
 * Contents of the versions of a counter, and their bytes: a total of one chain, the baseline that a delete leaves, an
 * imported value, or the totals of ended runs that their member folded into one version.
 */
import { ByteReader, ByteWriter, DecodeError } from './bytes.js'
import { compareReaches, type Reach, readSigned, writeSigned } from './counter-paths.js'
import { actorBytes } from './dot.js'
import { chainsMax, counterTrailBytesMax } from './limits.js'

/** Content of a version of a counter. */
export type CounterValue =
  | { readonly kind: 'total'; readonly reach: Reach }
  | { readonly kind: 'baseline'; readonly reaches: readonly Reach[] }
  /** A value that was imported, and the baseline of what it took the place of. */
  | { readonly kind: 'imported'; readonly total: number; readonly reaches: readonly Reach[] }
  /** Totals of ended runs, as they were; each counts as it did in a version of its own. */
  | { readonly kind: 'folded'; readonly reaches: readonly FoldedReach[] }

/** Total of an ended run inside a fold. */
export interface FoldedReach extends Reach {
  /** Day of its last increment, counted from 1970; given with a trail alone, which goes some time after that day. */
  readonly day?: number
}

const totalKind = 3
const baselineKind = 4
const importedKind = 2
const foldedKind = 5
/** Totals and baselines as they were stored before reaches had trails. */
const bareTotalKind = 0
const bareBaselineKind = 1
const reachBytesMin = actorBytes + 4

/**
 * Writes what a version holds; reaches of a baseline or a fold sorted, each once. Throws a RangeError beyond the limit
 * of chains.
 */
export function encodeCounter(counter: CounterValue): Buffer {
  if (counter.kind === 'total') return writeReach(new ByteWriter(64).u8(totalKind), counter.reach).finish()
  const { reaches } = counter
  const writer = new ByteWriter(32 + 64 * reaches.length)
  if (counter.kind === 'baseline') writer.u8(baselineKind)
  else if (counter.kind === 'folded') writer.u8(foldedKind)
  else writeSigned(writer.u8(importedKind), counter.total)
  writer.varint(reaches.length, chainsMax)
  const write = counter.kind === 'folded' ? writeFolded : writeReach
  for (const reach of reaches) write(writer, reach)
  return writer.finish()
}

/** Reads what a version holds. Throws DecodeError. */
export function decodeCounter(bytes: Uint8Array): CounterValue {
  const reader = new ByteReader(bytes)
  const value = readValue(reader)
  reader.end()
  return value
}

/** Reads what a version holds; undefined for bytes that are none of a counter. */
export function decodeOrNothing(value: Uint8Array): CounterValue | undefined {
  try {
    return decodeCounter(value)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** True if the bytes of a version are those of a baseline; only the first byte is looked at. */
export function isBaseline(value: Uint8Array): boolean {
  return value[0] === baselineKind || value[0] === bareBaselineKind
}

/** True if the bytes of a version are those of a fold; only the first byte is looked at. */
export function isFold(value: Uint8Array): boolean {
  return value[0] === foldedKind
}

function readValue(reader: ByteReader): CounterValue {
  const kind = reader.u8()
  switch (kind) {
    case totalKind:
    case bareTotalKind:
      return { kind: 'total', reach: readReach(reader, kind === totalKind) }
    case baselineKind:
    case bareBaselineKind: {
      const hasTrail = kind === baselineKind
      return { kind: 'baseline', reaches: readReaches(reader, () => readReach(reader, hasTrail)) }
    }
    case importedKind: {
      const total = readSigned(reader)
      return { kind: 'imported', total, reaches: readReaches(reader, () => readReach(reader, true)) }
    }
    case foldedKind:
      return { kind: 'folded', reaches: readReaches(reader, () => readFolded(reader)) }
    default:
      throw new DecodeError('unknown kind of counter version')
  }
}

function writeReach(writer: ByteWriter, { actor, chain, sequence, total, trail }: Reach): ByteWriter {
  writeSigned(writer.hex(actor).varint(chain).varint(sequence), total)
  return writer.bytes(trail ?? noTrail, counterTrailBytesMax)
}

function writeFolded(writer: ByteWriter, reach: FoldedReach): ByteWriter {
  writeReach(writer, reach)
  return reach.trail === undefined ? writer : writer.varint(reach.day ?? 0)
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

function readFolded(reader: ByteReader): FoldedReach {
  const reach = readReach(reader, true)
  return reach.trail === undefined ? reach : { ...reach, day: reader.varint() }
}

function readReaches<R extends Reach>(reader: ByteReader, read: () => R): R[] {
  const reaches: R[] = []
  for (let left = reader.count(chainsMax, reachBytesMin); left > 0; left--) {
    const reach = read()
    if (reaches.length > 0 && compareReaches(reaches.at(-1)!, reach) >= 0) throw new DecodeError('reaches not in order')
    reaches.push(reach)
  }
  return reaches
}
