/**
 * Sync between real replicas over virtual links: random writes, cuts, forgetful logs, and an oracle that knows every
 * write.
 */
import { describe, expect, test } from 'vitest'
import { syncProtocol } from '../../protocols/sync/limits.js'
import { amount } from '../support/effort.js'
import { intervalMs, isEqual, ReplicaStage } from '../support/replica-stage.js'

describe('real replicas', () => {
  test.each(Array.from({ length: amount(6, 12) }, (_, seed) => seed))(
    'converge and lose nothing, seed %i',
    async (seed) => {
      const stage = new ReplicaStage(seed)
      const { world, mesh } = stage
      for (const name of ['a', 'b', 'c']) await stage.add(name)
      const meanwhile = async () => {
        if (world.random.chance(0.1)) await stage.write(world.random.pick(stage.nodes))
        if (world.random.chance(0.2)) await stage.gossip()
      }
      const cut = () => {
        mesh.disconnect('a', 'b')
        mesh.disconnect('b', 'c')
        mesh.disconnect('a', 'c')
      }
      for (let round = 0; round < 6; round++) {
        await stage.live(12, 0.6)
        await stage.session(meanwhile, cut)
      }
      mesh.connectAll()
      for (let round = 0; round < 3; round++) {
        for (const [one, two] of [
          [0, 1],
          [1, 2],
          [2, 0],
        ] as const) {
          const report = await world.runThrough(
            stage.nodes[one]!.service.run(stage.nodes[two]!.name, { youngOk: false }),
          )
          expect(report.ended).toBe('complete')
          await stage.check()
        }
      }
      await stage.expectConverged()
      expect(stage.nodes.every(({ replica }) => isEqual(replica, stage.nodes[0]!.replica))).toBe(true)
      await stage.close()
    },
  )

  test('a mesh left to its schedulers heals a partition, ships each value about once to each node, and then rests', async () => {
    const stage = new ReplicaStage(99)
    const { world, mesh } = stage
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    for (const name of names) await stage.add(name)
    const sides = [stage.nodes.slice(0, 4), stage.nodes.slice(4)]
    for (const [at, side] of sides.entries()) {
      for (let count = 0; count < 100; count++) await stage.write(side[0]!, `side-${at}-${count}`)
      const { replica } = side[0]!
      const { updates } = await replica.sync.readMissing(replica.sync.capture().applied, 1e9)
      for (const node of side.slice(1))
        await node.replica.sync.applyUpdates({ updates: [...updates], members: new Map() })
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
