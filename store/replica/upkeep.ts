/** What a replica does by itself now and then: lets go of acknowledged log rows, of idle baselines, and of old answers. */
import type { Environment, Timer } from '../environment.js'
import type { BaselineSweep } from './baselines.js'
import type { DigestSweep } from './digest-rows.js'
import { baselineSweepChance, digestSweepIntervalMs, retryPruneIntervalMs, trimIntervalMs } from './limits.js'
import type { UpdateLog } from './log.js'
import type { Retries } from './retries.js'

/** What is needed of the replica. */
export interface UpkeepOwner {
  readonly environment: Environment
  readonly log: UpdateLog
  readonly baselines: BaselineSweep
  readonly digests: DigestSweep
  readonly retries: Retries
  /** Whether rows may go: the store is verified, and takes writes. */
  readonly isAllowed: boolean
  warn(about: string, warning: string): void
}

/** Tidies one store at intervals. */
export class Upkeep {
  readonly #owner: UpkeepOwner
  #timer: Timer | undefined
  /** When remembered answers were last pruned, on the monotonic clock; the first time is soon after the start. */
  #prunedAtMs = Number.NEGATIVE_INFINITY
  /** When digests were last looked at, on the same clock. */
  #sweptAtMs = Number.NEGATIVE_INFINITY
  #isStopped = false

  constructor(owner: UpkeepOwner) {
    this.#owner = owner
  }

  /** Tidies at intervals from now on. */
  start(): void {
    this.#timer?.cancel()
    if (this.#isStopped) return
    this.#timer = this.#owner.environment.setTimer(trimIntervalMs, () => {
      this.#tidy()
        .catch((error: unknown) => this.#owner.warn('trim', `the update log could not be trimmed: ${String(error)}`))
        .finally(() => this.start())
    })
  }

  /** Ends it. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  /** Lets go of log rows that every member has acknowledged. Returns how many went. */
  async trim(): Promise<number> {
    const { log, isAllowed } = this.#owner
    if (!isAllowed) return 0
    const trimmed = await log.trim()
    await log.compact()
    return trimmed
  }

  /** Deletes baselines of counters that subtract from nothing any more, anywhere. Returns how many. */
  async sweepBaselines(): Promise<number> {
    return this.#owner.isAllowed ? this.#owner.baselines.sweep() : 0
  }

  async #tidy(): Promise<void> {
    const { environment, retries } = this.#owner
    await this.trim()
    if (environment.random() < baselineSweepChance) await this.sweepBaselines()
    const nowMs = environment.monotonicMs()
    if (this.#owner.isAllowed && nowMs - this.#sweptAtMs >= digestSweepIntervalMs) {
      this.#sweptAtMs = nowMs
      await this.#owner.digests.sweep()
    }
    if (!this.#owner.isAllowed || nowMs - this.#prunedAtMs < retryPruneIntervalMs) return
    this.#prunedAtMs = nowMs
    await retries.prune()
  }
}
