/** Reseals damaged saved documents, so that decoding gets past their checksum. */
import { createHash } from 'node:crypto'

const headBytes = 9

/** The bytes with the checksum and the length that belong to what they hold. */
export function resealedChunk(bytes: Uint8Array): Uint8Array {
  const head = Buffer.from(bytes.subarray(0, headBytes))
  let at = headBytes
  while (at < bytes.length && bytes[at]! >= 128) at++
  const data = bytes.subarray(at + 1)
  const length: number[] = []
  for (let rest = data.length; length.length === 0 || rest > 0; rest = Math.floor(rest / 128)) length.push(rest % 128)
  const sealed = Buffer.concat([
    head,
    Buffer.from(length.map((digit, index) => (index < length.length - 1 ? digit | 128 : digit))),
    data,
  ])
  if (sealed.length > headBytes) createHash('sha256').update(sealed.subarray(8)).digest().copy(sealed, 4, 0, 4)
  return sealed
}
