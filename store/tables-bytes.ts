/**
 * Arithmetic for reading LevelDB's files: numbers, CRC-32C (RFC 3720, appendix B.4) and unpacking Snappy
 * (google/snappy, format_description.txt).
 */

const polynomial = 0x82f63b78
/** Four tables, so that four bytes are taken at once. */
const tables = makeTables()

function makeTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    return crc
  })
  const all = [first]
  for (let at = 1; at < 4; at++) {
    const before = all[at - 1]!
    all.push(before.map((crc) => (crc >>> 8) ^ first[crc & 0xff]!))
  }
  return all
}

/** The CRC-32C of bytes. */
export function crc32c(bytes: Uint8Array): number {
  const [first, second, third, fourth] = tables as [Uint32Array, Uint32Array, Uint32Array, Uint32Array]
  let crc = 0xffffffff
  let at = 0
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc = fourth[crc & 0xff]! ^ third[(crc >>> 8) & 0xff]! ^ second[(crc >>> 16) & 0xff]! ^ first[crc >>> 24]!
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ first[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

/** Unpacks Snappy's raw format; undefined when it is malformed or more than `bytesMax` would come out. */
export function unpackSnappy(packed: Uint8Array, bytesMax: number): Buffer | undefined {
  let at = 0
  let size = 0
  for (let shift = 0; ; shift += 7) {
    const byte = packed[at++]
    if (byte === undefined || shift > 28) return undefined
    size += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (size > bytesMax) return undefined
  const out = Buffer.allocUnsafe(size)
  let end = 0
  while (at < packed.length) {
    const tag = packed[at++]!
    const kind = tag & 3
    if (kind === 0) {
      const extra = Math.max(0, (tag >>> 2) - 59)
      const length = 1 + (extra === 0 ? tag >>> 2 : littleEndian(packed, at, extra))
      at += extra
      if (length > packed.length - at || length > size - end) return undefined
      out.set(packed.subarray(at, at + length), end)
      at += length
      end += length
      continue
    }
    const extra = kind === 3 ? 4 : kind
    if (extra > packed.length - at) return undefined
    const length = kind === 1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2)
    const offset = (kind === 1 ? (tag >>> 5) << 8 : 0) + littleEndian(packed, at, extra)
    at += extra
    if (offset === 0 || offset > end || length > size - end) return undefined
    for (let left = length; left > 0; left--, end++) out[end] = out[end - offset]!
  }
  return end === size ? out : undefined
}

function littleEndian(bytes: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let byte = length - 1; byte >= 0; byte--) value = value * 256 + (bytes[at + byte] ?? 0)
  return value
}

/** LevelDB stores checksums in this form, so that sums over data with sums in it are no worse. */
export function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** A number in seven bits a byte, least significant first. */
export function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80)
  return Buffer.from([...bytes, left])
}

/** Position and length of a block in its table, in bytes. */
export interface BlockHandle {
  readonly offset: number
  readonly bytes: number
}

/** Reads numbers and handles; what does not fit is undefined. */
export class TableCursor {
  #at = 0

  constructor(private readonly bytes: Buffer) {}

  get left(): number {
    return this.bytes.length - this.#at
  }

  number(): number | undefined {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.bytes[this.#at++]
      if (byte === undefined) return undefined
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    return undefined
  }

  handle(): BlockHandle | undefined {
    const offset = this.number()
    const bytes = this.number()
    return offset === undefined || bytes === undefined ? undefined : { offset, bytes }
  }

  /** So many bytes, fewer at the end. */
  raw(length: number): Buffer {
    this.#at += length
    return this.bytes.subarray(this.#at - length, this.#at)
  }
}
