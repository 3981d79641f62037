import { describe, expect, it } from 'vitest'
import { merged, pageOf, type RunLine } from '../bench/report/report.js'
import { barChart, lineChart, shortNumber } from '../bench/report/svg.js'
import { lineOf, ratioAtLeast, ratioAtMost, valueAtMost } from '../bench/support/figure.js'

const samples = [
  { value: 10, yardstick: 20 },
  { value: 30, yardstick: 100 },
  { value: 20, yardstick: 25 },
]

function lineWith(more: Partial<RunLine>): RunLine {
  return { bench: 'a', name: 'puts', value: 1, unit: 'puts/s', runs: 3, versions: {}, ...more }
}

describe('a figure', () => {
  it('has the median of its runs, and of the ratios that each run had', () => {
    const line = lineOf({ name: 'puts', unit: 'puts/s', yardstick: 'raw', samples })
    expect(line).toMatchObject({ value: 20, yardstick: { name: 'raw', value: 25 }, ratio: 0.5, runs: 3 })
    expect(line).not.toHaveProperty('met')
  })

  it.each([
    [ratioAtLeast(0.5), true],
    [ratioAtLeast(0.51), false],
    [ratioAtMost(0.5), true],
    [ratioAtMost(0.49), false],
    [valueAtMost(20), true],
    [valueAtMost(19), false],
  ])('with %o is met: %s', (must, met) => {
    expect(lineOf({ name: 'puts', unit: 'puts/s', yardstick: 'raw', samples, must }).met).toBe(met)
  })

  it('whose bar is a ratio is missed without a yardstick', () => {
    const alone = [{ value: 1 }]
    expect(lineOf({ name: 'puts', unit: 'puts/s', samples: alone, must: ratioAtLeast(0) }).met).toBe(false)
  })

  it('that was not measured has no value, and says why', () => {
    const line = lineOf({ name: 'puts', unit: 'puts/s', samples: [], reason: 'no strace' })
    expect(line).toMatchObject({ value: null, reason: 'no strace', runs: 0 })
  })
})

describe('the page', () => {
  it('keeps the figures of benchmarks that did not run, and none of a benchmark that did', () => {
    const before = [lineWith({ bench: 'b', name: 'kept' }), lineWith({ name: 'old' })]
    const names = merged(before, [lineWith({ name: 'new' })]).map(({ name }) => name)
    expect(names).toEqual(['new', 'kept'])
  })

  it('says which bars are missed, with their numbers', () => {
    const bars = [
      lineWith({ ratio: 0.2, must: 'ratio >= 0.37', met: false }),
      lineWith({ ratio: 0.5, must: 'ratio >= 0.37', met: true }),
    ]
    const page = pageOf(bars, [])
    expect(page).toContain('1 of 2 bars are reached; 1 is missed')
    expect(page).toMatch(/\| 0\.2 \| ratio ≥ 0\.37 \| {2}\| \*\*missed\*\* \|/)
  })

  it('names every version that a figure was measured with, and the load of each', () => {
    const lines = [lineWith({ versions: { libp2p: '2' } }), lineWith({ versions: { libp2p: '3' }, load: 7.5 })]
    const page = pageOf(lines, [])
    expect(page).toContain('Measured with libp2p 2 or 3.')
    expect(page).toContain('| 3 | 7.5 |')
  })

  it('shows a benchmark that failed, whatever its other figures are', () => {
    expect(pageOf([lineWith({ value: null, met: false, reason: 'too slow' })], [])).toContain('**a failed:** too slow')
  })
})

describe('a picture', () => {
  it('has a point for each value, and escapes what it is told', () => {
    const points = [[1, 10] as const, [100, 2_000] as const]
    const svg = lineChart({ title: 'a < b', x: 'n', y: 'kB', series: [{ name: 'one', points }] })
    expect(svg.match(/<circle/g)).toHaveLength(2)
    expect(svg).toContain('a &lt; b')
    expect(svg).not.toContain('NaN')
  })

  it('has a bar for each value', () => {
    const series = [
      { name: 'one', values: [1, 2] },
      { name: 'other', values: [3, 0.5], isReference: true },
    ]
    const svg = barChart({ title: 't', y: 'ms', labels: ['p50', 'p99'], series })
    expect(svg.match(/<rect x="[\d.]+" y="[\d.]+" width="[\d.]+" height/g)!.length).toBeGreaterThanOrEqual(4)
    expect(svg).not.toContain('NaN')
  })

  it.each([
    [999, '999'],
    [1_234, '1.23k'],
    [2_500_000, '2.5M'],
  ])('says %d as %s', (value, text) => expect(shortNumber(value)).toBe(text))
})
