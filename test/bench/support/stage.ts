/** Real stores on the disk of this machine, and sessions between two of them over queues in memory. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { realEnvironment } from '../../../daemon/net/real-environment.js'
import type { Channel, Network, PeerId } from '../../../protocols/network.js'
import { encodeMessage } from '../../../protocols/sync/codec.js'
import { Assembly } from '../../../protocols/sync/pieces.js'
import { type SessionReport, SyncService } from '../../../protocols/sync/service.js'
import { Access } from '../../../store/data/access.js'
import { UserData } from '../../../store/data/user-data.js'
import type { KvStore } from '../../../store/kv.js'
import { LevelStore } from '../../../store/level.js'
import { register } from '../../../store/model/address.js'
import { unknownMember } from '../../../store/model/codec.js'
import type { Update } from '../../../store/model/update.js'
import { Replica } from '../../../store/replica/replica.js'
import { temporaryFolder, valueNumber } from './pairs.js'

/** Updates that are put into one batch while a store is filled. */
const fillBatch = 500
/** The time that made-up updates carry, in milliseconds since 1970. */
const madeAtMs = 1_700_000_000_000

/** A node of a benchmark. */
export interface BenchNode {
  readonly name: string
  readonly replica: Replica
  readonly data: UserData
}

/** Opens and verifies a node on a store. `sync`: with fsync, as the daemon does. */
export async function openBenchNode(name: string, store: KvStore, sync = true): Promise<BenchNode> {
  const replica = await Replica.open({
    store,
    environment: realEnvironment,
    member: Buffer.from(name.padEnd(8).slice(0, 8)).toString('hex'),
    sync,
    clockBoundMs: 60_000,
    log: { maxBytes: 1 << 30, maxAgeMs: Number.POSITIVE_INFINITY },
  })
  await replica.health.verify()
  return { name, replica, data: new UserData(new Access(replica, () => Buffer.alloc(32, 1))) }
}

/** A folder of stores that is gone afterwards. */
export class BenchFolder {
  readonly #folder = temporaryFolder()

  /** Where a store is. */
  path(name: string): string {
    return join(this.#folder.path, name)
  }

  /** Opens the store of a node, and verifies it. */
  async open(name: string, sync = true): Promise<BenchNode> {
    return openBenchNode(name, await LevelStore.open(this.path(name)), sync)
  }

  /** Copies the closed store of a node. */
  copy(from: string, to: string): void {
    cpSync(this.path(from), this.path(to), { recursive: true })
  }

  /** Deletes everything. */
  remove(): void {
    this.#folder.remove()
  }
}

/** The id of a made-up run; the same for the same number everywhere. */
export function benchActor(number: number): string {
  return `${number + 1}`.padStart(16, 'a')
}

/** The tag of the member that a made-up run belongs to: there are 16 members. */
export function memberOf(number: number): string {
  return `${(number % 16) + 1}`.padStart(16, 'b')
}

/** Puts of keys with consecutive numbers by so many runs in turn; each run counts on from `counterFrom`. */
export function* madeUpdates(count: number, actors: number, keyFrom = 0, counterFrom = 0): Generator<Update> {
  for (let at = 0; at < count; at++) {
    yield {
      dot: { actor: benchActor(at % actors), counter: counterFrom + Math.floor(at / actors) + 1 },
      address: register(`bench/${`${keyFrom + at}`.padStart(8, '0')}`),
      kind: 'put',
      time: { ms: madeAtMs + at, logical: 0 },
      expiresAtMs: null,
      value: valueNumber(keyFrom + at),
      supersedes: [],
    }
  }
}

/** Applies updates as if they had come from peers. */
export async function applyAll({ replica }: BenchNode, updates: Iterable<Update>): Promise<void> {
  let batch: Update[] = []
  const flush = async () => {
    const actors = new Set(batch.map(({ dot }) => dot.actor))
    const members = new Map([...actors].map((actor) => [actor, memberOf(Number(actor.replace(/a/g, '')) - 1)]))
    await replica.sync.applyUpdates({ updates: batch, members })
    batch = []
  }
  for (const update of updates) {
    batch.push(update)
    if (batch.length === fillBatch) await flush()
  }
  if (batch.length > 0) await flush()
}

/** Frames from one end to the other. */
class Queue {
  readonly #frames: Uint8Array[] = []
  readonly #taken: (frame: Uint8Array) => void
  #wake: (() => void) | undefined
  #ended: 'closed' | 'aborted' | undefined

  constructor(taken: (frame: Uint8Array) => void) {
    this.#taken = taken
  }

  push(frame: Uint8Array): void {
    this.#taken(frame)
    this.#frames.push(Uint8Array.from(frame))
    this.#wake?.()
  }

  end(how: 'closed' | 'aborted'): void {
    this.#ended ??= how
    this.#wake?.()
  }

  async *frames(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const frame = this.#frames.shift()
      if (frame !== undefined) yield frame
      else if (this.#ended === 'closed') return
      else if (this.#ended === 'aborted') throw new Error('aborted')
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

function channelOf(peer: PeerId, inbound: Queue, outbound: Queue): Channel {
  return {
    peer,
    frames: inbound.frames(),
    send: async (frame) => outbound.push(frame),
    close: async () => outbound.end('closed'),
    abort: () => {
      outbound.end('aborted')
      inbound.end('aborted')
    },
  }
}

/** First bytes of the messages that carry entries. */
const none = { entries: [], updates: [], members: new Map() }
const carriers = [
  { type: 'delta', updates: none },
  { type: 'entries', part: false, entries: none },
] as const
const entryCodes = new Set(carriers.map((message) => encodeMessage(message, () => unknownMember)[0]!))

/** What a session between two nodes came to. */
export interface Held {
  readonly report: SessionReport
  readonly ms: number
  /** Bytes of the messages that carry updates or entries, both ways. */
  readonly entryBytes: number
  /** All others: contexts, digests, tree nodes, ids. */
  readonly otherBytes: number
}

/** Tells the bytes of messages that carry entries from those of all others. */
class Tap {
  entryBytes = 0
  otherBytes = 0

  queue(): Queue {
    const assembly = new Assembly()
    let bytes = 0
    return new Queue((frame) => {
      bytes += frame.length
      const message = assembly.add(frame)
      if (message === undefined) return
      if (entryCodes.has(message[0]!)) this.entryBytes += bytes
      else this.otherBytes += bytes
      bytes = 0
    })
  }
}

/**
 * One session, from `one` to `other`; resolves once both sides have stored everything. Throws when it was not
 * completed.
 */
export async function playSession(one: BenchNode, other: BenchNode): Promise<Held> {
  let accept: ((channel: Channel) => Promise<void>) | undefined
  let isServed: Promise<void> | undefined
  const tap = new Tap()
  const network = (self: BenchNode): Network => ({
    self: self.name,
    peers: () => [],
    heardMs: () => undefined,
    open: async () => {
      const [there, back] = [tap.queue(), tap.queue()]
      isServed = accept!(channelOf(one.name, there, back))
      return channelOf(other.name, back, there)
    },
    handle: (_protocol, handler) => {
      if (self === other) accept = handler
    },
    publish: async () => undefined,
    onGossip: () => undefined,
    listen: () => undefined,
  })
  const services = [one, other].map(
    (node) => new SyncService({ network: network(node), replica: node.replica.sync, environment: realEnvironment }),
  )
  for (const service of services) service.start()
  const startMs = performance.now()
  const report = await services[0]!.run(other.name, { youngOk: false })
  await isServed
  const ms = performance.now() - startMs
  for (const service of services) await service.stop()
  if (report.ended !== 'complete') throw new Error(`the session ended with: ${report.ended}`)
  return { report, ms, entryBytes: tap.entryBytes, otherBytes: tap.otherBytes }
}
