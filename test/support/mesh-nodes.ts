/** Real replicas on the fake network in virtual time: the smallest nodes that gossip and membership run on. */
import { createHash } from 'node:crypto'
import type { PeerId } from '../../protocols/network.js'
import { MemoryStore } from '../../store/memory.js'
import { register } from '../../store/model/address.js'
import type { Dot } from '../../store/model/dot.js'
import { Replica } from '../../store/replica/replica.js'
import type { Commit } from '../../store/replica/types.js'
import type { FakeMesh } from './network/mesh.js'
import type { FakeNetwork } from './network/network.js'
import type { ClockFault, VirtualEnvironment } from './virtual-environment.js'

/** One node: its surroundings, its network and its replica. */
export interface BareNode {
  readonly peer: PeerId
  readonly environment: VirtualEnvironment
  readonly network: FakeNetwork
  readonly replica: Replica
  readonly store: MemoryStore
  /** Listeners, called with commits in order. */
  readonly listeners: ((commit: Commit) => void)[]
  put(key: string, value: string | Uint8Array): Promise<Dot>
  values(key: string): string[]
}

/** Options of opening a node. */
export interface BareOptions {
  readonly clock?: ClockFault
  /** Continues an earlier one. */
  readonly store?: MemoryStore
  /** Bytes of the log that are kept of what is no longer live. */
  readonly logBytesMax?: number
  /** Called with the network before anything uses it. */
  readonly prepare?: (network: FakeNetwork) => void
}

/** Opens a verified node. */
export async function openBareNode(mesh: FakeMesh, peer: PeerId, options: BareOptions = {}): Promise<BareNode> {
  const environment = mesh.world.environment(options.clock)
  const store = options.store ?? new MemoryStore()
  const replica = await mesh.world.runThrough(
    Replica.open({
      store,
      environment,
      member: createHash('sha256').update(peer).digest('hex').slice(0, 16),
      sync: true,
      clockBoundMs: 60_000,
      log: { maxBytes: options.logBytesMax ?? 1 << 30, maxAgeMs: Number.POSITIVE_INFINITY },
    }),
  )
  await mesh.world.runThrough(replica.health.verify())
  const network = mesh.node(peer)
  options.prepare?.(network)
  const listeners: ((commit: Commit) => void)[] = []
  replica.onCommit((commit) => {
    for (const listener of listeners) listener(commit)
  })
  return {
    peer,
    environment,
    network,
    replica,
    store,
    listeners,
    put: (key, value) => {
      const address = register(key)
      return replica.transact((transaction) => {
        const supersedes = transaction.versions(address).map((version) => version.dot)
        return transaction.put(address, Buffer.from(value), null, supersedes)
      })
    },
    values: (key) => replica.versions(register(key)).map((version) => Buffer.from(version.value).toString()),
  }
}
