/**
 * Members that behave badly inside an authenticated connection: they are ended by named bounds, counted, and harm
 * nobody else.
 */
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { fetchProgressMs } from '../../protocols/gossip/limits.js'
import { fetchProtocol } from '../../protocols/gossip/messages.js'
import { bytesAloneIntervalsMax, readProgressMs } from '../../protocols/membership/limits.js'
import { heartbeatProtocol } from '../../protocols/membership/messages.js'
import { readProtocol } from '../../protocols/membership/read-messages.js'
import { firstFrameTimeoutMs, syncProtocol } from '../../protocols/sync/limits.js'
import { allEqual, type Daemon, Fleet, until } from '../e2e/daemons.js'
import { amount } from '../support/effort.js'
import { Random } from '../support/random.js'
import { limitMs, metrics, note, seedOf, timed } from './faults.js'
import { HostilePeer, type RawStream } from './hostile.js'

/** What a busy machine may add to a bound, in milliseconds. */
const slackMs = 20_000
/** How often the daemons' heartbeats come, in milliseconds. */
const heartbeatMs = 200
/** A frame of so many bytes is announced, of which one comes a second. */
const announcedBytes = 1_000
const streamsEach = 16

describe('a member', () => {
  let fleet: Fleet
  let victim: Daemon
  let other: Daemon
  const hostile: HostilePeer[] = []

  beforeEach(async () => {
    fleet = await Fleet.create()
    onTestFailed(() => void process.stdout.write(`${fleet.lastWords()}\n`))
    const flags = ['--sync-interval', '1s', '--heartbeat-interval', `${heartbeatMs}ms`]
    ;[victim, other] = (await fleet.mesh(['victim', 'other'], flags)) as [Daemon, Daemon]
    await allEqual([victim, other])
  })
  afterEach(async () => {
    await Promise.all(hostile.splice(0).map((peer) => peer.stop()))
    await fleet.end()
  })

  async function connect(): Promise<HostilePeer> {
    const peer = await HostilePeer.connect(victim)
    hostile.push(peer)
    return peer
  }

  /**
   * Small and large values spread by gossip and by fetch in both directions, and what was written during a cut by delta
   * sync.
   */
  async function expectUnharmed(round: string): Promise<void> {
    const large = 'x'.repeat(700_000)
    await victim.client.put(`small/${round}`, round)
    await other.client.put(`large/${round}`, large)
    await victim.client.block([other.name])
    await victim.client.put(`victim/${round}`, round)
    await other.client.put(`other/${round}`, round)
    await victim.client.unblock()
    await allEqual([victim, other])
    for (const node of [victim, other]) {
      expect((await node.client.get(`large/${round}`)).value.length).toBe(large.length)
      for (const name of ['small', 'victim', 'other']) {
        expect((await node.client.get(`${name}/${round}`)).value.toString()).toBe(round)
      }
    }
  }

  async function rises(names: readonly string[], before: ReadonlyMap<string, number>): Promise<void> {
    await until(
      `${names.join()} rise`,
      () => metrics(victim),
      (now) => names.every((name) => (now.get(name) ?? 0) > (before.get(name) ?? Number.POSITIVE_INFINITY)),
    )
  }

  it('that sends its frames byte by byte holds up nobody, and is timed out', {
    timeout: limitMs(180_000),
  }, async () => {
    const before = await metrics(victim)
    const slow = await connect()
    await slow.beat()
    const bounds = new Map([
      [syncProtocol.id, firstFrameTimeoutMs],
      [fetchProtocol.id, fetchProgressMs],
      [readProtocol.id, readProgressMs],
    ])
    const streams: { stream: RawStream; boundMs: number; protocol: string }[] = []
    for (const [protocol, boundMs] of bounds) {
      for (let at = 0; at < streamsEach; at++) streams.push({ stream: await slow.open(protocol), boundMs, protocol })
    }
    const trickle = setInterval(() => {
      for (const { stream } of streams) if (stream.isOpen) stream.write(Buffer.of(1))
    }, 1_000)
    try {
      // The length of a frame that comes so slowly that it will never be whole.
      for (const { stream } of streams) stream.write(Buffer.of((announcedBytes & 0x7f) | 0x80, announcedBytes >> 7))
      const healMs = await timed(() => expectUnharmed('slow'))
      const endedMs = await Promise.all(streams.map(({ stream }) => stream.ended))
      for (const [at, { boundMs, protocol }] of streams.entries()) {
        expect(endedMs[at], protocol).toBeLessThan(boundMs + slackMs)
      }
      expect(slow.isConnected).toBe(true)
      await rises(['hearsay_sync_cut_total', 'hearsay_net_handler_failures_total'], before)
      await expectUnharmed('after')
      note({ fault: 'frames byte by byte', tried: streams.length, checked: 8, lost: 0, recoveryMs: [healMs] })
    } finally {
      clearInterval(trickle)
    }
  })

  it('whose heartbeats come byte by byte is taken for silent', { timeout: limitMs(120_000) }, async () => {
    const slow = await connect()
    const stream = await slow.open(heartbeatProtocol.id)
    stream.write(Buffer.of((announcedBytes & 0x7f) | 0x80, announcedBytes >> 7))
    const trickle = setInterval(() => stream.isOpen && stream.write(Buffer.of(1)), 1_000)
    try {
      await expectUnharmed('mute')
      expect(await stream.ended).toBeLessThan(bytesAloneIntervalsMax * heartbeatMs + slackMs)
      await until(
        'disconnected',
        async () => slow.isConnected,
        (is) => !is,
      )
    } finally {
      clearInterval(trickle)
    }
  })

  it('that sends garbage ends its own streams alone, each time counted', { timeout: limitMs(240_000) }, async () => {
    const random = new Random(seedOf(8))
    const tried = amount(2, 12, 300)
    const counters = {
      [syncProtocol.id]: 'hearsay_sync_malformed_total',
      [fetchProtocol.id]: 'hearsay_gossip_fetches_malformed_total',
      [readProtocol.id]: 'hearsay_reads_malformed_total',
      [heartbeatProtocol.id]: 'hearsay_heartbeats_malformed_total',
    }
    const before = await metrics(victim)
    const bad = await connect()
    await bad.beat()
    for (const protocol of Object.keys(counters)) {
      for (let round = 0; round < tried; round++) {
        const stream = await bad.open(protocol)
        stream.frame(Buffer.from(Array.from({ length: 1 + random.below(200) }, () => random.below(256))))
        // Garbage may by chance have the form of a message of a later version, which is skipped; this has not.
        if (stream.isOpen) stream.frame(Buffer.of(0))
        await stream.ended
      }
      // A frame over every limit: it ends the stream before anything is allocated.
      const stream = await bad.open(protocol)
      stream.write(Buffer.of(0xff, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3))
      await stream.ended
    }
    const gossip = await bad.openGossip()
    gossip.frame(Buffer.from('no record of gossipsub'))
    await rises([...Object.values(counters), 'hearsay_net_bad_frames_total'], before)
    await expectUnharmed('garbage')
    expect((await victim.client.status()).warnings).toEqual([])
    note({ fault: 'garbage on every protocol', tried: 4 * (tried + 1), checked: 4, lost: 0 })
  })
})
