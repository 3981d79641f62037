/** Schedule of the renewals of a key that is kept alive, and their names. Pure: times and random numbers are given. */

/** Renewals in the time to live of a key, and the longest time from one to the next. */
const renewalsInTtl = 3
const renewalMsMax = 3_600_000
/**
 * Share of the time to live after which an attempt is given up, the pause before the next one, and the longest of each.
 */
const attemptShare = 1 / 6
const attemptMsMax = 10_000
const pauseShare = 1 / 12
const pauseMsMax = 1_000
/** Share of the time between two renewals by which they are spread. */
const spreadShare = 0.1

/** The shortest time to live that can be kept alive, in milliseconds. */
export const keptTtlMsMin = 3_000
/** The time to live of a key that is kept alive, in milliseconds, unless it is said. */
export const keptTtlMsDefault = 30_000

/**
 * Renewals of one key. The next attempt begins a third of the time to live after the beginning of the last one that was
 * stored. It is given up after a sixth, and tried again after a twelfth at the latest: an attempt that begins at 7/12
 * ends at 3/4, so that one missed renewal does no harm, however slowly it is missed.
 *
 * An attempt that failed may be stored all the same. It is therefore repeated under its name until it is answered; what
 * is answered then may be as old as its first attempt.
 */
export class Renewals {
  readonly ttlMs: number
  readonly #random: () => number
  #firstBeganMs: number | undefined
  #heldFromMs: number
  #nextMs: number
  #number = 1
  #failures = 0

  /**
   * @param beganMs beginning of the put that stored the key
   * @param random a number from 0 up to 1
   */
  constructor(ttlMs: number, beganMs: number, random: () => number) {
    this.ttlMs = ttlMs
    this.#random = random
    this.#heldFromMs = beganMs
    this.#nextMs = this.#dueMs()
  }

  /** Time at which the next attempt begins. */
  get nextMs(): number {
    return this.#nextMs
  }

  /** Number of the renewal that is tried next; a repeated one keeps its number. */
  get number(): number {
    return this.#number
  }

  /** Failed attempts since the last one that was stored. */
  get failures(): number {
    return this.#failures
  }

  /** Time until which the key lives at least, as far as is known. */
  get livesUntilMs(): number {
    return this.#heldFromMs + this.ttlMs
  }

  /** Longest duration of an attempt. */
  get attemptMsMax(): number {
    return Math.min(this.ttlMs * attemptShare, attemptMsMax)
  }

  /** Records the beginning of an attempt. */
  began(nowMs: number): void {
    this.#firstBeganMs ??= nowMs
  }

  /** Records that the attempt was answered: the key is stored. */
  stored(): void {
    this.#heldFromMs = this.#firstBeganMs ?? this.#heldFromMs
    this.#firstBeganMs = undefined
    this.#number++
    this.#failures = 0
    this.#nextMs = this.#dueMs()
  }

  /**
   * Records that the attempt failed.
   * @param mayBeStored false if it is certain that the daemon never saw it
   */
  failed(nowMs: number, mayBeStored: boolean): void {
    if (!mayBeStored && this.#failures === 0) this.#firstBeganMs = undefined
    this.#failures++
    this.#nextMs = nowMs + Math.min(this.ttlMs * pauseShare, pauseMsMax)
  }

  #dueMs(): number {
    const intervalMs = Math.min(this.ttlMs / renewalsInTtl, renewalMsMax)
    return this.#heldFromMs + intervalMs * (1 - spreadShare * this.#random())
  }
}
