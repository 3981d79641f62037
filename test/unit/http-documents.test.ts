/** Documents over HTTP, over the real type in memory. */
import { describe, expect, it } from 'vitest'
import { createApi } from '../../daemon/http/app.js'
import { fakeServices } from '../support/fake-daemon.js'
import { ServedApi } from '../support/served-api.js'

const served = new ServedApi({ valuesMaxBytes: '2KiB' })

const merge = 'application/merge-patch+json'
const patch = 'application/json-patch+json; charset=utf-8'

function send(
  method: 'GET' | 'PUT' | 'PATCH' | 'DELETE',
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
