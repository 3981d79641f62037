/** Which resolver a key has: the rule with the longest prefix that fits. */
import type { ResolverRule } from './config/checks.js'

/** What is computed today from siblings below a prefix. */
export type AppliedResolver = 'siblings' | 'lww'

/** Finds a key's resolver. Rules whose resolver this version does not compute leave siblings as they are. */
export function resolverFor(rules: readonly ResolverRule[]): (key: string) => AppliedResolver {
  const sorted = [...rules].sort((a, b) => b.prefix.length - a.prefix.length)
  return (key) => (sorted.find(({ prefix }) => key.startsWith(prefix))?.use === 'lww' ? 'lww' : 'siblings')
}

/** A warning for each rule that has no effect. */
export function resolverWarnings(rules: readonly ResolverRule[]): string[] {
  const idle = rules.filter(({ use }) => use !== 'lww' && use !== 'siblings')
  return idle.map(
    ({ prefix, use }) => `the resolver '${use}' for '${prefix}' has no effect in this version; siblings are kept`,
  )
}
