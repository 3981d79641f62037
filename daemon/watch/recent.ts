/** The last events, in one bounded sequence without gaps, for all readers that lag only a little. */
import type { FeedEvent } from '../../store/replica/types.js'
import { recentBytesMax, recentEventsMax } from './limits.js'

/** One event with its frame, which is made when the first reader takes it. */
interface Recent {
  readonly event: FeedEvent
  frame: Buffer | undefined
  bytes: number
}

const overheadBytes = 256
const supersededBytes = 64

/** Bounds, for tests. */
export interface RecentLimits {
  readonly eventsMax: number
  readonly bytesMax: number
}

/** A sequence of events; the oldest are dropped when it exceeds its bounds. */
export class RecentEvents {
  readonly #render: (event: FeedEvent) => Buffer
  readonly #limits: RecentLimits
  #entries: Recent[] = []
  #bytes = 0

  /** `render` makes the frame of an event. */
  constructor(render: (event: FeedEvent) => Buffer, limits?: RecentLimits) {
    this.#render = render
    this.#limits = limits ?? { eventsMax: recentEventsMax, bytesMax: recentBytesMax }
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds consecutive events; after a gap the sequence starts again. */
  add(events: readonly FeedEvent[]): void {
    for (const event of events) {
      if (event.sequence !== (this.#entries.at(-1)?.event.sequence ?? Number.NaN) + 1) this.clear()
      const bytes = overheadBytes + (event.value?.length ?? 0) + (event.supersedes?.length ?? 0) * supersededBytes
      this.#entries.push({ event: ownBytes(event), frame: undefined, bytes })
      this.#bytes += bytes
    }
    this.#shrink()
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries = []
    this.#bytes = 0
  }

  /** The event at a position; undefined when it is not held. */
  at(sequence: number): FeedEvent | undefined {
    return this.#find(sequence)?.event
  }

  /** Returns the frame of the event at a position that is held. */
  frame(sequence: number): Buffer {
    const recent = this.#find(sequence)!
    if (recent.frame === undefined) {
      recent.frame = this.#render(recent.event)
      recent.bytes += recent.frame.length
      this.#bytes += recent.frame.length
    }
    const { frame } = recent
    this.#shrink()
    return frame
  }

  #find(sequence: number): Recent | undefined {
    return this.#entries[sequence - (this.#entries[0]?.event.sequence ?? 0)]
  }

  #shrink(): void {
    let gone = 0
    while (
      gone < this.#entries.length &&
      (this.#entries.length - gone > this.#limits.eventsMax || this.#bytes > this.#limits.bytesMax)
    ) {
      this.#bytes -= this.#entries[gone++]!.bytes
    }
    if (gone > 0) this.#entries.splice(0, gone)
  }
}

/** Copies the value: as a view of something larger (a whole frame of a peer) it would keep all of that in memory. */
function ownBytes(event: FeedEvent): FeedEvent {
  const { value } = event
  return value === null || value.byteLength === value.buffer.byteLength
    ? event
    : { ...event, value: new Uint8Array(value) }
}
