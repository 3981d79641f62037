/**
 * Reading and writing of the canonical byte encoding: minimal varints up to 2^53 - 1, bounded lengths, nothing left
 * over.
 */

/** Thrown for bytes that are not a canonical encoding. Its code is stable. */
export class DecodeError extends Error {
  readonly code = 'BAD_ENCODING'
  override readonly name = 'DecodeError'
}

const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Values of the hexadecimal digits, by their characters. */
const digitValues = new Uint8Array(128)
for (const [value, digit] of [...'0123456789abcdef'].entries()) digitValues[digit.charCodeAt(0)] = value

/** Characters up to which a text is written here; a call into the engine costs more than so many. */
const shortText = 64

/** Appends to a growing buffer. */
export class ByteWriter {
  #buffer: Buffer
  #length = 0

  /** `sizeHint`: the expected bytes; the buffer grows when there are more. */
  constructor(sizeHint = 256) {
    this.#buffer = Buffer.allocUnsafe(sizeHint)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  /** One byte. */
  u8(value: number): this {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
    return this
  }

  /** Four bytes, least significant first. */
  u32(value: number): this {
    this.#reserve(4)
    this.#length = this.#buffer.writeUInt32LE(value, this.#length)
    return this
  }

  /** A whole number from 0 to `max`, seven bits a byte, least significant first. Throws a RangeError for any other. */
  varint(value: number, max: number = Number.MAX_SAFE_INTEGER): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a whole number in range: ${value}`)
    // What a reader would refuse is never written.
    if (value > max) throw new RangeError(`number ${value} beyond the limit ${max}`)
    this.#reserve(8)
    let rest = value
    // Beyond 31 bits there is no shifting.
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 0x80)) this.#buffer[this.#length++] = (rest % 0x80) | 0x80
    for (; rest >= 0x80; rest >>= 7) this.#buffer[this.#length++] = (rest & 0x7f) | 0x80
    this.#buffer[this.#length++] = rest
    return this
  }

  /** Bytes as they are, without a length. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** Bytes behind their length, at most `max` of them. */
  bytes(bytes: Uint8Array, max?: number): this {
    return this.varint(bytes.length, max).raw(bytes)
  }

  /** Text in UTF-8 behind its length in bytes, at most `max`. */
  text(text: string, max?: number): this {
    if (text.length <= shortText && this.#ascii(text, max)) return this
    const length = Buffer.byteLength(text)
    this.varint(length, max).#reserve(length)
    // In place: an encoder would make an array for each text first.
    this.#length += this.#buffer.write(text, this.#length)
    return this
  }

  /** Hexadecimal digits as bytes, without a length. */
  hex(digits: string): this {
    this.#reserve(digits.length / 2)
    this.#length = putHex(this.#buffer, this.#length, digits)
    return this
  }

  /** Characters of one byte each as bytes, without a length. */
  latin1(characters: string): this {
    this.#reserve(characters.length)
    for (let at = 0; at < characters.length; at++) this.#buffer[this.#length++] = characters.charCodeAt(at)
    return this
  }

  /** Returns the bytes that were written; the writer may not be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Writes a short text of one-byte characters; false, and nothing is written, when there is another one in it. */
  #ascii(text: string, max: number | undefined): boolean {
    for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false
    this.varint(text.length, max).latin1(text)
    return true
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + more))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}

/** Writes hexadecimal digits (lower case) as bytes. Returns the place after them. */
export function putHex(target: Uint8Array, at: number, digits: string): number {
  let next = at
  for (let digit = 0; digit < digits.length; digit += 2) {
    target[next++] = (digitValues[digits.charCodeAt(digit)]! << 4) | digitValues[digits.charCodeAt(digit + 1)]!
  }
  return next
}

/** Reads what ByteWriter wrote. Every method throws a DecodeError when the bytes do not hold what is asked for. */
export class ByteReader {
  readonly #buffer: Buffer
  #at = 0

  /** Reads from the start of the bytes, which are not copied. */
  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Bytes not yet read. */
  get left(): number {
    return this.#buffer.length - this.#at
  }

  /** One byte. */
  u8(): number {
    this.#need(1)
    return this.#buffer[this.#at++]!
  }

  /** Four bytes, least significant first. */
  u32(): number {
    this.#need(4)
    this.#at += 4
    return this.#buffer.readUInt32LE(this.#at - 4)
  }

  /** A whole number up to `max`, in its shortest form. */
  varint(max: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0
    let scale = 1
    for (let length = 1; ; length++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0 && length > 1) throw new DecodeError('number not in its shortest form')
        break
      }
      if (length === 8) throw new DecodeError('number too long')
      scale *= 0x80
    }
    if (value > max) throw new DecodeError(`number ${value} beyond the limit ${max}`)
    return value
  }

  /** A view of the next bytes; not a copy. */
  raw(length: number): Buffer {
    this.#need(length)
    this.#at += length
    return this.#buffer.subarray(this.#at - length, this.#at)
  }

  /** A view of so many of the bytes that were read last. */
  before(length: number): Buffer {
    if (length > this.#at) throw new RangeError(`not ${length} bytes were read`)
    return this.#buffer.subarray(this.#at - length, this.#at)
  }

  /** Bytes behind their length, at most `max` of them; a view, not a copy. */
  bytes(max: number): Buffer {
    return this.raw(this.varint(max))
  }

  /** Text in UTF-8, at most `max` bytes. */
  text(max: number): string {
    const bytes = this.bytes(max)
    if (isAscii(bytes)) return bytes.toString('latin1')
    try {
      return textDecoder.decode(bytes)
    } catch {
      throw new DecodeError('text is not UTF-8')
    }
  }

  /** Bytes as hexadecimal digits. */
  hex(length: number): string {
    this.#need(length)
    this.#at += length
    return this.#buffer.toString('hex', this.#at - length, this.#at)
  }

  /**
   * A count of items that follow, each of at least `itemBytesMin` bytes; at most `max`.
   * A count that the bytes left cannot hold is refused before anything is allocated for it.
   */
  count(max: number, itemBytesMin = 1): number {
    const count = this.varint(max)
    if (count * itemBytesMin > this.left) throw new DecodeError('count beyond the bytes that follow')
    return count
  }

  /** Asserts that nothing is left. */
  end(): void {
    if (this.left !== 0) throw new DecodeError(`${this.left} bytes too many`)
  }

  #need(length: number): void {
    if (length > this.left) throw new DecodeError('bytes end too early')
  }
}

function isAscii(bytes: Uint8Array): boolean {
  if (bytes.length > shortText) return false
  for (let at = 0; at < bytes.length; at++) if (bytes[at]! >= 0x80) return false
  return true
}
