#!/usr/bin/env node
/**
 * Runs benchmarks: `npm run bench -- NAME…`, or all of them without a name. One JSON line on stdout for each figure.
 * `--full`: at the sizes of the bars; `--runs N`: so many interleaved runs; `--json`: nothing but the lines; `--write`:
 * docs/PERFORMANCE.md and its pictures are written from the figures; `--from FILE`: from the lines of earlier runs,
 * nothing is run. Exit code: 0 when every figure that must reach its bar does, 1 when one does not or a benchmark
 * fails, 2 for wrong usage.
 */
import { fork, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundleBenchmarks } from './bundle.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const limitMs = { short: 300_000, full: 3_600_000 }

function usage(message) {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

function optionsOf() {
  try {
    const { values, positionals } = parseArgs({
      options: {
        full: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        runs: { type: 'string' },
        from: { type: 'string' },
      },
      allowPositionals: true,
    })
    const runs = values.runs === undefined ? undefined : Number(values.runs)
    if (runs !== undefined && !(Number.isInteger(runs) && runs > 0))
      usage(`invalid --runs '${values.runs}': use 1 or more`)
    return { ...values, runs, names: positionals }
  } catch (error) {
    return usage(error.message)
  }
}

const options = optionsOf()
const known = readdirSync(here)
  .filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.slice(0, -'.bench.ts'.length))
const unknown = options.names.find((name) => !known.includes(name))
if (unknown !== undefined) usage(`there is no benchmark '${unknown}': ${known.join(', ')}`)

/** What people read while it runs. */
const say = (text) => {
  if (!options.json) process.stderr.write(`${text}\n`)
}

function shown({ name, n, d, nodes, value, unit, yardstick, ratio, must, met, reason }) {
  const sizes = Object.entries({ n, d, nodes }).filter(([, size]) => size !== undefined)
  const size = sizes.map(([what, size]) => ` ${what}=${size}`).join('')
  if (value === null) return `  ${name}${size}: ${met === false ? 'FAILED' : 'not measured'}, ${reason}`
  const against = ratio === undefined ? '' : `, ${ratio} of ${yardstick.value} (${yardstick.name})`
  const verdict = met === undefined ? '' : met ? `, met (${must})` : `, MISSED (${must})`
  return `  ${name}${size}: ${value} ${unit}${against}${verdict}`
}

/** One benchmark in a process of its own. Resolves with its figures. */
function runOne(name, built) {
  const figures = []
  return new Promise((resolve) => {
    const child = fork(join(built, 'main.mjs'), [name, JSON.stringify({ full: options.full, runs: options.runs })], {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    const overdue = setTimeout(() => child.kill('SIGKILL'), options.full ? limitMs.full : limitMs.short)
    const take = (figure) => {
      figures.push(figure)
      process.stdout.write(`${JSON.stringify(figure)}\n`)
      say(shown(figure))
    }
    child.on('message', take)
    child.on('close', (code, signal) => {
      clearTimeout(overdue)
      const reason = signal === null ? `the program ended with ${code}` : `the program took too long (${signal})`
      if (code !== 0) take({ bench: name, name, value: null, met: false, reason, runs: 0, versions: {} })
      resolve(figures)
    })
  })
}

const { status } = spawnSync(process.execPath, [join(root, 'cli', 'bootstrap.mjs'), 'build'], {
  stdio: ['ignore', 'ignore', options.json ? 'ignore' : 2],
})
if (status !== 0) usage('the project could not be built; run `npm run build` to see why')
const built = await bundleBenchmarks(known)
const figures = []
if (options.from === undefined) {
  for (const name of options.names.length > 0 ? options.names : known) {
    say(name)
    figures.push(...(await runOne(name, built)))
  }
} else {
  const lines = readFileSync(options.from, 'utf8').split('\n')
  figures.push(...lines.filter((line) => line !== '').map((line) => JSON.parse(line)))
}
if (options.write) {
  const { writeReport } = await import(join(built, 'report.mjs'))
  writeReport(root, figures)
  // Tables stand as the formatter would have them.
  const formatter = join(root, 'node_modules', '.bin', 'biome')
  spawnSync(formatter, ['format', '--write', 'docs/PERFORMANCE.md'], { cwd: root, stdio: 'ignore' })
  say('wrote docs/PERFORMANCE.md')
}
const missed = figures.filter(({ met }) => met === false)
if (missed.length > 0) say(`${missed.length} of ${figures.length} figures do not reach their bar`)
process.exitCode = missed.length > 0 ? 1 : 0
