/**
 * Upkeep of a replica at intervals: trims acknowledged log rows, folds counters, and deletes what is past its deadline,
 * idle baselines, old digests, and old answers.
 */
import type { Timer } from '../environment.js'
import { BaselineSweep } from './baselines.js'
import type { ReplicaCore } from './core.js'
import { DigestSweep } from './digest-sweep.js'
import { ExpirySweep } from './expiry.js'
import { CounterFolds } from './folds.js'
import type { Health } from './health.js'
import { baselineSweepChance, digestSweepIntervalMs, retryPruneIntervalMs, trimIntervalMs } from './limits.js'
import type { UpdateLog } from './log.js'
import { Retries } from './retries.js'

/** Maintains one store at intervals. */
export class Upkeep {
  readonly #core: ReplicaCore
  readonly #log: UpdateLog
  readonly #health: Health
  readonly #expiry: ExpirySweep
  readonly #baselines: BaselineSweep
  readonly #folds: CounterFolds
  readonly #digests: DigestSweep
  readonly #retries: Retries
  #timer: Timer | undefined
  /** Time of the last pruning of remembered answers, on the monotonic clock; the first is soon after the start. */
  #prunedAtMs = Number.NEGATIVE_INFINITY
  /** Time of the last sweep of digests, on the same clock. */
  #sweptAtMs = Number.NEGATIVE_INFINITY
  #isStopped = false

  /** Begins with the first verification that passes. */
  constructor(core: ReplicaCore, log: UpdateLog, health: Health) {
    this.#core = core
    this.#log = log
    this.#health = health
    this.#expiry = new ExpirySweep(core)
    this.#baselines = new BaselineSweep(core, log)
    this.#folds = new CounterFolds(core, log)
    this.#digests = new DigestSweep(core, log)
    this.#retries = new Retries(core)
    health.passes.listen(() => {
      this.#schedule()
      this.#expiry.start()
    })
  }

  /** Ends it. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#expiry.stop()
  }

  /** Trims log rows that every member has acknowledged. Returns how many went. Runs by itself once verified. */
  async trim(): Promise<number> {
    if (!this.#isAllowed) return 0
    const trimmed = await this.#log.trim()
    await this.#log.compact()
    return trimmed
  }

  /**
   * Deletes for good what is past its deadline, as the design's expiry rule allows. Returns how many versions. Runs by
   * itself once verified.
   */
  sweepExpired(): Promise<number> {
    return this.#expiry.sweep()
  }

  /**
   * Deletes baselines of counters that subtract from nothing any more, anywhere. Returns how many. Runs by itself now
   * and then.
   */
  async sweepBaselines(): Promise<number> {
    return this.#isAllowed ? this.#baselines.sweep() : 0
  }

  /** Folds counters that this process incremented, where it may. Returns how many. Runs by itself. */
  async foldCounters(): Promise<number> {
    return this.#isAllowed ? this.#folds.sweep() : 0
  }

  /** True if rows may be deleted: the store is verified, and takes writes. */
  get #isAllowed(): boolean {
    return this.#health.isVerified && this.#core.failure === undefined
  }

  /** Maintains the store after an interval, and again. */
  #schedule(): void {
    this.#timer?.cancel()
    if (this.#isStopped) return
    const { environment, warnings } = this.#core
    this.#timer = environment.setTimer(trimIntervalMs, () => {
      this.#maintain()
        .catch((error: unknown) => warnings.give('trim', `the update log could not be trimmed: ${String(error)}`))
        .finally(() => this.#schedule())
    })
  }

  async #maintain(): Promise<void> {
    const { environment } = this.#core
    await this.trim()
    await this.foldCounters()
    if (environment.random() < baselineSweepChance) await this.sweepBaselines()
    const nowMs = environment.monotonicMs()
    if (this.#isAllowed && nowMs - this.#sweptAtMs >= digestSweepIntervalMs) {
      this.#sweptAtMs = nowMs
      await this.#digests.sweep()
    }
    if (!this.#isAllowed || nowMs - this.#prunedAtMs < retryPruneIntervalMs) return
    this.#prunedAtMs = nowMs
    await this.#retries.prune()
  }
}
