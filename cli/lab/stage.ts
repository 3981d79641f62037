/** Plays scripts on a lab of real daemons. */
import { setTimeout as pause } from 'node:timers/promises'
import { UsageError } from '../failure.js'
import type { Io } from '../io.js'
import { Lab } from './lab.js'
import { groupsOf, nodeOf } from './names.js'
import { captureOnNode } from './on-node.js'
import type { Act, Ran, Stage } from './runner.js'
import type { Target } from './script.js'
import { equalText, healText, slowText, splitText, upText } from './telling.js'

/** Settings of a stage. */
export interface StageOptions {
  /** Directory in which `up` makes the lab. */
  readonly directory: string
  readonly io: Io
  readonly signal?: AbortSignal
}

/** A lab that a script makes with `up`, or one that is there. */
export class LabStage implements Stage {
  readonly #options: StageOptions
  #lab: Lab | undefined

  constructor(options: StageOptions, lab?: Lab) {
    this.#options = options
    this.#lab = lab
  }

  /** Closes the connections to the nodes. */
  close(): void {
    this.#lab?.close()
  }

  nodesOf = (target: Target): readonly string[] =>
    target === 'all' ? this.#there.running() : target.map((word) => nodeOf(word, this.#there.nodes))

  command = (node: string, words: readonly string[]): Promise<Ran> =>
    captureOnNode(this.#there.places.data(node), words, this.#options.io)

  async perform(statement: Act): Promise<string> {
    if (statement.kind === 'up') return this.#up(statement.count, statement.flags)
    if (statement.kind === 'pause') return pause(statement.ms, '')
    const lab = this.#there
    switch (statement.kind) {
      case 'split': {
        const groups = groupsOf(statement.groups, lab.nodes)
        await lab.split(groups)
        return splitText(groups)
      }
      case 'heal':
        return healText(await lab.heal())
      case 'slow': {
        const groups = statement.groups.length > 0 ? groupsOf(statement.groups, lab.nodes) : []
        await lab.slow({ groups, ...statement.slowness })
        return slowText(lab.links)
      }
      case 'fast':
        await lab.slow(undefined)
        return slowText(lab.links)
      case 'equal': {
        const root = await lab.untilEqual()
        return lab.links.groups.length > 0
          ? 'each side is equal in itself'
          : `${equalText(lab.running())} (root ${root.slice(0, 8)})`
      }
      case 'fill':
        return this.#fill(nodeOf(statement.node, lab.nodes), statement.prefix, statement.count)
      case 'kill':
      case 'stop':
      case 'start':
        for (const node of this.nodesOf(statement.nodes)) await lab[statement.kind](node)
        return ''
    }
  }

  async #up(count: number, flags: readonly string[]): Promise<string> {
    const { directory, io, signal } = this.#options
    if (this.#lab !== undefined) throw new UsageError('there is a lab already: `up` is the first statement of a script')
    const startMs = performance.now()
    this.#lab = await Lab.up(directory, { count, flags, environment: io.environment, ...(signal && { signal }) })
    return upText(this.#lab.nodes, performance.now() - startMs)
  }

  /** Writes keys with numbers behind the prefix, through the import. */
  async #fill(node: string, prefix: string, count: number): Promise<string> {
    const digits = String(count).length
    async function* lines() {
      for (let at = 1; at <= count; at++) {
        const number = String(at).padStart(digits, '0')
        yield Buffer.from(`${JSON.stringify({ key: prefix + number, value: number })}\n`)
      }
    }
    const { imported } = await this.#there.client(node).import(lines(), { format: 'jsonl' })
    return `${imported.toLocaleString('en-US')} keys`
  }

  get #there(): Lab {
    if (this.#lab !== undefined) return this.#lab
    throw new UsageError('there is no lab: begin the script with `up 3`, or start one with `hearsay lab up`')
  }
}
