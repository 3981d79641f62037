/** Makes a store of the rows of a backup: filled, then verified as every store is at its start, then durable. */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HearsayError } from '../errors.js'
import { formatVersion } from '../keyspace.js'
import type { KvRow, KvStore } from '../kv.js'
import { LevelStore } from '../level.js'
import { Trie } from '../merkle/trie.js'
import { isSound, Verification } from '../replica/verify.js'
import { decodeState, encodeFormat, encodeState, formatKey, stateKey } from '../rows/state.js'

/** Counts of a filled store. */
export interface FilledStore {
  /** Entries of the users. */
  readonly entries: number
}

/**
 * Fills an empty store. `feedId`: 8 bytes in hexadecimal digits; a store that comes back is another feed, and cursors
 * of the old one are refused.
 */
export class StoreFiller {
  readonly #store: KvStore
  readonly #feedId: string

  constructor(store: KvStore, feedId: string) {
    this.#store = store
    this.#feedId = feedId
  }

  /** Writes rows; they are not durable yet. */
  async take(rows: readonly KvRow[]): Promise<void> {
    const own = rows.map((row) => (stateKey.equals(row.key) ? this.#ownState(row) : row))
    await this.#store.write(own, { sync: false })
  }

  /** Compares the rows with each other, and with counts and checksum. Throws BAD_BACKUP when they do not agree. */
  async verify(yieldTurn: () => Promise<void>): Promise<FilledStore> {
    await this.#store.write([{ key: formatKey, value: encodeFormat(formatVersion) }], { sync: true })
    const snapshot = this.#store.snapshot()
    try {
      const survey = await new Verification(this.#store, snapshot, yieldTurn).survey(new Trie())
      if (isSound(survey)) return { entries: survey.entries.userEntries }
    } finally {
      await snapshot.close()
    }
    const message = 'the rows of this backup do not agree with each other; nothing was restored; take another backup'
    throw new HearsayError('BAD_BACKUP', message)
  }

  #ownState({ key, value }: KvRow): KvRow {
    return { key, value: encodeState({ ...decodeState(value), feedId: this.#feedId }) }
  }
}

/** Fills and verifies a new store in a folder that does not exist yet; everything is on the disk when it resolves. */
export async function writeStore(
  path: string,
  feedId: string,
  blocks: AsyncIterable<readonly KvRow[]>,
  yieldTurn: () => Promise<void>,
): Promise<FilledStore> {
  const store = await LevelStore.open(path)
  let filled: FilledStore
  try {
    const filler = new StoreFiller(store, feedId)
    for await (const rows of blocks) await filler.take(rows)
    filled = await filler.verify(yieldTurn)
  } finally {
    await store.close()
  }
  await syncFolder(path)
  return filled
}

/** LevelDB syncs its tables, but a log that it has left behind it does not. */
async function syncFolder(path: string): Promise<void> {
  const files = (await readdir(path, { withFileTypes: true })).filter((file) => file.isFile())
  for (const { name } of files) await syncPath(join(path, name))
  await syncPath(path)
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
