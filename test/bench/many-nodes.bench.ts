/**
 * A mesh of many nodes in virtual time: how many sync intervals a heal takes, and what a session costs for each running
 * node.
 */
import { SyncScheduler } from '../../protocols/sync/scheduler.js'
import { SyncService } from '../../protocols/sync/service.js'
import type { Update } from '../../store/model/update.js'
import { type BareNode, openBareNode } from '../support/mesh-nodes.js'
import { FakeMesh } from '../support/network/mesh.js'
import { VirtualWorld } from '../support/virtual-environment.js'
import { type Figure, type RunOptions, valueAtMost } from './support/figure.js'
import { madeUpdates, memberOf } from './support/stage.js'

/** Links of each node, chosen at random: beyond 16 nodes the mesh is a partial one. */
const links = 8
const intervalMs = 10_000
const updatesPerBatch = 500
/** How often it is looked whether all are equal, in virtual milliseconds. */
const lookMs = 500

/**
 * 64 nodes, 1,000 with `full`: two halves, each of whose nodes wrote once while they were apart. Gossip brings nothing
 * here, sync all.
 */
export async function* run({ full }: RunOptions): AsyncGenerator<Figure> {
  const nodes = full ? 1_000 : 64
  const world = new VirtualWorld(7)
  const mesh = new FakeMesh(world, { latencyMs: 1, jitterMs: 1 })
  const all: BareNode[] = []
  for (let at = 0; at < nodes; at++) all.push(await openBareNode(mesh, `node-${`${at}`.padStart(4, '0')}`))
  const updates = [...madeUpdates(nodes, nodes)]
  for (const [at, { replica }] of all.entries()) {
    for (let from = 0; from < nodes / 2; from += updatesPerBatch) {
      const half = updates
        .filter((_, other) => other < nodes / 2 === at < nodes / 2)
        .slice(from, from + updatesPerBatch)
      await world.runThrough(replica.sync.applyUpdates(tagged(half)))
    }
  }
  let sessions = 0
  for (const node of all) startSync(node, all, () => sessions++)
  connectAtRandom(world, mesh, all)
  const startMs = world.elapsedMs
  const areEqual = () =>
    new Set(all.map(({ replica }) => Buffer.from(replica.health.trie.root()).toString('hex'))).size === 1
  for (;;) {
    const untilMs = world.elapsedMs + lookMs
    while (await world.step(untilMs));
    world.leap(Math.max(0, untilMs - world.elapsedMs))
    if (areEqual()) break
    if (world.elapsedMs - startMs > 100 * intervalMs) throw new Error('the nodes do not become equal')
  }
  const took = (world.elapsedMs - startMs) / intervalMs
  const most = Number((2 * Math.log2(nodes)).toFixed(2))
  yield {
    name: 'heal of two halves, in sync intervals',
    nodes,
    d: nodes,
    unit: 'intervals',
    samples: [{ value: took }],
    must: valueAtMost(most),
  }
  // Every session is told of by both of its sides.
  const perNode = mesh.channelBytes / (sessions / 2) / nodes
  const name = 'bytes of a session per running node, its entries included'
  yield { name, nodes, d: nodes, unit: 'bytes', samples: [{ value: perNode }] }
  const idle = await bytesOfEquals(world, mesh, all)
  yield {
    name: 'bytes of a session of equals per running node',
    nodes,
    unit: 'bytes',
    samples: [{ value: idle / nodes }],
    // Of few nodes, what does not grow with them is the greater part.
    ...(full && { must: valueAtMost(14) }),
  }
}

function tagged(updates: Update[]) {
  const members = new Map(updates.map(({ dot }, at) => [dot.actor, memberOf(at)]))
  return { updates, members }
}

const services = new Map<BareNode, SyncService>()

function startSync(node: BareNode, all: readonly BareNode[], ended: () => void): void {
  const { network, environment, replica } = node
  const service = new SyncService({
    ...{ network, environment, replica: replica.sync },
    listener: {
      ended: (report) => {
        if (report.mode !== 'busy') ended()
        scheduler.sessionEnded(report)
      },
    },
  })
  const byPeer = new Map(all.map((other) => [other.peer, other]))
  const scheduler = new SyncScheduler({
    environment,
    network,
    peers: {
      isMember: () => true,
      // What heartbeats to neighbours show.
      looksEqual: (peer) =>
        Buffer.from(byPeer.get(peer)!.replica.health.trie.root()).equals(replica.health.trie.root()),
      lastEqualMs: () => undefined,
    },
    run: (peer, how) => service.run(peer, how),
    isReady: () => true,
    intervalMs,
  })
  services.set(node, service)
  service.start()
  scheduler.start()
}

/** A ring, so that the mesh is whole, and links at random. */
function connectAtRandom(world: VirtualWorld, mesh: FakeMesh, all: readonly BareNode[]): void {
  for (const [at, { peer }] of all.entries()) {
    mesh.connect(peer, all[(at + 1) % all.length]!.peer)
    for (let link = 0; link < links / 2 - 1; link++) mesh.connect(peer, world.random.pick(all).peer)
  }
}

/** Bytes of one session between two that are equal already. */
async function bytesOfEquals(world: VirtualWorld, mesh: FakeMesh, all: readonly BareNode[]): Promise<number> {
  const before = mesh.channelBytes
  const report = await world.runThrough(services.get(all[0]!)!.run(all[1]!.peer, { youngOk: false }))
  if (report.ended !== 'complete') throw new Error(`the session ended with: ${report.ended}`)
  return Math.min(mesh.channelBytes - before, report.bytesSent + report.bytesReceived)
}
