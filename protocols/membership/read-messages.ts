/**
 * The frames of the read protocol: one address asked for, answered and, where the asked one lags, repaired. SPEC.md
 * gives the grammar.
 */
import { type Address, addressText } from '../../store/model/address.js'
import { ByteReader, ByteWriter, DecodeError } from '../../store/model/bytes.js'
import {
  type MemberOf,
  type MemberTags,
  readAddress,
  readDots,
  readNamedDots,
  readUpdates,
  writeAddress,
  writeDots,
  writeNamedDots,
  writeUpdates,
} from '../../store/model/codec.js'
import { compareDots, type Dot, dotText, type NamedDot } from '../../store/model/dot.js'
import { dotsBytesBound, tableActorBytes, updateBytesBound } from '../../store/model/sizes.js'
import type { PeerEntry } from '../../store/replica/types.js'
import { endMessage } from '../later.js'
import type { Protocol } from '../network.js'
import { shortDigestBytes } from './core/digest.js'
import { readDotsAim, readDotsMax, readFrameBytesAim, readFrameBytesMax } from './limits.js'

/** The read protocol: one question a channel. */
export const readProtocol: Protocol = { id: '/hearsay/read/2', frameBytesMax: readFrameBytesMax }

/** The version in the first byte of every frame. */
export const readVersion = 2

/** One node's copy of an address, with the fate of the dots in question. */
export interface Copy {
  readonly entry: PeerEntry
  /**
   * Dots in question that this node has seen and that are not live here any more; sorted. Those in neither list it has
   * never seen.
   */
  readonly removed: readonly Dot[]
  /** The member of each actor that issued a live dot. */
  readonly members: MemberTags
}

/** A question. */
export interface ReadRequest {
  readonly address: Address
  /** The digest of the asker's member list. */
  readonly list: Uint8Array
  /** The dots that are live at the asker's, with the digests of their contents; sorted. */
  readonly dots: readonly NamedDot[]
}

/**
 * An answer, or why there is none: another member list, a store that is not verified, too many questions, an entry too
 * large.
 */
export type ReadAnswer =
  | { readonly kind: 'copy'; readonly copy: Copy }
  | { readonly kind: 'other-list' | 'not-verified' | 'busy' | 'too-large' }

const answerKinds = ['copy', 'other-list', 'not-verified', 'busy', 'too-large'] as const

/** Writes a question. Throws a RangeError for more dots than a reader takes. */
export function encodeReadRequest({ address, list, dots }: ReadRequest): Buffer {
  const writer = new ByteWriter().u8(readVersion)
  writeAddress(writer, address)
  writer.raw(list)
  if (dots.length > readDotsAim) throw tooMany(dots.length)
  writeNamedDots(writer, dots)
  return writer.finish()
}

/** Reads a question. Throws a DecodeError for anything else. */
export function decodeReadRequest(bytes: Uint8Array): ReadRequest {
  const reader = start(bytes)
  const address = readAddress(reader)
  const list = Uint8Array.from(reader.raw(shortDigestBytes))
  const dots = readNamedDots(reader, readDotsMax)
  endMessage(reader)
  return { address, list, dots }
}

/** Writes an answer. Throws a RangeError for a copy that no reader takes; see `fitsFrame`. */
export function encodeReadAnswer(answer: ReadAnswer, memberOf: MemberOf): Buffer {
  const writer = new ByteWriter().u8(readVersion).u8(answerKinds.indexOf(answer.kind))
  if (answer.kind === 'copy') writeCopy(writer, answer.copy, memberOf)
  return writer.finish()
}

/**
 * Reads an answer about an address; one of a kind that is not known here is a refusal. Throws a DecodeError for
 * anything else, and for a copy of another address.
 */
export function decodeReadAnswer(bytes: Uint8Array, address: Address): ReadAnswer {
  const reader = start(bytes)
  const kind = answerKinds[reader.u8()]
  // Whatever a later version says there, it is no copy.
  const answer: ReadAnswer = kind === 'copy' ? { kind, copy: readCopy(reader, address) } : { kind: kind ?? 'busy' }
  endMessage(reader)
  return answer
}

/** Writes a repair: the asker's copy, for one that lags. Throws a RangeError for a copy that no reader takes. */
export function encodeRepair(copy: Copy, memberOf: MemberOf): Buffer {
  const writer = new ByteWriter().u8(readVersion)
  writeCopy(writer, copy, memberOf)
  return writer.finish()
}

/** Reads a repair of an address. Throws a DecodeError for anything else, and for a copy of another address. */
export function decodeRepair(bytes: Uint8Array, address: Address): Copy {
  const reader = start(bytes)
  const copy = readCopy(reader, address)
  endMessage(reader)
  return copy
}

/** Says that a repair is durable. */
export function encodeRepaired(): Buffer {
  return new ByteWriter(1).u8(readVersion).finish()
}

/** Reads that. Throws a DecodeError for anything else. */
export function decodeRepaired(bytes: Uint8Array): void {
  endMessage(start(bytes))
}

/** True if a copy fits one frame, and its counts their limits. */
export function fitsFrame({ entry, removed }: Copy): boolean {
  const { updates, bare } = entry
  const counts = [updates.length, bare.length, removed.length, ...updates.map(({ supersedes }) => supersedes.length)]
  if (counts.some((count) => count > readDotsAim)) return false
  const listed = frameHeadBytes + dotsBytesBound(bare) + dotsBytesBound(removed)
  return updates.reduce((sum, update) => sum + updateBytesBound(update) + tableActorBytes, listed) <= readFrameBytesAim
}

/** Version, kind, and the counts of actors and updates, at most. */
const frameHeadBytes = 18

function writeCopy(writer: ByteWriter, copy: Copy, memberOf: MemberOf): void {
  if (!fitsFrame(copy)) throw new RangeError('a copy over the limits of a frame')
  writeUpdates(writer, copy.entry.updates, memberOf)
  writeCounted(writer, copy.entry.bare)
  writeCounted(writer, copy.removed)
}

function writeCounted(writer: ByteWriter, dots: readonly Dot[]): void {
  if (dots.length > readDotsAim) throw tooMany(dots.length)
  writeDots(writer, dots)
}

function tooMany(dots: number): RangeError {
  return new RangeError(`${dots} dots, of which one frame takes ${readDotsAim}`)
}

function readCopy(reader: ByteReader, address: Address): Copy {
  const { updates, members } = readUpdates(reader)
  const bare = readDots(reader, readDotsMax)
  const removed = readDots(reader, readDotsMax)
  const text = addressText(address)
  for (const [at, update] of updates.entries()) {
    if (update.kind !== 'put' || addressText(update.address) !== text)
      throw new DecodeError('not a copy of the address')
    if (at > 0 && compareDots(updates[at - 1]!.dot, update.dot) >= 0) throw new DecodeError('dots not ascending')
  }
  const live = new Set(updates.map((update) => dotText(update.dot)))
  if (bare.some((dot) => !live.has(dotText(dot)))) throw new DecodeError('a bare dot that is not live')
  if (removed.some((dot) => live.has(dotText(dot)))) throw new DecodeError('a dot both live and removed')
  return { entry: { address, updates, bare }, removed, members }
}

function start(bytes: Uint8Array): ByteReader {
  const reader = new ByteReader(bytes)
  if (reader.u8() !== readVersion) throw new DecodeError('unknown version')
  return reader
}
