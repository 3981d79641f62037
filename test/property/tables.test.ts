/**
 * Tables of contexts against plain contexts: what a swap comes to, and that a session by tables hears what one without
 * them hears.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMessage, encodeMessage } from '../../protocols/sync/codec.js'
import { SyncError } from '../../protocols/sync/core/actions.js'
import { noTablesReason } from '../../protocols/sync/core/opening.js'
import { knownTables, settledTable, type TableMessage, TableSwap, tableRoot } from '../../protocols/sync/core/tables.js'
import { type Contexts, unknownMember } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import type { Actor } from '../../store/model/dot.js'
import type { Capture } from '../../store/replica/types.js'
import { amount } from '../support/effort.js'
import { Random } from '../support/random.js'
import { live, SyncWorld } from '../support/sync-world.js'

const memberOf = () => unknownMember

/** Many actors, of which some differ in their last digits alone. */
const actorAt = (number: number): Actor =>
  number % 3 === 0
    ? `aaaaaaaaaaaa${number.toString(16).padStart(4, '0')}`
    : (Math.imul(number, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0').repeat(2)

/** Contexts with gaps, and with dots that are seen but not applied. */
function contexts(seed: number, actors: number): Contexts {
  const random = new Random(seed)
  const [seen, applied] = [new Context(), new Context()]
  for (let at = 0; at < actors; at++) {
    const [actor, first] = [actorAt(at), 1 + random.below(2)]
    seen.addRange(actor, first, first + random.below(4))
    for (const dot of new Context(new Map([[actor, seen.rangesOf(actor)]])).dots())
      if (random.chance(0.9)) applied.add(dot)
  }
  return { seen, applied }
}

const clone = ({ seen, applied }: Contexts): Contexts => ({ seen: seen.clone(), applied: applied.clone() })

/** Contexts after so many more changes: dots that come, runs that begin, and, if it `goes`, actors that go. */
function changed(from: Contexts, seed: number, count: number, goes = true): Contexts {
  const random = new Random(seed)
  const { seen, applied } = clone(from)
  for (let at = 0; at < count; at++) {
    const dot = { actor: actorAt(random.below(900)), counter: 1 + random.below(6) }
    if (goes && random.chance(0.1)) {
      seen.setRanges(dot.actor, [])
      applied.setRanges(dot.actor, [])
      continue
    }
    seen.add(dot)
    if (random.chance(0.8)) applied.add(dot)
  }
  return { seen, applied }
}

const same = (a: Contexts, b: Contexts) => a.seen.equals(b.seen) && a.applied.equals(b.applied)
const united = (a: Contexts, b: Contexts) => {
  const both = clone(a)
  both.seen.union(b.seen)
  both.applied.union(b.applied)
  return both
}
const capture = (now: Contexts, settled?: Contexts): Capture => ({
  ...now,
  members: new Map(),
  root: new Uint8Array(16),
  entries: 0,
  ...(settled && { settled }),
})

/** Over the wire and back. */
function sent(message: TableMessage): TableMessage {
  const bytes = encodeMessage({ type: 'table', ...message }, memberOf)
  const read = decodeMessage(bytes)
  if (read.type !== 'table') throw new Error('another message')
  expect(encodeMessage(read, memberOf).equals(bytes)).toBe(true)
  return read
}

/** Plays a swap. Returns what each side came to, and the bytes. */
function swapped(one: Contexts, other: Contexts, listingAim: number) {
  const sides = [new TableSwap(one, memberOf, listingAim), new TableSwap(other, memberOf, listingAim)] as const
  let bytes = 0
  let messages = 0
  let message: TableMessage | undefined = sides[0].begin()
  for (let to = 1; message !== undefined; to = 1 - to) {
    messages++
    bytes += encodeMessage({ type: 'table', ...message }, memberOf).length
    message = sides[to]!.take(sent(message))
  }
  return { tables: sides.map((side) => side.united), bytes, messages }
}

const seeds = fc.nat(1_000_000)
const sizes = fc.constantFrom(0, 1, 20, 200, 800)

describe('digests of tables', () => {
  it('are equal for equal sets, whatever their past, and for no others', () => {
    fc.assert(
      fc.property(seeds, seeds, sizes, fc.nat(4), (seed, changes, size, count) => {
        const one = contexts(seed, size)
        tableRoot(one)
        const other = changed(one, changes, count)
        expect(tableRoot(one).equals(tableRoot(other))).toBe(same(one, other))
        const back = { seen: new Context(), applied: new Context() }
        for (const actor of other.seen.actors().toReversed()) {
          back.seen.setRanges(actor, other.seen.rangesOf(actor))
          back.applied.setRanges(actor, other.applied.rangesOf(actor))
        }
        expect(tableRoot(back).equals(tableRoot(other))).toBe(true)
        tableRoot(other)
        for (const dot of [...one.seen.dots()].slice(0, 3)) other.seen.add(dot)
        expect(tableRoot(other).equals(tableRoot(clone(other)))).toBe(true)
        expect(tableRoot(other).equals(tableRoot(one))).toBe(same(other, one))
      }),
      { numRuns: amount(8, 100) },
    )
  })
})

describe('a swap of tables', () => {
  it('gives both sides the union of what they held', () => {
    fc.assert(
      fc.property(seeds, seeds, sizes, fc.constantFrom(0, 1, 5, 300), fc.constantFrom(1, 4, 16), (...drawn) => {
        const [seed, changes, size, count, listingAim] = drawn
        const base = contexts(seed, size)
        const [one, other] = [changed(base, changes, count), changed(base, changes + 1, count)]
        const { tables, messages } = swapped(one, other, listingAim)
        for (const table of tables) expect(same(table, united(one, other))).toBe(true)
        expect(messages).toBeLessThanOrEqual(20)
      }),
      // An actor of which nothing was applied.
      { numRuns: amount(8, 100), examples: [[0, 336_177, 0, 1, 1]] },
    )
  })

  it('costs little for each difference among many', () => {
    const base = contexts(1, 16_000)
    for (const count of [1, 4]) {
      const other = clone(base)
      for (let at = 0; at < count; at++) {
        other.seen.add({ actor: actorAt(7 * at + 1), counter: 9 })
        other.applied.add({ actor: actorAt(7 * at + 1), counter: 9 })
      }
      expect(swapped(base, other, 16).bytes).toBeLessThan(count * 4 * 1024)
    }
  })

  it('refuses answers to what was not asked, and digests below an actor', () => {
    const one = contexts(1, 200)
    const digests = { kind: 'digests', digests: new Uint8Array(128) } as const
    const begun = () => {
      const side = new TableSwap(one, memberOf, 4)
      side.begin()
      return side
    }
    expect(() => begun().take({ answers: [], nodes: [], actors: [] })).toThrow(SyncError)
    expect(() => begun().take({ answers: [1], nodes: [], actors: [] })).toThrow(SyncError)
    const deep = begun()
    let answer: TableMessage | undefined = { answers: [1], nodes: [digests], actors: [] }
    expect(() => {
      for (let depth = 0; depth < 20 && answer !== undefined; depth++) {
        answer = deep.take(answer)
        answer = answer && { answers: answer.nodes.map(() => 1), nodes: answer.nodes.map(() => digests), actors: [] }
      }
    }).toThrow(SyncError)
  })
})

describe('a table that is named', () => {
  it('is found where the peer holds it, and never another', () => {
    fc.assert(
      fc.property(seeds, sizes, fc.array(fc.nat(6), { minLength: 4, maxLength: 4 }), (seed, size, counts) => {
        const common = contexts(seed, size)
        const settled = [changed(common, seed + 1, counts[0]! % 2), changed(common, seed + 2, counts[1]! % 2)] as const
        const now = [
          changed(settled[0], seed + 3, counts[2]!, false),
          changed(settled[1], seed + 4, counts[3]!, false),
        ] as const
        const mine = capture(now[0], settled[0])
        const table = settledTable(mine)
        const added = [...mine.seen.actorsUnlike(table.seen), ...mine.applied.actorsUnlike(table.applied)]
        const actors = [...new Set(added)].map((actor) => ({ actor, member: unknownMember, seen: [], applied: [] }))
        const found = knownTables(capture(now[1], settled[1]), actors).filter((one) =>
          tableRoot(one).equals(tableRoot(table)),
        )
        for (const one of found) expect(same(one, table)).toBe(true)
        // Nobody has settled anything else, and what has changed here travels itself.
        if (counts[0]! % 2 === 0 && counts[1]! % 2 === 0) expect(found.length).toBeGreaterThan(0)
      }),
      { numRuns: amount(8, 100) },
    )
  })
})

describe('sessions by tables', () => {
  it('lose nothing in whole lives of three nodes, and find tables at once, by a swap, and not at all', () => {
    const ways = new Set<string>()
    fc.assert(
      fc.property(seeds, (seed) => {
        for (const { messages } of live({ seed, tables: true })) {
          const types = messages.map(({ message }) => message.type)
          ways.add(types.includes('table') ? 'swapped' : 'found')
          expect(types.filter((type) => type === 'open').length).toBeLessThanOrEqual(3)
        }
      }),
      { numRuns: amount(8, 60) },
    )
    expect([...ways].sort()).toEqual(['found', 'swapped'])
  })

  it('fall back to whole contexts where the peer knows no tables, on either side', () => {
    for (const tables of [
      [true, false],
      [false, true],
    ] as const) {
      const world = new SyncWorld({ seed: 4, nodes: 2, tables: true })
      for (let count = 0; count < 40; count++) world.write()
      const run = () => world.sync(0, 1, { tables })
      if (tables[0]) expect(run).toThrow(noTablesReason)
      else expect(run().outcomes.map((one) => one!.ended)).toEqual(['complete', 'complete'])
      world.check()
    }
  })
})
