/**
 * Heals of two daemons from their connection on until both are equal, against a raw stream and one synced batch on each
 * side.
 */

import { cutApart, heal, putOnBothSides } from './support/cuts.js'
import { addedTo, type Daemon, Looker, putAll, untilConnected, untilEqual, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtMost, type Sample } from './support/figure.js'
import { pairBytes, pairsOf } from './support/pairs.js'
import { endMesh, rawMesh } from './support/raw-mesh.js'

/** 1,000 and 10,000 entries, 10,000 and 100,000 with `full`; 100 and 1,000 puts on each side. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  for (const n of full ? [10_000, 100_000] : [1_000, 10_000]) yield* withEntries(n, runs)
}

async function* withEntries(n: number, runs: number): AsyncGenerator<Figure> {
  yield* withFleet(async function* (fleet) {
    const daemons = await fleet.mesh(['one', 'other'])
    const raw = await rawMesh(2)
    const lookers = await Promise.all(daemons.map(Looker.at))
    try {
      for (const [at, node] of raw.entries()) await node.ask('openStore', `${fleet.folder}/raw-${at}`)
      await putAll(daemons[0]!, pairsOf('fill', n))
      await untilEqual(lookers)
      for (const d of [100, 1_000]) {
        const times: Sample[] = []
        const sizes: Sample[] = []
        for (let run = 0; run <= runs; run++) {
          const healed = await healOnce(daemons, lookers, `${d}/${run}`, d)
          for (const [at, node] of raw.entries()) await node.ask('setOwn', `${d}/${run}/${at}`, d)
          const startMs = performance.now()
          await raw[0]!.ask('swap')
          await raw[1]!.ask('hasStored')
          const rawMs = performance.now() - startMs
          if (run === 0) continue
          times.push({ value: healed.ms, yardstick: rawMs })
          sizes.push({ value: healed.bytes, yardstick: 2 * pairBytes(pairsOf(`${d}/${run}/right`, d)) })
        }
        const yardstick = 'a raw stream and one synced batch on each side'
        const time = { must: ratioAtMost(3), aim: ratioAtMost(1.5) }
        yield { name: 'heal of two daemons, time', n, d, nodes: 2, unit: 'ms', yardstick, samples: times, ...time }
        const size = { must: ratioAtMost(1.3), aim: ratioAtMost(1.1) }
        const against = 'keys and values that differ'
        yield {
          name: 'heal of two daemons, bytes',
          n,
          d,
          nodes: 2,
          unit: 'bytes',
          yardstick: against,
          samples: sizes,
          ...size,
        }
      }
    } finally {
      for (const looker of lookers) looker.close()
      await endMesh(raw)
    }
  })
}

async function healOnce([one, other]: readonly Daemon[], lookers: readonly Looker[], name: string, d: number) {
  await cutApart([one!], [other!], lookers)
  await putOnBothSides([one!], [other!], name, d)
  let ms = 0
  const added = await addedTo([one!], ['sync_bytes_sent', 'sync_bytes_received'], async () => {
    // The session may begin before the answer is here.
    const healed = heal([one!])
    await untilConnected(lookers.slice(0, 1), 1)
    const startMs = performance.now()
    await healed
    await untilEqual(lookers)
    ms = performance.now() - startMs
  })
  return { ms, bytes: added.reduce((sum, bytes) => sum + bytes, 0) }
}
