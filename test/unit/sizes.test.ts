/** Bounds on encoded sizes: never less than what is written, with the greatest numbers and a digest at every dot. */
import { expect, it } from 'vitest'
import { groupBytesBound } from '../../protocols/gossip/core/outbox.js'
import { register } from '../../store/model/address.js'
import { encodeUpdates } from '../../store/model/codec.js'
import type { Update } from '../../store/model/update.js'

it('a group never takes more bytes than its bound says', () => {
  const actorOf = (at: number) => at.toString(16).padStart(16, '0')
  const digest = 'ff'.repeat(8)
  const most = Number.MAX_SAFE_INTEGER - 2
  for (const superseded of [0, 1, 200, 2_000]) {
    const update: Update = {
      dot: { actor: actorOf(0), counter: most },
      address: register('k'.repeat(1_024)),
      kind: 'put',
      time: { ms: 2 ** 48 - 1, logical: 0xffff },
      expiresAtMs: most,
      value: Buffer.alloc(1_000),
      supersedes: Array.from({ length: superseded }, (_, at) => ({ actor: actorOf(at + 1), counter: most, digest })),
    }
    // The id of a run may end in the middle of a write.
    const group = [update, { ...update, dot: { actor: actorOf(9_999), counter: most } }]
    expect(encodeUpdates(group, () => actorOf(1)).length).toBeLessThanOrEqual(groupBytesBound(group) + 16)
  }
})
