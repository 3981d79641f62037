/**
 * Restores a backup into a data directory without a daemon: checks it as a whole, writes it beside the old node, then
 * moves it into place.
 */
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join, resolve } from 'node:path'
import { Directory } from '../../protocols/membership/core/directory.js'
import { BackupDecoder, type BackupPart } from '../../store/backup/decoder.js'
import type { BackupHead, BackupKeys } from '../../store/backup/format.js'
import { writeStore } from '../../store/backup/writing.js'
import { HearsayError } from '../../store/errors.js'
import { kindOfRow } from '../../store/keyspace.js'
import type { KvRow } from '../../store/kv.js'
import { actorBytes } from '../../store/model/dot.js'
import { decodeVersions, entryAddress } from '../../store/rows/entries.js'
import { createIdentity, type Identity, replaceIdentity, replaceMeshSecret } from '../net/identity.js'
import { realEnvironment } from '../net/real-environment.js'
import { makePrivateFolder } from '../private-files.js'
import type { Lock } from './lock.js'
import {
  type BeforeStep,
  decide,
  finishRestore,
  hasLock,
  isInUse,
  isRestorePending,
  lockPlace,
  preparePlace,
  putInPlace,
  removeLeftovers,
} from './place.js'

/** The backup to restore, and its target. */
export interface RestoreOptions {
  /** The path of the backup. */
  readonly file: string
  /** The data directory; no daemon may use it. */
  readonly data: string
  /** True to keep the identity of the node that was backed up, instead of taking a new one. */
  readonly sameIdentity?: boolean
  /** True to replace the node that is in the data directory. */
  readonly force?: boolean
  /** Called with the progress in bytes of the file, which is read twice: first to check it. */
  onProgress?(step: 'checking' | 'writing', bytes: number): void
  /** For tests: called before each step that matters. */
  beforeStep?: BeforeStep
}

/** Report of a completed restore. */
export interface RestoreReport {
  readonly data: string
  /** The node that was backed up. */
  readonly origin: Omit<BackupHead, 'layout'>
  /** Entries of the users. */
  readonly entries: number
  /** The peer id of the restored node. */
  readonly peer: string
  /** The other members that it knows. */
  readonly members: readonly { readonly name: string; readonly peer: string }[]
  /**
   * The member that it was, which stays one until it is forgotten; null when it has the same identity, or was never a
   * member.
   */
  readonly former: { readonly name: string; readonly peer: string } | null
}

/**
 * Restores a backup. Nothing has changed when it throws: BAD_BACKUP, STORE_FORMAT, STORE_LOCKED, WOULD_OVERWRITE,
 * BAD_CONFIG. When the process dies in the middle, the directory is as it was, or the next start of a daemon there ends
 * what was begun.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const data = resolve(options.data)
  const locks: Lock[] = []
  await finishRestore(data)
  try {
    // Nothing is written there before the backup has proven good.
    if (hasLock(data)) locks.push(await lockPlace(data))
    await assertReplaceable(data, options)
    await checkBackup(options)
    makePrivateFolder(data)
    if (locks.length === 0) locks.push(await lockPlace(data))
    assertAlone(data)
    await assertReplaceable(data, options)
    const place = await preparePlace(data)
    locks.push(place.lock)
    const report = await fill(place.folder, { ...options, data })
    await decide(data, options.beforeStep)
    await putInPlace(data, options.beforeStep)
    return report
  } catch (error) {
    if (locks.length > 0 && !isRestorePending(data)) await removeLeftovers(data).catch(() => {})
    throw explained(error, data)
  } finally {
    for (const lock of locks.reverse()) await lock.release()
  }
}

/** Turns the system's error about the directory into one that says what to do. */
function explained(error: unknown, data: string): unknown {
  if (typeof (error as NodeJS.ErrnoException).syscall !== 'string') return error
  const message = `${data} cannot be written: ${(error as Error).message}; choose another directory with --data`
  return new HearsayError('BAD_CONFIG', message, { key: 'data' }, { cause: error })
}

/** Another restore may have come and died while the backup was checked; the next one ends it. */
function assertAlone(data: string): void {
  if (!isRestorePending(data)) return
  throw new HearsayError('STORE_LOCKED', `another backup was being restored in ${data} meanwhile; try again`, { data })
}

async function assertReplaceable(data: string, { force }: RestoreOptions): Promise<void> {
  if (force === true || !(await isInUse(data))) return
  const message = `${data} is not empty; restore into another directory with --data, or replace the node in it with --force`
  throw new HearsayError('WOULD_OVERWRITE', message, { data })
}

/** Reads the whole backup and believes nothing of it. */
async function checkBackup({ file, onProgress }: RestoreOptions): Promise<void> {
  for await (const _ of partsOf(file, (bytes) => onProgress?.('checking', bytes))) {
    // The decoder throws at what is wrong.
  }
}

/** The parts of a backup; ends well only if it is whole. */
async function* partsOf(file: string, onBytes: (bytes: number) => void): AsyncGenerator<BackupPart> {
  const decoder = new BackupDecoder()
  let bytes = 0
  for await (const chunk of chunksOf(file)) {
    yield* decoder.push(chunk)
    bytes += chunk.length
    onBytes(bytes)
  }
  decoder.end()
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>
  } catch (error) {
    const message = `the backup ${file} cannot be read: ${(error as Error).message}`
    throw new HearsayError('BAD_BACKUP', message, {}, { cause: error })
  }
}

/** Writes a whole node into an empty folder, durably. */
async function fill(folder: string, options: RestoreOptions): Promise<RestoreReport> {
  const { file, data, sameIdentity, onProgress } = options
  let head: BackupHead | undefined
  let keys: BackupKeys | undefined
  const records: KvRow[] = []
  const blocks = (async function* () {
    for await (const part of partsOf(file, (bytes) => onProgress?.('writing', bytes))) {
      if (part.kind === 'head') head = part.head
      if (part.kind === 'keys') keys = part.keys
      if (part.kind !== 'rows') continue
      records.push(...part.rows.filter(isRecord).map(copyOf))
      yield part.rows
    }
  })()
  const { entries } = await writeStore(join(folder, 'store'), newFeedId(), blocks, realEnvironment.yieldTurn)
  const { seed, secret } = keys!
  const { layout: _, ...origin } = head!
  const identity = await replaceIdentity(folder, sameIdentity === true ? createIdentity(seed) : createIdentity())
  await replaceMeshSecret(folder, secret)
  return { data, origin, entries, peer: identity.peer, ...knownMembers(identity, origin, records) }
}

/** Reads the members from the records in the backup, the former self included when this is another node now. */
function knownMembers(identity: Identity, origin: Omit<BackupHead, 'layout'>, records: readonly KvRow[]) {
  const directory = new Directory(identity.peer)
  for (const { key, value } of records) directory.set(entryAddress(key).key, decodeVersions(key, value))
  const others = directory.others().map(({ name, peer }) => ({ name, peer }))
  return {
    members: others.filter(({ peer }) => peer !== origin.peer),
    former: others.find(({ peer }) => peer === origin.peer) ?? null,
  }
}

/** True for the records that this version knows. */
function isRecord({ key }: KvRow): boolean {
  return kindOfRow(key) === 'system' && entryAddress(key).type === 'sys'
}

function copyOf({ key, value }: KvRow): KvRow {
  return { key: Uint8Array.from(key), value: Uint8Array.from(value) }
}

/** A store that comes back is another feed: cursors of the one that was backed up may point at what it never had. */
function newFeedId(): string {
  return randomBytes(actorBytes).toString('hex')
}
