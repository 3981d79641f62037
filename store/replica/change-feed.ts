/**
 * The change feed as its readers use it: its identity and bounds, reading it, and holding it for those who are behind.
 */
import { decodeFeedHold, encodeFeedHold, feedHoldKey } from '../rows/feed.js'
import { isDamage } from '../rows/seal.js'
import type { ReplicaCore } from './core.js'
import { FeedReader } from './feed.js'
import type { UpdateLog } from './log.js'

/** Identity and bounds of a feed. */
export interface FeedBounds {
  /** The id of this feed: positions of another one mean nothing here. */
  readonly id: string
  /** The last committed position. */
  readonly sequence: number
  /** Below this position events may be missing. */
  readonly floor: number
}

/** The feed of one replica. */
export class ChangeFeed {
  /** Reads it from the store; for readers that are behind what the listener was notified of. */
  readonly reader: FeedReader
  readonly #core: ReplicaCore
  readonly #log: UpdateLog

  constructor(core: ReplicaCore, log: UpdateLog) {
    this.#core = core
    this.#log = log
    this.reader = new FeedReader(core.store, (row) => core.guard.damage.emit(row))
  }

  /** Id, last committed position and floor of this feed. */
  get bounds(): FeedBounds {
    const { feedId, sequence, feedFloor } = this.#core.committed.state
    return { id: feedId, sequence, floor: feedFloor }
  }

  /** Holds what came after a position for readers, as far as the log's limits allow; null: nothing. */
  hold(sequence: number | null): void {
    this.#log.holdFeed(sequence)
  }

  /** Remembers over a restart from where on it is held; null: nowhere. Rejects with STORE_FAILED. */
  saveHold(sequence: number | null): Promise<void> {
    const row = sequence === null ? null : encodeFeedHold(sequence)
    return this.#core.submit((batch) => batch.set(feedHoldKey, row))
  }

  /**
   * Position after which the feed was held when the previous run ended: undefined when it was not held, 0 when that is
   * unreadable.
   */
  held(): number | undefined {
    try {
      const row = this.#core.store.get(feedHoldKey)
      return row === undefined ? undefined : decodeFeedHold(row)
    } catch (error) {
      // A damaged row holds everything: readers miss nothing then.
      if (isDamage(error)) return 0
      throw error
    }
  }

  /**
   * Marks a row as lost: readers from before it get an error from now on, those from the beginning pass over it.
   * Rejects with STORE_FAILED.
   */
  markLost(sequence: number): Promise<void> {
    return this.#core.write((batch) => {
      batch.touch()
      this.#core.ledger.feed.raiseFloor(sequence)
    })
  }
}
