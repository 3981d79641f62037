/**
 * A simulated mesh: performs actions on virtual time, lets every step be looked at, and brings all to rest at the end.
 */
import type { SessionReport } from '../../protocols/sync/service.js'
import { loadDocumentLibrary } from '../../store/documents/library.js'
import { digestAgeMsMax } from '../../store/replica/limits.js'
import { Random } from '../support/random.js'
import { type ClockFault, type VirtualEnvironment, VirtualWorld } from '../support/virtual-environment.js'
import { DiskFaults } from './disk-faults.js'
import { Inspector, roomyLogBytes } from './inspector.js'
import { Machines } from './machines.js'
import { SimMesh } from './mesh.js'
import type { SimNode, SimulatedSurroundings } from './node.js'
import { isFault, operate } from './operators.js'
import { Oracle } from './oracle.js'
import { comeToRest } from './rest.js'
import { Roster } from './roster.js'
import type { Plan, ScriptAction } from './script.js'
import { Trace } from './trace.js'
import { Users } from './users.js'

/** What one simulation did. */
export interface Figures {
  nodes: number
  updates: number
  faults: number
  sessions: number
  steps: number
  virtualMs: number
  /** Counters that were not judged, by node: see `Oracle.countersAtRest`. */
  windows: number
  /** Folds of counters. */
  folds: number
}

/** How much of the time in which copies must be heard of is left for the rest of a simulation, in milliseconds. */
const windowSlackMs = 24 * 3600 * 1000

/** How long a slice of long work waits for its next turn at most, in milliseconds. */
const yieldMs = 40

/** One mesh from its beginning to its rest. */
export class Simulation {
  readonly world: VirtualWorld
  readonly oracle: Oracle
  readonly mesh: SimMesh
  readonly roster: Roster
  readonly disks: DiskFaults
  readonly machines: Machines
  readonly trace: Trace
  readonly figures: Figures = {
    nodes: 0,
    updates: 0,
    faults: 0,
    sessions: 0,
    steps: 0,
    virtualMs: 0,
    windows: 0,
    folds: 0,
  }
  /** Told of each sync session, by who opened it, when it ends. */
  onSession: (name: string, report: SessionReport) => void = () => undefined
  readonly #plan: Plan
  readonly #users: Users
  readonly #inspector: Inspector
  /** Hours that were left out: what is to be done comes so much later. */
  #leaptMs = 0
  /** Those since a machine was copied. */
  #leaptWithCopiesMs = 0

  /** `show` receives the lines of a readable trace. */
  constructor(plan: Plan, show?: (line: string) => void) {
    this.#plan = plan
    this.world = new VirtualWorld(plan.seed)
    this.oracle = new Oracle({ logMayForget: plan.logBytesMax < roomyLogBytes || plan.logAgeMs !== undefined })
    this.trace = new Trace(this.world, show)
    this.mesh = this.#connectedMesh()
    this.roster = new Roster(this.world, plan, this.#surroundings())
    const { world, oracle, trace, roster, mesh } = this
    const isSynced = plan.sync
    const { handlerFailures } = mesh
    const keepsLog = plan.logBytesMax >= roomyLogBytes && plan.logAgeMs === undefined
    this.#inspector = new Inspector({ world, oracle, roster, handlerFailures, isSynced, keepsLog })
    this.disks = new DiskFaults({ roster, oracle, trace, isSynced })
    const fail = (error: unknown) => this.#inspector.fail(error)
    this.machines = new Machines({ world, roster, oracle, mesh, disks: this.disks, trace, fail })
    this.#users = new Users({
      nodeOf: (name) => roster.get(name),
      documents: oracle.documents,
      isSynced,
      nowMs: () => world.elapsedMs,
      couldAnswer: (from, to, sinceMs) => mesh.couldAnswer(from, to, sinceMs),
      fail,
    })
  }

  /** Plays the plan to its end. Throws a Violation. */
  async play(): Promise<Figures> {
    const { nodes, edges, actions, quietMs } = this.#plan
    // A library that is loaded in the middle would take real time.
    await loadDocumentLibrary()
    for (const [at, name] of nodes.entries()) this.roster.add(name, this.#plan.offsetsMs[at] ?? 0)
    for (const [a, b] of edges) this.mesh.addEdge(a, b)
    for (const name of nodes) this.roster.startSoon(name)
    for (const action of actions) {
      await this.runUntil(action.atMs + this.#leaptMs)
      await this.perform(action)
    }
    await this.runUntil(quietMs + this.#leaptMs)
    await this.rest()
    this.figures.virtualMs = this.world.elapsedMs
    this.figures.updates = this.oracle.updates.size
    this.figures.nodes = this.roster.nodes.size
    this.figures.windows = this.oracle.rest.windows
    this.figures.folds = this.oracle.counters.folds
    return this.figures
  }

  /**
   * How far a leap may go: a copied machine must be heard of before the digests of what it wrote are deleted, and what
   * is later than that is not judged here: docs/OPERATIONS.md, "Clones".
   */
  #mayLeap(askedMs: number): number {
    if (!this.oracle.forks.areAny) return askedMs
    const byMs = Math.max(0, Math.min(askedMs, digestAgeMsMax - windowSlackMs - this.#leaptWithCopiesMs))
    this.#leaptWithCopiesMs += byMs
    return byMs
  }

  /** Runs until a moment of virtual time. */
  async runUntil(atMs: number): Promise<void> {
    while (await this.step(atMs));
    await this.world.runFor(Math.max(0, atMs - this.world.elapsedMs))
  }

  /** One step, and a look at what it changed. */
  async step(untilMs: number): Promise<boolean> {
    const went = await this.world.step(untilMs)
    if (!went) await this.world.settle()
    this.figures.steps++
    this.look()
    return went
  }

  /** What changed on any node is looked at. Throws what was found. */
  look(): void {
    this.#inspector.look()
  }

  /** Does one thing. What cannot be done as things are is left out. */
  async perform({ words }: ScriptAction): Promise<void> {
    const [verb = '', ...rest] = words
    if (isFault(verb)) this.figures.faults++
    this.trace.note(() => `> ${words.join(' ')}`)
    if (this.#users.does(verb)) this.#users.perform(verb, rest)
    else await operate(this.#site, verb, rest)
    await this.world.settle()
    this.look()
  }

  /** Ends all faults and waits until all are equal; then they must hold what the oracle says. */
  async rest(): Promise<void> {
    this.figures.sessions = await comeToRest({
      world: this.world,
      mesh: this.mesh,
      roster: this.roster,
      oracle: this.oracle,
      disks: this.disks,
      machines: this.machines,
      trace: this.trace,
      step: (untilMs) => this.step(untilMs),
      runUntil: (atMs) => this.runUntil(atMs),
    })
  }

  get #site() {
    const expectHearsayError = (error: unknown) => this.#users.expectHearsayError(error)
    const leap = (askedMs: number) => {
      const byMs = this.#mayLeap(askedMs)
      this.world.leap(byMs)
      this.#leaptMs += byMs
    }
    const { roster, mesh, disks, machines } = this
    return { roster, mesh, disks, machines, leap, expectHearsayError }
  }

  #connectedMesh(): SimMesh {
    const { latencyMs, jitterMs, seed } = this.#plan
    const mesh = new SimMesh(this.world, { latencyMs, jitterMs }, new Random(seed ^ 0x3e7))
    mesh.note = (text) => this.trace.note(text)
    mesh.whenAwake = (peer, callback) => this.roster.get(peer)?.sleep.whenAwake(callback)
    mesh.isAsleep = (peer) => this.roster.get(peer)?.isAwake === false
    mesh.isRefused = (a, b) => this.roster.isForgotten(a, b) || this.roster.isForgotten(b, a)
    return mesh
  }

  #surroundings(): SimulatedSurroundings {
    const { logBytesMax, logAgeMs, syncIntervalMs, heartbeatMs, sync } = this.#plan
    return {
      mesh: this.mesh,
      oracle: this.oracle,
      logBytesMax,
      logAgeMs,
      syncIntervalMs,
      heartbeatMs,
      sync,
      environment: (clock) => this.#environment(clock),
      sessionEnded: (name, report) => this.#sessionEnded(name, report),
      expired: (issuer, dots) => this.#inspector.expired(issuer, dots),
      note: (text) => this.trace.note(text),
      rival: (node, givesWay) => this.#rival(node, givesWay),
      failed: (error) => this.#inspector.fail(error),
    }
  }

  #sessionEnded(name: string, report: SessionReport): void {
    const { peer, mode, ended, entriesSent, entriesReceived } = report
    this.trace.note(() => `${name} with ${peer}: ${mode}, ${entriesSent} sent, ${entriesReceived} received, ${ended}`)
    this.onSession(name, report)
  }

  /**
   * All nodes here have names of their own; but whose memory went back in time meets the traces of what it was, and may
   * start anew for it.
   */
  #rival(node: SimNode, givesWay: boolean): void {
    if (!node.meetsItself) {
      this.#inspector.fail(new Error(`${node.name} takes itself for another`))
      return
    }
    this.trace.note(() => `${node.name} meets itself${givesWay ? ' and starts again' : ''}`)
    if (givesWay) this.machines.startAnew(node)
  }

  /** Slices of long work take a while, as on a busy machine: others come in between. */
  #environment(clock: ClockFault): VirtualEnvironment {
    const environment = this.world.environment(clock)
    environment.yieldTurn = () =>
      new Promise((resolve) => environment.setTimer(environment.random() * yieldMs, resolve))
    return environment
  }
}
