/**
 * Looks at a whole backup without making a store of it: every row is decoded, and the two sides of the store that it is
 * of are compared with each other and with the counts that it says, as at the start of a daemon.
 */
import { HearsayError } from '../errors.js'
import { kindOfRow, type RowKind } from '../keyspace.js'
import type { KvRow } from '../kv.js'
import { isUserAddress } from '../model/address.js'
import { DecodeError } from '../model/bytes.js'
import { Context } from '../model/context.js'
import type { Type } from '../model/types.js'
import { addToTally, emptyTally, isSameTally } from '../replica/tally.js'
import { contextActor, decodeContext } from '../rows/contexts.js'
import { decodeDigest } from '../rows/digests.js'
import { decodeDotRow, dotKey, dotOfKey } from '../rows/dots.js'
import { decodeVersions, entryAddress, entryKey } from '../rows/entries.js'
import { decodeFeed } from '../rows/feed.js'
import { deadlineDot } from '../rows/marks.js'
import { decodeRetry, decodeRetryOrder } from '../rows/retries.js'
import { isDamage } from '../rows/seal.js'
import { decodeState, type StateRow, stateKey } from '../rows/state.js'

/** Content of a backup, counted. */
export interface BackupContents {
  /** Entries of the users. */
  readonly entries: number
  /** Of these, entries with more than one version. */
  readonly withSiblings: number
  /** Entries of the users by their type; of a type of a later version by its number. */
  readonly types: Readonly<Partial<Record<Type, number>>>
}

/** Inspection of one backup: takes its rows in order, then says what was in them. */
export class BackupInspection {
  readonly #seen = new Context()
  readonly #entries = { ...emptyTally(), users: 0, withSiblings: 0 }
  readonly #dots = emptyTally()
  readonly #types = new Map<Type, number>()
  #state: StateRow | undefined
  #areLiveDotsSeen = true

  /** Takes the next rows of a backup. Throws BAD_BACKUP for one that cannot be decoded. */
  take(rows: readonly KvRow[]): void {
    for (const row of rows) {
      const kind = kindOfRow(row.key)
      try {
        if (kind !== undefined) this.#visitors[kind]?.(row)
      } catch (error) {
        if (!isDamage(error) && !(error instanceof DecodeError) && !(error instanceof RangeError)) throw error
        throw bad(`a row of the kind '${kind}' cannot be decoded`, error)
      }
    }
  }

  /**
   * Ends the inspection, after the last row of a whole backup. Throws BAD_BACKUP when its rows do not agree with each
   * other.
   */
  end(): BackupContents {
    const entries = this.#entries
    const state = this.#state
    if (state === undefined) throw bad('the row with its counts is missing')
    if (!this.#areLiveDotsSeen) throw bad('it holds versions that its contexts do not know')
    const agree = isSameTally(entries, this.#dots) && isSameTally(entries, state) && entries.users === state.userEntries
    if (!agree) throw bad('its rows do not agree with each other')
    return { entries: entries.users, withSiblings: entries.withSiblings, types: Object.fromEntries(this.#types) }
  }

  /**
   * Contexts come before entries and dots in the order of the keys. Baselines say everything in a key that is a dot's.
   */
  readonly #visitors: Readonly<Partial<Record<RowKind, (row: KvRow) => unknown>>> = {
    baseline: ({ key }) => dotOfKey(key),
    context: ({ key, value }) => this.#seen.setRanges(contextActor(key), decodeContext(key, value).seen),
    dot: (row) => this.#dot(row),
    entry: (row) => this.#entry(row),
    feed: ({ key, value }) => decodeFeed(key, value),
    digest: ({ key, value }) => decodeDigest(key, value),
    retry: ({ key, value }) => decodeRetry(key, value),
    retryOrder: ({ key, value }) => decodeRetryOrder(key, value),
    meta: ({ key, value }) => {
      if (stateKey.equals(key)) this.#state = decodeState(value)
    },
    deadline: ({ key }) => deadlineDot(key),
    system: (row) => this.#entry(row),
  }

  #dot({ key, value }: KvRow): void {
    const row = decodeDotRow(key, value)
    if (row.state === 'live') addToTally(this.#dots, key, entryKey(row.address))
  }

  #entry({ key, value }: KvRow): void {
    const address = entryAddress(key)
    const versions = decodeVersions(key, value)
    for (const { dot } of versions) {
      addToTally(this.#entries, dotKey(dot), key)
      if (!this.#seen.has(dot)) this.#areLiveDotsSeen = false
    }
    if (!isUserAddress(address) || versions.length === 0) return
    this.#entries.users++
    if (versions.length > 1) this.#entries.withSiblings++
    this.#types.set(address.type, (this.#types.get(address.type) ?? 0) + 1)
  }
}

function bad(reason: string, cause?: unknown): HearsayError {
  const message = `this backup cannot be used: ${reason}; take another backup, and look at the node that it is from`
  return new HearsayError('BAD_BACKUP', message, {}, { cause })
}
