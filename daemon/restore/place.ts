/**
 * Moves a restored node into a data directory. Everything is written beside the old files first; one rename decides;
 * from then on the new files replace the old ones, by whichever process comes first: the restore itself or, if it was
 * killed, the next start of a daemon.
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HearsayError } from '../../store/errors.js'
import { meshSecretFile, peerKeyFile } from '../net/identity.js'
import { makePrivateFolder, syncFolder } from '../private-files.js'
import { type Lock, takeLock } from './lock.js'

/** Folder into which a restored node is written; ignored by everybody until it is renamed. */
const partialFolder = 'restore.partial'
/** The same once it is complete: the restore is decided, although its files are not in their places yet. */
const readyFolder = 'restore.ready'
/** The same once its files are in their places: the rest can be deleted. */
const doneFolder = 'restore.done'
/** Subfolders: the new files, and those that they replaced. */
const newFolder = 'new'
const oldFolder = 'old'
const storeFolder = 'store'
/** Marker files beside a damaged or unverified store; they do not apply to a restored one. */
const storeMarkers = ['store.suspect', 'store.unverified', 'store.salvage', 'store.damaged']
/** Names that may exist in a data directory that no node has used. */
const harmlessNames = new Set([partialFolder, doneFolder, 'config.toml', 'lost+found'])
const lockName = 'LOCK'

/** Called before each step; a test stops there. */
export type BeforeStep = (step: string) => void

/** True if a restore was decided in this directory, and its files are not in their places yet. */
export function isRestorePending(dataDirectory: string): boolean {
  return existsSync(join(dataDirectory, readyFolder))
}

/** True if a node has used a data directory, or it holds anything else; false if it does not exist. */
export async function isInUse(dataDirectory: string): Promise<boolean> {
  const names = await namesIn(dataDirectory)
  if (names.some((name) => name !== storeFolder && !harmlessNames.has(name))) return true
  return (await namesIn(join(dataDirectory, storeFolder))).some((name) => name !== lockName)
}

/** Locks the store of a data directory, there or not, against daemons. Throws STORE_LOCKED. */
export async function lockPlace(dataDirectory: string): Promise<Lock> {
  const store = join(dataDirectory, storeFolder)
  makePrivateFolder(store)
  return takeLock(
    join(store, lockName),
    `a daemon uses ${dataDirectory}; stop it, or choose another directory with --data`,
  )
}

/** True if there is a store to lock. */
export function hasLock(dataDirectory: string): boolean {
  return existsSync(join(dataDirectory, storeFolder, lockName))
}

/**
 * An empty folder for a restored node: `store`, `peer.key` and `mesh.secret` belong there. The place must be locked.
 */
export async function preparePlace(dataDirectory: string): Promise<{ readonly folder: string; readonly lock: Lock }> {
  await removeLeftovers(dataDirectory)
  const partial = join(dataDirectory, partialFolder)
  for (const name of [newFolder, oldFolder]) await mkdir(join(partial, name), { recursive: true, mode: 0o700 })
  return { folder: join(partial, newFolder), lock: await takeLock(join(partial, lockName), busy(dataDirectory)) }
}

/**
 * Decides the restore: from the moment this resolves the prepared node replaces the old one, whatever happens. Place
 * and folder must be locked.
 */
export async function decide(dataDirectory: string, before: BeforeStep = () => {}): Promise<void> {
  before('decide')
  await syncFolder(join(dataDirectory, partialFolder, newFolder))
  await syncFolder(join(dataDirectory, partialFolder))
  await rename(join(dataDirectory, partialFolder), join(dataDirectory, readyFolder))
  await syncFolder(dataDirectory)
}

/**
 * Moves the restored files into their places. Both locks must be held. May be interrupted and repeated at any point.
 */
export async function putInPlace(dataDirectory: string, before: BeforeStep = () => {}): Promise<void> {
  const ready = join(dataDirectory, readyFolder)
  for (const name of storeMarkers) {
    before(`remove ${name}`)
    await setAside(dataDirectory, ready, name)
  }
  // The store comes last: a daemon that looks at the wrong moment has its lock to come by first.
  for (const name of [meshSecretFile, peerKeyFile, storeFolder]) {
    if (!existsSync(join(ready, newFolder, name))) continue
    before(`replace ${name}`)
    await setAside(dataDirectory, ready, name)
    before(`place ${name}`)
    await rename(join(ready, newFolder, name), join(dataDirectory, name))
  }
  before('finish')
  await syncFolder(dataDirectory)
  await rename(ready, join(dataDirectory, doneFolder))
  await syncFolder(dataDirectory)
  before('clean')
  await removeLeftovers(dataDirectory)
}

/**
 * Completes a restore that was decided and then interrupted; does nothing when there is none. Throws STORE_LOCKED while
 * another process does it.
 */
export async function finishRestore(dataDirectory: string, before?: BeforeStep): Promise<void> {
  if (!isRestorePending(dataDirectory)) return
  const lock = await takeLock(join(dataDirectory, readyFolder, lockName), busy(dataDirectory)).catch(ignoreGone)
  if (lock === undefined) return
  try {
    // Without a store nobody can use one; with one, nobody may.
    const place = hasLock(dataDirectory) ? await lockPlace(dataDirectory) : undefined
    try {
      if (isRestorePending(dataDirectory)) await putInPlace(dataDirectory, before)
    } finally {
      await place?.release()
    }
  } finally {
    await lock.release()
  }
}

/** Deletes the leftovers of an interrupted restore. The place must be locked. */
export async function removeLeftovers(dataDirectory: string): Promise<void> {
  for (const name of [partialFolder, doneFolder]) {
    await rm(join(dataDirectory, name), { recursive: true, force: true })
  }
}

/** Moves a file or folder aside, keeping what an earlier attempt moved there. */
async function setAside(dataDirectory: string, ready: string, name: string): Promise<void> {
  for (let copy = 0; existsSync(join(dataDirectory, name)); copy++) {
    const aside = join(ready, oldFolder, copy === 0 ? name : `${name}.${copy}`)
    if (!existsSync(aside)) await rename(join(dataDirectory, name), aside)
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new HearsayError('BAD_CONFIG', `${folder} cannot be read: ${(error as Error).message}`, {}, { cause: error })
  }
}

/** Ignores that a file is gone: another process has completed the restore. */
function ignoreGone(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

function busy(dataDirectory: string): string {
  return `a backup is being restored in ${dataDirectory} by another process; wait for it`
}
