/** The dot rows: at once dot index and update log. */
import { rowPrefixes } from '../keyspace.js'
import type { Address } from '../model/address.js'
import { ByteWriter, DecodeError, putHex } from '../model/bytes.js'
import type { HybridTime } from '../model/clock.js'
import {
  readAddress,
  readDigest,
  readDot,
  readDots,
  readExpiry,
  readNamedDots,
  readTime,
  writeAddress,
  writeDigest,
  writeDot,
  writeExpiry,
  writeNamedDots,
  writeTime,
} from '../model/codec.js'
import { actorBytes, type ContentDigest, type Dot, type NamedDot } from '../model/dot.js'
import type { UpdateKind } from '../model/update.js'
import { numberBytes, readNumber, writeNumber } from './keys.js'
import { seal, unlimited, unseal } from './seal.js'

/** State of a dot, as its row records it. */
export type DotState =
  /** Its version is live: the row is the dot index, and the log. */
  | 'live'
  /** A delete, or a put whose version is gone: the row is the log alone. */
  | 'logged'
  /** Its own update has not come yet (hollow); the row only remembers what superseded it. */
  | 'stub'

/** At once dot index and update log. */
export interface DotRow {
  readonly state: DotState
  readonly kind: UpdateKind
  /** The dots that it superseded are not known (the row was rebuilt after damage, or came from such a row). */
  readonly bare: boolean
  /** Its position in the change feed; 0 for stubs. */
  readonly sequence: number
  readonly address: Address
  readonly time: HybridTime
  readonly expiresAtMs: number | null
  readonly supersedes: readonly NamedDot[]
  /** The digest of its content; undefined when it is not known (stubs), or in rows of format 1. */
  readonly digest?: ContentDigest | undefined
  /** An update that superseded it, when known. */
  readonly supersededBy: Dot | null
  /** The bytes of a put that is no longer live, kept for the change feed; null when live or not kept. */
  readonly value: Uint8Array | null
}

const states: readonly DotState[] = ['live', 'logged', 'stub']
const kinds: readonly UpdateKind[] = ['put', 'delete', 'expiry']
const bareFlag = 0x10
const supersededFlag = 0x20
const valueFlag = 0x40
/** The row has digests (format 2). */
const digestFlag = 0x80

/** The key of a dot row. */
export function dotKey(dot: Dot): Buffer {
  const key = Buffer.allocUnsafe(1 + actorBytes + numberBytes)
  key[0] = rowPrefixes.dot.charCodeAt(0)
  putHex(key, 1, dot.actor)
  writeNumber(key, dot.counter, 1 + actorBytes)
  return key
}

/** The dot of a dot row's key. */
export function dotOfKey(key: Uint8Array): Dot {
  return {
    actor: Buffer.from(key.subarray(1, 1 + actorBytes)).toString('hex'),
    counter: readNumber(key, 1 + actorBytes),
  }
}

/** Writes a dot row. */
export function encodeDotRow(key: Uint8Array, row: DotRow): Buffer {
  const flags =
    states.indexOf(row.state) |
    (kinds.indexOf(row.kind) << 2) |
    (row.bare ? bareFlag : 0) |
    (row.supersededBy === null ? 0 : supersededFlag) |
    (row.value === null ? 0 : valueFlag) |
    digestFlag
  const writer = new ByteWriter(96).u8(flags).varint(row.sequence)
  writeAddress(writer, row.address)
  writeTime(writer, row.time)
  writeExpiry(writer, row.expiresAtMs)
  writeNamedDots(writer, row.supersedes, unlimited)
  writeDigest(writer, row.digest)
  if (row.supersededBy !== null) writeDot(writer, row.supersededBy)
  if (row.value !== null) writer.bytes(row.value)
  return seal(key, writer)
}

/** True if the bytes of a dot row say that its version is live. */
export function isLiveRow(value: Uint8Array): boolean {
  return (value[0]! & 0x03) === states.indexOf('live')
}

/** True if the bytes of a dot row are those of a live put with a digest, and with nothing that few rows have. */
export function isPlainLiveRow(value: Uint8Array): boolean {
  return value[0] === (states.indexOf('live') | (kinds.indexOf('put') << 2) | digestFlag)
}

/** Reads a dot row. */
export function decodeDotRow(key: Uint8Array, value: Uint8Array): DotRow {
  return unseal(key, value, (reader) => {
    const flags = reader.u8()
    const state = states[flags & 0x03]
    const kind = kinds[(flags >> 2) & 0x03]
    if (state === undefined || kind === undefined) throw new DecodeError('unknown state of a dot')
    return {
      state,
      kind,
      bare: (flags & bareFlag) !== 0,
      sequence: reader.varint(),
      address: readAddress(reader),
      time: readTime(reader),
      expiresAtMs: readExpiry(reader),
      ...((flags & digestFlag) === 0
        ? { supersedes: readDots(reader, unlimited) }
        : { supersedes: readNamedDots(reader, unlimited), digest: readDigest(reader) }),
      supersededBy: (flags & supersededFlag) === 0 ? null : readDot(reader),
      value: (flags & valueFlag) === 0 ? null : reader.bytes(unlimited),
    }
  })
}
