/** Times from beyond the clock bound that updates came with: told for as long as they lie there, and kept nowhere else. */
import { type HybridTime, isFuture } from '../model/clock.js'
import type { MemberTag } from '../model/codec.js'

/** Updates of one member whose times lie beyond the bound. */
export interface FutureTime {
  readonly member: MemberTag
  /** Updates of the member that came so since the start. */
  readonly updates: number
  /** Milliseconds by which the latest of their times lies after now. */
  readonly aheadMs: number
}

/** Remembers, for each member, the latest time beyond the bound. */
export class FutureTimes {
  readonly #boundMs: number
  readonly #latest = new Map<MemberTag, { updates: number; time: HybridTime }>()

  /** `boundMs`: how far after now a time may lie. */
  constructor(boundMs: number) {
    this.#boundMs = boundMs
  }

  /** An update of a member came with such a time. */
  met(time: HybridTime, member: MemberTag): void {
    const before = this.#latest.get(member)
    const isLater = before === undefined || time.ms > before.time.ms
    this.#latest.set(member, { updates: (before?.updates ?? 0) + 1, time: isLater ? time : before.time })
  }

  /** Those that still lie beyond the bound. */
  still(nowMs: number): FutureTime[] {
    for (const [member, { time }] of this.#latest) {
      if (!isFuture(time, nowMs, this.#boundMs)) this.#latest.delete(member)
    }
    return [...this.#latest].map(([member, { updates, time }]) => ({ member, updates, aheadMs: time.ms - nowMs }))
  }
}
