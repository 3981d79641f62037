/** Announced groups that are still to be fetched: which to fetch now, from whom, and when to give up. */
import { type Dot, dotText } from '../../../store/model/dot.js'
import type { PeerId } from '../../network.js'
import { type Announcement, announcedBytes } from '../messages.js'

/** Bounds of the fetches. */
export interface FetchLimits {
  readonly pendingMax: number
  readonly atOnceMax: number
  readonly bytesAtOnceMax: number
  readonly groupBytesMax: number
  readonly attemptsMax: number
}

/** One announced group. */
export interface Pending {
  readonly announcement: Announcement
  /** The neighbour that the announcement came from. */
  readonly from: PeerId
  readonly bytes: number
  readonly dots: readonly Dot[]
}

interface Slot extends Pending {
  attempts: number
  /** Not before this moment, in monotonic milliseconds. */
  dueMs: number
  isUnderWay: boolean
  /** Neighbours asked so far, the latest last. */
  asked: PeerId[]
}

/** A bounded set of groups to be fetched. */
export class Fetches {
  readonly #limits: FetchLimits
  readonly #slots = new Map<string, Slot>()
  readonly #pendingDots = new Map<string, number>()
  #underWay = 0
  #bytesUnderWay = 0

  constructor(limits: FetchLimits) {
    this.#limits = limits
  }

  /** Groups that wait or are being fetched. */
  get size(): number {
    return this.#slots.size
  }

  /** True if a dot belongs to a group that is to be fetched. */
  isPending(dot: Dot): boolean {
    return this.#pendingDots.has(dotText(dot))
  }

  /**
   * Takes an announcement. Returns `known` when the group is pending already, `refused` when it is too large or too
   * many wait.
   */
  add(announcement: Announcement, from: PeerId, nowMs: number): 'added' | 'known' | 'refused' {
    const key = dotText(announcement.updates[0]!.dot)
    if (this.#slots.has(key)) return 'known'
    const bytes = announcedBytes(announcement.updates)
    if (this.#slots.size >= this.#limits.pendingMax || bytes > this.#limits.groupBytesMax) return 'refused'
    const dots = announcement.updates.map(({ dot }) => dot)
    const slot = { announcement, from, bytes, dots, attempts: 0, dueMs: nowMs, isUnderWay: false, asked: [] }
    this.#slots.set(key, slot)
    for (const dot of dots) this.#countDot(dot, 1)
    return 'added'
  }

  /**
   * Takes the next group to be fetched now, and from whom: the neighbour that announced it, then its writer, then
   * others. `candidates` are the connected peers in a random order. Undefined when nothing is due or enough are under
   * way.
   */
  take(
    nowMs: number,
    candidates: readonly PeerId[],
    writerOf: (pending: Pending) => PeerId | undefined,
  ): Fetch | undefined {
    if (this.#underWay >= this.#limits.atOnceMax || candidates.length === 0) return undefined
    for (const slot of this.#slots.values()) {
      if (slot.isUnderWay || slot.dueMs > nowMs) continue
      if (this.#underWay > 0 && this.#bytesUnderWay + slot.bytes > this.#limits.bytesAtOnceMax) continue
      const peer = nextPeer(slot, candidates, writerOf(slot))
      slot.isUnderWay = true
      slot.attempts++
      slot.asked = [...slot.asked.filter((other) => other !== peer), peer]
      this.#underWay++
      this.#bytesUnderWay += slot.bytes
      return { pending: slot, peer }
    }
    return undefined
  }

  /** A fetch has brought the group, or the group has come by another way. */
  done(pending: Pending): void {
    const slot = this.#release(pending)
    if (slot !== undefined) this.#remove(slot)
  }

  /**
   * A fetch has failed. Returns how many attempts were made when the group is tried again after `delayMs(attempts)`;
   * undefined when it is given up, which leaves a gap.
   */
  failed(pending: Pending, nowMs: number, delayMs: (attempts: number) => number): number | undefined {
    const slot = this.#release(pending)
    if (slot === undefined) return undefined
    if (slot.attempts >= this.#limits.attemptsMax) {
      this.#remove(slot)
      return undefined
    }
    slot.dueMs = nowMs + delayMs(slot.attempts)
    return slot.attempts
  }

  /** Time when the next waiting group is due, in monotonic milliseconds; undefined when none waits. */
  nextDueMs(): number | undefined {
    const due = [...this.#slots.values()].filter((slot) => !slot.isUnderWay).map((slot) => slot.dueMs)
    return due.length === 0 ? undefined : Math.min(...due)
  }

  #release(pending: Pending): Slot | undefined {
    const slot = this.#slots.get(dotText(pending.dots[0]!))
    if (slot === undefined) return undefined
    if (slot.isUnderWay) {
      slot.isUnderWay = false
      this.#underWay--
      this.#bytesUnderWay -= slot.bytes
    }
    return slot
  }

  #remove(slot: Slot): void {
    this.#slots.delete(dotText(slot.dots[0]!))
    for (const dot of slot.dots) this.#countDot(dot, -1)
  }

  #countDot(dot: Dot, by: number): void {
    const key = dotText(dot)
    const count = (this.#pendingDots.get(key) ?? 0) + by
    if (count === 0) this.#pendingDots.delete(key)
    else this.#pendingDots.set(key, count)
  }
}

/** A group and the peer that it is to be fetched from. */
export interface Fetch {
  readonly pending: Pending
  readonly peer: PeerId
}

/** Orders peers: those not asked yet first, in order of preference; then those asked longest ago. */
function nextPeer(slot: Slot, candidates: readonly PeerId[], writer: PeerId | undefined): PeerId {
  const preferred = [slot.from, ...(writer === undefined ? [] : [writer]), ...candidates]
  const connected = preferred.filter((peer) => candidates.includes(peer))
  const fresh = connected.find((peer) => !slot.asked.includes(peer))
  return fresh ?? slot.asked.find((peer) => candidates.includes(peer)) ?? connected[0]!
}
