/** What the verbs of operators act upon. */
import type { DiskFaults } from './disk-faults.js'
import type { Machines } from './machines.js'
import type { SimMesh } from './mesh.js'
import type { SimNode } from './node.js'
import type { Roster } from './roster.js'

/** What verbs act upon. */
export interface Site {
  readonly roster: Roster
  readonly mesh: SimMesh
  readonly disks: DiskFaults
  readonly machines: Machines
  /** Hours pass in which nobody does anything. */
  leap(byMs: number): void
  /** An error that may come while disks and networks fail is let pass; anything else ends the simulation. */
  expectHearsayError(error: unknown): void
}

/**
 * What is done or befalls: `words` are those of the action after its verb. What cannot be done as things are is left
 * out.
 */
export type SiteVerb = (site: Site, words: readonly string[]) => Promise<void> | void

/** A verb of one node, which its first word names; done when there is such a node. */
export function ofNode(act: (site: Site, node: SimNode, words: readonly string[]) => Promise<void> | void): SiteVerb {
  return (site, [name = '', ...words]) => {
    const node = site.roster.get(name)
    return node === undefined ? undefined : act(site, node, words)
  }
}
