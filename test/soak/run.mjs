#!/usr/bin/env node
/**
 * Runs a soak: `npm run soak`, an hour at 500 writes a second on three daemons with a cut every minute. One JSON line
 * on stdout for each look, each heal, each check, and the verdict. `--minutes`, `--rate`, `--cut-every`, `--cut-for`,
 * `--sample-every` (seconds), `--keys`, `--warm-up`: other sizes; `--absent`: one more member is never there, so that
 * the disk grows and the verdict fails; `--write`: docs/SOAK.md and its pictures are written; `--from FILE`: from the
 * lines of an earlier run, nothing is run. Exit code: 0 when everything is flat and nothing lost, 1 otherwise, 2 for
 * wrong usage.
 */
import { spawn, spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundlePrograms } from '../bench/bundle.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const defaults = { minutes: 60, rate: 500, 'cut-every': 60, keys: 20_000, 'warm-up': 200_000 }

function usage(message) {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

function optionsOf() {
  const numbers = [...Object.keys(defaults), 'cut-for', 'sample-every']
  const texts = Object.fromEntries(numbers.map((name) => [name, { type: 'string' }]))
  const flags = {
    absent: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    from: { type: 'string' },
  }
  try {
    const { values } = parseArgs({ options: { ...texts, ...flags } })
    const given = (name, otherwise) => {
      if (values[name] === undefined) return otherwise
      const number = Number(values[name])
      if (!(number > 0) && !(name === 'warm-up' && number === 0))
        usage(`invalid --${name} '${values[name]}': use a number above 0`)
      return number
    }
    const every = given('cut-every', defaults['cut-every'])
    const lasts = given('cut-for', every / 4)
    if (lasts >= every) usage('invalid --cut-for: a cut ends before the next one begins')
    return {
      minutes: given('minutes', defaults.minutes),
      rate: given('rate', defaults.rate),
      cutEverySeconds: every,
      cutSeconds: lasts,
      sampleSeconds: given('sample-every', every / 12),
      keys: given('keys', defaults.keys),
      warmUp: given('warm-up', defaults['warm-up']),
      absent: values.absent,
      write: values.write,
      from: values.from,
    }
  } catch (error) {
    return usage(error.message)
  }
}

const options = optionsOf()
const bootstrap = join(root, 'cli', 'bootstrap.mjs')
const { status } = spawnSync(process.execPath, [bootstrap, 'build'], { stdio: ['ignore', 'ignore', 2] })
if (status !== 0) usage('the project could not be built; run `npm run build` to see why')
const built = await bundlePrograms({ main: join(here, 'main.ts') }, 'hearsay-soak')
const child = spawn(process.execPath, [join(built, 'main.mjs'), JSON.stringify({ root, ...options })], {
  stdio: ['ignore', 1, 2],
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('close', (code) => {
  if (options.write && code !== null) {
    const formatter = join(root, 'node_modules', '.bin', 'biome')
    spawnSync(formatter, ['format', '--write', 'docs/SOAK.md'], { cwd: root, stdio: 'ignore' })
  }
  process.exitCode = code ?? 1
})
