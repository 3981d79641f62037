/** Durable PUTs on a disk whose fsync takes 5 ms: 64 clients against one awaited put after another. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { childPath } from './support/children.js'
import { type Figure, type RunOptions, ratioAtLeast } from './support/figure.js'
import { load, putRequest } from './support/load.js'
import { interleaved } from './support/numbers.js'
import { pairsOf, temporaryFolder } from './support/pairs.js'

const fsyncMs = 5
const clients = 64

/** Group commit is what makes the difference. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const folder = temporaryFolder()
  const data = join(folder.path, 'data')
  const daemon = spawn(process.execPath, [childPath('slow-daemon'), data, `${fsyncMs}`], {
    stdio: ['ignore', 'pipe', 2],
  })
  try {
    await once(daemon.stdout!, 'data')
    const measure = (name: string, count: number, d: number) => async (run: number) => {
      const requests = pairsOf(`${name}/${run}`, d).map(({ key, value }) => putRequest(key, value))
      return (await load(join(data, 'api.sock'), count, requests)).perSecond
    }
    const d = full ? 20_000 : 4_000
    const samples = (
      await interleaved(runs + 1, measure('many', clients, d), measure('one', 1, full ? 500 : 100))
    ).slice(1)
    const bars = { must: ratioAtLeast(20), aim: ratioAtLeast(50) }
    const name = `durable PUT where fsync takes ${fsyncMs} ms, ${clients} clients`
    yield { name, d, unit: 'puts/s', yardstick: 'one awaited put after another there', samples, ...bars }
  } finally {
    daemon.kill('SIGKILL')
    await once(daemon, 'close')
    folder.remove()
  }
}
