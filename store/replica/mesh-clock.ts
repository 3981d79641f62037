/** What one node knows of time: its own wall clock, and those of the members that were heard of late. */
import type { Environment } from '../environment.js'
import { agreedNowMs, type HeardClocks, sharedNowMs } from '../model/clock.js'
import { expiryGraceMs, sharedClockKeptMs, sharedClockSlackMs } from './limits.js'

/** The members' clocks as they were heard in the last minute. */
export type MemberClocks = () => HeardClocks

/** The clocks of a node that has no members. */
export const noMembers: HeardClocks = { hasMembers: false, offsetsMs: [] }

/** The clock that nodes which hear each other have in common. */
export class MeshClock {
  readonly #environment: Environment
  #members: MemberClocks = () => noMembers
  /** The common clock and our own against the monotonic one, when they were looked at last. */
  #looked: { readonly atMs: number; readonly sharedMs: number; readonly ownMs: number } | undefined

  constructor(environment: Environment) {
    this.#environment = environment
  }

  /** Names the source of the members' clocks. */
  setMembers(members: MemberClocks): void {
    this.#members = members
    this.#looked = undefined
  }

  /** Now, by the median of the own clock and the members': what orders versions for display. Cheap: every read asks. */
  sharedNowMs(): number {
    const monotonicMs = this.#environment.monotonicMs()
    const nowMs = this.#environment.nowMs()
    const ownMs = nowMs - monotonicMs
    const looked = this.#looked
    const isFresh =
      looked !== undefined &&
      monotonicMs - looked.atMs < sharedClockKeptMs &&
      Math.abs(ownMs - looked.ownMs) < sharedClockSlackMs
    if (isFresh) return monotonicMs + looked.sharedMs
    const sharedMs = sharedNowMs(nowMs, this.#members()) - monotonicMs
    this.#looked = { atMs: monotonicMs, sharedMs, ownMs }
    return monotonicMs + sharedMs
  }

  /** The moment up to which deadlines have passed for good: a minute ago by the own clock and by the members'. NaN while none of them is heard. */
  expiredByMs(): number {
    return agreedNowMs(this.#environment.nowMs(), this.#members()) - expiryGraceMs
  }
}
