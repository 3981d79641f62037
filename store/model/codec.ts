/**
 * The canonical encoding of the model: one form for each value, strict to read.
 * The same functions write rows and frames; docs/PROTOCOL.md gives the grammar, golden vectors tie the two together.
 */
import { type Address, noField } from './address.js'
import { ByteReader, ByteWriter, DecodeError } from './bytes.js'
import type { HybridTime } from './clock.js'
import type { Context, Ranges } from './context.js'
import {
  type Actor,
  actorBytes,
  type ContentDigest,
  compareDots,
  contentDigestBytes,
  type Dot,
  includesDot,
  type NamedDot,
} from './dot.js'
import {
  contextActorsMax,
  contextRangesMax,
  fieldBytesMax,
  frameUpdatesMax,
  keyBytesMax,
  logicalMax,
  supersedesMax,
  timeMsMax,
  valueBytesMax,
} from './limits.js'
import { typeNumber, typeOf } from './types.js'
import type { Update, UpdateKind } from './update.js'

/**
 * The tag of a member inside an actor's entry: the first 8 bytes of the SHA-256 of its peer id, as hexadecimal digits.
 */
export type MemberTag = string

/** The tag of an actor whose member is not known. */
export const unknownMember: MemberTag = '0000000000000000'

/** The members of actors. */
export interface MemberTags extends Iterable<readonly [Actor, MemberTag]> {
  /** The member of an actor; undefined when it is not among these. */
  get(actor: Actor): MemberTag | undefined
}

/** Names the member that an actor belongs to. */
export type MemberOf = (actor: Actor) => MemberTag

/** Writes type, key and field. */
export function writeAddress(writer: ByteWriter, address: Address): void {
  writer.u8(typeNumber(address.type)).text(address.key, keyBytesMax).bytes(address.field, fieldBytesMax)
}

/** Reads type, key and field, whether or not the type is known here; refuses an empty or too long key. */
export function readAddress(reader: ByteReader): Address {
  const type = typeOf(reader.u8())
  const key = reader.text(keyBytesMax)
  if (key.length === 0) throw new DecodeError('empty key')
  const field = reader.bytes(fieldBytesMax)
  return { key, type, field: field.length === 0 ? noField : Uint8Array.from(field) }
}

/** The encoding that is hashed for an address's place in the trie. */
export function encodeAddress(address: Address): Buffer {
  const writer = new ByteWriter(address.key.length + address.field.length + 8)
  writeAddress(writer, address)
  return writer.finish()
}

/** Writes a dot whole: the actor's bytes and the counter. */
export function writeDot(writer: ByteWriter, dot: Dot): void {
  writer.hex(dot.actor).varint(dot.counter)
}

/** Reads a whole dot. */
export function readDot(reader: ByteReader): Dot {
  const actor = reader.hex(actorBytes)
  return { actor, counter: readCounter(reader) }
}

function readCounter(reader: ByteReader): number {
  const counter = reader.varint()
  if (counter === 0) throw new DecodeError('counters start at 1')
  return counter
}

/** Writes a hybrid logical time. */
export function writeTime(writer: ByteWriter, time: HybridTime): void {
  writer.varint(time.ms, timeMsMax).varint(time.logical, logicalMax)
}

/** Reads a hybrid logical time. */
export function readTime(reader: ByteReader): HybridTime {
  return { ms: reader.varint(timeMsMax), logical: reader.varint(logicalMax) }
}

/** Writes a deadline; null is 0. */
export function writeExpiry(writer: ByteWriter, expiresAtMs: number | null): void {
  if (expiresAtMs === null) writer.varint(0)
  else writeDeadline(writer, expiresAtMs)
}

/** Writes a deadline that is there. Throws a RangeError for 0, which means none. */
export function writeDeadline(writer: ByteWriter, expiresAtMs: number): void {
  if (expiresAtMs === 0) throw new RangeError('a deadline of 0 reads as none')
  writer.varint(expiresAtMs)
}

/** Reads a deadline. */
export function readExpiry(reader: ByteReader): number | null {
  const expiresAtMs = reader.varint()
  return expiresAtMs === 0 ? null : expiresAtMs
}

/** Writes a sorted list of whole dots. */
export function writeDots(writer: ByteWriter, dots: readonly Dot[], max = supersedesMax): void {
  writer.varint(dots.length, max)
  for (const dot of dots) writeDot(writer, dot)
}

/** Reads a list of whole dots; refuses one that is not strictly ascending. */
export function readDots(reader: ByteReader, max = supersedesMax): Dot[] {
  const dots: Dot[] = []
  for (let left = reader.count(max, actorBytes + 1); left > 0; left--) dots.push(readDot(reader))
  assertAscending(dots)
  return dots
}

/** Writes a sorted list of whole dots, each with its digest where it is known: one flag a dot. */
export function writeNamedDots(writer: ByteWriter, dots: readonly NamedDot[], max = supersedesMax): void {
  writer.varint(dots.length, max)
  for (const dot of dots) {
    writeDot(writer, dot)
    writeDigest(writer, dot.digest)
  }
}

/** Reads a list of whole dots with their digests; refuses one that is not strictly ascending. */
export function readNamedDots(reader: ByteReader, max = supersedesMax): NamedDot[] {
  const dots: NamedDot[] = []
  for (let left = reader.count(max, actorBytes + 2); left > 0; left--)
    dots.push(named(readDot(reader), readDigest(reader)))
  assertAscending(dots)
  return dots
}

/** Writes a digest behind a flag; undefined is the flag alone. */
export function writeDigest(writer: ByteWriter, digest: ContentDigest | undefined): void {
  writer.u8(digest === undefined ? 0 : 1)
  if (digest !== undefined) writer.hex(digest)
}

/** Reads a digest behind its flag. */
export function readDigest(reader: ByteReader): ContentDigest | undefined {
  const flag = reader.u8()
  if (flag > 1) throw new DecodeError('bad flag')
  return flag === 0 ? undefined : reader.hex(contentDigestBytes)
}

/** A dot with its digest; without one, the dot alone. */
function named(dot: Dot, digest: ContentDigest | undefined): NamedDot {
  return digest === undefined ? dot : { ...dot, digest }
}

function assertAscending(dots: readonly Dot[]): void {
  for (let at = 1; at < dots.length; at++) {
    if (compareDots(dots[at - 1]!, dots[at]!) >= 0) throw new DecodeError('dots not strictly ascending')
  }
}

/** Writes the ranges of one actor: count, then gap and length of each. */
export function writeRanges(writer: ByteWriter, ranges: Ranges, max?: number): void {
  writer.varint(ranges.length / 2, max)
  let end = 0
  for (let at = 0; at < ranges.length; at += 2) {
    writer.varint(ranges[at]! - end - 1).varint(ranges[at + 1]! - ranges[at]!)
    end = ranges[at + 1]! + 1
  }
}

/** Reads the ranges of one actor. Ranges that touch cannot be written, so that each set has one form. */
export function readRanges(reader: ByteReader, max = contextRangesMax): Ranges {
  const ranges: number[] = []
  let end = 0
  for (let left = reader.count(max, 2); left > 0; left--) {
    const first = end + reader.varint() + 1
    const last = first + reader.varint()
    if (last > Number.MAX_SAFE_INTEGER - 2) throw new DecodeError('counter too great')
    ranges.push(first, last)
    end = last + 1
  }
  return ranges
}

/** Both contexts of a node. Applied lies within seen. */
export interface Contexts {
  readonly seen: Context
  readonly applied: Context
}

/** Contexts as they travel: with the member of each actor. */
export interface TaggedContexts extends Contexts {
  readonly members: MemberTags
}

/** A list of updates as it travels, with the member of each actor that issued one. */
export interface TaggedUpdates {
  readonly updates: Update[]
  readonly members: MemberTags
}

const kinds: readonly UpdateKind[] = ['put', 'delete', 'expiry']
const kindMask = 0x03
const hasValue = 0x04
const hasExpiry = 0x08
const hasDigest = 0x10
const flagsMax = 0x1f

/** Writes updates behind a table of their actors, so that an actor's 16 bytes travel once a frame. */
export function writeUpdates(writer: ByteWriter, updates: readonly Update[], memberOf: MemberOf): void {
  const table = new ActorTable()
  for (const update of updates) {
    table.add(update.dot.actor)
    for (const dot of update.supersedes) table.add(dot.actor)
  }
  table.write(writer, memberOf)
  writer.varint(updates.length, frameUpdatesMax)
  for (const update of updates) writeUpdate(writer, update, table)
}

/** Reads updates; refuses malformed, unsorted and oversized ones. Values are views of the reader's bytes. */
export function readUpdates(reader: ByteReader): TaggedUpdates {
  const { actors, members } = readActorTable(reader)
  const updates: Update[] = []
  for (let left = reader.count(frameUpdatesMax, 8); left > 0; left--) updates.push(readUpdate(reader, actors))
  assertFirstUseOrder(actors, updates)
  return { updates, members }
}

/** One encoding only: the table holds the actors that the updates name, in the order in which they first do. */
function assertFirstUseOrder(actors: readonly Actor[], updates: readonly Update[]): void {
  const named = new Set(updates.flatMap(({ dot, supersedes }) => [dot.actor, ...supersedes.map((one) => one.actor)]))
  if (named.size !== actors.length || [...named].some((actor, at) => actor !== actors[at])) {
    throw new DecodeError('actors not in the order of their first use')
  }
}

function writeUpdate(writer: ByteWriter, update: Update, table: ActorTable): void {
  // Of what travels with its bytes, and of a delete, the receiver computes the digest itself.
  const digest = update.kind === 'put' && update.value === null ? update.digest : undefined
  const flags =
    kinds.indexOf(update.kind) |
    (update.value === null ? 0 : hasValue) |
    (update.expiresAtMs === null ? 0 : hasExpiry) |
    (digest === undefined ? 0 : hasDigest)
  writer.u8(flags)
  table.writeDot(writer, update.dot)
  writeAddress(writer, update.address)
  writeTime(writer, update.time)
  if (update.expiresAtMs !== null) writeDeadline(writer, update.expiresAtMs)
  if (update.value !== null) writer.bytes(update.value, valueBytesMax)
  if (digest !== undefined) writer.hex(digest)
  table.writeNamedDots(writer, update.supersedes)
}

function readUpdate(reader: ByteReader, actors: readonly Actor[]): Update {
  const flags = reader.u8()
  const kind = kinds[flags & kindMask]
  if (kind === undefined || flags > flagsMax) throw new DecodeError('unknown kind of update')
  if (kind !== 'put' && flags > kindMask) throw new DecodeError('a delete with a value')
  if ((flags & hasValue) !== 0 && (flags & hasDigest) !== 0) throw new DecodeError('a digest beside its value')
  const dot = readTableDot(reader, actors)
  const address = readAddress(reader)
  const time = readTime(reader)
  const expiresAtMs = (flags & hasExpiry) === 0 ? null : readCounter(reader)
  const value = (flags & hasValue) === 0 ? null : reader.bytes(valueBytesMax)
  const digest = (flags & hasDigest) === 0 ? undefined : reader.hex(contentDigestBytes)
  const supersedes = readSupersedes(reader, actors, dot)
  const update: Update = { dot, address, kind, time, expiresAtMs, value, supersedes }
  return digest === undefined ? update : { ...update, digest }
}

/**
 * Reads the dots that the update under `dot` supersedes; refuses a list that is not strictly ascending, or that names
 * `dot` itself.
 */
export function readSupersedes(reader: ByteReader, actors: readonly Actor[], dot: Dot): NamedDot[] {
  const supersedes = readTableDots(reader, actors)
  if (includesDot(supersedes, dot)) throw new DecodeError('an update that supersedes itself')
  return supersedes
}

/** The actors named in one frame, each written once. */
export class ActorTable {
  readonly #indexes = new Map<Actor, number>()

  /** Adds an actor unless it is there. */
  add(actor: Actor): void {
    if (!this.#indexes.has(actor)) this.#indexes.set(actor, this.#indexes.size)
  }

  /** Writes the table: count, then id and member of each. */
  write(writer: ByteWriter, memberOf: MemberOf): void {
    writer.varint(this.#indexes.size, contextActorsMax)
    for (const actor of this.#indexes.keys()) writer.hex(actor).hex(memberOf(actor))
  }

  /** Writes a dot as index and counter; its actor must have been added. */
  writeDot(writer: ByteWriter, dot: Dot): void {
    writer.varint(this.#indexes.get(dot.actor)!).varint(dot.counter)
  }

  /**
   * Writes a sorted list of dots: count, then of each twice its index (plus one when a digest follows), counter and
   * digest.
   */
  writeNamedDots(writer: ByteWriter, dots: readonly NamedDot[], max = supersedesMax): void {
    writer.varint(dots.length, max)
    for (const { actor, counter, digest } of dots) {
      writer.varint(this.#indexes.get(actor)! * 2 + (digest === undefined ? 0 : 1)).varint(counter)
      if (digest !== undefined) writer.hex(digest)
    }
  }
}

/** Reads a list of dots with their digests; refuses one that is not strictly ascending. */
export function readTableDots(reader: ByteReader, actors: readonly Actor[], max = supersedesMax): NamedDot[] {
  const dots: NamedDot[] = []
  for (let left = reader.count(max, 2); left > 0; left--) {
    const index = reader.varint()
    const actor = actors[Math.floor(index / 2)]
    if (actor === undefined) throw new DecodeError('actor not in the table')
    const dot = { actor, counter: readCounter(reader) }
    dots.push(named(dot, index % 2 === 0 ? undefined : reader.hex(contentDigestBytes)))
  }
  assertAscending(dots)
  return dots
}

/** Reads an actor table. */
export function readActorTable(reader: ByteReader): { actors: Actor[]; members: Map<Actor, MemberTag> } {
  const actors: Actor[] = []
  const members = new Map<Actor, MemberTag>()
  for (let left = reader.count(contextActorsMax, 2 * actorBytes); left > 0; left--) {
    const actor = reader.hex(actorBytes)
    if (members.has(actor)) throw new DecodeError('actor listed twice')
    actors.push(actor)
    members.set(actor, reader.hex(actorBytes))
  }
  return { actors, members }
}

/** Reads a dot written as index and counter. */
export function readTableDot(reader: ByteReader, actors: readonly Actor[]): Dot {
  const actor = actors[reader.varint()]
  if (actor === undefined) throw new DecodeError('actor not in the table')
  return { actor, counter: readCounter(reader) }
}

/** A stand-alone encoding of updates: what gossip carries and what golden vectors are made of. */
export function encodeUpdates(updates: readonly Update[], memberOf: MemberOf): Buffer {
  const writer = new ByteWriter(updates.length * 128)
  writeUpdates(writer, updates, memberOf)
  return writer.finish()
}

/** Reads a stand-alone encoding of updates. Throws a DecodeError for anything else. */
export function decodeUpdates(bytes: Uint8Array): TaggedUpdates {
  const reader = new ByteReader(bytes)
  const result = readUpdates(reader)
  reader.end()
  return result
}
