/** The rows of contexts: what is known of each actor. */
import { rowPrefixes } from '../keyspace.js'
import { ByteWriter } from '../model/bytes.js'
import { type MemberTag, readRanges, writeRanges } from '../model/codec.js'
import type { Ranges } from '../model/context.js'
import { type Actor, actorBytes } from '../model/dot.js'
import { seal, unlimited, unseal } from './seal.js'

/** Member of one actor, and the counters of that actor that are seen and applied. */
export interface ContextRow {
  readonly member: MemberTag
  readonly seen: Ranges
  readonly applied: Ranges
}

/** The key of an actor's context row. */
export function contextKey(actor: Actor): Buffer {
  return Buffer.concat([Buffer.from(rowPrefixes.context), Buffer.from(actor, 'hex')])
}

/** The actor of a context row. */
export function contextActor(key: Uint8Array): Actor {
  return Buffer.from(key.subarray(1)).toString('hex')
}

/** Writes an actor's context row. */
export function encodeContext(key: Uint8Array, row: ContextRow): Buffer {
  const writer = new ByteWriter(48).hex(row.member)
  writeRanges(writer, row.seen)
  writeRanges(writer, row.applied)
  return seal(key, writer)
}

/** Reads an actor's context row. */
export function decodeContext(key: Uint8Array, value: Uint8Array): ContextRow {
  return unseal(key, value, (reader) => ({
    member: reader.hex(actorBytes),
    seen: readRanges(reader, unlimited),
    applied: readRanges(reader, unlimited),
  }))
}
