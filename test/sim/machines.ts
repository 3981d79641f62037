/**
 * What befalls whole machines, memory and all: they sleep, are copied while they run, or go back in time; and their
 * clocks meanwhile.
 */
import type { Dot } from '../../store/model/dot.js'
import type { RunMemory } from '../../store/replica/run.js'
import { Random } from '../support/random.js'
import type { VirtualWorld } from '../support/virtual-environment.js'
import type { DiskImage } from './disk.js'
import type { DiskFaults } from './disk-faults.js'
import { Liar, type LieKind } from './liar.js'
import type { SimMesh } from './mesh.js'
import type { SimNode } from './node.js'
import type { Oracle } from './oracle.js'
import type { Roster } from './roster.js'
import type { Trace } from './trace.js'

/** How often it is looked whether a process has nothing under way, in milliseconds, and for how long. */
const lookMs = 0.4
const stillMs = 3_000

/** The last dot of a run that goes on. */
export function lastOf(memory: RunMemory | undefined): Dot | undefined {
  if (memory?.actor === undefined) return undefined
  return { actor: memory.actor, counter: memory.issued.get(memory.actor) ?? 0 }
}

/** A running machine at some moment. */
interface Snapshot {
  readonly image: DiskImage
  readonly memory: RunMemory | undefined
  readonly atMs: number
  /** Its monotonic clock. */
  readonly monotonicMs: number
}

/** What these faults touch. */
export interface MachinesAround {
  readonly world: VirtualWorld
  readonly roster: Roster
  readonly oracle: Oracle
  readonly mesh: SimMesh
  readonly disks: DiskFaults
  readonly trace: Trace
  fail(error: unknown): void
}

/** The machines of one mesh. */
export class Machines {
  readonly #around: MachinesAround
  readonly #snapshots = new Map<string, Snapshot>()
  /** Since when machines sleep, and whether their monotonic clocks stand. */
  readonly #asleep = new Map<SimNode, { readonly sinceMs: number; readonly clockStands: boolean }>()
  /** Copies that have no place in the network yet. */
  readonly #outside = new Set<string>()
  #hasEnded = false

  constructor(around: MachinesAround) {
    this.#around = around
  }

  /**
   * The machine is suspended: clock and timers stand; or only its process is stopped, and both go on. With `reset` its
   * peers see their connections break; otherwise they stay half open until its silence is noticed.
   */
  sleep(node: SimNode, { clockStands, reset }: { readonly clockStands: boolean; readonly reset: boolean }): void {
    if (node.run === undefined || !node.isAwake) return
    const { world, mesh } = this.#around
    this.#asleep.set(node, { sinceMs: world.elapsedMs, clockStands })
    node.sleep.begin()
    for (const other of reset ? mesh.peersOf(node.name) : []) {
      world.schedule(1 + world.random.next() * 50, () => {
        if (!node.isAwake) mesh.disconnect(node.name, other)
      })
    }
  }

  /** The process of a node is stopped for so long, unless it ends or something else befalls it meanwhile. */
  pause(node: SimNode, forMs: number): void {
    if (node.run?.isServing !== true || !node.isAwake) return
    this.sleep(node, { clockStands: false, reset: false })
    const since = this.#asleep.get(node)
    this.#around.world.schedule(forMs, () => {
      if (this.#asleep.get(node) === since) this.wake(node, 0)
    })
  }

  /**
   * It wakes. For `staleMs` the wall clock of a suspended machine shows the time at which it fell asleep, and then
   * steps.
   */
  wake(node: SimNode, staleMs: number): void {
    const since = this.#asleep.get(node)
    this.#asleep.delete(node)
    if (since === undefined || node.isAwake) return
    const sleptMs = this.#around.world.elapsedMs - since.sinceMs
    if (since.clockStands) {
      node.clock.stoodMs = (node.clock.stoodMs ?? 0) + sleptMs
      if (staleMs > 0) this.#goStale(node, sleptMs, staleMs)
    }
    node.sleep.end()
  }

  /**
   * A running machine is copied with its memory and its disk: two processes under one id. The copy's clock is off by
   * `jumpMs` from the beginning. It has no place in the network until it settles.
   */
  fork(node: SimNode, copy: string, jumpMs: number): void {
    this.#whenStill(node, () => {
      const { roster, oracle, trace } = this.#around
      if (roster.get(copy) !== undefined || node.run === undefined) return
      const { memory } = node.run.replica.runs
      const twin = roster.add(copy, (node.clock.offsetMs ?? 0) + jumpMs, node.disk.image())
      twin.clock.stoodMs = node.clock.stoodMs ?? 0
      twin.wasDamaged = node.wasDamaged
      twin.isRewound = node.isRewound
      const fork = lastOf(memory)
      if (fork !== undefined) oracle.issues.forked(fork.actor, fork.counter, roster.alive())
      this.#outside.add(copy)
      trace.note(() => `${copy} is a copy of ${node.name} as it runs${fork && `, at update ${fork.counter}`}`)
      this.#start(twin, memory)
    })
  }

  /** A copy gets a place of its own in the network; with `anew` it takes a new peer id, which is a new start. */
  settle(name: string, anew: boolean): void {
    const { roster, mesh } = this.#around
    const node = roster.get(name)
    if (node === undefined || !this.#outside.delete(name)) return
    for (const other of roster.alive()) mesh.addEdge(name, other.name)
    if (anew) this.startAnew(node)
  }

  /** Keeps a copy of a running machine, memory and all. */
  snapshot(node: SimNode): void {
    this.#whenStill(node, () => {
      const { memory } = node.run!.replica.runs
      const { elapsedMs } = this.#around.world
      const monotonicMs = elapsedMs - (node.clock.stoodMs ?? 0)
      this.#snapshots.set(node.name, { image: node.disk.image(), memory, atMs: elapsedMs, monotonicMs })
    })
  }

  /**
   * Disk and memory go back to the copy, and the process goes on from there. For `staleMs` its wall clock shows the old
   * time, and then steps.
   */
  async rewind(node: SimNode, staleMs: number): Promise<void> {
    const { world, roster, disks, oracle, trace } = this.#around
    const kept = this.#snapshots.get(node.name)
    if (kept === undefined || node.run === undefined || node.isRetired || node.isDoubtful) return
    await node.crash(false)
    node.disk.restore(kept.image)
    node.isRewound = true
    node.meetsItself = true
    disks.excuse(node)
    const { memory } = kept
    const fork = lastOf(memory)
    if (fork !== undefined) oracle.issues.forked(fork.actor, fork.counter, roster.alive())
    node.clock.stoodMs = world.elapsedMs - kept.monotonicMs
    if (staleMs > 0) this.#goStale(node, world.elapsedMs - kept.atMs, staleMs)
    trace.note(() => `${node.name} goes on as it was ${Math.round(world.elapsedMs - kept.atMs)} ms ago`)
    this.#start(node, memory)
  }

  /** A node lies in what it sends, until it is to tell the truth. Nobody relies on what it says that it has. */
  lie(node: SimNode, kinds: readonly LieKind[], salt: number): void {
    const { world, roster, oracle, trace } = this.#around
    if (node.isRetired || roster.alive().some(({ liar }) => liar !== undefined)) return
    node.isRewound = true
    const { clock, name } = node
    const { mirror } = node.disk
    const writers = () =>
      roster.alive().flatMap(({ run, name: other }) => {
        return (
          (other === name ? undefined : lastOf(run?.isServing === true ? run.replica.runs.memory : undefined)) ?? []
        )
      })
    const nowMs = () => Math.floor(world.nowMs + (clock.offsetMs ?? 0))
    const random = new Random(salt)
    node.liar = new Liar({ name, random, oracle, mirror, nowMs, writers, note: (text) => trace.note(text) }, kinds)
  }

  /** A process ends in order, and another one starts on its disk, under a new id. */
  startAnew(node: SimNode): void {
    if (node.run?.isServing !== true || !node.isAwake) return
    node.stop().then(
      () => this.#around.roster.startSoon(node.name),
      () => undefined,
    )
  }

  /** All faults end: everybody is awake, and has a place in the network. */
  end(): void {
    this.#hasEnded = true
    for (const node of [...this.#asleep.keys()]) this.wake(node, 0)
    for (const node of this.#around.roster.nodes.values()) node.liar = undefined
    for (const name of [...this.#outside]) this.settle(name, false)
  }

  #start(node: SimNode, memory: RunMemory | undefined): void {
    node.start(memory).catch((error: unknown) => this.#around.fail(error))
  }

  /** The wall clock shows a time that has passed, for a while. */
  #goStale({ clock }: SimNode, behindMs: number, staleMs: number): void {
    clock.offsetMs = (clock.offsetMs ?? 0) - behindMs
    this.#around.world.schedule(staleMs, () => {
      clock.offsetMs = (clock.offsetMs ?? 0) + behindMs
    })
  }

  /** Waits for a moment at which a process has nothing under way: its memory is what stands on its disk. */
  #whenStill(node: SimNode, act: () => void): void {
    const { world } = this.#around
    const untilMs = world.elapsedMs + stillMs
    const look = () => {
      if (this.#hasEnded || node.isRetired || node.isDoubtful || node.run === undefined) return
      if (node.run.isServing && node.isAwake && node.disk.isIdle) act()
      else if (world.elapsedMs < untilMs) world.schedule(lookMs, look)
    }
    world.schedule(0, look)
  }
}
