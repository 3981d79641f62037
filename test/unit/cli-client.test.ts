/** The client against a fake daemon: what it sends, what it makes of answers and of silence. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { describeEndpoint, locate, parseEndpoint, tokenOf } from '../../cli/client/locate.js'
import { connect, type HearsayApiError } from '../../cli/client.js'
import { exitOf, failureOf, UsageError } from '../../cli/failure.js'
import { errorCodes } from '../../store/errors.js'
import { status, written } from '../support/answers.js'
import { type FakeAnswer, type FakeApi, problem, type Recorded, startFakeApi } from '../support/fake-api.js'

const fakes: FakeApi[] = []

async function fake(answer: (request: Recorded) => FakeAnswer, transport?: 'unix' | 'tcp'): Promise<FakeApi> {
  const started = await startFakeApi(answer, transport)
  fakes.push(started)
  return started
}

afterEach(async () => {
  await Promise.all(fakes.splice(0).map((started) => started.stop()))
})

const failure = (promise: Promise<unknown>): Promise<HearsayApiError> =>
  promise.then(
    () => Promise.reject(new Error('it should have failed')),
    (error) => error,
  )

test('the context of very many versions comes in a header of any size that the daemon sends', async () => {
  const context = 'c'.repeat(100_000)
  const { api } = await fake(() => ({
    headers: { 'Hearsay-Context': context, 'Hearsay-Dot': 'a:1' },
    body: Buffer.alloc(0),
  }))
  expect((await connect({ api, environment: {} }).get('k')).context).toBe(context)
})

describe('paths', () => {
  test.each([
    ['plain', '/v1/kv/plain'],
    ['a/b', '/v1/kv/a%2Fb'],
    ['.', '/v1/kv/%2E'],
    ['..', '/v1/kv/%2E%2E'],
    ['a?b#c&d=e', '/v1/kv/a%3Fb%23c%26d%3De'],
    ['100 %', '/v1/kv/100%20%25'],
    ['ключ 🔑', '/v1/kv/%D0%BA%D0%BB%D1%8E%D1%87%20%F0%9F%94%91'],
    ['a\0b', '/v1/kv/a%00b'],
  ])('the key %j is sent as %s', async (key, path) => {
    const { api, requests } = await fake(() => ({ body: written }))
    await connect({ api, environment: {} }).put(key, 'v')
    expect(requests[0]?.url).toBe(path)
  })

  test.each(['', '\ud800'])('the key %j is refused before anything is sent', async (key) => {
    const { api, requests } = await fake(() => ({ body: written }))
    const error = await failure(Promise.resolve().then(() => connect({ api, environment: {} }).put(key, 'v')))
    expect(error).toMatchObject({ code: 'BAD_KEY', exit: 2 })
    expect(requests).toHaveLength(0)
  })
})

describe('health', () => {
  test('a daemon that is not ready is told with its code and reason', async () => {
    const { api } = await fake(({ url }) =>
      url === '/healthz'
        ? { body: { status: 'ok' } }
        : problem(503, 'NOT_VERIFIED', 'still being verified', { more: 1 }),
    )
    const details = { code: 'NOT_VERIFIED', reason: 'still being verified', more: 1 }
    expect(await connect({ api, environment: {} }).health()).toEqual({ ready: false, details })
  })
})

describe('requests', () => {
  test('a put carries its options and the bytes as they are', async () => {
    const { api, requests } = await fake(() => ({ body: written }))
    const value = Uint8Array.from({ length: 256 }, (_, index) => index)
    const options = { context: 'tok', ttlMs: 1_500, acks: 2, requireQuorum: true, timeoutMs: 700, ifAbsent: true }
    const answer = await connect({ api, environment: {} }).put('k', value, { ...options, idempotencyKey: 'op-1' })
    expect(answer).toEqual(written)
    const [request] = requests
    expect(request).toMatchObject({ method: 'PUT', headers: { 'hearsay-context': 'tok', 'idempotency-key': 'op-1' } })
    expect(request?.headers['content-length']).toBe('256')
    expect(Buffer.compare(request!.body, value)).toBe(0)
    const query = Object.fromEntries(new URL(request!.url, 'http://x').searchParams)
    expect(query).toEqual({ ttl: '1500ms', acks: '2', requireQuorum: 'true', timeout: '700ms', ifAbsent: 'true' })
  })

  test('a read gives bytes, context, dot and siblings', async () => {
    const body = Buffer.from([0, 255, 10, 13])
    const headers = { 'Hearsay-Context': 'ctx', 'Hearsay-Dot': 'a:9', 'Hearsay-Siblings': '3' }
    const { api } = await fake(() => ({ body, headers }))
    const shown = await connect({ api, environment: {} }).get('k')
    expect(shown).toEqual({ value: body, context: 'ctx', dot: 'a:9', siblings: 3 })
  })

  test('listing follows pages and ends at null', async () => {
    const item = (key: string) => ({ key, types: ['reg'], siblings: 1 })
    const { api, requests } = await fake(({ url }) =>
      url.includes('after=b')
        ? { body: { items: [item('c')], next: null } }
        : { body: { items: [item('a'), item('b')], next: 'b' } },
    )
    const keys: string[] = []
    for await (const { key } of connect({ api, environment: {} }).list({ prefix: 'x y', limit: 2 })) keys.push(key)
    expect(keys).toEqual(['a', 'b', 'c'])
    expect(requests.map(({ url }) => url)).toEqual(['/v1/kv?prefix=x+y&limit=2', '/v1/kv?prefix=x+y&limit=2&after=b'])
  })

  test('over TCP the token goes along, over a Unix socket it does not', async () => {
    const tcp = await fake(() => ({ body: status }), 'tcp')
    const unix = await fake(() => ({ body: status }))
    await connect({ api: tcp.api, environment: { HEARSAY_TOKEN: 'secret' } }).status()
    await connect({ api: unix.api, token: 'secret', environment: {} }).status()
    expect(tcp.requests[0]?.headers.authorization).toBe('Bearer secret')
    expect(unix.requests[0]?.headers.authorization).toBeUndefined()
  })

  test('the token of the data directory goes to this machine alone', async () => {
    const tcp = await fake(() => ({ body: status }), 'tcp')
    const data = await mkdtemp(join(tmpdir(), 'hearsay-data-'))
    await writeFile(join(data, 'api.token'), 'of-the-directory\n')
    await connect({ api: tcp.api, data, environment: {} }).status()
    await connect({ api: tcp.api, environment: { HEARSAY_DATA: data } }).status()
    await connect({ api: tcp.api, data, environment: { HEARSAY_TOKEN: 'given' } }).status()
    const sent = tcp.requests.map(({ headers }) => headers.authorization)
    expect(sent).toEqual(['Bearer of-the-directory', 'Bearer of-the-directory', 'Bearer given'])
    expect(tokenOf({ host: 'example.org', port: 80 }, { data }, {})).toBeUndefined()
    expect(tokenOf({ host: '::1', port: 80 }, { data }, {})).toBe('of-the-directory')
    await rm(data, { recursive: true })
  })

  test('resolving by a value that is not UTF-8 sends it as base64', async () => {
    const { api, requests } = await fake(() => ({ body: { ...written, undo: null } }))
    await connect({ api, environment: {} }).resolve('k', { value: Uint8Array.of(255) }, { context: 'ctx' })
    expect(JSON.parse(requests[0]!.body.toString())).toEqual({ value: '/w==', encoding: 'base64', context: 'ctx' })
  })

  test('an import is cut into requests of whole lines and its failures are numbered as in the source', async () => {
    const { api, requests } = await fake(({ body }) => {
      const lines = body.toString().trimEnd().split('\n')
      const failed = lines.flatMap((line, index) =>
        line === 'bad' ? [{ line: index + 1, code: 'BAD_REQUEST', message: 'no' }] : [],
      )
      return { body: { imported: lines.length - failed.length, skipped: 0, failed, failures: failed.length } }
    })
    const lines = Array.from({ length: 2_203 }, (_, index) => (index === 999 ? 'bad' : `{"key":"${index}"}`)).join('\n')
    // Chunks that end anywhere, also within a character of a line.
    const chunks = lines.match(/[\s\S]{1,7}/g)!.map((chunk) => Buffer.from(chunk))
    const sum = await connect({ api, environment: {} }).import(chunks)
    expect(sum).toEqual({ imported: 2_202, skipped: 0, failed: [{ line: 1_000, code: 'BAD_REQUEST', message: 'no' }] })
    expect(requests.map(({ body }) => body.toString()).join('')).toBe(`${lines}\n`)
    expect(requests).toHaveLength(3)
  })
})

describe('failures', () => {
  test.each(Object.entries(errorCodes))('%s becomes a typed error', async (code, { status, exit }) => {
    const error = failureOf(status, Buffer.from(JSON.stringify(problem(status, code, 'why', { stored: true }).body)))
    expect(error).toMatchObject({ code, status, exit, message: 'why', details: { stored: true } })
  })

  test('an unknown code falls back to the exit code of its status', () => {
    expect([404, 409, 400, 504, 500, 401].map((status) => exitOf('NEW_CODE', status))).toEqual([3, 4, 2, 7, 1, 1])
    expect(exitOf('constructor', 404)).toBe(3)
  })

  test('an answer that is no problem document still makes an error', () => {
    expect(failureOf(500, Buffer.from('<html>'))).toMatchObject({ code: 'HTTP_500', status: 500, exit: 1 })
  })

  test('no daemon: UNREACHABLE_DAEMON and exit 6', async () => {
    const error = await failure(connect({ api: 'unix:/nonexistent/api.sock', retries: 0, environment: {} }).status())
    expect(error).toMatchObject({ code: 'UNREACHABLE_DAEMON', exit: 6, status: 0, details: { sent: false } })
    expect(error.message).toContain('unix:/nonexistent/api.sock')
  })

  test.each(['before', 'within'] as const)('a connection cut %s the answer of a put says so', async (cut) => {
    const { api } = await fake(() => ({ cut, body: written, headers: { 'Content-Length': '5000' } }))
    const error = await failure(connect({ api, retries: 0, environment: {} }).put('k', 'v'))
    expect(error).toMatchObject({ code: 'UNREACHABLE_DAEMON', exit: 6, details: { sent: true } })
    expect(error.message).toContain('not known whether')
  })

  test('a daemon that stays silent is given up', async () => {
    const { api } = await startFakeApi(() => new Promise<FakeAnswer>(() => {})).then((started) => {
      fakes.push(started)
      return started
    })
    const { Transport } = await import('../../cli/client/transport.js')
    const transport = new Transport(parseEndpoint(api), undefined, false)
    const error = await failure(transport.send({ method: 'GET', path: '/v1/status', timeoutMs: 20 }))
    expect(error).toMatchObject({ code: 'TIMED_OUT', exit: 7 })
  })

  test('an export that is cut throws after what came', async () => {
    const { api } = await fake(() => ({ cut: 'within', body: Buffer.from('{"key":"a"}\n') }))
    const chunks: Buffer[] = []
    const error = await failure(
      (async () => {
        for await (const chunk of connect({ api, environment: {} }).export()) chunks.push(chunk)
      })(),
    )
    expect(Buffer.concat(chunks).toString()).toBe('{"key":"a"}\n')
    expect(error).toMatchObject({ code: 'UNREACHABLE_DAEMON' })
  })
})

describe('finding the daemon', () => {
  const where = (options: { api?: string; data?: string }, environment: NodeJS.ProcessEnv) =>
    describeEndpoint(locate(options, environment))

  test('what is given comes before the environment, that before the default', () => {
    const environment = { HEARSAY_API: 'http://127.0.0.1:1', HEARSAY_DATA: '/e', XDG_DATA_HOME: '/x', HOME: '/h' }
    expect(where({ api: 'unix:/a/s', data: '/d' }, environment)).toBe('unix:/a/s')
    expect(where({ data: '/d' }, environment)).toBe('unix:/d/api.sock')
    expect(where({}, environment)).toBe('http://127.0.0.1:1')
    expect(where({}, { ...environment, HEARSAY_API: '' })).toBe('unix:/e/api.sock')
    expect(where({}, { XDG_DATA_HOME: '/x', HOME: '/h' })).toBe('unix:/x/hearsay/api.sock')
    expect(where({}, { XDG_DATA_HOME: 'relative', HOME: '/h' })).toBe('unix:/h/.local/share/hearsay/api.sock')
  })

  test.each([
    ['unix:/a/b', 'unix:/a/b'],
    ['unix:///a/b', 'unix:/a/b'],
    ['/a/b', 'unix:/a/b'],
    ['http://localhost:7401', 'http://localhost:7401'],
    ['http://[::1]:7401/', 'http://[::1]:7401'],
    ['127.0.0.1:7401', 'http://127.0.0.1:7401'],
  ])('%s is %s', (text, endpoint) => {
    expect(describeEndpoint(parseEndpoint(text))).toBe(endpoint)
  })

  test.each(['unix:', 'ftp://x', 'https://x', 'http://a/b', 'http://a?b', 'http://u:p@a', 'http://'])(
    '%s is refused',
    (text) => {
      expect(() => parseEndpoint(text)).toThrow(UsageError)
    },
  )

  test('a data directory whose socket path is too long says in api.path where it is', async () => {
    const { api, directory } = await fake(() => ({ body: status }))
    const deep = join(directory, 'd'.repeat(100))
    await mkdir(deep)
    await writeFile(join(deep, 'api.path'), `${api.slice('unix:'.length)}\n`)
    expect(await connect({ data: deep, environment: {} }).status()).toEqual(status)
  })
})
