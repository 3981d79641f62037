/** Pace at which a watched template is rendered again, and a failed command repeated. Pure: times are given. */
import { commandRetryMsFirst, commandRetryMsMax, renderIntervalMs, renderRefreshMs, renderSettleMs } from '../limits.js'

const never = Number.POSITIVE_INFINITY

/**
 * Times of one template, in milliseconds of a clock that never goes back. A change waits a moment for others, and
 * between two renderings there is a least interval. Without a change it is time after a while all the same: a key that
 * expires is gone before the feed says so. A failed command is repeated with growing delays, until it succeeds.
 */
export class Pace {
  #changedMs = never
  #endedMs = Number.NEGATIVE_INFINITY
  #failures = 0
  #retryMs = never

  /** Time of the next rendering. */
  get nextMs(): number {
    const changed = Math.max(this.#changedMs + renderSettleMs, this.#endedMs + renderIntervalMs)
    return Math.min(changed, this.#retryMs, this.#endedMs + renderRefreshMs)
  }

  /** Records a change of something that is rendered. */
  changed(nowMs: number): void {
    this.#changedMs = Math.min(this.#changedMs, nowMs)
  }

  /**
   * Records that a rendering begins, which sees all changes so far.
   * @returns true if the command is to be run even if nothing has changed, since it failed and its delay is over
   */
  begin(nowMs: number): boolean {
    this.#changedMs = never
    return nowMs >= this.#retryMs
  }

  /** Records the end of a rendering, and what became of the command if one was run. */
  ended(nowMs: number, command: 'none' | 'done' | 'failed'): void {
    this.#endedMs = nowMs
    if (command === 'none') return
    this.#failures = command === 'done' ? 0 : this.#failures + 1
    const delayMs = Math.min(commandRetryMsMax, commandRetryMsFirst * 2 ** (this.#failures - 1))
    this.#retryMs = command === 'done' ? never : nowMs + delayMs
  }
}
