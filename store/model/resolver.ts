/** Resolvers: what is shown, and thereby superseded, in the place of siblings. */
import type { Sibling } from './register.js'

/** What a resolver makes of siblings: the bytes shown in their place, 'siblings' when they are shown as they are, 'pending' when `prepare` must be awaited first. */
export type Outcome = { readonly value: Uint8Array } | 'siblings' | 'pending'

/** The resolvers of all keys. */
export interface Resolvers {
  /** Synchronous, from built-in rules or from what `prepare` has found; called with two or more groups (see Sibling in store/model/register.ts), in display order. */
  outcome(key: string, groups: readonly Sibling[]): Outcome
  /** Computes what `outcome` then knows: for rules that run elsewhere. Never rejects. */
  prepare(key: string, groups: readonly Sibling[]): Promise<void>
}
