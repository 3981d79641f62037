/** What a decoder is to the fuzzer, and the errors that decoders may throw. */
import { HearsayError } from '../../../store/errors.js'
import { DecodeError } from '../../../store/model/bytes.js'
import { DamagedRow } from '../../../store/rows/seal.js'

/** One decoder. */
export interface Decoder {
  readonly name: string
  /** Valid encodings, which are mutated. */
  readonly examples: readonly Uint8Array[]
  /** Decodes; throws what `accepts` knows. */
  decode(bytes: Uint8Array): unknown
  /** True if this error is one that the decoder documents. */
  accepts(error: unknown): boolean
  /** Puts the checksum of a mutated row right, so that what is behind it is reached too. */
  mend?(bytes: Uint8Array): Uint8Array
}

/** Codecs throw this for any bytes that are not theirs. */
export const isDecodeError = (error: unknown) => error instanceof DecodeError
/** Rows of the store. */
export const isDamaged = (error: unknown) => error instanceof DamagedRow
/** What a user is told, with a stable code. */
export const isKnownError = (error: unknown) => error instanceof HearsayError
/** Parsers of settings throw plain errors whose text the user reads. */
export const isPlainError = (error: unknown) => error instanceof Error && error.constructor === Error

/** Nothing is thrown, whatever comes. */
export const throwsNothing = () => false
/** Bytes as they are, a character each. */
export const bytesAsText = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
/** Bytes as UTF-8. */
export const utf8 = (bytes: Uint8Array) => Buffer.from(bytes).toString()

/** A codec of bytes. */
export function bytesDecoder(
  name: string,
  examples: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => unknown,
): Decoder {
  return { name, examples, decode, accepts: isDecodeError }
}

/** A parser of text. */
export function textDecoder(
  name: string,
  examples: readonly string[],
  decode: (text: string) => unknown,
  accepts: (error: unknown) => boolean,
): Decoder {
  return { name, examples: examples.map((one) => Buffer.from(one)), decode: (bytes) => decode(utf8(bytes)), accepts }
}
