/** Bulk writes: batches over HTTP and `hearsay import`, against classic-level in batches of 500. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { batchRequests, socketOf, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtLeast } from './support/figure.js'
import { load } from './support/load.js'
import { interleaved } from './support/numbers.js'
import { type Pair, pairsOf, RawStore } from './support/pairs.js'

const bars = { must: ratioAtLeast(0.15), aim: ratioAtLeast(0.3) }
const yardstick = 'classic-level, batches of 500, synced'

/** 20,000 pairs of 100 B a run, 100,000 with `full`. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const d = full ? 100_000 : 20_000
  yield* withFleet(async function* (fleet) {
    const daemon = await fleet.add('bench')
    const raw = await RawStore.open(join(fleet.folder, 'raw'))
    const fill = (kind: string) => (run: number) => raw.fill(pairsOf(`${kind}/${run}`, d), 500)
    const batches = await interleaved(
      runs,
      async (run) => {
        const requests = batchRequests(pairsOf(`batch/${run}`, d))
        return (await load(socketOf(daemon), 1, requests)).perSecond * (d / requests.length)
      },
      fill('batch'),
    )
    yield { name: 'POST /v1/batch of 1,000', d, unit: 'puts/s', yardstick, samples: batches, ...bars }
    const file = join(fleet.folder, 'lines.jsonl')
    const imports = await interleaved(
      runs,
      async (run) => {
        writeFileSync(file, linesOf(pairsOf(`import/${run}`, d)))
        const startMs = performance.now()
        const { exit, stderr } = await daemon.cli(['import', file])
        if (exit !== 0) throw new Error(`the import ended with ${exit}: ${stderr}`)
        return d / ((performance.now() - startMs) / 1000)
      },
      fill('import'),
    )
    yield { name: 'hearsay import, whole process', d, unit: 'lines/s', yardstick, samples: imports, ...bars }
    await raw.close()
  })
}

function linesOf(pairs: readonly Pair[]): string {
  return pairs.map(({ key, value }) => `${JSON.stringify({ key, value: value.toString() })}\n`).join('')
}
