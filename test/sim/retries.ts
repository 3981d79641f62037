/**
 * The account of retry keys: which request each was used for at which node, and what that was answered, for as long as
 * a node must remember it.
 */
import { type Dot, dotText, sameDot } from '../../store/model/dot.js'
import { retryKeepCount, retryKeepMs } from '../../store/replica/limits.js'
import { SimulationViolation } from './violation.js'

/** An answer to a request under a retry key. */
export interface RetryAnswer {
  readonly retryKey: string
  /** What was asked, so that another request can be told from a repeated one. */
  readonly request: string
  readonly dot: Dot
  /** The wall clock of the node. */
  readonly atMs: number
}

/** Clocks may jump by less than this, in milliseconds. */
const doubtMs = 3_600_000

/** Knows what each node must remember. */
export class RetryAccounts {
  /** Retry keys in the order in which they were used, by node. */
  readonly #asked = new Map<string, string[]>()
  readonly #answers = new Map<string, RetryAnswer & { readonly place: number }>()

  /** A request is made. */
  asked(node: string, retryKey: string): void {
    const before = this.#asked.get(node) ?? []
    this.#asked.set(node, before)
    before.push(retryKey)
  }

  /** It was answered. `hasForgotten`: the disk of the node may have lost what it remembered. Throws a Violation. */
  answered(node: string, answer: RetryAnswer, hasForgotten: boolean): void {
    const name = `${answer.retryKey} of ${node}`
    const before = this.#answers.get(name)
    const asked = this.#asked.get(node)!
    const isRepeated = before !== undefined && before.request === answer.request && sameDot(before.dot, answer.dot)
    if (isRepeated) return
    // The first request that may have been the one that is remembered.
    const next = asked.indexOf(answer.retryKey, before === undefined ? 0 : before.place + 1)
    this.#answers.set(name, { ...answer, place: next < 0 ? before!.place : next })
    if (before === undefined || hasForgotten || !isKept(before, answer, asked)) return
    if (before.request !== answer.request) {
      throw new SimulationViolation(
        'answered-another',
        `${name}: ${answer.request} got an answer, used for ${before.request}`,
      )
    }
    throw new SimulationViolation('stored-twice', `${name} is ${dotText(before.dot)} and ${dotText(answer.dot)}`)
  }
}

/** True if a node must remember an answer: it is young, and few others came since. */
function isKept(
  before: RetryAnswer & { place: number },
  { atMs, retryKey }: RetryAnswer,
  asked: readonly string[],
): boolean {
  const others = asked.slice(before.place).filter((other) => other !== retryKey)
  return others.length < retryKeepCount && Math.abs(atMs - before.atMs) < retryKeepMs - doubtMs
}
