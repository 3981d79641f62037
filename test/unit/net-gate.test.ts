/** The gate before connections and the table of those that stand, with fake connections and virtual time. */
import type { Connection, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { beforeEach, describe, expect, test } from 'vitest'
import { ConnectionTable } from '../../daemon/net/connection-table.js'
import { NetCounters } from '../../daemon/net/counters.js'
import { identifyTimeoutMs, pendingConnectionMs, simultaneousDialMs } from '../../daemon/net/limits.js'
import { silentNetLog } from '../../daemon/net/log.js'
import { realEnvironment } from '../../daemon/net/real-environment.js'
import type { Environment } from '../../store/environment.js'

let nowMs = 0
let timers: { atMs: number; callback: () => void }[] = []
let events: string[] = []
let refused = new Set<string>()
let counters = new NetCounters()

const environment: Environment = {
  ...realEnvironment,
  monotonicMs: () => nowMs,
  setTimer(delayMs, callback) {
    const timer = { atMs: nowMs + delayMs, callback }
    timers.push(timer)
    return { cancel: () => (timers = timers.filter((each) => each !== timer)) }
  },
}

beforeEach(() => {
  nowMs = 1_000
  timers = []
  events = []
  refused = new Set()
  counters = new NetCounters()
})

function advance(ms: number): void {
  nowMs += ms
  for (const { callback } of timers.filter(({ atMs }) => atMs <= nowMs)) callback()
}

function table(self: string): ConnectionTable {
  const made = new ConnectionTable(
    self,
    environment,
    (peer) => refused.has(peer),
    {
      connected: (peer, direction) => events.push(`+${peer} ${direction}`),
      disconnected: (peer) => events.push(`-${peer}`),
    },
    counters,
    silentNetLog,
  )
  made.setIdentify(async () => [])
  return made
}

/** A connection that libp2p would report. */
function fake(made: ConnectionTable, peer: string, direction: 'inbound' | 'outbound'): Connection {
  const connection = {
    remotePeer: { toString: () => peer } as PeerId,
    direction,
    status: 'open',
    abort() {
      if (this.status === 'closed') return
      this.status = 'closed'
      queueMicrotask(() => made.closed(connection as unknown as Connection))
    },
  }
  return connection as unknown as Connection
}

function link(expected: string | null = null): MultiaddrConnection {
  const tcp = { name: 'tcp', value: '7400' }
  const components = expected === null ? [tcp] : [tcp, { name: 'p2p', value: expected }]
  return { timeline: { open: 0 }, remoteAddr: { getComponents: () => components } } as unknown as MultiaddrConnection
}

function ask(made: ConnectionTable, direction: 'inbound' | 'outbound', peer: string, asked = link()) {
  const gater = made.gater()
  const id = { toString: () => peer } as PeerId
  const gate = direction === 'inbound' ? gater.denyInboundEncryptedConnection : gater.denyOutboundEncryptedConnection
  return gate?.(id, asked)
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('when both sides dial at once', () => {
  test('the smaller peer id lets the first connection in and refuses the other, whichever it is', async () => {
    for (const [first, other] of [
      ['inbound', 'outbound'],
      ['outbound', 'inbound'],
    ] as const) {
      const made = table('a')
      expect(await ask(made, first, 'b')).toBe(false)
      expect(await ask(made, other, 'b')).toBe(true)
      made.opened(fake(made, 'b', first))
      expect(await ask(made, other, 'b')).toBe(true)
      expect(await ask(made, 'inbound', 'c')).toBe(false)
    }
    expect(counters.refused).toBe(4)
  })

  test('a claim ends when its connection fails or never opens', async () => {
    const made = table('a')
    const failing = link()
    expect(await ask(made, 'outbound', 'b', failing)).toBe(false)
    failing.timeline.close = 1
    expect(await ask(made, 'inbound', 'b')).toBe(false)
    expect(await ask(made, 'inbound', 'b')).toBe(true)
    advance(pendingConnectionMs + 1)
    expect(await ask(made, 'inbound', 'b')).toBe(false)
  })

  test('the greater peer id accepts what comes, and ends its own dial once a connection stands', async () => {
    const made = table('z')
    expect(await ask(made, 'outbound', 'b')).toBe(false)
    expect(await ask(made, 'inbound', 'b')).toBe(false)
    made.opened(fake(made, 'b', 'inbound'))
    expect(await ask(made, 'outbound', 'b')).toBe(true)
    expect(await ask(made, 'inbound', 'b')).toBe(true)
  })
})

test('a new inbound connection replaces one that is older than any dial, and listeners see both changes', async () => {
  const made = table('a')
  const old = fake(made, 'b', 'outbound')
  made.opened(old)
  await turn()
  advance(simultaneousDialMs + 1)
  expect(await ask(made, 'inbound', 'b')).toBe(false)
  expect(old.status).toBe('closed')
  made.opened(fake(made, 'b', 'inbound'))
  await turn()
  expect(events).toEqual(['+b outbound', '-b', '+b inbound'])
  expect(made.peers()).toEqual(['b'])
  expect(counters.replaced).toBe(1)
})

test('a second open connection to a peer is closed, and the first stays', async () => {
  const made = table('z')
  const [first, second] = [fake(made, 'b', 'inbound'), fake(made, 'b', 'outbound')]
  made.opened(first)
  made.opened(second)
  await turn()
  expect([first.status, second.status]).toEqual(['open', 'closed'])
  expect(events).toEqual(['+b inbound'])
})

test('refused peers are denied at every gate, and closed when the refusal comes later', async () => {
  const made = table('a')
  const connection = fake(made, 'b', 'inbound')
  made.opened(connection)
  await turn()
  refused.add('b')
  await made.closeRefused()
  expect(connection.status).toBe('closed')
  expect(events).toEqual(['+b inbound', '-b'])
  expect(await ask(made, 'inbound', 'b')).toBe(true)
  expect(await ask(made, 'outbound', 'b')).toBe(true)
  const id = { toString: () => 'b' } as PeerId
  expect(await made.gater().denyOutboundConnection?.(id, link())).toBe(true)
  expect(await made.gater().denyInboundUpgradedConnection?.(id, link())).toBe(true)
  const late = fake(made, 'b', 'inbound')
  made.opened(late)
  expect(late.status).toBe('closed')
})

test('someone else at a dialled address is denied', async () => {
  const made = table('a')
  expect(await ask(made, 'outbound', 'c', link('b'))).toBe(true)
  expect(await ask(made, 'outbound', 'b', link('b'))).toBe(false)
})

test('a peer that does not identify itself is cut off and never shown', async () => {
  const made = table('a')
  made.setIdentify(
    (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('late')))),
  )
  const connection = fake(made, 'b', 'inbound')
  made.opened(connection)
  const waiting = made.whenReady('b')
  await turn()
  expect(made.peers()).toEqual([])
  advance(identifyTimeoutMs)
  await expect(waiting).rejects.toThrow('late')
  await turn()
  expect(connection.status).toBe('closed')
  expect(events).toEqual([])
  expect(counters.unidentified).toBe(1)
  await expect(made.whenReady('b')).rejects.toThrow()
})
