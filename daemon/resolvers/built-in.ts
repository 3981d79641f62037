/** The resolvers that hearsay brings along. */
import { mergeJson } from '../../store/model/json-merge.js'
import type { Sibling } from '../../store/model/register.js'
import { lastWrite, type Outcome } from '../../store/model/resolver.js'
import { jsonBytesAtOnceMax } from './limits.js'
import type { ResultCache } from './result-cache.js'
import type { Rule } from './rule.js'

const atOnce = async () => {}

/** Versions are shown side by side. */
export const siblingsRule: Rule = { outcome: () => 'siblings', prepare: atOnce }

/** Shows the version that was written last. */
export const lastWriteRule: Rule = { outcome: lastWrite, prepare: atOnce }

/**
 * JSON texts are united: small ones at once, larger ones each in a turn of its own, so that a page of them lets others
 * in.
 */
export class JsonMergeRule implements Rule {
  readonly #cache: ResultCache
  readonly #yieldTurn: () => Promise<void>

  constructor(cache: ResultCache, yieldTurn: () => Promise<void>) {
    this.#cache = cache
    this.#yieldTurn = yieldTurn
  }

  outcome(groups: readonly Sibling[]): Outcome {
    const known = this.#cache.get(keyOf(groups), 0)
    if (known !== undefined) return known
    return bytesOf(groups) > jsonBytesAtOnceMax ? 'pending' : this.#merge(groups)
  }

  async prepare(groups: readonly Sibling[]): Promise<void> {
    await this.#yieldTurn()
    if (this.outcome(groups) === 'pending') this.#merge(groups)
  }

  #merge(groups: readonly Sibling[]): Outcome {
    const value = mergeJson(groups.map(({ version }) => version.value))
    const result = value === undefined ? 'siblings' : { value }
    this.#cache.set(keyOf(groups), result)
    return result
  }
}

function keyOf(groups: readonly Sibling[]): string {
  return `json-merge ${groups.map(({ version }) => Buffer.from(version.valueHash).toString('latin1')).join('')}`
}

function bytesOf(groups: readonly Sibling[]): number {
  return groups.reduce((sum, { version }) => sum + version.value.length, 0)
}
