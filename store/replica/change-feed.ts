/** The change feed as its readers use it: where it stands, reading it, and holding it for those who are behind. */
import { decodeFeedHold, encodeFeedHold, feedHoldKey, isDamage, type StateRow } from '../keyspace.js'
import type { KvStore } from '../kv.js'
import type { Batch } from './batch.js'
import { FeedReader } from './feed.js'
import type { Ledger } from './ledger.js'
import type { UpdateLog } from './log.js'

/** What is needed of the replica. */
export interface FeedOwner {
  readonly store: KvStore
  readonly ledger: Ledger
  readonly log: UpdateLog
  /** The committed state. */
  readonly state: StateRow
  submit<T>(write: (batch: Batch) => T): Promise<T>
  /** Told of a row that failed its checksum. */
  damageFound(row: Error): void
}

/** Where a feed stands. */
export interface FeedStand {
  /** The id of this feed: positions of another one mean nothing here. */
  readonly id: string
  /** The last committed position. */
  readonly sequence: number
  /** Below this position events may be missing. */
  readonly floor: number
}

/** The feed of one replica. */
export class ChangeFeed {
  /** Reads it from the store; for readers that are behind what the listener was told. */
  readonly reader: FeedReader
  readonly #owner: FeedOwner

  constructor(owner: FeedOwner) {
    this.#owner = owner
    this.reader = new FeedReader(owner.store, (row) => owner.damageFound(row))
  }

  /** Where it stands. */
  get stand(): FeedStand {
    const { feedId, sequence, feedFloor } = this.#owner.state
    return { id: feedId, sequence, floor: feedFloor }
  }

  /** Holds what came after a position for readers, as far as the log's limits allow; null: nothing. */
  hold(sequence: number | null): void {
    this.#owner.log.holdFeed(sequence)
  }

  /** Remembers over a restart from where on it is held; null: nowhere. Rejects with STORE_FAILED. */
  saveHold(sequence: number | null): Promise<void> {
    const row = sequence === null ? null : encodeFeedHold(sequence)
    return this.#owner.submit((batch) => batch.set(feedHoldKey, row))
  }

  /** From where on it was held when the run before ended; undefined when it was not. */
  held(): number | undefined {
    try {
      const row = this.#owner.store.get(feedHoldKey)
      return row === undefined ? undefined : decodeFeedHold(row)
    } catch (error) {
      // What is held is a courtesy to readers: a damaged row holds everything.
      if (isDamage(error)) return 0
      throw error
    }
  }

  /**
   * A row turned out to be lost: readers from before it are told so from now on, those from the beginning pass over it.
   * Rejects with STORE_FAILED.
   */
  lose(sequence: number): Promise<void> {
    const { ledger, submit } = this.#owner
    return submit((batch) =>
      ledger.write(batch, () => {
        batch.touch()
        ledger.feed.raiseFloor(sequence)
      }),
    )
  }
}
