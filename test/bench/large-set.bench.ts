/** A set of many members: what one change costs, and what healing costs after many concurrent ones. */
import type { Operation } from '../../store/data/batches.js'
import { batchOperationsMax } from '../../store/data/batches.js'
import type { Figure, RunOptions } from './support/figure.js'
import { BenchFolder, type BenchNode, type Held, playSession } from './support/stage.js'

const key = 'everybody'
const changes = 1_000
const repeats = 200

const member = (at: number) => Buffer.from(`member-${`${at}`.padStart(8, '0')}`)

/** Runs at 1e6 members with `full`, at 1e5 without. */
export async function* run({ full }: RunOptions): AsyncGenerator<Figure> {
  const n = full ? 1_000_000 : 100_000
  const folder = new BenchFolder()
  try {
    const filled = await folder.open('left')
    yield one('set: fill', n, n / (await timed(() => fill(filled, n))), 'members/s')
    await filled.replica.close()
    folder.copy('left', 'right')
    const [left, right] = [await folder.open('left'), await folder.open('right')]
    yield* changeOne(left, n)
    const { report: first } = await playSession(left, right)
    yield one('set: entries sent after one side changed', n, first.entriesSent, 'entries')
    await changeMany(left, n, 0)
    await changeMany(right, n, changes)
    yield* healed(await playSession(left, right), n)
    if (left.replica.health.trie.root().toString() !== right.replica.health.trie.root().toString())
      throw new Error('not equal')
    await left.replica.close()
    await right.replica.close()
  } finally {
    folder.remove()
  }
}

async function fill({ data }: BenchNode, n: number): Promise<void> {
  for (let at = 0; at < n; at += batchOperationsMax) {
    const operations: Operation[] = []
    for (let one = at; one < Math.min(n, at + batchOperationsMax); one++) {
      operations.push({ op: 'set.add', key, member: member(one) })
    }
    await data.batches.run(operations, {})
  }
}

async function* changeOne({ data }: BenchNode, n: number): AsyncGenerator<Figure> {
  const adding = await timed(async () => {
    for (let at = 0; at < repeats; at++) await data.sets.add(key, member(n + at), {})
  })
  yield one('set: one add, durable', n, (adding / repeats) * 1000, 'ms')
  const removing = await timed(async () => {
    for (let at = 0; at < repeats; at++) await data.sets.remove(key, member(n + at), {})
  })
  yield one('set: one removal, durable', n, (removing / repeats) * 1000, 'ms')
}

/** Half of the changes add, half remove. */
async function changeMany({ data }: BenchNode, n: number, from: number): Promise<void> {
  const operations: Operation[] = []
  for (let at = 0; at < changes / 2; at++) {
    operations.push({ op: 'set.add', key, member: member(2 * n + from + at) })
    operations.push({ op: 'set.rm', key, member: member(from + at) })
  }
  for (let at = 0; at < operations.length; at += batchOperationsMax) {
    await data.batches.run(operations.slice(at, at + batchOperationsMax), {})
  }
}

function* healed({ report, ms }: Held, n: number): Generator<Figure> {
  const named = (name: string) => `set: heal after ${changes} changes on each side, ${name}`
  yield one(named('time'), n, ms, 'ms')
  yield one(named('bytes'), n, report.bytesSent + report.bytesReceived, 'bytes')
  yield one(named('entries'), n, report.entriesSent + report.entriesReceived, 'entries')
  yield one(named('round trips'), n, report.roundTrips, 'trips')
}

function one(name: string, n: number, value: number, unit: string): Figure {
  return { name, n, unit, samples: [{ value }] }
}

/** Seconds. */
async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1000
}
