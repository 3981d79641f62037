/**
 * Expiry: every node hides a version from its deadline on by its own clock; it is deleted for good, by an ordinary
 * delete of exactly that dot, only when its own clock and the median of the members' clocks agree that the deadline is
 * well past.
 */
import type { Timer } from '../environment.js'
import { rangeOf } from '../keyspace.js'
import type { Address } from '../model/address.js'
import { type Dot, sameDot } from '../model/dot.js'
import { decodeDotRow, dotKey } from '../rows/dots.js'
import { deadlineDot, deadlinesUntil } from '../rows/marks.js'
import { DamagedRow } from '../rows/seal.js'
import type { ReplicaCore } from './core.js'
import { expiryJitterMs, expirySweepMax, expirySweepMs } from './limits.js'
import type { Transaction } from './types.js'

interface Due {
  readonly dot: Dot
  readonly address: Address
  readonly expiresAtMs: number
}

/** Looks for versions past their deadline, now and then. */
export class ExpirySweep {
  readonly #core: ReplicaCore
  #timer: Timer | undefined
  #isRunning = false
  /** One node usually does it: each waits a little longer by its own draw. */
  #extraMs: number

  constructor(core: ReplicaCore) {
    this.#core = core
    this.#extraMs = core.environment.random() * expiryJitterMs
  }

  /** Sweeps at intervals from now on; started again, the intervals begin now. */
  start(): void {
    this.#isRunning = true
    this.#schedule()
  }

  /** Ends the sweeps. */
  stop(): void {
    this.#isRunning = false
    this.#timer?.cancel()
  }

  /** Deletes what may be deleted now. Returns how many versions. */
  async sweep(): Promise<number> {
    const untilMs = this.#core.clock.expiredByMs() - this.#extraMs
    if (!(untilMs > 0)) return 0
    const due = await this.#due(untilMs)
    if (due.length === 0) return 0
    this.#extraMs = this.#core.environment.random() * expiryJitterMs
    return this.#core.transact((transaction) => due.filter((one) => expire(transaction, one)).length)
  }

  async #due(untilMs: number): Promise<Due[]> {
    const due: Due[] = []
    const range = { gte: rangeOf('deadline').gte, lt: deadlinesUntil(Math.floor(untilMs)), limit: expirySweepMax }
    for await (const rows of this.#core.store.scan(range)) {
      for (const { key } of rows) {
        const found = this.#live(deadlineDot(key))
        if (found !== undefined) due.push(found)
      }
    }
    return due
  }

  #live(dot: Dot): Due | undefined {
    const key = dotKey(dot)
    const row = this.#core.store.get(key)
    if (row === undefined) return undefined
    try {
      const { state, address, expiresAtMs } = decodeDotRow(key, row)
      return state === 'live' && expiresAtMs !== null ? { dot, address, expiresAtMs } : undefined
    } catch (error) {
      if (error instanceof DamagedRow) return undefined
      throw error
    }
  }

  /** There is one timer at a time: a start while a sweep is under way, and the end of that sweep, both come here. */
  #schedule(): void {
    this.#timer?.cancel()
    if (!this.#isRunning) return
    const delayMs = expirySweepMs * (0.75 + this.#core.environment.random() / 2)
    this.#timer = this.#core.environment.setTimer(delayMs, () => {
      this.sweep()
        .catch(() => 0) // The next sweep tries again; a failed store has said so by itself.
        .finally(() => this.#schedule())
    })
  }
}

function expire(transaction: Transaction, { dot, address }: Due): boolean {
  if (!transaction.versions(address).some((version) => sameDot(version.dot, dot))) return false
  transaction.remove(address, [dot], 'expiry')
  return true
}
