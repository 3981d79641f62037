/** The operators of a simulated mesh, and what befalls it: every verb that is not a user's, in one table. */
import { linkVerbs } from './operators-links.js'
import { machineVerbs } from './operators-machines.js'
import { memberVerbs } from './operators-members.js'
import { nodeVerbs } from './operators-nodes.js'
import { processVerbs } from './operators-processes.js'
import type { Site, SiteVerb } from './site.js'

/** Every verb. */
const verbs: Readonly<Record<string, SiteVerb>> = {
  ...processVerbs,
  ...nodeVerbs,
  ...machineVerbs,
  ...memberVerbs,
  ...linkVerbs,
}

/** The names of all. */
export const operatorVerbs: readonly string[] = Object.keys(verbs)

/** Verbs that end faults, or are none. */
const harmless = new Set([
  ...['start', 'image', 'sync', 'mend', 'mendall', 'unhush', 'widen'],
  ...['wake', 'thaw', 'snapshot', 'settle', 'truth'],
])

/** True if this is a fault. */
export function isFault(verb: string): boolean {
  return Object.hasOwn(verbs, verb) && !harmless.has(verb)
}

/** Does it. Throws when there is no such verb. */
export async function operate(site: Site, verb: string, words: readonly string[]): Promise<void> {
  if (!Object.hasOwn(verbs, verb)) throw new Error(`no such action: ${verb}`)
  await verbs[verb]!(site, words)
}
