/** The frame of the heartbeat protocol: strict, bounded, versioned. SPEC.md gives the grammar. */
import { ByteReader, ByteWriter, DecodeError } from '../../store/model/bytes.js'
import { type MemberTag, readRanges, writeRanges } from '../../store/model/codec.js'
import type { Ranges } from '../../store/model/context.js'
import { digestBytes } from '../../store/model/digest.js'
import { type Actor, actorBytes } from '../../store/model/dot.js'
import { endMessage, isLaterMessage } from '../later.js'
import type { Protocol } from '../network.js'
import { shortDigestBytes } from './core/digest.js'
import {
  heartbeatActorsMax,
  heartbeatFrameBytesMax,
  heartbeatMsMax,
  neighboursMax,
  relayActorsMax,
  relaysMax,
} from './limits.js'

/** The heartbeat protocol: one channel a direction, frames from the side that opened it alone. */
export const heartbeatProtocol: Protocol = { id: '/hearsay/heartbeat/1', frameBytesMax: heartbeatFrameBytesMax }

/** The version in the first byte of every frame. */
export const heartbeatVersion = 1

/** All ranges of one actor; none: the actor is gone from the context. */
export interface ActorRanges {
  readonly actor: Actor
  readonly ranges: Ranges
}

/** State of a member that the receiver is not connected to, as the sender relays it. */
export interface Relay {
  readonly member: MemberTag
  /** Age of this state: time since the member itself sent it, in milliseconds. */
  readonly ageMs: number
  readonly isVerified: boolean
  readonly epoch: number
  /** The digest of its member list. */
  readonly list: Uint8Array
  /** The digest of its state; `same`: that of the sender's state as of this heartbeat. */
  readonly state: Uint8Array | 'same'
  /**
   * Dots that it acknowledges, to be added; `same`: all that the sender has acknowledged itself on this channel. Null:
   * nothing new.
   */
  readonly acknowledged: readonly ActorRanges[] | 'same' | null
}

/** One heartbeat. What is null has not changed since the one before on the same channel. */
export interface Heartbeat {
  /** Rises by one with each heartbeat; the first of a channel may be any. */
  readonly nonce: number
  /** The sender's wall clock, in milliseconds since 1970. */
  readonly wallMs: number
  /** False while the sender compares its store with its checksums: it shows no state and acknowledges nothing. */
  readonly isVerified: boolean
  /** Asks for early acknowledgements for a while. */
  readonly wantsEarlyAcks: boolean
  /** Asks for a heartbeat at once. */
  readonly asks: boolean
  /** The last heartbeat that came on the channel of the other direction, and how long ago. */
  readonly echo: { readonly nonce: number; readonly heldMs: number } | null
  /** Root and digest of both contexts, read in one turn. */
  readonly state: { readonly root: Uint8Array; readonly contexts: Uint8Array } | null
  /** The digest of the sender's member list. */
  readonly list: Uint8Array | null
  /** Epoch under which the sender acknowledges. Where it is given, the acknowledged context starts over, empty. */
  readonly epoch: number | null
  /** A greater epoch of the receiver's that the sender has heard of: the receiver must go beyond it. */
  readonly knownEpoch: number | null
  /** The sender's applied context: the actors that changed. */
  readonly acknowledged: readonly ActorRanges[]
  /** Members to which the sender is connected. */
  readonly neighbours: readonly MemberTag[] | null
  readonly relays: readonly Relay[]
}

const flagBits = {
  unverified: 0x001,
  wantsEarlyAcks: 0x002,
  asks: 0x004,
  echo: 0x008,
  state: 0x010,
  list: 0x020,
  epoch: 0x040,
  knownEpoch: 0x080,
  acknowledged: 0x100,
  neighbours: 0x200,
  relays: 0x400,
}
const flagsMax = 0x7ff
const tagBytes = 8

const relayBits = { unverified: 0x01, sameState: 0x02, sameAcknowledged: 0x04, acknowledged: 0x08 }
const relayFlagsMax = 0x0f

/** Writes a heartbeat. Throws a RangeError for one that no reader takes: whoever composes it keeps to the limits. */
export function encodeHeartbeat(beat: Heartbeat): Buffer {
  const writer = new ByteWriter(64).u8(heartbeatVersion).varint(flagsOf(beat)).varint(beat.nonce).varint(beat.wallMs)
  if (beat.echo !== null) writer.varint(beat.echo.nonce).varint(beat.echo.heldMs)
  if (beat.state !== null) writer.raw(beat.state.root).raw(beat.state.contexts)
  if (beat.list !== null) writer.raw(beat.list)
  if (beat.epoch !== null) writer.varint(beat.epoch)
  if (beat.knownEpoch !== null) writer.varint(beat.knownEpoch)
  if (beat.acknowledged.length > 0) writeActors(writer, beat.acknowledged, heartbeatActorsMax)
  if (beat.neighbours !== null) {
    writer.varint(beat.neighbours.length, neighboursMax)
    for (const tag of beat.neighbours) writer.hex(tag)
  }
  if (beat.relays.length > 0) {
    writer.varint(beat.relays.length, relaysMax)
    for (const relay of beat.relays) writeRelay(writer, relay)
  }
  if (writer.length > heartbeatFrameBytesMax) throw new RangeError(`a heartbeat of ${writer.length} bytes`)
  return writer.finish()
}

function flagsOf(beat: Heartbeat): number {
  const { unverified, wantsEarlyAcks, asks, echo, state, list, epoch, knownEpoch, acknowledged, neighbours, relays } =
    flagBits
  return (
    (beat.isVerified ? 0 : unverified) |
    (beat.wantsEarlyAcks ? wantsEarlyAcks : 0) |
    (beat.asks ? asks : 0) |
    (beat.echo === null ? 0 : echo) |
    (beat.state === null ? 0 : state) |
    (beat.list === null ? 0 : list) |
    (beat.epoch === null ? 0 : epoch) |
    (beat.knownEpoch === null ? 0 : knownEpoch) |
    (beat.acknowledged.length === 0 ? 0 : acknowledged) |
    (beat.neighbours === null ? 0 : neighbours) |
    (beat.relays.length === 0 ? 0 : relays)
  )
}

/** True for a frame that only a later version understands: it is skipped. */
export function isLaterFrame(bytes: Uint8Array): boolean {
  return isLaterMessage(bytes, heartbeatVersion)
}

/** Reads a heartbeat. Throws a DecodeError for anything else, and for an unknown version. */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat {
  if (bytes.length > heartbeatFrameBytesMax) throw new DecodeError('frame over the limit')
  const reader = new ByteReader(bytes)
  if (reader.u8() !== heartbeatVersion) throw new DecodeError('unknown version')
  const flags = reader.varint(flagsMax)
  const has = (flag: number) => (flags & flag) !== 0
  // The order of the properties is the order of the bytes.
  const beat: Heartbeat = {
    isVerified: !has(flagBits.unverified),
    wantsEarlyAcks: has(flagBits.wantsEarlyAcks),
    asks: has(flagBits.asks),
    nonce: reader.varint(),
    wallMs: reader.varint(heartbeatMsMax),
    echo: has(flagBits.echo) ? { nonce: reader.varint(), heldMs: reader.varint(heartbeatMsMax) } : null,
    state: has(flagBits.state) ? { root: copy(reader, digestBytes), contexts: copy(reader, digestBytes) } : null,
    list: has(flagBits.list) ? copy(reader, shortDigestBytes) : null,
    epoch: has(flagBits.epoch) ? reader.varint(heartbeatMsMax) : null,
    knownEpoch: has(flagBits.knownEpoch) ? reader.varint(heartbeatMsMax) : null,
    acknowledged: has(flagBits.acknowledged) ? readActors(reader, heartbeatActorsMax) : [],
    neighbours: has(flagBits.neighbours) ? readNeighbours(reader) : null,
    relays: has(flagBits.relays) ? readRelays(reader) : [],
  }
  endMessage(reader)
  const showsWhileUnverified = beat.state !== null || beat.epoch !== null || beat.acknowledged.length > 0
  if (has(flagBits.acknowledged) && beat.acknowledged.length === 0) throw new DecodeError('an empty list')
  if (!beat.isVerified && showsWhileUnverified) throw new DecodeError('an unverified node that shows its state')
  return beat
}

function writeActors(writer: ByteWriter, actors: readonly ActorRanges[], max: number): void {
  writer.varint(actors.length, max)
  for (const { actor, ranges } of actors) {
    writer.hex(actor)
    writeRanges(writer, ranges)
  }
}

function readActors(reader: ByteReader, max: number): ActorRanges[] {
  const actors: ActorRanges[] = []
  for (let left = reader.count(max, actorBytes + 1); left > 0; left--) {
    actors.push({ actor: reader.hex(actorBytes), ranges: readRanges(reader) })
  }
  return actors
}

function readNeighbours(reader: ByteReader): MemberTag[] {
  const tags: MemberTag[] = []
  for (let left = reader.count(neighboursMax, tagBytes); left > 0; left--) tags.push(reader.hex(tagBytes))
  return tags
}

function writeRelay(writer: ByteWriter, relay: Relay): void {
  const { acknowledged, state } = relay
  const flags =
    (relay.isVerified ? 0 : relayBits.unverified) |
    (state === 'same' ? relayBits.sameState : 0) |
    (acknowledged === 'same' ? relayBits.sameAcknowledged : acknowledged === null ? 0 : relayBits.acknowledged)
  writer.u8(flags).hex(relay.member).varint(relay.ageMs).varint(relay.epoch).raw(relay.list)
  if (state !== 'same') writer.raw(state)
  if (acknowledged !== null && acknowledged !== 'same') writeActors(writer, acknowledged, relayActorsMax)
}

function readRelays(reader: ByteReader): Relay[] {
  const relays: Relay[] = []
  for (let left = reader.count(relaysMax, tagBytes + shortDigestBytes + 3); left > 0; left--) {
    relays.push(readRelay(reader))
  }
  if (relays.length === 0) throw new DecodeError('an empty list')
  return relays
}

function readRelay(reader: ByteReader): Relay {
  const flags = reader.u8()
  const both = relayBits.sameAcknowledged | relayBits.acknowledged
  if (flags > relayFlagsMax || (flags & both) === both) throw new DecodeError('bad flags of a relay')
  const member = reader.hex(tagBytes)
  const ageMs = reader.varint(heartbeatMsMax)
  const epoch = reader.varint(heartbeatMsMax)
  const list = copy(reader, shortDigestBytes)
  const state = (flags & relayBits.sameState) !== 0 ? 'same' : copy(reader, shortDigestBytes)
  const isVerified = (flags & relayBits.unverified) === 0
  const hasRanges = (flags & relayBits.acknowledged) !== 0
  const acknowledged =
    (flags & relayBits.sameAcknowledged) !== 0 ? 'same' : hasRanges ? readActors(reader, relayActorsMax) : null
  return { member, ageMs, isVerified, epoch, list, state, acknowledged }
}

function copy(reader: ByteReader, length: number): Uint8Array {
  return Uint8Array.from(reader.raw(length))
}
