/** `hearsay lab up`: starts a lab, and says what can be done with it. */
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { printTable } from '../columns.js'
import type { Action, Invocation } from '../command.js'
import { loadDaemonPart } from '../daemon-part.js'
import { Lab } from '../lab/lab.js'
import { nodesDefault } from '../lab/limits.js'
import { upText } from '../lab/telling.js'
import { shellWord } from '../output.js'
import { directoryOf, interruptible } from './lab-call.js'

/** Starts a lab; interrupted, it removes what there is of it. */
export const up: Action = async (invocation) => {
  const { io, output } = invocation
  const startMs = performance.now()
  const directory = directoryOf(invocation)
  const options = { count: invocation.count('nodes', 1) ?? nodesDefault, flags: invocation.positionals }
  const lab = await interruptible(invocation, (signal) =>
    Lab.up(directory, { ...options, environment: io.environment, signal }),
  )
  try {
    const elapsedMs = Math.round(performance.now() - startMs)
    const nodes = lab.nodes.map((name) => ({ name, api: lab.apiOf(name), data: lab.places.data(name) }))
    if (invocation.json) return await output.json({ directory, elapsedMs, nodes })
    await output.line(upText(lab.nodes, elapsedMs))
    await printTable(
      output,
      ['NODE', 'API', 'DATA'],
      nodes.map(({ name, api, data }) => [name, api ?? '-', data]),
    )
    await output.line(await nextSteps(invocation, lab.nodes))
  } finally {
    lab.close()
  }
}

/** Commands to try next, as they can be typed here. */
async function nextSteps(invocation: Invocation, nodes: readonly string[]): Promise<string> {
  const call = await callOf(invocation)
  const flag = invocation.text('dir') === undefined ? '' : ` --dir ${shellWord(directoryOf(invocation))}`
  const [first] = nodes
  const half = Math.floor(nodes.length / 2)
  const split =
    nodes.length > 1
      ? [`${call} lab split ${nodes.slice(0, half).join(',')} ${nodes.slice(half).join(',')}${flag}`]
      : []
  const steps = [
    `${call} lab on${flag} ${first} put greeting hello`,
    ...split,
    `${call} lab open${flag}   # dashboards: watch it heal`,
    `${call} lab down${flag}`,
  ]
  return `try: ${steps.join('\n     ')}`
}

interface CallHintModule {
  callHint(start: object): { readonly program: string }
}

/** The words before a command: `hearsay`, or `npx hearsay` where only npm finds it. */
async function callOf({ io }: Invocation): Promise<string> {
  const entries = ['./hearsay.js', '../../dist/cli/hearsay.js'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  )
  const entry = entries.find((path) => existsSync(path)) ?? entries[0]!
  const { callHint } = await loadDaemonPart<CallHintModule>('call-hint.js')
  const realPath = (path: string) => (existsSync(path) ? realpathSync(path) : undefined)
  const root = join(entry, '..', '..', '..')
  const start = {
    entry,
    root,
    environment: io.environment,
    workingDirectory: process.cwd(),
    data: '',
    isDefaultData: true,
  }
  return callHint({ ...start, realPath }).program
}
