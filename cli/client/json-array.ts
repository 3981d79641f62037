/**
 * Cuts one JSON array into its elements as it is read, so that a large file takes little memory. The elements are not
 * parsed here.
 */

import { importLineBytesMax } from '../../protocols/api/limits.js'
import { HearsayApiError } from '../failure.js'
import { oversized } from './lines.js'

/** One element of the array, as text. */
export interface ArrayElement {
  readonly text: Buffer
  /** The line that it begins in, from 1. */
  readonly line: number
  /** Bytes of the source up to its end. */
  readonly sourceBytes: number
}

const newline = 0x0a
const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const arrayStart = 0x5b
const arrayEnd = 0x5d
const opening = new Set([arrayStart, 0x7b])
const closing = new Set([arrayEnd, 0x7d])
const space = new Set([0x20, 0x09, 0x0a, 0x0d])

/**
 * The elements in order.
 * @throws HearsayApiError BAD_REQUEST when there is no array, it is not closed, or something follows it; TOO_LARGE for
 * an element
 *   over `importLineBytesMax`.
 */
export async function* elementsOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<ArrayElement> {
  const splitter = new ArraySplitter()
  for await (const chunk of chunks) yield* splitter.push(chunk)
  splitter.end()
}

class ArraySplitter {
  #place: 'before' | 'within' | 'behind' = 'before'
  /** Brackets that are open within the element. */
  #depth = 0
  #isText = false
  #isEscaped = false
  #parts: Buffer[] = []
  #partBytes = 0
  #line = 1
  /** Line at which the element began; undefined before its first character. */
  #elementLine: number | undefined
  #commas = 0
  #bytes = 0

  /** Ends the input. Throws BAD_REQUEST when there was no array, or it is not closed. */
  end(): void {
    if (this.#place === 'before') throw this.#bad('there is no JSON array in it')
    if (this.#place === 'within')
      throw this.#bad('the JSON array is not closed: the file is cut off; what came before is stored')
  }

  /** Takes a chunk; gives the elements that end in it. */
  *push(chunk: Buffer): Generator<ArrayElement> {
    let start = 0
    for (let at = 0; at < chunk.byteLength; at++) {
      const byte = chunk[at]!
      const wasWithin = this.#place === 'within'
      const ends = this.#take(byte)
      if (!wasWithin) start = at + 1
      if (!ends) continue
      yield* this.#element(chunk.subarray(start, at), this.#bytes + at)
      if (byte === comma) this.#commas++
      start = at + 1
    }
    this.#bytes += chunk.byteLength
    if (this.#place === 'within') this.#keep(chunk.subarray(start))
  }

  /** Takes one character; says whether an element ends before it. */
  #take(byte: number): boolean {
    if (byte === newline) this.#line++
    if (this.#isText) {
      this.#takeText(byte)
      return false
    }
    if (space.has(byte)) return false
    if (this.#place !== 'within') {
      if (this.#place === 'behind') throw this.#bad('something follows the JSON array')
      if (byte !== arrayStart) throw this.#bad('it does not begin with [')
      this.#place = 'within'
      return false
    }
    return this.#takeWithin(byte)
  }

  #takeWithin(byte: number): boolean {
    if (this.#depth === 0 && byte === comma) return true
    if (this.#depth === 0 && byte === arrayEnd) {
      this.#place = 'behind'
      return true
    }
    this.#elementLine ??= this.#line
    if (opening.has(byte)) this.#depth++
    else if (closing.has(byte)) this.#depth = Math.max(0, this.#depth - 1)
    else if (byte === quote) this.#isText = true
    return false
  }

  #takeText(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === backslash) this.#isEscaped = true
    else if (byte === quote) this.#isText = false
  }

  /**
   * Gives the element that ends here. Nothing between the brackets is an empty array; nothing before or behind a comma
   * is an element that is wrong.
   */
  *#element(last: Buffer, sourceBytes: number): Generator<ArrayElement> {
    this.#keep(last)
    const text = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
    const line = this.#elementLine
    const isNone = line === undefined && this.#place === 'behind' && this.#commas === 0
    this.#parts = []
    this.#partBytes = 0
    this.#elementLine = undefined
    if (!isNone) yield { text, line: line ?? this.#line, sourceBytes }
  }

  #keep(part: Buffer): void {
    this.#parts.push(part)
    this.#partBytes += part.byteLength
    if (this.#partBytes > importLineBytesMax) throw oversized(this.#elementLine ?? this.#line, 'the entry at line')
  }

  #bad(what: string): HearsayApiError {
    return new HearsayApiError('BAD_REQUEST', 0, `line ${this.#line}: ${what}`)
  }
}
