/** `hearsay import` and `hearsay export`: JSON lines in and out, and other forms in, streamed. */
import { createReadStream, statSync } from 'node:fs'
import type { ImportFormat } from '../client/import-formats.js'
import type { ImportSummary } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { fileFailure } from '../file-failure.js'
import { importFailuresShown } from '../limits.js'
import { count } from '../output.js'
import { Progress } from '../progress.js'

/** Stores the entries of a file; exit code 1 when some failed. */
export const importFile: Action = async (invocation) => {
  const { lines, bytesTotal } = sourceOf(invocation, invocation.argument(0))
  const progress = new Progress(invocation.io, bytesTotal)
  let sum: ImportSummary
  try {
    const format = (invocation.text('format') ?? 'auto') as ImportFormat | 'auto'
    const show = (bytes: number, part: ImportSummary) => progress.show(bytes, part.imported + part.skipped)
    sum = await invocation.client().import(lines, show, format)
  } finally {
    progress.end()
  }
  if (invocation.json) await invocation.output.json(sum)
  else await invocation.output.line(`imported ${count(sum.imported, 'line')}, ${sum.skipped} already there`)
  if (sum.flagged)
    await invocation.output.warn(`${count(sum.flagged, 'entry', 'entries')} had flags, which are not kept`)
  return reportFailures(invocation, sum)
}

/** Prints every entry as it comes. */
export const exportAll: Action = async (invocation) => {
  const { io, output } = invocation
  // Where the entries themselves show on the terminal, a bar would only be in their way.
  const progress = io.stdoutTerminal ? undefined : new Progress(io, undefined)
  let [bytes, lines] = [0, 0]
  try {
    for await (const chunk of output.whileRead(invocation.client().export(invocation.positionals[0] ?? ''))) {
      await output.bytes(chunk)
      bytes += chunk.length
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++
      progress?.show(bytes, lines)
    }
  } finally {
    progress?.end()
  }
}

async function reportFailures(invocation: Invocation, sum: ImportSummary): Promise<number> {
  if (sum.failed.length === 0) return 0
  for (const { line, code, message } of sum.failed.slice(0, importFailuresShown)) {
    await invocation.output.note(`  line ${line}: ${code}: ${message}`)
  }
  const message = `${count(sum.failed.length, 'line')} failed, the others are stored`
  await invocation.output.error('IMPORT_INCOMPLETE', message, 'correct them and import again: the rest is skipped')
  return 1
}

function sourceOf(
  invocation: Invocation,
  file: string,
): { lines: AsyncIterable<Uint8Array>; bytesTotal: number | undefined } {
  if (file === '-') return { lines: readable('stdin', invocation.io.stdin), bytesTotal: undefined }
  try {
    const stats = statSync(file)
    return { lines: readable(file, createReadStream(file)), bytesTotal: stats.isFile() ? stats.size : undefined }
  } catch (error) {
    throw fileFailure('read', file, error)
  }
}

/** The chunks of a file. Throws FILE_FAILED when it cannot be read to its end. */
async function* readable(name: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        throw fileFailure('read', name, error)
      })
      if (next.done === true) return
      yield next.value
    }
  } finally {
    await iterator.return?.()
  }
}
