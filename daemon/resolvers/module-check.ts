/**
 * Checks a module before it is used: the same result again, in any order, and when it is merged again with what it was
 * made of.
 */
import type { Environment } from '../../store/environment.js'
import { checkCallMs, checkExampleSets, checkMs, checkSets } from './limits.js'
import type { ModuleHost } from './module-host.js'
import type { SentVersion } from './module-messages.js'
import { exampleSets, generatedSets } from './module-samples.js'
import type { CallResult } from './module-thread.js'

/** Outcome of the check, or the reason why the module must not be used. */
export type Verdict =
  | {
      /** Sets of versions, and for how many of them there was a value. */
      readonly sets: number
      readonly values: number
      /** Reason of the last failure; empty when there was none. */
      readonly failure: string
    }
  | { readonly reason: string }

const shownCharactersMax = 120

/** Thrown inside the check alone. */
class Refused extends Error {}

/**
 * Checks a module with generated versions and with its own examples. A module may throw for versions that it does not
 * understand, as long as it always does. Never rejects.
 */
export async function checkModule(
  host: ModuleHost,
  examples: readonly Uint8Array[],
  environment: Pick<Environment, 'monotonicMs'>,
): Promise<Verdict> {
  const sets = [...generatedSets(checkSets), ...exampleSets(examples, checkExampleSets)].filter(
    ({ length }) => length > 1,
  )
  const check = new Check(host, environment)
  try {
    const first: CallResult[] = []
    for (const versions of sets) first.push(await check.set(versions))
    // What it remembers of earlier calls, or reads of its surroundings, shows when it restarts.
    host.forget()
    for (const [at, versions] of sets.entries()) await check.same('a second time', versions, versions, first[at]!)
    const failures = first.flatMap((result) => ('value' in result ? [] : [result.reason]))
    return { sets: sets.length, values: sets.length - failures.length, failure: failures.at(-1) ?? '' }
  } catch (error) {
    if (error instanceof Refused) return { reason: error.message }
    throw error
  }
}

class Check {
  readonly #host: ModuleHost
  readonly #environment: Pick<Environment, 'monotonicMs'>
  readonly #endMs: number

  constructor(host: ModuleHost, environment: Pick<Environment, 'monotonicMs'>) {
    this.#host = host
    this.#environment = environment
    this.#endMs = environment.monotonicMs() + checkMs
  }

  /** All that must hold of one set. Returns its result. */
  async set(versions: readonly SentVersion[]): Promise<CallResult> {
    const result = await this.#call(versions)
    await this.same('a second time', versions, versions, result)
    await this.same('in another order', versions, versions.toReversed(), result)
    await this.same('in another order', versions, [...versions.slice(1), versions[0]!], result)
    if (!('value' in result)) return result
    const merged = { value: result.value, time: Math.max(...versions.map(({ time }) => time)) + 1 }
    const others = versions.filter(({ value }) => Buffer.compare(value, result.value) !== 0)
    for (const other of others) await this.same(again, versions, [merged, other], result)
    if (others.length > 1) await this.same(again, versions, [merged, ...others], result)
    return result
  }

  /** Refuses the module when it makes something else of these versions. */
  async same(
    how: string,
    versions: readonly SentVersion[],
    given: readonly SentVersion[],
    expected: CallResult,
  ): Promise<void> {
    const result = await this.#call(given)
    const [before, after] = [shown(expected), shown(result)]
    if ('value' in result === 'value' in expected && equal(result, expected)) return
    const values = versions.map(({ value }) => textOf(value)).join(' and ')
    throw new Refused(`it made ${before} of ${values}, and ${how} ${after}`)
  }

  async #call(versions: readonly SentVersion[]): Promise<CallResult> {
    if (this.#environment.monotonicMs() > this.#endMs) throw new Refused(`its check took longer than ${checkMs} ms`)
    const result = await this.#host.call(versions, checkCallMs)
    if ('value' in result || result.isCertain) return result
    throw new Refused(`${result.reason}, given ${versions.map(({ value }) => textOf(value)).join(' and ')}`)
  }
}

const again = 'merged again with one of them'

function equal(a: CallResult, b: CallResult): boolean {
  return !('value' in a) || !('value' in b) || Buffer.compare(a.value, b.value) === 0
}

function shown(result: CallResult): string {
  return 'value' in result ? textOf(result.value) : `nothing (${result.reason})`
}

function textOf(value: Uint8Array): string {
  const text = JSON.stringify(Buffer.from(value).toString())
  return text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax)}…`
}
