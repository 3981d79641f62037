/** The rows that there are once: the layout's version, and the counts, checksum, position and clock of the store. */
import { crc32 } from 'node:zlib'
import { ByteWriter } from '../model/bytes.js'
import type { HybridTime } from '../model/clock.js'
import { readTime, writeTime } from '../model/codec.js'
import { actorBytes } from '../model/dot.js'
import { metaKey } from './keys.js'
import { seal, unseal } from './seal.js'

/** Counts, checksum, position and clock: moves with every batch. */
export interface StateRow {
  /** Live dots, and the two halves of the incremental checksum over them. */
  readonly liveDots: number
  readonly checksum: Checksum
  /** Live entries of the users alone. */
  readonly userEntries: number
  /** The last sequence given out. */
  readonly sequence: number
  /** The greatest sequence below which feed rows may be missing. */
  readonly feedFloor: number
  readonly clock: HybridTime
  /** Names this store's feed; another store's cursors are refused. */
  readonly feedId: string
  /** Bytes of log rows as they were counted by then; the scan at the start tells by how much the count is off. */
  readonly logBytes: number
}

/** An order-independent sum over the live dots: it tells accidents from intent, not attackers. */
export interface Checksum {
  readonly low: number
  readonly high: number
}

/** The checksum of nothing. */
export const emptyChecksum: Checksum = { low: 0, high: 0 }

/** The share of one live dot at an address, given both row keys. */
export function fingerprint(dotRowKey: Uint8Array, entryRowKey: Uint8Array): Checksum {
  const first = crc32(entryRowKey, crc32(dotRowKey))
  return { low: first, high: crc32(dotRowKey, (first ^ 0x5bd1e995) >>> 0) }
}

/** Adds (sign 1) or takes away (sign -1) a share, modulo 2^32 in both halves. */
export function shiftChecksum(sum: Checksum, share: Checksum, sign: 1 | -1): Checksum {
  return { low: (sum.low + sign * share.low) >>> 0, high: (sum.high + sign * share.high) >>> 0 }
}

/** The key of the layout's version. */
export const formatKey = metaKey('format')
/** The key of the state row. */
export const stateKey = metaKey('state')

/** Writes the layout's version. */
export function encodeFormat(version: number): Buffer {
  return seal(formatKey, new ByteWriter(8).varint(version))
}

/** Reads the layout's version. */
export function decodeFormat(value: Uint8Array): number {
  return unseal(formatKey, value, (reader) => reader.varint())
}

/** Writes the state row. */
export function encodeState(state: StateRow): Buffer {
  const writer = new ByteWriter(64).varint(state.liveDots).u32(state.checksum.low).u32(state.checksum.high)
  writer.varint(state.userEntries).varint(state.sequence).varint(state.feedFloor)
  writeTime(writer, state.clock)
  return seal(stateKey, writer.hex(state.feedId).varint(Math.max(0, state.logBytes)))
}

/** Reads the state row. */
export function decodeState(value: Uint8Array): StateRow {
  return unseal(stateKey, value, (reader) => ({
    liveDots: reader.varint(),
    checksum: { low: reader.u32(), high: reader.u32() },
    userEntries: reader.varint(),
    sequence: reader.varint(),
    feedFloor: reader.varint(),
    clock: readTime(reader),
    feedId: reader.hex(actorBytes),
    // Rows from before it was kept end here.
    logBytes: reader.left === 0 ? 0 : reader.varint(),
  }))
}
