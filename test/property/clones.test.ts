/**
 * Machines that sleep, are cloned while they run, or go back in time with their memory: whole lives of real replicas
 * with real sessions, judged by what users wrote, with nothing known of dots. A value is dead once somebody who had it
 * in view wrote over it or deleted it; all others are shown in the end, and no dead one is.
 */
import { describe, expect, test } from 'vitest'
import { SyncService } from '../../protocols/sync/service.js'
import { Access } from '../../store/data/access.js'
import { UserData } from '../../store/data/user-data.js'
import { rangeOf, rowKinds } from '../../store/keyspace.js'
import { MemoryStore } from '../../store/memory.js'
import { counter, register } from '../../store/model/address.js'
import { counterValue } from '../../store/model/counter.js'
import { amount } from '../support/effort.js'
import { FakeMesh } from '../support/network/mesh.js'
import type { Random } from '../support/random.js'
import { liveVersions, type OpenReplica, openNode } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'
import { VirtualWorld } from '../support/virtual-environment.js'

type Kind = 'sleep' | 'clone' | 'rollback'

/** A machine: a replica, its sync, and what a copy of its memory would hold. */
interface Machine {
  readonly name: string
  readonly node: OpenReplica
  readonly service: SyncService
}

/** One life of three machines, one of which is slept, cloned or rolled back. */
class Life {
  readonly world: VirtualWorld
  readonly mesh: FakeMesh
  readonly random: Random
  machines: Machine[] = []
  readonly written: string[] = []
  /** How often a value was superseded by somebody who had it in view. */
  readonly superseded = new Map<string, number>()
  readonly writes: { readonly by: string; readonly value: string | null; readonly over: readonly string[] }[] = []
  /** What is added to the counter or deleted of it, in order. */
  readonly counts: { readonly by: string; readonly added: bigint; readonly covered: bigint }[] = []
  /** The sum of all that was added; of all that somebody had in view and deleted; and of what cannot be judged. */
  added = 0n
  covered = 0n
  unjudged = 0n
  #values = 0

  constructor(seed: number) {
    this.world = new VirtualWorld(seed)
    this.random = this.world.random
    this.mesh = new FakeMesh(this.world, { latencyMs: 1 })
  }

  async add(name: string, from?: OpenReplica): Promise<Machine> {
    const store = from === undefined ? new MemoryStore() : await copyOf(from.store as MemoryStore)
    // What the copy would draw next is what the original would: only time and its users tell them apart.
    const environment = new StillEnvironment(name, from?.environment.nowMs())
    if (from !== undefined) environment.pass(from.environment.monotonicMs())
    if (from !== undefined) environment.setWallClock(from.environment.nowMs())
    const member = Buffer.from((from === undefined ? name : 'L').padEnd(8)).toString('hex')
    const node = await openNode(name, { store, member, memory: from?.replica.runs.memory }, environment)
    const network = this.mesh.node(name)
    const service = new SyncService({ network, replica: node.replica.sync, environment: this.world.environment() })
    service.start()
    const machine = { name, node, service }
    this.machines.push(machine)
    return machine
  }

  get(name: string): Machine {
    return this.machines.find((machine) => machine.name === name)!
  }

  /** A user puts or deletes what is in view under some key. Every write comes a moment later than the one before. */
  async write({ name, node }: Machine): Promise<void> {
    for (const machine of this.machines) machine.node.environment.pass(1 + this.random.below(5))
    const address = register(this.random.pick(['p', 'q', 'r']))
    const over: string[] = []
    let value: string | null = null
    await node.replica.transact((transaction) => {
      const live = transaction.versions(address)
      over.push(...live.map((version) => Buffer.from(version.value).toString()))
      const dots = live.map(({ dot }) => dot)
      if (live.length > 0 && this.random.chance(0.25)) return transaction.remove(address, dots)
      value = `v${++this.#values}`
      return transaction.put(address, Buffer.from(value), null, dots)
    })
    for (const one of over) this.superseded.set(one, (this.superseded.get(one) ?? 0) + 1)
    if (value !== null) this.written.push(value)
    this.writes.push({ by: name, value, over })
  }

  /** One whole session. */
  async sync(one: Machine, two: Machine): Promise<void> {
    this.mesh.connect(one.name, two.name)
    const run = one.service.run(two.name, { youngOk: false })
    const report = await this.world.runThrough(run)
    this.mesh.disconnect(one.name, two.name)
    if (report.ended !== 'complete') throw new Error(`session of ${one.name} and ${two.name}: ${report.ended}`)
  }

  /**
   * A user adds a number of its own, a power of two: the sum tells which increments count; or deletes what is in view.
   */
  async count({ name, node }: Machine): Promise<void> {
    for (const machine of this.machines) machine.node.environment.pass(1 + this.random.below(5))
    const address = counter('c')
    const before = counterValue(node.replica.versions(address))
    if (before !== undefined && this.random.chance(0.15)) {
      await this.users(node).counters.delete('c', {})
      this.covered |= before
      this.counts.push({ by: name, added: 0n, covered: before })
      return
    }
    const added = 2n ** BigInt(this.counts.length)
    await this.users(node).counters.increment('c', Number(added), {})
    this.added |= added
    this.counts.push({ by: name, added, covered: 0n })
  }

  users({ replica }: OpenReplica): UserData {
    return new UserData(new Access(replica, () => Buffer.alloc(32)))
  }

  async some(count: number, machines: readonly Machine[]): Promise<void> {
    for (let at = 0; at < count; at++) {
      const one = this.random.pick(machines)
      const two = this.random.pick(machines)
      const draw = this.random.below(10)
      if (draw < 4) await this.write(one)
      else if (draw < 6 && this.counts.length < 50) await this.count(one)
      else if (one !== two) await this.sync(one, two)
    }
  }

  /** What is left when everybody has met everybody often enough. */
  async settle(): Promise<void> {
    for (let round = 0; round < 5; round++) {
      for (const one of this.machines) for (const two of this.machines) if (one !== two) await this.sync(one, two)
    }
  }

  async values({ node }: Machine): Promise<string[]> {
    return (await liveVersions(node.store))
      .filter((line) => line.startsWith('reg'))
      .map((line) => line.split(' ').at(-1)!)
  }

  async close(): Promise<void> {
    for (const { service, node } of this.machines) {
      await this.world.runThrough(service.stop())
      await node.replica.close()
    }
  }
}

async function copyOf(store: MemoryStore): Promise<MemoryStore> {
  const copy = new MemoryStore()
  for (const kind of rowKinds) {
    for await (const rows of store.scan(rangeOf(kind))) await copy.write([...rows], { sync: true })
  }
  return copy
}

async function live(kind: Kind, seed: number): Promise<void> {
  const life = new Life(seed)
  const { random } = life
  await life.add('L')
  await life.add('B')
  await life.add('C')
  await life.some(8, life.machines)
  const others = () => life.machines.filter(({ name }) => name !== 'L')
  if (kind === 'sleep') {
    await life.some(6, others())
    const { environment } = life.get('L').node
    environment.setWallClock(environment.nowMs() + 3_600_000)
  }
  if (kind === 'clone') {
    const clone = await life.add('D', life.get('L').node)
    await life.some(
      random.below(5),
      life.machines.filter((machine) => machine !== clone),
    )
    for (let left = random.below(4); left > 0; left--) {
      if (random.chance(0.5)) await life.write(clone)
      else await life.count(clone)
    }
    if (random.chance(0.5)) clone.node.environment.setWallClock(clone.node.environment.nowMs() + 60_000)
  }
  if (kind === 'rollback') await rollBack(life)
  await life.some(12, life.machines)
  await life.settle()
  await judge(life, `${kind} ${seed}`)
  await life.close()
}

/**
 * The machine goes back with its memory: what it wrote since and nobody else has is gone, with what that superseded.
 */
async function rollBack(life: Life): Promise<void> {
  const before = life.get('L')
  const image = await life.add('image', before.node)
  life.machines = life.machines.filter((machine) => machine !== image)
  const writesBefore = life.writes.length
  const countsBefore = life.counts.length
  await life.some(6, life.machines)
  const known = new Set<string>()
  for (const machine of life.machines) {
    if (machine === before) continue
    for (const value of await life.values(machine)) known.add(value)
  }
  const since = life.writes.slice(writesBefore)
  const elsewhere = new Set([...known, ...since.flatMap(({ by, over }) => (by === 'L' ? [] : over))])
  for (const { by, value, over } of since) {
    if (by !== 'L' || (value !== null && elsewhere.has(value))) continue
    // Nobody can tell whether others have met a delete, or a value that was superseded again: those values are not
    // judged.
    for (const one of over) life.superseded.set(one, Number.NaN)
    if (value !== null) life.superseded.set(value, Number.NaN)
  }
  for (const { by, added, covered } of life.counts.slice(countsBefore)) if (by === 'L') life.unjudged |= added | covered
  life.machines = life.machines.filter((machine) => machine !== before)
  await life.world.runThrough(before.service.stop())
  await before.node.replica.close()
  life.machines.push(image)
  for (let left = life.random.below(4); left > 0; left--) {
    if (life.random.chance(0.5)) await life.write(image)
    else await life.count(image)
  }
  if (life.random.chance(0.5)) {
    image.node.environment.setWallClock(image.node.environment.nowMs() + 60_000)
  }
}

async function judge(life: Life, label: string): Promise<void> {
  const states = await Promise.all(life.machines.map(({ node }) => liveVersions(node.store)))
  for (const state of states) expect(state, `${label}: all are equal`).toEqual(states[0])
  const shown = new Set(await life.values(life.machines[0]!))
  const lost: string[] = []
  const revived: string[] = []
  for (const value of life.written) {
    const deaths = life.superseded.get(value) ?? 0
    if (deaths === 0 && !shown.has(value)) lost.push(value)
    if (deaths > 0 && shown.has(value)) revived.push(value)
  }
  expect({ lost, revived }, label).toEqual({ lost: [], revived: [] })
  const judged = (sum: bigint) => (sum & ~life.unjudged).toString(2)
  for (const { node } of life.machines) {
    const counted = counterValue(node.replica.versions(counter('c'))) ?? 0n
    expect(judged(counted), `${label}: what was added and not deleted counts once`).toBe(
      judged(life.added & ~life.covered),
    )
  }
}

/** More with HEARSAY_LONG=1. */
const runs = amount(10, 60, 3_000)
const first = Number(process.env.HEARSAY_SEED ?? 0)

describe('copies of running machines lose nothing and revive nothing', () => {
  test.each<Kind>(['sleep', 'clone', 'rollback'])('%s', { timeout: 1_200_000 }, async (kind) => {
    for (let seed = first; seed < first + runs; seed++) await live(kind, seed)
  })
})
