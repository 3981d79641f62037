/**
 * What befalls whole nodes besides crashes: processes that stand still, hours in which nothing happens, limits of
 * another version, lost rows of the log.
 */
import { ofNode, type SiteVerb } from './site.js'

/** Verbs of whole nodes. */
export const nodeVerbs: Readonly<Record<string, SiteVerb>> = {
  /** pause NODE MS: its process is paused (SIGSTOP); its clocks go on, and its timers are late */
  pause: ofNode(({ machines }, node, [ms]) => machines.pause(node, Number(ms))),
  /** leap MS: hours pass in which nobody does anything; every timer is late */
  leap: ({ leap }, [ms]) => leap(Number(ms)),
  /**
   * narrow NODE BYTES: it takes no greater values in sessions, as a node of another version may; until the faults end,
   * or it starts again
   */
  narrow: ofNode((_, { run }, [bytes]) => {
    if (run !== undefined) run.network.valueBytesMax = Number(bytes)
  }),
  /** widen NODE: undoes it */
  widen: ofNode((_, { run }) => {
    if (run !== undefined) run.network.valueBytesMax = undefined
  }),
  /** unlog NODE KEY: the rows of the log of what is live at a key are gone, while the node is off */
  unlog: ofNode(({ disks }, node, [key = '']) => disks.unlog(node, key)),
}
