/** `hearsay put` and `hearsay get` as whole processes, against a process that does nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { program } from '../e2e/daemons.js'
import { withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, ratioAtMost } from './support/figure.js'
import { interleaved } from './support/numbers.js'

/** So many processes of each kind. */
export async function* run({ full }: RunOptions): AsyncGenerator<Figure> {
  const runs = full ? 100 : 15
  yield* withFleet(async function* (fleet) {
    const daemon = await fleet.add('bench')
    const nothing = () => spawnedMs(['-e', '0'])
    const bars = { must: ratioAtMost(1.5), aim: ratioAtMost(1.2) }
    for (const args of [
      ['put', 'greeting', 'hello'],
      ['get', 'greeting'],
    ]) {
      const own = () => spawnedMs([program, ...args, '--data', daemon.data])
      const samples = (await interleaved(runs + 2, own, nothing)).slice(2)
      yield { name: `hearsay ${args[0]}, whole process`, unit: 'ms', yardstick: 'node -e 0', samples, ...bars }
    }
  })
}

async function spawnedMs(args: readonly string[]): Promise<number> {
  const startMs = performance.now()
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  const [exit] = await once(child, 'close')
  if (exit !== 0) throw new Error(`${args.join(' ')} ended with ${exit}`)
  return performance.now() - startMs
}
