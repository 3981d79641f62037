/** How the bytes of a heal grow with the data set when the number of differences stays the same. */
import { Copies } from './support/differences.js'
import { type Figure, type RunOptions, ratioAtMost } from './support/figure.js'

const kinds = [
  { kind: 'contexts', d: 1_000, from: 10_000, must: 1.05 },
  { kind: 'tree', d: 10, from: 10_000, must: 1.6 },
  { kind: 'tree', d: 1_000, from: 100_000, must: 1.6 },
] as const

/** 10,000 and 100,000 entries, and 1,000,000 with `full`: each is compared with the tenth of it. */
export async function* run({ full }: RunOptions): AsyncGenerator<Figure> {
  const before = new Map<object, number>()
  for (const n of full ? [10_000, 100_000, 1_000_000] : [10_000, 100_000]) {
    const copies = await Copies.of(n)
    try {
      for (const row of kinds) {
        const { kind, d, from, must } = row
        const { report, otherBytes, entryBytes } = await (kind === 'tree' ? copies.byTree(d) : copies.byLog(d))
        const bytes = otherBytes + entryBytes
        const less = before.get(row)
        before.set(row, bytes)
        const compared = less === undefined ? {} : { yardstick: 'a tenth of the entries' }
        const bar = less !== undefined && n / 10 >= from ? { must: ratioAtMost(must) } : {}
        const samples = [{ value: bytes, ...(less !== undefined && { yardstick: less }) }]
        yield { name: `heal by ${kind}, bytes`, n, d, unit: 'bytes', ...compared, samples, ...bar }
        yield { name: `heal by ${kind}, round trips`, n, d, unit: 'trips', samples: [{ value: report.roundTrips }] }
      }
    } finally {
      await copies.end()
    }
  }
}
