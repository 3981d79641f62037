/** What the ids of past runs cost: 1,000 of each of 16 nodes. */
import { MemoryStore } from '../../store/memory.js'
import { type Figure, type RunOptions, ratioAtMost, valueAtMost } from './support/figure.js'
import { interleaved } from './support/numbers.js'
import { pairsOf } from './support/pairs.js'
import { applyAll, BenchFolder, type BenchNode, madeUpdates, openBenchNode, playSession } from './support/stage.js'

const pastRuns = 16_000
const puts = 300

/** As many entries by one run are what it is compared with. */
export async function* run({ runs }: RunOptions): AsyncGenerator<Figure> {
  const n = pastRuns
  yield* putFigures(n, runs)
  yield* sessionFigures(n)
  // The first two compile what the others run.
  const bytes = (
    await interleaved(
      runs + 1,
      () => heldBytes(n),
      () => heldBytes(1),
    )
  ).slice(1)
  const perRun = bytes.map(({ value, yardstick }) => ({ value: (value - yardstick!) / n }))
  yield { name: 'memory of a past run', n, unit: 'bytes', samples: perRun, must: valueAtMost(40) }
}

async function* putFigures(n: number, runs: number): AsyncGenerator<Figure> {
  const [young, old] = [await filled('young', 1), await filled('old', n)]
  const measure = (node: BenchNode) => (run: number) => putMs(node, run)
  // In memory, so that the disk does not hide anything.
  const samples = (await interleaved(2 * runs + 1, measure(old), measure(young))).slice(1)
  const yardstick = 'a put after one past run'
  yield { name: 'put after 16,000 past runs, in memory', n, unit: 'ms', yardstick, samples, must: ratioAtMost(1.2) }
  for (const node of [young, old]) await node.replica.close()
}

/**
 * Sessions of two nodes that were started after those runs: what their tables cost when they are equal, and when they
 * differ.
 */
async function* sessionFigures(n: number): AsyncGenerator<Figure> {
  const folder = new BenchFolder()
  try {
    const filled = await folder.open('left', false)
    await applyAll(filled, madeUpdates(n, n))
    await filled.replica.close()
    folder.copy('left', 'right')
    const equal = await sessionBytes(folder)
    const swapped = { samples: [{ value: equal }], must: valueAtMost(2 * 1024) }
    yield { name: 'bytes of a session of equals after 16,000 past runs', n, unit: 'bytes', ...swapped }
    // One more run of the left node, ended by the time of the session.
    const left = await folder.open('left', false)
    await applyAll(left, madeUpdates(1, 1, n, n))
    await left.replica.close()
    const more = { samples: [{ value: (await sessionBytes(folder)) - equal }], must: valueAtMost(4 * 1024) }
    yield { name: 'bytes more when one entry of the settled tables differs', n, unit: 'bytes', ...more }
  } finally {
    folder.remove()
  }
}

/** Bytes of a session beside its entries, between two nodes that have just started. */
async function sessionBytes(folder: BenchFolder): Promise<number> {
  const nodes = [await folder.open('left', false), await folder.open('right', false)] as const
  const { otherBytes } = await playSession(...nodes)
  for (const node of nodes) await node.replica.close()
  return otherBytes
}

async function filled(name: string, actors: number): Promise<BenchNode> {
  const node = await openBenchNode(name, new MemoryStore())
  await applyAll(node, madeUpdates(pastRuns, actors))
  return node
}

/** Milliseconds of a put, one after another. */
async function putMs({ data }: BenchNode, run: number): Promise<number> {
  const startMs = performance.now()
  for (const { key, value } of pairsOf(`put/${run}`, puts)) {
    await data.registers.put(key, value, { context: undefined, expiresAtMs: null, ifAbsent: false })
  }
  return (performance.now() - startMs) / puts
}

/** What an open replica takes in memory, its rows on the disk left out. */
async function heldBytes(actors: number): Promise<number> {
  const folder = new BenchFolder()
  try {
    const writing = await folder.open('node', false)
    await applyAll(writing, madeUpdates(pastRuns, actors))
    await writing.replica.close()
    const before = await memoryBytes()
    const node = await folder.open('node', false)
    const after = await memoryBytes()
    await node.replica.close()
    return after - before
  } finally {
    folder.remove()
  }
}

/** What is held after everything that is garbage has gone, finalisers included. */
async function memoryBytes(): Promise<number> {
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc!()
    await new Promise(setImmediate)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
