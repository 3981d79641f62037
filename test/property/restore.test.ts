/**
 * Restored replicas among those that went on: nothing that is anywhere is lost, nothing is doubled, nothing deleted
 * comes back.
 */
import { expect, test } from 'vitest'
import { BackupDecoder } from '../../store/backup/decoder.js'
import { takeBackup } from '../../store/backup/reading.js'
import { StoreFiller } from '../../store/backup/writing.js'
import type { KvStore } from '../../store/kv.js'
import { MemoryStore } from '../../store/memory.js'
import type { Context } from '../../store/model/context.js'
import type { Replica } from '../../store/replica/replica.js'
import { isEqual, ReplicaStage, type StageNode } from '../support/replica-stage.js'

const keys = { seed: new Uint8Array(32), secret: new Uint8Array(32) }

async function backupOf(replica: Replica): Promise<Buffer> {
  const pieces: Buffer[] = []
  const origin = { takenAtMs: 1, software: '1', node: 'a', peer: 'a', keys }
  for await (const piece of takeBackup(replica, origin)) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function storeOf(backup: Buffer, feedId: string): Promise<KvStore> {
  const decoder = new BackupDecoder()
  const store = new MemoryStore()
  const filler = new StoreFiller(store, feedId)
  for (const part of decoder.push(backup)) if (part.kind === 'rows') await filler.take(part.rows)
  decoder.end()
  await filler.verify(async () => {})
  return store
}

/** Writes, bad gossip, forgetful logs, and sessions that are cut. */
async function live(stage: ReplicaStage, rounds: number): Promise<void> {
  const { random } = stage.world
  for (let round = 0; round < rounds; round++) {
    await stage.live(10, 0.7)
    await stage.session(async () => {
      if (random.chance(0.1)) await stage.write(random.pick(stage.nodes))
    })
  }
}

/** A node dies; what nobody else has applied is gone with it. */
async function die(stage: ReplicaStage, node: StageNode, backup: Context): Promise<void> {
  stage.nodes = stage.nodes.filter((other) => other !== node)
  for (const { name } of stage.nodes) stage.mesh.disconnect(node.name, name)
  await stage.world.runThrough(node.service.stop())
  await node.replica.close()
  const known = backup.clone()
  for (const { replica } of stage.nodes) known.union(replica.sync.capture().applied)
  stage.issued = stage.issued.filter(({ dot }) => known.has(dot))
}

/** Full sessions between all pairs until all are equal. */
async function settle(stage: ReplicaStage): Promise<void> {
  const { nodes, world, mesh } = stage
  mesh.connectAll()
  for (let round = 0; round < 3; round++) {
    for (const [at, one] of nodes.entries()) {
      for (const two of nodes.slice(0, at)) {
        await world.runThrough(one.service.run(two.name, { youngOk: false }))
        await stage.check()
      }
    }
  }
  await stage.expectConverged()
  expect(nodes.every(({ replica }) => isEqual(replica, nodes[0]!.replica))).toBe(true)
}

test.each(Array.from({ length: 10 }, (_, seed) => seed))(
  'two restores of one backup in a mesh, seed %i',
  async (seed) => {
    const stage = new ReplicaStage(1000 + seed)
    const { random } = stage.world
    const a = await stage.add('a')
    for (const name of ['b', 'c']) await stage.add(name)
    await live(stage, 1 + random.below(4))
    const backup = await backupOf(a.replica)
    const { applied } = a.replica.sync.capture()
    await live(stage, random.below(4))
    const isDead = random.chance(0.7)
    if (isDead) await die(stage, a, applied)
    const feeds = ['d', 'e'].map((name) => name.repeat(16))
    const restored = [
      await stage.add('d', await storeOf(backup, feeds[0]!)),
      await stage.add('e', await storeOf(backup, feeds[1]!)),
    ]
    // Both write before they meet anybody, under ids that nobody has used.
    for (const node of restored) for (let count = 0; count < 3; count++) await stage.write(node)
    await stage.check()
    await live(stage, 1 + random.below(4))
    await settle(stage)
    expect(stage.nodes).toHaveLength(isDead ? 4 : 5)
    await stage.close()
  },
)
