/** Very many dots, updates and versions, for tests of limits. */
import { type Address, register } from '../../store/model/address.js'
import { unknownMember } from '../../store/model/codec.js'
import type { Dot } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import type { OpenReplica } from './replicas.js'

/** A run. */
export const limitActor = '11'.repeat(8)
/** Dots of that run, from counter 1 on. */
export const dotAt = (at: number): Dot => ({ actor: limitActor, counter: at + 1 })
/** A list of so many things. */
export const list = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at))
/** Names no member of an actor. */
export const noMember = () => unknownMember
/** The address of most updates. */
export const limitAddress = register('k')
/** A put of nothing at that address, but for what is given. */
export const putAt = (dot: Dot, over: Partial<Update> = {}): Update => ({
  dot,
  address: limitAddress,
  kind: 'put',
  time: { ms: 1, logical: 0 },
  expiresAtMs: null,
  value: new Uint8Array(0),
  supersedes: [],
  ...over,
})

/** Versions of as many runs, as updates of peers bring them. */
export function updatesOf(count: number, at: Address, valueAt: (at: number) => Uint8Array): Update[] {
  return list(count, (index) => {
    const run = (index + 1).toString(16).padStart(16, '0')
    return putAt({ actor: run, counter: 1 }, { address: at, value: valueAt(index) })
  })
}

/** Applies updates of peers, some thousands at a time. */
export async function takeUpdates(node: OpenReplica, updates: readonly Update[]): Promise<void> {
  for (let at = 0; at < updates.length; at += 5_000) {
    await node.replica.sync.applyUpdates({ updates: updates.slice(at, at + 5_000), members: new Map() })
  }
}
