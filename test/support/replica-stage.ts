/** Real replicas over virtual links, and an oracle that knows every write: for properties of whole lives. */
import { expect } from 'vitest'
import { SyncScheduler } from '../../protocols/sync/scheduler.js'
import { type SessionReport, SyncService } from '../../protocols/sync/service.js'
import type { KvStore } from '../../store/kv.js'
import { MemoryStore } from '../../store/memory.js'
import { addressText, register } from '../../store/model/address.js'
import { dotText, sameDot } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import type { Replica } from '../../store/replica/replica.js'
import { FakeMesh } from './network/mesh.js'
import type { FakeNetwork } from './network/network.js'
import { ReferenceState } from './reference-state.js'
import { liveReference, liveVersions, openNode } from './replicas.js'
import { VirtualWorld } from './virtual-environment.js'

/** One replica with its sync. */
export interface StageNode {
  readonly name: string
  readonly replica: Replica
  readonly network: FakeNetwork
  readonly service: SyncService
  readonly scheduler: SyncScheduler
  readonly reports: SessionReport[]
}

/** Interval at which nodes that are left alone sync, in milliseconds. */
export const intervalMs = 10_000

/** Replicas that write, gossip badly, forget their logs and sync; every update that was issued is known. */
export class ReplicaStage {
  readonly world: VirtualWorld
  readonly mesh: FakeMesh
  /** Those that are there. */
  nodes: StageNode[] = []
  /** Every update that is still anywhere. */
  issued: Update[] = []

  constructor(seed: number) {
    this.world = new VirtualWorld(seed)
    this.mesh = new FakeMesh(this.world, { latencyMs: 1, jitterMs: 3 })
  }

  /** Adds a node, with an empty store by default. */
  async add(name: string, store: KvStore = new MemoryStore()): Promise<StageNode> {
    const network = this.mesh.node(name)
    // A log that keeps nothing of what is superseded, once it is trimmed.
    const log = { maxBytes: 0, maxAgeMs: Number.POSITIVE_INFINITY }
    const { replica } = await openNode(name, { log, store })
    replica.onCommit(({ issued }) => this.issued.push(...issued.flat()))
    const environment = this.world.environment()
    const reports: SessionReport[] = []
    const service = new SyncService({
      network,
      replica: replica.sync,
      environment,
      listener: { ended: (report) => reports.push(report) },
    })
    service.start()
    const scheduler = new SyncScheduler({
      environment,
      network,
      isReady: () => replica.health.isVerified,
      intervalMs,
      run: (peer, options) => service.run(peer, options),
      peers: {
        isMember: () => true,
        lastEqualMs: () => undefined,
        looksEqual: (peer) => isEqual(replica, this.nodes.find((node) => node.name === peer)!.replica),
      },
    })
    const node = { name, replica, network, service, scheduler, reports }
    this.nodes.push(node)
    return node
  }

  /** A put or delete of a user, with some of what is there in view. */
  async write(node: StageNode, key = `key-${this.world.random.below(40)}`): Promise<void> {
    const { random } = this.world
    const value = Buffer.from(`${this.issued.length}-`.repeat(1 + random.below(30)))
    await node.replica.transact((transaction) => {
      const address = register(key)
      const live = transaction.versions(address).map((version) => version.dot)
      if (live.length > 0 && random.chance(0.3)) transaction.remove(address, live)
      else
        transaction.put(
          address,
          value,
          null,
          live.filter(() => random.chance(0.8)),
        )
    })
  }

  /** Some update reaches some node out of order. */
  async gossip(): Promise<void> {
    if (this.issued.length === 0) return
    const update = this.world.random.pick(this.issued)
    await this.world.random.pick(this.nodes).replica.sync.applyUpdates({ updates: [update], members: new Map() })
  }

  /** Runs `count` writes and gossiped updates, of which `writeShare` are writes; then perhaps trims a log. */
  async live(count: number, writeShare: number): Promise<void> {
    const { random } = this.world
    for (let done = 0; done < count; done++) {
      if (random.chance(writeShare)) await this.write(random.pick(this.nodes))
      else await this.gossip()
    }
    if (random.chance(0.5)) await random.pick(this.nodes).replica.upkeep.trim()
  }

  /**
   * A session between two nodes, cut at some step or not; `meanwhile` happens at each step, and all is checked. `cut`
   * takes both names.
   */
  async session(
    meanwhile: () => Promise<void>,
    cut: (one: string, two: string) => void = (one, two) => this.mesh.disconnect(one, two),
  ): Promise<void> {
    const { world, mesh } = this
    mesh.connectAll()
    const [one, two] = world.random.shuffle(this.nodes) as [StageNode, StageNode]
    let isDone = false
    void one.service.run(two.name, { youngOk: false }).then(() => {
      isDone = true
    })
    const cutAfter = world.random.chance(0.5) ? world.random.below(20) : Number.POSITIVE_INFINITY
    for (let steps = 0; !isDone && steps < cutAfter; steps++) {
      await world.step()
      await meanwhile()
      await this.check()
    }
    cut(one.name, two.name)
    await world.runUntil(() => isDone)
    await this.check()
  }

  /** No acknowledged, unsuperseded write is anywhere seen and not live. */
  async check(): Promise<void> {
    const superseded = new Set(this.issued.flatMap((update) => update.supersedes.map(dotText)))
    for (const { name, replica } of this.nodes) {
      const { seen } = replica.sync.capture()
      for (const { dot, kind, address } of this.issued) {
        if (kind !== 'put' || superseded.has(dotText(dot)) || !seen.has(dot)) continue
        const isLive = replica.versions(address).some((version) => sameDot(version.dot, dot))
        if (!isLive) throw new Error(`lost at ${name}: ${dotText(dot)} at ${addressText(address)}`)
      }
    }
  }

  /** Every node holds what applying every update gives. */
  async expectConverged(): Promise<void> {
    const reference = new ReferenceState()
    for (const update of this.issued) reference.apply(update)
    for (const { replica, name } of this.nodes) {
      expect(await liveVersions(replica.store), name).toEqual(liveReference(reference))
    }
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const { service, replica, scheduler } of this.nodes) {
      scheduler.stop()
      await this.world.runThrough(service.stop())
      await replica.close()
    }
  }
}

/** True if two replicas hold and know the same. */
export function isEqual(a: Replica, b: Replica): boolean {
  const [one, two] = [a.sync.capture(), b.sync.capture()]
  return Buffer.compare(one.root, two.root) === 0 && one.seen.equals(two.seen) && one.applied.equals(two.applied)
}
