/** Lost connections and aborted calls of the client: what is sent again, what is not, and what ends a call. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { mayRepeat, retryDelayMs } from '../../cli/client/retrying.js'
import { type Client, connect, HearsayApiError, isHearsayError } from '../../cli/client.js'
import { retriesDefault, retryMsMax } from '../../cli/limits.js'
import type { Endpoint } from '../../protocols/api/endpoint.js'
import { endpoints } from '../../protocols/api/endpoints.js'
import { partsOf } from '../../protocols/api/routes.js'
import { status, written } from '../support/answers.js'
import { type FakeAnswer, type FakeApi, problem, type Recorded, startFakeApi } from '../support/fake-api.js'

const fakes: FakeApi[] = []
const ended = new AbortController()
ended.abort(new Error('enough'))

async function fake(answer: (request: Recorded) => FakeAnswer | Promise<FakeAnswer>): Promise<FakeApi> {
  const started = await startFakeApi(answer)
  fakes.push(started)
  return started
}

afterEach(async () => {
  await Promise.all(fakes.splice(0).map((started) => started.stop()))
})

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => Promise.reject(new Error('it should have failed')),
    (error) => error,
  )

/** A fake that cuts the connection of the first requests. */
const cutting = (times: number, answer: FakeAnswer) => {
  let count = 0
  return fake(() => (count++ < times ? { cut: 'before' } : answer))
}

/** Every call of a client, as `name of the method: call with a signal`. */
const calls: Readonly<Record<string, (client: Client, signal: AbortSignal) => unknown>> = {
  get: (client, signal) => client.get('k', { signal }),
  getAll: (client, signal) => client.getAll('k', { signal }),
  put: (client, signal) => client.put('k', 'v', { signal }),
  delete: (client, signal) => client.delete('k', { signal }),
  batch: (client, signal) => client.batch([{ op: 'put', key: 'k', value: 'v' }], { signal }),
  listPage: (client, signal) => client.listPage({ signal }),
  list: (client, signal) => client.list({ signal }).next(),
  conflicts: (client, signal) => client.conflicts('', { signal }).next(),
  resolve: (client, signal) => client.resolve('k', { pick: 1 }, { signal }),
  status: (client, signal) => client.status({ signal }),
  metrics: (client, signal) => client.metrics({ signal }),
  members: (client, signal) => client.members({ signal }),
  forget: (client, signal) => client.forget('b', { signal }),
  invite: (client, signal) => client.invite({ signal }),
  join: (client, signal) => client.join('t', { signal }),
  block: (client, signal) => client.block(['b'], { signal }),
  unblock: (client, signal) => client.unblock(undefined, { signal }),
  sync: (client, signal) => client.sync(undefined, { signal }),
  where: (client, signal) => client.where('k', { signal }),
  diff: (client, signal) => client.diff('b', { signal }),
  count: (client, signal) => client.count({ signal }),
  diagnose: (client, signal) => client.diagnose(undefined, { signal }),
  undo: (client, signal) => client.undo('k', { signal }),
  dashboardLink: (client, signal) => client.dashboardLink({ signal }),
  sessions: (client, signal) => client.sessions({ signal }),
  wait: (client, signal) => client.wait({ signal }),
  config: (client, signal) => client.config({ signal }),
  health: (client, signal) => client.health({ signal }),
  cursor: (client, signal) => client.cursor({ signal }),
  export: (client, signal) => client.export('', { signal }).next(),
  backup: (client, signal) => client.backup({ signal }).next(),
  import: (client, signal) => client.import([Buffer.from('{"key":"k","value":"v"}\n')], { signal }),
  'counters.get': (client, signal) => client.counters.get('k', { signal }),
  'counters.increment': (client, signal) => client.counters.increment('k', 1, { signal }),
  'counters.delete': (client, signal) => client.counters.delete('k', { signal }),
  'sets.members': (client, signal) => client.sets.members('k', { signal }),
  'sets.add': (client, signal) => client.sets.add('k', 'm', { signal }),
  'sets.remove': (client, signal) => client.sets.remove('k', 'm', { signal }),
  'sets.clear': (client, signal) => client.sets.clear('k', { signal }),
  'maps.fields': (client, signal) => client.maps.fields('k', { signal }),
  'maps.get': (client, signal) => client.maps.get('k', 'f', { signal }),
  'maps.getAll': (client, signal) => client.maps.getAll('k', 'f', { signal }),
  'maps.put': (client, signal) => client.maps.put('k', 'f', 'v', { signal }),
  'maps.remove': (client, signal) => client.maps.remove('k', 'f', { signal }),
  'maps.clear': (client, signal) => client.maps.clear('k', { signal }),
  'documents.get': (client, signal) => client.documents.get('k', { signal }),
  'documents.put': (client, signal) => client.documents.put('k', {}, { signal }),
  'documents.merge': (client, signal) => client.documents.merge('k', {}, { signal }),
  'documents.patch': (client, signal) => client.documents.patch('k', [], { signal }),
  'documents.delete': (client, signal) => client.documents.delete('k', { signal }),
}

describe('lost connections', () => {
  it('delays grow to a bound, and are spread', () => {
    const inputs = fc.tuple(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 0.999, noNaN: true }))
    fc.assert(
      fc.property(inputs, ([failures, random]) => {
        const delay = retryDelayMs(failures, random)
        expect(delay).toBeGreaterThanOrEqual(75)
        expect(delay).toBeLessThanOrEqual(retryMsMax * 1.25)
        expect(retryDelayMs(failures + 1, random)).toBeGreaterThanOrEqual(delay)
      }),
    )
  })

  const lost = (sent?: boolean) => new HearsayApiError('UNREACHABLE_DAEMON', 0, 'x', sent === undefined ? {} : { sent })
  const keyed = { 'Idempotency-Key': 'k' }
  it.each([
    ['nothing was sent', lost(false), { method: 'POST' as const }, true],
    ['a read', lost(true), { method: 'GET' as const }, true],
    ['a write with a key', lost(true), { method: 'PUT' as const, headers: keyed }, true],
    ['a write without one', lost(true), { method: 'PUT' as const, headers: {} }, false],
    ['a socket of another user', lost(), { method: 'GET' as const }, false],
    ['silence', new HearsayApiError('TIMED_OUT', 0, 'x'), { method: 'GET' as const }, false],
    ['an answer', new HearsayApiError('TOO_BUSY', 503, 'x'), { method: 'GET' as const }, false],
    ['another error', new Error('x'), { method: 'GET' as const }, false],
  ])('%s', (_, error, call, expected) => {
    expect(mayRepeat(error, call)).toBe(expected)
  })

  it('a write is sent again as it was, under one key, which is that of the caller where there is one', async () => {
    const { api, requests } = await cutting(2, { body: written })
    const client = connect({ api, environment: {} })
    expect(await client.put('k', 'v', { ttlMs: 1_000 })).toEqual(written)
    await client.put('k', 'v', { idempotencyKey: 'mine' })
    const sent = requests.map(({ url, body, headers }) => [url, body.toString(), headers['idempotency-key']])
    const [, , key] = sent[0]!
    expect(key).toMatch(/^[0-9a-f-]{36}$/)
    expect(sent).toEqual([...Array(3).fill(['/v1/kv/k?ttl=1000ms', 'v', key]), ['/v1/kv/k', 'v', 'mine']])
  })

  it('what may have been done and has no key is not sent again', async () => {
    const { api, requests } = await cutting(9, { body: written })
    const client = connect({ api, environment: {} })
    expect(await failure(client.block(['b']))).toMatchObject({ code: 'UNREACHABLE_DAEMON', details: { sent: true } })
    expect(await failure(connect({ api, retries: 0, environment: {} }).put('k', 'v'))).toMatchObject({ exit: 6 })
    expect(requests.map(({ headers }) => headers['idempotency-key'])).toEqual([undefined, undefined])
  })

  it('attempts end', async () => {
    const { api, requests } = await cutting(99, { body: written })
    expect(await failure(connect({ api, environment: {} }).status())).toMatchObject({ code: 'UNREACHABLE_DAEMON' })
    expect(requests).toHaveLength(1 + retriesDefault)
  })

  it('a call waits for a daemon that is just starting, also one without a key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-late-'))
    const path = join(folder, 'api.sock')
    const server = createServer((_, response) => response.end('{"blocked":["b"]}'))
    const calling = connect({ api: `unix:${path}`, keepAlive: false, environment: {} }).block(['b'])
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise<void>((resolve) => server.listen(path, resolve))
    expect(await calling).toEqual({ blocked: ['b'] })
    await new Promise((resolve) => server.close(resolve))
    await rm(folder, { recursive: true })
  })

  it('a daemon that is silent is given up at once, after the time of the client', async () => {
    const { api, requests } = await fake(() => new Promise<FakeAnswer>(() => {}))
    const client = connect({ api, responseTimeoutMs: 20, environment: {} })
    expect(await failure(client.put('k', 'v'))).toMatchObject({ code: 'TIMED_OUT', status: 0 })
    expect(requests).toHaveLength(1)
  })

  it('every write that takes a key has one, and no other request', async () => {
    const { api, requests } = await fake(() => ({ ...problem(500, 'INTERNAL', 'x'), isForeign: true }))
    const client = connect({ api, environment: {} })
    const { signal } = new AbortController()
    for (const call of Object.values(calls)) await Promise.resolve(call(client, signal)).catch(() => {})
    const takes = (asked: Recorded): boolean => {
      const rows = Object.values<Endpoint>(endpoints).filter(({ route }) => {
        const { method, path } = partsOf(route)
        const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
        return method === asked.method && pattern.test(asked.url.split('?')[0]!)
      })
      expect(rows).toHaveLength(1)
      return rows[0]!.headers?.properties['idempotency-key'] !== undefined
    }
    const names = (list: Recorded[]) => list.map(({ method, url }) => `${method} ${url}`)
    expect(names(requests.filter(({ headers }) => headers['idempotency-key'] !== undefined))).toEqual(
      names(requests.filter(takes)),
    )
    expect(requests.filter(takes).length).toBeGreaterThan(14)
  })
})

describe('signals', () => {
  it('are taken by every call', () => {
    const parts = (value: object, prefix = ''): string[] =>
      Object.getOwnPropertyNames(Object.getPrototypeOf(value)).map((name) => prefix + name)
    const client = connect({ api: 'unix:/x', environment: {} })
    const { counters, sets, maps, documents } = client
    const all = [
      ...parts(client),
      ...Object.entries({ counters, sets, maps, documents }).flatMap(([name, part]) => parts(part, `${name}.`)),
    ]
    const without = ['constructor', 'close', 'address', 'watch']
    expect(Object.keys(calls).toSorted()).toEqual(
      all.filter((name) => !without.includes(name.replace(/^.*\./, ''))).toSorted(),
    )
  })

  it.each(Object.entries(calls))(
    '%s sends nothing once it is aborted, and rejects with the reason',
    async (_, call) => {
      const { api, requests } = await fake(() => ({ body: status, isForeign: true }))
      const client = connect({ api, environment: {} })
      expect(await failure(Promise.resolve(call(client, ended.signal)))).toBe(ended.signal.reason)
      expect(requests).toHaveLength(0)
    },
  )

  it('end a call that waits for its answer, for the rest of it, and for its next attempt', async () => {
    const silent = await fake(() => new Promise<FakeAnswer>(() => {}))
    const half = await fake(() => ({ body: Buffer.from('half'), headers: { 'Content-Length': '99' }, cut: 'within' }))
    const cut = await cutting(99, { body: written })
    for (const { api, requests } of [silent, half, cut]) {
      const controller = new AbortController()
      const reason = new Error('no more')
      const client = connect({ api, retries: 1_000, environment: {} })
      const ending = failure(client.put('k', 'v', { signal: controller.signal }))
      await expect.poll(() => requests.length).toBeGreaterThan(0)
      controller.abort(reason)
      expect(await ending).toBe(reason)
    }
    expect(
      await failure(connect({ api: silent.api, environment: {} }).get('k', { signal: AbortSignal.timeout(10) })),
    ).toMatchObject({ name: 'TimeoutError' })
  })

  it('may be one for many calls', async () => {
    const { api } = await fake(() => ({ body: status }))
    const warnings: unknown[] = []
    const warn = (warning: unknown) => warnings.push(warning)
    process.on('warning', warn)
    const { signal } = new AbortController()
    const client = connect({ api, environment: {} })
    await Promise.all(Array.from({ length: 50 }, () => client.status({ signal })))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warn)
    client.close()
    expect(warnings).toEqual([])
  })
})

describe('errors', () => {
  it('are told apart by their code, and have the details of their code', () => {
    const error: unknown = new HearsayApiError('NOT_ENOUGH_ACKS', 503, 'x', {
      acks: { have: 1, want: 2, nodes: ['a'] },
    })
    expect(isHearsayError(error)).toBe(true)
    expect(isHearsayError(error, 'NOT_FOUND')).toBe(false)
    expect(isHearsayError(new Error('x'), 'NOT_FOUND')).toBe(false)
    const have =
      isHearsayError(error, 'NOT_ENOUGH_ACKS', 'NO_QUORUM') &&
      error.code === 'NOT_ENOUGH_ACKS' &&
      error.details.acks.have
    expect(have).toBe(1)
  })
})
