/** Cuts JSON lines into requests of bounded size, so that an import takes little memory and can be repeated from any point. */
import { HearsayApiError } from './failure.js'
import { importBatchBytes, importBatchLines, importFailuresMax, importLineBytesMax } from './limits.js'
import type { ImportSummary } from './shapes.js'

/** JSON lines in chunks that may end anywhere. */
export type Lines = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>

/** Some whole lines. */
export interface LineBatch {
  readonly body: Buffer
  /** The number of the first line, from 1. */
  readonly firstLine: number
}

const lineEnd = 0x0a

/**
 * Groups lines into batches of at most `importBatchLines` lines and about `importBatchBytes` bytes.
 * @throws HearsayApiError TOO_LARGE when one line is over `importLineBytesMax`.
 */
export async function* batches(source: Lines): AsyncGenerator<LineBatch> {
  let lines: Buffer[] = []
  let bytes = 0
  let line = 1
  const flush = (): LineBatch => {
    const batch = { body: Buffer.concat(lines), firstLine: line - lines.length }
    lines = []
    bytes = 0
    return batch
  }
  for await (const text of splitLines(source)) {
    lines.push(text)
    bytes += text.byteLength
    line++
    if (lines.length >= importBatchLines || bytes >= importBatchBytes) yield flush()
  }
  if (lines.length > 0) yield flush()
}

/** Each line with its line end; the last one gets one if it has none. */
async function* splitLines(source: Lines): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  let restBytes = 0
  let line = 1
  for await (const piece of source) {
    const chunk = typeof piece === 'string' ? Buffer.from(piece, 'utf8') : asBuffer(piece)
    let start = 0
    for (let end = chunk.indexOf(lineEnd); end !== -1; end = chunk.indexOf(lineEnd, start)) {
      yield joined(rest, chunk.subarray(start, end + 1))
      rest = []
      restBytes = 0
      start = end + 1
      line++
    }
    rest.push(chunk.subarray(start))
    restBytes += chunk.byteLength - start
    if (restBytes > importLineBytesMax) throw oversized(line)
  }
  if (restBytes > 0) yield joined(rest, Buffer.from('\n'))
}

function joined(rest: Buffer[], last: Buffer): Buffer {
  return rest.length === 0 ? last : Buffer.concat([...rest, last])
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function oversized(line: number): HearsayApiError {
  return new HearsayApiError('TOO_LARGE', 0, `line ${line} is over ${importLineBytesMax} bytes: is it JSON lines?`)
}

function tooManyFailures(sum: ImportSummary): HearsayApiError {
  const { line, message } = sum.failed[0]!
  const detail = `more than ${importFailuresMax} lines failed, the first is line ${line}: ${message}`
  return new HearsayApiError('BAD_REQUEST', 0, detail, { ...sum })
}

/**
 * Sends lines batch by batch and sums up the answers; line numbers in it are those of the whole source.
 * @param send sends whole lines and resolves with what became of them
 * @param onProgress told after each batch how many bytes were taken so far
 * @throws HearsayApiError BAD_REQUEST after more than `importFailuresMax` failed lines.
 */
export async function importLines(
  lines: Lines,
  send: (body: Uint8Array) => Promise<ImportSummary>,
  onProgress?: (bytes: number, sum: ImportSummary) => void,
): Promise<ImportSummary> {
  let sum: ImportSummary = { imported: 0, skipped: 0, failed: [] }
  let bytes = 0
  for await (const batch of batches(lines)) {
    const part = await send(batch.body)
    const failed = part.failed.map((failure) => ({ ...failure, line: failure.line + batch.firstLine - 1 }))
    sum = {
      imported: sum.imported + part.imported,
      skipped: sum.skipped + part.skipped,
      failed: [...sum.failed, ...failed],
    }
    bytes += batch.body.byteLength
    onProgress?.(bytes, sum)
    if (sum.failed.length > importFailuresMax) throw tooManyFailures(sum)
  }
  return sum
}
