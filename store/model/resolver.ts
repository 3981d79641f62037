/**
 * Resolvers: what is shown in place of siblings. They merge at read; the next write over what they showed collapses the
 * siblings.
 */
import type { Sibling } from './register.js'

/**
 * Result of a resolver for siblings: the bytes shown in their place; `siblings` when they are shown as they are;
 * `pending` when `prepare` must be awaited first.
 */
export type Outcome = { readonly value: Uint8Array } | 'siblings' | 'pending'

/** The rules of a node. Deterministic: from the same siblings every node computes the same bytes. */
export interface Resolvers {
  /** Answers at once; asked only about two or more groups, in display order. */
  outcome(key: string, groups: readonly Sibling[]): Outcome
  /** Computes what `outcome` then knows, for rules that run elsewhere. Never rejects. */
  prepare(key: string, groups: readonly Sibling[]): Promise<void>
}

/** Every sibling is shown. */
export const keepSiblings: Resolvers = {
  outcome: () => 'siblings',
  prepare: async () => undefined,
}

/** Last write wins: the first in display order is shown alone. */
export function lastWrite(groups: readonly Sibling[]): Outcome {
  return { value: groups[0]!.version.value }
}
