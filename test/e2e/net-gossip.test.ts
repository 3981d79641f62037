/** Gossip streams that die alone are reopened while their connection stands. */
import { randomBytes } from 'node:crypto'
import type { Connection } from '@libp2p/interface'
import { afterEach, expect, test } from 'vitest'
import { ConnectionTable } from '../../daemon/net/connection-table.js'
import { NetCounters } from '../../daemon/net/counters.js'
import { dialAny } from '../../daemon/net/dial.js'
import { createHost, identifyPeer } from '../../daemon/net/host.js'
import { createIdentity } from '../../daemon/net/identity.js'
import { silentNetLog } from '../../daemon/net/log.js'
import { emptyRegistrations, Libp2pNetwork } from '../../daemon/net/network.js'
import { realEnvironment } from '../../daemon/net/real-environment.js'
import { untilTrue } from './net-nodes.js'

const secret = randomBytes(32)
const networks: Libp2pNetwork[] = []

afterEach(async () => {
  await Promise.all(networks.splice(0).map((network) => network.stop()))
})

/** A host with everything but the supervisor, whose libp2p streams the test can reach. */
async function startNode() {
  const identity = createIdentity()
  const counters = new NetCounters()
  const events = { connected: () => {}, disconnected: () => {} }
  const table = new ConnectionTable(identity.peer, realEnvironment, () => false, events, counters, silentNetLog)
  const host = await createHost({
    identity,
    secret,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    mdns: false,
    gater: table.gater(),
    discovered: () => {},
    heard: () => {},
    log: silentNetLog,
  })
  table.setIdentify((connection, signal) => identifyPeer(host, connection, signal))
  host.libp2p.addEventListener('connection:open', ({ detail }) => table.opened(detail))
  host.libp2p.addEventListener('connection:close', ({ detail }) => table.closed(detail))
  const network = new Libp2pNetwork(host, table, emptyRegistrations(), realEnvironment, counters, silentNetLog)
  networks.push(network)
  await network.start()
  return { host, network, counters }
}

function gossipStreams(connection: Connection | undefined) {
  return (connection?.streams ?? []).filter(({ protocol }) => protocol?.startsWith('/meshsub/'))
}

test('gossip works again after its streams were reset', async () => {
  const [first, second] = [await startNode(), await startNode()]
  const heard: number[] = []
  first.network.onGossip((bytes) => heard.push(bytes[0] ?? 0) > 0)
  const addresses = first.host.transports.getAddrs().map((address) => address.toString())
  const dial = { peer: first.network.self, addresses }
  await dialAny(second.host, realEnvironment, dial, new AbortController().signal)
  const publish = (): void => void second.network.publish(Uint8Array.of(1, ...randomBytes(8)))
  await untilTrue(() => {
    publish()
    return heard.length > 0
  })
  const connection = second.host.libp2p.getConnections()[0]
  for (const stream of gossipStreams(connection)) stream.abort(new Error('on purpose'))
  await untilTrue(() => first.counters.gossipRepairs + second.counters.gossipRepairs > 0)
  const before = heard.length
  await untilTrue(() => {
    publish()
    return heard.length > before
  })
  expect(second.host.libp2p.getConnections()).toEqual([connection])
})
