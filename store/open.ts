/**
 * Opening the store of a data directory: saves what can be read of one that LevelDB cannot work with, and remembers
 * across crashes that it did.
 */
import { existsSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { KvRow } from './kv.js'
import { LevelStore } from './level.js'
import { isDamage } from './rows/seal.js'
import { areTablesSound, cutDamagedBlocks } from './tables.js'

/** The folder of the store inside a data directory. */
const storeFolder = 'store'
/** Folder to which readable rows are copied, before it takes the place of the store. */
const salvageFolder = 'store.salvage'
/** The store that was not sound, kept until what was saved of it has been verified. */
const damagedFolder = 'store.damaged'
/** Present while the store needs to be saved, or was repaired or saved and has not passed a verification since. */
const suspectMarker = 'store.suspect'
/**
 * Present from before the store is opened until it has passed a verification: where it is left over, the run before
 * ended too early.
 */
const unverifiedMarker = 'store.unverified'

/** An opened store. */
export interface OpenedStore {
  readonly store: LevelStore
  /**
   * True if the store was repaired or salvaged: rows may be gone, or older than they were. The replica must rebuild its
   * contexts.
   */
  readonly isSuspect: boolean
  /** Removes the markers and the damaged store, after a verification has passed. */
  verified(): Promise<void>
  /**
   * True if the files hold what was written, by LevelDB's own checksums; reads all of them. `yieldTurn` is awaited
   * between blocks, so that other work can run.
   */
  areTablesSound(yieldTurn: () => Promise<void>): Promise<boolean>
  /**
   * Has the readable rows saved into a new store at the next start: for tables that LevelDB turns out not to be able to
   * read.
   */
  salvageAtNextStart(): Promise<void>
}

/**
 * Opens the store of a data directory, which must exist. Damage that keeps LevelDB from opening is repaired; the marker
 * is on the disk before anything is changed, so that a crash in the middle cannot make a repaired store look like a
 * sound one. Throws STORE_LOCKED and STORE_FAILED as LevelStore.open does.
 */
export async function openStore(dataDirectory: string): Promise<OpenedStore> {
  const at = (name: string) => join(dataDirectory, name)
  const rest = {
    verified: async () => {
      await rm(at(damagedFolder), { recursive: true, force: true })
      await rm(at(suspectMarker), { force: true })
      await rm(at(unverifiedMarker), { force: true })
    },
    areTablesSound: (yieldTurn: () => Promise<void>) => areTablesSound(at(storeFolder), 'all', yieldTurn),
    salvageAtNextStart: () => writeMarker(at(suspectMarker)),
  }
  // A damaged table may end the process as soon as LevelDB compacts it, before anything could be verified: then all of
  // it is
  // checked before LevelDB sees it. Otherwise only what misleads LevelDB's lookups; the rest while clients are served.
  const depth = existsSync(at(unverifiedMarker)) ? 'all' : 'index'
  if (!existsSync(at(suspectMarker)) && !(await areTablesSound(at(storeFolder), depth))) {
    await writeMarker(at(suspectMarker))
  }
  if (existsSync(at(storeFolder))) await writeMarker(at(unverifiedMarker)).catch(() => {})
  if (existsSync(at(suspectMarker))) {
    await salvage(at)
    return { store: await LevelStore.open(at(storeFolder), { repair: true }), isSuspect: true, ...rest }
  }
  try {
    return { store: await LevelStore.open(at(storeFolder)), isSuspect: false, ...rest }
  } catch (error) {
    if (!isRepairable(error)) throw error
  }
  await writeMarker(at(suspectMarker))
  await cutDamagedBlocks(at(storeFolder))
  return { store: await LevelStore.open(at(storeFolder), { repair: true }), isSuspect: true, ...rest }
}

/**
 * Copies every row that can be read into a new store and puts that in the place of the old one.
 * LevelDB's own repair keeps tables whose blocks it cannot read, and fails at the next compaction of them.
 */
async function salvage(at: (name: string) => string): Promise<void> {
  if (existsSync(at(storeFolder))) {
    await rm(at(salvageFolder), { recursive: true, force: true })
    await cutDamagedBlocks(at(storeFolder))
    await copyReadable(at(storeFolder), at(salvageFolder))
    await rm(at(damagedFolder), { recursive: true, force: true })
    await rename(at(storeFolder), at(damagedFolder))
  }
  // The copy was complete before the old store was moved away; a crash in between leaves only this step.
  if (existsSync(at(salvageFolder))) await rename(at(salvageFolder), at(storeFolder))
}

async function copyReadable(from: string, to: string): Promise<void> {
  const source = await LevelStore.open(from, { repair: true })
  try {
    const target = await LevelStore.open(to)
    try {
      for await (const rows of readableRows(source)) await target.write(rows, { sync: false })
      await target.write([], { sync: true }) // An empty batch: everything before it is on the disk.
      await target.compact({ gte: new Uint8Array(0), lt: Uint8Array.of(0xff) })
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

/** Rows that can be read: LevelDB skips damaged blocks, and reports them at the end of the scan. */
async function* readableRows(store: LevelStore): AsyncIterable<readonly KvRow[]> {
  try {
    yield* store.scan({})
  } catch (error) {
    if (!isDamage(error)) throw error
  }
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
