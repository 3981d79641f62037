/** What an idle mesh of 8 equal nodes costs each of them. */
import { setTimeout as pause } from 'node:timers/promises'
import { allEqual, processorSeconds, putAll, withFleet, writtenBytes } from './support/daemons.js'
import { type Figure, type RunOptions, valueAtMost } from './support/figure.js'
import { pairsOf } from './support/pairs.js'

const nodes = 8
/** Time for a start and the writes to settle, in milliseconds: sessions go on until contexts are equal as well. */
const restMs = 25_000

/** Watched for 20 seconds, two minutes with `full`. */
export async function* run({ full }: RunOptions): AsyncGenerator<Figure> {
  const seconds = full ? 120 : 20
  yield* withFleet(async function* (fleet) {
    const daemons = await fleet.mesh(Array.from({ length: nodes }, (_, at) => `node-${at}`))
    await putAll(daemons[0]!, pairsOf('fill', 1_000))
    await allEqual(daemons)
    await pause(restMs)
    const before = daemons.map((daemon) => ({ processor: processorSeconds(daemon), bytes: writtenBytes(daemon) }))
    await pause(seconds * 1000)
    const of = (measure: (at: number) => number) => daemons.map((_, at) => ({ value: measure(at) }))
    const share = of((at) => (100 * (processorSeconds(daemons[at]!) - before[at]!.processor)) / seconds)
    const rate = of((at) => (writtenBytes(daemons[at]!) - before[at]!.bytes) / seconds)
    yield {
      name: 'idle mesh: processor time per node',
      nodes,
      unit: '% of a core',
      samples: share,
      must: valueAtMost(1),
    }
    yield { name: 'idle mesh: bytes written per node', nodes, unit: 'B/s', samples: rate, must: valueAtMost(1_000) }
  })
}
