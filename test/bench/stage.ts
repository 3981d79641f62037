/** Two real stores on the disk of this machine, and sessions between them over queues in memory. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { realEnvironment } from '../../daemon/net/real-environment.js'
import type { Channel, Network, PeerId } from '../../protocols/network.js'
import { type SessionReport, SyncService } from '../../protocols/sync/service.js'
import { Access } from '../../store/data/access.js'
import { UserData } from '../../store/data/user-data.js'
import { LevelStore } from '../../store/level.js'
import { Replica } from '../../store/replica/replica.js'

/** A node of a benchmark. */
export interface BenchNode {
  readonly name: string
  readonly replica: Replica
  readonly data: UserData
}

/** A folder of stores that is gone afterwards. */
export class BenchFolder {
  readonly #path = mkdtempSync(join(tmpdir(), 'hearsay-bench-'))

  /** Opens the store of a node, and verifies it. */
  async open(name: string): Promise<BenchNode> {
    const replica = await Replica.open({
      store: await LevelStore.open(join(this.#path, name)),
      environment: realEnvironment,
      member: Buffer.from(name.padEnd(8)).toString('hex'),
      sync: true,
      clockBoundMs: 60_000,
      log: { maxBytes: 1 << 30, maxAgeMs: Number.POSITIVE_INFINITY },
    })
    await replica.verify()
    return { name, replica, data: new UserData(new Access(replica, () => Buffer.alloc(32, 1))) }
  }

  /** Copies the closed store of a node. */
  copy(from: string, to: string): void {
    cpSync(join(this.#path, from), join(this.#path, to), { recursive: true })
  }

  /** Deletes everything. */
  remove(): void {
    rmSync(this.#path, { recursive: true, force: true })
  }
}

/** Frames from one end to the other. */
class Queue {
  readonly #frames: Uint8Array[] = []
  #wake: (() => void) | undefined
  #ended: 'closed' | 'aborted' | undefined

  push(frame: Uint8Array): void {
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

/** One session, from `one` to `other`; resolves once both sides have stored everything. */
export async function session(one: BenchNode, other: BenchNode): Promise<{ report: SessionReport; ms: number }> {
  const ended: SessionReport[] = []
  let accept: ((channel: Channel) => Promise<void>) | undefined
  let isServed: Promise<void> | undefined
  const network = (self: BenchNode): Network => ({
    self: self.name,
    peers: () => [],
    open: async () => {
      const [there, back] = [new Queue(), new Queue()]
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
  const services = [one, other].map((node) => {
    const listener = { ended: (report: SessionReport) => void ended.push(report) }
    return new SyncService({ network: network(node), replica: node.replica, environment: realEnvironment, listener })
  })
  for (const service of services) service.start()
  const startMs = performance.now()
  const report = await services[0]!.run(other.name, { youngOk: false })
  await isServed
  const ms = performance.now() - startMs
  for (const service of services) await service.stop()
  return { report, ms }
}
