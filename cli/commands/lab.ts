/** `hearsay lab …`: a mesh of real daemons on this machine, to try everything on. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { printTable } from '../columns.js'
import type { Action, Invocation } from '../command.js'
import { UsageError } from '../failure.js'
import { runsFolder } from '../lab/directory.js'
import { areEqual } from '../lab/equality.js'
import { Lab, type LabNodeView } from '../lab/lab.js'
import { type Slowness, slownessProblem } from '../lab/links.js'
import { groupsOf, nodeOf, nodesOf } from '../lab/names.js'
import { runOnNode } from '../lab/on-node.js'
import { slownessOf } from '../lab/script.js'
import { takeDown } from '../lab/taking-down.js'
import { healText, slowText, splitText, stateText } from '../lab/telling.js'
import { LineProblem } from '../lab/words.js'
import { count } from '../output.js'
import { directoryOf, withLab } from './lab-call.js'

/** Shows all nodes. */
export const status: Action = (invocation) =>
  withLab(invocation, async (lab) => {
    const { output } = invocation
    const views = await lab.view()
    const isEqual = areEqual(views.flatMap(({ status: one }) => (one === undefined ? [] : [one])))
    if (invocation.json) {
      const { directory } = lab.places
      return output.json({ directory, equal: isEqual, switch: lab.hasSwitch, ...lab.links, nodes: views })
    }
    await output.line(stateText(views, lab.links, isEqual, lab.hasSwitch))
    if (lab.links.slow.length > 0) await output.line(slowText(lab.links))
    await printTable(
      output,
      ['NODE', 'STATE', 'SIDE', 'HEARS', 'ENTRIES', 'CONFLICTS', 'ROOT', 'API'],
      views.map(rowOf),
    )
  })

function rowOf({ name, side, api, status: one }: LabNodeView): string[] {
  if (one === undefined) return [name, 'not running', String(side), '-', '-', '-', '-', '-']
  const hears = one.members.filter(({ connected }) => connected).map((member) => member.name)
  const numbers = [one.entries, one.conflicts].map((number) => number.toLocaleString('en-US'))
  const state = one.blocked.length > 0 ? 'up, blocks' : 'up'
  return [name, state, String(side), hears.toSorted().join(' ') || '-', ...numbers, one.root.slice(0, 8), api ?? '-']
}

/** Runs a command on a node, with the streams and the exit code of this one. */
export const on: Action = async (invocation) => {
  const [word, ...words] = invocation.positionals
  const lab = Lab.open(directoryOf(invocation), invocation.io.environment)
  const node = nodeOf(word!, lab.nodes)
  lab.requireRunning(node)
  return runOnNode(lab.places.data(node), words, invocation.io)
}

/** Cuts groups apart. */
export const split: Action = (invocation) =>
  withLab(invocation, async (lab) => {
    const groups = groupsOf(
      invocation.positionals.map((group) => group.split(',')),
      lab.nodes,
    )
    await lab.split(groups)
    if (invocation.json) return invocation.output.json({ groups })
    await invocation.output.line(splitText(groups))
  })

/** Mends all cuts. */
export const heal: Action = (invocation) =>
  withLab(invocation, async (lab) => {
    const healed = await lab.heal(invocation.durationMs('timeout'))
    if (invocation.json) return invocation.output.json({ ...healed, elapsedMs: Math.round(healed.elapsedMs) })
    await invocation.output.line(healText(healed))
  })

/** Makes links slow. */
export const slow: Action = (invocation) =>
  withLab(invocation, async (lab) => {
    const groups = invocation.positionals.map((group) => group.split(','))
    const slowness = slownessFrom(invocation)
    const isOff = invocation.flag('off')
    if (isOff === Object.keys(slowness).length > 0)
      throw new UsageError('give some of --delay, --loss and --rate, or --off alone')
    await lab.slow(isOff ? undefined : { groups: groups.length > 0 ? groupsOf(groups, lab.nodes) : [], ...slowness })
    if (invocation.json) return invocation.output.json({ slow: lab.links.slow })
    await invocation.output.line(slowText(lab.links))
  })

function slownessFrom(invocation: Invocation): Slowness {
  const given = ['delay', 'loss', 'rate'].flatMap((name) => {
    const value = invocation.text(name)
    return value === undefined ? [] : [slownessAs(`--${name}`, value)]
  })
  const slowness: Slowness = Object.assign({}, ...given)
  const problem = slownessProblem(slowness)
  if (problem !== undefined) throw new UsageError(problem)
  return slowness
}

function slownessAs(flag: string, value: string): Slowness {
  try {
    return slownessOf(flag, value)
  } catch (error) {
    throw error instanceof LineProblem ? new UsageError(error.message) : error
  }
}

/** Ends nodes where they stand. */
export const kill: Action = (invocation) => eachNode(invocation, 'killed', (lab, node) => lab.kill(node))

/** Ends nodes in order. */
export const stop: Action = (invocation) => eachNode(invocation, 'stopped', (lab, node) => lab.stop(node))

/** Starts nodes again; those that run already go on. */
export const start: Action = (invocation) => eachNode(invocation, 'started', (lab, node) => lab.start(node))

/** All names are looked at before anything is done. */
function eachNode(
  invocation: Invocation,
  done: string,
  act: (lab: Lab, node: string) => Promise<unknown>,
): Promise<void> {
  return withLab(invocation, async (lab) => {
    const nodes = [...new Set(invocation.positionals.flatMap((word) => nodesOf(word, lab.nodes)))]
    await Promise.all(nodes.map((node) => act(lab, node)))
    if (invocation.json) return invocation.output.json({ [done]: nodes })
    await invocation.output.line(`${done} ${nodes.join(' ')}`)
  })
}

/** Prints the addresses of the dashboards. */
export const open: Action = (invocation) =>
  withLab(invocation, async (lab) => {
    const words = invocation.positionals
    const nodes = words.length > 0 ? words.flatMap((word) => nodesOf(word, lab.nodes)) : lab.running()
    for (const node of nodes) {
      lab.requireRunning(node)
      const url = await lab.dashboardOf(node)
      if (invocation.json) await invocation.output.json({ node, url })
      else await invocation.output.line(`${node}  ${url}`)
    }
  })

/** Removes the lab; without --dir also the labs of scripts whose run has ended. */
export const down: Action = async (invocation) => {
  const { output, io } = invocation
  const directory = directoryOf(invocation)
  const abandoned = invocation.text('dir') === undefined ? abandonedRuns(runsFolder(io.environment)) : []
  const ended: number[] = []
  for (const one of [directory, ...abandoned]) {
    const processes = await takeDown(one, io.environment)
    if (processes !== undefined) ended.push(processes)
  }
  const processes = ended.reduce((sum, one) => sum + one, 0)
  if (invocation.json) return output.json({ directory, labs: ended.length, processes })
  if (ended.length === 0) return output.line(`there is no lab in ${directory}`)
  await output.line(
    `${ended.length === 1 ? 'the lab is' : `${ended.length} labs are`} gone: ${count(processes, 'process', 'processes')} ended`,
  )
}

/** The labs of scripts are named after the process that runs them. */
function abandonedRuns(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !isRunning(Number(name)))
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

function isRunning(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
