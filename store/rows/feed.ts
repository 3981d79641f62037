/** The rows of the change feed, and from where on it is held for its readers. */
import type { Address } from '../model/address.js'
import { ByteWriter } from '../model/bytes.js'
import type { HybridTime } from '../model/clock.js'
import { readAddress, readDot, readTime, writeAddress, writeDot, writeTime } from '../model/codec.js'
import type { Dot } from '../model/dot.js'
import { metaKey, numbered, readNumber } from './keys.js'
import { seal, unseal } from './seal.js'

/** One row of the change feed. */
export type FeedRow =
  /** An update's arrival; its dot row says the rest. */
  | { readonly kind: 'update'; readonly dot: Dot }
  /** A removal learnt through the tree: the version's dot, and where its arrival stands (0: nowhere any more). */
  | {
      readonly kind: 'removal'
      readonly dot: Dot
      readonly address: Address
      readonly time: HybridTime
      readonly arrival: number
    }
  /** The arrival of a version that was so removed: its dot row is gone, and its bytes with it. */
  | { readonly kind: 'past'; readonly dot: Dot; readonly address: Address; readonly time: HybridTime }

/** The key of a feed row. */
export function feedKey(sequence: number): Buffer {
  return numbered('feed', sequence)
}

/** The sequence of a feed row. */
export function feedSequence(key: Uint8Array): number {
  return readNumber(key, 1)
}

/** Writes a feed row. */
export function encodeFeed(key: Uint8Array, row: FeedRow): Buffer {
  const writer = new ByteWriter(32)
  writeDot(writer, row.dot)
  if (row.kind === 'update') return seal(key, writer)
  writeAddress(writer, row.address)
  writeTime(writer, row.time)
  if (row.kind === 'removal') writer.varint(row.arrival)
  return seal(key, writer)
}

/** Reads a feed row. */
export function decodeFeed(key: Uint8Array, value: Uint8Array): FeedRow {
  return unseal(key, value, (reader) => {
    const dot = readDot(reader)
    if (reader.left === 0) return { kind: 'update', dot }
    const address = readAddress(reader)
    const time = readTime(reader)
    if (reader.left === 0) return { kind: 'past', dot, address, time }
    return { kind: 'removal', dot, address, time, arrival: reader.varint() }
  })
}

/** The key of the row that says from where on the feed is held for readers. */
export const feedHoldKey = metaKey('readers')

/** Writes from where on the feed is held. */
export function encodeFeedHold(sequence: number): Buffer {
  return seal(feedHoldKey, new ByteWriter(16).varint(sequence))
}

/** Reads from where on the feed is held. */
export function decodeFeedHold(value: Uint8Array): number {
  return unseal(feedHoldKey, value, (reader) => reader.varint())
}
