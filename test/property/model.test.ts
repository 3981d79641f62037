/** The laws of apply and join on the reference state: any order, with loss and repetition, reaches one state. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Context } from '../../store/model/context.js'
import type { Update } from '../../store/model/update.js'
import { deliveries, playHistory, steps } from '../support/histories.js'
import { ReferenceState } from '../support/reference-state.js'

const stateOf = (updates: readonly Update[]): ReferenceState => {
  const state = new ReferenceState()
  for (const update of updates) state.apply(update)
  return state
}

const shuffled = (updates: readonly Update[], draws: readonly number[]): Update[] =>
  updates
    .map((update, at) => ({ update, rank: draws[at % Math.max(1, draws.length)] ?? at }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ update }) => update)

describe('laws of apply', () => {
  it('any order with repeats reaches the state of the issuing order', () => {
    fc.assert(
      fc.property(steps(), deliveries(), (history, draws) => {
        const { updates } = playHistory(history)
        const repeated = [...shuffled(updates, draws), ...shuffled(updates.slice(0, draws.length), draws)]
        expect(stateOf(repeated).equals(stateOf(updates))).toBe(true)
      }),
    )
  })

  it('a version is live exactly when nobody who had it in view superseded it', () => {
    fc.assert(
      fc.property(steps(), deliveries(), (history, draws) => {
        const { updates } = playHistory(history)
        const superseded = Context.of(updates.flatMap((update) => update.supersedes))
        const expected = updates.filter((update) => update.kind === 'put' && !superseded.has(update.dot))
        const live = [...stateOf(shuffled(updates, draws)).entries.values()].flatMap((entry) => entry.versions)
        expect(
          Context.of(live.map((version) => version.dot)).equals(Context.of(expected.map((update) => update.dot))),
        ).toBe(true)
      }),
    )
  })

  it('keeps no false sibling when the middle of a chain comes last', () => {
    fc.assert(
      fc.property(steps(3, 1), deliveries(), (history, draws) => {
        const { updates } = playHistory(history)
        const state = stateOf(shuffled(updates, draws).reverse())
        expect(state.seen.equals(state.applied)).toBe(true)
        expect(state.equals(stateOf(updates))).toBe(true)
      }),
    )
  })
})

describe('laws of join', () => {
  const joined = (...states: readonly ReferenceState[]): ReferenceState => {
    const result = new ReferenceState()
    for (const state of states) result.join(state)
    return result
  }

  it('commutes', () => {
    fc.assert(
      fc.property(steps(), (history) => {
        const [a, b] = playHistory(history).states as [ReferenceState, ReferenceState]
        expect(joined(a, b).equals(joined(b, a))).toBe(true)
      }),
    )
  })

  it('associates', () => {
    fc.assert(
      fc.property(steps(), (history) => {
        const [a, b, c] = playHistory(history).states as [ReferenceState, ReferenceState, ReferenceState]
        expect(joined(joined(a, b), c).equals(joined(a, joined(b, c)))).toBe(true)
      }),
    )
  })

  it('is idempotent', () => {
    fc.assert(
      fc.property(steps(), (history) => {
        const [a, b] = playHistory(history).states as [ReferenceState, ReferenceState]
        const once = joined(a, b)
        expect(joined(once, b, a).equals(once)).toBe(true)
      }),
    )
  })

  it('agrees with applying the updates of both sides', () => {
    fc.assert(
      fc.property(steps(), deliveries(), (history, draws) => {
        const { updates, states } = playHistory(history)
        const [a, b] = states as [ReferenceState, ReferenceState]
        const both = updates.filter((update) => a.applied.has(update.dot) || b.applied.has(update.dot))
        const applied = stateOf(shuffled(both, draws))
        // A hollow dot on both sides may be united before its own update came; entries still agree.
        expect(joined(a, b).sameEntries(applied)).toBe(true)
        expect(joined(a, b).seen.equals(applied.seen)).toBe(true)
      }),
    )
  })

  it('interleaves with apply', () => {
    fc.assert(
      fc.property(steps(), deliveries(), (history, draws) => {
        const { updates, states } = playHistory(history)
        const [a, b, c] = states as [ReferenceState, ReferenceState, ReferenceState]
        const mixed = joined(a, c)
        for (const update of shuffled(updates, draws)) mixed.apply(update)
        mixed.join(b)
        expect(mixed.equals(stateOf(updates))).toBe(true)
      }),
    )
  })
})
