/** The resolvers that hearsay brings along. */
import { mergeJson } from '../../store/model/json-merge.js'
import type { Sibling } from '../../store/model/register.js'
import { lastWrite, type Outcome } from '../../store/model/resolver.js'
import type { ResultCache } from './result-cache.js'
import type { Rule } from './rule.js'

const atOnce = async () => {}

/** Versions are shown side by side. */
export const siblingsRule: Rule = { outcome: () => 'siblings', prepare: atOnce }

/** The version that was written last stands for all. */
export const lastWriteRule: Rule = { outcome: lastWrite, prepare: atOnce }

/** JSON texts are united. */
export class JsonMergeRule implements Rule {
  readonly #cache: ResultCache

  constructor(cache: ResultCache) {
    this.#cache = cache
  }

  outcome(groups: readonly Sibling[]): Outcome {
    const key = `json-merge ${groups.map(({ version }) => Buffer.from(version.valueHash).toString('latin1')).join('')}`
    const known = this.#cache.get(key, 0)
    if (known !== undefined) return known
    const value = mergeJson(groups.map(({ version }) => version.value))
    const result = value === undefined ? 'siblings' : { value }
    this.#cache.set(key, result)
    return result
  }

  prepare = atOnce
}
