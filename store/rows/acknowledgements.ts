/** The rows of what members last acknowledged. */
import { rowPrefixes } from '../keyspace.js'
import { ByteWriter } from '../model/bytes.js'
import { type MemberTag, readRanges, writeRanges } from '../model/codec.js'
import { Context } from '../model/context.js'
import { actorBytes } from '../model/dot.js'
import { seal, unlimited, unseal } from './seal.js'

/** Last acknowledgement of a member. */
export interface AcknowledgementRow {
  readonly acknowledged: Context
  /** Time from which on it misses updates, in milliseconds since 1970; 0 when it misses none. */
  readonly behindSinceMs: number
}

/** The key of a member's acknowledgement. */
export function acknowledgementKey(member: MemberTag): Buffer {
  return Buffer.concat([Buffer.from(rowPrefixes.acknowledgement), Buffer.from(member, 'hex')])
}

/** The member of an acknowledgement's key. */
export function acknowledgementMember(key: Uint8Array): MemberTag {
  return Buffer.from(key.subarray(1)).toString('hex')
}

/** Writes a member's acknowledgement. */
export function encodeAcknowledgement(key: Uint8Array, row: AcknowledgementRow): Buffer {
  const { acknowledged, behindSinceMs } = row
  const writer = new ByteWriter(64).varint(behindSinceMs).varint(acknowledged.actorCount)
  acknowledged.visitWith(acknowledged, (actor, ranges) => {
    writer.latin1(actor)
    writeRanges(writer, ranges)
  })
  return seal(key, writer)
}

/** Reads a member's acknowledgement. */
export function decodeAcknowledgement(key: Uint8Array, value: Uint8Array): AcknowledgementRow {
  return unseal(key, value, (reader) => {
    const behindSinceMs = reader.varint()
    const acknowledged = new Context()
    for (let left = reader.count(unlimited, actorBytes + 1); left > 0; left--) {
      acknowledged.setRanges(reader.hex(actorBytes), readRanges(reader, unlimited))
    }
    return { acknowledged, behindSinceMs }
  })
}
