/**
 * Maps of actors against plain maps, and contexts of many actors against sets: sizes at which nodes are divided and
 * gathered again.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ActorMap } from '../../store/model/actor-map.js'
import { Context } from '../../store/model/context.js'
import type { Actor } from '../../store/model/dot.js'
import { amount } from '../support/effort.js'
import { Random } from '../support/random.js'

/** Half of the actors differ in their last byte alone, so that nodes are divided deep down. */
function actorOf(number: number): Actor {
  if (number % 2 === 0) return `aaaaaaaaaaaaaa${(number % 256).toString(16).padStart(2, '0')}`
  return (Math.imul(number, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0').repeat(2)
}

const steps = fc.array(
  fc.record({
    what: fc.constantFrom('set', 'set', 'delete', 'clone', 'fill', 'empty'),
    number: fc.nat(700),
    value: fc.nat(3),
  }),
  { maxLength: 60 },
)
const stranger = '0123456789abcdef'
const isSame = (a: number, b: number) => a === b

/** A map and its plain model after some steps; `kept`: what was cloned on the way, with what it held then. */
function played(list: readonly { what: string; number: number; value: number }[]) {
  const map = new ActorMap<number>()
  const model = new Map<Actor, number>()
  const kept: [ActorMap<number>, Map<Actor, number>][] = []
  for (const { what, number, value } of list) {
    const span = what === 'fill' || what === 'empty' ? 300 : 1
    if (what === 'clone') kept.push([map.clone(), new Map(model)])
    for (let at = number; at < number + span; at++) {
      const actor = actorOf(at)
      if (what === 'set' || what === 'fill') {
        map.set(actor, value)
        model.set(actor, value)
      } else if (what !== 'clone') {
        map.delete(actor)
        model.delete(actor)
      }
    }
  }
  return { map, model, kept }
}

const sorted = (model: ReadonlyMap<Actor, number>) => [...model].sort(([a], [b]) => (a < b ? -1 : 1))

describe('maps of actors', () => {
  it('hold what plain maps hold, in order, and clones keep what they held', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { map, model, kept } = played(list)
        for (const [one, held] of [...kept, [map, model] as const]) {
          const entries = sorted(held)
          expect([...one]).toEqual(entries)
          expect(one.size).toBe(held.size)
          for (const [rank, [actor, value]] of entries.entries()) {
            expect([one.get(actor), one.rankOf(actor), one.actorAt(rank)]).toEqual([value, rank, actor])
          }
          expect(
            [one.get(stranger), one.rankOf(stranger), one.actorAt(held.size)].every((it) => it === undefined),
          ).toBe(true)
        }
      }),
      { numRuns: amount(25, 60) },
    )
  })

  it('show exactly what another does not hold alike, with a common past or without', () => {
    fc.assert(
      fc.property(steps, steps, fc.boolean(), (list, more, isRelated) => {
        const one = played(list)
        const two = isRelated ? played([...list, { what: 'clone', number: 0, value: 0 }, ...more]) : played(more)
        const other = isRelated ? (two.kept.at(-1) ?? [two.map, two.model]) : ([two.map, two.model] as const)
        for (const [a, modelA, b, modelB] of [
          [one.map, one.model, two.map, two.model],
          [two.map, two.model, other[0], other[1]],
          [other[0], other[1], two.map, two.model],
        ] as const) {
          const seen: unknown[] = []
          a.visitUnlike(b, isSame, (actor, mine, theirs) => seen.push([actor, mine, theirs]) > 0)
          const unlike = sorted(modelA).filter(([actor, value]) => modelB.get(actor) !== value)
          expect(seen).toEqual(unlike.map(([actor, value]) => [actor, value, modelB.get(actor)]))
        }
      }),
      { numRuns: amount(25, 60) },
    )
  })

  it('refuse what is not the id of an actor', () => {
    expect(() => new ActorMap<number>().set('alice', 1)).toThrow(RangeError)
  })
})

describe('contexts of many actors', () => {
  const seeds = fc.nat(1_000_000)

  /** Some counters of each of some hundred actors. */
  function filled(seed: number): { context: Context; counters: Map<Actor, Set<number>> } {
    const random = new Random(seed)
    const context = new Context()
    const counters = new Map<Actor, Set<number>>()
    const count = random.below(600)
    for (let at = 0; at < count; at++) {
      const actor = actorOf(random.below(700))
      const counter = random.below(5) > 0 ? 1 : 1 + random.below(4)
      context.add({ actor, counter })
      counters.set(actor, (counters.get(actor) ?? new Set()).add(counter))
    }
    return { context, counters }
  }

  it('unite, subtract, intersect, cover and compare as sets do', () => {
    fc.assert(
      fc.property(seeds, seeds, (left, right) => {
        const [a, b] = [filled(left), filled(right)]
        const inB = (actor: Actor, counter: number) => b.counters.get(actor)?.has(counter) === true
        const dots = [...a.context.dots()]
        const united = a.context.clone()
        united.union(b.context)
        expect([...a.context.minus(b.context).dots()]).toEqual(dots.filter((dot) => !inB(dot.actor, dot.counter)))
        const common = dots.filter((dot) => inB(dot.actor, dot.counter))
        expect([...a.context.intersection(b.context).dots()]).toEqual(common)
        expect([...b.context.intersection(a.context).dots()]).toEqual(common)
        expect(united.size).toBe(a.context.size + b.context.size - common.length)
        expect([united.covers(a.context), united.covers(b.context)]).toEqual([true, true])
        expect(a.context.covers(b.context)).toBe(common.length === b.context.size)
        expect(a.context.equals(b.context)).toBe(common.length === b.context.size && common.length === dots.length)
        const unlike = a.context.actorsUnlike(b.context)
        const rangesDiffer = (actor: Actor) => `${a.context.rangesOf(actor)}` !== `${b.context.rangesOf(actor)}`
        expect(unlike).toEqual(united.actors().filter(rangesDiffer))
      }),
      { numRuns: amount(25, 60) },
    )
  })
})
