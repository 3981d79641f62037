/**
 * The promised surface to the letter, keys and values and the other types: statuses, bodies, headers and limits over
 * HTTP.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Daemon, until } from '../daemons.js'
import {
  anyDot,
  anyText,
  anyTime,
  asJson,
  askRaw,
  DaemonTrio,
  postRaw,
  putRaw,
  refusal,
  removeRaw,
  startMs,
} from './surface.js'

let trio: DaemonTrio
let ann: Daemon
let bob: Daemon

beforeAll(async () => {
  trio = await DaemonTrio.start()
  ;({ ann, bob } = trio)
}, startMs)
afterAll(() => trio.fleet.end())

describe('keys and values over HTTP', () => {
  it('put, get and delete answer as promised', async () => {
    const stored = await putRaw(ann, '/v1/kv/letter', 'abc')
    expect([stored.status, stored.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
    expect(stored.json).toEqual({
      key: 'letter',
      dot: anyDot,
      context: anyText,
      acks: { have: 1, want: 1, nodes: ['ann'] },
    })
    const bytes = await askRaw(ann, '/v1/kv/letter')
    expect([bytes.status, bytes.body.toString()]).toEqual([200, 'abc'])
    expect(bytes.headers).toMatchObject({
      'hearsay-context': stored.json.context,
      'hearsay-dot': stored.json.dot,
      'hearsay-siblings': '1',
    })
    const versions = [
      { dot: stored.json.dot, node: 'ann', time: anyTime, expires: null, encoding: 'utf8', value: 'abc' },
    ]
    expect((await askRaw(ann, '/v1/kv/letter', { headers: asJson })).json).toEqual({
      key: 'letter',
      context: anyText,
      versions,
    })
    expect((await removeRaw(ann, '/v1/kv/letter')).status).toBe(204)
    for (const gone of [await removeRaw(ann, '/v1/kv/letter'), await askRaw(ann, '/v1/kv/letter')]) {
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
      expect([key, (await putRaw(ann, path, key)).json?.key]).toEqual([key, key])
      expect((await askRaw(ann, path)).body.toString()).toBe(key)
    }
    for (const dots of ['.', '..']) expect((await askRaw(ann, `/v1/kv/${dots}`)).body.toString()).toBe(dots)
    for (const path of ['/v1/kv/%ff', '/v1/kv/', '/v1/kv/%zz', '/v1/kv/a/b']) {
      expect(refusal(await putRaw(ann, path, 'x'))).toEqual([400, 'BAD_KEY'])
    }
    for (const key of [`${longest}k`, `${'%C3%A4'.repeat(512)}a`]) {
      expect(refusal(await putRaw(ann, `/v1/kv/${key}`, 'x'))).toEqual([413, 'TOO_LARGE'])
    }
    for (const key of keys) await ann.client.delete(key)
  })

  it('takes values up to 8 MiB, stores nothing of a larger one, and keeps bytes', async () => {
    const largest = Buffer.alloc(8 * 1024 * 1024, Buffer.from([0, 255, 10]))
    expect((await putRaw(ann, '/v1/kv/large', largest)).status).toBe(200)
    expect(Buffer.compare((await askRaw(ann, '/v1/kv/large')).body, largest)).toBe(0)
    expect((await removeRaw(ann, '/v1/kv/large')).status).toBe(204)
    expect(refusal(await putRaw(ann, '/v1/kv/large', Buffer.alloc(largest.length + 1)))).toEqual([413, 'TOO_LARGE'])
    expect((await askRaw(ann, '/v1/kv/large')).status).toBe(404)
    await putRaw(ann, '/v1/kv/bytes', Buffer.from([0xff, 0]))
    const { versions } = (await askRaw(ann, '/v1/kv/bytes', { headers: asJson })).json
    expect(versions[0]).toMatchObject({ value: '/wA=', encoding: 'base64' })
    expect((await putRaw(ann, '/v1/kv/nothing', '')).status).toBe(200)
    expect((await askRaw(ann, '/v1/kv/nothing')).body).toHaveLength(0)
    for (const key of ['bytes', 'nothing']) await ann.client.delete(key)
  })

  it('refuses ifAbsent on what exists, and contexts that are malformed, altered or of another key', async () => {
    const { context } = (await putRaw(ann, '/v1/kv/once?ifAbsent=true', '1')).json
    expect(refusal(await putRaw(ann, '/v1/kv/once?ifAbsent=true', '2'))).toEqual([409, 'EXISTS'])
    const altered = `${context.slice(0, -2)}${context.endsWith('AA') ? 'BB' : 'AA'}`
    for (const bad of ['', 'x', altered]) {
      expect(refusal(await putRaw(ann, '/v1/kv/once', '2', { 'Hearsay-Context': bad }))).toEqual([400, 'BAD_CONTEXT'])
    }
    expect(refusal(await putRaw(ann, '/v1/kv/twice', '2', { 'Hearsay-Context': context }))).toEqual([
      400,
      'BAD_CONTEXT',
    ])
    expect((await askRaw(ann, '/v1/kv/once')).body.toString()).toBe('1')
    expect((await putRaw(bob, '/v1/kv/once', '2', { 'Hearsay-Context': context })).status).toBe(200)
    await trio.together()
    expect((await askRaw(ann, '/v1/kv/once', { headers: asJson })).json.versions).toHaveLength(1)
    await ann.client.delete('once')
  })

  it('does a repeated request once, lets it wait longer, and refuses another under the same key', async () => {
    const headers = { 'Idempotency-Key': 'operation-1' }
    const path = '/v1/kv/repeated?acks=4'
    const first = await putRaw(ann, `${path}&timeout=100ms`, 'x', headers)
    expect(first).toMatchObject({ status: 503, json: { code: 'NOT_ENOUGH_ACKS', stored: true, acks: { want: 4 } } })
    expect(first.json.acks).toEqual({ have: first.json.acks.nodes.length, want: 4, nodes: expect.any(Array) })
    await putRaw(ann, '/v1/kv/repeated', 'later')
    const again = await putRaw(ann, `${path}&timeout=2s`, 'x', headers)
    expect([again.json.code, again.json.dot, again.json.acks.have]).toEqual(['NOT_ENOUGH_ACKS', first.json.dot, 3])
    expect((await askRaw(ann, '/v1/kv/repeated')).body.toString()).toBe('later')
    for (const other of [putRaw(ann, path, 'y', headers), putRaw(ann, '/v1/kv/other?acks=4', 'x', headers)]) {
      expect(refusal(await other)).toEqual([422, 'RETRY_KEY_REUSED'])
    }
    expect(refusal(await putRaw(ann, '/v1/kv/other', 'x', { 'Idempotency-Key': '' }))).toEqual([400, 'BAD_REQUEST'])
    await ann.client.delete('repeated')
  })

  it('lists in pages of up to 10,000, all types, with null at the end', async () => {
    const ops = [
      { op: 'put', key: 'list/a', value: 'x' },
      { op: 'counter.incr', key: 'list/b' },
      { op: 'set.add', key: 'list/b', member: 'm' },
      { op: 'map.put', key: 'list/b', field: 'f', value: 'v' },
    ]
    expect(await postRaw(ann, '/v1/batch', { ops })).toMatchObject({
      status: 200,
      json: { ops: ops.map(() => ({ dot: anyDot })) },
    })
    const items = [
      { key: 'list/a', types: ['reg'], siblings: 1 },
      { key: 'list/b', types: ['ctr', 'set', 'map'], siblings: expect.any(Number) },
    ]
    expect((await askRaw(ann, '/v1/kv?prefix=list/&limit=10000&after=')).json).toEqual({ items, next: null })
    expect((await askRaw(ann, '/v1/kv?prefix=list/&limit=1')).json).toEqual({ items: [items[0]], next: 'list/a' })
    const rest = (await askRaw(ann, '/v1/kv?prefix=list/&after=list%2Fa&values=true')).json
    expect(rest).toEqual({ items: [items[1]], next: null })
    expect((await askRaw(ann, '/v1/kv?prefix=list/a&values=true')).json.items[0]).toMatchObject({
      value: 'x',
      encoding: 'utf8',
    })
    for (const limit of ['0', '10001', 'x']) expect((await askRaw(ann, `/v1/kv?limit=${limit}`)).status).toBe(400)
  })

  it('hides what has expired', async () => {
    expect((await putRaw(ann, '/v1/kv/brief?ttl=1ms', 'x')).status).toBe(200)
    await until(
      'hidden',
      () => askRaw(ann, '/v1/kv/brief'),
      ({ status }) => status === 404,
    )
    for (const ttl of ['0s', 'soon']) expect((await putRaw(ann, `/v1/kv/brief?ttl=${ttl}`, 'x')).status).toBe(400)
  })
})

describe('other types over HTTP', () => {
  it('counters', async () => {
    expect((await postRaw(ann, '/v1/counters/n', {})).json).toMatchObject({ key: 'n', value: 1, dot: anyDot })
    expect((await askRaw(ann, '/v1/counters/n', { method: 'POST' })).json.value).toBe(2)
    expect((await postRaw(ann, '/v1/counters/n', { by: -5 })).json.value).toBe(-3)
    expect((await askRaw(ann, '/v1/counters/n')).json).toEqual({ key: 'n', value: -3 })
    const beyond = await postRaw(ann, '/v1/counters/n', { by: -Number.MAX_SAFE_INTEGER })
    expect(refusal(beyond)).toEqual([400, 'COUNTER_RANGE'])
    expect((await postRaw(ann, '/v1/counters/n', { by: 0.5 })).status).toBe(400)
    expect([(await removeRaw(ann, '/v1/counters/n')).status, (await removeRaw(ann, '/v1/counters/n')).status]).toEqual([
      204, 404,
    ])
    expect((await askRaw(ann, '/v1/counters/n')).status).toBe(404)
  })

  it('sets', async () => {
    const first = (await putRaw(ann, '/v1/sets/s/..', '')).json
    expect((await putRaw(ann, '/v1/sets/s/%2E%2E', '')).json.dot).not.toBe(first.dot)
    await putRaw(ann, '/v1/sets/s/a%2Fb', '')
    await putRaw(ann, '/v1/sets/s/%ff', '')
    const members = ['..', 'a/b', { value: '/w==', encoding: 'base64' }]
    expect((await askRaw(ann, '/v1/sets/s')).json).toEqual({ key: 's', members })
    const removals = [await removeRaw(ann, '/v1/sets/s/%ff'), await removeRaw(ann, '/v1/sets/s/%ff')]
    expect(removals.map(({ status }) => status)).toEqual([204, 404])
    const clears = [
      await removeRaw(ann, '/v1/sets/s'),
      await removeRaw(ann, '/v1/sets/s'),
      await askRaw(ann, '/v1/sets/s'),
    ]
    expect(clears.map(({ status }) => status)).toEqual([204, 404, 404])
  })

  it('maps', async () => {
    const stored = (await putRaw(ann, '/v1/maps/m/f', 'v')).json
    expect(stored).toMatchObject({
      key: 'm',
      dot: anyDot,
      context: anyText,
      acks: { have: 1, want: 1, nodes: ['ann'] },
    })
    expect((await askRaw(ann, '/v1/maps/m/f')).headers).toMatchObject({
      'hearsay-context': stored.context,
      'hearsay-siblings': '1',
    })
    expect((await askRaw(ann, '/v1/maps/m')).json).toEqual({
      key: 'm',
      fields: { f: { value: 'v', encoding: 'utf8', siblings: 1 } },
    })
    expect(refusal(await putRaw(ann, '/v1/maps/m/g', 'x', { 'Hearsay-Context': stored.context }))).toEqual([
      400,
      'BAD_CONTEXT',
    ])
    const gone = [
      await removeRaw(ann, '/v1/maps/m/f'),
      await removeRaw(ann, '/v1/maps/m/f'),
      await removeRaw(ann, '/v1/maps/m'),
    ]
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
      const { status } = await postRaw(ann, '/v1/batch', { ops: [op, one] })
      expect([one, status >= 400 && status < 500]).toEqual([one, true])
    }
    const large = await postRaw(ann, '/v1/batch', { ops: [{ ...op, value: 'x'.repeat(8 * 1024 * 1024) }] })
    const many = await postRaw(ann, '/v1/batch', { ops: Array.from({ length: 1001 }, () => op) })
    expect([large.status, many.status]).toEqual([413, 413])
    expect((await askRaw(ann, '/v1/kv/batch')).status).toBe(404)
    const thousand = await postRaw(ann, '/v1/batch', { ops: Array.from({ length: 1000 }, () => op) })
    expect([thousand.status, thousand.json.ops.length]).toEqual([200, 1000])
    await ann.client.delete('batch')
  })
})
