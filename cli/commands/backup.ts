/** `hearsay backup` and `hearsay restore`: a whole node in one file, and back. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { BackupDecoder } from '../../store/backup/decoder.js'
import type { BackupHead, BackupTotals } from '../../store/backup/format.js'
import { dataDirectory } from '../client/locate.js'
import type { Action, Invocation } from '../command.js'
import { loadDaemonPart } from '../daemon-part.js'
import { formatBytes } from '../duration.js'
import { HearsayApiError, UsageError } from '../failure.js'
import { fileFailure } from '../file-failure.js'
import { count, type Output, printable } from '../output.js'
import { assertWritable, writePrivately } from '../private-file.js'
import { Progress } from '../progress.js'

/** Saves a running node to a file, or to stdout. */
export const backup: Action = async (invocation) => {
  const file = invocation.argument(0)
  const force = invocation.flag('force')
  const { io, output } = invocation
  const toStdout = file === '-'
  if (toStdout && io.stdoutTerminal)
    throw new UsageError('a backup is binary and holds secrets: name a file, or use a pipe')
  if (!toStdout) await assertWritable(file, force)
  const taken = new Taken(invocation)
  const chunks = taken.check(invocation.client().backup())
  if (toStdout) await printWhole(output, chunks)
  else await writePrivately(file, chunks, force)
  const { node, takenAtMs } = taken.head!
  const summary = {
    file: toStdout ? null : resolve(file),
    node,
    taken: new Date(takenAtMs).toISOString(),
    bytes: taken.bytes,
  }
  if (toStdout) return
  if (invocation.json) return output.json({ ...summary, rows: taken.totals!.rows })
  await output.line(
    `saved ${printable(node)} to ${file}, ${formatBytes(taken.bytes)}; it holds the mesh secret: keep it safe`,
  )
}

/** Half a backup is none: here a reader that goes away is an error. */
async function printWhole(output: Output, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of output.whileRead(chunks)) await output.bytes(chunk)
  if (output.isRead) return
  throw new HearsayApiError(
    'FILE_FAILED',
    0,
    'cannot write stdout: its reader closed it before the backup was complete',
  )
}

/** A backup on its way: every byte is checked before the file gets its name. */
class Taken {
  head: BackupHead | undefined
  totals: BackupTotals | undefined
  bytes = 0
  #rows = 0
  readonly #decoder = new BackupDecoder()
  readonly #progress: Progress

  constructor({ io }: Invocation) {
    this.#progress = new Progress(io, undefined, 'rows')
  }

  /** The same chunks. Throws what the daemon says at the end of a backup that it had to break off. */
  async *check(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of chunks) {
        for (const part of this.#decoder.push(chunk)) {
          if (part.kind === 'head') this.head = part.head
          if (part.kind === 'rows') this.#rows += part.rows.length
        }
        this.bytes += chunk.byteLength
        this.#progress.show(this.bytes, this.#rows)
        yield chunk
      }
      this.totals = this.#decoder.end()
    } finally {
      this.#progress.end()
    }
  }
}

interface RestoreReport {
  readonly data: string
  readonly origin: Omit<BackupHead, 'layout'>
  readonly entries: number
  readonly peer: string
  readonly members: readonly { readonly name: string; readonly peer: string }[]
  readonly former: { readonly name: string; readonly peer: string } | null
}

interface RestoreModule {
  restoreBackup(options: {
    file: string
    data: string
    sameIdentity: boolean
    force: boolean
    onProgress(step: 'checking' | 'writing', bytes: number): void
  }): Promise<RestoreReport>
}

/** Brings a node back from a file; no daemon is needed, and none may run there. */
export const restore: Action = async (invocation) => {
  const { io, output } = invocation
  const file = invocation.argument(0)
  const bytesTotal = backupSize(file)
  const { restoreBackup } = await loadDaemonPart<RestoreModule>('restore/restore.js')
  const progress = new Progress(io, 2 * bytesTotal)
  const report = await restoreBackup({
    file,
    data: dataDirectory(invocation.text('data'), io.environment),
    sameIdentity: invocation.flag('same-identity'),
    force: invocation.flag('force'),
    onProgress: (step, bytes) => progress.show(step === 'checking' ? bytes : bytesTotal + bytes, step),
  }).finally(() => progress.end())
  if (invocation.json) return output.json(asJson(report, invocation.flag('same-identity')))
  for (const line of story(report, invocation.flag('same-identity'))) await output.line(line)
}

function asJson({ origin, ...report }: RestoreReport, sameIdentity: boolean) {
  const { takenAtMs, ...rest } = origin
  return { ...report, sameIdentity, origin: { ...rest, taken: new Date(takenAtMs).toISOString() } }
}

/** Text on what was done, and what to do next. */
function story({ data, origin, entries, peer, members, former }: RestoreReport, sameIdentity: boolean): string[] {
  const name = printable(origin.node)
  const taken = new Date(origin.takenAtMs).toISOString()
  const lines = [`restored ${count(entries, 'entry', 'entries')} of ${name}, as of ${taken}, into ${data}`]
  if (sameIdentity) lines.push(`  it is ${name} again (${peer}): the old node must never run beside it`)
  else lines.push(`  it is a new node (${peer}), and writes under ids of its own`)
  lines.push(`next: start it with \`hearsay daemon --data ${data}\``)
  if (members.length > 0) {
    const names = members.map((member) => printable(member.name)).join(', ')
    lines.push(`  it looks for ${names} where they were; if they have moved, run \`hearsay join TOKEN\` on it`)
    lines.push('  what was deleted in the mesh since stays deleted; what the mesh has lost comes back')
  }
  if (former !== null) {
    lines.push(`  ${printable(former.name)} (${former.peer}) stays a member, for which updates are kept:`)
    lines.push(`  \`hearsay forget ${former.peer}\` when the old node is gone for good`)
  }
  return lines
}

/** Bytes of a backup. Throws UsageError for what is no file, and FILE_FAILED. */
export function backupSize(file: string): number {
  try {
    const stats = statSync(file)
    if (!stats.isFile()) throw new UsageError(`${file} is not a file`)
    return stats.size
  } catch (error) {
    throw error instanceof UsageError ? error : fileFailure('read', file, error)
  }
}
