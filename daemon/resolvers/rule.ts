/** Interface of every rule, whatever its resolver. */
import type { Sibling } from '../../store/model/register.js'
import type { Outcome } from '../../store/model/resolver.js'

/** One resolver. */
export interface Rule {
  /** See Resolvers in store/model/resolver.ts. */
  outcome(groups: readonly Sibling[]): Outcome
  /** Never rejects. */
  prepare(groups: readonly Sibling[]): Promise<void>
}
