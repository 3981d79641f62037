/** A simulated mesh: performs actions on virtual time, looks at every change with the oracle, and waits for rest at the end. */
import type { SessionReport } from '../../protocols/sync/service.js'
import type { KvChange, KvRow } from '../../store/kv.js'
import type { Dot } from '../../store/model/dot.js'
import { type ClockFault, Random, type VirtualEnvironment, VirtualWorld } from '../support/virtual-environment.js'
import { type DiskImage, SimDisk } from './disk.js'
import { SimMesh } from './mesh.js'
import { type Run, SimNode, type Surroundings, tagOf } from './node.js'
import { Oracle, Violation } from './oracle.js'
import type { Action, Plan } from './script.js'
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
}

/** How long a healed mesh may take to become equal, in virtual milliseconds. */
export const convergenceMs = 240_000
/** How long equal nodes are watched at rest, in virtual milliseconds. */
const restMs = 1_500
/** How long they are given between two looks at what their counters may let go of, and looks at most. */
const tidyMs = 2_500
const tidyRoundsMax = 20
/** A log with room for so many bytes never comes to its limit in a simulation. */
const roomyLogBytes = 1 << 20
/** How long a slice of long work waits for its next turn at most, in milliseconds. */
const yieldMs = 40

const faultVerbs = new Set(
  'crash stop fail cut split clog loss duplicate late jump rotate rollback clone add forget flip lose'.split(' '),
)

/** Kinds of rows that are damaged; as often as it stands here. */
const damagedKinds = ['entry', 'entry', 'dot', 'context', 'system'] as const

/** One mesh from its beginning to its rest. */
export class Simulation {
  readonly world: VirtualWorld
  readonly oracle: Oracle
  readonly mesh: SimMesh
  readonly nodes = new Map<string, SimNode>()
  readonly trace: Trace
  readonly figures: Figures = { nodes: 0, updates: 0, faults: 0, sessions: 0, steps: 0, virtualMs: 0 }
  readonly users: Users
  /** Told of each sync session, by who opened it, when it ends. */
  onSession: (name: string, report: SessionReport) => void = () => undefined
  readonly #plan: Plan
  readonly #around: Surroundings
  readonly #images = new Map<string, DiskImage>()
  readonly #rewound = new Set<string>()
  #failure: unknown

  /** `show` receives the lines of a readable trace. */
  constructor(plan: Plan, show?: (line: string) => void) {
    this.#plan = plan
    this.world = new VirtualWorld(plan.seed)
    this.oracle = new Oracle({ logMayForget: plan.logBytesMax < roomyLogBytes })
    this.trace = new Trace(this.world, show)
    const { latencyMs, jitterMs } = plan
    const quality = { latencyMs, jitterMs, loss: 0, duplication: 0, lateMs: 0 }
    this.mesh = new SimMesh(this.world, new Random(plan.seed ^ 0x3e7), quality)
    this.mesh.note = (text) => this.trace.note(text)
    this.mesh.isRefused = (a, b) => this.#isForgotten(a, b) || this.#isForgotten(b, a)
    this.users = new Users(this)
    this.#around = {
      mesh: this.mesh,
      oracle: this.oracle,
      logBytesMax: plan.logBytesMax,
      syncIntervalMs: plan.syncIntervalMs,
      heartbeatMs: plan.heartbeatMs,
      sync: plan.sync,
      environment: (clock) => this.#environment(clock),
      sessionEnded: (name, report) => this.#sessionEnded(name, report),
      expired: (issuer, dots) => this.#expired(issuer, dots),
      note: (text) => this.trace.note(text),
      failed: (error) => this.fail(error),
    }
  }

  /** Plays the plan to its end. Throws a Violation. */
  async play(): Promise<Figures> {
    const { nodes, edges, actions, quietMs } = this.#plan
    for (const [at, name] of nodes.entries()) this.addNode(name, this.#plan.offsetsMs[at] ?? 0)
    for (const [a, b] of edges) this.mesh.addEdge(a, b)
    for (const name of nodes) this.startSoon(name)
    for (const action of actions) {
      await this.runUntil(action.atMs)
      await this.perform(action)
    }
    await this.runUntil(quietMs)
    await this.rest()
    this.figures.virtualMs = this.world.elapsedMs
    this.figures.updates = this.oracle.updates.size
    this.figures.nodes = this.nodes.size
    return this.figures
  }

  /** Something is wrong: the next step ends the simulation. */
  fail(error: unknown): void {
    this.#failure ??= error
  }

  /** Adds a node with its disk. */
  addNode(name: string, offsetMs = 0, image?: DiskImage): SimNode {
    const disk = new SimDisk(this.world, new Random(this.#plan.seed ^ hashText(name)), image)
    const node = new SimNode(name, disk, { offsetMs }, this.#around)
    this.nodes.set(name, node)
    return node
  }

  /** Starts a node's process; it serves a little later. */
  startSoon(name: string): void {
    const node = this.nodes.get(name)
    if (node === undefined || node.isRetired || node.run !== undefined) return
    node.start().catch((error: unknown) => this.fail(error))
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
    if (this.mesh.handlerFailures.length > 0) this.#countHandlerFailures()
    for (const node of this.nodes.values()) {
      const { run } = node
      if (run === undefined) continue
      run.watchVerification()
      if (node.isDoubtful && run.isVerified) this.#mended(node)
      if (!run.isChanged) continue
      run.isChanged = false
      this.#lookAt(node, run)
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Does one thing. What cannot be done as things are is left out. */
  async perform({ words }: Action): Promise<void> {
    const [verb = '', ...rest] = words
    if (faultVerbs.has(verb)) this.figures.faults++
    this.trace.note(() => `> ${words.join(' ')}`)
    if (this.users.does(verb)) this.users.perform(verb, rest)
    else await this.#operate(verb, rest)
    await this.world.settle()
    this.look()
  }

  async #operate(verb: string, words: readonly string[]): Promise<void> {
    const [a = '', b = '', c = ''] = words
    const node = this.nodes.get(a)
    switch (verb) {
      case 'start':
        return this.startSoon(a)
      case 'crash':
        return node?.run === undefined ? undefined : await this.#crash(node, b === 'reset')
      case 'stop':
        if (node?.run?.isServing === true) node.stop().catch((error: unknown) => this.users.expectHearsayError(error))
        return
      case 'fail':
        return node?.run?.isServing === true ? node.disk.failNext(b === 'after' ? 'after' : 'before') : undefined
      case 'image':
        if (node !== undefined && !node.isDoubtful) this.#images.set(a, node.disk.image())
        return
      case 'rollback':
        return this.#rollback(a)
      case 'clone':
        return this.#clone(a, b)
      case 'add':
        return this.#join(a)
      case 'forget':
        return this.#forget(a, b)
      case 'flip':
      case 'lose':
        return node === undefined ? undefined : await this.#damage(node, verb, Number(b))
      case 'jump':
        if (node !== undefined) node.clock.offsetMs = (node.clock.offsetMs ?? 0) + Number(b)
        return
      case 'rotate':
        if (node?.run?.isVerified === true) void node.run.replica.rotateActor('asked for').catch(() => undefined)
        return
      case 'sync':
        if (node?.run?.isServing === true) void node.run.protocols.scheduler.syncNow(b)
        return
      default:
        return this.#network(verb, [a, b, c, ...words.slice(3)])
    }
  }

  #network(verb: string, words: readonly string[]): void {
    const [a = '', b = '', c = ''] = words
    const { mesh } = this
    switch (verb) {
      case 'cut':
        mesh.block(a, b, true)
        if (c !== 'oneway') mesh.block(b, a, true)
        return
      case 'mend':
        mesh.block(a, b, false)
        mesh.block(b, a, false)
        return
      case 'split': {
        const side = new Set(words)
        for (const x of this.nodes.keys()) {
          for (const y of this.nodes.keys()) if (side.has(x) !== side.has(y)) mesh.block(x, y, true)
        }
        return
      }
      case 'mendall':
        for (const x of this.nodes.keys()) for (const y of this.nodes.keys()) if (x !== y) mesh.block(x, y, false)
        return
      case 'clog':
        mesh.links.clog(a, b, Number(c))
        return
      case 'loss':
        mesh.links.quality.loss = Number(a)
        return
      case 'duplicate':
        mesh.links.quality.duplication = Number(a)
        return
      case 'late':
        mesh.links.quality.lateMs = Number(a)
        return
      default:
        throw new Error(`no such action: ${verb}`)
    }
  }

  // --- faults of disks and members ----------------------------------------------------------------------------------

  /** Without fsync a crash may take what was acknowledged, and a repair as well. */
  async #crash(node: SimNode, reset: boolean): Promise<void> {
    await node.crash(reset)
    if (this.#plan.sync) return
    if (node.wasDamaged) node.isDoubtful = true
    this.#rewound.add(node.name)
    this.#destroyed(node)
  }

  #rollback(name: string): void {
    const node = this.nodes.get(name)
    const image = this.#images.get(name)
    if (node === undefined || image === undefined || node.run !== undefined || node.isRetired || node.isDoubtful) return
    node.disk.restore(image)
    this.#rewound.add(name)
    this.#destroyed(node)
  }

  #clone(name: string, copy: string): void {
    const node = this.nodes.get(name)
    if (node === undefined || node.isRetired || node.isDoubtful || this.nodes.has(copy)) return
    this.addNode(copy, 0, node.disk.image()).wasDamaged = node.wasDamaged
    this.#settleIn(copy)
  }

  #join(name: string): void {
    if (this.nodes.has(name)) return
    this.addNode(name)
    this.#settleIn(name)
  }

  /** A node that came later knows everybody, and starts. */
  #settleIn(name: string): void {
    for (const other of this.nodes.values()) if (!other.isRetired) this.mesh.addEdge(name, other.name)
    this.startSoon(name)
  }

  /** A member is retired: it is off for good from this moment on. */
  #forget(by: string, name: string): void {
    const [node, gone] = [this.nodes.get(by), this.nodes.get(name)]
    const left = [...this.nodes.values()].filter((other) => !other.isRetired)
    if (node?.run?.isServing !== true || gone === undefined || gone.isRetired || left.length <= 2) return
    if (!node.run.protocols.membership.records().some(({ peer }) => peer === name)) return
    void gone.crash(true)
    gone.isRetired = true
    this.#destroyed(gone)
    node.run.protocols.membership.forget(name).catch((error: unknown) => this.users.expectHearsayError(error))
  }

  /** Rows of one kind or of several rot or are gone: as with a flipped bit, a lost block, a lost table of the newest rows. */
  async #damage(node: SimNode, verb: 'flip' | 'lose', salt: number): Promise<void> {
    if (node.isRetired || (verb === 'lose' && node.run !== undefined)) return
    if ([...this.nodes.values()].some((other) => other.isDoubtful && !other.isRetired)) return
    const random = new Random(salt)
    const kinds = random.shuffle(damagedKinds).slice(0, random.pick([1, 1, 1, 2, 3]))
    const changes: KvChange[] = []
    for (const kind of new Set(kinds)) {
      const rows = await node.disk.all(kind)
      const from = random.below(rows.length)
      const count = 1 + random.below(verb === 'flip' ? 2 : 5)
      for (const row of rows.slice(from, from + count)) changes.push(verb === 'lose' ? gone(row) : rotten(row, random))
    }
    if (changes.length === 0) return
    await this.damage(node, changes)
    this.trace.note(() => `${node.name}: ${verb} of ${changes.length} rows: ${kinds.join(' ')}`)
  }

  /** Changes rows of a disk behind its node's back. Until the node has verified itself anew, what it says proves nothing. */
  async damage(node: SimNode, changes: readonly KvChange[]): Promise<void> {
    node.isDoubtful = true
    node.wasDamaged = true
    node.damagedRun = node.run
    this.#rewound.add(node.name)
    await node.disk.damage(changes)
    this.#destroyed(node)
  }

  /** What only this node had may be gone. */
  #destroyed(node: SimNode): void {
    const left = [...this.nodes.values()].filter((other) => !other.isRetired)
    this.oracle.destroyed(left)
    this.trace.note(() => `what ${node.name} alone had is excused`)
  }

  /** A damaged node has verified itself since the damage: what it says counts again. */
  #mended(node: SimNode): void {
    if (!node.isDoubtful || node.run === undefined || node.run === node.damagedRun) return
    node.isDoubtful = false
    try {
      this.oracle.whole(node)
    } catch (error) {
      this.fail(error)
    }
  }

  #isForgotten(by: string, name: string): boolean {
    const node = this.nodes.get(by)
    return node?.run?.isServing === true && node.run.protocols.membership.isForgotten(name)
  }

  // --- looking --------------------------------------------------------------------------------------------------------

  #lookAt(node: SimNode, run: Run): void {
    try {
      if (run.isVerified && !node.isDoubtful) this.#compareMemory(node, run)
      this.#compareAcknowledgements(node, run)
      this.oracle.exists(this.#alive())
      this.#compareLog(node, run)
    } catch (error) {
      this.fail(error)
    }
  }

  /** What a node shows of itself is what stands on its disk, and its root is the root of that. */
  #compareMemory(node: SimNode, run: Run): void {
    const { seen, applied, root } = run.replica.capture()
    const { mirror } = node
    if (!seen.equals(mirror.seen) || !applied.equals(mirror.applied)) {
      throw new Violation('not-committed', `${node.name} shows contexts that are not on its disk`)
    }
    this.oracle.root(node.name, Buffer.from(root).toString('hex'), mirror)
  }

  #compareAcknowledgements(node: SimNode, run: Run): void {
    if (!this.#plan.sync) return
    for (const other of this.nodes.values()) {
      const acknowledged = run.acknowledged.get(tagOf(other.name))
      if (acknowledged === undefined || this.#rewound.has(other.name) || other.isRetired) continue
      this.oracle.acknowledgement(node.name, other, acknowledged)
    }
  }

  /** With room for it, the log keeps what members miss. */
  #compareLog(node: SimNode, run: Run): void {
    if (!this.#plan.sync || this.#plan.logBytesMax < roomyLogBytes || this.isRewound(node.name) || !run.isServing)
      return
    this.oracle.logged(node, () => {
      const known = new Set(run.protocols.membership.records().map(({ peer }) => peer))
      return this.#alive().filter(({ name }) => known.has(name) && !this.isRewound(name))
    })
  }

  #sessionEnded(name: string, report: SessionReport): void {
    const { peer, mode, ended, entriesSent, entriesReceived } = report
    this.trace.note(() => `${name} with ${peer}: ${mode}, ${entriesSent} sent, ${entriesReceived} received, ${ended}`)
    this.onSession(name, report)
  }

  #expired(issuer: string, dots: readonly Dot[]): void {
    const others = this.#alive().filter(({ name }) => name !== issuer)
    const clocksMs = others.map(({ clock }) => this.world.nowMs + (clock.offsetMs ?? 0))
    try {
      this.oracle.expiredBy(issuer, dots, clocksMs)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Slices of long work take a while, as on a busy machine: others come in between. */
  #environment(clock: ClockFault): VirtualEnvironment {
    const environment = this.world.environment(clock)
    environment.yieldTurn = () =>
      new Promise((resolve) => environment.setTimer(environment.random() * yieldMs, resolve))
    return environment
  }

  #alive(): SimNode[] {
    return [...this.nodes.values()].filter((node) => !node.isRetired)
  }

  #countHandlerFailures(): void {
    for (const error of this.mesh.handlerFailures) {
      if (isBug(error)) this.fail(error)
    }
    this.mesh.handlerFailures.length = 0
  }

  // --- rest -----------------------------------------------------------------------------------------------------------

  /** Ends all faults, starts everybody, and waits until all are equal; then they must hold what the oracle says. */
  async rest(): Promise<void> {
    this.trace.note(() => 'the faults end')
    this.mesh.heal()
    for (const node of this.#alive()) {
      const { run } = node
      node.disk.failNext(undefined)
      const isBroken = run?.isServing === true && run.replica.failure !== undefined
      if (node.isDoubtful || isBroken) await this.#crash(node, true)
      this.startSoon(node.name)
    }
    this.#connectParts()
    const untilMs = this.world.elapsedMs + convergenceMs
    // Gossip that is still under way may carry what a disk that went back in time has lost: equal nodes would differ again.
    while (!this.isAtRest() || this.world.elapsedMs < this.mesh.gossip.untilMs) {
      if (!(await this.step(untilMs))) throw new Violation('not-converged', this.#differences())
    }
    for (const node of this.#alive()) {
      this.oracle.atRest(node)
      if (node.run !== undefined) this.oracle.countersAtRest(node, (address) => node.run!.replica.versions(address))
    }
    await this.#tidyBaselines()
    const sessions = this.#sessionsOpened()
    await this.runUntil(this.world.elapsedMs + restMs)
    if (!this.isAtRest()) throw new Violation('restless', `nodes that were equal differ again: ${this.#differences()}`)
    this.figures.sessions = this.#sessionsOpened()
    this.trace.note(() => `${this.figures.sessions - sessions} sessions at rest`)
  }

  /** Nodes that are equal delete baselines of counters that subtract from nothing; after a few rounds none is left anywhere. */
  async #tidyBaselines(): Promise<void> {
    for (let quiet = 0, round = 0; quiet < 2; round++) {
      await this.runUntil(this.world.elapsedMs + tidyMs)
      const idle = this.#alive().flatMap(({ run, name }) => (run === undefined ? [] : [{ run, name }]))
      let swept = 0
      for (const { run } of idle) swept += await this.world.runThrough(run.replica.sweepBaselines())
      quiet = swept === 0 && this.isAtRest() ? quiet + 1 : 0
      if (round >= tidyRoundsMax) throw new Violation('baseline-stays', 'nodes go on to delete baselines')
    }
    // A member that is gone and was never forgotten holds them, as it holds all deletes.
    const isAnybodyMissed = this.#alive().some(({ run }) => run?.acknowledged.size !== this.#alive().length - 1)
    const tags = new Set(this.#alive().map(({ name }) => tagOf(name)))
    for (const node of isAnybodyMissed ? [] : this.#alive()) {
      this.oracle.baselinesAtRest(node, (actor) => tags.has(node.run!.replica.memberOf(actor)))
    }
  }

  /** Whether an acknowledged write survives any crash. */
  get isSynced(): boolean {
    return this.#plan.sync
  }

  /** Whether a node's disk went back in time, or lost something: what it acknowledged before binds it no more. */
  isRewound(name: string): boolean {
    return this.#rewound.has(name)
  }

  /** Whether all nodes are verified and equal, on their disks and in memory, and answer nothing as damaged any more. */
  isAtRest(): boolean {
    const nodes = this.#alive()
    const [first] = nodes
    return nodes.every(
      (node) =>
        node.run?.isVerified === true &&
        !node.run.replica.awaitsPass &&
        !node.isDoubtful &&
        node.mirror.seen.equals(first!.mirror.seen) &&
        node.mirror.applied.equals(first!.mirror.applied) &&
        node.mirror.entriesText() === first!.mirror.entriesText(),
    )
  }

  /** A retired node may have been the only way between two others. */
  #connectParts(): void {
    const alive = this.#alive()
    if (alive.length === this.nodes.size) return
    for (const a of alive) for (const b of alive) if (a.name < b.name) this.mesh.addEdge(a.name, b.name)
  }

  #sessionsOpened(): number {
    let total = 0
    for (const { run } of this.nodes.values()) total += run?.network.opened.get('/hearsay/sync/1') ?? 0
    return total
  }

  #differences(): string {
    const alive = this.#alive()
    const [first] = alive
    return alive
      .map((node) => {
        const mirror = node.mirror
        const state = (node.run?.isVerified === true ? '' : ' unverified') + (node.isDoubtful ? ' damaged' : '')
        const lacks = first!.mirror.applied.minus(mirror.applied)
        const beyond = mirror.applied.minus(first!.mirror.applied)
        const same = mirror.entriesText() === first!.mirror.entriesText()
        const seen = mirror.seen.equals(first!.mirror.seen) ? '' : ', seen differs'
        return `${node.name}${state} lacks [${lacks}] and has [${beyond}] beyond ${first!.name}${seen}${same ? '' : ', entries differ'}`
      })
      .join('; ')
  }
}

/** A row that is lost. */
function gone({ key }: KvRow): KvChange {
  return { key, value: null }
}

/** A row with a flipped bit. */
function rotten({ key, value }: KvRow, random: Random): KvChange {
  const bytes = Buffer.from(value)
  bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
  return { key, value: bytes }
}

/** An error that only a defect gives. */
function isBug(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
}

function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
