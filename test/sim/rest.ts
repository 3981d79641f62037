/**
 * The end of a simulation: all faults end, everybody starts, all become equal within a bound and stay so, and the
 * oracle judges what they hold.
 */
import { syncProtocol } from '../../protocols/sync/limits.js'
import { HearsayError } from '../../store/errors.js'
import { document } from '../../store/model/address.js'
import { sameDot } from '../../store/model/dot.js'
import type { VirtualWorld } from '../support/virtual-environment.js'
import type { DiskFaults } from './disk-faults.js'
import type { Machines } from './machines.js'
import type { SimMesh } from './mesh.js'
import { type Run, type SimNode, tagOf } from './node.js'
import type { Oracle } from './oracle.js'
import type { Roster } from './roster.js'
import type { Trace } from './trace.js'
import { SimulationViolation } from './violation.js'

/** How long a healed mesh may take to become equal, in virtual milliseconds. */
export const convergenceMs = 240_000
/** How long equal nodes are watched at rest, in virtual milliseconds. */
const restMs = 1_500
/** How long they are given between two looks at what their counters may delete, and looks at most. */
const tidyMs = 2_500
const tidyRoundsMax = 20
/** How far two nodes may be apart in what they take for now, in milliseconds: half of the slowest round trip. */
const clockErrorMs = 2_000

/** A mesh that comes to rest. */
export interface Resting {
  readonly world: VirtualWorld
  readonly mesh: SimMesh
  readonly roster: Roster
  readonly oracle: Oracle
  readonly disks: DiskFaults
  readonly machines: Machines
  readonly trace: Trace
  /** One step with a look at what it changed; false: nothing is left to happen until then. */
  step(untilMs: number): Promise<boolean>
  runUntil(atMs: number): Promise<void>
}

/**
 * Ends all faults, starts everybody, and waits until all are equal; then they must hold what the oracle says. Returns
 * sessions opened in all.
 */
export async function comeToRest(resting: Resting): Promise<number> {
  const { roster, trace } = resting
  trace.note(() => 'the faults end')
  await endFaults(resting)
  await converge(resting)
  await tidyBaselines(resting)
  const before = await stayAtRest(resting)
  const sessions = sessionsOpened(roster)
  await checkDocuments(resting)
  checkWinners(resting)
  trace.note(() => `${sessions - before} sessions at rest`)
  return sessions
}

/**
 * Equal nodes stay equal; when a version expires, they become so again. Returns how many sessions had been opened
 * before the last look.
 */
async function stayAtRest(resting: Resting): Promise<number> {
  const { world, roster, oracle } = resting
  for (;;) {
    const { expiries } = oracle
    const before = sessionsOpened(roster)
    await resting.runUntil(world.elapsedMs + restMs)
    const nodes = roster.alive()
    if (areAtRest(nodes)) return before
    if (oracle.expiries === expiries) {
      throw new SimulationViolation('restless', `nodes that were equal differ again: ${differences(nodes)}`)
    }
    await converge(resting)
  }
}

async function endFaults({ mesh, roster, disks, machines }: Resting): Promise<void> {
  mesh.heal()
  machines.end()
  for (const node of roster.alive()) {
    node.disk.failNext(undefined)
    if (node.isDoubtful || isBroken(node)) await disks.crash(node, true)
    roster.startSoon(node.name)
  }
  connectParts(mesh, roster)
}

/** True if a write of a node has failed: its daemon restarts. */
function isBroken({ run }: SimNode): boolean {
  return run?.isServing === true && run.replica.health.failure !== undefined
}

/** A retired node may have been the only way between two others. */
function connectParts(mesh: SimMesh, roster: Roster): void {
  const alive = roster.alive()
  if (alive.length === roster.nodes.size) return
  for (const a of alive) for (const b of alive) if (a.name < b.name) mesh.addEdge(a.name, b.name)
}

/**
 * Waits until all are equal and nothing is on its way to a disk, and judges them in that very turn. A batch on its way
 * may take effect at any read of its node, also at the judge's own: then a node lacks what another one had a moment
 * later.
 */
async function converge(resting: Resting): Promise<void> {
  const { world, mesh, roster, disks, step } = resting
  const untilMs = world.elapsedMs + convergenceMs
  // Gossip that is still under way may carry what a disk that went back in time has lost: equal nodes would differ
  // again.
  const areIdle = () => roster.alive().every(({ disk }) => disk.isIdle)
  while (!areAtRest(roster.alive()) || !areIdle() || world.elapsedMs < mesh.gossip.untilMs) {
    // Who was on its way down when the faults ended comes up again as well; so does one whose failed write is answered
    // only now.
    for (const node of roster.alive()) {
      if (isBroken(node)) await disks.crash(node, true)
      roster.startSoon(node.name)
    }
    if (!(await step(untilMs))) throw new SimulationViolation('not-converged', differences(roster.alive()))
  }
  judge(resting)
}

function judge({ roster, oracle }: Resting): void {
  for (const node of roster.alive()) {
    oracle.rest.entries(node)
    if (node.run !== undefined) oracle.rest.counters(node, (address) => node.run!.replica.versions(address))
  }
}

/**
 * Nodes that are equal delete baselines of counters that subtract from nothing; after a few rounds none is left
 * anywhere.
 */
async function tidyBaselines({ world, roster, oracle, runUntil }: Resting): Promise<void> {
  // A run that others have heard of is what they may be deleted by.
  const writer = roster.alive()[0]!.run!
  await world.runThrough(writer.registers.put('tidy', Buffer.from('tidy'), {}))
  for (let quiet = 0, round = 0; quiet < 2; round++) {
    await runUntil(world.elapsedMs + tidyMs)
    const idle = roster.alive().flatMap(({ run }) => run ?? [])
    let swept = 0
    for (const { replica } of idle) swept += await world.runThrough(replica.upkeep.sweepBaselines())
    quiet = swept === 0 && areAtRest(roster.alive()) ? quiet + 1 : 0
    if (round >= tidyRoundsMax) throw new SimulationViolation('baseline-stays', 'nodes go on to delete baselines')
  }
  // A member that is gone and was never forgotten holds them, as it holds all deletes.
  const nodes = roster.alive()
  const isAnybodyMissed = nodes.some(({ run }) => run?.acknowledged.size !== nodes.length - 1)
  const tags = new Set(nodes.map(({ name }) => tagOf(name)))
  for (const node of isAnybodyMissed ? [] : nodes) {
    oracle.rest.baselines(node, (actor) => tags.has(node.run!.replica.memberOf(actor)))
  }
}

/** All nodes hold the same: what one of them makes of its documents is what all do. */
async function checkDocuments({ world, roster, oracle: { documents } }: Resting): Promise<void> {
  const [node] = roster.alive()
  for (const key of documents.keys()) {
    const { data, replica } = node!.run!
    const live = replica.versions(document(key))
    // Where nothing can be read, nothing is shown.
    const shown = data.documents.get(key).catch((error: unknown) => {
      if (error instanceof HearsayError && error.code === 'DOCUMENT_UNREADABLE') return undefined
      throw error
    })
    documents.check(node!.name, key, live, await world.runThrough(shown))
  }
}

/** Nodes that all hear each other show the same first, whatever their clocks say. */
function checkWinners({ mesh, roster }: Resting): void {
  const nodes = roster.alive()
  const others = roster.nodes.size - 1
  // Who has just been connected has not been heard yet, and its clock does not count.
  const isHeardByAll = nodes.every(({ run }) => run!.protocols.membership.memberClocks().offsetsMs.length === others)
  const areAllConnected = isHeardByAll && nodes.every(({ name }) => mesh.neighbours(name).length === others)
  const [first, ...rest] = nodes
  for (const key of areAllConnected ? registersOf(first!) : []) {
    const shown = first!.run!.registers.get(key)?.versions ?? []
    for (const { name, run } of rest) {
      const theirs = run!.registers.get(key)?.versions ?? []
      // A clock may hide some; the others stand in the same order, but for those that come back from the future this
      // very moment.
      const both = shown.filter(({ dot }) => theirs.some((other) => sameDot(other.dot, dot)))
      const order = theirs.filter(({ dot }) => both.some((other) => sameDot(other.dot, dot)))
      const isSame = both.every(({ dot }, at) => sameDot(dot, order[at]!.dot))
      if (isSame || both.some(({ time }) => isAtTheBound(run!, time.ms))) continue
      throw new SimulationViolation(
        'order-differs',
        `${first!.name} and ${name} show the versions of ${key} in another order`,
      )
    }
  }
}

function registersOf({ mirror }: SimNode): string[] {
  const keys = [...mirror.live.values()]
    .filter(({ address }) => address.type === 'reg')
    .map(({ address }) => address.key)
  return [...new Set(keys)].sort()
}

/** Clocks are measured to some milliseconds. */
function isAtTheBound({ replica }: Run, timeMs: number): boolean {
  const { sharedNowMs, clockBoundMs } = replica.clock.display()
  return Math.abs(timeMs - sharedNowMs - clockBoundMs) < clockErrorMs
}

/** True if nodes are verified and equal, on their disks and in memory, and answer nothing as damaged any more. */
function areAtRest(nodes: readonly SimNode[]): boolean {
  const isSettled = ({ run, isDoubtful }: SimNode) =>
    run?.isVerified === true && !run.replica.sync.awaitsPass && !isDoubtful
  return nodes.every(isSettled) && replicasAreEqual(nodes)
}

/** True if nodes are verified and their disks hold the same. */
export function replicasAreEqual(nodes: readonly SimNode[]): boolean {
  const first = nodes[0]!.mirror
  return nodes.every(
    ({ run, mirror }) =>
      run?.isVerified === true &&
      mirror.seen.equals(first.seen) &&
      mirror.applied.equals(first.applied) &&
      mirror.entriesText() === first.entriesText(),
  )
}

function sessionsOpened(roster: Roster): number {
  let total = 0
  for (const { run } of roster.nodes.values()) total += run?.network.opened.get(syncProtocol.id) ?? 0
  return total
}

/** How each node differs from the first one, in words. */
function differences(nodes: readonly SimNode[]): string {
  const first = nodes[0]!
  return nodes.map((node) => difference(node, first)).join('; ')
}

function difference(node: SimNode, { name, mirror: first }: SimNode): string {
  const { mirror } = node
  const state = (node.run?.isVerified === true ? '' : ' unverified') + (node.isDoubtful ? ' damaged' : '')
  const lacks = first.applied.minus(mirror.applied)
  const beyond = mirror.applied.minus(first.applied)
  const seen = mirror.seen.equals(first.seen) ? '' : ', seen differs'
  const entries = mirror.entriesText() === first.entriesText() ? '' : ', entries differ'
  return `${node.name}${state} lacks [${lacks}] and has [${beyond}] beyond ${name}${seen}${entries}`
}
