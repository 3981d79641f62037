/** Many puts on one node until all others have them, against raw gossipsub with a message for each. */
import { batchRequests, Looker, socketOf, untilEntries, untilEqual, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtLeast } from './support/figure.js'
import { load, putRequest } from './support/load.js'
import { interleaved } from './support/numbers.js'
import { pairsOf } from './support/pairs.js'
import { endMesh, rawMesh } from './support/raw-mesh.js'

/** 1,000 puts, 10,000 with `full`; by 64 clients, and in batches. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  for (const nodes of [2, 8]) yield* withNodes(nodes, full ? 10_000 : 1_000, runs)
}

async function* withNodes(nodes: number, d: number, runs: number): AsyncGenerator<Figure> {
  const raw = await rawMesh(nodes)
  try {
    yield* withFleet(async function* (fleet) {
      const daemons = await fleet.mesh(Array.from({ length: nodes }, (_, at) => `node-${at}`))
      const lookers = await Promise.all(daemons.map(Looker.at))
      const spread = (name: string, clients: number, toRequests: (name: string) => Buffer[]) => async (run: number) => {
        const { entries } = await lookers[0]!.status()
        const requests = toRequests(`${name}/${run}`)
        const startMs = performance.now()
        await load(socketOf(daemons[0]!), clients, requests)
        await untilEntries(lookers, entries + d)
        const perSecond = d / ((performance.now() - startMs) / 1000)
        await untilEqual(lookers)
        return perSecond
      }
      const rawly = async () => {
        const [sender, ...others] = raw
        for (const node of others) await node.ask('takeLatencies')
        const startMs = performance.now()
        await Promise.all([sender!.ask('publish', d, 0), ...others.map((node) => node.ask('whenReceived', d))])
        return d / ((performance.now() - startMs) / 1000)
      }
      const puts = (name: string) => pairsOf(name, d).map(({ key, value }) => putRequest(key, value))
      const yardstick = 'raw gossipsub, one message each'
      const bars = { must: ratioAtLeast(3), aim: ratioAtLeast(10) }
      const single = await interleaved(runs, spread('put', 64, puts), rawly)
      yield {
        name: 'puts on one node until on all, 64 clients',
        d,
        nodes,
        unit: 'puts/s',
        yardstick,
        samples: single,
        ...bars,
      }
      const batched = await interleaved(
        runs,
        spread('batch', 1, (name) => batchRequests(pairsOf(name, d))),
        rawly,
      )
      yield {
        name: 'puts on one node until on all, batches of 1,000',
        d,
        nodes,
        unit: 'puts/s',
        yardstick,
        samples: batched,
      }
      for (const looker of lookers) looker.close()
    })
  } finally {
    await endMesh(raw)
  }
}
