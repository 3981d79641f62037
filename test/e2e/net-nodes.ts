/** Real libp2p nodes on the loopback interface for tests, in one process. */
import { randomBytes } from 'node:crypto'
import { createIdentity, type Identity } from '../../daemon/net/identity.js'
import { LiveNetwork, type LiveNetworkOptions } from '../../daemon/net/live-network.js'
import { silentNetLog } from '../../daemon/net/log.js'
import { realEnvironment } from '../../daemon/net/real-environment.js'
import type { Channel } from '../../protocols/network.js'

const pollMs = 5

/** A node and what its listener was told. */
export interface TestNode {
  readonly network: LiveNetwork
  readonly identity: Identity
  /** `+peer` and `-peer`, in order. */
  readonly events: string[]
}

/** Nodes that are stopped together at the end of a test. */
export class TestNodes {
  readonly secret = new Uint8Array(randomBytes(32))
  readonly #all: LiveNetwork[] = []

  /** Starts a node; on a free port and under the common secret unless told otherwise. */
  async start(options: Partial<LiveNetworkOptions> = {}): Promise<TestNode> {
    const identity = options.identity ?? createIdentity()
    const network = new LiveNetwork({
      identity,
      secret: this.secret,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      mdns: false,
      environment: realEnvironment,
      log: silentNetLog,
      ...options,
    })
    const events: string[] = []
    network.listen({ connected: (peer) => events.push(`+${peer}`), disconnected: (peer) => events.push(`-${peer}`) })
    this.#all.push(network)
    await network.start()
    return { network, identity, events }
  }

  /** Starts two nodes that are connected. */
  async pair(): Promise<[TestNode, TestNode]> {
    const first = await this.start()
    const second = await this.start({ bootstrap: first.network.addresses() })
    await connected(first, second)
    return [first, second]
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.splice(0).map((network) => network.stop()))
  }
}

/** Waits until a condition holds; the test's own limit ends it otherwise. */
export async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, pollMs))
}

/** Waits until two nodes see each other. */
export function connected(a: TestNode, b: TestNode): Promise<void> {
  return untilTrue(() => a.network.peers().includes(b.network.self) && b.network.peers().includes(a.network.self))
}

/** A node as a member record of others. */
export function memberRecordOf({ network }: TestNode): { peer: string; addresses: string[] } {
  return { peer: network.self, addresses: network.addresses() }
}

/** All frames of a channel until its orderly end. */
export async function collect(channel: Channel): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = []
  for await (const frame of channel.frames) frames.push(frame)
  return frames
}
