/** Counters: increments that all count, whatever they are concurrent with. */
import { HearsayError } from '../errors.js'
import { counter } from '../model/address.js'
import { readDot, writeDot } from '../model/codec.js'
import { counterValue, increment, type Reset, resetsOf } from '../model/counter.js'
import { encodeCounter } from '../model/counter-values.js'
import type { Dot } from '../model/dot.js'
import type { Transaction } from '../replica/types.js'
import type { Access, WriteTurn } from './access.js'
import { type AnswerCodec, dotAnswer, once } from './once.js'
import type { OnceOptions } from './types.js'

/** A counter after an increment. */
export interface Counted {
  readonly dot: Dot
  readonly value: bigint
}

const valueCharactersMax = 64

const countedAnswer: AnswerCodec<Counted> = {
  write: (writer, { dot, value }) => {
    writeDot(writer, dot)
    writer.text(String(value))
  },
  read: (reader) => ({ dot: readDot(reader), value: BigInt(reader.text(valueCharactersMax)) }),
}

/** Reads and writes of counters. */
export class Counters {
  readonly #access: Access

  constructor(access: Access) {
    this.#access = access
  }

  /**
   * The value; undefined when there is no counter. Merged sums may lie beyond the safe integers. Throws DAMAGED_VALUE.
   */
  get(key: string): bigint | undefined {
    return counterValue(this.#access.replica.versions(counter(key)))
  }

  /**
   * Adds `by`, a safe integer. COUNTER_RANGE, RETRY_KEY_REUSED: nothing was stored. A retry gets the value of the
   * first.
   */
  increment(key: string, by: number, options: OnceOptions): Promise<Counted> {
    return this.#access.write((turn) => once(turn, options, countedAnswer, () => this.incrementIn(turn, key, by)))
  }

  /** Takes away everything in view; increments that the writer has not seen survive. NOT_FOUND. */
  delete(key: string, options: OnceOptions): Promise<Dot> {
    return this.#access.write((turn) => once(turn, options, dotAnswer, () => this.deleteIn(turn, key)))
  }

  /** The same as `increment`, inside a write. */
  incrementIn({ transaction }: WriteTurn, key: string, by: number): Counted {
    const address = counter(key)
    const versions = transaction.versions(address)
    const before = counterValue(versions) ?? 0n
    const value = before + BigInt(by)
    if (isBeyond(value) && magnitude(value) > magnitude(before)) {
      throw new HearsayError(
        'COUNTER_RANGE',
        `counter "${key}" is at ${before}; adding ${by} would leave the range from -(2^53 - 1) to 2^53 - 1`,
      )
    }
    return { dot: transaction.putAs(address, (dot, time) => increment(versions, dot, time, by)), value }
  }

  /** The same as `delete`, inside a write. */
  deleteIn({ transaction }: WriteTurn, key: string): Dot {
    const versions = transaction.versions(counter(key))
    if (counterValue(versions) === undefined) throw new HearsayError('NOT_FOUND', `there is no counter "${key}"`)
    let dot: Dot | undefined
    for (const reset of resetsOf(versions)) dot = this.#reset(transaction, key, reset)
    return dot!
  }

  /**
   * Gives a counter an imported value, in place of all that is in view; returns whether it had another. Increments
   * unseen by it are added to it, and a value that is imported on both sides of a cut counts once. COUNTER_RANGE.
   */
  importIn({ transaction }: WriteTurn, key: string, value: bigint): boolean {
    const address = counter(key)
    const versions = transaction.versions(address)
    if (counterValue(versions) === value) return false
    if (isBeyond(value)) throw new HearsayError('COUNTER_RANGE', `counter "${key}" cannot be brought to ${value}`)
    const [first, ...more] = resetsOf(versions)
    const { reaches, supersedes } = first!
    transaction.put(address, encodeCounter({ kind: 'imported', total: Number(value), reaches }), null, supersedes)
    for (const reset of more) this.#reset(transaction, key, reset)
    return true
  }

  #reset(transaction: Transaction, key: string, { reaches, supersedes }: Reset): Dot {
    if (reaches.length === 0) return transaction.remove(counter(key), supersedes)
    return transaction.put(counter(key), encodeCounter({ kind: 'baseline', reaches }), null, supersedes)
  }
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value
}

/** True if a value lies beyond the whole numbers that every client can hold. */
export function isBeyond(value: bigint): boolean {
  return magnitude(value) > BigInt(Number.MAX_SAFE_INTEGER)
}
