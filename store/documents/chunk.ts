/**
 * Looks through the bytes of a saved document before the library gets them
 * (automerge.org/automerge-binary-format-spec): one whole chunk with a right checksum, and so many rows in its columns.
 * Columns are run-length encoded, and deflated when large: a few hundred bytes can stand for billions of rows, which
 * the library would make room for.
 */
import { createHash } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import {
  columnMemoryFactor,
  documentColumnBytesMax,
  documentMemoryBytesMax,
  documentRowsMax,
  rowMemoryBytes,
} from './limits.js'

const magic = Buffer.from('856f4a83', 'hex')
const checksumEnd = 8
const documentChunk = 0
const hashBytes = 32
const deflated = 8

/** The kinds of columns, in the three lowest bits of their ids. */
const kinds = { boolean: 4, text: 5, raw: 7 } as const

/** Thrown inside when the bytes are not what they should be. */
class NotAChunk extends Error {}

/**
 * The rows of the longest column of a saved document; undefined when the bytes are none, whole and unharmed, or when
 * they have more rows or bytes than `documentRowsMax` and `documentColumnBytesMax`. Never throws.
 */
export function chunkRowsOf(bytes: Uint8Array): number | undefined {
  return extentOf(bytes)?.rows
}

/**
 * Memory that the library will take for a saved document, in bytes, estimated; undefined when `chunkRowsOf` is, and
 * beyond `documentMemoryBytesMax`. Never throws.
 */
export function chunkMemoryOf(bytes: Uint8Array): number | undefined {
  const extent = extentOf(bytes)
  if (extent === undefined) return undefined
  const memory = extent.rows * rowMemoryBytes + extent.columnBytes * columnMemoryFactor
  return memory > documentMemoryBytesMax ? undefined : memory
}

/** Extent of a saved document. */
interface Extent {
  /** Rows of its longest column. */
  rows: number
  /** Bytes of all columns, inflated. */
  columnBytes: number
}

function extentOf(bytes: Uint8Array): Extent | undefined {
  try {
    return measure(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch (error) {
    if (error instanceof NotAChunk) return undefined
    throw error
  }
}

function measure(bytes: Buffer): Extent {
  const reader = new Reader(bytes)
  if (bytes.length < checksumEnd || !bytes.subarray(0, magic.length).equals(magic)) throw new NotAChunk()
  const sum = createHash('sha256').update(bytes.subarray(checksumEnd)).digest()
  const stated = bytes.subarray(magic.length, checksumEnd)
  if (!sum.subarray(0, stated.length).equals(stated)) throw new NotAChunk()
  reader.skip(checksumEnd)
  if (reader.unsigned() !== documentChunk || reader.unsigned() !== reader.left) throw new NotAChunk()
  for (let actors = reader.count(); actors > 0; actors--) reader.skip(reader.unsigned())
  reader.skip(reader.count() * hashBytes)
  const columns = [...columnsOf(reader), ...columnsOf(reader)]
  const extent = { rows: 0, columnBytes: 0 }
  for (const { id, length } of columns) {
    const column = columnOf(id, reader.take(length))
    extent.rows = Math.max(extent.rows, rowsIn(id, column))
    extent.columnBytes += column.length
  }
  return extent
}

function columnsOf(reader: Reader): { readonly id: number; readonly length: number }[] {
  return Array.from({ length: reader.count() }, () => ({ id: reader.unsigned(), length: reader.unsigned() }))
}

function columnOf(id: number, stored: Buffer): Buffer {
  const column = (id & deflated) === 0 ? stored : inflate(stored)
  if (column.length > documentColumnBytesMax) throw new NotAChunk()
  return column
}

function rowsIn(id: number, column: Buffer): number {
  const kind = id & 7
  if (kind === kinds.raw) return 0
  const reader = new Reader(column)
  let rows = 0
  while (reader.left > 0) {
    rows += kind === kinds.boolean ? reader.unsigned() : runOf(reader, kind)
    if (rows > documentRowsMax) throw new NotAChunk()
  }
  return rows
}

/** One run: so many times one value, so many values, or so many times nothing. */
function runOf(reader: Reader, kind: number): number {
  const length = reader.signed()
  if (length === 0) return reader.unsigned()
  for (let values = length > 0 ? 1 : -length; values > 0; values--) {
    if (kind === kinds.text) reader.skip(reader.unsigned())
    else reader.skipNumber()
  }
  return Math.abs(length)
}

function inflate(bytes: Buffer): Buffer {
  try {
    return inflateRawSync(bytes, { maxOutputLength: documentColumnBytesMax })
  } catch {
    throw new NotAChunk()
  }
}

/** Reads numbers in LEB128. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  unsigned(): number {
    return this.#number().value
  }

  signed(): number {
    const { value, scale, isNegative } = this.#number()
    return isNegative ? value - scale : value
  }

  /** A number of things of at least one byte each. */
  count(): number {
    const count = this.unsigned()
    if (count > this.left) throw new NotAChunk()
    return count
  }

  skipNumber(): void {
    while (this.#byte() >= 128);
  }

  skip(length: number): void {
    if (length > this.left) throw new NotAChunk()
    this.#at += length
  }

  take(length: number): Buffer {
    this.skip(length)
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  #byte(): number {
    if (this.left === 0) throw new NotAChunk()
    return this.#bytes[this.#at++]!
  }

  #number(): { value: number; scale: number; isNegative: boolean } {
    let value = 0
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.#byte()
      value += (byte % 128) * scale
      if (byte < 128) return { value, scale: scale * 128, isNegative: byte >= 64 }
    }
    throw new NotAChunk()
  }
}
