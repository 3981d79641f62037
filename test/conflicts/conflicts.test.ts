/**
 * Every row of docs/CONFLICTS.md, on real replicas: either side first, in both orders of delivery, and through the tree
 * alone.
 */
import { describe, expect, it } from 'vitest'
import { isShort } from '../support/effort.js'
import { perform, shownText } from './language.js'
import { type Row, readTable } from './table.js'
import { ReplicaTrio } from './trio.js'

const rows = readTable()

/** How long after the last act everybody looks, in milliseconds: past every deadline that has expired anywhere. */
const lookAfterMs = 600_000

/**
 * How the two sides hear of each other: one of them first, by updates; or both through the third node, which has the
 * tree alone.
 */
type Way = 'left hears first' | 'right hears first' | 'through the third'

const allWays: readonly Way[] = ['left hears first', 'right hears first', 'through the third']

/** Combinations that are played of a row: either side acts first; where the other one does, the short form has the tree alone. */
function plays({ one, other }: Row): readonly { acts: readonly [string, string]; ways: readonly Way[] }[] {
  return [
    { acts: [one, other], ways: allWays },
    { acts: [other, one], ways: isShort ? ['through the third'] : allWays },
  ]
}

/**
 * Plays a row: `before` everywhere, then both sides apart from each other, then they meet. Returns what each of the
 * three shows.
 */
async function play(row: Row, acts: readonly [string, string], way: Way): Promise<string[]> {
  const trio = await ReplicaTrio.open(row.line)
  const [left, right] = trio.sides
  try {
    await perform(left, row.before)
    await trio.deliver(left, right)
    await trio.meetThroughTree(trio.third, left)
    trio.pass(1000)
    await perform(left, acts[0])
    trio.pass(1000)
    await perform(right, acts[1])
    await meet(trio, way)
    if (hasExpiry(row)) trio.pass(lookAfterMs)
    expect(trio.areEqual).toBe(true)
    return await Promise.all([left, right, trio.third].map(shownText))
  } finally {
    await trio.close()
  }
}

async function meet(trio: ReplicaTrio, way: Way): Promise<void> {
  const [left, right] = trio.sides
  if (way === 'through the third') {
    await trio.meetThroughTree(trio.third, left)
    await trio.meetThroughTree(right, trio.third)
  } else {
    const [first, second] = way === 'left hears first' ? [right, left] : [left, right]
    await trio.deliver(first, second)
    await trio.deliver(second, first)
  }
  await trio.meetThroughTree(trio.third, left)
}

function hasExpiry({ before, one, other }: Row): boolean {
  return [before, one, other].some((cell) => /\bexpires\b/.test(cell))
}

describe('conflicts', () => {
  it('are all in the table', () => {
    expect(rows.length).toBeGreaterThanOrEqual(60)
    const names = rows.map(({ before, one, other }) => [before, ...[one, other].sort()].join(' / '))
    expect(new Set(names).size).toBe(names.length)
  })

  for (const section of new Set(rows.map((row) => row.section))) {
    describe(section, () => {
      for (const row of rows.filter((one) => one.section === section)) {
        it(`${row.before}: ${row.one} / ${row.other} -> ${row.afterwards}`, async () => {
          for (const { acts, ways } of plays(row)) {
            for (const way of ways) {
              const all = await play(row, acts, way)
              expect(all, way).toEqual(all.map(() => row.afterwards))
            }
          }
        })
      }
    })
  }
})
