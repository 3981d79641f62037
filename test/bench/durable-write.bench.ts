/** Durable writes in process, in batches of 100, against classic-level with the same pairs. */
import type { Operation } from '../../store/data/batches.js'
import { type Figure, type RunOptions, ratioAtLeast } from './support/figure.js'
import { interleaved } from './support/numbers.js'
import { type Pair, pairsOf, RawStore, slices } from './support/pairs.js'
import { BenchFolder, type BenchNode } from './support/stage.js'

const batchSize = 100

/** Writes 10,000 pairs a run, 100,000 with `full`. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const d = full ? 100_000 : 10_000
  const folder = new BenchFolder()
  const node = await folder.open('node')
  const raw = await RawStore.open(folder.path('raw'))
  try {
    const samples = await interleaved(
      runs + 2,
      (at) => fill(node, pairsOf(`run-${at}`, d)),
      (at) => raw.fill(pairsOf(`run-${at}`, d), batchSize),
    )
    const bars = { must: ratioAtLeast(0.37), aim: ratioAtLeast(0.42) }
    const yardstick = 'classic-level, the same batches, synced'
    yield { name: 'durable write, batches of 100', d, unit: 'writes/s', yardstick, samples, ...bars }
  } finally {
    await node.replica.close()
    await raw.close()
    folder.remove()
  }
}

async function fill({ data }: BenchNode, pairs: readonly Pair[]): Promise<number> {
  const options = { context: undefined, expiresAtMs: null, ifAbsent: false }
  const startMs = performance.now()
  for (const slice of slices(pairs, batchSize)) {
    const operations = slice.map(({ key, value }): Operation => ({ op: 'put', key, value, options }))
    await data.batches.run(operations, {})
  }
  return pairs.length / ((performance.now() - startMs) / 1000)
}
