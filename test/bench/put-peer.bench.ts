/** Durable PUTs by 64 clients with one peer connected and up to date, against a daemon without a peer. */
import { socketOf, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtLeast } from './support/figure.js'
import { load, putRequest } from './support/load.js'
import { interleaved } from './support/numbers.js'
import { pairsOf } from './support/pairs.js'

const clients = 64

/** The peer has everything before each run. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const d = full ? 20_000 : 5_000
  yield* withFleet(async function* (fleet) {
    const alone = await fleet.add('alone')
    const [one] = await fleet.mesh(['one', 'other'])
    const measure = (path: string) => async (run: number) => {
      await one!.client.wait({ peers: 1, converged: true, timeoutMs: 60_000 })
      const requests = pairsOf(`${run}`, d).map(({ key, value }) => putRequest(key, value))
      return (await load(path, clients, requests)).perSecond
    }
    const samples = (await interleaved(runs + 1, measure(socketOf(one!)), measure(socketOf(alone)))).slice(1)
    const bars = { must: ratioAtLeast(0.6), aim: ratioAtLeast(0.8) }
    const name = 'durable PUT with one peer up to date, 64 clients'
    yield { name, d, nodes: 2, unit: 'puts/s', yardstick: 'the same without a peer', samples, ...bars }
  })
}
