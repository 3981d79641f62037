/** Real daemons in benchmarks: filled, cut, healed, and looked at from outside. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Daemon, Fleet } from '../../e2e/daemons.js'
import { getRequest, load, postRequest, RawClient } from './load.js'
import { type Pair, slices } from './pairs.js'

export { allEqual, type Daemon, Fleet } from '../../e2e/daemons.js'

/** Looking costs a daemon time, so that it is done neither more often, nor at several at once. */
const pollMs = 10
const patienceMs = 300_000
const batchOperations = 1_000

/** Runs work with daemons that are stopped and removed afterwards. */
export async function* withFleet<T>(work: (fleet: Fleet) => AsyncGenerator<T>): AsyncGenerator<T> {
  const fleet = await Fleet.create()
  try {
    yield* work(fleet)
  } catch (error) {
    process.stderr.write(`${fleet.lastWords()}\n`)
    throw error
  } finally {
    await fleet.end()
  }
}

/** The Unix socket of a daemon. */
export function socketOf(daemon: Daemon): string {
  return daemon.ready.api[0]!.replace(/^unix:/, '')
}

/** The requests that put pairs in batches of 1,000. */
export function batchRequests(pairs: readonly Pair[]): Buffer[] {
  return [...slices(pairs, batchOperations)].map((slice) =>
    postRequest('/v1/batch', { ops: slice.map(({ key, value }) => ({ op: 'put', key, value: value.toString() })) }),
  )
}

/** Puts pairs in batches, one after another. */
export async function putAll(daemon: Daemon, pairs: readonly Pair[]): Promise<void> {
  await load(socketOf(daemon), 1, batchRequests(pairs))
}

/** One kept connection over which JSON is asked for. */
export class Looker {
  readonly #client: RawClient

  private constructor(client: RawClient) {
    this.#client = client
  }

  /** Connects to a daemon. */
  static async at(daemon: Daemon): Promise<Looker> {
    return new Looker(await RawClient.open(socketOf(daemon)))
  }

  /** What the status shows. */
  async status(): Promise<BenchStatus> {
    return JSON.parse((await this.#client.send(getRequest('/v1/status'))).body.toString()) as BenchStatus
  }

  /** Closes the connection. */
  close(): void {
    this.#client.close()
  }
}

/** The part of a status that benchmarks look at. */
export interface BenchStatus {
  readonly entries: number
  readonly root: string
  readonly context: string
  readonly members: readonly { readonly connected: boolean }[]
}

/** Looks again and again until a condition holds. Throws after five minutes. */
export async function untilSeen<T>(look: () => Promise<T>, holds: (seen: T) => boolean): Promise<T> {
  const endMs = performance.now() + patienceMs
  for (;;) {
    const seen = await look()
    if (holds(seen)) return seen
    if (performance.now() > endMs) throw new Error(`waited in vain; last seen: ${JSON.stringify(seen).slice(0, 500)}`)
    await pause(pollMs)
  }
}

/** Resolves when all show one root. */
export async function untilEqual(lookers: readonly Looker[]): Promise<void> {
  await untilSeen(
    async () => {
      const roots: string[] = []
      for (const looker of lookers) {
        roots.push((await looker.status()).root)
        if (roots.at(-1) !== roots[0]) break
      }
      return roots
    },
    (roots) => new Set(roots).size === 1,
  )
}

/** Resolves when each has so many entries of users. */
export async function untilEntries(lookers: readonly Looker[], count: number): Promise<void> {
  for (const looker of lookers) {
    await untilSeen(
      () => looker.status(),
      ({ entries }) => entries === count,
    )
  }
}

/** Resolves when so many members are connected to each. */
export async function untilConnected(lookers: readonly Looker[], members: number): Promise<void> {
  await untilSeen(
    () => Promise.all(lookers.map((looker) => looker.status())),
    (all) => all.every((status) => status.members.filter(({ connected }) => connected).length === members),
  )
}

/** The counters of a daemon whose names begin with `hearsay_`, without that and `_total`. */
export async function countersOf(daemon: Daemon): Promise<ReadonlyMap<string, number>> {
  const lines = (await daemon.client.metrics()).matchAll(/^hearsay_(\w+?)_total (\d+)$/gm)
  return new Map([...lines].map(([, name, value]) => [name!, Number(value)]))
}

/** What a piece of work adds to a counter of several daemons together. */
export async function addedTo(
  daemons: readonly Daemon[],
  names: readonly string[],
  work: () => Promise<unknown>,
): Promise<number[]> {
  const sums = async () => {
    const all = await Promise.all(daemons.map(countersOf))
    return names.map((name) => all.reduce((sum, counters) => sum + (counters.get(name) ?? Number.NaN), 0))
  }
  const before = await sums()
  await work()
  return (await sums()).map((after, at) => after - before[at]!)
}

/** Anonymous resident memory of a process, in megabytes. */
export function anonymousMegabytes(daemon: Daemon): number {
  return residentAnonymousBytes(daemon.pid!) / 1e6
}

/** Anonymous resident memory of a process, in bytes. */
export function residentAnonymousBytes(pid: number): number {
  return Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

/** Processor time that a process has used, in seconds. */
export function processorSeconds(daemon: Daemon): number {
  const fields = readFileSync(`/proc/${daemon.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  // User and system time, in hundredths of a second on every Linux.
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Bytes that a process has written, to sockets and files, as the kernel counts them. */
export function writtenBytes(daemon: Daemon): number {
  return Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${daemon.pid}/io`, 'utf8'))![1])
}

/** Where the store of a daemon is. */
export function storePath(daemon: Daemon): string {
  return join(daemon.data, 'store')
}
