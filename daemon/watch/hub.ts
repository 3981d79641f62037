/**
 * The hub of the change feed: it hears of every commit and serves all readers, in memory that does not grow with them.
 */
import type { Writable } from 'node:stream'
import type { Environment } from '../../store/environment.js'
import { HearsayError } from '../../store/errors.js'
import type { MemberTag } from '../../store/model/codec.js'
import { cursorGone, type FeedPosition, markOf } from '../../store/replica/feed.js'
import type { Replica } from '../../store/replica/replica.js'
import type { Commit, FeedEvent } from '../../store/replica/types.js'
import { namedCounts, type WatchCounts } from '../metrics/counters.js'
import { cursorText, parseCursor } from './cursor.js'
import { Hold } from './hold.js'
import { stallMsMax, watchersMax } from './limits.js'
import { type PumpEnd, pump } from './pump.js'
import { Reader, type Source } from './reader.js'
import { RecentEvents, type RecentLimits } from './recent.js'
import { eventFrame, eventJson } from './render.js'

/** The part of the replica that the hub needs. */
export type WatchedReplica = Pick<Replica, 'feed' | 'memberOf'>

/** Options of a hub. */
export interface HubOptions {
  readonly replica: WatchedReplica
  readonly environment: Environment
  /** The name of the member behind a tag. */
  nameOf(member: MemberTag): string
  /** Bounds, for tests. */
  readonly recent?: RecentLimits
  readonly watchersMax?: number
  readonly stallMs?: number
  readonly pageRowsMax?: number
}

/** Request of a reader. */
export interface WatchRequest {
  /** A cursor, `0` for the beginning of what is kept, or undefined for now. */
  readonly since: string | undefined
  /** True to send what there is first, when no cursor is given, and to tell where that ends. */
  readonly initial?: boolean
  readonly prefix: string
  /** Aborted when the reader is gone. */
  readonly signal: AbortSignal
}

/** A reader that is being served. */
export interface Watch {
  /**
   * Sends to a connection what comes, in order, as server-sent events, until one side ends it. Throws CURSOR_GONE when
   * the log has trimmed what follows.
   */
  send(to: Writable): Promise<PumpEnd>
  /** The final message when `send` has failed. */
  farewell(error: HearsayError): Buffer
  /** Releases the reader; must be called at the end. */
  close(): void
}

/** The change feed as the API uses it. */
export type WatchFeed = Pick<WatchHub, 'open'>

/** Serves the readers of the change feed. */
export class WatchHub {
  readonly #options: HubOptions
  readonly #recent: RecentEvents
  readonly #readers = new Set<Reader>()
  readonly #waiting = new Set<() => void>()
  readonly #hold: Hold
  readonly #stopping = new AbortController()
  readonly #counts: WatchCounts = { opened: 0, cut: 0, events: 0 }
  #isWaking = false
  #onEmpty: (() => void) | undefined

  constructor(options: HubOptions) {
    const { replica } = options
    this.#options = options
    this.#recent = new RecentEvents(
      (event) => this.#render(event, { sequence: event.sequence, base: 0 }, false),
      options.recent,
    )
    this.#hold = new Hold({
      environment: options.environment,
      readers: () => leastOf(this.#readers),
      apply: (sequence) => replica.feed.hold(sequence),
      // A store that fails has said so by itself.
      save: (sequence) => void replica.feed.saveHold(sequence).catch(() => {}),
    })
    const held = replica.feed.held()
    if (held !== undefined) this.#hold.resume(held)
  }

  /** Handles a commit; must be called for every one, in order. */
  committed(commit: Commit): void {
    if (this.#readers.size === 0 || commit.events.length === 0) return
    this.#recent.add(commit.events)
    this.#wake()
  }

  /** Begins to serve a reader. Throws BAD_CURSOR, CURSOR_GONE, TOO_MANY_WATCHERS. */
  async open({ since, initial = false, prefix, signal }: WatchRequest): Promise<Watch> {
    if (this.#readers.size >= (this.#options.watchersMax ?? watchersMax)) throw tooMany(this.#readers.size)
    const ended = AbortSignal.any([signal, this.#stopping.signal])
    const position = this.#positionOf(since, initial)
    const reader = new Reader(this.#source(), { position, prefix, initial, signal: ended })
    this.#readers.add(reader)
    this.#hold.note(reader.needsAfter)
    const close = () => this.#close(reader)
    try {
      await reader.prepare()
    } catch (error) {
      close()
      throw error
    }
    this.#counts.opened++
    const send = (to: Writable) => this.#send(reader, to, ended)
    return { send, farewell: (error) => reader.farewell(error), close }
  }

  /** Rising counts, by their names in the metrics. */
  counters(): Record<string, number> {
    return namedCounts('watch', this.#counts)
  }

  /** Readers being served. */
  get readers(): number {
    return this.#readers.size
  }

  /** Bytes of recent events held for all readers. */
  get bytes(): number {
    return this.#recent.bytes
  }

  /** Ends all readers; resolves when none reads from the store any more. */
  async stop(): Promise<void> {
    this.#hold.stop()
    this.#stopping.abort()
    if (this.#readers.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
  }

  async #send(reader: Reader, to: Writable, signal: AbortSignal): Promise<PumpEnd> {
    const { environment, stallMs = stallMsMax } = this.#options
    const end = await pump(reader.chunks(), to, { environment, stallMs, signal })
    if (end === 'stalled') this.#counts.cut++
    return end
  }

  #close(reader: Reader): void {
    if (!this.#readers.delete(reader)) return
    if (this.#readers.size > 0) return
    this.#recent.clear()
    this.#onEmpty?.()
  }

  #positionOf(since: string | undefined, initial: boolean): FeedPosition {
    const { replica } = this.#options
    const { id, sequence, floor } = replica.feed.bounds
    if (since === undefined) return initial ? { sequence: 0, base: sequence } : { sequence, base: 0 }
    if (since === '0') return { sequence: 0, base: floor }
    const cursor = parseCursor(since)
    // One from beyond the end was given before the data directory was set back.
    if (cursor.feedId !== id || Math.max(cursor.position.sequence, cursor.position.base) > sequence) throw otherFeed()
    const mark = replica.feed.reader.mark(cursor.position.sequence)
    if (mark !== 0 && cursor.mark !== 0 && mark !== cursor.mark) throw otherFeed()
    if (floor > Math.max(cursor.position.sequence, cursor.position.base)) throw cursorGone(floor)
    return cursor.position
  }

  #source(): Source {
    const { replica, environment } = this.#options
    return {
      environment,
      store: replica.feed.reader,
      pageRowsMax: this.#options.pageRowsMax,
      recent: this.#recent,
      feedId: replica.feed.bounds.id,
      last: () => replica.feed.bounds.sequence,
      render: (event, position, isInitial) => this.#render(event, position, isInitial),
      change: (timeoutMs, signal) => this.#change(timeoutMs, signal),
      lost: (sequence) => this.#lost(sequence),
      sent: () => {
        this.#counts.events++
      },
    }
  }

  #render(event: FeedEvent, position: FeedPosition, isInitial: boolean): Buffer {
    const { replica, nameOf } = this.#options
    const change = eventJson(event, { memberOf: replica.memberOf, nameOf })
    const json = isInitial ? { ...change, initial: true } : change
    return eventFrame(json, cursorText({ feedId: replica.feed.bounds.id, position, mark: markOf(event.dot) }))
  }

  /** Reports a missing row: below the floor the log has trimmed it, above it this is damage. */
  #lost(sequence: number): void {
    const { replica } = this.#options
    if (sequence > replica.feed.bounds.floor) replica.feed.markLost(sequence).catch(() => {})
  }

  /** Wakes all waiting readers in a later turn: the answers to the writes go first. */
  #wake(): void {
    if (this.#isWaking || this.#waiting.size === 0) return
    this.#isWaking = true
    void this.#options.environment.yieldTurn().then(() => {
      this.#isWaking = false
      for (const wake of [...this.#waiting]) wake()
    })
  }

  #change(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        timer.cancel()
        resolve()
      }
      const timer = this.#options.environment.setTimer(timeoutMs, done)
      signal.addEventListener('abort', done)
      this.#waiting.add(done)
      if (signal.aborted) done()
    })
  }
}

function leastOf(readers: Iterable<Reader>): number | undefined {
  let least: number | undefined
  for (const { needsAfter } of readers) least = least === undefined ? needsAfter : Math.min(least, needsAfter)
  return least
}

function otherFeed(): HearsayError {
  const message =
    'this cursor belongs to another feed, or to a later state of this one than the data directory holds; watch from now on or from the beginning (since=0)'
  return new HearsayError('CURSOR_GONE', message)
}

function tooMany(count: number): HearsayError {
  return new HearsayError('TOO_MANY_WATCHERS', `this node already serves ${count} watchers; end some of them`)
}
