/** `hearsay backup verify`: whether a backup can be restored, and what is in it, without restoring it. */
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { BackupDecoder } from '../../store/backup/decoder.js'
import type { BackupHead, BackupTotals } from '../../store/backup/format.js'
import { type BackupContents, BackupInspection } from '../../store/backup/inspection.js'
import type { Action, Invocation } from '../command.js'
import { formatBytes } from '../duration.js'
import { fileFailure } from '../file-failure.js'
import { count, printable } from '../output.js'
import { Progress } from '../progress.js'
import { backupSize } from './backup.js'

/** Types in words, in one and in several. */
const typeWords: Readonly<Record<string, readonly [one: string, several: string]>> = {
  reg: ['value', 'values'],
  ctr: ['counter', 'counters'],
  set: ['member of sets', 'members of sets'],
  map: ['field of maps', 'fields of maps'],
  doc: ['document', 'documents'],
}

/** A backup that was read to its end. */
interface Verified extends BackupContents {
  readonly head: BackupHead
  readonly totals: BackupTotals
  readonly bytes: number
}

/** Verifies a backup in a file, or on stdin. */
export const backupVerify: Action = async (invocation) => {
  const file = invocation.argument(0)
  const { head, totals, bytes, entries, withSiblings, types } = await verified(invocation, file)
  const taken = new Date(head.takenAtMs).toISOString()
  if (invocation.json) {
    const { node, peer, software: version, layout: format } = head
    const origin = { file: file === '-' ? null : resolve(file), node, peer, version, format, taken }
    return invocation.output.json({ ...origin, bytes, entries, withSiblings, types, rows: totals.rows })
  }
  const byType = [...new Set([...Object.keys(typeWords), ...Object.keys(types).toSorted()])].flatMap((type) => {
    const number = types[type as keyof typeof types]
    return number === undefined ? [] : [count(number, ...(typeWords[type] ?? [type, type]))]
  })
  const lines = [
    `${file === '-' ? 'this backup' : file} is whole: ${printable(head.node)}, as of ${taken}, by hearsay ${printable(head.software)}, ${formatBytes(bytes)}`,
    `  ${[count(entries, 'entry', 'entries'), byType.join(', ')].filter(Boolean).join(': ')}`,
  ]
  if (withSiblings > 0) lines.push(`  ${count(withSiblings, 'entry holds', 'entries hold')} more than one version`)
  for (const line of lines) await invocation.output.line(line)
}

async function verified({ io }: Invocation, file: string): Promise<Verified> {
  const fromStdin = file === '-'
  const progress = new Progress(io, fromStdin ? undefined : backupSize(file), 'rows')
  const decoder = new BackupDecoder()
  const inspection = new BackupInspection()
  let head: BackupHead | undefined
  let bytes = 0
  let rows = 0
  try {
    for await (const chunk of fromStdin ? io.stdin : chunksOf(file)) {
      for (const part of decoder.push(chunk)) {
        if (part.kind === 'head') head = part.head
        if (part.kind !== 'rows') continue
        inspection.take(part.rows)
        rows += part.rows.length
      }
      bytes += chunk.length
      progress.show(bytes, rows)
    }
  } finally {
    progress.end()
  }
  const totals = decoder.end()
  return { head: head!, totals, bytes, ...inspection.end() }
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file, { highWaterMark: 256 * 1024 }) as Readable & AsyncIterable<Buffer>
  } catch (error) {
    throw fileFailure('read', file, error)
  }
}
