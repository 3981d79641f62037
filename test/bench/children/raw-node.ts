/** Raw gossipsub and raw streams: the daemon's own libp2p host with nothing of hearsay's protocols on it. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { StreamChannel } from '../../../daemon/net/channel.js'
import { NetCounters } from '../../../daemon/net/counters.js'
import { gossipTopic } from '../../../daemon/net/gossip-options.js'
import { createHost, type Host, identifyPeer } from '../../../daemon/net/host.js'
import { createIdentity } from '../../../daemon/net/identity.js'
import { receivedBytesMax } from '../../../daemon/net/limits.js'
import { silentNetLog } from '../../../daemon/net/log.js'
import { ReceiveBudget } from '../../../daemon/net/receive-budget.js'
import { serveTasks } from '../support/children.js'
import { type Pair, pairsOf, RawStore } from '../support/pairs.js'

const protocol = { id: '/bench/raw/1', frameBytesMax: 1024 * 1024 }
const identifyMs = 10_000
const stampBytes = 8
const pollMs = 20

let host: Host
let store: RawStore
let received = 0
let latenciesMs: number[] = []
let arrived: (() => void) | undefined
/** What this node has for whoever opens a stream. */
let own: Pair[] = []

const channelOf = (stream: Stream, connection: Connection) =>
  new StreamChannel(
    stream,
    connection.remotePeer.toString(),
    protocol,
    new NetCounters(),
    new ReceiveBudget(receivedBytesMax),
  )

async function start(secret: string): Promise<string> {
  const quiet = { gater: {}, discovered: () => {}, heard: () => {}, log: silentNetLog }
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const basics = { identity: createIdentity(), secret: Buffer.from(secret, 'hex'), listen, announce: [], mdns: false }
  host = await createHost({ ...basics, ...quiet })
  const { libp2p, gossip } = host
  libp2p.addEventListener('connection:open', ({ detail }) => {
    identifyPeer(host, detail, AbortSignal.timeout(identifyMs)).catch(() => {})
  })
  gossip.addEventListener('message', ({ detail }) => took(detail.data))
  await libp2p.handle(protocol.id, (stream, connection) => void answer(channelOf(stream, connection)))
  await libp2p.start()
  gossip.subscribe(gossipTopic)
  return libp2p.getMultiaddrs()[0]!.toString()
}

function took(data: Uint8Array): void {
  const sentNs = Buffer.from(data.buffer, data.byteOffset, stampBytes).readBigUInt64BE()
  // Both processes read the clock of one machine.
  latenciesMs.push(Number(process.hrtime.bigint() - sentNs) / 1e6)
  received++
  arrived?.()
}

/** So many messages, one entry each; `perSecond` 0: as fast as they are taken. */
async function publish(count: number, perSecond: number): Promise<void> {
  const startMs = performance.now()
  for (const [at, { key, value }] of pairsOf('raw', count, Math.floor(startMs)).entries()) {
    const dueMs = perSecond === 0 ? 0 : startMs + (at * 1000) / perSecond
    while (performance.now() < dueMs) await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()))
    const message = Buffer.concat([Buffer.alloc(stampBytes), Buffer.from(`${process.pid}/${key}`), value])
    message.writeBigUInt64BE(process.hrtime.bigint())
    await host.gossip.publish(gossipTopic, message)
    if (perSecond === 0 && at % 64 === 63) await new Promise((resolve) => setImmediate(resolve))
  }
}

async function whenReceived(count: number): Promise<void> {
  while (received < count) await new Promise<void>((resolve) => (arrived = resolve))
}

function takeLatencies(): number[] {
  const taken = latenciesMs
  latenciesMs = []
  received = 0
  return taken
}

async function sendAll(channel: StreamChannel): Promise<void> {
  let frame: Buffer[] = []
  let bytes = 0
  const flush = async () => {
    if (frame.length > 0) await channel.send(Buffer.concat(frame))
    frame = []
    bytes = 0
  }
  for (const { key, value } of own) {
    const name = Buffer.from(key)
    const head = Buffer.alloc(4)
    head.writeUInt16BE(name.length, 0)
    head.writeUInt16BE(value.length, 2)
    frame.push(head, name, value)
    bytes += 4 + name.length + value.length
    if (bytes > 128 * 1024) await flush()
  }
  await flush()
  await channel.close()
}

/** Stores all that comes in one synced batch. */
async function storeAll(channel: StreamChannel): Promise<void> {
  const pairs: Pair[] = []
  for await (const frame of channel.frames) {
    const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
    for (let at = 0; at < bytes.length; ) {
      const keyEnd = at + 4 + bytes.readUInt16BE(at)
      const end = keyEnd + bytes.readUInt16BE(at + 2)
      pairs.push({ key: bytes.toString('utf8', at + 4, keyEnd), value: bytes.subarray(keyEnd, end) })
      at = end
    }
  }
  await store.batch(pairs)
}

let answered: Promise<unknown> = Promise.resolve()

function answer(channel: StreamChannel): Promise<unknown> {
  answered = Promise.all([sendAll(channel), storeAll(channel)])
  return answered
}

serveTasks({
  start,
  dial: async (address: string) => void (await host.libp2p.dial(multiaddr(address))),
  /** Resolves once this node would send its gossip to so many others. */
  meshed: async (peers: number) => {
    while (host.gossip.getSubscribers(gossipTopic).length < peers) await pause(pollMs)
  },
  publish,
  whenReceived,
  takeLatencies,
  openStore: async (path: string) => {
    store = await RawStore.open(path)
  },
  setOwn: (name: string, count: number) => {
    own = pairsOf(name, count)
  },
  /** Swaps what both have over one stream; resolves with milliseconds once this side has stored its part. */
  swap: async (): Promise<number> => {
    const [connection] = host.libp2p.getConnections()
    const startMs = performance.now()
    const channel = channelOf(await connection!.newStream(protocol.id), connection!)
    await Promise.all([sendAll(channel), storeAll(channel)])
    return performance.now() - startMs
  },
  /** Resolves when this side has stored what the last stream brought. */
  hasStored: () => answered.then(() => undefined),
})
