/** Writes a file that only its owner can read, completely or not at all. */
import { randomBytes } from 'node:crypto'
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HearsayApiError, UsageError } from './failure.js'
import { fileFailure } from './file-failure.js'

const ownerOnly = 0o600
/** Error codes of file systems without hard links. */
const linkless = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])
/** Error codes of file systems that cannot sync a folder. */
const unsyncable = new Set(['EINVAL', 'ENOTSUP', 'EPERM', 'EACCES', 'EBADF', 'EISDIR'])

/**
 * Throws WOULD_OVERWRITE when the file is there, unless `force`; UsageError when what is there is no file at all;
 * FILE_FAILED.
 */
export async function assertWritable(path: string, force: boolean): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw fileFailure('write', path, error)
  })
  if (found === undefined) return
  if (!found.isFile() && !found.isSymbolicLink()) throw new UsageError(`${path} is not a file; write to - for stdout`)
  if (!force) throw wouldOverwrite(path)
}

/**
 * Writes the chunks to a file: under another name first, synced, then renamed. What was written is removed when it
 * fails or a signal ends the process. Throws WOULD_OVERWRITE when the file has come to be there, unless `force`;
 * FILE_FAILED.
 */
export async function writePrivately(path: string, chunks: AsyncIterable<Uint8Array>, force: boolean): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const file = await create(temporary, path)
  const forgetSignals = onSignal(() => void rm(temporary, { force: true }).finally(() => process.exit(1)))
  try {
    try {
      for await (const chunk of chunks) await file.writeFile(chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await (force ? rename(temporary, path) : moveIfFree(temporary, path))
    await syncFolder(dirname(path))
  } catch (error) {
    throw isOfSystem(error) ? fileFailure('write', path, error) : error
  } finally {
    forgetSignals()
    await rm(temporary, { force: true })
  }
}

async function create(temporary: string, path: string): Promise<FileHandle> {
  try {
    return await open(temporary, 'wx', ownerOnly)
  } catch (error) {
    throw fileFailure('write', path, error)
  }
}

async function moveIfFree(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw wouldOverwrite(to)
    if (!linkless.has(code ?? '')) throw error
    await assertWritable(to, false)
    await rename(from, to)
  }
}

/** Makes the names in a folder durable, where the file system can. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(join(path, '.'), 'r')
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    if (!unsyncable.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

function onSignal(listener: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.once(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}

function isOfSystem(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).syscall === 'string'
}

function wouldOverwrite(path: string): HearsayApiError {
  return new HearsayApiError(
    'WOULD_OVERWRITE',
    0,
    `${path} exists already; give another name, or --force to replace it`,
  )
}
