/** The recent past of the applied context: which dots have been here for at least so long. */
import type { Environment } from '../environment.js'
import type { Context } from '../model/context.js'
import type { ReplicaCore } from './core.js'
import { pastGrainMs, pastKeepMs } from './limits.js'

/** Remembers the applied context of the last seconds, at a bounded grain. */
export class Past {
  readonly #environment: Environment
  /** Oldest first; the first one stands for all time before. */
  #moments: { readonly atMs: number; readonly applied: Context }[]

  constructor({ environment, committed, commits }: ReplicaCore) {
    this.#environment = environment
    this.#moments = [{ atMs: Number.NEGATIVE_INFINITY, applied: committed.applied.clone() }]
    commits.listen(({ applied }) => this.#note(applied))
  }

  /** Applied context as it was so many milliseconds ago or earlier; never later. */
  before(ageMs: number): Context {
    const atMs = this.#environment.monotonicMs() - ageMs
    return (this.#moments.findLast((moment) => moment.atMs <= atMs) ?? this.#moments[0]!).applied
  }

  /** Notes the context as it is from now on. */
  #note(applied: Context): void {
    const nowMs = this.#environment.monotonicMs()
    if (nowMs - this.#moments.at(-1)!.atMs < pastGrainMs) return
    this.#moments.push({ atMs: nowMs, applied: applied.clone() })
    const keep = this.#moments.findLastIndex((moment) => moment.atMs <= nowMs - pastKeepMs)
    if (keep > 0) this.#moments = this.#moments.slice(keep)
  }
}
