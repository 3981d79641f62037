/**
 * Folding of counters: the totals of this member's ended runs go into one version (model/counter-fold.ts). A counter is
 * looked at after this process has incremented it, once every member has acknowledged that increment and has nothing
 * that is unknown here: whatever deleted a total is then known here too, also what this node itself has forgotten with
 * a disk that went back.
 */
import { type Address, addressText } from '../model/address.js'
import { foldOf } from '../model/counter-fold.js'
import type { Dot } from '../model/dot.js'
import type { Update } from '../model/update.js'
import type { ReplicaCore } from './core.js'
import { foldCandidatesMax, foldFreshMs, foldsMax, foldTotalsMin } from './limits.js'
import type { UpdateLog } from './log.js'
import type { Transaction } from './types.js'

/** A counter that this process incremented. */
interface Candidate {
  readonly address: Address
  /** The increment that members are to acknowledge. */
  readonly dot: Dot
  /** Time of the increment, on the monotonic clock: soon its acknowledgements prove nothing of now. */
  readonly atMs: number
  isDone: boolean
}

/** Thrown inside a write to undo it: the run ended as the write took its dot. */
class RunEnded extends Error {}

/** Folds the counters of one store. */
export class CounterFolds {
  readonly #core: ReplicaCore
  readonly #log: UpdateLog
  readonly #candidates = new Map<string, Candidate>()

  constructor(core: ReplicaCore, log: UpdateLog) {
    this.#core = core
    this.#log = log
    core.commits.listen(({ issued }) => {
      for (const updates of issued) for (const update of updates) this.#note(update)
    })
  }

  /** Folds what may be folded now, a bounded number of counters. Returns how many were. */
  async sweep(): Promise<number> {
    let folded = 0
    for (const candidate of this.#ready().slice(0, foldsMax)) {
      candidate.isDone = true
      if (await this.#fold(candidate)) folded++
    }
    return folded
  }

  /** An increment that is known already stays the one that is waited for, so that a busy counter is folded too. */
  #note({ address, dot, kind }: Update): void {
    if (address.type !== 'ctr' || kind !== 'put') return
    const text = addressText(address)
    const atMs = this.#core.environment.monotonicMs()
    const known = this.#candidates.get(text)
    if (known !== undefined && known.dot.actor === dot.actor && atMs - known.atMs <= foldFreshMs) return
    this.#candidates.delete(text)
    if (this.#candidates.size >= foldCandidatesMax) this.#candidates.delete(this.#candidates.keys().next().value!)
    this.#candidates.set(text, { address, dot, atMs, isDone: false })
  }

  /** Counters whose increment is acknowledged, and that have not been looked at; those that are too old go. */
  #ready(): Candidate[] {
    const ready: Candidate[] = []
    const sinceMs = this.#core.environment.monotonicMs() - foldFreshMs
    for (const [text, candidate] of this.#candidates) {
      if (candidate.atMs < sinceMs) this.#candidates.delete(text)
      else if (!candidate.isDone && this.#log.mayFold(candidate.dot)) ready.push(candidate)
    }
    return ready
  }

  /** Looked at again inside the write. The dot must be of the run whose increment was acknowledged. */
  async #fold({ address, dot }: Candidate): Promise<boolean> {
    try {
      return await this.#core.transact(
        (transaction) => this.#log.mayFold(dot) && this.#foldIn(transaction, address, dot),
      )
    } catch (error) {
      if (error instanceof RunEnded) return false
      throw error
    }
  }

  #foldIn(transaction: Transaction, address: Address, evidence: Dot): boolean {
    const { ledger, member } = this.#core
    const isOwn = (actor: string) => ledger.members.get(actor) === member
    const runs = { current: evidence.actor, isOwn, nowMs: transaction.nowMs, totalsMin: foldTotalsMin }
    const fold = foldOf(transaction.versions(address), runs)
    if (fold === undefined || ledger.runs.actor !== evidence.actor) return false
    const { value, supersedes } = fold
    const dot =
      value === null ? transaction.remove(address, supersedes) : transaction.put(address, value, null, supersedes)
    if (dot.actor !== evidence.actor) throw new RunEnded()
    return true
  }
}
