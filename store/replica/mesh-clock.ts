/**
 * Clocks as one node knows them: its own wall clock, those of the members heard of late, and times from beyond the
 * bound.
 */
import type { Environment } from '../environment.js'
import { agreedNowMs, type HeardClocks, type HybridTime, isFuture, sharedNowMs } from '../model/clock.js'
import type { MemberTag } from '../model/codec.js'
import type { DisplayClock } from '../model/register.js'
import { clockLookKeptMs, clockLookSlackMs, expiryGraceMs } from './limits.js'

/** The members' clocks as they were heard in the last minute. */
export type MemberClocks = () => HeardClocks

/** The clocks of a node that has no members. */
export const noMembers: HeardClocks = { hasMembers: false, offsetsMs: [] }

/** Result of one look at all clocks, in milliseconds: the monotonic clock, and the offsets of the others from it. */
interface Look {
  readonly atMs: number
  readonly ownMs: number
  readonly sharedMs: number
  readonly agreedMs: number
  readonly hasMembers: boolean
}

/**
 * The clock that nodes which hear each other have in common. Cheap: every read and every write asks, and all clocks are
 * looked at now and then.
 */
export class MeshClock {
  readonly #environment: Environment
  readonly #boundMs: number
  readonly #futureTimes: FutureTimes
  #members: MemberClocks = () => noMembers
  #look: Look | undefined

  /** `boundMs`: how far in the future a time may lie before it is shown last. */
  constructor(environment: Environment, boundMs: number) {
    this.#environment = environment
    this.#boundMs = boundMs
    this.#futureTimes = new FutureTimes(boundMs)
  }

  /** Names the source of the members' clocks. */
  setMembers(members: MemberClocks): void {
    this.#members = members
    this.#look = undefined
  }

  /** Clock for the display of versions: the own time, the shared time, and the bound on times in the future. */
  display(): DisplayClock {
    return { nowMs: this.#environment.nowMs(), sharedNowMs: this.sharedNowMs(), clockBoundMs: this.#boundMs }
  }

  /** Now, by the median of the own clock and the members': what orders versions for display. */
  sharedNowMs(): number {
    const monotonicMs = this.#environment.monotonicMs()
    return monotonicMs + this.#looked(monotonicMs).sharedMs
  }

  /**
   * The moment up to which deadlines have passed for good: a minute ago by the own clock and by the members'. NaN while
   * none of them is heard.
   */
  expiredByMs(): number {
    const monotonicMs = this.#environment.monotonicMs()
    return monotonicMs + this.#looked(monotonicMs).agreedMs - expiryGraceMs
  }

  /** Notes that an update of a member came with a time beyond the bound. */
  futureTimeMet(time: HybridTime, member: MemberTag): void {
    this.#futureTimes.met(time, member)
  }

  /** Members of whom updates came with times that are still beyond the bound: they are shown last. */
  futureTimes(): FutureTime[] {
    return this.#futureTimes.still(this.sharedNowMs())
  }

  /**
   * The last look, unless it is of some time ago, or the own clock has stepped since. That of a node without members is
   * not kept: it goes by its own clock only until the first record has come, with which deadlines come as well.
   */
  #looked(monotonicMs: number): Look {
    const nowMs = this.#environment.nowMs()
    const ownMs = nowMs - monotonicMs
    const last = this.#look
    const isRecent = last?.hasMembers === true && monotonicMs - last.atMs < clockLookKeptMs
    if (isRecent && Math.abs(ownMs - last.ownMs) < clockLookSlackMs) return last
    const heard = this.#members()
    const sharedMs = sharedNowMs(nowMs, heard) - monotonicMs
    const agreedMs = agreedNowMs(nowMs, heard) - monotonicMs
    this.#look = { atMs: monotonicMs, ownMs, sharedMs, agreedMs, hasMembers: heard.hasMembers }
    return this.#look
  }
}

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
