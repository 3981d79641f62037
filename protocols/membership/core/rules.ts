/** Rules by which members settle conflicts, exchanged as marks, so that a difference can be reported. */

/** The rule of one prefix. */
export interface RuleMark {
  readonly prefix: string
  /** 8 bytes as hexadecimal digits: equal for rules that make the same of the same versions. */
  readonly mark: string
}

/** The mark of leaving siblings as they are, which is also what holds where there is no rule. */
export const siblingsMark = '0000000000000000'

/** The prefixes, of either, below which two members settle conflicts differently; sorted. */
export function differingPrefixes(ours: readonly RuleMark[], theirs: readonly RuleMark[]): string[] {
  const prefixes = new Set([...ours, ...theirs].map(({ prefix }) => prefix))
  return [...prefixes].filter((prefix) => markFor(ours, prefix) !== markFor(theirs, prefix)).sort()
}

/** Mark of the rule for a key that equals the prefix: the one with the longest prefix that fits. */
function markFor(rules: readonly RuleMark[], key: string): string {
  const fitting = rules.filter(({ prefix }) => key.startsWith(prefix))
  return fitting.sort((a, b) => b.prefix.length - a.prefix.length)[0]?.mark ?? siblingsMark
}
