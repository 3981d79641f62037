/** `hearsay ls` and `hearsay export` as whole processes, against a raw scan through a bare server and JSON. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { program } from '../e2e/daemons.js'
import { childPath } from './support/children.js'
import { putAll, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtLeast } from './support/figure.js'
import { interleaved } from './support/numbers.js'
import { pairsOf } from './support/pairs.js'
import { BareServer } from './support/servers.js'

const bars = { must: ratioAtLeast(0.3), aim: ratioAtLeast(0.5) }
const yardstick = 'a raw scan through a bare server and JSON, whole process'

/** 20,000 keys, 100,000 with `full`. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const n = full ? 100_000 : 20_000
  const pairs = pairsOf('list', n)
  const bare = await BareServer.start()
  try {
    yield* withFleet(async function* (fleet) {
      const daemon = await fleet.add('bench')
      await putAll(daemon, pairs)
      await bare.child.ask('openRaw', join(bare.folder, 'raw'))
      await bare.child.ask(
        'fillRaw',
        pairs.map(({ key, value }) => ({ key, value: value.toString() })),
      )
      for (const what of ['ls', 'export'] as const) {
        const own = () => spawned([program, what, '--data', daemon.data], n)
        const raw = () => spawned([childPath('scan-client'), bare.socketPath, what], n)
        const samples = (await interleaved(runs + 1, own, raw)).slice(1)
        yield { name: `hearsay ${what}, whole process`, n, unit: 'keys/s', yardstick, samples, ...bars }
      }
    })
  } finally {
    await bare.stop()
  }
}

/** Runs a program to its end; resolves with lines a second. Throws unless it printed so many lines. */
async function spawned(args: readonly string[], lines: number): Promise<number> {
  const startMs = performance.now()
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 2] })
  let printed = 0
  child.stdout!.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) printed++
  })
  const [exit] = await once(child, 'close')
  const ms = performance.now() - startMs
  if (exit !== 0 || printed !== lines) throw new Error(`${args[0]} ended with ${exit} after ${printed} lines`)
  return lines / (ms / 1000)
}
