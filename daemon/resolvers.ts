/** Which resolver a key has: the rule with the longest prefix that fits. */
import { keepSiblings, lastWrite, type Resolvers } from '../store/model/resolver.js'
import type { ResolverRule } from './config/checks.js'

/** The resolvers of the configuration. Rules whose resolver this version does not compute leave siblings as they are. */
export function configuredResolvers(rules: readonly ResolverRule[]): Resolvers {
  const sorted = [...rules].sort((a, b) => b.prefix.length - a.prefix.length)
  const isLastWrite = (key: string) => sorted.find(({ prefix }) => key.startsWith(prefix))?.use === 'lww'
  return { ...keepSiblings, outcome: (key, groups) => (isLastWrite(key) ? lastWrite(groups) : 'siblings') }
}

/** A warning for each rule that has no effect. */
export function resolverWarnings(rules: readonly ResolverRule[]): string[] {
  const idle = rules.filter(({ use }) => use !== 'lww' && use !== 'siblings')
  return idle.map(
    ({ prefix, use }) => `the resolver '${use}' for '${prefix}' has no effect in this version; siblings are kept`,
  )
}
