/**
 * Checks LevelDB's table files against the checksums of their blocks, which LevelDB itself does not look at: a flipped
 * bit in a filter or in a block's restart points makes it answer "absent", one in a key makes its compaction end the
 * whole process. The format is that of LevelDB's doc/table_format.md.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlockHandle, crc32c, masked, TableCursor, unpackSnappy, varint } from './tables-bytes.js'
import { liveTables } from './tables-manifest.js'

/** Bytes of a table's footer: two handles, padding, and the magic number. */
const footerBytes = 48
const magic = Buffer.from('57fb808b247547db', 'hex')
/** Bytes behind each block: its compression and its checksum. */
const trailerBytes = 5
/** An unpacked index or block of names beyond this is damage, not a table of ours. */
const indexBytesMax = 256 * 1024 * 1024
/** Bytes of neighbouring blocks that are read at once. */
const readBytesMax = 256 * 1024
/** Folder for tables that cannot be read at all; LevelDB's own repair uses the same name. */
const lostFolder = 'lost'
const emptyBlock = Buffer.from('0000000001000000', 'hex')

interface IndexEntry {
  readonly key: Buffer
  readonly handle: BlockHandle
}

/** Damage found in one table file. */
interface TableFault {
  /** The blocks of data whose checksums hold; undefined when the index itself cannot be read. */
  readonly sound: readonly IndexEntry[] | undefined
}

/** Extent of a check: `index` leaves out the blocks of data, which hold nearly all of the bytes. */
export type TableDepth = 'index' | 'all'

/**
 * True if all tables of a LevelDB directory hold what was written. Where the manifest can be read, only the tables that
 * it names are checked: LevelDB leaves unfinished ones behind when the disk is full or the process is killed, and
 * deletes them later. May run while the store is in use: a table that is deleted meanwhile is passed over. `yieldTurn`
 * is awaited between blocks, so that other work can run.
 */
export async function areTablesSound(
  path: string,
  depth: TableDepth,
  yieldTurn: () => Promise<void> = async () => {},
): Promise<boolean> {
  const live = await liveTables(path)
  for (const name of await tablesIn(path)) {
    if (live !== undefined && !live.has(Number.parseInt(name, 10))) continue
    if ((await faultOf(join(path, name), depth, yieldTurn)) !== undefined) return false
  }
  return true
}

/**
 * Takes damaged blocks out of the tables of a closed LevelDB directory, so that LevelDB reads all others: rows are gone
 * or older afterwards, as if they had been lost. A table whose index cannot be read is put aside. Returns how many
 * tables were changed.
 */
export async function cutDamagedBlocks(path: string): Promise<number> {
  let changed = 0
  for (const name of await tablesIn(path)) {
    const table = join(path, name)
    const fault = await faultOf(table, 'all', async () => {})
    if (fault === undefined) continue
    changed++
    if (fault.sound === undefined) await putAside(path, name)
    else await rewriteIndex(table, fault.sound)
  }
  return changed
}

async function tablesIn(path: string): Promise<string[]> {
  const names: string[] = await readdir(path).catch(() => [])
  return names.filter((name) => /\.(ldb|sst)$/.test(name)).sort()
}

/** Damage of one table file; undefined when the table is sound, or gone. */
async function faultOf(
  table: string,
  depth: TableDepth,
  yieldTurn: () => Promise<void>,
): Promise<TableFault | undefined> {
  const file = await open(table, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return undefined
  try {
    return await check(file, depth, yieldTurn)
  } finally {
    await file.close()
  }
}

async function check(file: FileHandle, depth: TableDepth, yieldTurn: () => Promise<void>) {
  const { size } = await file.stat()
  const footer = await readFooter(file, size)
  const index = footer && entriesOf(await readBlock(file, footer.index, size))
  if (footer === undefined || index === undefined) return { sound: undefined }
  let isSound = await isMetaSound(file, footer.meta, size)
  if (depth === 'index') return isSound ? undefined : { sound: index }
  const sound: IndexEntry[] = []
  for (const group of neighbours(index)) {
    const whole = await soundIn(file, group, size)
    sound.push(...whole)
    if (whole.length < group.length) isSound = false
    await yieldTurn()
  }
  return isSound ? undefined : { sound }
}

/** Blocks that lie behind one another, in groups that are read at once. */
function* neighbours(index: readonly IndexEntry[]): Generator<IndexEntry[]> {
  let group: IndexEntry[] = []
  for (const entry of index) {
    const [first, last] = [group[0]?.handle, group.at(-1)?.handle]
    const isNext = last !== undefined && entry.handle.offset === endOf(last)
    if (group.length > 0 && !(isNext && endOf(entry.handle) - first!.offset <= readBytesMax)) {
      yield group
      group = []
    }
    group.push(entry)
  }
  if (group.length > 0) yield group
}

function endOf({ offset, bytes }: BlockHandle): number {
  return offset + bytes + trailerBytes
}

/** The blocks of a group whose checksums hold. What cannot be read at once is read block by block. */
async function soundIn(file: FileHandle, group: readonly IndexEntry[], size: number): Promise<IndexEntry[]> {
  const { offset } = group[0]!.handle
  const end = endOf(group.at(-1)!.handle)
  const bytes = end <= size && end - offset <= readBytesMax ? await readAt(file, offset, end - offset) : undefined
  if (bytes !== undefined) {
    return group.filter(({ handle }) => bodyOf(bytes.subarray(handle.offset - offset, endOf(handle) - offset)))
  }
  const sound: IndexEntry[] = []
  for (const entry of group) if ((await readStored(file, entry.handle, size)) !== undefined) sound.push(entry)
  return sound
}

/** The block of names, and the filter that it names. */
async function isMetaSound(file: FileHandle, handle: BlockHandle, size: number): Promise<boolean> {
  const meta = entriesOf(await readBlock(file, handle, size))
  if (meta === undefined) return false
  for (const entry of meta) if ((await readStored(file, entry.handle, size)) === undefined) return false
  return true
}

/**
 * The footer, which is at the end of the bytes that the manifest knows of; in a table that was rewritten by
 * `rewriteIndex` more bytes follow, and the last footer, a copy of the valid one, is at the end of the file.
 */
async function readFooter(
  file: FileHandle,
  size: number,
): Promise<{ meta: BlockHandle; index: BlockHandle } | undefined> {
  if (size < footerBytes) return undefined
  const bytes = await readAt(file, size - footerBytes, footerBytes)
  if (bytes === undefined || !bytes.subarray(-magic.length).equals(magic)) return undefined
  const reader = new TableCursor(bytes)
  const meta = reader.handle()
  const index = reader.handle()
  return meta === undefined || index === undefined ? undefined : { meta, index }
}

/** A block as it is stored, with its compression; undefined when its checksum fails. */
async function readStored(
  file: FileHandle,
  { offset, bytes }: BlockHandle,
  size: number,
): Promise<{ body: Buffer; compression: number } | undefined> {
  if (offset + bytes + trailerBytes > size) return undefined
  const stored = await readAt(file, offset, bytes + trailerBytes)
  return stored && bodyOf(stored)
}

/** The body of a block with its trailer; undefined when its checksum fails. */
function bodyOf(stored: Buffer): { body: Buffer; compression: number } | undefined {
  const bytes = stored.length - trailerBytes
  if (stored.readUInt32LE(bytes + 1) !== masked(crc32c(stored.subarray(0, bytes + 1)))) return undefined
  return { body: stored.subarray(0, bytes), compression: stored[bytes]! }
}

async function readBlock(file: FileHandle, handle: BlockHandle, size: number): Promise<Buffer | undefined> {
  const stored = await readStored(file, handle, size)
  if (stored === undefined) return undefined
  if (stored.compression === 0) return stored.body
  return stored.compression === 1 ? unpackSnappy(stored.body, indexBytesMax) : undefined
}

/** Reads bytes at an offset; undefined when the file is shorter, or the disk cannot read it. */
async function readAt(file: FileHandle, offset: number, bytes: number): Promise<Buffer | undefined> {
  const buffer = Buffer.allocUnsafe(bytes)
  try {
    const { bytesRead } = await file.read(buffer, 0, bytes, offset)
    return bytesRead === bytes ? buffer : undefined
  } catch (error) {
    // A sector that cannot be read any more.
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error
    return undefined
  }
}

/** The entries of a block whose values are handles; undefined when it is none. */
function entriesOf(block: Buffer | undefined): IndexEntry[] | undefined {
  if (block === undefined || block.length < 4) return undefined
  const restarts = block.readUInt32LE(block.length - 4)
  const end = block.length - 4 - 4 * restarts
  if (end < 0) return undefined
  const reader = new TableCursor(block.subarray(0, end))
  const entries: IndexEntry[] = []
  let key = Buffer.alloc(0)
  while (reader.left > 0) {
    const shared = reader.number()
    const rest = reader.number()
    reader.number() // The length of the handle, which tells its own end.
    if (shared === undefined || rest === undefined || shared > key.length || rest > reader.left) return undefined
    key = Buffer.concat([key.subarray(0, shared), reader.raw(rest)])
    const handle = reader.handle()
    if (handle === undefined) return undefined
    entries.push({ key, handle })
  }
  return entries
}

/**
 * Writes an index of the sound blocks behind the table, and its footer where the manifest expects it and at the end of
 * the file. The filter is left out; LevelDB does without.
 */
async function rewriteIndex(table: string, sound: readonly IndexEntry[]): Promise<void> {
  const file = await open(table, 'r+')
  try {
    const { size } = await file.stat()
    const blocks = [sealed(emptyBlock), sealed(indexOf(sound))] as const
    const footer = Buffer.alloc(footerBytes)
    Buffer.concat([
      ...[size, emptyBlock.length, size + blocks[0].length, blocks[1].length - trailerBytes].map(varint),
    ]).copy(footer)
    magic.copy(footer, footerBytes - magic.length)
    await file.write(Buffer.concat([...blocks, footer]), 0, undefined, size)
    await file.sync()
    await file.write(footer, 0, footerBytes, size - footerBytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

function indexOf(entries: readonly IndexEntry[]): Buffer {
  const parts: Buffer[] = []
  const restarts: number[] = []
  let at = 0
  for (const { key, handle } of entries) {
    const value = Buffer.concat([varint(handle.offset), varint(handle.bytes)])
    const part = Buffer.concat([varint(0), varint(key.length), varint(value.length), key, value])
    parts.push(part)
    restarts.push(at)
    at += part.length
  }
  if (entries.length === 0) return emptyBlock
  const tail = Buffer.alloc(4 * restarts.length + 4)
  for (const [number, restart] of restarts.entries()) tail.writeUInt32LE(restart, 4 * number)
  tail.writeUInt32LE(restarts.length, 4 * restarts.length)
  return Buffer.concat([...parts, tail])
}

/** A block with its trailer, not compressed. */
function sealed(block: Buffer): Buffer {
  const stored = Buffer.concat([block, Buffer.alloc(trailerBytes)])
  stored.writeUInt32LE(masked(crc32c(stored.subarray(0, block.length + 1))), block.length + 1)
  return stored
}

async function putAside(path: string, name: string): Promise<void> {
  await mkdir(join(path, lostFolder), { recursive: true, mode: 0o700 })
  await rm(join(path, lostFolder, name), { force: true })
  await rename(join(path, name), join(path, lostFolder, name))
}
