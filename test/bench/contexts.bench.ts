/** What contexts cost where the log can tell everything: scattered differences of 16 actors, and random gaps. */
import { type Figure, type RunOptions, ratioAtMost, valueAtMost } from './support/figure.js'
import { pairBytes, pairsOf } from './support/pairs.js'
import { applyAll, BenchFolder, type Held, madeUpdates, playSession } from './support/stage.js'

const actors = 16
const d = 1_000

/** 100,000 entries, 1,000,000 with `full`. */
export async function* run({ full }: RunOptions): AsyncGenerator<Figure> {
  const n = full ? 1_000_000 : 100_000
  const folder = new BenchFolder()
  try {
    const stride = n / d
    const filled = await folder.open('right', false)
    await applyAll(
      filled,
      updatesWhere(n, (at) => at % stride !== gapIn(at, stride)),
    )
    await filled.replica.close()
    folder.copy('right', 'left')
    const [left, right] = [await folder.open('left'), await folder.open('right')]
    await applyAll(
      left,
      updatesWhere(n, (at) => at % stride === gapIn(at, stride)),
    )
    yield* figuresOf('contexts with 1,000 random gaps', n, await playSession(left, right), valueAtMost(6 * 1024))
    // Half of the actors write here, half there.
    const later = [...madeUpdates(2 * d, actors, n, n / actors)]
    const of = (isLeft: boolean) => later.filter((_, at) => at % actors < actors / 2 === isLeft).slice(0, d / 2)
    await applyAll(left, of(true))
    await applyAll(right, of(false))
    yield* figuresOf(
      'contexts with 1,000 differences of 16 actors',
      n,
      await playSession(left, right),
      valueAtMost(1024),
    )
    await left.replica.close()
    await right.replica.close()
  } finally {
    folder.remove()
  }
}

/** Which of the next `stride` updates is the gap: another one each time. */
function gapIn(at: number, stride: number): number {
  return (Math.imul(Math.floor(at / stride) + 1, 0x9e3779b1) >>> 8) % stride
}

function* updatesWhere(n: number, isIn: (at: number) => boolean) {
  let at = 0
  for (const update of madeUpdates(n, actors)) if (isIn(at++)) yield update
}

function* figuresOf(name: string, n: number, held: Held, must: ReturnType<typeof valueAtMost>): Generator<Figure> {
  const { report, entryBytes, otherBytes } = held
  const yardstick = '1.4 kB, the bound for naming the positions'
  yield {
    name: `${name}, bytes beside the entries`,
    n,
    d,
    unit: 'bytes',
    yardstick,
    samples: [{ value: otherBytes, yardstick: 1_400 }],
    must,
  }
  const payload = pairBytes(pairsOf('bench', d))
  const entries = [{ value: entryBytes, yardstick: payload }]
  yield { name: `${name}, bytes of the entries`, n, d, unit: 'bytes', yardstick: 'keys and values', samples: entries }
  yield {
    name: `${name}, round trips`,
    n,
    d,
    unit: 'trips',
    samples: [{ value: report.roundTrips }],
    must: valueAtMost(1.5),
  }
  const sent = [{ value: report.entriesSent + report.entriesReceived, yardstick: d }]
  const bar = { must: ratioAtMost(1.01), aim: ratioAtMost(1) }
  yield {
    name: `${name}, values sent`,
    n,
    d,
    unit: 'values',
    yardstick: 'values that really differ',
    samples: sent,
    ...bar,
  }
}
