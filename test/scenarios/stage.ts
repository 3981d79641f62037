/**
 * The stage of a scenario: a simulated mesh that is led by hand, with short stable names for everything that it shows.
 */
import type { SessionReport } from '../../protocols/sync/service.js'
import type { Address } from '../../store/model/address.js'
import type { Context } from '../../store/model/context.js'
import { type Actor, compareDots, type Dot } from '../../store/model/dot.js'
import type { Run, SimNode } from '../sim/node.js'
import { convergenceMs, replicasAreEqual } from '../sim/rest.js'
import { Simulation } from '../sim/world.js'
import type { Fate } from '../support/network/pipe.js'

/** What a scenario chooses for its mesh. */
export interface ScenarioOptions {
  /** Bytes of the update log for members that miss updates. */
  readonly logBytesMax: number
  /** True if writes are on the disk before they are acknowledged. */
  readonly sync: boolean
}

/** A mistake in a scenario file. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError'
}

/** Time that acquainted nodes are given for what they began, in virtual milliseconds. */
const settledMs = 2_000
/** Time that a command may take, in virtual milliseconds. */
const commandMs = 120_000

/** A mesh and what its scenario remembers of it. */
export class ScenarioStage {
  readonly simulation: Simulation
  /** Tokens that users were given, by the name that the scenario gave them. */
  readonly tokens = new Map<string, string>()
  /** Sessions that ended since they were last looked at. */
  readonly sessions: string[] = []
  /** Verifications that wait, by node. */
  readonly heldTurns = new Map<string, (() => void)[]>()
  /** What becomes of channels and frames, by protocol. */
  readonly fates = new Map<string, (from: string, to: string, what: 'open' | 'frame') => Fate>()
  /** How many updates were made up so far. */
  forged = 0
  readonly #names = new Map<Actor, string>()
  readonly #runs = new Map<string, number>()
  #named = 0

  /** Starts a mesh in which all pairs keep themselves connected. */
  constructor(names: readonly string[], { logBytesMax, sync }: ScenarioOptions) {
    const edges = names.flatMap((a, at) => names.slice(at + 1).map((b) => [a, b] as const))
    const mesh = { nodes: names, edges, logBytesMax, sync, actions: [], quietMs: 0, offsetsMs: [] }
    const links = { latencyMs: 2, jitterMs: 0 }
    this.simulation = new Simulation({ seed: 1, ...mesh, ...links, syncIntervalMs: 10_000, heartbeatMs: 1_000 })
    this.simulation.onSession = (name, report) => this.#sessionEnded(name, report)
    this.simulation.mesh.fateOf = (protocol, from, to, what) => this.fates.get(protocol)?.(from, to, what) ?? 'passes'
    for (const name of names) this.simulation.roster.add(name)
    for (const [a, b] of edges) this.simulation.mesh.addEdge(a, b)
    for (const name of names) this.simulation.roster.startSoon(name)
  }

  /** A node, running or not. */
  node(name: string): SimNode {
    const node = this.simulation.roster.nodes.get(name)
    if (node === undefined) throw new ScenarioError(`there is no node ${name}`)
    return node
  }

  /** The process of a node. */
  run(name: string): Run {
    const { run } = this.node(name)
    if (run?.isServing !== true) throw new ScenarioError(`${name} does not run`)
    return run
  }

  /** Nodes by name; all that were not retired when none is named. */
  nodesOf(names: readonly string[]): SimNode[] {
    return names.length === 0 ? this.simulation.roster.alive() : names.map((name) => this.node(name))
  }

  /** Runs until a promise is settled; the oracle looks at every step. */
  async through<T>(promise: Promise<T>): Promise<T> {
    let isDone = false
    const done = () => {
      isDone = true
    }
    promise.then(done, done)
    await this.until(() => isDone, 'the command')
    return promise
  }

  /** Runs until a condition holds. Throws when it does not in good time. */
  async until(condition: () => boolean, what: string, limitMs = commandMs): Promise<void> {
    const { world } = this.simulation
    const untilMs = world.elapsedMs + limitMs
    await world.settle()
    while (!condition()) {
      if (!(await this.simulation.step(untilMs)) && !condition())
        throw new ScenarioError(`${what} does not come to an end`)
      await world.settle()
    }
    this.simulation.look()
  }

  /** Lets virtual time pass. */
  advance(durationMs: number): Promise<void> {
    return this.simulation.runUntil(this.simulation.world.elapsedMs + durationMs)
  }

  /** Waits until all know each other and are equal. */
  async acquaint(): Promise<void> {
    const nodes = this.nodesOf([])
    const knowsAll = ({ run }: SimNode) =>
      run?.isServing && run.protocols.membership.records().length === nodes.length - 1
    await this.until(() => nodes.every(knowsAll) && replicasAreEqual(nodes), 'getting acquainted')
    await this.advance(settledMs)
    this.sessions.splice(0)
  }

  /** Waits until nodes are verified and equal; when all are, the oracle says whether they hold what they must. */
  async converge(names: readonly string[]): Promise<void> {
    const nodes = this.nodesOf(names)
    await this.until(() => replicasAreEqual(nodes), 'converging', convergenceMs)
    if (names.length === 0) for (const node of nodes) this.simulation.oracle.rest.entries(node)
  }

  /** Ends the scenario as the simulator ends a seed: all faults end, all become equal, and the oracle judges. */
  end(): Promise<void> {
    this.fates.clear()
    for (const node of this.simulation.roster.nodes.values()) {
      for (const other of this.simulation.roster.nodes.keys()) this.simulation.mesh.resume(node.name, other)
    }
    return this.simulation.rest()
  }

  // --- names --------------------------------------------------------------------------------------------------------

  /** An actor as `ann#2`: the second run of ann that wrote. */
  actor(actor: Actor): string {
    this.#nameActors()
    return this.#names.get(actor) ?? `unknown-${actor.slice(0, 4)}`
  }

  /** The actor behind such a name. */
  actorNamed(name: string): Actor {
    this.#nameActors()
    const found = [...this.#names].find(([, other]) => other === name)
    if (found === undefined) throw new ScenarioError(`nobody wrote as ${name}`)
    return found[0]
  }

  /** A dot as `ann#2:5`. */
  dot({ actor, counter }: Dot): string {
    return `${this.actor(actor)}:${counter}`
  }

  /** Dots in a stable order, with a space between. */
  dots(dots: readonly Dot[]): string {
    return dots
      .map((dot) => this.dot(dot))
      .sort()
      .join(' ')
  }

  /** A context as `ann#1:1-4 bob#1:1`; the ranges of one actor with commas. */
  context(context: Context): string {
    const text = context.actors().map((actor) => `${this.actor(actor)}:${rangesText(context.rangesOf(actor))}`)
    return text.length === 0 ? 'nothing' : text.sort().join(' ')
  }

  /** What an update superseded, as its writer said. */
  superseded(dot: Dot): string {
    const over = this.simulation.oracle.issues.latest(dot)?.supersedes ?? []
    return over.length === 0 ? '' : ` over ${this.dots(over)}`
  }

  /** Live versions at an address on a node's disk, in the order of their dots' names. */
  live({ mirror }: SimNode, address: Address): string[] {
    const here = [...mirror.live.values()].filter(
      (one) => one.address.key === address.key && one.address.type === address.type,
    )
    return here
      .toSorted((a, b) => compareDots(a.version.dot, b.version.dot))
      .map(({ version }) => `${valueText(version.value)} ${this.dot(version.dot)}`)
      .sort()
  }

  /** Runs are numbered in the order in which they first wrote. */
  #nameActors(): void {
    const { updates } = this.simulation.oracle
    if (updates.size === this.#named) return
    for (const { dot, issuer, reissueOf } of updates.values()) {
      if (this.#names.has(dot.actor)) continue
      if (reissueOf !== undefined) {
        this.#names.set(dot.actor, `again(${this.#names.get(reissueOf.dot.actor)}:${reissueOf.dot.counter})`)
        continue
      }
      const run = (this.#runs.get(issuer) ?? 0) + 1
      this.#runs.set(issuer, run)
      this.#names.set(dot.actor, `${issuer}#${run}`)
    }
    this.#named = updates.size
  }

  #sessionEnded(name: string, { peer, ...report }: SessionReport): void {
    this.sessions.push(`${name} with ${peer}: ${reportText(report)}`)
  }
}

/** A session's report in words. */
export function reportText({ mode, ended, entriesSent, entriesReceived }: Omit<SessionReport, 'peer'>): string {
  if (mode === 'busy') return `refused, ${ended}`
  return `${mode}, ${entriesSent} sent, ${entriesReceived} received, ${ended}`
}

/** A value as it is shown: short ones as they are. */
export function valueText(value: Uint8Array): string {
  return value.length > 40 ? `<${value.length} bytes>` : Buffer.from(value).toString()
}

function rangesText(ranges: readonly number[]): string {
  const parts: string[] = []
  for (let at = 0; at < ranges.length; at += 2) {
    const [from, to] = [ranges[at]!, ranges[at + 1]!]
    parts.push(from === to ? `${from}` : `${from}-${to}`)
  }
  return parts.join(',')
}
