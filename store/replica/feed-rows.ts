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

/** The dots that an event names as superseded, as many as are shown; undefined: they are not known. */
export function shownSuperseded(dots: readonly Dot[] | undefined): Pick<FeedEvent, 'supersedes' | 'supersedesMore'> {
  const supersedes = dots?.slice(0, feedSupersedesMax).map(({ actor, counter }) => ({ actor, counter }))
  return { supersedes, supersedesMore: Math.max(0, (dots?.length ?? 0) - feedSupersedesMax) }
}

/** The feed that the next batch builds on. */
export class FeedRows {
  #state: Pick<StateRow, 'sequence' | 'feedFloor' | 'feedId'>
  #events: FeedEvent[] = []
  #reopened = Number.POSITIVE_INFINITY

  constructor({ sequence, feedFloor, feedId }: StateRow) {
    this.#state = { sequence, feedFloor, feedId }
  }

  /**
   * The last position, the position below which rows may be missing, and the feed's id, as the next batch will have
   * them.
   */
  get state(): Pick<StateRow, 'sequence' | 'feedFloor' | 'feedId'> {
    return this.#state
  }

  /** Notes how to take back what the present write does to the feed. */
  guard(batch: Batch): void {
    const state = this.#state
    const { length } = this.#events
    batch.onUndo(() => {
      this.#state = state
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
    const isAboveFloor = arrival > this.#state.feedFloor
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
    if (sequence > this.#state.feedFloor) this.#state = { ...this.#state, feedFloor: sequence }
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
    const superseded = shownSuperseded(isBare ? undefined : update.supersedes)
    this.#events.push({ sequence, address, op: opOf[kind], dot, time, value, ...superseded })
    return sequence
  }

  #next(): number {
    const sequence = this.#state.sequence + 1
    this.#state = { ...this.#state, sequence }
    return sequence
  }
}
