/**
 * Laws of the lab's pure parts: scripts are read back as they are printed, groups divide the nodes, links are the same
 * in both directions.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeLinks, type Links, linkBetween, sidesOf } from '../../cli/lab/links.js'
import { groupsOf, nodeNames } from '../../cli/lab/names.js'
import { parseScript, ScriptProblem, type Statement } from '../../cli/lab/script.js'
import { printScript } from '../../cli/lab/script-print.js'
import { printWord, readWords } from '../../cli/lab/words.js'
import { amount } from '../support/effort.js'

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom(
    '',
    ' ',
    '#',
    "'",
    '"',
    '\\',
    "it's",
    'a"b',
    '=',
    'contains',
    'fails',
    '--off',
    'a\nb',
    '\r',
    '\t',
    '|',
  ),
)
const name = fc.constantFrom('ann', 'bob', 'cid', 'dan', '1', '2', '16', 'on', 'up', 'expect')
const names = fc.array(name, { minLength: 1, maxLength: 4 })
const groups = fc.array(names, { minLength: 1, maxLength: 4 })
const target = fc.oneof(names, fc.constant('all' as const))
const words = fc.array(anyText, { minLength: 1, maxLength: 5 })
const whole = (max: number) => fc.integer({ min: 1, max })
const slowness = fc
  .record(
    {
      delayMs: fc.integer({ min: 0, max: 60_000 }),
      lossPercent: fc.integer({ min: 0, max: 9_000 }).map((number) => number / 100),
      bytesPerSecond: fc.integer({ min: 128, max: 1024 ** 3 }),
    },
    { requiredKeys: [] },
  )
  .filter((made) => Object.keys(made).length > 0)
const outcome = fc.oneof(
  fc.record({ kind: fc.constant('is' as const), text: anyText }),
  fc.record({ kind: fc.constant('contains' as const), text: anyText }),
  fc.record({ kind: fc.constant('fails' as const), exit: whole(7) }),
)
const statement: fc.Arbitrary<Statement> = fc.oneof(
  fc.record({ kind: fc.constant('up' as const), count: whole(16), flags: fc.array(anyText, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('split' as const), groups }),
  fc.record({ kind: fc.constantFrom('heal' as const, 'fast' as const, 'equal' as const) }),
  fc.record({ kind: fc.constant('slow' as const), groups: fc.oneof(groups, fc.constant([])), slowness }),
  fc.record({ kind: fc.constantFrom('kill' as const, 'stop' as const, 'start' as const), nodes: names }),
  fc.record({ kind: fc.constant('pause' as const), ms: fc.integer({ min: 0, max: 600_000 }) }),
  fc.record({ kind: fc.constant('fill' as const), node: name, prefix: anyText, count: whole(1_000_000) }),
  fc.record({ kind: fc.constant('echo' as const), text: anyText }),
  fc.record({ kind: fc.constant('run' as const), on: target, words }),
  fc.record({ kind: fc.constant('expect' as const), on: target, words, outcome }),
)

describe('scripts', () => {
  test('what is printed is read back', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 8 }), (script) => {
        const read = parseScript(printScript(script))
        expect(read.map((line) => line.statement)).toEqual(script)
        expect(read.map(({ line }) => line)).toEqual(script.map((_, at) => at + 1))
      }),
      { numRuns: amount(200, 500) },
    )
  })

  test('a printed word is one word with the same text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(readWords(printWord(text)).map((word) => word.text)).toEqual([text])
      }),
    )
  })

  test('any text is read, or refused with its line', () => {
    const line = fc.oneof(
      anyText,
      fc.tuple(fc.constantFrom('up', 'expect ann:', 'slow', 'wait', 'fill', 'on'), anyText).map((two) => two.join(' ')),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const text = lines.join('\n')
        try {
          parseScript(text)
        } catch (error) {
          expect(error).toBeInstanceOf(ScriptProblem)
          expect((error as ScriptProblem).line).toBeGreaterThanOrEqual(1)
          expect((error as ScriptProblem).line).toBeLessThanOrEqual(text.split('\n').length)
        }
      }),
      { numRuns: amount(200, 500) },
    )
  })
})

describe('groups and links', () => {
  const nodes = nodeNames(6)
  /** Each node is on one of four sides, or is not named. */
  const sides = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 6, maxLength: 6 })
  const named = sides.map((side) => {
    const made = [1, 2, 3, 4].map((number) => nodes.filter((_, at) => side[at] === number))
    return made.filter((group) => group.length > 0)
  })

  test('groups name each node once', () => {
    fc.assert(
      fc.property(named, (given) => {
        fc.pre(given.length > 1 || (given.length === 1 && given[0]!.length < nodes.length))
        const made = groupsOf(given, nodes)
        expect(made.flat().toSorted()).toEqual([...nodes].toSorted())
        expect(made.slice(0, given.length)).toEqual(given)
        expect(made.length).toBeGreaterThanOrEqual(2)
      }),
    )
  })

  test('a link is the same in both directions, cut exactly between sides, and saved as it is', () => {
    const rule = fc.tuple(fc.oneof(named, fc.constant([])), slowness).map(([of, slow]) => ({ groups: of, ...slow }))
    const links: fc.Arbitrary<Links> = fc.record({
      groups: fc.oneof(named, fc.constant([])),
      slow: fc.array(rule, { maxLength: 4 }),
    })
    const pair = fc.tuple(fc.constantFrom(...nodes), fc.constantFrom(...nodes))
    fc.assert(
      fc.property(links, pair, (state, [a, b]) => {
        const link = linkBetween(state, a, b)
        expect(linkBetween(state, b, a)).toEqual(link)
        expect(decodeLinks(JSON.stringify(state))).toEqual(state)
        if (a === b) expect(link.isCut).toBe(false)
        const isTogether = sidesOf(state, nodes).some((side) => side.includes(a) && side.includes(b))
        if (state.groups.flat().length === nodes.length) expect(link.isCut).toBe(!isTogether)
      }),
    )
  })
})
