/** The process of one benchmark: runs it and hands its figures to the runner. */
import { pathToFileURL } from 'node:url'
import { benchFolder } from './support/children.js'
import type { Program } from './support/figure.js'
import { lineOf } from './support/figure.js'

const [name, options] = process.argv.slice(2) as [string, string]
const { full, runs = 3 } = JSON.parse(options) as { full: boolean; runs?: number }
const { run } = (await import(pathToFileURL(`${benchFolder}/bench/${name}.mjs`).href)) as { run: Program }
for await (const figure of run({ full, runs })) process.send!({ bench: name, isFull: full, ...lineOf(figure) })
process.disconnect()
