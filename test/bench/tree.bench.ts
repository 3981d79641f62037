/** What finding differences by the tree alone costs, against range-based reconciliation. */
import { Copies } from './support/differences.js'
import { type Figure, type RunOptions, valueAtMost } from './support/figure.js'

/**
 * Per number of differences among 1,000,000 entries: kilobytes of range-based reconciliation in 3 round trips, and what
 * must be reached.
 */
const rows = [
  { d: 1, ranges: 1, must: 5.5 },
  { d: 10, ranges: 7.4, must: 8 },
  { d: 100, ranges: 54, must: 50 },
  { d: 1_000, ranges: 381, must: 350 },
  { d: 10_000, ranges: 2_080, must: 2_200 },
]

/** 100,000 entries, 1,000,000 with `full`: the bars are those of a million, and fewer entries cost no more. */
export async function* run({ full }: RunOptions): AsyncGenerator<Figure> {
  const n = full ? 1_000_000 : 100_000
  const copies = await Copies.of(n)
  try {
    for (const { d, ranges, must } of rows) {
      const { report, entryBytes, otherBytes } = await copies.byTree(d)
      const yardstick = 'range-based reconciliation at n = 1,000,000, 3 round trips'
      const samples = [{ value: otherBytes / 1000, yardstick: ranges }]
      yield {
        name: 'tree alone, bytes beside the entries',
        n,
        d,
        unit: 'kB',
        yardstick,
        samples,
        must: valueAtMost(must),
      }
      yield { name: 'tree alone, bytes of entries', n, d, unit: 'kB', samples: [{ value: entryBytes / 1000 }] }
      const trips = [{ value: report.roundTrips, yardstick: 3 }]
      yield { name: 'tree alone, round trips', n, d, unit: 'trips', yardstick, samples: trips, must: valueAtMost(2.5) }
    }
  } finally {
    await copies.end()
  }
}
