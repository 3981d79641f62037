/** What befalls whole machines. */
import type { LieKind } from './liar.js'
import { ofNode, type SiteVerb } from './site.js'

/** Verbs of machines. */
export const machineVerbs: Readonly<Record<string, SiteVerb>> = {
  /** sleep NODE reset/silent: the machine is suspended; its monotonic clock and its timers stand */
  sleep: ofNode(({ machines }, node, [how]) => machines.sleep(node, { clockStands: true, reset: how === 'reset' })),
  /** wake NODE [MS]: and its wall clock shows for so long when it fell asleep */
  wake: ofNode(({ machines }, node, [ms = '0']) => machines.wake(node, Number(ms))),
  /** freeze NODE: its process is stopped; clocks go on, and its timers are late */
  freeze: ofNode(({ machines }, node) => machines.sleep(node, { clockStands: false, reset: false })),
  /** thaw NODE: it goes on */
  thaw: ofNode(({ machines }, node) => machines.wake(node, 0)),
  /**
   * fork NODE COPY MS: the running machine is copied with its memory; the copy's clock is off by so much, and it is
   * alone at first
   */
  fork: ofNode(({ machines }, node, [copy = '', ms = '0']) => machines.fork(node, copy, Number(ms))),
  /** settle COPY [anew]: it gets a place in the network, with a new id or as it runs */
  settle: ({ machines }, [copy = '', how]) => machines.settle(copy, how === 'anew'),
  /** lie NODE SALT KIND...: what it sends is not true */
  lie: ofNode(({ machines }, node, [salt, ...kinds]) => machines.lie(node, kinds as LieKind[], Number(salt))),
  /** truth NODE: it lies no longer */
  truth: ofNode((_, node) => {
    node.liar = undefined
  }),
  /** snapshot NODE: keeps a copy of disk and memory */
  snapshot: ofNode(({ machines }, node) => machines.snapshot(node)),
  /** rewind NODE [MS]: disk and memory go back to it, and its wall clock shows the old time for so long */
  rewind: ofNode(({ machines }, node, [ms = '0']) => machines.rewind(node, Number(ms))),
}
