/** A set of many members: what one change costs, and what healing costs after many concurrent ones. */
import type { SessionReport } from '../../protocols/sync/service.js'
import type { Operation } from '../../store/data/batches.js'
import { batchOperationsMax } from '../../store/data/batches.js'
import { BenchFolder, type BenchNode, session } from './stage.js'

const key = 'everybody'
const changes = 1_000
const repeats = 200

const member = (at: number) => Buffer.from(`member-${`${at}`.padStart(8, '0')}`)

/** One figure. */
interface Figure {
  readonly name: string
  readonly n: number
  readonly value: number
  readonly unit: string
}

/** Runs at 1e6 members with `full`, at 1e5 without. */
export async function* run(full: boolean): AsyncGenerator<Figure> {
  const n = full ? 1_000_000 : 100_000
  const folder = new BenchFolder()
  try {
    const filled = await folder.open('left')
    yield { name: 'fill, members', n, value: round(n / (await timed(() => fill(filled, n)))), unit: 'members/s' }
    await filled.replica.close()
    folder.copy('left', 'right')
    const [left, right] = [await folder.open('left'), await folder.open('right')]
    yield* changeOne(left, n)
    const { report: first } = await session(left, right)
    yield { name: 'session after one side changed, entries sent', n, value: first.entriesSent, unit: 'entries' }
    await changeMany(left, n, 0)
    await changeMany(right, n, changes)
    const { report, ms } = await session(left, right)
    yield* healed(report, ms, n)
    if (left.replica.trie.root().toString() !== right.replica.trie.root().toString()) throw new Error('not equal')
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
  yield { name: 'one add, durable', n, value: round((adding / repeats) * 1000), unit: 'ms' }
  const removing = await timed(async () => {
    for (let at = 0; at < repeats; at++) await data.sets.remove(key, member(n + at), {})
  })
  yield { name: 'one removal, durable', n, value: round((removing / repeats) * 1000), unit: 'ms' }
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

function* healed(report: SessionReport, ms: number, n: number): Generator<Figure> {
  const named = (name: string) => `heal after ${changes} changes on each side, ${name}`
  yield { name: named('time'), n, value: round(ms), unit: 'ms' }
  yield { name: named('bytes'), n, value: report.bytesSent + report.bytesReceived, unit: 'bytes' }
  yield { name: named('entries'), n, value: report.entriesSent + report.entriesReceived, unit: 'entries' }
  yield { name: named('round trips'), n, value: report.roundTrips, unit: 'trips' }
}

/** Seconds. */
async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1000
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
