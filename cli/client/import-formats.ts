/**
 * The forms of files that can be imported, each turned into JSON lines as it is read: our own, `consul kv export`, and
 * key, tab, value.
 */
import { repeatedName } from '../../store/model/json-names.js'
import { HearsayApiError } from '../failure.js'
import { importDetectBytes } from '../limits.js'
import { type Detection, detect, type ImportFormat, refuseUtf16 } from './import-detection.js'
import { elementsOf } from './json-array.js'
import { splitLines } from './lines.js'

export type { ImportFormat } from './import-detection.js'

/** All of them, by name. */
export const importFormats: readonly ImportFormat[] = ['jsonl', 'consul', 'tsv']

/** A source in chunks that may end anywhere. */
export type Lines = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>

/** One entry of the source: a JSON line to send, or why there is none. */
export interface ImportItem {
  /** Line at which it begins, from 1. */
  readonly line: number
  /** Bytes of the source up to its end. */
  readonly sourceBytes: number
  /** The JSON line, with its line end. */
  readonly text?: Buffer
  readonly failure?: { readonly code: string; readonly message: string }
  /** True if it has flags, which only Consul knows. */
  readonly hasFlags?: boolean
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The entries of a source. Throws HearsayApiError TOO_LARGE for one over the limit, BAD_REQUEST for a source that is
 * cut off, or of no form that is known.
 */
export async function* itemsOf(source: Lines, format: ImportFormat | 'auto'): AsyncGenerator<ImportItem> {
  const { start, chunks, format: found } = await peek(source, format)
  const converters = { jsonl: jsonLines, consul: consulEntries, tsv: tabbedLines } as const
  try {
    yield* converters[found](chunks, start)
  } finally {
    await chunks.return(undefined)
  }
}

interface Peeked {
  readonly start: Buffer
  /** All of the source again, without a byte order mark. */
  readonly chunks: AsyncGenerator<Buffer>
  readonly format: ImportFormat
}

/** Reads far enough to tell what a source is. Throws BAD_REQUEST when it is nothing that is known, or in UTF-16. */
async function peek(source: Lines, format: ImportFormat | 'auto'): Promise<Peeked> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  let start: Buffer = Buffer.alloc(0)
  let isOver = false
  let isFirst = true
  for (;;) {
    const next = await iterator.next()
    isOver = next.done === true
    if (!isOver) start = Buffer.concat([start, asBuffer(next.value as string | Uint8Array)])
    if (!isOver && isFirst && start.byteLength < byteOrderMark.length) continue
    if (isFirst && start.subarray(0, byteOrderMark.length).equals(byteOrderMark))
      start = start.subarray(byteOrderMark.length)
    isFirst = false
    const found = judge(start, format, isOver || start.byteLength >= importDetectBytes)
    if (found === 'more') continue
    if ('format' in found) return { start, chunks: resumed(start, iterator, isOver), format: found.format }
    await iterator.return?.()
    throw new HearsayApiError('BAD_REQUEST', 0, found.refusal)
  }
}

/** A form that was named is not judged: it is only waited for how it begins. */
function judge(start: Buffer, format: ImportFormat | 'auto', isWhole: boolean): Detection {
  if (format === 'auto') return detect(start, isWhole)
  const refusal = refuseUtf16(start)
  if (refusal !== undefined) return { refusal }
  return isWhole || /\S/.test(start.toString('latin1')) ? { format } : 'more'
}

async function* resumed(
  start: Buffer,
  iterator: AsyncIterator<string | Uint8Array> | Iterator<string | Uint8Array>,
  isOver: boolean,
): AsyncGenerator<Buffer> {
  try {
    if (start.byteLength > 0) yield start
    while (!isOver) {
      const next = await iterator.next()
      if (next.done === true) return
      yield asBuffer(next.value)
    }
  } finally {
    await iterator.return?.()
  }
}

function asBuffer(chunk: string | Uint8Array): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, 'utf8')
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

async function* jsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<ImportItem> {
  let line = 0
  let sourceBytes = 0
  for await (const text of splitLines(chunks)) {
    sourceBytes += text.byteLength
    yield { line: ++line, sourceBytes, text }
  }
}

/** A line ends with LF or CRLF; the value is everything behind the first tab. */
async function* tabbedLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<ImportItem> {
  let line = 0
  let sourceBytes = 0
  for await (const text of splitLines(chunks)) {
    sourceBytes += text.byteLength
    line++
    const bare = text.subarray(0, text.at(-2) === 0x0d ? -2 : -1)
    if (!isBlank(bare)) yield { line, sourceBytes, ...tabbed(bare) }
  }
}

function tabbed(line: Buffer): Pick<ImportItem, 'text' | 'failure'> {
  const tab = line.indexOf(0x09)
  if (tab === -1) return failed('BAD_REQUEST', 'there is no tab between key and value')
  const key = decoded(line.subarray(0, tab))
  if (key === undefined) return failed('BAD_KEY', 'the key is not UTF-8')
  const bytes = line.subarray(tab + 1)
  const value = decoded(bytes)
  return {
    text: jsonLine(value === undefined ? { key, value: bytes.toString('base64'), encoding: 'base64' } : { key, value }),
  }
}

/** Consul writes one array of objects with key, flags and the value in base64; tools make one object a line of it. */
async function* consulEntries(chunks: AsyncIterable<Buffer>, start: Buffer): AsyncGenerator<ImportItem> {
  const isArray = !/^\s*\{/.test(start.toString('latin1'))
  for await (const { line, sourceBytes, text } of isArray ? elementsOf(chunks) : jsonLines(chunks)) {
    if (isArray || !isBlank(text!)) yield { line, sourceBytes, ...consulEntry(text!) }
  }
}

function consulEntry(text: Buffer): Pick<ImportItem, 'text' | 'failure' | 'hasFlags'> {
  const entry = parsedObject(text)
  if (entry === undefined) return failed('BAD_REQUEST', 'this is no JSON object')
  const { key, value, flags, ...others } = entry
  if (typeof key !== 'string') return failed('BAD_REQUEST', "there is no 'key'")
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) return failed('BAD_REQUEST', `the field '${unknown}' of "${key}" has no place here`)
  const name = repeatedName(text.toString())
  if (name !== undefined) return failed('BAD_REQUEST', `the name '${name}' stands twice in "${key}"`)
  // Consul has keys without a value.
  if (value !== null && typeof value !== 'string')
    return failed('BAD_REQUEST', `'value' of "${key}" is no text in base64`)
  return {
    text: jsonLine({ key, value: value ?? '', encoding: 'base64' }),
    hasFlags: typeof flags === 'number' && flags !== 0,
  }
}

function parsedObject(text: Buffer): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(utf8.decode(text))
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    return isObject ? (parsed as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function jsonLine(entry: object): Buffer {
  return Buffer.from(`${JSON.stringify(entry)}\n`)
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function failed(code: string, message: string): Pick<ImportItem, 'failure'> {
  return { failure: { code, message } }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x0a)
}
