/** What a message may hold that only later versions know: fields at its end, which a reader skips. */
import { type ByteReader, DecodeError } from '../store/model/bytes.js'
import { laterFieldsMax } from './limits.js'

/**
 * Ends the reading of a message: what is left of it are fields that this version does not know, each a number from 1 on, ascending, and its
 * bytes. Throws a DecodeError for anything else.
 */
export function endMessage(reader: ByteReader): void {
  let last = 0
  for (let count = 0; reader.left > 0; count++) {
    if (count === laterFieldsMax) throw new DecodeError('too many fields')
    const field = reader.varint()
    if (field <= last) throw new DecodeError('fields not strictly ascending')
    reader.bytes(reader.left)
    last = field
  }
}
