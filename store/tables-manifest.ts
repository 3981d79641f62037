/**
 * Reads from its manifest which tables belong to a LevelDB directory. The format is that of LevelDB's doc/log_format.md
 * and db/version_edit.cc.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c, masked, TableCursor } from './tables-bytes.js'

const blockBytes = 32_768
/** Checksum, length and kind before each piece of a record. */
const headerBytes = 7
/** The kinds of pieces: a whole record, or its first, middle or last piece. */
const pieces = { full: 1, first: 2, last: 4 } as const
const fields = { comparator: 1, compactPointer: 5, deletedTable: 6, newTable: 7 } as const
/** Fields that are one number: the log's, the next file's, the last sequence, the log's before. */
const numberFields = new Set([2, 3, 4, 9])

/**
 * The numbers of the tables that hold the data of a LevelDB directory; undefined when the manifest is missing or cannot
 * be read. May run while the store is in use: a table is complete before the manifest names it.
 */
export async function liveTables(path: string): Promise<ReadonlySet<number> | undefined> {
  try {
    const name = (await readFile(join(path, 'CURRENT'), 'latin1')).trim()
    if (!/^MANIFEST-\d+$/.test(name)) return undefined
    return decodeManifest(await readFile(join(path, name)))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'EIO') return undefined
    throw error
  }
}

/** The numbers of the tables that a manifest names; undefined when it is damaged. */
export function decodeManifest(manifest: Buffer): ReadonlySet<number> | undefined {
  const edits = recordsOf(manifest)
  const tables = new Set<number>()
  if (edits === undefined) return undefined
  for (const edit of edits) if (!applyEdit(tables, new TableCursor(edit))) return undefined
  return tables
}

/**
 * The records of a log; one that was being written when the process ended is left out. Undefined when a checksum fails.
 */
function recordsOf(log: Buffer): Buffer[] | undefined {
  const records: Buffer[] = []
  let begun: Buffer[] = []
  for (let at = 0; log.length - at >= headerBytes; ) {
    const left = blockBytes - (at % blockBytes)
    if (left < headerBytes) {
      at += left
      continue
    }
    const end = at + headerBytes + log.readUInt16LE(at + 4)
    if (end > log.length) return records
    const kind = log[at + 6]!
    if (log.readUInt32LE(at) !== masked(crc32c(log.subarray(at + 6, end)))) return undefined
    if (kind === pieces.full || kind === pieces.first) begun = []
    begun.push(log.subarray(at + headerBytes, end))
    if (kind === pieces.full || kind === pieces.last) records.push(Buffer.concat(begun))
    at = end
  }
  return records
}

/** Adds and takes away the tables that one edit of the manifest names. Returns whether the edit could be read. */
function applyEdit(tables: Set<number>, edit: TableCursor): boolean {
  while (edit.left > 0) {
    const field = edit.number()
    if (field === fields.comparator) skipText(edit)
    else if (field !== undefined && numberFields.has(field)) edit.number()
    else if (field === fields.compactPointer) {
      edit.number()
      skipText(edit)
    } else if (field === fields.deletedTable) {
      edit.number()
      tables.delete(edit.number() ?? Number.NaN)
    } else if (field === fields.newTable) {
      edit.number()
      tables.add(edit.number() ?? Number.NaN)
      edit.number()
      skipText(edit)
      skipText(edit)
    } else return false
  }
  return edit.left === 0 && !tables.has(Number.NaN)
}

function skipText(edit: TableCursor): void {
  edit.raw(edit.number() ?? 0)
}
