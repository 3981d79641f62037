/** Replaces a file at once, and only when its content changes; its mode, its owner and a link that leads to it stay. */
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { type FileHandle, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UsageError } from '../failure.js'
import { fileFailure } from '../file-failure.js'
import { syncFolder } from '../private-file.js'

const modeBits = 0o7777
const modeOfNew = 0o666

/**
 * Makes a file hold these bytes.
 * @returns true if it did not hold them before
 * @throws HearsayApiError FILE_FAILED; UsageError when the path is of something that is no file.
 */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    const target = await realpath(path).catch(absent)
    const found = target === undefined ? undefined : await stat(target)
    if (target === undefined || found === undefined) {
      await replace(path, bytes, undefined)
      return true
    }
    if (!found.isFile()) throw new UsageError(`${path} is not a file; leave out --output to print to stdout`)
    if (found.size === bytes.byteLength && (await readFile(target)).equals(bytes)) return false
    await replace(target, bytes, found)
    return true
  } catch (error) {
    throw error instanceof UsageError ? error : fileFailure('write', path, error)
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** Writes beside the target, syncs, and renames: readers see the old content or the new one, whole. */
async function replace(target: string, bytes: Uint8Array, found: Stats | undefined): Promise<void> {
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', found === undefined ? modeOfNew : 0o600)
    try {
      await file.writeFile(bytes)
      if (found !== undefined) await keepOwner(file, found)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, target)
    await syncFolder(dirname(target))
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Gives a new file the owner and mode of the old one. Only root may give files away; for others it stays their own. */
async function keepOwner(file: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  const own = await file.stat()
  if (own.uid !== uid || own.gid !== gid) {
    await file.chown(uid, gid).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPERM') throw error
    })
  }
  await file.chmod(mode & modeBits)
}
