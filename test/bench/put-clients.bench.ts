/** Durable PUTs over the Unix socket by several clients at once, against the bare server that stores into a Map. */
import { socketOf, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtLeast } from './support/figure.js'
import { load, putRequest } from './support/load.js'
import { interleaved } from './support/numbers.js'
import { pairsOf } from './support/pairs.js'
import { BareServer } from './support/servers.js'

const bar = { clients: 64, must: ratioAtLeast(0.4), aim: ratioAtLeast(0.6) }

/** 64 clients; and others, for the picture of throughput over clients. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const bare = await BareServer.start()
  try {
    yield* withFleet(async function* (fleet) {
      const daemon = await fleet.add('bench')
      for (const clients of [64, 1, 4, 16, 256]) {
        const d = Math.max(400, Math.min(clients, 64) * (full ? 400 : 100))
        const measure = (path: string) => async (run: number) => {
          const requests = pairsOf(`${clients}/${run}`, d).map(({ key, value }) => putRequest(key, value))
          return (await load(path, clients, requests)).perSecond
        }
        // The first run warms both up and is not counted.
        const [project, yardstick] = [measure(socketOf(daemon)), measure(bare.socketPath)]
        const samples = (await interleaved(runs + 1, project, yardstick)).slice(1)
        const { must, aim } = bar
        const bars = clients === bar.clients ? { must, aim } : {}
        const name = `durable PUT over the Unix socket, ${clients} client${clients === 1 ? '' : 's'}`
        yield { name, d, unit: 'puts/s', yardstick: 'bare server storing into a Map', samples, ...bars }
      }
    })
  } finally {
    await bare.stop()
  }
}
