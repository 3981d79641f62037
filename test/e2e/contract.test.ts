/** The promised surface to the letter, on real daemons: statuses, bodies, headers, exit codes, bytes on stdout, files. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allEqual, connectedTo, type Daemon, Fleet, run, until } from './daemons.js'

let fleet: Fleet
let ann: Daemon
let bob: Daemon
let cid: Daemon

beforeAll(async () => {
  fleet = await Fleet.create()
  ;[ann, bob, cid] = (await fleet.mesh(['ann', 'bob', 'cid'], ['--api', '127.0.0.1:0'])) as [Daemon, Daemon, Daemon]
  await allEqual([ann, bob, cid])
}, 120_000)
afterAll(() => fleet.end())

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: what a test compares with what is promised
  readonly json: any
}

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array
  readonly url?: string
}

/** One raw request; over the daemon's socket unless a URL is given. Paths go out as they are. */
function ask(daemon: Daemon, path: string, { method = 'GET', headers = {}, body, url }: Asked = {}): Promise<Answer> {
  const where = url === undefined ? { socketPath: daemon.ready.api[0]!.slice('unix:'.length) } : targetOf(url)
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...where, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        const isJson = /json/.test(String(response.headers['content-type'])) && bytes.length > 0
        const json = isJson ? JSON.parse(bytes.toString()) : undefined
        resolve({ status: response.statusCode!, headers: response.headers, body: bytes, json })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function targetOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

const put = (daemon: Daemon, path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
  ask(daemon, path, { method: 'PUT', body, headers })
const post = (daemon: Daemon, path: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(daemon, path, { method: 'POST', body: JSON.stringify(body), headers })
const remove = (daemon: Daemon, path: string, headers: Record<string, string> = {}) =>
  ask(daemon, path, { method: 'DELETE', headers })
const asJson = { Accept: 'application/json' }
const refusal = ({ status, json }: Answer) => [status, json?.code]
const dot = expect.stringMatching(/^[0-9a-f]{16}:\d+$/)
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const text = expect.any(String)

/** Writes on both sides of a cut between ann and the others. */
async function apart(write: () => Promise<void>): Promise<void> {
  await post(ann, '/v1/block', { peers: ['bob', 'cid'] })
  await write()
  await post(ann, '/v1/unblock', {})
  await together()
}

async function together(): Promise<void> {
  for (const daemon of [ann, bob, cid]) await connectedTo(daemon, 2)
  await ann.client.wait({ peers: 2, converged: true, timeoutMs: 40_000 })
}

describe('keys and values over HTTP', () => {
  it('put, get and delete answer as promised', async () => {
    const stored = await put(ann, '/v1/kv/letter', 'abc')
    expect([stored.status, stored.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
    expect(stored.json).toEqual({ key: 'letter', dot, context: text, acks: { have: 1, want: 1, nodes: ['ann'] } })
    const bytes = await ask(ann, '/v1/kv/letter')
    expect([bytes.status, bytes.body.toString()]).toEqual([200, 'abc'])
    expect(bytes.headers).toMatchObject({
      'hearsay-context': stored.json.context,
      'hearsay-dot': stored.json.dot,
      'hearsay-siblings': '1',
    })
    const versions = [{ dot: stored.json.dot, node: 'ann', time, expires: null, encoding: 'utf8', value: 'abc' }]
    expect((await ask(ann, '/v1/kv/letter', { headers: asJson })).json).toEqual({
      key: 'letter',
      context: text,
      versions,
    })
    expect((await remove(ann, '/v1/kv/letter')).status).toBe(204)
    for (const gone of [await remove(ann, '/v1/kv/letter'), await ask(ann, '/v1/kv/letter')]) {
      expect([...refusal(gone), gone.headers['content-type']]).toEqual([
        404,
        'NOT_FOUND',
        'application/problem+json; charset=utf-8',
      ])
    }
  })

  it('takes every key of 1 to 1,024 bytes as one segment, and no other', async () => {
    const longest = 'k'.repeat(1024)
    const keys = ['.', '..', 'a/b', 'a%2Fb', ' ', '+', '?', '#', '\u0000', 'ä', '\ufeff', longest]
    for (const key of keys) {
      const path = `/v1/kv/${encodeURIComponent(key).replaceAll('.', '%2E')}`
      expect([key, (await put(ann, path, key)).json?.key]).toEqual([key, key])
      expect((await ask(ann, path)).body.toString()).toBe(key)
    }
    for (const dots of ['.', '..']) expect((await ask(ann, `/v1/kv/${dots}`)).body.toString()).toBe(dots)
    for (const path of ['/v1/kv/%ff', '/v1/kv/', '/v1/kv/%zz', '/v1/kv/a/b']) {
      expect(refusal(await put(ann, path, 'x'))).toEqual([400, 'BAD_KEY'])
    }
    for (const key of [`${longest}k`, `${'%C3%A4'.repeat(512)}a`]) {
      expect(refusal(await put(ann, `/v1/kv/${key}`, 'x'))).toEqual([413, 'TOO_LARGE'])
    }
    for (const key of keys) await ann.client.delete(key)
  })

  it('takes values up to 8 MiB, stores nothing of a larger one, and keeps bytes', async () => {
    const largest = Buffer.alloc(8 * 1024 * 1024, Buffer.from([0, 255, 10]))
    expect((await put(ann, '/v1/kv/large', largest)).status).toBe(200)
    expect(Buffer.compare((await ask(ann, '/v1/kv/large')).body, largest)).toBe(0)
    expect((await remove(ann, '/v1/kv/large')).status).toBe(204)
    expect(refusal(await put(ann, '/v1/kv/large', Buffer.alloc(largest.length + 1)))).toEqual([413, 'TOO_LARGE'])
    expect((await ask(ann, '/v1/kv/large')).status).toBe(404)
    await put(ann, '/v1/kv/bytes', Buffer.from([0xff, 0]))
    const { versions } = (await ask(ann, '/v1/kv/bytes', { headers: asJson })).json
    expect(versions[0]).toMatchObject({ value: '/wA=', encoding: 'base64' })
    expect((await put(ann, '/v1/kv/nothing', '')).status).toBe(200)
    expect((await ask(ann, '/v1/kv/nothing')).body).toHaveLength(0)
    for (const key of ['bytes', 'nothing']) await ann.client.delete(key)
  })

  it('refuses ifAbsent on what exists, and contexts that are malformed, altered or of another key', async () => {
    const { context } = (await put(ann, '/v1/kv/once?ifAbsent=true', '1')).json
    expect(refusal(await put(ann, '/v1/kv/once?ifAbsent=true', '2'))).toEqual([409, 'EXISTS'])
    const altered = `${context.slice(0, -2)}${context.endsWith('AA') ? 'BB' : 'AA'}`
    for (const bad of ['', 'x', altered]) {
      expect(refusal(await put(ann, '/v1/kv/once', '2', { 'Hearsay-Context': bad }))).toEqual([400, 'BAD_CONTEXT'])
    }
    expect(refusal(await put(ann, '/v1/kv/twice', '2', { 'Hearsay-Context': context }))).toEqual([400, 'BAD_CONTEXT'])
    expect((await ask(ann, '/v1/kv/once')).body.toString()).toBe('1')
    expect((await put(bob, '/v1/kv/once', '2', { 'Hearsay-Context': context })).status).toBe(200)
    await together()
    expect((await ask(ann, '/v1/kv/once', { headers: asJson })).json.versions).toHaveLength(1)
    await ann.client.delete('once')
  })

  it('does a repeated request once, lets it wait longer, and refuses another under the same key', async () => {
    const headers = { 'Idempotency-Key': 'operation-1' }
    const path = '/v1/kv/repeated?acks=4'
    const first = await put(ann, `${path}&timeout=100ms`, 'x', headers)
    expect(first).toMatchObject({ status: 503, json: { code: 'NOT_ENOUGH_ACKS', stored: true, acks: { want: 4 } } })
    expect(first.json.acks).toEqual({ have: first.json.acks.nodes.length, want: 4, nodes: expect.any(Array) })
    await put(ann, '/v1/kv/repeated', 'later')
    const again = await put(ann, `${path}&timeout=2s`, 'x', headers)
    expect([again.json.code, again.json.dot, again.json.acks.have]).toEqual(['NOT_ENOUGH_ACKS', first.json.dot, 3])
    expect((await ask(ann, '/v1/kv/repeated')).body.toString()).toBe('later')
    for (const other of [put(ann, path, 'y', headers), put(ann, '/v1/kv/other?acks=4', 'x', headers)]) {
      expect(refusal(await other)).toEqual([422, 'RETRY_KEY_REUSED'])
    }
    expect(refusal(await put(ann, '/v1/kv/other', 'x', { 'Idempotency-Key': '' }))).toEqual([400, 'BAD_REQUEST'])
    await ann.client.delete('repeated')
  })

  it('lists in pages of up to 10,000, all types, with null at the end', async () => {
    const ops = [
      { op: 'put', key: 'list/a', value: 'x' },
      { op: 'counter.incr', key: 'list/b' },
      { op: 'set.add', key: 'list/b', member: 'm' },
      { op: 'map.put', key: 'list/b', field: 'f', value: 'v' },
    ]
    expect(await post(ann, '/v1/batch', { ops })).toMatchObject({
      status: 200,
      json: { ops: ops.map(() => ({ dot })) },
    })
    const items = [
      { key: 'list/a', types: ['reg'], siblings: 1 },
      { key: 'list/b', types: ['ctr', 'set', 'map'], siblings: expect.any(Number) },
    ]
    expect((await ask(ann, '/v1/kv?prefix=list/&limit=10000&after=')).json).toEqual({ items, next: null })
    expect((await ask(ann, '/v1/kv?prefix=list/&limit=1')).json).toEqual({ items: [items[0]], next: 'list/a' })
    const rest = (await ask(ann, '/v1/kv?prefix=list/&after=list%2Fa&values=true')).json
    expect(rest).toEqual({ items: [items[1]], next: null })
    expect((await ask(ann, '/v1/kv?prefix=list/a&values=true')).json.items[0]).toMatchObject({
      value: 'x',
      encoding: 'utf8',
    })
    for (const limit of ['0', '10001', 'x']) expect((await ask(ann, `/v1/kv?limit=${limit}`)).status).toBe(400)
  })

  it('hides what has expired', async () => {
    expect((await put(ann, '/v1/kv/brief?ttl=1ms', 'x')).status).toBe(200)
    await until(
      'hidden',
      () => ask(ann, '/v1/kv/brief'),
      ({ status }) => status === 404,
    )
    for (const ttl of ['0s', 'soon']) expect((await put(ann, `/v1/kv/brief?ttl=${ttl}`, 'x')).status).toBe(400)
  })
})

describe('other types over HTTP', () => {
  it('counters', async () => {
    expect((await post(ann, '/v1/counters/n', {})).json).toMatchObject({ key: 'n', value: 1, dot })
    expect((await ask(ann, '/v1/counters/n', { method: 'POST' })).json.value).toBe(2)
    expect((await post(ann, '/v1/counters/n', { by: -5 })).json.value).toBe(-3)
    expect((await ask(ann, '/v1/counters/n')).json).toEqual({ key: 'n', value: -3 })
    const beyond = await post(ann, '/v1/counters/n', { by: -Number.MAX_SAFE_INTEGER })
    expect(refusal(beyond)).toEqual([400, 'COUNTER_RANGE'])
    expect((await post(ann, '/v1/counters/n', { by: 0.5 })).status).toBe(400)
    expect([(await remove(ann, '/v1/counters/n')).status, (await remove(ann, '/v1/counters/n')).status]).toEqual([
      204, 404,
    ])
    expect((await ask(ann, '/v1/counters/n')).status).toBe(404)
  })

  it('sets', async () => {
    const first = (await put(ann, '/v1/sets/s/..', '')).json
    expect((await put(ann, '/v1/sets/s/%2E%2E', '')).json.dot).not.toBe(first.dot)
    await put(ann, '/v1/sets/s/a%2Fb', '')
    await put(ann, '/v1/sets/s/%ff', '')
    const members = ['..', 'a/b', { value: '/w==', encoding: 'base64' }]
    expect((await ask(ann, '/v1/sets/s')).json).toEqual({ key: 's', members })
    const removals = [await remove(ann, '/v1/sets/s/%ff'), await remove(ann, '/v1/sets/s/%ff')]
    expect(removals.map(({ status }) => status)).toEqual([204, 404])
    const clears = [await remove(ann, '/v1/sets/s'), await remove(ann, '/v1/sets/s'), await ask(ann, '/v1/sets/s')]
    expect(clears.map(({ status }) => status)).toEqual([204, 404, 404])
  })

  it('maps', async () => {
    const stored = (await put(ann, '/v1/maps/m/f', 'v')).json
    expect(stored).toMatchObject({ key: 'm', dot, context: text, acks: { have: 1, want: 1, nodes: ['ann'] } })
    expect((await ask(ann, '/v1/maps/m/f')).headers).toMatchObject({
      'hearsay-context': stored.context,
      'hearsay-siblings': '1',
    })
    expect((await ask(ann, '/v1/maps/m')).json).toEqual({
      key: 'm',
      fields: { f: { value: 'v', encoding: 'utf8', siblings: 1 } },
    })
    expect(refusal(await put(ann, '/v1/maps/m/g', 'x', { 'Hearsay-Context': stored.context }))).toEqual([
      400,
      'BAD_CONTEXT',
    ])
    const gone = [await remove(ann, '/v1/maps/m/f'), await remove(ann, '/v1/maps/m/f'), await remove(ann, '/v1/maps/m')]
    expect(gone.map(({ status }) => status)).toEqual([204, 404, 404])
  })

  it('batches store all or nothing, within their limits', async () => {
    const op = { op: 'put', key: 'batch', value: 'x' }
    const bad = [
      { op: 'zap', key: 'k' },
      { op: 'put', key: '' },
      { op: 'put', key: 'k', value: '*', encoding: 'base64' },
      { op: 'put', key: 'k', value: 'x', context: 'x' },
      { op: 'del', key: 'absent' },
      { op: 'set.rm', key: 'absent', member: 'm' },
    ]
    for (const one of bad) {
      const { status } = await post(ann, '/v1/batch', { ops: [op, one] })
      expect([one, status >= 400 && status < 500]).toEqual([one, true])
    }
    const large = await post(ann, '/v1/batch', { ops: [{ ...op, value: 'x'.repeat(8 * 1024 * 1024) }] })
    const many = await post(ann, '/v1/batch', { ops: Array.from({ length: 1001 }, () => op) })
    expect([large.status, many.status]).toEqual([413, 413])
    expect((await ask(ann, '/v1/kv/batch')).status).toBe(404)
    const thousand = await post(ann, '/v1/batch', { ops: Array.from({ length: 1000 }, () => op) })
    expect([thousand.status, thousand.json.ops.length]).toEqual([200, 1000])
    await ann.client.delete('batch')
  })
})

describe('a conflict', () => {
  it('is shown, kept, refused and settled as promised', async () => {
    await apart(async () => {
      await put(ann, '/v1/kv/both', 'of ann')
      await put(bob, '/v1/kv/both', 'of bob')
      for (const daemon of [ann, bob]) await put(daemon, '/v1/kv/alike', 'same')
    })
    expect((await ask(ann, '/v1/kv/alike')).headers['hearsay-siblings']).toBe('1')
    expect((await remove(ann, '/v1/kv/alike')).status).toBe(204)
    expect((await ask(ann, '/v1/kv/alike')).status).toBe(404)

    const shown = await ask(cid, '/v1/kv/both')
    const all = (await ask(cid, '/v1/kv/both', { headers: asJson })).json
    expect([shown.headers['hearsay-siblings'], all.versions.length]).toEqual(['2', 2])
    expect(shown.body.toString()).toBe(all.versions[0].value)
    const { items, next } = (await ask(cid, '/v1/conflicts?prefix=both')).json
    const versions = all.versions.map((one: { value: string }) => ({ ...one, size: one.value.length }))
    expect({ items, next }).toEqual({
      items: [{ key: 'both', type: 'reg', field: '', context: all.context, versions }],
      next: null,
    })
    expect(refusal(await remove(cid, '/v1/kv/both'))).toEqual([409, 'CONFLICT'])
    expect((await cid.cli(['del', 'both'])).exit).toBe(4)

    const got = await cid.cli(['get', 'both'])
    expect([got.exit, got.stdout.toString()]).toEqual([0, all.versions[0].value])
    expect(got.stderr).toContain('2 siblings')
    await put(cid, '/v1/kv/both', 'third')
    const after = (await ask(cid, '/v1/kv/both', { headers: asJson })).json.versions
    expect(after.map(({ value }: { value: string }) => value)).toEqual(['third', all.versions[1].value])
    expect(refusal(await post(cid, '/v1/conflicts/both', { pick: 1, context: all.context }))).toEqual([
      409,
      'STALE_CONTEXT',
    ])
    const settled = await cid.cli(['resolve', 'both', '--pick', '2'])
    expect(settled.exit).toBe(0)
    expect((await ask(cid, '/v1/kv/both')).body.toString()).toBe(all.versions[1].value)
    expect((await ask(cid, '/v1/kv/both')).headers['hearsay-siblings']).toBe('1')
    expect((await cid.cli(['resolve', 'both', '--pick', '1'])).exit).toBe(3)
    await cid.client.delete('both')
    await together()
  })
})

describe('the mesh', () => {
  it('status and members have every promised member', async () => {
    await together()
    const status = (await ask(ann, '/v1/status')).json
    const member = (name: string) => ({
      name,
      peer: expect.stringMatching(/^12D3Koo/),
      connected: true,
      blocked: false,
      converged: true,
      behind: 0,
      ahead: 0,
      lastSeen: time,
      lastEqual: time,
      hints: { updates: 0, bytes: 0, since: null },
    })
    const members = [expect.objectContaining(member('bob')), expect.objectContaining(member('cid'))]
    const { version } = JSON.parse((await run(['version', '--json'])).stdout.toString())
    expect(status).toMatchObject({
      node: 'ann',
      peer: ann.ready.peer,
      actor: expect.stringMatching(/^[0-9a-f]{16}$/),
      version,
      entries: expect.any(Number),
      root: text,
      context: text,
      conflicts: 0,
      blocked: [],
      warnings: [],
      members,
    })
    expect((await ask(ann, '/v1/members')).json).toEqual({ members })
    for (const command of ['members', 'peers']) {
      const lines = (await ann.cli([command, '--json'])).stdout.toString().trimEnd().split('\n')
      expect(lines.map((line) => JSON.parse(line).name)).toEqual(['bob', 'cid'])
    }
  })

  it('sync, where, wait, invite and join', async () => {
    const { sessions } = (await post(ann, '/v1/sync', { peer: 'bob' })).json
    const counts = ['roundTrips', 'bytesSent', 'bytesReceived', 'entriesSent', 'entriesReceived']
    const numbers = Object.fromEntries(counts.map((name) => [name, expect.any(Number)]))
    expect(sessions).toEqual([
      expect.objectContaining({ peer: bob.ready.peer, mode: text, ended: 'complete', ...numbers }),
    ])
    const stored = (await put(ann, '/v1/kv/held?acks=all', 'x')).json
    expect((await ask(ann, '/v1/where/held')).json).toEqual({
      key: 'held',
      dot: stored.dot,
      nodes: ['ann', 'bob', 'cid'],
      unknown: [],
    })
    const unknown = [
      post(ann, '/v1/sync', { peer: 'nobody' }),
      post(ann, '/v1/block', { peers: ['nobody'] }),
      remove(ann, '/v1/members/nobody'),
      ask(ann, '/v1/where/nothing'),
    ]
    for (const one of unknown) expect(refusal(await one)).toEqual([404, 'NOT_FOUND'])
    for (const args of [
      ['sync', 'nobody'],
      ['block', 'nobody'],
      ['forget', 'nobody'],
      ['where', 'nothing'],
    ]) {
      expect([args, (await ann.cli(args)).exit]).toEqual([args, 3])
    }
    expect((await ann.cli(['wait', '--peers', '9', '--timeout', '100ms'])).exit).toBe(7)
    expect((await ann.cli(['wait', '--peers', '1', '--converged'])).exit).toBe(0)
    expect((await post(ann, '/v1/invite', {})).json).toEqual({ token: expect.stringMatching(/^\S+$/) })
    expect((await post(ann, '/v1/join', { token: 'nonsense' })).status).toBe(400)
    await ann.client.delete('held')
  })

  it('a block cuts both ways, is shown, survives a restart, and is lifted; hints say what is missed', async () => {
    await together()
    expect((await ann.cli(['block', 'bob', 'cid'])).exit).toBe(0)
    const cut = (await ask(ann, '/v1/status')).json
    expect(cut.blocked.toSorted()).toEqual(['bob', 'cid'])
    expect(
      cut.members.every((one: { connected: boolean; converged: boolean }) => !one.connected && !one.converged),
    ).toBe(true)
    const refused = await put(ann, '/v1/kv/quorate?requireQuorum=true', 'x')
    expect(refused).toMatchObject({ status: 503, json: { code: 'NO_QUORUM', stored: false } })
    expect((await ask(ann, '/v1/kv/quorate')).status).toBe(404)
    const strict = await ann.cli(['put', 'quorate', 'x', '--require-quorum', '--json'])
    expect([strict.exit, JSON.parse(strict.stderr)]).toEqual([5, expect.objectContaining({ code: 'NO_QUORUM' })])
    const short = await put(ann, '/v1/kv/short?acks=majority&timeout=100ms', 'x')
    expect(short).toMatchObject({
      status: 503,
      json: { code: 'NOT_ENOUGH_ACKS', stored: true, acks: { have: 1, want: 2, nodes: ['ann'] } },
    })
    expect((await ann.cli(['get', 'short', '--consistency', 'majority', '--timeout', '100ms'])).exit).toBe(5)
    expect((await ask(ann, '/v1/where/short')).json).toMatchObject({ nodes: ['ann'], unknown: ['bob', 'cid'] })
    const [hinted] = (await ask(ann, '/v1/status')).json.members
    expect([hinted.behind, hinted.hints.updates, hinted.hints.since]).toEqual([1, 1, time])
    expect(hinted.hints.bytes).toBeGreaterThan(0)

    expect(await ann.stop()).toBe(0)
    await ann.start()
    const restarted = (await ask(ann, '/v1/status')).json
    expect([restarted.blocked.toSorted(), restarted.actor]).toEqual([['bob', 'cid'], null])
    for (const { lastSeen, lastEqual } of restarted.members) expect([lastSeen, lastEqual]).toEqual([time, time])
    expect((await post(ann, '/v1/unblock', { peers: ['bob'] })).json.blocked).toEqual(['cid'])
    expect((await ask(ann, '/v1/unblock', { method: 'POST' })).status).toBe(200)
    await together()
    expect((await ask(cid, '/v1/kv/short')).body.toString()).toBe('x')
    await ann.client.delete('short')
  })
})

describe('export and import', () => {
  it('carry every type and sibling; the second time adds nothing', async () => {
    await apart(async () => {
      await put(ann, '/v1/kv/moved%2Freg', 'of ann')
      await put(bob, '/v1/kv/moved%2Freg', 'of bob')
    })
    await post(ann, '/v1/counters/moved%2Fctr', { by: 3 })
    await put(ann, '/v1/sets/moved%2Fset/m', '')
    await put(ann, '/v1/maps/moved%2Fmap/f', Buffer.from([0xff]))
    await put(ann, '/v1/kv/moved%2Fttl?ttl=1h', 'x')
    const exported = (await ann.cli(['export', 'moved/'])).stdout
    const lines = exported.toString().trimEnd().split('\n')
    const version = { value: text, encoding: 'utf8', dot, node: text, time }
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { key: 'moved/ctr', type: 'ctr', value: 3 },
      { key: 'moved/map', type: 'map', field: 'f', versions: [{ ...version, value: '/w==', encoding: 'base64' }] },
      { key: 'moved/reg', type: 'reg', versions: [version, version] },
      { key: 'moved/set', type: 'set', member: 'm', versions: expect.any(Array) },
      { key: 'moved/ttl', type: 'reg', versions: [{ ...version, expires: time }] },
    ])
    const fresh = await fleet.add('fresh')
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

describe('the API over TCP', () => {
  it('asks for the token, and refuses foreign hosts and origins', async () => {
    const url = ann.ready.api[1]!
    const { host } = new URL(url)
    const Authorization = `Bearer ${readFileSync(join(ann.data, 'api.token'), 'utf8').trim()}`
    const status = async (headers: Record<string, string>) =>
      (await ask(ann, '/v1/status', { url, headers: { Host: host, ...headers } })).status
    expect(await status({})).toBe(401)
    expect(await status({ Authorization: 'Bearer wrong' })).toBe(401)
    expect(await status({ Authorization })).toBe(200)
    expect(await status({ Authorization, Origin: url })).toBe(200)
    for (const Origin of ['http://example.org', 'null']) expect(await status({ Authorization, Origin })).toBe(403)
    expect(await status({ Authorization, Host: 'example.org' })).toBe(403)
    expect(statSync(join(ann.data, 'api.token')).mode & 0o777).toBe(0o600)
  })

  it('is found by --api and HEARSAY_API, with the token of the data directory or as given', async () => {
    await ann.client.put('over/tcp', 'x')
    const api = ann.ready.api[1]!
    const token = readFileSync(join(ann.data, 'api.token'), 'utf8').trim()
    const get = ['get', 'over/tcp']
    const nowhere = join(fleet.folder, 'nowhere')
    const calls = [
      run([...get, '--api', api, '--data', ann.data]),
      run([...get, '--api', api, '--token', token]),
      run(get, { env: { HEARSAY_API: api, HEARSAY_DATA: ann.data } }),
      run(get, { env: { HEARSAY_API: ann.ready.api[0]! } }),
      run(get, { env: { HEARSAY_DATA: ann.data } }),
    ]
    for (const ran of await Promise.all(calls)) expect([ran.exit, ran.stdout.toString()]).toEqual([0, 'x'])
    expect((await run([...get, '--api', api, '--data', nowhere])).exit).toBe(1)
    expect((await run([...get, '--data', nowhere])).exit).toBe(6)
    await ann.client.delete('over/tcp')
  })
})

describe('the command line', () => {
  const exits: [string[], number][] = [
    [['get', 'absent'], 3],
    [['del', 'absent'], 3],
    [['counter', 'get', 'absent'], 3],
    [['set', 'ls', 'absent'], 3],
    [['map', 'get', 'absent', 'f'], 3],
    [['get'], 2],
    [['get', 'k', '--nope'], 2],
    [['nope'], 2],
    [['put', 'k', 'v', '--ttl', 'soon'], 2],
    [['put', 'k', 'v', '--context', 'nonsense'], 2],
    [['completion', 'nope'], 2],
  ]
  it.each(exits)('%j exits with %i and says what to do next', async (args, exit) => {
    const ran = await (args[0] === 'completion' || args[0] === 'nope' ? run(args) : ann.cli(args))
    expect([ran.exit, ran.stdout.toString()]).toEqual([exit, ''])
    expect(ran.stderr).toMatch(/^error [A-Z_]+: .+\n {2}next: .+\n$/)
  })

  it('prints values byte for byte, and takes them from stdin and files', async () => {
    const value = Buffer.from([0, 255, 10, 13, 27])
    expect((await ann.cli(['put', 'exact', '-'], value)).exit).toBe(0)
    expect((await ann.cli(['get', 'exact'])).stdout).toEqual(value)
    const file = join(fleet.folder, 'value')
    writeFileSync(file, 'from a file')
    expect((await ann.cli(['put', 'exact', '--file', file, '--json'])).exit).toBe(0)
    expect((await ann.cli(['get', 'exact'])).stdout.toString()).toBe('from a file')
    const again = [
      await ann.cli(['put', 'exact', 'x', '--id', 'op']),
      await ann.cli(['put', 'exact', 'x', '--id', 'op']),
    ]
    expect(again.map(({ exit }) => exit)).toEqual([0, 0])
    expect((await ann.cli(['put', 'exact', 'y', '--if-absent'])).exit).toBe(4)
    expect((await ann.cli(['ls', 'exact', '--values', '--json'])).stdout.toString()).toBe(
      '{"key":"exact","types":["reg"],"siblings":1,"value":"x","encoding":"utf8"}\n',
    )
    expect((await ann.cli(['del', '--prefix', 'exact'])).exit).toBe(0)
    expect((await ann.cli(['ls', 'exact'])).stdout.toString()).toBe('')
  })

  it('config shows values and origins, of a daemon that runs and of one that does not', async () => {
    const settings = (ran: { stdout: Buffer }) =>
      Object.fromEntries(
        (JSON.parse(ran.stdout.toString()).settings as { name: string; value: unknown; origin: string }[]).map(
          ({ name, value, origin }) => [name, [value, origin]],
        ),
      )
    expect(settings(await ann.cli(['config', '--json']))).toMatchObject({
      name: ['ann', 'flag'],
      mdns: [false, 'flag'],
      durability: ['fsync', 'default'],
    })
    const data = join(fleet.folder, 'never-started')
    const file = join(fleet.folder, 'settings.toml')
    writeFileSync(file, 'durability = "os"\n[sync]\ninterval = "5s"\n[log]\nmaxBytes = "1MiB"\nmaxAge = "1h"\n')
    const env = { HEARSAY_SYNC_INTERVAL: '7s', HEARSAY_NONSENSE: '1' }
    const ran = await run(['config', '--data', data, '--config', file, '--log-max-age', '2h', '--json'], { env })
    expect(settings(ran)).toMatchObject({
      durability: ['os', 'file'],
      'sync.interval': ['7s', 'environment'],
      'log.maxBytes': ['1MiB', 'file'],
      'log.maxAge': ['2h', 'flag'],
      'values.maxBytes': ['8MiB', 'default'],
    })
    expect(ran.stderr).toContain('HEARSAY_NONSENSE')
    expect(existsSync(data)).toBe(false)
    writeFileSync(file, 'nonsense = 1\n')
    for (const command of ['config', 'daemon']) {
      const refused = await run([command, '--data', data, '--config', file])
      expect(refused.exit).toBe(2)
      expect(refused.stderr).toContain("'nonsense'")
    }
  })

  it('version and completions', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect((await run(['version'])).stdout.toString()).toBe(`${version}\n`)
    for (const shell of ['bash', 'zsh', 'fish']) {
      const ran = await run(['completion', shell])
      expect([ran.exit, ran.stdout.includes('peers')]).toEqual([0, true])
    }
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

  it('warns of unknown variables, and puts its socket elsewhere when its path is too long', async () => {
    const data = join(fleet.folder, 'l'.repeat(120))
    mkdirSync(data)
    const daemon = fleet.prepare('long', [], { env: { HEARSAY_NONSENSE: '1' } }, data)
    await daemon.start()
    const path = readFileSync(join(data, 'api.path'), 'utf8').trim()
    expect([daemon.ready.api, daemon.ready.dashboard, daemon.ready.resp]).toEqual([[`unix:${path}`], null, null])
    expect((await run(['put', 'k', 'v'], { env: { HEARSAY_DATA: data } })).exit).toBe(0)
    expect(daemon.stderr).toContain('HEARSAY_NONSENSE')
    expect((await run(['status', '--json'], { env: { HEARSAY_DATA: data } })).stdout.toString()).toContain(
      'HEARSAY_NONSENSE',
    )
    const second = await run(['daemon', '--data', data, '--listen', '/ip4/127.0.0.1/tcp/0', '--mdns=false'])
    expect(second.exit).toBe(1)
    expect(second.stderr).toContain('STORE_LOCKED')
    await daemon.stop()
  })
})
