/**
 * The change feed as the store keeps it: pages of events from a position on, each read under one snapshot.
 * Feed rows give the order, dot rows what happened, entries the bytes of what is live.
 */
import { crc32 } from 'node:zlib'
import { HearsayError } from '../errors.js'
import type { KvRow, KvSnapshot, KvStore } from '../kv.js'
import { isUserAddress } from '../model/address.js'
import { type Dot, dotText, sameDot } from '../model/dot.js'
import { type DotRow, decodeDotRow, dotKey } from '../rows/dots.js'
import { decodeVersions, entryKey } from '../rows/entries.js'
import { decodeFeed, type FeedRow, feedKey, feedSequence } from '../rows/feed.js'
import { isDamage } from '../rows/seal.js'
import { decodeState, stateKey } from '../rows/state.js'
import { shownSuperseded } from './feed-rows.js'
import { feedPageBytesMax, feedPageRowsMax } from './limits.js'
import type { FeedEvent } from './types.js'

/** Position of one reader in the feed. */
export interface FeedPosition {
  /** Everything up to here has been read. */
  readonly sequence: number
  /**
   * Up to here only what is live is shown: for a reader from the beginning, the floor of the feed when it began; else
   * 0.
   */
  readonly base: number
}

/** Request for one page of the feed. */
export interface FeedRequest {
  readonly from: FeedPosition
  /** The last committed position: nothing beyond it is shown. */
  readonly until: number
  /** Only keys that start like this. */
  readonly prefix: string
  /**
   * Time at which what is live is shown, in milliseconds since 1970: without what has expired. All of it when absent.
   */
  readonly nowMs?: number | undefined
  /** Rows looked at, at most; `feedPageRowsMax` when absent. */
  readonly rowsMax?: number | undefined
}

/** Some events in order; there may be none although more follow. */
export interface FeedPage {
  readonly events: readonly FeedEvent[]
  /** The last position that was looked at. */
  readonly sequence: number
}

const eventOverheadBytes = 256
const supersededBytes = 64

/** Reads the feed. */
export class FeedReader {
  readonly #store: KvStore
  readonly #onDamage: (error: Error) => void

  /**
   * `onDamage` is notified of dot rows and entries that cannot be read; a feed row that cannot is a gap, which goes
   * with the log.
   */
  constructor(store: KvStore, onDamage: (error: Error) => void) {
    this.#store = store
    this.#onDamage = onDamage
  }

  /**
   * The next page behind a position; the mesh's own records are never in it. Throws CURSOR_GONE as soon as an event
   * that should follow is no longer kept: none is ever left out in silence.
   */
  async read(request: FeedRequest): Promise<FeedPage> {
    const snapshot = this.#store.snapshot()
    try {
      const page = new Page(request, this.#floor(snapshot))
      const { from, until, rowsMax = feedPageRowsMax } = request
      const range = { gt: feedKey(from.sequence), lte: feedKey(until), limit: rowsMax }
      let rows = 0
      for await (const chunk of this.#store.scan(range, snapshot)) {
        for (const row of chunk) {
          rows++
          if (!page.reaches(feedSequence(row.key)) || !this.#take(page, row, snapshot)) return page.end()
        }
      }
      if (rows < rowsMax) page.reaches(until + 1)
      return page.end()
    } finally {
      await snapshot.close()
    }
  }

  /** A number that distinguishes the row at a position from one that another history has there; 0 when none is kept. */
  mark(sequence: number): number {
    const key = feedKey(sequence)
    const row = readable(() => this.#store.get(key))
    const feedRow = row === undefined ? undefined : readable(() => decodeFeed(key, row))
    return feedRow === undefined ? 0 : markOf(feedRow.dot)
  }

  #floor(snapshot: KvSnapshot): number {
    const row = this.#store.get(stateKey, snapshot)
    return row === undefined ? 0 : decodeState(row).feedFloor
  }

  /** Adds the event of a row to a page. Returns false when the page is full, or ends before this row. */
  #take(page: Page, row: KvRow, snapshot: KvSnapshot): boolean {
    const sequence = feedSequence(row.key)
    const feedRow = readable(() => decodeFeed(row.key, row.value))
    const event = feedRow === undefined ? 'lost' : this.#eventOf(feedRow, { page, sequence, snapshot })
    if (event === 'lost') return page.lack(sequence)
    return page.add(sequence, event)
  }

  /**
   * The event of a row; undefined when it is none for this reader; lost when it should be one, and cannot be read any
   * more.
   */
  #eventOf(row: FeedRow, { page, sequence, snapshot }: At): FeedEvent | undefined | 'lost' {
    const { dot } = row
    if (row.kind !== 'update') {
      const { address, time } = row
      if (page.showsLiveOnly(sequence) || !page.isWanted(address)) return undefined
      const op = row.kind === 'removal' ? 'del' : 'put'
      return { sequence, address, op, dot, time, value: null, ...shownSuperseded(undefined) }
    }
    const update = this.#dotRow(dot, snapshot)
    if (update === undefined || update.state === 'stub') return 'lost'
    const { address, time, kind } = update
    if (!page.isWanted(address) || (page.showsLiveOnly(sequence) && !page.isShown(update))) return undefined
    // It was lost to damage and came again: its place is the later one.
    if (update.sequence !== sequence && update.sequence !== 0) return undefined
    const op = kind === 'put' ? 'put' : kind === 'delete' ? 'del' : 'expire'
    const superseded = shownSuperseded(update.bare ? undefined : update.supersedes)
    return { sequence, address, op, dot, time, value: this.#valueOf(dot, update, snapshot), ...superseded }
  }

  /** The bytes of a put as far as they are kept. */
  #valueOf(dot: Dot, row: DotRow, snapshot: KvSnapshot): Uint8Array | null {
    if (row.state !== 'live') return row.value
    const key = entryKey(row.address)
    const versions = readable(() => {
      const entry = this.#store.get(key, snapshot)
      return entry === undefined ? [] : decodeVersions(key, entry)
    }, this.#onDamage)
    return versions?.find((version) => sameDot(version.dot, dot))?.value ?? null
  }

  #dotRow(dot: Dot, snapshot: KvSnapshot): DotRow | undefined {
    const key = dotKey(dot)
    const read = () => {
      const row = this.#store.get(key, snapshot)
      return row === undefined ? undefined : decodeDotRow(key, row)
    }
    return readable(read, this.#onDamage)
  }
}

/** Runs a read and returns its result; undefined when the row is damaged, which `onDamage` is notified of. */
function readable<T>(read: () => T, onDamage: (error: Error) => void = () => {}): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!isDamage(error)) throw error
    onDamage(error as Error)
    return undefined
  }
}

/** Row that is being read: its page, its position, and the snapshot of the read. */
interface At {
  readonly page: Page
  readonly sequence: number
  readonly snapshot: KvSnapshot
}

/** One page in the making. */
class Page {
  readonly #request: FeedRequest
  readonly #events: FeedEvent[] = []
  #sequence: number
  #bytes = 0

  constructor(request: FeedRequest, floor: number) {
    this.#request = request
    this.#sequence = request.from.sequence
    const { sequence, base } = request.from
    if (floor > Math.max(sequence, base)) throw cursorGone(floor)
  }

  isWanted(address: FeedEvent['address']): boolean {
    return isUserAddress(address) && address.key.startsWith(this.#request.prefix)
  }

  showsLiveOnly(sequence: number): boolean {
    return sequence <= this.#request.from.base
  }

  /** True if what is live is shown to a reader of the live alone: not when its time is over. */
  isShown({ state, expiresAtMs }: DotRow): boolean {
    const { nowMs = 0 } = this.#request
    return state === 'live' && (expiresAtMs === null || expiresAtMs > nowMs)
  }

  /**
   * Goes on to a row. Above the base every position has one: returns false when one before it is lacking and the page
   * must end there.
   */
  reaches(sequence: number): boolean {
    const expected = Math.max(this.#sequence, this.#request.from.base) + 1
    if (sequence > expected) return this.lack(expected)
    this.#sequence = Math.max(this.#sequence, sequence - 1)
    return true
  }

  /** Adds the event of a row. Returns whether more may be added. */
  add(sequence: number, event: FeedEvent | undefined): boolean {
    this.#sequence = sequence
    if (event === undefined) return true
    this.#events.push(event)
    this.#bytes += eventOverheadBytes + (event.value?.length ?? 0) + (event.supersedes?.length ?? 0) * supersededBytes
    return this.#bytes < feedPageBytesMax
  }

  /**
   * A row cannot be read: the page ends before it; one that would begin with it cannot be read. Returns whether to go
   * on.
   */
  lack(sequence: number): boolean {
    if (this.showsLiveOnly(sequence)) return this.add(sequence, undefined)
    if (sequence <= this.#request.from.sequence + 1) throw cursorGone(sequence)
    this.#sequence = sequence - 1
    return false
  }

  end(): FeedPage {
    return { events: this.#events, sequence: this.#sequence }
  }
}

/** Mark by which a dot is distinguished from another in the cursors of the feed; never 0. */
export function markOf(dot: Dot): number {
  return crc32(dotText(dot)) || 1
}

/** CURSOR_GONE: what stood at a position is no longer kept. */
export function cursorGone(at: number): HearsayError {
  return new HearsayError(
    'CURSOR_GONE',
    'events after this cursor are no longer kept; read what is there now, and watch from now on or from the beginning (since=0)',
    { at },
  )
}
