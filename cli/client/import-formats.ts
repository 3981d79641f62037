/** The forms of files that can be imported, each turned into JSON lines as it is read: our own, `consul kv export`, and key, tab, value. */

import { importDetectBytes } from '../limits.js'
import { elementsOf } from './json-array.js'
import { splitLines } from './lines.js'

/** The forms. */
export type ImportFormat = 'jsonl' | 'consul' | 'tsv'

/** All of them, by name. */
export const importFormats: readonly ImportFormat[] = ['jsonl', 'consul', 'tsv']

/** A source in chunks that may end anywhere. */
export type Lines = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>

/** One entry of the source: a JSON line to send, or why there is none. */
export interface ImportItem {
  /** Where it begins, from 1. */
  readonly line: number
  /** Bytes of the source up to its end. */
  readonly sourceBytes: number
  /** With its line end. */
  readonly text?: Buffer
  readonly failure?: { readonly code: string; readonly message: string }
  /** It has flags, which only Consul knows. */
  readonly hasFlags?: boolean
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The entries of a source. Throws HearsayApiError TOO_LARGE for one over the limit, BAD_REQUEST for a source that is cut off. */
export async function* itemsOf(source: Lines, format: ImportFormat | 'auto'): AsyncGenerator<ImportItem> {
  const { chunks, start } = await peek(source)
  const converters = { jsonl: jsonLines, consul: consulEntries, tsv: tabbedLines } as const
  yield* converters[format === 'auto' ? detectFormat(start) : format](chunks)
}

/** The form of a source that starts like this; JSON lines when it is none of the others, so that each line is judged by itself. */
export function detectFormat(start: Buffer): ImportFormat {
  const text = start.toString('latin1').trimStart()
  if (text.startsWith('[')) return 'consul'
  if (text.startsWith('{')) return 'jsonl'
  return text.split('\n', 1)[0]!.includes('\t') ? 'tsv' : 'jsonl'
}

/** Reads far enough to tell what a source is, and gives all of it again, without a byte order mark. */
async function peek(source: Lines): Promise<{ start: Buffer; chunks: AsyncGenerator<Buffer> }> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  let start: Buffer = Buffer.alloc(0)
  let isOver = false
  while (!isOver && start.byteLength < importDetectBytes && !/\S[^\n]*\n/.test(start.toString('latin1'))) {
    const next = await iterator.next()
    isOver = next.done === true
    if (!isOver) start = Buffer.concat([start, asBuffer(next.value as string | Uint8Array)])
  }
  if (start.subarray(0, byteOrderMark.length).equals(byteOrderMark)) start = start.subarray(byteOrderMark.length)
  return { start, chunks: resumed(start, iterator, isOver) }
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
    if (bare.byteLength > 0) yield { line, sourceBytes, ...tabbed(bare) }
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

/** Consul writes one array of objects with key, flags and the value in base64. */
async function* consulEntries(chunks: AsyncIterable<Buffer>): AsyncGenerator<ImportItem> {
  for await (const { line, sourceBytes, text } of elementsOf(chunks)) yield { line, sourceBytes, ...consulEntry(text) }
}

function consulEntry(text: Buffer): Pick<ImportItem, 'text' | 'failure' | 'hasFlags'> {
  const entry = parsedObject(text)
  if (entry === undefined) return failed('BAD_REQUEST', 'this is no JSON object')
  const { key, value, flags } = entry
  if (typeof key !== 'string') return failed('BAD_REQUEST', "there is no 'key'")
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
