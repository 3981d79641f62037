/** Opening the store of a data directory: repairs what LevelDB cannot open, and remembers across crashes that it did. */
import { existsSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LevelStore } from './level.js'

/** The folder of the store inside a data directory. */
const storeFolder = 'store'
/** Present while the store was repaired and has not passed a verification since. */
const suspectMarker = 'store.suspect'

/** An opened store. */
export interface OpenedStore {
  readonly store: LevelStore
  /** LevelDB repaired it: rows may be gone, or older than they were. The replica must rebuild its contexts. */
  readonly isSuspect: boolean
  /** To be called once a verification has passed. */
  verified(): Promise<void>
}

/**
 * Opens the store of a data directory, which must exist. Damage that keeps LevelDB from opening is repaired; the marker is on the
 * disk before the repair begins, so that a crash in the middle cannot make a repaired store look like a sound one.
 * Throws STORE_LOCKED and STORE_FAILED as LevelStore.open does.
 */
export async function openStore(dataDirectory: string): Promise<OpenedStore> {
  const path = join(dataDirectory, storeFolder)
  const marker = join(dataDirectory, suspectMarker)
  const wasSuspect = existsSync(marker)
  const verified = () => rm(marker, { force: true })
  try {
    return { store: await LevelStore.open(path), isSuspect: wasSuspect, verified }
  } catch (error) {
    if (!isRepairable(error)) throw error
  }
  await writeMarker(marker)
  return { store: await LevelStore.open(path, { repair: true }), isSuspect: true, verified }
}

function isRepairable(error: unknown): boolean {
  return error instanceof Error && 'details' in error && (error.details as { isDamaged?: boolean }).isDamaged === true
}

/** The marker and its name are on the disk when this resolves. */
async function writeMarker(path: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  await syncAndClose(file)
  await syncAndClose(await open(dirname(path), 'r'))
}

async function syncAndClose(file: FileHandle): Promise<void> {
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
