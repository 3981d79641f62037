/**
 * The promised surface to the letter, what several nodes come to: conflicts, the mesh, cuts and restarts, export and
 * import.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Daemon, runProgram } from '../daemons.js'
import {
  anyDot,
  anyText,
  anyTime,
  asJson,
  askRaw,
  DaemonTrio,
  eventsOf,
  postRaw,
  putRaw,
  refusal,
  removeRaw,
  startMs,
} from './surface.js'

const stepOf = (data: Record<string, unknown>) => data.step as { step: string }

let trio: DaemonTrio
let ann: Daemon
let bob: Daemon
let cid: Daemon

beforeAll(async () => {
  trio = await DaemonTrio.start()
  ;({ ann, bob, cid } = trio)
}, startMs)
afterAll(() => trio.fleet.end())

describe('a conflict', () => {
  it('is shown, kept, refused and settled as promised', async () => {
    await trio.apart(async () => {
      await putRaw(ann, '/v1/kv/both', 'of ann')
      await putRaw(bob, '/v1/kv/both', 'of bob')
      for (const daemon of [ann, bob]) await putRaw(daemon, '/v1/kv/alike', 'same')
    })
    expect((await askRaw(ann, '/v1/kv/alike')).headers['hearsay-siblings']).toBe('1')
    expect((await removeRaw(ann, '/v1/kv/alike')).status).toBe(204)
    expect((await askRaw(ann, '/v1/kv/alike')).status).toBe(404)

    const shown = await askRaw(cid, '/v1/kv/both')
    const all = (await askRaw(cid, '/v1/kv/both', { headers: asJson })).json
    expect([shown.headers['hearsay-siblings'], all.versions.length]).toEqual(['2', 2])
    expect(shown.body.toString()).toBe(all.versions[0].value)
    const { items, next } = (await askRaw(cid, '/v1/conflicts?prefix=both')).json
    const versions = all.versions.map((one: { value: string }) => ({ ...one, size: one.value.length }))
    expect({ items, next }).toEqual({
      items: [{ key: 'both', type: 'reg', field: '', context: all.context, versions }],
      next: null,
    })
    expect(refusal(await removeRaw(cid, '/v1/kv/both'))).toEqual([409, 'CONFLICT'])
    expect((await cid.cli(['del', 'both'])).exit).toBe(4)

    const got = await cid.cli(['get', 'both'])
    expect([got.exit, got.stdout.toString()]).toEqual([0, all.versions[0].value])
    expect(got.stderr).toContain('2 siblings')
    await putRaw(cid, '/v1/kv/both', 'third')
    const after = (await askRaw(cid, '/v1/kv/both', { headers: asJson })).json.versions
    expect(after.map(({ value }: { value: string }) => value)).toEqual(['third', all.versions[1].value])
    expect(refusal(await postRaw(cid, '/v1/conflicts/both', { pick: 1, context: all.context }))).toEqual([
      409,
      'STALE_CONTEXT',
    ])
    const settled = await cid.cli(['resolve', 'both', '--pick', '2'])
    expect(settled.exit).toBe(0)
    expect((await askRaw(cid, '/v1/kv/both')).body.toString()).toBe(all.versions[1].value)
    expect((await askRaw(cid, '/v1/kv/both')).headers['hearsay-siblings']).toBe('1')
    expect((await cid.cli(['resolve', 'both', '--pick', '1'])).exit).toBe(3)
    expect((await cid.cli(['resolve', 'both', '--undo'])).exit).toBe(0)
    const again = (await askRaw(cid, '/v1/kv/both', { headers: asJson })).json.versions
    expect(again.map(({ value }: { value: string }) => value)).toEqual(['third', all.versions[1].value])
    expect((await cid.cli(['resolve', 'both', '--pick', '2'])).exit).toBe(0)
    await putRaw(cid, '/v1/kv/both', 'newer')
    expect((await cid.cli(['resolve', 'both', '--undo'])).exit).toBe(4)
    await cid.client.delete('both')
    await trio.together()
  })
})

describe('the mesh', () => {
  it('status and members have every promised member', async () => {
    await trio.together()
    const status = (await askRaw(ann, '/v1/status')).json
    const member = (name: string) => ({
      name,
      peer: expect.stringMatching(/^12D3Koo/),
      connected: true,
      blocked: false,
      converged: true,
      behind: 0,
      ahead: 0,
      lastSeen: anyTime,
      lastEqual: anyTime,
      hints: { updates: 0, bytes: 0, since: null },
    })
    const members = [expect.objectContaining(member('bob')), expect.objectContaining(member('cid'))]
    const { version } = JSON.parse((await runProgram(['version', '--json'])).stdout.toString())
    expect(status).toMatchObject({
      node: 'ann',
      peer: ann.ready.peer,
      actor: expect.stringMatching(/^[0-9a-f]{16}$/),
      version,
      entries: expect.any(Number),
      root: anyText,
      context: anyText,
      conflicts: 0,
      blocked: [],
      warnings: [],
      members,
    })
    expect((await askRaw(ann, '/v1/members')).json).toEqual({ members })
    for (const command of ['members', 'peers']) {
      const lines = (await ann.cli([command, '--json'])).stdout.toString().trimEnd().split('\n')
      expect(lines.map((line) => JSON.parse(line).name)).toEqual(['bob', 'cid'])
    }
  })

  it('sync, where, wait, invite and join', async () => {
    const { sessions } = (await postRaw(ann, '/v1/sync', { peer: 'bob' })).json
    const counts = ['roundTrips', 'bytesSent', 'bytesReceived', 'entriesSent', 'entriesReceived']
    const numbers = Object.fromEntries(counts.map((name) => [name, expect.any(Number)]))
    expect(sessions).toEqual([
      expect.objectContaining({ peer: bob.ready.peer, mode: anyText, ended: 'complete', ...numbers }),
    ])
    const stored = (await putRaw(ann, '/v1/kv/held?acks=all', 'x')).json
    expect((await askRaw(ann, '/v1/where/held')).json).toEqual({
      key: 'held',
      dot: stored.dot,
      nodes: ['ann', 'bob', 'cid'],
      missing: [],
      unknown: [],
    })
    expect((await askRaw(ann, '/v1/diff/bob')).json).toEqual({ peer: 'bob', keys: [], more: false })
    expect((await ann.cli(['diff', 'bob'])).stdout.toString()).toBe('bob has the same keys and values\n')
    const unknown = [
      askRaw(ann, '/v1/diff/nobody'),
      postRaw(ann, '/v1/sync', { peer: 'nobody' }),
      postRaw(ann, '/v1/block', { peers: ['nobody'] }),
      removeRaw(ann, '/v1/members/nobody'),
      askRaw(ann, '/v1/where/nothing'),
    ]
    for (const one of unknown) expect(refusal(await one)).toEqual([404, 'NOT_FOUND'])
    for (const args of [
      ['sync', 'nobody'],
      ['block', 'nobody'],
      ['forget', 'nobody'],
      ['where', 'nothing'],
      ['diff', 'nobody'],
    ]) {
      expect([args, (await ann.cli(args)).exit]).toEqual([args, 3])
    }
    expect((await ann.cli(['wait', '--peers', '9', '--timeout', '100ms'])).exit).toBe(7)
    expect((await ann.cli(['wait', '--peers', '1', '--converged'])).exit).toBe(0)
    expect((await postRaw(ann, '/v1/invite', {})).json).toEqual({ token: expect.stringMatching(/^\S+$/) })
    expect((await postRaw(ann, '/v1/join', { token: 'nonsense' })).status).toBe(400)
    await ann.client.delete('held')
  })

  it('a block cuts both ways, is shown, survives a restart, and is lifted; hints say what is missed', async () => {
    await trio.together()
    expect((await ann.cli(['block', 'bob', 'cid'])).exit).toBe(0)
    const cut = (await askRaw(ann, '/v1/status')).json
    expect(cut.blocked.toSorted()).toEqual(['bob', 'cid'])
    expect(
      cut.members.every((one: { connected: boolean; converged: boolean }) => !one.connected && !one.converged),
    ).toBe(true)
    expect(refusal(await askRaw(ann, '/v1/diff/bob'))).toEqual([502, 'UNREACHABLE'])
    const away = await ann.cli(['diff', 'bob'])
    expect([away.exit, away.stderr]).toEqual([1, expect.stringContaining('hearsay status')])
    const refused = await putRaw(ann, '/v1/kv/quorate?requireQuorum=true', 'x')
    expect(refused).toMatchObject({ status: 503, json: { code: 'NO_QUORUM', stored: false } })
    expect((await askRaw(ann, '/v1/kv/quorate')).status).toBe(404)
    const strict = await ann.cli(['put', 'quorate', 'x', '--require-quorum', '--json'])
    expect([strict.exit, JSON.parse(strict.stderr)]).toEqual([5, expect.objectContaining({ code: 'NO_QUORUM' })])
    const short = await putRaw(ann, '/v1/kv/short?acks=majority&timeout=100ms', 'x')
    expect(short).toMatchObject({
      status: 503,
      json: { code: 'NOT_ENOUGH_ACKS', stored: true, acks: { have: 1, want: 2, nodes: ['ann'] } },
    })
    expect((await ann.cli(['get', 'short', '--consistency', 'majority', '--timeout', '100ms'])).exit).toBe(5)
    expect((await askRaw(ann, '/v1/where/short')).json).toMatchObject({ nodes: ['ann'], unknown: ['bob', 'cid'] })
    const [hinted] = (await askRaw(ann, '/v1/status')).json.members
    expect([hinted.behind, hinted.hints.updates, hinted.hints.since]).toEqual([1, 1, anyTime])
    expect(hinted.hints.bytes).toBeGreaterThan(0)

    expect(await ann.stop()).toBe(0)
    await ann.start()
    const restarted = (await askRaw(ann, '/v1/status')).json
    expect([restarted.blocked.toSorted(), restarted.actor]).toEqual([['bob', 'cid'], null])
    for (const { lastSeen, lastEqual } of restarted.members) expect([lastSeen, lastEqual]).toEqual([anyTime, anyTime])
    expect((await postRaw(ann, '/v1/unblock', { peers: ['bob'] })).json.blocked).toEqual(['cid'])
    expect((await askRaw(ann, '/v1/unblock', { method: 'POST' })).status).toBe(200)
    await trio.together()
    expect((await askRaw(cid, '/v1/kv/short')).body.toString()).toBe('x')
    await ann.client.delete('short')
  })
})

describe('the dashboard', () => {
  it('is opened by a link, once, and sees a heal as it happens', async () => {
    const [link] = (await ann.cli(['dashboard'])).stdout.toString().split('\n')
    const [url, secret] = link!.split('/#link=')
    expect(url).toBe(ann.ready.api[1])
    const own = { origin: url!, 'hearsay-dashboard': '1' }
    const signIn = () =>
      askRaw(ann, '/session', { url: url!, method: 'POST', headers: own, body: JSON.stringify({ link: secret }) })
    const { status, headers } = await signIn()
    expect(status).toBe(204)
    expect(refusal(await signIn())).toEqual([401, 'BAD_LINK'])
    const cookie = String(headers['set-cookie']).split(';')[0]!
    const page = await askRaw(ann, '/', { url: url!, headers: { cookie, accept: 'text/html' } })
    expect([page.status, page.headers['x-frame-options']]).toEqual([200, 'DENY'])
    const write = { url: url!, method: 'PUT', body: 'x' } as const
    expect((await askRaw(ann, '/v1/kv/by-page', { ...write, headers: { cookie, ...own } })).status).toBe(200)
    expect((await askRaw(ann, '/v1/kv/by-page', { ...write, headers: { cookie } })).status).toBe(403)

    const events = eventsOf(`${url}/v1/events`, { cookie })
    const [first] = await events.until((event) => event.name === 'status')
    const shown = first!.data.members as { root: string; hears: string[] }[]
    for (const { root, hears } of shown) {
      expect(root).toBe((first!.data.root as string).slice(0, 8))
      expect(hears).toContain(ann.ready.peer)
    }
    await trio.apart(async () => {
      await putRaw(ann, '/v1/kv/watched', 'of ann')
    })
    const seen = await events.until(({ name, data }) => name === 'session' && stepOf(data).step === 'end')
    const sessions = seen.filter(({ name }) => name === 'session')
    expect(sessions.map(({ data }) => stepOf(data).step).slice(0, 2)).toEqual(['start', 'contexts'])
    expect(seen.filter(({ name, data }) => name === 'change' && data.key === 'watched')).toHaveLength(1)
    events.close()
    const { sessions: last } = (await askRaw(ann, '/v1/sessions')).json
    expect(last.at(-1).steps.length).toBeGreaterThanOrEqual(3)
    for (const key of ['by-page', 'watched']) await ann.client.delete(key)
    await trio.together()
  })
})

describe('export and import', () => {
  it('carry every type and sibling; the second time adds nothing', async () => {
    await trio.apart(async () => {
      await putRaw(ann, '/v1/kv/moved%2Freg', 'of ann')
      await putRaw(bob, '/v1/kv/moved%2Freg', 'of bob')
    })
    await postRaw(ann, '/v1/counters/moved%2Fctr', { by: 3 })
    await putRaw(ann, '/v1/sets/moved%2Fset/m', '')
    await putRaw(ann, '/v1/maps/moved%2Fmap/f', Buffer.from([0xff]))
    await putRaw(ann, '/v1/kv/moved%2Fttl?ttl=1h', 'x')
    const exported = (await ann.cli(['export', 'moved/'])).stdout
    const lines = exported.toString().trimEnd().split('\n')
    const version = { value: anyText, encoding: 'utf8', dot: anyDot, node: anyText, time: anyTime }
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { key: 'moved/ctr', type: 'ctr', value: 3 },
      { key: 'moved/map', type: 'map', field: 'f', versions: [{ ...version, value: '/w==', encoding: 'base64' }] },
      { key: 'moved/reg', type: 'reg', versions: [version, version] },
      { key: 'moved/set', type: 'set', member: 'm', versions: expect.any(Array) },
      { key: 'moved/ttl', type: 'reg', versions: [{ ...version, expires: anyTime }] },
    ])
    const fresh = await trio.fleet.add('fresh')
    const first = await fresh.cli(['import', '-', '--json'], exported)
    expect([first.exit, JSON.parse(first.stdout.toString())]).toEqual([0, { imported: 5, skipped: 0, failed: [] }])
    const root = (await fresh.client.status()).root
    const second = await fresh.cli(['import', '-', '--json'], exported)
    expect(JSON.parse(second.stdout.toString())).toEqual({ imported: 0, skipped: 5, failed: [] })
    expect((await fresh.client.status()).root).toBe(root)
    const values = async (daemon: Daemon) =>
      (await daemon.client.getAll('moved/reg')).versions.map(({ value }) => value)
    expect(await values(fresh)).toEqual(await values(ann))
    expect((await fresh.cli(['counter', 'get', 'moved/ctr'])).stdout.toString()).toBe('3\n')
    const short = '{"key":"short/a","value":"1"}\n{"key":"short/b","value":"AP8=","encoding":"base64"}\n'
    expect((await fresh.cli(['import', '-'], short)).exit).toBe(0)
    expect((await fresh.cli(['get', 'short/b'])).stdout).toEqual(Buffer.from([0, 255]))
    await fresh.stop()
  })
})

describe('the daemon', () => {
  it('ends with 0 within five seconds of SIGTERM, and keeps what it acknowledged', async () => {
    await cid.client.put('kept', 'x')
    const startMs = performance.now()
    expect(await cid.stop()).toBe(0)
    expect(performance.now() - startMs).toBeLessThan(5_000)
    await cid.start()
    expect((await cid.client.get('kept')).value.toString()).toBe('x')
  })
})
