/** A stage for the sync protocol over channels: services of a few nodes on the fake network, with model replicas. */
import type { Channel } from '../../protocols/network.js'
import { syncProtocol } from '../../protocols/sync/limits.js'
import { type SessionReport, type SyncListener, SyncService } from '../../protocols/sync/service.js'
import { register } from '../../store/model/address.js'
import type { Update } from '../../store/model/update.js'
import { ModelReplica } from './model-replica.js'
import type { LinkQuality } from './network/links.js'
import { FakeMesh } from './network/mesh.js'
import type { FakeNetwork } from './network/network.js'
import { VirtualWorld } from './virtual-environment.js'

/** A node with sync over the fake network, and what its service reported. */
export interface SyncNode {
  readonly network: FakeNetwork
  readonly replica: ModelReplica
  readonly service: SyncService
  readonly reports: SessionReport[]
  readonly equal: string[]
  readonly heard: string[]
}

/** Nodes with sync in virtual time. */
export class SyncStage {
  readonly world = new VirtualWorld(11)
  readonly mesh: FakeMesh
  #counter = 0

  constructor(links: Partial<LinkQuality> = {}) {
    this.mesh = new FakeMesh(this.world, links)
  }

  /** A node that is connected to nobody; `tables`: false for one of a build without tables. */
  node(name: string, accepts?: (peer: string) => boolean, tables = true): SyncNode {
    const network = this.mesh.node(name)
    const replica = new ModelReplica()
    const reports: SessionReport[] = []
    const equal: string[] = []
    const heard: string[] = []
    const listener: SyncListener = {
      ended: (report) => reports.push(report),
      provenEqual: (peer) => equal.push(peer),
      peerContexts: (peer, { applied }) => heard.push(`${peer}:${applied.size}`),
    }
    const environment = this.world.environment()
    const service = new SyncService({ network, replica, environment, listener, tables, ...(accepts && { accepts }) })
    service.start()
    return { network, replica, service, reports, equal, heard }
  }

  /** Two connected nodes. */
  pair(): [SyncNode, SyncNode] {
    const pair: [SyncNode, SyncNode] = [this.node('a'), this.node('b')]
    this.mesh.connectAll()
    return pair
  }

  /** Puts as many new updates into all of the nodes. */
  fill(nodes: SyncNode[], count: number, bytes = 20): void {
    for (let at = 0; at < count; at++) {
      const counter = ++this.#counter
      const update: Update = {
        dot: { actor: 'a'.repeat(16), counter },
        address: register(`key-${counter}`),
        kind: 'put',
        time: { ms: counter, logical: 0 },
        expiresAtMs: null,
        value: Buffer.alloc(bytes, counter),
        supersedes: [],
      }
      for (const { replica } of nodes) replica.applyNow([update])
    }
  }

  /** Runs a session of a node with a peer to its end. */
  sync(from: SyncNode, peer: string): Promise<SessionReport> {
    return this.world.runThrough(from.service.run(peer, { youngOk: false }))
  }

  /** A channel to a node from a peer that a test plays itself. */
  async raw(name: string, to: string): Promise<Channel> {
    const network = this.mesh.at(name) ?? this.mesh.node(name)
    this.mesh.connect(name, to)
    return network.open(to, syncProtocol)
  }
}
