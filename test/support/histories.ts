/** Random histories of updates for property tests: writers with partial views, as a partitioned mesh makes them. */
import fc from 'fast-check'
import { register } from '../../store/model/address.js'
import type { Dot } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import { ReferenceState } from './reference-state.js'

/** One step: a writer acts on a key with what it has in view, or learns the updates of another. */
export type HistoryStep =
  | { readonly act: 'put' | 'delete'; readonly writer: number; readonly key: number; readonly value: number }
  | { readonly act: 'learn'; readonly writer: number; readonly from: number; readonly count: number }

/** Steps of so many writers over so many keys. */
export const steps = (writers = 3, keys = 3, maxLength = 24): fc.Arbitrary<HistoryStep[]> => {
  const writer = fc.nat(writers - 1)
  return fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          act: fc.constantFrom('put' as const, 'delete' as const),
          writer,
          key: fc.nat(keys - 1),
          value: fc.nat(9),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ act: fc.constant('learn' as const), writer, from: writer, count: fc.nat(5) }),
      },
    ),
    { maxLength },
  )
}

/** The actor of a writer's number. */
export const actorOf = (writer: number): string => (writer + 1).toString(16).padStart(16, '0')

/** Plays a history. Returns all updates in the order they were issued, and what each writer ended with. */
export function playHistory(
  history: readonly HistoryStep[],
  writers = 3,
): { updates: Update[]; states: ReferenceState[] } {
  const updates: Update[] = []
  const states = Array.from({ length: writers }, () => new ReferenceState())
  const counters = new Array<number>(writers).fill(0)
  for (const [at, step] of history.entries()) {
    const state = states[step.writer]!
    if (step.act === 'learn') {
      const missing = updates.filter(
        (update) => states[step.from]!.applied.has(update.dot) && !state.applied.has(update.dot),
      )
      for (const update of missing.slice(0, step.count)) state.apply(update)
      continue
    }
    const address = register(`key-${step.key}`)
    const entry = [...state.entries.values()].find((one) => one.address.key === address.key)
    const supersedes: Dot[] = (entry?.versions ?? []).map((version) => version.dot)
    if (step.act === 'delete' && supersedes.length === 0) continue
    const dot = { actor: actorOf(step.writer), counter: ++counters[step.writer]! }
    const value = step.act === 'put' ? Buffer.from(`value-${step.value}`) : null
    const update: Update = {
      dot,
      address,
      kind: step.act,
      time: { ms: 1000 + at, logical: 0 },
      expiresAtMs: null,
      value,
      supersedes,
    }
    updates.push(update)
    state.apply(update)
  }
  return { updates, states }
}

/** A permutation of indexes with repeats and losses, by random numbers. */
export const deliveries = (maxLength = 80): fc.Arbitrary<number[]> => fc.array(fc.nat(1_000_000), { maxLength })
