/** Gaps: updates of an actor that came although those right before them did not. */
import { type Dot, dotText } from '../../../store/model/dot.js'
import type { PeerId } from '../../network.js'
import type { Received } from './inbox.js'

/**
 * The neighbours whose messages showed a gap, each once. To be called after the messages were applied.
 * `isApplied` tells whether a dot was applied here; `isPending` whether it is about to be fetched.
 */
export function gapsIn(
  received: readonly Received[],
  isApplied: (dot: Dot) => boolean,
  isPending: (dot: Dot) => boolean,
): PeerId[] {
  const peers = new Set<PeerId>()
  const checked = new Set<string>()
  for (const { tagged, from } of received) {
    if (peers.has(from)) continue
    for (const { dot } of tagged.updates) {
      const before = { actor: dot.actor, counter: dot.counter - 1 }
      if (before.counter === 0 || checked.has(dotText(before))) continue
      if (isApplied(before)) checked.add(dotText(before))
      else if (!isPending(before)) peers.add(from)
    }
  }
  return [...peers]
}
