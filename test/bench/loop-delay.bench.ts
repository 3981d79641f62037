/** How late the event loop of a daemon is while it syncs 10,000 differences, against an idle loop at the same time. */
import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { childPath } from './support/children.js'
import { cutApart, heal, putOnBothSides } from './support/cuts.js'
import { type Daemon, Looker, putAll, untilConnected, untilEqual, untilSeen, withFleet } from './support/daemons.js'
import { type Figure, type RunOptions, type Sample, valueAtMost } from './support/figure.js'
import { pairsOf } from './support/pairs.js'

const d = 10_000

/** Half of the differences are written on each side. */
export async function* run({ full, runs }: RunOptions): AsyncGenerator<Figure> {
  const n = full ? 100_000 : 10_000
  yield* withFleet(async function* (fleet) {
    const probe = (name: string) => ({
      NODE_OPTIONS: `--import=file://${childPath('probe')}`,
      BENCH_PROBE: `${fleet.folder}/${name}.probe`,
    })
    const names = ['one', 'other']
    const daemons = await Promise.all(names.map((name) => fleet.add(name, [], { env: probe(name) })))
    const idle = spawn(process.execPath, [childPath('idle')], {
      env: { ...process.env, ...probe('idle') },
      stdio: 'ignore',
    })
    const [one, other] = daemons as [Daemon, Daemon]
    await other.client.join((await one.client.invite()).token)
    const lookers = await Promise.all(daemons.map(Looker.at))
    await putAll(one, pairsOf('fill', n))
    await untilEqual(lookers)
    const watched = { one: one.pid!, other: other.pid!, idle: idle.pid! }
    const read = async () => {
      const found = await Promise.all(
        Object.entries(watched).map(([name, pid]) => readProbe(pid, probe(name).BENCH_PROBE)),
      )
      return { worst: Math.max(found[0]!, found[1]!), idle: found[2]! }
    }
    const samples: Sample[] = []
    const raw: Sample[] = []
    for (let run = 0; run < runs; run++) {
      await cutApart([one], [other], lookers)
      await putOnBothSides([one], [other], `${run}`, d / 2)
      await heal([one])
      await untilConnected(lookers, 1)
      await read()
      await untilEqual(lookers)
      const { worst, idle: idleMs } = await read()
      samples.push({ value: Math.max(0, worst - idleMs) })
      raw.push({ value: worst, yardstick: idleMs })
    }
    idle.kill('SIGKILL')
    for (const looker of lookers) looker.close()
    const name = 'event-loop delay in a sync, p99.9'
    const yardstick = 'an idle loop at the same time'
    yield { name, n, d, nodes: 2, unit: 'ms', yardstick, samples: raw }
    const bar = { must: valueAtMost(25), aim: valueAtMost(10) }
    yield { name: `${name}, without that of an idle loop`, n, d, nodes: 2, unit: 'ms', samples, ...bar }
  })
}

/** Milliseconds since the last reading, at most 99.9 % of the time. */
async function readProbe(pid: number, file: string): Promise<number> {
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  const text = await untilSeen(
    async () => tryRead(file),
    (seen) => seen.endsWith('}'),
  )
  return (JSON.parse(text) as { p999Ms: number }).p999Ms
}

function tryRead(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
