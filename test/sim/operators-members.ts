/** Nodes that come, come twice, and go. */
import { ofNode, type Site, type SiteVerb } from './site.js'

/** So many nodes are left at least. */
const nodesMin = 2

/** Verbs of members. */
export const memberVerbs: Readonly<Record<string, SiteVerb>> = {
  /** add NAME: a new node */
  add: (site, [name = '']) => {
    if (site.roster.get(name) !== undefined) return
    site.roster.add(name)
    settleIn(site, name)
  },
  /** clone NODE NAME: a new node on a copy of a disk, which is made under its node */
  clone: ofNode((site, node, [copy = '']) => {
    if (node.isRetired || node.isDoubtful || site.roster.get(copy) !== undefined) return
    site.roster.add(copy, 0, node.disk.image()).wasDamaged = node.wasDamaged
    settleIn(site, copy)
  }),
  /** forget NODE NAME: retires a member that NODE knows; it is off for good from this moment on */
  forget: ofNode((site, { run, isAwake }, [name = '']) => {
    const { roster, disks } = site
    const gone = roster.get(name)
    if (
      run?.isServing !== true ||
      !isAwake ||
      gone === undefined ||
      gone.isRetired ||
      roster.alive().length <= nodesMin
    )
      return
    if (!run.protocols.membership.records().some(({ peer }) => peer === name)) return
    void gone.crash(true)
    gone.isRetired = true
    disks.excuse(gone)
    run.protocols.membership.forget(name).catch((error: unknown) => site.expectHearsayError(error))
  }),
}

/** A node that came later knows everybody, and starts. */
export function settleIn({ roster, mesh }: Site, name: string): void {
  for (const other of roster.alive()) mesh.addEdge(name, other.name)
  roster.startSoon(name)
}
