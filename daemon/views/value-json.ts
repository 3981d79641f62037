/** Conversion of values and times to JSON, and of values in JSON to bytes. */
import { isUtf8 } from 'node:buffer'
import type { EncodedValue } from '../../protocols/api/parts.js'
import { HearsayError } from '../../store/errors.js'

/** The bytes as a Buffer, not copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A value for JSON: as text when it is valid UTF-8. */
export function encodeValue(bytes: Uint8Array): EncodedValue {
  const encoding = isUtf8(bytes) ? 'utf8' : 'base64'
  return { value: asBuffer(bytes).toString(encoding), encoding }
}

/** The bytes of a value in JSON. Throws BAD_REQUEST when the text does not fit its encoding. */
export function decodeValue(value: string, encoding: EncodedValue['encoding'] = 'utf8'): Buffer {
  const bytes = Buffer.from(value, encoding)
  if (encoding === 'utf8' ? !/\p{Surrogate}/u.test(value) : bytes.toString('base64') === padded(value)) return bytes
  throw new HearsayError('BAD_REQUEST', `the value is not ${encoding === 'utf8' ? 'well-formed text' : 'base64'}`)
}

function padded(base64: string): string {
  return base64.replace(/=+$/, '').padEnd(Math.ceil(base64.replace(/=+$/, '').length / 4) * 4, '=')
}

/** The greatest time of a Date, in milliseconds since 1970; a deadline on the wire may lie beyond it. */
const dateMsMax = 8.64e15

/**
 * Milliseconds since 1970 in ISO 8601 with milliseconds, the greatest date for what lies beyond it; null stays null.
 */
export function isoTime(ms: number): string
export function isoTime(ms: number | null): string | null
export function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(Math.min(ms, dateMsMax)).toISOString()
}
