/** Results of resolvers that are remembered, within a bound: those used last stay. */
import type { Outcome } from '../../store/model/resolver.js'
import { resultBytesKept, resultsKept } from './limits.js'

/** A cached result for a set of versions. */
export type Result = Exclude<Outcome, 'pending'>

interface Kept {
  readonly result: Result
  /** On the monotonic clock. */
  readonly untilMs: number
  readonly bytes: number
}

/** Least recently used results are forgotten first. */
export class ResultCache {
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  /** Returns the cached result; undefined when there is none, or it has expired. */
  get(key: string, nowMs: number): Result | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    this.#kept.delete(key)
    if (kept.untilMs <= nowMs) {
      this.#bytes -= kept.bytes
      return undefined
    }
    this.#kept.set(key, kept)
    return kept.result
  }

  /** Remembers a result until a time of the monotonic clock, in milliseconds; for ever when left out. */
  set(key: string, result: Result, untilMs = Number.POSITIVE_INFINITY): void {
    this.#drop(key)
    const bytes = key.length + (result === 'siblings' ? 0 : result.value.length)
    this.#kept.set(key, { result, untilMs, bytes })
    this.#bytes += bytes
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= resultsKept && (this.#bytes <= resultBytesKept || oldest === key)) return
      this.#drop(oldest)
    }
  }

  /** Results remembered now. */
  get size(): number {
    return this.#kept.size
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#bytes -= kept.bytes
    this.#kept.delete(key)
  }
}
