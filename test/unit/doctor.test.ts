/** The doctor: what it makes of the facts, each finding with its remedy; and what the API answers. */
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Facts, MemberFact } from '../../daemon/doctor/facts.js'
import { findingsOf } from '../../daemon/doctor/judge.js'
import { addressesKeptMs, diskFailBytes, diskWarnBytes, stuckFailMs } from '../../daemon/doctor/limits.js'
import { logCompleteUntilMs, memberFindings } from '../../daemon/doctor/members.js'
import { AddressTries, answersAt, hostOf } from '../../daemon/doctor/tries.js'
import { SessionOutcomes } from '../../daemon/mesh/session-outcomes.js'
import { findingsShape } from '../../protocols/api/doctor.js'
import { fits, ServedApi } from '../support/served-api.js'

const nowMs = Date.parse('2026-11-28T12:00:00Z')
const hour = 3_600_000
const day = 24 * hour

const beta: MemberFact = {
  name: 'beta',
  peer: 'peer-b',
  connected: true,
  blocked: false,
  converged: true,
  behind: 0,
  ahead: 0,
  lastSeenMs: nowMs - 500,
  lastEqualMs: nowMs - 500,
  root: '92f91c36',
  hears: ['peer-a'],
  hints: { updates: 0, bytes: 0, sinceMs: null },
  addresses: ['/ip4/10.0.0.1/tcp/7400/p2p/peer-b'],
  version: '0.1.0',
  clockOffsetMs: -40,
  sync: { connectedForMs: hour, sinceGoodMs: 5_000, lastFailure: null },
}

const healthy: Facts = {
  nowMs,
  name: 'alpha',
  version: '0.1.0',
  store: { isVerified: true, obstacle: null, unverifiedReason: null, progress: null, entries: 7 },
  disk: { freeBytes: 40 * 1024 ** 3, totalBytes: 64 * 1024 ** 3 },
  log: { bytes: 0, maxBytes: 256 * 1024 ** 2, maxAgeMs: 30 * day },
  notices: [],
  clashes: { count: 0, dots: [] },
  conflicts: 0,
  members: [beta],
  syncIntervalMs: 10_000,
  network: { isUp: true, addresses: ['/ip4/10.0.0.2/tcp/7400/p2p/peer-a'], unanswered: [], isMdnsOn: true },
}

const away: MemberFact = {
  ...beta,
  name: 'pi',
  peer: 'peer-p',
  connected: false,
  converged: false,
  behind: 1_204,
  lastSeenMs: nowMs - 3 * day,
  hints: { updates: 1_204, bytes: 12 * 1024 ** 2, sinceMs: nowMs - 3 * day },
  clockOffsetMs: null,
  sync: undefined,
}

/** The findings that are not ok, as lines. */
function bad(change: Partial<Facts>): string[] {
  return findingsOf({ ...healthy, ...change })
    .filter(({ level }) => level !== 'ok')
    .map(({ level, check, text, remedy }) => `${level} ${check}: ${text} > ${remedy}`)
}

describe('the judgement', () => {
  it('finds nothing wrong with a healthy node, and says what it looked at', () => {
    const found = findingsOf(healthy)
    expect(found.map(({ level, check, text }) => `${level} ${check}: ${text}`)).toEqual([
      'ok store: verified since the start, 7 entries',
      'ok disk: 40 GiB free of 64 GiB',
      'ok identity: no other copy of this node is known',
      'ok members: 1 of 1 connected, 1 equal (beta)',
      'ok clocks: within 40 ms of each other',
      'ok network: 1 address, mDNS is on',
      'ok versions: all members run 0.1.0',
      'ok conflicts: none',
    ])
    expect(found.every(({ remedy }) => remedy === null)).toBe(true)
  })

  it('says how long a member has been away, and until when the log is complete for it', () => {
    expect(bad({ members: [beta, away] })).toEqual([
      'warn member: pi: away for 3 days; 1,204 updates behind, 12 MiB held for it; the log is complete for it until about 2026-12-25 (27 days), after that a Merkle sync, no data is lost > start it; if it never comes back: hearsay forget pi',
    ])
    const [never] = bad({ members: [{ ...away, lastSeenMs: null, addresses: [] }] })
    expect(never).toMatch(/^warn member: pi: never connected; .* > check that it runs and can be reached$/)
    expect(bad({ members: [{ ...away, lastSeenMs: nowMs - 20_000 }] })).toEqual([])
    // A remedy is typed into a shell, where a name is one word, whatever it holds.
    expect(bad({ members: [{ ...away, name: 'pi; rm -r x' }] })[0]).toContain("hearsay forget 'pi; rm -r x'")
  })

  it('foresees a full log by its growth', () => {
    const facts = (bytes: number, members = [away]) => ({ ...healthy, members, log: { ...healthy.log, bytes } })
    // Half of it filled in three days: three days are left.
    expect(logCompleteUntilMs(facts(128 * 1024 ** 2), nowMs - 3 * day)).toBe(nowMs + 3 * day)
    expect(logCompleteUntilMs(facts(0), nowMs - 3 * day)).toBe(nowMs + 27 * day)
    expect(logCompleteUntilMs(facts(1024), nowMs - 1_000)).toBe(nowMs - 1_000 + 30 * day)
    const [full] = bad({ members: [away], log: { ...healthy.log, bytes: healthy.log.maxBytes } })
    expect(full).toContain('the log is no longer complete for it: a Merkle sync finds what it misses, no data is lost')
  })

  it('finds a sync that is stuck, but neither one that has just begun nor one that works', () => {
    const unequal = { ...beta, converged: false, behind: 3 }
    const stuck = (sync: MemberFact['sync']) => bad({ members: [{ ...unequal, sync }] })
    expect(stuck({ connectedForMs: 300_000, sinceGoodMs: null, lastFailure: 'timed out' })).toEqual([
      'warn member: beta: connected and not equal, and no sync session has ended well for 5 min (the last one: timed out) > try one now: hearsay sync beta; then look at the logs of both nodes',
    ])
    expect(stuck({ connectedForMs: hour, sinceGoodMs: stuckFailMs, lastFailure: null })[0]).toMatch(/^fail member/)
    expect(stuck({ connectedForMs: 30_000, sinceGoodMs: null, lastFailure: null })).toEqual([])
    expect(stuck({ connectedForMs: hour, sinceGoodMs: 4_000, lastFailure: null })).toEqual([])
    const store = { ...healthy.store, isVerified: false, progress: { rows: 1, ofAbout: 4 } }
    const members = [{ ...unequal, sync: { connectedForMs: hour, sinceGoodMs: null, lastFailure: null } }]
    expect(bad({ store, members }).filter((line) => line.includes('member'))).toEqual([])
  })

  it('names what is blocked, of another version, and every counted clash', () => {
    expect(bad({ members: [{ ...beta, connected: false, blocked: true }] })[0]).toContain('> hearsay unblock beta')
    expect(bad({ members: [{ ...beta, version: '0.2.0' }] })).toEqual([
      'warn versions: this node runs 0.1.0, beta 0.2.0 > upgrade the older ones; CHANGELOG.md says how',
    ])
    const dots = Array.from({ length: 12 }, (_, at) => ({ dot: `aa:${at}`, member: 'beta' }))
    const notice = { about: 'clash', text: 'dot aa:0 has two contents' }
    const [clashes, ...more] = bad({ clashes: { count: 13, dots }, notices: [notice] })
    expect(more).toEqual([])
    expect(clashes).toMatch(/^warn identity: 12 dots with two contents, seen 13 times: aa:0 of beta, .*aa:11 of beta;/)
  })

  it('knows the disk: low, almost full, too small for the log, not to be asked', () => {
    const disk = (freeBytes: number) => bad({ disk: { freeBytes, totalBytes: 64 * 1024 ** 3 } })[0]
    expect(disk(diskFailBytes - 1)).toMatch(
      /^fail disk: 256 MiB free of 64 GiB; writes fail when it is full > free space/,
    )
    expect(disk(diskWarnBytes - 1)).toMatch(/^warn disk: 2 GiB free/)
    expect(disk(diskWarnBytes)).toBeUndefined()
    expect(bad({ log: { ...healthy.log, maxBytes: 1024 ** 4 } })[0]).toMatch(/may still grow by 1 TiB > lower log.maxB/)
    expect(bad({ disk: { reason: 'ENOENT' } })).toEqual(['warn disk: its free space cannot be asked: ENOENT > null'])
  })

  it('tells a store that is being verified from one that failed', () => {
    const unverified = { ...healthy.store, isVerified: false, unverifiedReason: 'the store is being compared' }
    expect(bad({ store: { ...unverified, progress: { rows: 500, ofAbout: 2_000 } } })).toEqual([
      'warn store: the store is being compared: 500 of about 2,000 rows (25 %); until then this node does not sync > wait; it goes on by itself',
    ])
    const obstacle = { code: 'STORE_FAILED', message: 'the disk is full' }
    const failed = bad({ store: { ...unverified, obstacle }, notices: [{ about: 'failed', text: 'the disk is full' }] })
    expect(failed).toHaveLength(1)
    expect(failed[0]).toMatch(/^fail store: the disk is full > check the disk/)
    expect(bad({ store: { ...unverified, obstacle } })[0]).toMatch(/^fail store: the disk is full \(STORE_FAILED\)/)
  })

  it('finds a node that nobody finds', () => {
    const network = (change: Partial<Facts['network']>) => ({ network: { ...healthy.network, ...change } })
    expect(bad({ members: [] })[0]).toMatch(/^warn members: none: nothing but this disk holds the data > on another/)
    expect(bad({ members: [], ...network({ isMdnsOn: false }) })[0]).toContain('mDNS is off')
    expect(bad(network({ isUp: false }))[0]).toMatch(/^warn network: it is starting/)
    expect(bad(network({ addresses: [] }))[0]).toContain('> restart with --listen or --announce')
    expect(bad(network({ unanswered: ['/ip4/1.2.3.4/tcp/7400'] }))[0]).toMatch(
      /nothing answers at .*> check --announce/,
    )
    const loopback = network({ addresses: ['/ip4/127.0.0.1/tcp/7400/p2p/a'] })
    expect(bad(loopback)).toEqual([])
    expect(bad({ ...loopback, members: [away] })[1]).toMatch(
      /^warn network: the addresses announced to members are of this machine/,
    )
  })

  it('gives each warning of a part its check and remedy, and loses none', () => {
    const notices = [
      { about: 'clock', text: 'the clock is off' },
      { about: 'names', text: 'several members are called beta' },
      { about: 'rules', text: 'beta resolves by another rule' },
      { about: 'forgotten', text: 'this node was forgotten' },
      { about: 'join', text: '--join: no answer' },
      { about: 'settings', text: 'HEARSAY_NONSENSE is unknown' },
      { about: 'of a later version', text: 'something novel' },
    ]
    const found = bad({ notices })
    for (const { text } of notices) expect(found.filter((line) => line.includes(text))).toHaveLength(1)
    expect(found[0]).toMatch(/^fail identity: this node was forgotten/)
    expect(found).toContain('warn of a later version: something novel > null')
    expect(found.find((line) => line.includes('clock'))).toContain('> turn on time synchronisation')
  })

  it('tells all about one member', () => {
    const found = memberFindings(beta, healthy).map(({ level, check, text }) => `${level} ${check}: ${text}`)
    expect(found).toEqual([
      'ok member: beta: equal',
      'ok connection: beta has been connected for 60 min, last sync 5 s ago',
      'ok clocks: beta is -40 ms off ours',
      'ok versions: beta runs 0.1.0',
      'ok addresses: /ip4/10.0.0.1/tcp/7400/p2p/peer-b',
    ])
  })

  it('counts conflicts, with how to settle them', () => {
    expect(bad({ conflicts: 2 })[0]).toMatch(/^warn conflicts: 2 keys in conflict.*hearsay resolve KEY/)
  })
})

describe('outcomes of sessions', () => {
  it('are those since the peer was connected', () => {
    let monotonic = 0
    const outcomes = new SessionOutcomes({ monotonicMs: () => monotonic })
    outcomes.ended({ peer: 'p', mode: 'delta', ended: 'complete' })
    expect(outcomes.of('p')).toBeUndefined()
    outcomes.connected('p')
    monotonic = 100
    outcomes.ended({ peer: 'p', mode: 'busy', ended: 'busy' })
    expect(outcomes.of('p')).toEqual({ connectedForMs: 100, sinceGoodMs: null, lastFailure: null })
    outcomes.ended({ peer: 'p', mode: 'delta', ended: 'timed out' })
    expect(outcomes.of('p')?.lastFailure).toBe('timed out')
    outcomes.ended({ peer: 'p', mode: 'delta', ended: 'complete' })
    monotonic = 150
    expect(outcomes.of('p')).toEqual({ connectedForMs: 150, sinceGoodMs: 50, lastFailure: null })
    outcomes.disconnected('p')
    expect(outcomes.of('p')).toBeUndefined()
  })
})

describe('an address', () => {
  it('is tried by opening a connection', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    expect(await answersAt(`/ip4/127.0.0.1/tcp/${port}/p2p/x`, 5_000)).toBe(true)
    const tries = new AddressTries()
    const own = [`/ip4/127.0.0.1/tcp/${port}`]
    expect(await tries.silentOf(own, 0)).toEqual([])
    await new Promise((resolve) => server.close(resolve))
    // Kept for a while, unless the addresses change.
    expect(await tries.silentOf(own, addressesKeptMs - 1)).toEqual([])
    expect(await tries.silentOf(own, addressesKeptMs)).toEqual(own)
    expect(await answersAt(`/ip4/127.0.0.1/tcp/${port}/p2p/x`, 5_000)).toBe(false)
    expect(await answersAt('/ip6/fe80::1/tcp/7400', 5_000)).toBeUndefined()
    expect(hostOf('/dns4/host.example/tcp/7400/p2p/x')).toEqual({ host: 'host.example', port: 7400 })
  })
})

describe('GET /v1/doctor', () => {
  const served = new ServedApi()

  it('answers findings about the node, and about one member', async () => {
    const all = (await served.get('/v1/doctor')).json()
    expect(fits(findingsShape, all)).toBe(true)
    const texts = all.findings.map(({ text }: { text: string }) => text)
    expect(texts).toEqual(expect.arrayContaining(['mesh warning', 'store warning', expect.stringMatching(/^1 key in/)]))
    const one = (await served.get('/v1/doctor?peer=b')).json()
    expect(one.findings[0].text).toBe('b: 3 updates behind, 99 B held for it, has 1 update that this node lacks')
    expect((await served.get('/v1/doctor?peer=nobody')).statusCode).toBe(404)
  })
})
