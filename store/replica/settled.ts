/**
 * The settled part of both contexts: what they held of each actor when it had last not changed for a while. It is only
 * another form of the same sets, for sessions to name what both sides hold: nothing else is decided by it, and nodes
 * need not agree on it.
 */
import type { Environment } from '../environment.js'
import type { Contexts } from '../model/codec.js'
import type { Context } from '../model/context.js'
import type { Actor } from '../model/dot.js'
import type { ReplicaCore } from './core.js'
import { settleAfterMs, unsettledMax } from './limits.js'

/** Follows the committed contexts of one store. */
export class SettledContexts {
  readonly #environment: Environment
  readonly #seen: Context
  readonly #applied: Context
  #latest: Contexts
  /**
   * Times of the last changes of actors that are not settled, in monotonic milliseconds; the one that changed longest
   * ago first.
   */
  readonly #changedMs = new Map<Actor, number>()

  /** Counts as settled what was loaded. */
  constructor({ environment, committed, commits }: ReplicaCore) {
    this.#environment = environment
    this.#seen = committed.seen.clone()
    this.#applied = committed.applied.clone()
    this.#latest = committed
    commits.listen((changes) => this.#note(changes, changes.changedActors))
  }

  /** Both contexts as they were settled. */
  get now(): Contexts {
    this.#settle()
    return { seen: this.#seen.clone(), applied: this.#applied.clone() }
  }

  #note(committed: Contexts, changed: readonly Actor[]): void {
    const nowMs = this.#environment.monotonicMs()
    for (const actor of changed) {
      this.#changedMs.delete(actor)
      this.#changedMs.set(actor, nowMs)
    }
    this.#latest = committed
    if (this.#changedMs.size > unsettledMax) this.#settle()
  }

  /**
   * Settles what has not changed for long enough, and what has not for longest when there is too much that is not
   * settled.
   */
  #settle(): void {
    const untilMs = this.#environment.monotonicMs() - settleAfterMs
    for (const [actor, changedMs] of this.#changedMs) {
      if (changedMs > untilMs && this.#changedMs.size <= unsettledMax) return
      this.#changedMs.delete(actor)
      this.#seen.setRanges(actor, this.#latest.seen.rangesOf(actor))
      this.#applied.setRanges(actor, this.#latest.applied.rangesOf(actor))
    }
  }
}
