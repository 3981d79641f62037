/** Cost of past runs: the ids of 1,000 of each of 16 nodes, and a counter on which 3 members counted in 1,000. */
import { MemoryStore } from '../../store/memory.js'
import { countedKey, countedTotals, foldsOfTotals } from './support/counted.js'
import { type Figure, type RunOptions, ratioAtMost, valueAtMost } from './support/figure.js'
import { interleaved } from './support/numbers.js'
import { pairsOf } from './support/pairs.js'
import { applyAll, BenchFolder, type BenchNode, madeUpdates, openBenchNode, playSession } from './support/stage.js'

const pastRuns = 16_000
const puts = 300
/** Runs of three members that counted, and increments or reads of one sample. */
const countingRuns = 1_000
const counts = 20

/** As many entries by one run are what it is compared with. */
export async function* run({ runs }: RunOptions): AsyncGenerator<Figure> {
  const n = pastRuns
  yield* putFigures(n, runs)
  yield* counterFigures(runs)
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

/** An increment and a read, in milliseconds of CPU, against the same counter before its runs were folded. */
async function* counterFigures(runs: number): AsyncGenerator<Figure> {
  const [folded, plain] = [await counted('folded', true), await counted('plain', false)]
  const figure = { n: countingRuns, nodes: 3, unit: 'ms of CPU', yardstick: 'before its runs were folded' }
  const increment = (node: BenchNode) => () => cpuMs(() => node.data.counters.increment(countedKey, 1, {}))
  const read = (node: BenchNode) => () => cpuMs(async () => node.data.counters.get(countedKey))
  for (const [name, of] of [['increment', increment] as const, ['get', read] as const]) {
    const samples = (await interleaved(2 * runs + 1, of(folded), of(plain))).slice(1)
    yield { name: `${name} of a counter after 1,000 past runs`, ...figure, samples, must: ratioAtMost(0.5) }
  }
  for (const node of [folded, plain]) await node.replica.close()
}

async function counted(name: string, isFolded: boolean): Promise<BenchNode> {
  const node = await openBenchNode(name, new MemoryStore())
  const nowMs = Date.now()
  const totals = countedTotals(countingRuns, nowMs)
  await node.replica.sync.applyUpdates({ updates: totals, members: new Map() })
  const folds = isFolded ? foldsOfTotals(totals, nowMs) : []
  await node.replica.sync.applyUpdates({ updates: folds, members: new Map() })
  return node
}

/** Milliseconds of CPU that one of some calls takes. */
async function cpuMs(call: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  for (let at = 0; at < counts; at++) await call()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000 / counts
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
