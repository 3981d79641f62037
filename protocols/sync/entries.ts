/** The codec of entries in a descent: the versions at an address, each only as far as the peer does not know it. */
import { type ByteReader, type ByteWriter, DecodeError } from '../../store/model/bytes.js'
import { zeroTime } from '../../store/model/clock.js'
import {
  ActorTable,
  type MemberOf,
  type MemberTags,
  readActorTable,
  readAddress,
  readSupersedes,
  readTableDot,
  readTime,
  writeAddress,
  writeDeadline,
  writeTime,
} from '../../store/model/codec.js'
import { updateDigest } from '../../store/model/digest.js'
import { type Actor, compareDots, contentDigestBytes, type Dot, matcherOf } from '../../store/model/dot.js'
import { valueBytesMax, versionsMax } from '../../store/model/limits.js'
import type { Update } from '../../store/model/update.js'
import type { PeerEntry } from '../../store/replica/types.js'
import { messageEntriesMax } from './limits.js'

/** Entries with the member of each actor named in them. */
export interface TaggedEntries {
  readonly entries: readonly PeerEntry[]
  readonly members: MemberTags
}

const hasValue = 0x01
const hasExpiry = 0x02
const isBare = 0x04
/** The dot alone: the receiver has applied it. */
const isNamed = 0x08
/** Digest of the content in place of the value: the receiver compares it with the digest that it knows for the dot. */
const hasDigest = 0x10

/** A version of which the receiver needs the dot alone, and the digest of its content. */
export function namedUpdate(update: Update): Update {
  return { ...withoutValue(update), time: zeroTime, expiresAtMs: null, supersedes: [] }
}

/** A version of which the receiver has the value, when it is the same content. */
export function withoutValue(update: Update): Update {
  return { ...update, value: null, digest: updateDigest(update) }
}

/** Writes entries behind a table of their actors. A bare version without a value is written as its dot alone. */
export function writeEntries(writer: ByteWriter, entries: readonly PeerEntry[], memberOf: MemberOf): void {
  const table = new ActorTable()
  for (const entry of entries) {
    for (const update of entry.updates) {
      table.add(update.dot.actor)
      for (const dot of update.supersedes) table.add(dot.actor)
    }
  }
  table.write(writer, memberOf)
  writer.varint(entries.length, messageEntriesMax)
  for (const entry of entries) {
    writeAddress(writer, entry.address)
    writer.varint(entry.updates.length, versionsMax)
    const isBareDot = matcherOf(entry.bare)
    for (const update of entry.updates) writeVersion(writer, update, isBareDot(update.dot), table)
  }
}

function writeVersion(writer: ByteWriter, update: Update, bare: boolean, table: ActorTable): void {
  const { value, expiresAtMs } = update
  const digest = value === null ? update.digest : undefined
  const isDotAlone = bare && value === null
  const form = isDotAlone
    ? isNamed
    : (value === null ? 0 : hasValue) | (expiresAtMs === null ? 0 : hasExpiry) | (bare ? isBare : 0)
  writer.u8(form | (digest === undefined ? 0 : hasDigest))
  table.writeDot(writer, update.dot)
  if (digest !== undefined) writer.hex(digest)
  if (isDotAlone) return
  writeTime(writer, update.time)
  if (expiresAtMs !== null) writeDeadline(writer, expiresAtMs)
  if (value !== null) writer.bytes(value, valueBytesMax)
  if (!bare) table.writeNamedDots(writer, update.supersedes)
}

/** Reads entries. Throws a DecodeError for what writeEntries does not write. Values are views of the reader's bytes. */
export function readEntries(reader: ByteReader): TaggedEntries {
  const { actors, members } = readActorTable(reader)
  const entries: PeerEntry[] = []
  for (let left = reader.count(messageEntriesMax, 5); left > 0; left--) entries.push(readEntry(reader, actors))
  return { entries, members }
}

function readEntry(reader: ByteReader, actors: readonly Actor[]): PeerEntry {
  const address = readAddress(reader)
  const updates: Update[] = []
  const bare: Dot[] = []
  for (let left = reader.count(versionsMax, 3); left > 0; left--) {
    const flags = reader.u8()
    const update = readVersion(reader, flags, actors, address)
    const before = updates.at(-1)
    if (before !== undefined && compareDots(before.dot, update.dot) >= 0) throw new DecodeError('versions out of order')
    updates.push(update)
    if ((flags & (isBare | isNamed)) !== 0) bare.push(update.dot)
  }
  return { address, updates, bare }
}

function readVersion(
  reader: ByteReader,
  flags: number,
  actors: readonly Actor[],
  address: PeerEntry['address'],
): Update {
  const form = flags & ~hasDigest
  const dot = readTableDot(reader, actors)
  if ((flags & hasDigest) !== 0 && (form & hasValue) !== 0) throw new DecodeError('a digest beside its value')
  const digest = (flags & hasDigest) === 0 ? undefined : reader.hex(contentDigestBytes)
  const base = { dot, address, kind: 'put' as const, ...(digest !== undefined && { digest }) }
  if (form === isNamed) return { ...base, time: zeroTime, expiresAtMs: null, value: null, supersedes: [] }
  if (form > (hasValue | hasExpiry | isBare)) throw new DecodeError('unknown kind of version')
  const bare = (form & isBare) !== 0
  if (bare && (form & hasValue) === 0) throw new DecodeError('a bare version without a value')
  const time = readTime(reader)
  const expiresAtMs = (form & hasExpiry) === 0 ? null : reader.varint()
  if (expiresAtMs === 0) throw new DecodeError('no deadline')
  const value = (form & hasValue) === 0 ? null : reader.bytes(valueBytesMax)
  const supersedes = bare ? [] : readSupersedes(reader, actors, dot)
  return { ...base, time, expiresAtMs, value, supersedes }
}
