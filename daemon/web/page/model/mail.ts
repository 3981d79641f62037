/** Conflicts in the words of a letter. */
import type { Conflict } from '../../../../protocols/api/conflicts.js'
import { momentText, namesText } from './format.js'
import { summaryText } from './values.js'

/** The name of what is in conflict: a key, or a field of one. */
export function conflictName({ key, type, field }: Conflict): string {
  return type === 'map' ? `${key} · ${field}` : key
}

/** A text that names one conflict among all. */
export function conflictId({ key, type, field }: Conflict): string {
  return JSON.stringify([type, key, field])
}

/** Sentence on who wrote, and when. */
export function conflictSentence(conflict: Conflict, nowMs: number): string {
  const { versions } = conflict
  const nodes = [...new Set(versions.map(({ node }) => node))]
  const what = conflictName(conflict)
  if (nodes.length === 1) {
    return `${what} has ${versions.length} versions side by side, all written on ${nodes[0]} (${spanText(versions, nowMs)}).`
  }
  const both = nodes.length === 2 ? 'both wrote' : 'all wrote'
  return `${namesText(nodes)} ${both} ${what} while they could not hear each other (${spanText(versions, nowMs)}).`
}

/** The versions of a conflict in a line, for the list. */
export function conflictPreview({ versions }: Conflict): string {
  return versions.map((version) => summaryText(version)).join(' | ')
}

/** The time of the latest version. */
export function latestOf({ versions }: Conflict): string {
  return versions
    .map(({ time }) => time)
    .toSorted()
    .at(-1)!
}

/** The times between which all was written. */
function spanText(versions: readonly { readonly time: string }[], nowMs: number): string {
  const times = versions.map(({ time }) => time).toSorted()
  const first = momentText(times[0]!, nowMs)
  const last = momentText(times.at(-1)!, nowMs)
  return first === last ? first : `${first} to ${last}`
}

/** Way in which a conflict is to be settled. */
export type Choice =
  | { readonly kind: 'keep'; readonly at: number }
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'resolver' }

/** Sentence on what will be left after a choice. */
export function outcomeText({ versions }: Conflict, choice: Choice): string {
  const superseded = versions.length
  if (choice.kind === 'resolver')
    return `The result of the resolver will be left, in place of all ${superseded} versions.`
  if (choice.kind === 'value') return `Your text will be left, in place of all ${superseded} versions.`
  const { node } = versions[choice.at]!
  const others = versions.filter((_, at) => at !== choice.at).map((version) => `“${summaryText(version)}”`)
  return `The version of ${node} will be left; ${namesText(others)} will be superseded.`
}
