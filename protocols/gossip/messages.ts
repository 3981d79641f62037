/** The frames of gossip and of its fetch protocol: strict, bounded, versioned. SPEC.md gives the grammar. */
import { ByteReader, ByteWriter, DecodeError } from '../../store/model/bytes.js'
import {
  ActorTable,
  type MemberOf,
  type MemberTags,
  readActorTable,
  readTableDot,
  readUpdates,
  type TaggedUpdates,
  unknownMember,
  writeUpdates,
} from '../../store/model/codec.js'
import { digestBytes, valueHash } from '../../store/model/digest.js'
import { type Dot, dotText } from '../../store/model/dot.js'
import { valueBytesMax } from '../../store/model/limits.js'
import type { Update } from '../../store/model/update.js'
import { endLaterMessage, endMessage } from '../later.js'
import type { Protocol } from '../network.js'
import { announcedDotsMax, fetchFrameBytesMax, gossipBytesMax } from './limits.js'

/** The version in the first byte of every message; messages of a later version are passed on, and not understood. */
export const gossipVersion = 2

/** The protocol that announced groups are fetched with. */
export const fetchProtocol: Protocol = { id: '/hearsay/fetch/2', frameBytesMax: fetchFrameBytesMax }

/** One update of an announced group. */
export interface AnnouncedUpdate {
  readonly dot: Dot
  /** Bytes of its value and the hash of it; null for a delete. */
  readonly value: { readonly bytes: number; readonly hash: Uint8Array } | null
}

/** Names a group that is too large to be gossiped. It changes nothing in the store. */
export interface Announcement {
  readonly updates: readonly AnnouncedUpdate[]
  /** The member of each actor. */
  readonly members: MemberTags
}

/**
 * Content of a gossip message. `early`: true if the writer waits for acknowledgements, so that they should come early.
 */
export type GossipMessage =
  | { readonly kind: 'updates'; readonly early: boolean; readonly tagged: TaggedUpdates }
  | { readonly kind: 'announcement'; readonly early: boolean; readonly announcement: Announcement }
  /** A message that only a later version understands. */
  | { readonly kind: 'later' }

const earlyFlag = 0x01
const announcementFlag = 0x02
const knownFlags = earlyFlag | announcementFlag

/** A message with whole groups of updates, one after another. Throws a RangeError for one that no reader takes. */
export function encodeGossip(updates: readonly Update[], early: boolean, memberOf: MemberOf): Buffer {
  const writer = new ByteWriter(1024).u8(gossipVersion).u8(early ? earlyFlag : 0)
  writeUpdates(writer, updates, memberOf)
  return finished(writer, gossipBytesMax)
}

/** A message that announces one group. Throws a RangeError for one that no reader takes. */
export function encodeAnnouncement(updates: readonly AnnouncedUpdate[], early: boolean, memberOf: MemberOf): Buffer {
  const writer = new ByteWriter(1024).u8(gossipVersion).u8(announcementFlag | (early ? earlyFlag : 0))
  const table = new ActorTable()
  for (const { dot } of updates) table.add(dot.actor)
  table.write(writer, memberOf)
  writer.varint(updates.length, announcedDotsMax)
  for (const { dot, value } of updates) {
    table.writeDot(writer, dot)
    writer.varint(value === null ? 0 : value.bytes + 1, valueBytesMax + 1)
    if (value !== null) writer.raw(value.hash)
  }
  return finished(writer, gossipBytesMax)
}

function finished(writer: ByteWriter, bytesMax: number): Buffer {
  if (writer.length > bytesMax) throw new RangeError(`${writer.length} bytes, of which a reader takes ${bytesMax}`)
  return writer.finish()
}

/** Describes an update for an announcement. */
export function announced(update: Update): AnnouncedUpdate {
  const { dot, value } = update
  return { dot, value: value === null ? null : { bytes: value.length, hash: valueHash(value) } }
}

/** Bytes of the values of an announced group. */
export function announcedBytes(updates: readonly AnnouncedUpdate[]): number {
  return updates.reduce((sum, { value }) => sum + (value?.bytes ?? 0), 0)
}

/**
 * Reads a gossip message. Values are views of the bytes. Throws a DecodeError for anything that is not one, for an
 * earlier version, and for puts without their bytes, which are not gossiped.
 */
export function decodeGossip(bytes: Uint8Array): GossipMessage {
  if (bytes.length > gossipBytesMax) throw new DecodeError('message over the limit')
  const reader = new ByteReader(bytes)
  const version = reader.u8()
  if (version > gossipVersion) {
    endLaterMessage(reader)
    return { kind: 'later' }
  }
  if (version < gossipVersion) throw new DecodeError('unknown version')
  const flags = reader.u8()
  if ((flags & ~knownFlags) !== 0) throw new DecodeError('unknown flags')
  const early = (flags & earlyFlag) !== 0
  const message: GossipMessage =
    (flags & announcementFlag) === 0
      ? { kind: 'updates', early, tagged: readGossiped(reader) }
      : { kind: 'announcement', early, announcement: readAnnouncement(reader) }
  endMessage(reader)
  return message
}

function readGossiped(reader: ByteReader): TaggedUpdates {
  const tagged = readUpdates(reader)
  if (tagged.updates.length === 0) throw new DecodeError('message without an update')
  if (tagged.updates.some((update) => update.kind === 'put' && update.value === null)) {
    throw new DecodeError('a gossiped put without its value')
  }
  return tagged
}

function readAnnouncement(reader: ByteReader): Announcement {
  const { actors, members } = readActorTable(reader)
  const updates: AnnouncedUpdate[] = []
  const dots = new Set<string>()
  for (let left = reader.count(announcedDotsMax, 3); left > 0; left--) {
    const dot = readTableDot(reader, actors)
    const size = reader.varint(valueBytesMax + 1)
    const value = size === 0 ? null : { bytes: size - 1, hash: Uint8Array.from(reader.raw(digestBytes)) }
    updates.push({ dot, value })
    dots.add(dotText(dot))
  }
  if (updates.length === 0) throw new DecodeError('announcement without a dot')
  if (dots.size !== updates.length) throw new DecodeError('dot announced twice')
  return { updates, members }
}

/** A request of the fetch protocol: the dots whose updates are wanted. */
export function encodeFetchRequest(dots: readonly Dot[]): Buffer {
  const writer = new ByteWriter(64).u8(gossipVersion)
  const table = new ActorTable()
  for (const { actor } of dots) table.add(actor)
  table.write(writer, () => unknownMember)
  writer.varint(dots.length, announcedDotsMax)
  for (const dot of dots) table.writeDot(writer, dot)
  return writer.finish()
}

/** Reads a request. Throws a DecodeError for anything else. */
export function decodeFetchRequest(bytes: Uint8Array): Dot[] {
  const reader = new ByteReader(bytes)
  if (reader.u8() !== gossipVersion) throw new DecodeError('unknown version')
  const { actors } = readActorTable(reader)
  const dots: Dot[] = []
  for (let left = reader.count(announcedDotsMax, 2); left > 0; left--) dots.push(readTableDot(reader, actors))
  endMessage(reader)
  if (dots.length === 0) throw new DecodeError('request without a dot')
  return dots
}

/** An answer of the fetch protocol: updates with more to come, the last ones, or that not all dots are here. */
export type FetchAnswer =
  | { readonly kind: 'updates'; readonly isLast: boolean; readonly tagged: TaggedUpdates }
  | { readonly kind: 'missing' }
  | { readonly kind: 'busy' }
  /** A part of an answer that only a later version understands: it is skipped. */
  | { readonly kind: 'later' }

const answerKinds = ['more', 'last', 'missing', 'busy'] as const

/** An answer with updates. Throws a RangeError for one that no reader takes. */
export function encodeFetchUpdates(updates: readonly Update[], isLast: boolean, memberOf: MemberOf): Buffer {
  const writer = new ByteWriter(1024).u8(gossipVersion).u8(isLast ? 1 : 0)
  writeUpdates(writer, updates, memberOf)
  return finished(writer, fetchFrameBytesMax)
}

/** An answer without updates: not all dots are here, or too many fetches are being answered already. */
export function encodeFetchRefusal(kind: 'missing' | 'busy'): Buffer {
  return new ByteWriter(2).u8(gossipVersion).u8(answerKinds.indexOf(kind)).finish()
}

/**
 * Reads an answer, or says that only a later version understands it. Values are views of the bytes. Throws a
 * DecodeError for anything else.
 */
export function decodeFetchAnswer(bytes: Uint8Array): FetchAnswer {
  const reader = new ByteReader(bytes)
  if (reader.u8() !== gossipVersion) throw new DecodeError('unknown version')
  const kind = answerKinds[reader.u8()]
  if (kind === undefined) {
    endLaterMessage(reader)
    return { kind: 'later' }
  }
  const answer: FetchAnswer =
    kind === 'missing' || kind === 'busy'
      ? { kind }
      : { kind: 'updates', isLast: kind === 'last', tagged: readUpdates(reader) }
  endMessage(reader)
  return answer
}
