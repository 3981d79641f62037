/** The change feed as the writer extends it: each update and each removal gets its place, in local arrival order. */
import type { Address } from '../model/address.js'
import type { Dot } from '../model/dot.js'
import type { Update, Version } from '../model/update.js'
import type { DotRow } from '../rows/dots.js'
import { encodeFeed, feedKey } from '../rows/feed.js'
import type { StateRow } from '../rows/state.js'
import type { Batch } from './batch.js'
import { feedSupersedesMax } from './limits.js'
import type { FeedEvent } from './types.js'

const opOf = { put: 'put', delete: 'del', expiry: 'expire' } as const

const nothingSuperseded: ReturnType<typeof shownSuperseded> = { supersedes: [], supersedesMore: 0 }

/** The dots that an event names as superseded, as many as are shown; undefined: they are not known. */
export function shownSuperseded(dots: readonly Dot[] | undefined): Pick<FeedEvent, 'supersedes' | 'supersedesMore'> {
  if (dots?.length === 0) return nothingSuperseded
  const supersedes = dots?.slice(0, feedSupersedesMax).map(({ actor, counter }) => ({ actor, counter }))
  return { supersedes, supersedesMore: Math.max(0, (dots?.length ?? 0) - feedSupersedesMax) }
}

/** The feed that the next batch builds on. */
export class FeedRows {
  readonly #feedId: string
  #sequence: number
  #floor: number
  #events: FeedEvent[] = []
  #reopened = Number.POSITIVE_INFINITY

  constructor({ sequence, feedFloor, feedId }: StateRow) {
    this.#sequence = sequence
    this.#floor = feedFloor
    this.#feedId = feedId
  }

  /**
   * The last position, the position below which rows may be missing, and the feed's id, as the next batch will have
   * them.
   */
  get state(): Pick<StateRow, 'sequence' | 'feedFloor' | 'feedId'> {
    return { sequence: this.#sequence, feedFloor: this.#floor, feedId: this.#feedId }
  }

  /** Notes how to take back what the present write does to the feed. */
  guard(batch: Batch): void {
    const sequence = this.#sequence
    const floor = this.#floor
    const { length } = this.#events
    batch.onUndo(() => {
      this.#sequence = sequence
      this.#floor = floor
      this.#events.length = length
    })
  }

  /**
   * Position of an update in the feed: the one that it got when its version came bare, otherwise the next one.
   * `isBare`: what it superseded is not known.
   */
  placeOf(batch: Batch, update: Update, known: DotRow | undefined, isBare: boolean): number {
    if (known?.state === 'live') return known.sequence
    if (known === undefined || known.sequence === 0) return this.#arrive(batch, update, isBare)
    this.#reopened = Math.min(this.#reopened, known.sequence)
    return known.sequence
  }

  /**
   * A version was removed elsewhere. The event of its arrival stays readable, without its bytes. `arrival`: its place,
   * or 0.
   */
  remove(batch: Batch, address: Address, { dot, time }: Version, arrival: number): void {
    const isAboveFloor = arrival > this.#floor
    if (arrival > 0) {
      const key = feedKey(arrival)
      batch.set(key, isAboveFloor ? encodeFeed(key, { kind: 'past', dot, address, time }) : null)
    }
    const sequence = this.#next()
    const key = feedKey(sequence)
    batch.set(key, encodeFeed(key, { kind: 'removal', dot, address, time, arrival: isAboveFloor ? arrival : 0 }))
    this.#events.push({ sequence, address, op: 'del', dot, time, value: null, ...shownSuperseded(undefined) })
  }

  /** Notes a new floor: below it rows may be missing. */
  raiseFloor(sequence: number): void {
    if (sequence > this.#floor) this.#floor = sequence
  }

  /** The events since the last call, in order. */
  takeEvents(): FeedEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  /**
   * The least position whose log row has something to wait for again since the last call; Infinity when there is none.
   */
  takeReopened(): number {
    const reopened = this.#reopened
    this.#reopened = Number.POSITIVE_INFINITY
    return reopened
  }

  #arrive(batch: Batch, update: Update, isBare: boolean): number {
    const { address, dot, time, value, kind } = update
    const sequence = this.#next()
    const key = feedKey(sequence)
    batch.set(key, encodeFeed(key, { kind: 'update', dot }))
    const { supersedes, supersedesMore } = shownSuperseded(isBare ? undefined : update.supersedes)
    this.#events.push({ sequence, address, op: opOf[kind], dot, time, value, supersedes, supersedesMore })
    return sequence
  }

  #next(): number {
    this.#sequence++
    return this.#sequence
  }
}
