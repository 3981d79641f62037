/** The store on disk: LevelDB through classic-level. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel, type Snapshot } from 'classic-level'
import { HearsayError } from './errors.js'
import {
  type Bounds,
  boundsOf,
  closedFailure,
  type KvChange,
  type KvRange,
  type KvRow,
  type KvSnapshot,
  type KvStore,
  limitOf,
  snapshotFailure,
} from './kv.js'
import {
  levelBatchBytesMax,
  levelCacheBytesDefault,
  levelOpenFilesMax,
  levelTableBytes,
  levelWriteBufferBytesDefault,
  scanBytesMax,
  scanRowsMax,
} from './limits.js'
import { systemCodeOf, systemRemedy } from './system-errors.js'

/** Options with which a store is opened. */
export interface LevelOptions {
  /** LevelDB's cache of blocks, in bytes. */
  readonly cacheBytes?: number
  /** LevelDB's log and table in memory, in bytes; up to two are held. */
  readonly writeBufferBytes?: number
  /**
   * True if damage that keeps LevelDB from opening (a lost table file, say) is to be repaired. Repair keeps what can be
   * read: rows may be gone, or older than they were, so a repaired store must not be trusted before it has been
   * verified.
   */
  readonly repair?: boolean
}

const damageCode = 'LEVEL_CORRUPTION'

/** A batch that the binding keeps: it takes one change a call, and copies its bytes at once. */
interface NativeBatch {
  _put(key: Uint8Array, value: Uint8Array): void
  _del(key: Uint8Array): void
  _clear(): void
  _write(options: { readonly sync: boolean }): Promise<void>
}

/** A change as the binding takes it in an array. */
type EncodedChange = { readonly type: 'put' | 'del'; readonly key: Uint8Array; readonly value?: Uint8Array }

/**
 * Writes batches of bytes through abstract-level's extension points: its public methods clone and encode every change,
 * which costs several times what LevelDB itself does for small rows. Only called while the database is open, one write
 * at a time.
 */
class Database extends ClassicLevel<Uint8Array, Uint8Array> {
  #batch: NativeBatch | undefined

  writeEncoded(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void> {
    return bytesOf(changes) > levelBatchBytesMax
      ? this.#writeOnce(changes, options)
      : this.#writeAgain(changes, options)
  }

  /** One batch for all writes: changes go into it at a third of what they cost as the objects of an array. */
  #writeAgain(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void> {
    this.#batch ??= this.batch() as unknown as NativeBatch
    const batch = this.#batch
    batch._clear()
    for (const { key, value } of changes) {
      if (value === null) batch._del(key)
      else batch._put(key, value)
    }
    return batch._write(options)
  }

  /** The memory of a batch from an array is given back as soon as it is written. */
  #writeOnce(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void> {
    const encoded = changes.map(
      ({ key, value }): EncodedChange => (value === null ? { type: 'del', key } : { type: 'put', key, value }),
    )
    const implementation = this as unknown as { _batch(...args: [typeof encoded, typeof options]): Promise<void> }
    return implementation._batch(encoded, options)
  }
}

function bytesOf(changes: readonly KvChange[]): number {
  let bytes = 0
  for (const { key, value } of changes) bytes += key.length + (value?.length ?? 0)
  return bytes
}

class LevelSnapshot implements KvSnapshot {
  constructor(
    readonly store: LevelStore,
    readonly native: Snapshot,
  ) {}

  close(): Promise<void> {
    return this.native.close()
  }
}

/**
 * A LevelDB directory. Batches are written one after another, and none after one that failed: LevelDB itself goes on
 * after a failed append to its log, and then forgets, at the next start, acknowledged batches that stand behind the
 * torn one. Bytes handed to `write` may not be changed until it resolves.
 *
 * LevelDB does not check the checksums of blocks when it reads, so rows need their own; a damaged block is skipped by
 * its iterators and reported at their end only: a scan that throws may have left out rows before it threw.
 */
export class LevelStore implements KvStore {
  /** True if the directory was damaged and LevelDB's repair has run. */
  readonly wasRepaired: boolean
  readonly #database: Database
  #tail: Promise<void> = Promise.resolve()
  #failure: HearsayError | undefined
  #closing: Promise<void> | undefined

  private constructor(database: Database, wasRepaired: boolean) {
    this.#database = database
    this.wasRepaired = wasRepaired
  }

  /**
   * Opens a directory, which is made when missing. Rejects with STORE_LOCKED when another process (or this one) has it
   * open, and with STORE_FAILED, naming the cause, when it cannot be opened; `details.isDamaged` then tells whether
   * `repair` would help.
   */
  static async open(path: string, options: LevelOptions = {}): Promise<LevelStore> {
    try {
      await assertComplete(path)
      return new LevelStore(await openDatabase(path, options), false)
    } catch (error) {
      if (!isDamage(error) || options.repair !== true) throw openFailure(path, error)
    }
    try {
      await ClassicLevel.repair(path)
      return new LevelStore(await openDatabase(path, options), true)
    } catch (error) {
      throw openFailure(path, error)
    }
  }

  /** The value of a key, or undefined. Throws DAMAGED_VALUE when LevelDB finds its block damaged. */
  get(key: Uint8Array, snapshot?: KvSnapshot): Uint8Array | undefined {
    try {
      // Without options classic-level takes a faster path.
      if (snapshot === undefined) return this.#database.getSync(key)
      return this.#database.getSync(key, { snapshot: this.#nativeOf(snapshot) })
    } catch (error) {
      throw readFailure(error)
    }
  }

  /** Commits a batch. Rejects with STORE_FAILED; from then on every write does, until the directory is opened again. */
  write(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closedFailure())
    const written = this.#tail.then(() => this.#commit(changes, options.sync))
    this.#tail = written.catch(() => {})
    return written
  }

  /** Rows in chunks; the view is taken when the first chunk is asked for. */
  async *scan(range: KvRange, snapshot?: KvSnapshot): AsyncGenerator<readonly KvRow[]> {
    let left = limitOf(range)
    if (left === 0) return
    const bounds = boundsOf(range)
    const isReverse = range.reverse === true
    const iterator = this.#iterator(bounds, isReverse, snapshot)
    const read = () => iterator.nextv(Math.min(left, scanRowsMax))
    let ahead: ReturnType<typeof read> | undefined
    try {
      while (left > 0) {
        const pairs = await (ahead ?? read())
        if (pairs.length === 0) return
        left -= pairs.length
        if (left === 0) await assertUndamaged(iterator, bounds, isReverse)
        ahead = range.readAhead === true && left > 0 ? read() : undefined
        // It may fail while nobody waits for it.
        ahead?.catch(() => {})
        yield pairs.map(([key, value]) => ({ key, value }))
      }
    } catch (error) {
      throw readFailure(error)
    } finally {
      await iterator.close()
    }
  }

  /** A frozen view of now. */
  snapshot(): KvSnapshot {
    try {
      return new LevelSnapshot(this, this.#database.snapshot())
    } catch (error) {
      throw readFailure(error)
    }
  }

  /** Gives the space of deleted rows in a range back. */
  async compact(range: { readonly gte: Uint8Array; readonly lt: Uint8Array }): Promise<void> {
    try {
      await this.#database.compactRange(range.gte, range.lt)
    } catch (error) {
      throw readFailure(error)
    }
  }

  /** Closes; waits for writes under way. Scans and snapshots that are open end with an error. */
  close(): Promise<void> {
    this.#closing ??= this.#tail.then(() => this.#database.close())
    return this.#closing
  }

  async #commit(changes: readonly KvChange[], sync: boolean): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      await this.#database.writeEncoded(changes, { sync })
    } catch (error) {
      this.#failure = writeFailure(error)
      throw this.#failure
    }
  }

  #iterator(bounds: Bounds, reverse: boolean, snapshot: KvSnapshot | undefined) {
    try {
      return this.#database.iterator({
        ...(bounds.lower && { [bounds.isLowerIncluded ? 'gte' : 'gt']: bounds.lower }),
        ...(bounds.upper && { [bounds.isUpperIncluded ? 'lte' : 'lt']: bounds.upper }),
        reverse,
        highWaterMarkBytes: scanBytesMax,
        ...(snapshot && { snapshot: this.#nativeOf(snapshot) }),
      })
    } catch (error) {
      throw readFailure(error)
    }
  }

  #nativeOf(snapshot: KvSnapshot): Snapshot {
    if (!(snapshot instanceof LevelSnapshot) || snapshot.store !== this) throw snapshotFailure()
    return snapshot.native
  }
}

async function openDatabase(path: string, options: LevelOptions): Promise<Database> {
  const database = new Database(path, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    cacheSize: options.cacheBytes ?? levelCacheBytesDefault,
    writeBufferSize: options.writeBufferBytes ?? levelWriteBufferBytesDefault,
    maxFileSize: levelTableBytes,
    maxOpenFiles: levelOpenFilesMax,
  })
  await database.open()
  return database
}

/**
 * Throws what counts as damage when files are there, but not those that name them. LevelDB takes a directory without a
 * CURRENT file for a new one and deletes every table in it.
 */
async function assertComplete(path: string): Promise<void> {
  const names: string[] = await readdir(path).catch(() => [])
  if (!names.some((name) => /\.(ldb|sst|log)$/.test(name))) return
  const current = names.includes('CURRENT') ? (await readFile(join(path, 'CURRENT'), 'latin1')).trim() : 'CURRENT'
  if (names.includes(current)) return
  throw Object.assign(new Error(`Corruption: missing file ${current}`), { code: damageCode })
}

type LevelIterator = ReturnType<Database['iterator']>

/**
 * LevelDB's iterators tell of a damaged block, over which they skipped, only once they have reached an end. So a scan
 * that stops at its limit seeks there before it shows its last rows. Throws what the iterator has to tell.
 */
async function assertUndamaged(iterator: LevelIterator, bounds: Bounds, isReverse: boolean): Promise<void> {
  iterator.seek(isReverse ? beforeAll(bounds) : afterAll(bounds))
  await iterator.nextv(1)
}

/** A key before the range; the range is open at that side when it is empty. */
function beforeAll(bounds: Bounds): Uint8Array {
  const { lower } = bounds
  return lower === undefined || lower.length === 0 ? new Uint8Array(0) : lower.subarray(0, lower.length - 1)
}

/** A key behind the range; where it is open, one behind what is usual. */
function afterAll(bounds: Bounds): Uint8Array {
  return bounds.upper === undefined ? new Uint8Array(64).fill(0xff) : Buffer.concat([bounds.upper, new Uint8Array(1)])
}

/** The error and those that caused it, outermost first. */
function causesOf(error: unknown): Error[] {
  const causes: Error[] = []
  for (let cause = error; cause instanceof Error && causes.length < 8; cause = cause.cause) causes.push(cause)
  return causes
}

function hasCode(error: unknown, code: string): boolean {
  return causesOf(error).some((cause) => 'code' in cause && cause.code === code)
}

function isDamage(error: unknown): boolean {
  return hasCode(error, damageCode)
}

function reasonOf(error: unknown): string {
  return causesOf(error).at(-1)?.message ?? String(error)
}

/** The reason with the system's code, which LevelDB leaves out. */
function shownReason(error: unknown): string {
  const [reason, code] = [reasonOf(error), systemCodeOf(error)]
  return code === undefined || reason.includes(code) ? reason : `${code}: ${reason}`
}

function remedyOf(error: unknown, otherwise: string): string {
  return systemRemedy(systemCodeOf(error) ?? '') ?? otherwise
}

function systemOf(error: unknown): { readonly system?: string } {
  const system = systemCodeOf(error)
  return system === undefined ? {} : { system }
}

function openFailure(path: string, error: unknown): HearsayError {
  if (hasCode(error, 'LEVEL_LOCKED')) {
    const message = `another daemon uses the store at ${path}; stop it, or give this one another data directory`
    return new HearsayError('STORE_LOCKED', message, { path }, { cause: error })
  }
  const isDamaged = isDamage(error)
  const advice = isDamaged
    ? 'it is damaged'
    : remedyOf(error, 'check that the directory exists, is writable and has space')
  const message = `the store at ${path} cannot be opened: ${shownReason(error)}; ${advice}`
  return new HearsayError('STORE_FAILED', message, { path, isDamaged, ...systemOf(error) }, { cause: error })
}

function readFailure(error: unknown): unknown {
  if (error instanceof HearsayError) return error
  if (hasCode(error, 'LEVEL_DATABASE_NOT_OPEN') || hasCode(error, 'LEVEL_ITERATOR_NOT_OPEN')) return closedFailure()
  if (hasCode(error, 'LEVEL_SNAPSHOT_NOT_OPEN')) return snapshotFailure()
  if (isDamage(error)) {
    const message = `the store is damaged: ${reasonOf(error)}; restart the daemon to verify it and fetch what is lost from peers`
    return new HearsayError('DAMAGED_VALUE', message, {}, { cause: error })
  }
  const message = `the store cannot be read: ${shownReason(error)}; ${remedyOf(error, 'check the disk')}`
  return new HearsayError('STORE_FAILED', message, systemOf(error), { cause: error })
}

function writeFailure(error: unknown): HearsayError {
  const message = `the store cannot be written: ${shownReason(error)}; ${remedyOf(error, 'check disk space and health')}`
  return new HearsayError('STORE_FAILED', message, { isDamaged: isDamage(error), ...systemOf(error) }, { cause: error })
}
