/** Documents over HTTP, over the real type in memory. */
import { describe, expect, it } from 'vitest'
import { createApi } from '../../daemon/http/app.js'
import { fakeServices } from '../support/fake-daemon.js'
import { ServedApi } from '../support/served-api.js'

const served = new ServedApi({ valuesMaxBytes: '2KiB' })

const merge = 'application/merge-patch+json'
const patch = 'application/json-patch+json; charset=utf-8'

function send(
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const payload = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body)
  return served.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
}

const code = (answer: { json(): unknown }) => (answer.json() as { code: string }).code

describe('documents over HTTP', () => {
  it('PUT stores, GET gives the JSON itself with its headers, DELETE removes', async () => {
    expect((await send('GET', '/v1/docs/d')).statusCode).toBe(404)
    const put = await send('PUT', '/v1/docs/d', { title: 'x', list: [1, 2] })
    expect(put.statusCode).toBe(200)
    expect(put.json()).toEqual({
      key: 'd',
      dot: expect.stringMatching(/^[0-9a-f]{16}:1$/),
      context: expect.any(String),
      acks: { have: 1, want: 1, nodes: ['a'] },
    })
    const got = await send('GET', '/v1/docs/d')
    expect(got.json()).toEqual({ title: 'x', list: [1, 2] })
    expect(got.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'hearsay-context': put.json().context,
      'hearsay-dot': put.json().dot,
      'hearsay-siblings': '1',
      'hearsay-conflicts': '0',
    })
    expect((await send('DELETE', '/v1/docs/d')).statusCode).toBe(204)
    expect((await send('GET', '/v1/docs/d')).statusCode).toBe(404)
    expect((await send('DELETE', '/v1/docs/d')).statusCode).toBe(404)
  })

  it('puts with the context of one read merge, and what both set is a conflict that conflicts=true shows', async () => {
    const { context } = (await send('PUT', '/v1/docs/d', { a: 0, l: [] })).json() as { context: string }
    const headers = { 'hearsay-context': context }
    await send('PUT', '/v1/docs/d', { a: 1, l: ['x'] }, headers)
    await send('PUT', '/v1/docs/d', { a: 2, l: ['y'] }, headers)
    const shown = await send('GET', '/v1/docs/d?conflicts=true')
    expect(shown.json()).toMatchObject({
      key: 'd',
      siblings: 1,
      unreadable: 0,
      context: shown.headers['hearsay-context'],
    })
    const { document, conflicts } = shown.json() as {
      document: { l: string[] }
      conflicts: { path: string; values: number[] }[]
    }
    expect(document.l.toSorted()).toEqual(['x', 'y'])
    expect(conflicts.map(({ path, values }) => [path, values.toSorted()])).toEqual([['/a', [1, 2]]])
    expect(shown.headers['hearsay-conflicts']).toBe('1')
  })

  it('PATCH goes by the content type', async () => {
    expect((await send('PATCH', '/v1/docs/d', [], { 'content-type': patch })).statusCode).toBe(404)
    expect((await send('PATCH', '/v1/docs/d', { a: 1, b: { c: 1 } }, { 'content-type': merge })).statusCode).toBe(200)
    const operations = [
      { op: 'add', path: '/b/d', value: [] },
      { op: 'remove', path: '/a' },
    ]
    expect((await send('PATCH', '/v1/docs/d', operations, { 'content-type': patch })).statusCode).toBe(200)
    expect((await send('GET', '/v1/docs/d')).json()).toEqual({ b: { c: 1, d: [] } })
    for (const type of ['application/json', 'text/plain', '']) {
      const refused = await send('PATCH', '/v1/docs/d', {}, { 'content-type': type })
      expect([refused.statusCode, code(refused)]).toEqual([415, 'UNSUPPORTED_TYPE'])
    }
    expect((await send('PATCH', '/v1/docs/d', {})).statusCode).toBe(415)
    const failing = await send('PATCH', '/v1/docs/d', [{ op: 'test', path: '/b/c', value: 2 }], {
      'content-type': patch,
    })
    expect([failing.statusCode, code(failing), failing.json().operation]).toEqual([409, 'PATCH_FAILED', 0])
  })

  it.each([
    ['PUT', '[]', 400, 'BAD_DOCUMENT'],
    ['PUT', '"text"', 400, 'BAD_DOCUMENT'],
    ['PUT', '{', 400, 'BAD_REQUEST'],
    ['PUT', '', 400, 'BAD_REQUEST'],
    ['PUT', `{"a":"${'x'.repeat(3000)}"}`, 413, 'TOO_LARGE'],
    ['PATCH', 'null', 400, 'BAD_DOCUMENT'],
    ['PATCH', '{"a":"\\ud800"}', 400, 'BAD_DOCUMENT'],
  ] as const)('%s of %s is refused and changes nothing', async (method, body, status, name) => {
    await send('PUT', '/v1/docs/d', { a: 1 })
    const refused = await send(method, '/v1/docs/d', body, { 'content-type': merge })
    expect([refused.statusCode, code(refused)]).toEqual([status, name])
    expect((await send('GET', '/v1/docs/d')).json()).toEqual({ a: 1 })
  })

  it('a repeated request is done once; another under its key is refused', async () => {
    await send('PUT', '/v1/docs/d', { l: [] })
    const headers = { 'content-type': patch, 'idempotency-key': 'one' }
    const add = [{ op: 'add', path: '/l/-', value: 1 }]
    const first = await send('PATCH', '/v1/docs/d', add, headers)
    expect((await send('PATCH', '/v1/docs/d', add, headers)).json()).toEqual(first.json())
    expect((await send('GET', '/v1/docs/d')).json()).toEqual({ l: [1] })
    expect((await send('PATCH', '/v1/docs/d', [], headers)).statusCode).toBe(422)
  })

  it('a quorum is asked for before, acknowledgements after', async () => {
    served.services.mesh.quorum = false
    const refused = await send('PUT', '/v1/docs/d?requireQuorum=true', { a: 1 })
    expect([refused.statusCode, code(refused)]).toEqual([503, 'NO_QUORUM'])
    expect((await send('GET', '/v1/docs/d')).statusCode).toBe(404)
    expect((await send('PUT', '/v1/docs/d?nonsense=1', { a: 1 })).statusCode).toBe(400)
  })

  it('keys with any characters, and those of other types, live beside it', async () => {
    await send('PUT', '/v1/docs/%2E%2E', { __proto__x: 1 })
    const raw = await send('PUT', '/v1/docs/p', '{"__proto__":{"a":1},"constructor":2}')
    expect(raw.statusCode).toBe(200)
    expect((await send('GET', '/v1/docs/p')).body).toBe('{"__proto__":{"a":1},"constructor":2}')
    await served.api.inject({ method: 'POST', url: '/v1/counters/p', payload: {} })
    expect((await send('GET', '/v1/docs/p')).statusCode).toBe(200)
  })

  it('are exported as JSON and as they are saved, and imported beside what is there', async () => {
    const { context } = (await send('PUT', '/v1/docs/d', { a: 0, l: [] })).json() as { context: string }
    await send('PUT', '/v1/docs/d', { a: 1, l: ['x'] }, { 'hearsay-context': context })
    await send('PUT', '/v1/docs/d', { a: 2, l: [] }, { 'hearsay-context': context })
    const shown = (await send('GET', '/v1/docs/d?conflicts=true')).json()
    const exported = (await send('GET', '/v1/export' as never)).payload
    expect(JSON.parse(exported)).toMatchObject({ key: 'd', type: 'doc', document: shown.document, versions: [{}] })
    const other = await createApi(await fakeServices({}, undefined, 'other'))
    const ask = (method: 'POST' | 'PUT' | 'GET', url: string, payload?: string) =>
      other.inject({ method, url, ...(payload === undefined ? {} : { payload }) })
    await ask('PUT', '/v1/docs/d', '{"mine":1}')
    expect((await ask('POST', '/v1/import', exported)).json()).toMatchObject({ imported: 1, failures: 0 })
    expect((await ask('POST', '/v1/import', exported)).json()).toMatchObject({ imported: 0, skipped: 1 })
    const merged = (await ask('GET', '/v1/docs/d?conflicts=true')).json()
    expect(merged.document).toEqual({ ...shown.document, mine: 1 })
    expect(merged.conflicts).toEqual(shown.conflicts)
    await ask('PUT', '/v1/docs/d', '{"after":1}')
    expect((await ask('POST', '/v1/import', exported)).json()).toMatchObject({ imported: 0, skipped: 1 })
    expect((await ask('GET', '/v1/docs/d')).json()).toEqual({ after: 1 })
    const plain = '{"key":"p","type":"doc","document":{"a":[1]}}'
    expect((await ask('POST', '/v1/import', plain)).json()).toMatchObject({ imported: 1 })
    expect((await ask('POST', '/v1/import', plain)).json()).toMatchObject({ skipped: 1 })
    const bad = '{"key":"p","type":"doc","versions":[{"value":"bad"}]}\n{"key":"p","type":"doc","document":[]}'
    expect((await ask('POST', '/v1/import', bad)).json()).toMatchObject({
      failures: 2,
      failed: [{ code: 'BAD_DOCUMENT' }, {}],
    })
    await other.close()
  })
})

describe('numbers that a document cannot hold', () => {
  it.each([
    ['{"a":9007199254740993}', '/a'],
    ['{"a":[0,{"b/c~":-12345678901234567890}]}', '/a/1/b~1c~0'],
    ['{"a":18446744073709551616}', '/a'],
    ['{"a":72057594037927936}', '/a'],
    ['{"a":9007199254740993.0}', '/a'],
    ['{"a":9.007199254740993e15}', '/a'],
    ['{"a":1e400}', '/a'],
    ['{"a":1e-400}', '/a'],
  ])('are refused with their place, and nothing is stored: %s', async (body, path) => {
    await send('PUT', '/v1/docs/d', { a: 'before' })
    const merged = `{"deep":${body}}`
    const operations = `[{"op":"add","path":"/x","value":${body}}]`
    const answers = [
      [await send('PUT', '/v1/docs/d', body), path],
      [await send('PATCH', '/v1/docs/d', merged, { 'content-type': merge }), `/deep${path}`],
      [await send('PATCH', '/v1/docs/d', operations, { 'content-type': patch }), `/0/value${path}`],
    ] as const
    for (const [answer, place] of answers) {
      expect(answer.json()).toMatchObject({ status: 400, code: 'BAD_DOCUMENT', path: place })
      expect((answer.json() as { detail: string }).detail).toContain(` at ${place} `)
    }
    expect((await send('GET', '/v1/docs/d')).json()).toEqual({ a: 'before' })
    const line = `{"key":"new","type":"doc","document":${body}}`
    const imported = (await send('POST', '/v1/import', line)).json() as { failed: { code: string; message: string }[] }
    expect(imported).toMatchObject({ imported: 0, failures: 1, failed: [{ line: 1, code: 'BAD_DOCUMENT' }] })
    expect(imported.failed[0]!.message).toContain(` at ${path} `)
  })

  it.each([
    '{"a":9007199254740991,"b":-9007199254740992}',
    '{"a":100000000000000000000,"b":1e300,"c":0.1,"d":123456789.12345678}',
    '{"a":0e5,"b":-0,"c":5e-324,"d":"9007199254740993"}',
    '{"a":1,"a":2,"b":1e21}',
  ])('but what comes back as the same number is stored: %s', async (body) => {
    expect((await send('PUT', '/v1/docs/d', body)).statusCode).toBe(200)
    const shown = await send('GET', '/v1/docs/d')
    expect(shown.json()).toEqual(JSON.parse(body.replace('-0,', '0,')))
    // Whatever a read shows may be written again.
    expect((await send('PUT', '/v1/docs/d', shown.body)).statusCode).toBe(200)
  })

  it('seventeen digits with an exponent are the spelling of a double', async () => {
    expect((await send('PUT', '/v1/docs/d', '{"a":9.9999999999999992e+22}')).statusCode).toBe(200)
    expect((await send('GET', '/v1/docs/d')).body).toBe('{"a":1e+23}')
  })
})

describe('JSON that nests thousands deep', () => {
  const deep = (levels: number) => `${'[{"a":'.repeat(levels / 2)}0${'}]'.repeat(levels / 2)}`

  it.each([200, 20_000, 200_000])('is a 400 on every route that takes JSON: %d levels', async (levels) => {
    const api = await createApi(await fakeServices({ 'values-max-bytes': '1MiB' }))
    const calls = [
      ['PUT', '/v1/docs/d', `{"a":${deep(levels)}}`],
      ['PATCH', '/v1/docs/d', `{"a":${deep(levels)}}`, merge],
      ['PATCH', '/v1/docs/d', `[{"op":"add","path":"/a","value":${deep(levels)}}]`, patch],
      ['POST', '/v1/batch', `{"ops":[{"op":"put","key":"k","value":${deep(levels)}}]}`],
      ['POST', '/v1/counters/k', `{"by":${deep(levels)}}`],
      ['POST', '/v1/conflicts/k', `{"pick":${deep(levels)}}`],
      ['POST', '/v1/sync', `{"peer":${deep(levels)}}`],
      ['POST', '/v1/block', deep(levels)],
      ['POST', '/v1/join', deep(levels)],
    ] as const
    for (const [method, url, payload, type] of calls) {
      const headers = type === undefined ? {} : { 'content-type': type }
      const answer = await api.inject({ method, url, headers, payload })
      expect([url, answer.statusCode, code(answer)]).toEqual([url, 400, 'BAD_REQUEST'])
    }
    const lines = [`{"key":"k","type":"doc","document":${deep(levels)}}`, `{"key":"k","value":${deep(levels)}}`]
    const imported = await api.inject({ method: 'POST', url: '/v1/import', payload: lines.join('\n') })
    expect(imported.json()).toMatchObject({ imported: 0, failures: 2 })
    expect(imported.body).not.toContain('INTERNAL')
    await api.close()
  })
})
