/** Real replicas over memory stores, and what tests ask of them. */
import { rangeOf } from '../../store/keyspace.js'
import type { KvStore } from '../../store/kv.js'
import { MemoryStore } from '../../store/memory.js'
import { addressText, register } from '../../store/model/address.js'
import { type Dot, dotText } from '../../store/model/dot.js'
import type { Version } from '../../store/model/update.js'
import { Replica, type ReplicaOptions } from '../../store/replica/replica.js'
import { decodeVersions, entryAddress } from '../../store/rows/entries.js'
import type { ReferenceState } from './reference-state.js'
import { StillEnvironment } from './still-environment.js'

/** A replica with its store and environment. */
export interface OpenReplica {
  readonly replica: Replica
  readonly store: KvStore
  readonly environment: StillEnvironment
  readonly warnings: string[]
}

/** Opens and verifies a replica. `name` seeds its randomness. */
export async function openNode(
  name: string,
  options: Partial<ReplicaOptions> = {},
  environment = new StillEnvironment(name),
): Promise<OpenReplica> {
  const store = options.store ?? new MemoryStore()
  const warnings: string[] = []
  const replica = await Replica.open({
    environment,
    member: Buffer.from(name.padEnd(8).slice(0, 8)).toString('hex'),
    sync: true,
    clockBoundMs: 60_000,
    log: { maxBytes: 1 << 30, maxAgeMs: Number.POSITIVE_INFINITY },
    warn: (warning) => warnings.push(warning),
    ...options,
    store,
  })
  await replica.health.verify()
  return { replica, store, environment, warnings }
}

/** Every live version as text: address, dot, value. */
export async function liveVersions(store: KvStore): Promise<string[]> {
  const live: string[] = []
  for (const kind of ['system', 'entry'] as const) {
    for await (const rows of store.scan(rangeOf(kind))) {
      for (const { key, value } of rows) {
        const address = addressText(entryAddress(key))
        for (const version of decodeVersions(key, value))
          live.push(`${address} ${dotText(version.dot)} ${Buffer.from(version.value)}`)
      }
    }
  }
  return live.sort()
}

/** The same of a reference state. */
export function liveReference(state: ReferenceState): string[] {
  const live: string[] = []
  for (const [key, entry] of state.entries) {
    for (const version of entry.versions) live.push(`${key} ${dotText(version.dot)} ${Buffer.from(version.value)}`)
  }
  return live.sort()
}

/** Puts a value in place of everything that the node holds under a key. */
export function putOver(node: OpenReplica, key: string, value = key, expiresAtMs: number | null = null): Promise<Dot> {
  const address = register(key)
  return node.replica.transact((transaction) =>
    transaction.put(address, Buffer.from(value), expiresAtMs, dotsOf(transaction.versions(address))),
  )
}

/** Deletes everything that the node holds under a key. */
export function removeAll(node: OpenReplica, key: string): Promise<Dot> {
  const address = register(key)
  return node.replica.transact((transaction) => transaction.remove(address, dotsOf(transaction.versions(address))))
}

/** Number of rows of a kind in a store. */
export async function rowsOf(store: KvStore, kind: Parameters<typeof rangeOf>[0]): Promise<number> {
  let count = 0
  for await (const rows of store.scan(rangeOf(kind))) count += rows.length
  return count
}

function dotsOf(versions: readonly Version[]): Dot[] {
  return versions.map(({ dot }) => dot)
}
