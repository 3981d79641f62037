/**
 * One reader of the change feed. It has a position and takes what follows: from the recent events when they reach back
 * so far, from the store otherwise. As both are addressed by position, the change from one to the other can neither
 * leave out an event nor show it twice; and as the reader pulls, nothing is kept for a slow one.
 */
import { watchHeartbeatMs } from '../../protocols/api/limits.js'
import type { Environment } from '../../store/environment.js'
import { HearsayError } from '../../store/errors.js'
import { isUserAddress } from '../../store/model/address.js'
import type { FeedPosition, FeedReader } from '../../store/replica/feed.js'
import type { FeedEvent } from '../../store/replica/types.js'
import { cursorText } from './cursor.js'
import { chunkBytesMax } from './limits.js'
import type { RecentEvents } from './recent.js'
import { commentFrame, initialEndFrame } from './render.js'

/** Source of events of a reader. */
export interface Source {
  readonly environment: Environment
  readonly store: FeedReader
  readonly recent: RecentEvents
  readonly feedId: string
  /** Rows of one page from the store; the usual number when undefined. */
  readonly pageRowsMax: number | undefined
  /** The last committed position. */
  last(): number
  /** Renders an event for a reader at its position; `isInitial`: as a part of what there was at the start. */
  render(event: FeedEvent, position: FeedPosition, isInitial: boolean): Buffer
  /** Resolves after the next commit, or after so many milliseconds, or when the signal is aborted. */
  change(timeoutMs: number, signal: AbortSignal): Promise<void>
  /** Called when the event at a position cannot be read any more. */
  lost(sequence: number): void
  /** Called for each event that was sent. */
  sent(): void
}

/** Request of a reader. */
export interface ReaderRequest {
  readonly position: FeedPosition
  readonly prefix: string
  /** True if what there is up to the base is marked, and its end told. */
  readonly initial: boolean
  /** Ends the reader. */
  readonly signal: AbortSignal
}

const nothing = Buffer.alloc(0)

/** Reads on from one position. */
export class Reader {
  readonly #source: Source
  readonly #request: ReaderRequest
  #position: FeedPosition
  /** Buffer that was read before anybody took it. */
  #ahead: Buffer | undefined
  #heartbeatAtMs: number
  /** True while the end of what there was is still to be told. */
  #owesEnd: boolean

  constructor(source: Source, request: ReaderRequest) {
    this.#source = source
    this.#request = request
    this.#position = request.position
    this.#owesEnd = request.initial
    this.#heartbeatAtMs = source.environment.monotonicMs() + watchHeartbeatMs
  }

  /**
   * Position after which everything is still needed; of what lies before it only what is live, which is always kept.
   */
  get needsAfter(): number {
    return Math.max(this.#position.sequence, this.#position.base)
  }

  /**
   * Reads the first events, so that an unreadable position is known before anything is answered. Throws CURSOR_GONE.
   */
  async prepare(): Promise<void> {
    const opening = this.#comment('watching')
    this.#ahead = Buffer.concat([opening, await this.#next()])
  }

  /**
   * Events and comments in order, as server-sent events; ends with the signal. Throws CURSOR_GONE when the log has let
   * go of what follows.
   */
  async *chunks(): AsyncGenerator<Buffer> {
    const { environment } = this.#source
    if (this.#ahead !== undefined) yield this.#ahead
    this.#ahead = undefined
    while (!this.#request.signal.aborted) {
      const leftMs = this.#heartbeatAtMs - environment.monotonicMs()
      if (leftMs <= 0) {
        this.#heartbeatAtMs = environment.monotonicMs() + watchHeartbeatMs
        yield this.#comment('')
      } else if (this.#isAtEnd) {
        await this.#source.change(leftMs, this.#request.signal)
      } else {
        const chunk = await this.#next()
        if (chunk.length > 0) yield chunk
      }
    }
  }

  /** A comment line that carries the position reached. */
  #comment(text: string): Buffer {
    return commentFrame(text, this.#cursor)
  }

  get #cursor(): string {
    const { feedId, store } = this.#source
    const position = this.#position
    return cursorText({ feedId, position, mark: store.mark(position.sequence) })
  }

  /** The final message to a reader that cannot be served any further: its position, and the reason. */
  farewell(error: HearsayError): Buffer {
    return this.#comment(`${error.code}: ${error.message}`)
  }

  get #isAtEnd(): boolean {
    return this.#position.sequence >= this.#source.last()
  }

  async #next(): Promise<Buffer> {
    const events = this.#isAtEnd ? nothing : (this.#fromRecent() ?? (await this.#fromStore()))
    const { sequence, base } = this.#position
    if (!this.#owesEnd || sequence < base) return events
    this.#owesEnd = false
    return Buffer.concat([events, initialEndFrame(this.#cursor)])
  }

  #fromRecent(): Buffer | undefined {
    const { recent } = this.#source
    let { sequence, base } = this.#position
    // Below the base only what is live is shown, which the recent events do not tell.
    if (sequence < base || recent.at(sequence + 1) === undefined) return undefined
    const frames: Buffer[] = []
    let bytes = 0
    for (let event = recent.at(sequence + 1); event !== undefined; event = recent.at(sequence + 1)) {
      sequence = event.sequence
      if (!this.#isWanted(event)) continue
      const frame = recent.frame(sequence)
      this.#source.sent()
      frames.push(frame)
      bytes += frame.length
      if (bytes >= chunkBytesMax) break
    }
    this.#position = { sequence, base }
    return frames.length === 1 ? frames[0]! : Buffer.concat(frames)
  }

  async #fromStore(): Promise<Buffer> {
    const { store, environment, pageRowsMax, last, render, sent } = this.#source
    await environment.yieldTurn()
    const from = this.#position
    const { initial, prefix } = this.#request
    // What there was is sent before anything else, so that its end stands in its place.
    const until = initial && from.sequence < from.base ? Math.min(last(), from.base) : last()
    const nowMs = initial ? environment.nowMs() : undefined
    const page = await store.read({ from, until, prefix, nowMs, rowsMax: pageRowsMax }).catch((error) => {
      if (error instanceof HearsayError && typeof error.details.at === 'number') this.#source.lost(error.details.at)
      throw error
    })
    const frames = page.events.map((event) =>
      render(event, { sequence: event.sequence, base: from.base }, initial && event.sequence <= from.base),
    )
    this.#position = { sequence: page.sequence, base: from.base }
    for (let left = frames.length; left > 0; left--) sent()
    return Buffer.concat(frames)
  }

  #isWanted({ address }: FeedEvent): boolean {
    return isUserAddress(address) && address.key.startsWith(this.#request.prefix)
  }
}
