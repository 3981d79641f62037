/** Values sent in a heal of 4 + 4 nodes, against those that really differ. */

import { cutApart, heal, putOnBothSides } from './support/cuts.js'
import { addedTo, Looker, untilConnected, untilEqual, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtMost, type Sample } from './support/figure.js'

const perSide = 4

/** 200 puts on each side, 1,000 with `full`. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const d = full ? 1_000 : 200
  const nodes = 2 * perSide
  yield* withFleet(async function* (fleet) {
    const daemons = await fleet.mesh(Array.from({ length: nodes }, (_, at) => `node-${at}`))
    const lookers = await Promise.all(daemons.map(Looker.at))
    const [left, right] = [daemons.slice(0, perSide), daemons.slice(perSide)]
    const values: Sample[] = []
    const bytes: Sample[] = []
    for (let run = 0; run < runs; run++) {
      await untilEqual(lookers)
      await cutApart(left, right, lookers)
      await putOnBothSides(left, right, `${run}`, d)
      await untilEqual(lookers.slice(0, perSide))
      await untilEqual(lookers.slice(perSide))
      const [entries, transferred] = await addedTo(
        daemons,
        ['sync_entries_received', 'sync_bytes_received'],
        async () => {
          await heal(left)
          await untilConnected(lookers, nodes - 1)
          await untilEqual(lookers)
        },
      )
      // Every node lacks what the other side wrote.
      const differing = nodes * d
      values.push({ value: entries!, yardstick: differing })
      bytes.push({ value: transferred!, yardstick: differing * (100 + 'n/right/00000000'.length) })
    }
    const bar = { must: ratioAtMost(1.1), aim: ratioAtMost(1) }
    const yardstick = 'values that really differ, at each node'
    yield {
      name: 'values received in a heal of 4 + 4 nodes',
      d,
      nodes,
      unit: 'values',
      yardstick,
      samples: values,
      ...bar,
    }
    const against = 'keys and values that really differ, at each node'
    yield {
      name: 'bytes of sessions in a heal of 4 + 4 nodes',
      d,
      nodes,
      unit: 'bytes',
      yardstick: against,
      samples: bytes,
    }
    for (const looker of lookers) looker.close()
  })
}
