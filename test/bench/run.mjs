#!/usr/bin/env node
/** Runs benchmarks: `npm run bench -- NAME`, or all of them without a name; `--full` at their full size. One JSON line for each figure. */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const cache = join(here, '..', '..', 'node_modules', '.cache', 'hearsay-bench')
const { values, positionals } = parseArgs({
  options: { full: { type: 'boolean', default: false } },
  allowPositionals: true,
})

const known = readdirSync(here)
  .filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.slice(0, -'.bench.ts'.length))

const unknown = positionals.find((name) => !known.includes(name))
if (unknown !== undefined) {
  console.error(`there is no benchmark '${unknown}': ${known.join(', ')}`)
  process.exit(2)
}

for (const name of positionals.length > 0 ? positionals : known) {
  const outfile = join(cache, `${name}.mjs`)
  await build({
    entryPoints: [join(here, `${name}.bench.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['classic-level'],
    logLevel: 'warning',
  })
  const { run } = await import(outfile)
  for await (const figure of run(values.full)) console.log(JSON.stringify({ bench: name, ...figure }))
}
