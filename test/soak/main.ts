/** The process of a soak: starts the lab, prints what it sees as JSON lines, judges it, and takes the lab down. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Lab } from '../../cli/lab/lab.js'
import { takeDown } from '../../cli/lab/taking-down.js'
import { measuredVersions } from '../bench/support/figure.js'
import { isFlat, judge, type SoakHeal, type SoakSample } from './judge.js'
import { soakPage, soakPictures } from './page.js'
import { Soak, type SoakOptions, soakNodes } from './soak.js'

const { root, absent, write, ...options } = JSON.parse(process.argv[2]!) as SoakOptions & {
  readonly root: string
  readonly absent: boolean
  readonly write: boolean
}
const print = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const folder = mkdtempSync(join(tmpdir(), 'hearsay-soak-'))
const directory = join(folder, 'lab')

/** The nodes outlive whoever started them: the lab is taken down whatever happens. */
async function end(): Promise<void> {
  await takeDown(directory, process.env)
  rmSync(folder, { recursive: true, force: true })
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void end().finally(() => process.exit(1)))
}

async function startLab(): Promise<Lab> {
  const count = absent ? soakNodes + 1 : soakNodes
  const lab = await Lab.up(directory, { count, flags: [], environment: process.env })
  if (absent) await lab.kill(lab.nodes.at(-1)!)
  return lab
}

async function run(): Promise<boolean> {
  const lab = await startLab()
  const loads: number[] = []
  const listener = {
    sample: (sample: SoakSample) => {
      loads.push(loadavg()[0]!)
      print({ kind: 'sample', ...sample, load: loads.at(-1) })
    },
    heal: (heal: SoakHeal) => print({ kind: 'heal', ...heal }),
  }
  print({ kind: 'options', ...options, absent, versions: measuredVersions() })
  const soak = new Soak(lab, options, listener)
  const record = await soak.run()
  lab.close()
  for (const [node, differences] of record.differences)
    print({ kind: 'account', node, writes: soak.writes, ...differences })
  const checks = judge(record)
  for (const check of checks) print({ kind: 'check', ...check })
  print({ kind: 'verdict', flat: isFlat(checks), missed: checks.filter(({ met }) => !met).map(({ name }) => name) })
  if (write) {
    const day = new Date().toISOString().slice(0, 10)
    writePage({ options, day, versions: measuredVersions(), loads, writes: soak.writes, record })
  }
  return isFlat(checks)
}

function writePage(made: Parameters<typeof soakPage>[0]): void {
  const drawn = soakPictures(made.record)
  mkdirSync(join(root, 'docs', 'images'), { recursive: true })
  for (const { file, svg } of drawn) writeFileSync(join(root, 'docs', 'images', file), svg)
  writeFileSync(join(root, 'docs', 'SOAK.md'), soakPage(made, drawn))
}

try {
  process.exitCode = (await run()) ? 0 : 1
} catch (error) {
  print({ kind: 'failed', message: (error as Error).message })
  for (const name of ['ann', 'bob', 'cid']) {
    try {
      process.stderr.write(
        `--- ${name}\n${readFileSync(join(directory, 'logs', `${name}.log`), 'utf8').slice(-4_000)}\n`,
      )
    } catch {
      // It has not been started.
    }
  }
  process.exitCode = 1
} finally {
  await end()
}
