/** One durable PUT after another: how long a client waits, against the bare server and one raw synced put together. */
import { socketOf, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, valueAtMost } from './support/figure.js'
import { load, putRequest } from './support/load.js'
import { middleOf, timedMs } from './support/numbers.js'
import { pairsOf, RawStore } from './support/pairs.js'
import { BareServer } from './support/servers.js'

/** 300 PUTs a run. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const d = full ? 2_000 : 300
  const bare = await BareServer.start()
  const raw = await RawStore.open(`${bare.folder}/raw`)
  try {
    yield* withFleet(async function* (fleet) {
      const daemon = await fleet.add('bench')
      const overheads: number[] = []
      const totals: number[] = []
      for (let at = 0; at <= runs + 1; at++) {
        const pairs = pairsOf(`one/${at}`, d)
        const requests = pairs.map(({ key, value }) => putRequest(key, value))
        const bareMs = middleOf((await load(bare.socketPath, 1, requests)).latenciesMs)
        const rawMs: number[] = []
        for (const pair of pairs) rawMs.push(await timedMs(() => raw.batch([pair])))
        const ms = middleOf((await load(socketOf(daemon), 1, requests)).latenciesMs)
        // The first run warms all of them up.
        if (at === 0) continue
        totals.push(ms)
        overheads.push(ms - bareMs - middleOf(rawMs))
      }
      const yardstick = 'bare PUT + raw synced put'
      const samples = totals.map((value, at) => ({ value, yardstick: value - overheads[at]! }))
      yield { name: 'one durable PUT after another, p50', d, unit: 'ms', yardstick, samples }
      yield {
        name: 'one durable PUT after another, p50 beyond the bare PUT and a raw synced put',
        d,
        unit: 'ms',
        samples: overheads.map((value) => ({ value })),
        must: valueAtMost(0.4),
        aim: valueAtMost(0.2),
      }
    })
  } finally {
    await raw.close()
    await bare.stop()
  }
}
