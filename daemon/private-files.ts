/** Files and folders that are their owner's alone: the data directory and its content beside the store. */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { chmod, link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HearsayError } from '../store/errors.js'

const ownerOnlyFile = 0o600
const ownerOnlyFolder = 0o700

/** Makes a folder that only its owner can look into, with what is above it. Throws BAD_CONFIG when that cannot be. */
export function makePrivateFolder(path: string): void {
  try {
    makeFolder(path)
    const found = statSync(path)
    if (!found.isDirectory()) throw new Error('it is a file')
    const { mode, uid } = found
    if ((mode & 0o777) !== ownerOnlyFolder && uid === process.getuid?.()) chmodSync(path, ownerOnlyFolder)
  } catch (error) {
    const message = `the data directory ${path} cannot be made or used (${(error as Error).message}); choose another with --data`
    throw new HearsayError('BAD_CONFIG', message, { key: 'data' }, { cause: error })
  }
}

/**
 * Makes a folder and what is above it. Node's own way to do that starts again at the top for as long as the system says
 * of a folder that it is not there, which some, below /proc for example, say for ever.
 */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: ownerOnlyFolder })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    makeFolder(dirname(path))
    mkdirSync(path, { mode: ownerOnlyFolder })
  }
}

/** The text of a file, which is its owner's alone from then on; undefined when there is none. */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(ignoring('ENOENT'))
  if (text !== undefined && ((await stat(path)).mode & 0o077) !== 0) await chmod(path, ownerOnlyFile)
  return text
}

/**
 * Writes a file whole or not at all; it is on the disk when this resolves. With `create` a file that is there already
 * stays, so that two first starts agree.
 */
export async function writePrivateFile(path: string, text: string, mode: 'create' | 'replace'): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', ownerOnlyFile)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    if (mode === 'replace') await rename(temporary, path)
    else await link(temporary, path).catch(ignoring('EEXIST'))
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(dirname(path))
}

/** Names that came, went or changed in a folder are on the disk when this resolves. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function ignoring(code: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (error.code !== code) throw error
  }
}
