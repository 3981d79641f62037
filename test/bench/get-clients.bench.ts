/** GETs over the Unix socket by 64 clients, against the bare server that answers from a Map. */
import { putAll, socketOf, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtLeast } from './support/figure.js'
import { getRequest, load, putRequest } from './support/load.js'
import { interleaved } from './support/numbers.js'
import { pairsOf } from './support/pairs.js'
import { BareServer } from './support/servers.js'

const clients = 64
const n = 1_000

/** Every key of 1,000, several times. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const d = full ? 40_000 : 10_000
  const pairs = pairsOf('get', n)
  const bare = await BareServer.start()
  try {
    yield* withFleet(async function* (fleet) {
      const daemon = await fleet.add('bench')
      await putAll(daemon, pairs)
      const puts = pairs.map(({ key, value }) => putRequest(key, value))
      await load(bare.socketPath, clients, puts)
      const gets = Array.from({ length: d }, (_, at) =>
        getRequest(`/v1/kv/${encodeURIComponent(pairs[(at * 7) % n]!.key)}`),
      )
      const measure = (path: string) => async () => (await load(path, clients, gets)).perSecond
      const samples = (await interleaved(runs + 1, measure(socketOf(daemon)), measure(bare.socketPath))).slice(1)
      const bars = { must: ratioAtLeast(0.6), aim: ratioAtLeast(0.8) }
      const yardstick = 'bare server answering from a Map'
      yield { name: 'GET over the Unix socket, 64 clients', n, d, unit: 'gets/s', yardstick, samples, ...bars }
    })
  } finally {
    await bare.stop()
  }
}
