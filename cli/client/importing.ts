/**
 * Cuts what is imported into requests of bounded size, so that an import takes little memory and can be repeated from
 * any point.
 */

import { importFailuresMax } from '../../protocols/api/limits.js'
import { HearsayApiError } from '../failure.js'
import { importBatchBytes, importBatchLines } from '../limits.js'
import { type ImportFormat, type ImportItem, itemsOf, type Lines } from './import-formats.js'
import type { ImportSummary } from './options.js'

export type { ImportFormat, Lines } from './import-formats.js'

/** Some entries, as JSON lines. */
interface Batch {
  readonly body: Buffer
  /** Line number in the source of each of its lines, from 1. */
  readonly lines: readonly number[]
  /** Entries of the source that could not even be sent. */
  readonly failed: ImportSummary['failed']
  /** Bytes of the source up to its end. */
  readonly sourceBytes: number
  /** Entries with flags of Consul, which have no place here. */
  readonly flagged: number
}

/** Groups entries into batches of at most `importBatchLines` lines and about `importBatchBytes` bytes. */
async function* batches(items: AsyncIterable<ImportItem>): AsyncGenerator<Batch> {
  let taken: ImportItem[] = []
  let bytes = 0
  for await (const item of items) {
    taken.push(item)
    bytes += item.text?.byteLength ?? 0
    if (taken.length < importBatchLines && bytes < importBatchBytes) continue
    yield batchOf(taken)
    taken = []
    bytes = 0
  }
  if (taken.length > 0) yield batchOf(taken)
}

function batchOf(items: readonly ImportItem[]): Batch {
  const sent = items.filter(({ text }) => text !== undefined)
  return {
    body: Buffer.concat(sent.map(({ text }) => text!)),
    lines: sent.map(({ line }) => line),
    failed: items.flatMap(({ line, failure }) => (failure === undefined ? [] : [{ line, ...failure }])),
    sourceBytes: items.at(-1)!.sourceBytes,
    flagged: items.filter(({ hasFlags }) => hasFlags).length,
  }
}

function tooManyFailures(sum: ImportSummary): HearsayApiError {
  const { line, message } = sum.failed[0]!
  const detail = `more than ${importFailuresMax} lines failed, the first is line ${line}: ${message}`
  return new HearsayApiError('BAD_REQUEST', 0, detail, { ...sum })
}

/**
 * Sends entries batch by batch and sums up the answers; line numbers in it are those of the source.
 * @param send sends whole JSON lines and resolves with what became of them
 * @param onProgress called after each batch with the bytes taken so far
 * @throws HearsayApiError BAD_REQUEST after more than `importFailuresMax` failed lines, and for a source that is not of
 * its format.
 */
export async function importLines(
  source: Lines,
  format: ImportFormat | 'auto',
  send: (body: Uint8Array) => Promise<ImportSummary>,
  onProgress?: (bytes: number, sum: ImportSummary) => void,
): Promise<ImportSummary> {
  let sum: ImportSummary = { imported: 0, skipped: 0, failed: [] }
  for await (const batch of batches(itemsOf(source, format))) {
    const part = batch.lines.length === 0 ? noLines : await send(batch.body)
    const failed = part.failed.map((failure) => ({ ...failure, line: batch.lines[failure.line - 1] ?? failure.line }))
    const flagged = (sum.flagged ?? 0) + batch.flagged
    sum = {
      imported: sum.imported + part.imported,
      skipped: sum.skipped + part.skipped,
      failed: [...sum.failed, ...[...batch.failed, ...failed].sort((a, b) => a.line - b.line)],
      ...(flagged > 0 && { flagged }),
    }
    onProgress?.(batch.sourceBytes, sum)
    if (sum.failed.length > importFailuresMax) throw tooManyFailures(sum)
  }
  return sum
}

const noLines: ImportSummary = { imported: 0, skipped: 0, failed: [] }
