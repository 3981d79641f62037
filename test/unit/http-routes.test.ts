/** Every other route over HTTP: mesh, conflicts, import and export, health, metrics, settings, the OpenAPI document, the page. */

import { Readable } from 'node:stream'
import { Compile } from 'typebox/compile'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApi } from '../../daemon/http/app.js'
import { buildOpenApi } from '../../daemon/http/openapi.js'
import type { Api } from '../../daemon/http/services.js'
import { problemShape } from '../../daemon/http/shapes/common.js'
import { conflictsShape } from '../../daemon/http/shapes/conflicts.js'
import { listShape, versionsShape, writtenShape } from '../../daemon/http/shapes/kv.js'
import { membersShape, sessionsShape, statusShape, whereShape } from '../../daemon/http/shapes/mesh.js'
import { configShape, readyShape } from '../../daemon/http/shapes/system.js'
import { importShape } from '../../daemon/http/shapes/transfer.js'
import { readLines } from '../../daemon/http/transfer/lines.js'
import { createLog } from '../../daemon/log/log.js'
import { HearsayError } from '../../store/errors.js'
import { actor, type FakeServices, fakeNowMs, fakeServices } from '../support/fake-daemon.js'

let services: FakeServices
let api: Api

beforeEach(async () => {
  services = await fakeServices({ 'values-max-bytes': '1KiB' })
  api = await createApi(services)
})
afterEach(() => api.close())

const get = (url: string) => api.inject({ url })
const post = (url: string, payload?: object | string) =>
  api.inject({ method: 'POST', url, ...(payload === undefined ? {} : { payload }) })
const fits = (shape: object, value: unknown) => Compile(shape as typeof statusShape).Check(value)

describe('the mesh', () => {
  it('shows the status to the letter', async () => {
    const status = (await get('/v1/status')).json()
    expect(status).toEqual({
      node: 'a',
      peer: 'peer-a',
      actor,
      version: '0.1.0',
      entries: 7,
      root: 'ab'.repeat(16),
      context: 'cd'.repeat(16),
      conflicts: 1,
      verified: true,
      log: { bytes: 0 },
      addresses: ['/ip4/127.0.0.1/tcp/7400'],
      blocked: [],
      warnings: ['store warning', 'mesh warning'],
      members: [
        {
          name: 'b',
          peer: 'peer-b',
          connected: true,
          blocked: false,
          converged: false,
          behind: 3,
          ahead: 1,
          lastSeen: '2023-11-14T22:13:20.123Z',
          lastEqual: null,
          hints: { updates: 3, bytes: 99, since: '2023-11-14T22:13:20.000Z' },
          addresses: ['/ip4/127.0.0.1/tcp/7401'],
          version: '0.1.0',
          clockOffsetMs: -2,
        },
      ],
    })
    expect((await get('/v1/members')).json()).toEqual({ members: status.members })
  })

  it('invites and joins', async () => {
    expect((await post('/v1/invite')).json()).toEqual({ token: 'hearsay-token' })
    expect((await post('/v1/join', { token: ' good\n' })).json()).toEqual({ node: 'a', peer: 'peer-a' })
    expect(services.mesh.calls).toEqual([['join', 'good']])
    expect((await post('/v1/join', { token: 'bad' })).json()).toMatchObject({ status: 400, code: 'BAD_TOKEN' })
    expect((await post('/v1/join', { token: 'far' })).json()).toMatchObject({ status: 502, code: 'UNREACHABLE' })
    for (const body of [undefined, {}, { token: 1 }, { token: 'x', more: 1 }, '[', '"x"']) {
      expect((await post('/v1/join', body)).json()).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
    }
  })

  it('forgets a member, by a name that may hold anything', async () => {
    const forget = (name: string) => api.inject({ method: 'DELETE', url: `/v1/members/${name}` })
    expect((await forget('b')).statusCode).toBe(204)
    expect((await forget('x%2Fy')).json()).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    expect(services.mesh.calls).toEqual([
      ['forget', 'b'],
      ['forget', 'x/y'],
    ])
  })

  it('blocks and unblocks', async () => {
    expect((await post('/v1/block', { peers: ['b'] })).json()).toEqual({ blocked: ['b'] })
    expect((await post('/v1/block', { peers: ['c'] })).json().code).toBe('NOT_FOUND')
    for (const body of [undefined, { peers: [] }, { peers: 'b' }, { peers: [''] }]) {
      expect((await post('/v1/block', body)).statusCode).toBe(400)
    }
    expect((await post('/v1/unblock', { peers: ['b'] })).json()).toEqual({ blocked: [] })
    await post('/v1/block', { peers: ['b'] })
    expect((await post('/v1/unblock')).json()).toEqual({ blocked: [] })
  })

  it('syncs with one peer or all', async () => {
    const answer = (await post('/v1/sync', { peer: 'b' })).json()
    expect(answer.sessions).toHaveLength(1)
    expect(fits(sessionsShape, answer)).toBe(true)
    expect((await post('/v1/sync')).statusCode).toBe(200)
    expect((await post('/v1/sync', { peer: 'c' })).json().code).toBe('NOT_FOUND')
    expect(services.mesh.calls.map(([, peer]) => peer)).toEqual(['b', undefined, 'c'])
  })

  it('waits, and says TIMED_OUT when it did not come true', async () => {
    expect((await get('/v1/wait?peers=2&converged=true&timeout=1500ms')).json()).toEqual({ ok: true })
    expect(services.mesh.calls).toEqual([['wait', { peers: 2, converged: true, timeoutMs: 1500 }]])
    services.mesh.waits = false
    expect((await get('/v1/wait')).json()).toMatchObject({ status: 504, code: 'TIMED_OUT' })
    expect((await get('/v1/wait?peers=-1')).statusCode).toBe(400)
  })

  it('says who holds a key', async () => {
    services.registers.add('k', Buffer.from('x'))
    expect((await get('/v1/where/k')).json()).toEqual({ key: 'k', dot: `${actor}:1`, nodes: ['a'], unknown: ['b'] })
    expect((await get('/v1/where/none')).json().code).toBe('NOT_FOUND')
  })
})

describe('conflicts', () => {
  beforeEach(() => {
    services.registers.add('quiet', Buffer.from('x'))
    for (const key of ['k1', 'k2']) for (const value of ['old', 'new']) services.registers.add(key, Buffer.from(value))
  })

  it('are listed with every version, in pages', async () => {
    const page = (await get('/v1/conflicts?limit=1')).json()
    expect(fits(conflictsShape, page)).toBe(true)
    expect(page).toMatchObject({
      items: [{ key: 'k1', type: 'reg', field: '', context: expect.any(String) }],
      next: 'k1',
    })
    expect(page.items[0].versions[0]).toEqual({
      dot: `${actor}:3`,
      node: 'b',
      time: '1970-01-01T00:00:01.003Z',
      expires: null,
      size: 3,
      value: 'new',
      encoding: 'utf8',
    })
    const rest = (await get('/v1/conflicts?after=k1')).json()
    expect([rest.items.map((item: { key: string }) => item.key), rest.next]).toEqual([['k2'], null])
    expect((await get('/v1/conflicts?prefix=q')).json()).toEqual({ items: [], next: null })
  })

  it('are settled by number or by value', async () => {
    const context = services.registers.get('k1')!.context
    const answer = (await post('/v1/conflicts/k1', { pick: 2, context })).json()
    expect(fits(writtenShape, answer)).toBe(true)
    expect(services.registers.get('k1')!.versions.map(({ value }) => `${value}`)).toEqual(['old'])
    await post('/v1/conflicts/k2', { value: '/w==', encoding: 'base64' })
    expect(services.registers.get('k2')!.versions.map(({ value }) => value)).toEqual([Buffer.from([0xff])])
  })

  it('refuses what is stale, malformed or too large', async () => {
    const context = services.registers.get('k1')!.context
    services.registers.add('k1', Buffer.from('newer'))
    expect((await post('/v1/conflicts/k1', { pick: 1, context })).json()).toMatchObject({
      status: 409,
      code: 'STALE_CONTEXT',
    })
    const bad = [
      {},
      { pick: 0 },
      { pick: 1, value: 'x' },
      { value: '%%', encoding: 'base64' },
      { merge: false },
      { value: '\ud800' },
    ]
    for (const body of bad) {
      expect((await post('/v1/conflicts/k1', body)).json()).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
    }
    expect((await post('/v1/conflicts/k1', { value: 'x'.repeat(1025) })).json().code).toBe('TOO_LARGE')
    expect(services.registers.get('k1')!.versions).toHaveLength(3)
  })
})

describe('backups', () => {
  it('are streamed as they are, and kept by nobody on the way', async () => {
    const answer = await get('/v1/backup')
    expect(answer.body).toBe('first second')
    expect(answer.headers['content-type']).toBe('application/vnd.hearsay.backup')
    expect(answer.headers['cache-control']).toBe('no-store')
    expect((await get('/v1/backup?x=1')).json()).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  })

  it('of a store that is not sound are refused', async () => {
    services.backups.refusal = new HearsayError('NOT_VERIFIED', 'not yet')
    expect((await get('/v1/backup')).json()).toMatchObject({ status: 503, code: 'NOT_VERIFIED', detail: 'not yet' })
  })
})

describe('export and import', () => {
  const importLines = (lines: string) => post('/v1/import', lines)

  it('exports every version in the promised shape', async () => {
    services.registers.add('b', Buffer.from([0xff]))
    services.registers.add('a', Buffer.from('old'))
    services.registers.add('a', Buffer.from('new'), undefined, 1_700_000_000_000)
    const answer = await get('/v1/export')
    expect(answer.headers['content-type']).toBe('application/x-ndjson')
    expect(answer.body.endsWith('\n')).toBe(true)
    const lines = answer.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const rest = (counter: number) => ({
      dot: `${actor}:${counter}`,
      node: 'b',
      time: `1970-01-01T00:00:01.00${counter}Z`,
    })
    expect(lines).toEqual([
      {
        key: 'a',
        type: 'reg',
        versions: [
          { ...rest(3), encoding: 'utf8', value: 'new', expires: '2023-11-14T22:13:20.000Z' },
          { ...rest(2), encoding: 'utf8', value: 'old' },
        ],
      },
      { key: 'b', type: 'reg', versions: [{ ...rest(1), encoding: 'base64', value: '/w==' }] },
    ])
    expect((await get('/v1/export?prefix=b')).body.trimEnd().split('\n')).toHaveLength(1)
    expect((await get('/v1/export?prefix=zz')).body).toBe('')
  })

  it('exports more than a page, and says which values are damaged instead of leaving them out', async () => {
    for (let at = 0; at < 1200; at++) services.registers.add(`k${at}`, Buffer.from('x'))
    services.registers.damaged.add('k7')
    const lines = (await get('/v1/export')).body.trimEnd().split('\n')
    expect(lines).toHaveLength(1200)
    expect(lines.filter((line) => line.includes('DAMAGED_VALUE'))).toHaveLength(1)
  })

  it('imports what was exported, winner and siblings kept; a second time adds nothing', async () => {
    services.registers.add('a', Buffer.from([0xff]))
    services.registers.add('a', Buffer.from('new'))
    services.registers.add('b', Buffer.from('kept'), undefined, fakeNowMs + 1)
    services.registers.add('late', Buffer.from('gone'), undefined, fakeNowMs - 1)
    const lines = (await get('/v1/export')).body
    const other = await fakeServices()
    const target = await createApi(other)
    const send = () => target.inject({ method: 'POST', url: '/v1/import', payload: lines })
    const first = (await send()).json()
    expect(fits(importShape, first)).toBe(true)
    expect(first).toEqual({ imported: 2, skipped: 1, failed: [], failures: 0 })
    expect(other.registers.get('a')!.versions.map(({ value }) => [...value])).toEqual([[...Buffer.from('new')], [0xff]])
    expect(other.registers.get('b')!.versions[0]!.expiresAtMs).toBe(fakeNowMs + 1)
    expect(other.registers.get('late')).toBeUndefined()
    expect((await send()).json()).toMatchObject({ imported: 0, skipped: 3 })
    await target.close()
  })

  it('takes the short form, reports bad lines by number, and imports the rest', async () => {
    const lines = [
      '{"key":"short","value":"x"}',
      '',
      'nonsense',
      '{"key":"bytes","value":"/w==","encoding":"base64"}',
      '{"value":"x"}',
      '{"key":"","value":"x"}',
      '{"key":"k"}',
      '{"key":"k","value":"%","encoding":"base64"}',
      '{"key":"k","type":"ctr","value":"many"}',
      `{"key":"big","value":"${'x'.repeat(1025)}"}`,
      '{"key":"k","versions":[]}',
      '{"key":"k","value":"x","expires":"soon"}',
      '{"key":"last","value":"without a line end"}',
    ]
    const answer = (await importLines(lines.join('\n'))).json()
    expect([answer.imported, answer.skipped, answer.failures]).toEqual([3, 0, 9])
    expect(answer.failed.map(({ line, code }: { line: number; code: string }) => [line, code])).toEqual([
      [3, 'BAD_REQUEST'],
      [5, 'BAD_REQUEST'],
      [6, 'BAD_KEY'],
      [7, 'BAD_REQUEST'],
      [8, 'BAD_REQUEST'],
      [9, 'BAD_REQUEST'],
      [10, 'TOO_LARGE'],
      [11, 'BAD_REQUEST'],
      [12, 'BAD_REQUEST'],
    ])
    expect([...services.registers.versions.keys()].sort()).toEqual(['bytes', 'last', 'short'])
  })

  it('bounds the list of failures, and ends with the store’s own error', async () => {
    const answer = (await importLines('x\n'.repeat(1500))).json()
    expect([answer.failures, answer.failed.length]).toEqual([1500, 1000])
    services.registers.failure = new HearsayError('STORE_FAILED', 'the disk failed')
    const failed = await importLines('{"key":"k","value":"x"}\n'.repeat(3))
    expect(failed.json()).toMatchObject({ status: 503, code: 'STORE_FAILED' })
  })

  it('splits lines wherever chunks end, and drops those over the limit', async () => {
    const lines: (string | null)[] = []
    const chunks = ['a', 'b\nc', '\n', '\n', 'toolong', 'er\nfits\nno end'].map((text) => Buffer.from(text))
    for await (const line of readLines(Readable.from(chunks, { objectMode: false }), 6))
      lines.push(line === null ? null : `${line}`)
    expect(lines).toEqual(['ab', 'c', '', null, 'fits', 'no end'])
  })
})

describe('the daemon itself', () => {
  it('is alive and ready, and not ready once its disk has failed', async () => {
    expect((await get('/healthz')).json()).toEqual({ status: 'ok' })
    expect((await get('/readyz')).json()).toEqual({
      ready: true,
      verified: true,
      syncing: false,
      waitsFor: 'the network is starting',
    })
    services.node.failed = new HearsayError('STORE_FAILED', 'the disk failed')
    const detail = 'the disk failed'
    expect((await get('/readyz')).json()).toMatchObject({ status: 503, code: 'STORE_FAILED', detail })
    expect((await get('/healthz')).statusCode).toBe(200)
  })

  it('shows the settings in effect with their origin, and no secret', async () => {
    services = await fakeServices({ join: 'hearsay-very-secret', 'sync-interval': '3s' })
    await api.close()
    api = await createApi(services)
    const answer = await get('/v1/config')
    expect(fits(configShape, answer.json())).toBe(true)
    expect(answer.json().settings).toContainEqual({
      name: 'sync.interval',
      value: '3s',
      origin: 'flag',
      flag: '--sync-interval',
      variable: 'HEARSAY_SYNC_INTERVAL',
    })
    expect(answer.body).not.toContain('very-secret')
  })

  it('gives Prometheus metrics', async () => {
    services.registers.add('secret-key', Buffer.from('x'))
    await get('/v1/kv/secret-key')
    await get('/v1/kv/none')
    const answer = await get('/metrics')
    expect(answer.headers['content-type']).toContain('text/plain')
    for (const line of [
      'hearsay_entries 7',
      'hearsay_members_connected 1',
      'hearsay_member_behind{member="b"} 3',
      'hearsay_gossip_published_total 5',
      'hearsay_http_answers_total{method="GET",route="/v1/kv/:key",status="200"} 1',
      'hearsay_http_answers_total{method="GET",route="/v1/kv/:key",status="404"} 1',
      'process_resident_memory_bytes',
    ]) {
      expect(answer.body).toContain(line)
    }
    expect(answer.body).not.toContain('secret-key')
  })

  it('describes every route in OpenAPI 3.1', async () => {
    const document = JSON.parse(await buildOpenApi())
    expect(document.openapi).toBe('3.1.0')
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object)
        .filter((method) => method !== 'head')
        .map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(operations.sort()).toEqual(
      [
        'PUT /v1/kv/{key}',
        'GET /v1/kv/{key}',
        'DELETE /v1/kv/{key}',
        'GET /v1/kv',
        'GET /v1/counters/{key}',
        'POST /v1/counters/{key}',
        'DELETE /v1/counters/{key}',
        'GET /v1/sets/{key}',
        'DELETE /v1/sets/{key}',
        'GET /v1/sets/{key}/{member}',
        'PUT /v1/sets/{key}/{member}',
        'DELETE /v1/sets/{key}/{member}',
        'GET /v1/maps/{key}',
        'DELETE /v1/maps/{key}',
        'GET /v1/maps/{key}/{field}',
        'PUT /v1/maps/{key}/{field}',
        'DELETE /v1/maps/{key}/{field}',
        'GET /v1/docs/{key}',
        'PUT /v1/docs/{key}',
        'PATCH /v1/docs/{key}',
        'DELETE /v1/docs/{key}',
        'POST /v1/batch',
        'GET /v1/conflicts',
        'POST /v1/conflicts/{key}',
        'GET /v1/status',
        'GET /v1/members',
        'DELETE /v1/members/{name}',
        'POST /v1/invite',
        'POST /v1/join',
        'POST /v1/block',
        'POST /v1/unblock',
        'POST /v1/sync',
        'GET /v1/wait',
        'GET /v1/watch',
        'GET /v1/where/{key}',
        'GET /v1/export',
        'POST /v1/import',
        'GET /v1/backup',
        'GET /v1/config',
        'GET /healthz',
        'GET /readyz',
        'GET /metrics',
      ].sort(),
    )
    expect(document.paths['/v1/wait'].get.parameters.map((one: { name: string }) => one.name)).toEqual([
      'peers',
      'converged',
      'timeout',
    ])
    expect((await get('/openapi.json')).json().paths).toEqual(document.paths)
  })

  it('answers as its schemas say', async () => {
    services.registers.add('k', Buffer.from('x'))
    const answers: [string, object, object?][] = [
      ['/v1/status', statusShape],
      ['/v1/members', membersShape],
      ['/v1/kv?values=true', listShape],
      ['/v1/conflicts', conflictsShape],
      ['/v1/where/k', whereShape],
      ['/v1/nonsense', problemShape],
      ['/readyz', readyShape],
    ]
    for (const [url, shape] of answers) expect([url, fits(shape, (await get(url)).json())]).toEqual([url, true])
    const versions = await api.inject({ url: '/v1/kv/k', headers: { accept: 'application/json' } })
    expect(fits(versionsShape, versions.json())).toBe(true)
    const written = await api.inject({ method: 'PUT', url: '/v1/kv/k', payload: 'y' })
    expect(fits(writtenShape, written.json())).toBe(true)
  })

  it('serves a page that loads nothing from elsewhere and runs nothing but itself', async () => {
    const answer = await get('/')
    expect(answer.headers['content-type']).toContain('text/html')
    expect(answer.headers['content-security-policy']).toMatch(/default-src 'none'.*script-src 'sha256-/)
    expect(answer.body).not.toMatch(/https?:\/\//)
    expect(answer.body).not.toContain('innerHTML')
    const script = /<script>([\s\S]*)<\/script>/.exec(answer.body)![1]!
    expect(() => new Function(script)).not.toThrow()
  })

  it('hides defects from clients and logs them', async () => {
    const lines: string[] = []
    const log = createLog({ format: 'json', level: 'info', write: (line) => lines.push(line) })
    services = await fakeServices({}, log)
    services.registers.get = () => {
      throw new TypeError('a detail of the code')
    }
    await api.close()
    api = await createApi(services)
    const answer = await get('/v1/kv/k')
    expect(answer.json()).toMatchObject({ status: 500, code: 'INTERNAL' })
    expect(answer.body).not.toContain('a detail')
    expect(lines.join('')).toContain('a detail of the code')
  })
})

describe('the log', () => {
  it('writes JSON, or lines for people, and never a secret', () => {
    const lines: string[] = []
    const write = (line: string) => void lines.push(line)
    createLog({ format: 'json', level: 'info', write }).info(
      { peer: 'p', token: 'hush', deep: { secret: 'hush' } },
      'hello',
    )
    createLog({ format: 'text', level: 'warn', write }).info({}, 'too light')
    createLog({ format: 'text', level: 'warn', write }).warn({ peer: 'p q', count: 2, token: 'hush' }, 'hello')
    createLog({ format: 'text', level: 'warn', write }).error({ err: new Error('broke') }, 'failed')
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'info', msg: 'hello', peer: 'p' })
    expect(lines[1]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}hello peer="p q" count=2 token="?\(secret\)"?\n$/)
    expect(lines[2]).toContain('broke')
    expect(lines).toHaveLength(3)
    expect(lines.join('')).not.toContain('hush')
  })
})
