/** Budget of a daemon's restarts by itself: a disk that fails again and again is for its operator to see. */

/** Restarts at most within the window. */
export const restartsMax = 3
/** The window, in milliseconds. */
export const restartWindowMs = 600_000

/** Counts restarts. */
export class RestartBudget {
  readonly #nowMs: () => number
  #restartsMs: number[] = []

  /** `nowMs`: a monotonic clock, in milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** True if one more restart is allowed now, which is then counted. */
  take(): boolean {
    const nowMs = this.#nowMs()
    this.#restartsMs = this.#restartsMs.filter((atMs) => nowMs - atMs < restartWindowMs)
    if (this.#restartsMs.length >= restartsMax) return false
    this.#restartsMs.push(nowMs)
    return true
  }
}
