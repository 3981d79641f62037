/** Arbitrary bytes, and valid ones that were changed, cut or lengthened: inputs that no decoder may fail on. */
import fc from 'fast-check'
import { expect } from 'vitest'
import { DecodeError } from '../../store/model/bytes.js'

/** Arbitrary bytes, and damaged variants of valid ones. */
function damaged(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const mutated = fc
    .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((changes) => {
      const bytes = Uint8Array.from(valid)
      for (const [at, value] of changes) bytes[at] = value
      return bytes
    })
  const cut = fc.nat(valid.length).map((length) => Uint8Array.from(valid.subarray(0, length)))
  const longer = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((more) => Uint8Array.from([...valid, ...more]))
  return fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated, cut, longer)
}

/** Asserts that a decoder gives a value or a DecodeError, nothing else, for a thousand inputs of this kind. */
export function expectValueOrDecodeError(valid: Uint8Array, decode: (bytes: Uint8Array) => unknown): void {
  const tried = fc.property(damaged(valid), (bytes) => {
    try {
      decode(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError)
    }
  })
  fc.assert(tried, { numRuns: 1_000 })
}
