/** Sync between real replicas over virtual links: random writes, cuts, forgetful logs, and an oracle that knows every write. */
import { describe, expect, test } from 'vitest'
import { syncProtocol } from '../../protocols/sync/limits.js'
import { SyncScheduler } from '../../protocols/sync/scheduler.js'
import { type SessionReport, SyncService } from '../../protocols/sync/service.js'
import { addressText, register } from '../../store/model/address.js'
import { dotText, sameDot } from '../../store/model/dot.js'
import { ReferenceState } from '../../store/model/join.js'
import type { Update } from '../../store/model/update.js'
import type { Replica } from '../../store/replica/replica.js'
import { FakeMesh, type FakeNetwork } from '../support/fake-network.js'
import { liveReference, liveVersions, openNode } from '../support/replicas.js'
import { VirtualWorld } from '../support/virtual-environment.js'

interface Node {
  readonly name: string
  readonly replica: Replica
  readonly network: FakeNetwork
  readonly service: SyncService
  readonly scheduler: SyncScheduler
  readonly reports: SessionReport[]
}

const intervalMs = 10_000

class Stage {
  readonly world: VirtualWorld
  readonly mesh: FakeMesh
  readonly nodes: Node[] = []
  readonly issued: Update[] = []

  constructor(seed: number) {
    this.world = new VirtualWorld(seed)
    this.mesh = new FakeMesh(this.world, { latencyMs: 1, jitterMs: 3 })
  }

  async add(name: string): Promise<Node> {
    const network = this.mesh.node(name)
    // A log that keeps nothing of what is superseded, once it is trimmed.
    const log = { maxBytes: 0, maxAgeMs: Number.POSITIVE_INFINITY }
    const { replica } = await openNode(name, { log })
    replica.onCommit(({ issued }) => this.issued.push(...issued.flat()))
    const environment = this.world.environment()
    const reports: SessionReport[] = []
    const service = new SyncService({
      network,
      replica,
      environment,
      listener: { ended: (report) => reports.push(report) },
    })
    service.start()
    const scheduler = new SyncScheduler({
      environment,
      network,
      isReady: () => replica.isVerified,
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

  async write(node: Node, key = `key-${this.world.random.below(40)}`): Promise<void> {
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
    await this.world.random.pick(this.nodes).replica.applyUpdates({ updates: [update], members: new Map() })
  }

  /** No acknowledged, unsuperseded write is anywhere seen and not live. */
  async check(): Promise<void> {
    const superseded = new Set(this.issued.flatMap((update) => update.supersedes.map(dotText)))
    for (const { name, replica } of this.nodes) {
      const { seen } = replica.capture()
      for (const { dot, kind, address } of this.issued) {
        if (kind !== 'put' || superseded.has(dotText(dot)) || !seen.has(dot)) continue
        const isLive = replica.versions(address).some((version) => sameDot(version.dot, dot))
        if (!isLive) throw new Error(`lost at ${name}: ${dotText(dot)} at ${addressText(address)}`)
      }
    }
  }

  async expectConverged(): Promise<void> {
    const reference = new ReferenceState()
    for (const update of this.issued) reference.apply(update)
    for (const { replica, name } of this.nodes) {
      expect(await liveVersions(replica.store), name).toEqual(liveReference(reference))
    }
  }

  async close(): Promise<void> {
    for (const { service, replica, scheduler } of this.nodes) {
      scheduler.stop()
      await this.world.runThrough(service.stop())
      await replica.close()
    }
  }
}

function isEqual(a: Replica, b: Replica): boolean {
  const [one, two] = [a.capture(), b.capture()]
  return Buffer.compare(one.root, two.root) === 0 && one.seen.equals(two.seen) && one.applied.equals(two.applied)
}

describe('real replicas', () => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed))('converge and lose nothing, seed %i', async (seed) => {
    const stage = new Stage(seed)
    const { world, mesh } = stage
    for (const name of ['a', 'b', 'c']) await stage.add(name)
    for (let round = 0; round < 6; round++) {
      for (let count = 0; count < 12; count++) {
        if (world.random.chance(0.6)) await stage.write(world.random.pick(stage.nodes))
        else await stage.gossip()
      }
      if (world.random.chance(0.5)) await world.random.pick(stage.nodes).replica.trim()
      mesh.connectAll()
      const [one, two] = world.random.shuffle(stage.nodes) as [Node, Node]
      let isDone = false
      void one.service.run(two.name, { youngOk: false }).then(() => {
        isDone = true
      })
      const cutAfter = world.random.chance(0.5) ? world.random.below(20) : Number.POSITIVE_INFINITY
      for (let steps = 0; !isDone && steps < cutAfter; steps++) {
        await world.step()
        if (world.random.chance(0.1)) await stage.write(world.random.pick(stage.nodes))
        if (world.random.chance(0.2)) await stage.gossip()
        await stage.check()
      }
      mesh.disconnect('a', 'b')
      mesh.disconnect('b', 'c')
      mesh.disconnect('a', 'c')
      await world.runUntil(() => isDone)
      await stage.check()
    }
    mesh.connectAll()
    for (let round = 0; round < 3; round++) {
      for (const [one, two] of [
        [0, 1],
        [1, 2],
        [2, 0],
      ] as const) {
        const report = await world.runThrough(stage.nodes[one]!.service.run(stage.nodes[two]!.name, { youngOk: false }))
        expect(report.ended).toBe('complete')
        await stage.check()
      }
    }
    await stage.expectConverged()
    expect(stage.nodes.every(({ replica }) => isEqual(replica, stage.nodes[0]!.replica))).toBe(true)
    await stage.close()
  })

  test('a mesh left to its schedulers heals a partition, ships each value about once to each node, and then rests', async () => {
    const stage = new Stage(99)
    const { world, mesh } = stage
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    for (const name of names) await stage.add(name)
    const sides = [stage.nodes.slice(0, 4), stage.nodes.slice(4)]
    for (const [at, side] of sides.entries()) {
      for (let count = 0; count < 100; count++) await stage.write(side[0]!, `side-${at}-${count}`)
      const { replica } = side[0]!
      const { updates } = await replica.readMissing(replica.capture().applied, 1e9)
      for (const node of side.slice(1)) await node.replica.applyUpdates({ updates: [...updates], members: new Map() })
    }
    for (const { scheduler } of stage.nodes) scheduler.start()
    mesh.connectAll()
    const isHealed = () => stage.nodes.every(({ replica }) => isEqual(replica, stage.nodes[0]!.replica))
    await world.runUntil(isHealed, { limitMs: 10 * intervalMs, what: 'the heal' })
    await stage.expectConverged()
    // Half of what a session reports as sent is what its peer reports as received: count one side.
    const received = stage.nodes
      .flatMap(({ reports }) => reports)
      .reduce((sum, { entriesReceived }) => sum + entriesReceived, 0)
    expect(received / (8 * 100)).toBeLessThanOrEqual(1.1)

    await world.runFor(intervalMs)
    const opened = () => stage.nodes.reduce((sum, { network }) => sum + (network.opened.get(syncProtocol.id) ?? 0), 0)
    const before = opened()
    await world.runFor(20 * intervalMs)
    expect(opened()).toBe(before)
    await stage.close()
  })
})
