/** The process of a soak: starts the lab, prints what it sees as JSON lines, judges it, and takes the lab down. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Lab } from '../../cli/lab/lab.js'
import { takeDown } from '../../cli/lab/taking-down.js'
import { measuredVersions } from '../bench/support/figure.js'
import { isFlat, judge } from './judge.js'
import { type SoakLine, soakRunOf } from './lines.js'
import { soakPage, soakPictures } from './page.js'
import { Soak, type SoakOptions, soakNodes } from './soak.js'

/** Characters of each node's log that are shown when the soak fails. */
const lastWordsCharacters = 4_000

const { root, absent, write, from, ...options } = JSON.parse(process.argv[2]!) as SoakOptions & {
  readonly root: string
  /** One more member is never there. */
  readonly absent: boolean
  readonly write: boolean
  /** File with the lines of an earlier run; absent: it is run now. */
  readonly from?: string
}
const lines: SoakLine[] = []

function print(line: SoakLine): void {
  lines.push(line)
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Runs the soak in a lab, which is taken down whatever happens: its nodes would outlive this process. */
async function runInLab(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-soak-'))
  const directory = join(folder, 'lab')
  const end = async () => {
    await takeDown(directory, process.env)
    rmSync(folder, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void end().finally(() => process.exit(1)))
  }
  try {
    await run(directory)
  } catch (error) {
    print({ kind: 'failed', message: (error as Error).message })
    showLogs(join(directory, 'logs'))
  } finally {
    await end()
  }
}

async function run(directory: string): Promise<void> {
  const count = absent ? soakNodes + 1 : soakNodes
  const lab = await Lab.up(directory, { count, flags: [], environment: process.env })
  if (absent) await lab.kill(lab.nodes.at(-1)!)
  const day = new Date().toISOString().slice(0, 10)
  print({ kind: 'options', ...options, absent, day, versions: measuredVersions() })
  const soak = new Soak(lab, options, {
    sample: (sample) => print({ kind: 'sample', ...sample, load: loadavg()[0]! }),
    heal: (heal) => print({ kind: 'heal', ...heal }),
  })
  const record = await soak.run()
  lab.close()
  for (const [node, found] of record.differences) print({ kind: 'account', node, writes: soak.writes, ...found })
  const checks = judge(record)
  for (const check of checks) print({ kind: 'check', ...check })
  print({ kind: 'verdict', flat: isFlat(checks), missed: checks.filter(({ met }) => !met).map(({ name }) => name) })
}

function showLogs(folder: string): void {
  for (const name of ['ann', 'bob', 'cid'].map((node) => `${node}.log`)) {
    const path = join(folder, name)
    const text = existsSync(path) ? readFileSync(path, 'utf8').slice(-lastWordsCharacters) : ''
    process.stderr.write(`--- ${name}\n${text}\n`)
  }
}

function writePage(): void {
  const done = soakRunOf(lines)
  const drawn = soakPictures(done.record)
  mkdirSync(join(root, 'docs', 'images'), { recursive: true })
  for (const { file, svg } of drawn) writeFileSync(join(root, 'docs', 'images', file), svg)
  writeFileSync(join(root, 'docs', 'SOAK.md'), soakPage(done, drawn))
}

if (from === undefined) await runInLab()
else
  lines.push(
    ...readFileSync(from, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as SoakLine),
  )
const isDone = lines.some(({ kind }) => kind === 'verdict')
if (write && isDone) writePage()
process.exitCode = isDone && isFlat(judge(soakRunOf(lines).record)) ? 0 : 1
