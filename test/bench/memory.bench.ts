/** Anonymous resident memory of a daemon after an import, and after a restart. */
import { anonymousMegabytes, type Daemon, putAll, untilSeen, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, valueAtMost } from './support/figure.js'
import { pairsOf } from './support/pairs.js'

const bars = new Map([
  [100_000, { must: valueAtMost(150), aim: valueAtMost(110) }],
  [1_000_000, { must: valueAtMost(400), aim: valueAtMost(250) }],
])
const slice = 50_000

/** 100,000 entries of 100 B; also 1,000,000 with `full`. */
export async function* run({ full }: RunOptions): AsyncGenerator<Figure> {
  for (const n of full ? [100_000, 1_000_000] : [100_000]) yield* withEntries(n)
}

async function* withEntries(n: number): AsyncGenerator<Figure> {
  yield* withFleet(async function* (fleet) {
    const daemon = await fleet.add('bench')
    for (let from = 0; from < n; from += slice) await putAll(daemon, pairsOf('fill', slice, from))
    const one = (name: string): Figure => ({
      name,
      n,
      unit: 'MB',
      samples: [{ value: anonymousMegabytes(daemon) }],
      ...bars.get(n),
    })
    yield one('anonymous memory after an import')
    await daemon.stop()
    await daemon.start()
    await untilSeen(
      () => readiness(daemon),
      ({ verified }) => verified,
    )
    yield one('anonymous memory after a restart')
  })
}

async function readiness(daemon: Daemon): Promise<{ readonly verified: boolean }> {
  return (await daemon.client.health()).details as { verified: boolean }
}
