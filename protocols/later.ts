/**
 * Parts of a message that only later versions know: fields at its end, which a reader skips; and whole messages of such
 * fields.
 */
import { ByteReader, DecodeError } from '../store/model/bytes.js'
import { laterFieldsMax } from './limits.js'

/**
 * Ends the reading of a message: what is left of it are fields that this version does not know, each a number from 1
 * on, ascending, and its bytes. Returns how many. Throws a DecodeError for anything else.
 */
export function endMessage(reader: ByteReader): number {
  return fieldsAtEnd(reader).size
}

/** Reads the fields to the end of a message, by their numbers, known or not. Throws a DecodeError for anything else. */
export function fieldsAtEnd(reader: ByteReader): ReadonlyMap<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>()
  let last = 0
  while (reader.left > 0) {
    if (fields.size === laterFieldsMax) throw new DecodeError('too many fields')
    const field = reader.varint()
    if (field <= last) throw new DecodeError('fields not strictly ascending')
    fields.set(field, reader.bytes(reader.left))
    last = field
  }
  return fields
}

/**
 * Ends the reading of a message that only a later version knows: behind its number it has fields, at least one. Throws
 * a DecodeError.
 */
export function endLaterMessage(reader: ByteReader): void {
  if (endMessage(reader) === 0) throw new DecodeError('a message of no known kind')
}

/**
 * True for a message that only a later version knows: its first byte is a number beyond `lastKnown`, and what follows
 * are fields.
 */
export function isLaterMessage(bytes: Uint8Array, lastKnown: number): boolean {
  const reader = new ByteReader(bytes)
  try {
    if (reader.u8() <= lastKnown) return false
    endLaterMessage(reader)
    return true
  } catch (error) {
    if (error instanceof DecodeError) return false
    throw error
  }
}
