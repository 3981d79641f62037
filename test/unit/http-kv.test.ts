/** Keys and values over HTTP: shapes, headers, status codes and limits, to the letter of the design. */
import { describe, expect, it } from 'vitest'
import { joinedBytesMax } from '../../daemon/http/limits.js'
import { fakeNowMs, fakeServices } from '../support/fake-daemon.js'
import { fakeActor } from '../support/fake-registers.js'
import { ServedApi } from '../support/served-api.js'

const served = new ServedApi()

const json = { accept: 'application/json' }

function put(key: string, payload: string | Buffer, rest: { query?: string; headers?: Record<string, string> } = {}) {
  return served.api.inject({
    method: 'PUT',
    url: `/v1/kv/${key}${rest.query ?? ''}`,
    payload,
    headers: rest.headers ?? {},
  })
}

describe('PUT', () => {
  it('stores the bytes whatever the content type says, and answers dot, context and acks', async () => {
    const bytes = Buffer.from([0, 255, 128, 10, 13, 123])
    for (const type of ['application/json', 'text/plain', 'nonsense', 'application/x-www-form-urlencoded', undefined]) {
      const answer = await put('k', bytes, type === undefined ? {} : { headers: { 'content-type': type } })
      expect(answer.statusCode).toBe(200)
      expect(served.services.registers.get('k')!.versions[0]!.value).toEqual(bytes)
    }
    const answer = (await put('k', 'x')).json()
    expect(answer).toEqual({
      key: 'k',
      dot: `${fakeActor}:6`,
      context: served.services.registers.get('k')!.winnerContext,
      acks: { have: 1, want: 1, nodes: ['a'] },
    })
  })

  it('stores an empty value', async () => {
    expect((await put('k', '')).statusCode).toBe(200)
    const answer = await served.api.inject({ method: 'GET', url: '/v1/kv/k' })
    expect([answer.statusCode, answer.rawPayload.length]).toEqual([200, 0])
  })

  it('gives every byte back, of small values and large ones, and has no answer guessed at', async () => {
    for (const length of [256, joinedBytesMax, joinedBytesMax + 1]) {
      const bytes = Buffer.from(Uint8Array.from({ length }, (_, at) => at))
      await served.services.registers.put('k', bytes, {})
      const answer = await served.api.inject({ url: '/v1/kv/k' })
      expect(answer.rawPayload.equals(bytes)).toBe(true)
      const head = await served.api.inject({ method: 'HEAD', url: '/v1/kv/k' })
      expect([head.headers['content-length'], head.rawPayload.length]).toEqual([`${length}`, 0])
    }
    for (const url of ['/v1/kv/k', '/v1/kv/none', '/v1/kv/k?x=1', '/v1/kv', '/v1/none', '/v1/kv/%zz'])
      expect((await served.api.inject({ url })).headers['x-content-type-options']).toBe('nosniff')
  })

  it('takes a time to live as an absolute deadline', async () => {
    await put('k', 'x', { query: '?ttl=30s' })
    expect(served.services.registers.get('k')!.versions[0]!.expiresAtMs).toBe(fakeNowMs + 30_000)
    const shown = (await served.api.inject({ url: '/v1/kv/k', headers: json })).json()
    expect(shown.versions[0].expires).toBe('2023-11-14T22:13:50.000Z')
  })

  it.each([
    '?ttl=30',
    '?ttl=0s',
    '?ttl=-1s',
    '?acks=0',
    '?acks=most',
    '?timeout=x',
    '?ifAbsent=perhaps',
    '?ack=2',
    '?acks=1&acks=2',
    '?ttl=%zz',
  ])('refuses %s and stores nothing', async (query) => {
    const answer = await put('k', 'x', { query })
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'BAD_REQUEST'])
    expect(served.services.registers.get('k')).toBeUndefined()
  })

  it('passes the context on; another key’s is refused and nothing is stored', async () => {
    served.services.registers.add('k', Buffer.from('1'))
    served.services.registers.add('k', Buffer.from('2'))
    const context = served.services.registers.get('k')!.context
    const wrong = await put('other', 'x', { headers: { 'hearsay-context': context } })
    expect([wrong.statusCode, wrong.json().code]).toEqual([400, 'BAD_CONTEXT'])
    expect(served.services.registers.get('other')).toBeUndefined()
    await put('k', 'both seen', { headers: { 'hearsay-context': context } })
    expect(served.services.registers.get('k')!.versions).toHaveLength(1)
  })

  it('refuses ifAbsent on a key that exists', async () => {
    expect((await put('k', '1', { query: '?ifAbsent=true' })).statusCode).toBe(200)
    const answer = await put('k', '2', { query: '?ifAbsent=true' })
    expect([answer.statusCode, answer.json().code]).toEqual([409, 'EXISTS'])
  })

  it('waits for acknowledgements, and says what is stored when there are too few', async () => {
    served.services.mesh.acks = 2
    const good = await put('k', 'x', { query: '?acks=all&timeout=250ms' })
    expect(good.json().acks).toEqual({ have: 2, want: 2, nodes: ['a', 'b'] })
    expect(served.services.mesh.calls).toEqual([['awaitAcks', { actor: fakeActor, counter: 1 }, 'all', 250]])
    served.services.mesh.acks = 1
    const bad = await put('k', 'y', { query: '?acks=2' })
    expect(bad.statusCode).toBe(503)
    expect(bad.headers['content-type']).toContain('application/problem+json')
    expect(bad.json()).toMatchObject({
      code: 'NOT_ENOUGH_ACKS',
      stored: true,
      acks: { have: 1, want: 2, nodes: ['a'] },
      dot: `${fakeActor}:2`,
      status: 503,
    })
    expect(served.services.registers.get('k')!.versions[0]!.value.toString()).toBe('y')
  })

  it('refuses a time to live while the clock is far from those of the members, and nothing else', async () => {
    served.services.mesh.clockOff = -3_600_000
    const answer = await put('k', 'x', { query: '?ttl=1h' })
    expect(answer.json()).toMatchObject({ status: 503, code: 'CLOCK_OFF', aheadMs: -3_600_000, stored: false })
    expect(answer.json().detail).toContain('3600 s behind')
    expect((await put('k', 'x')).statusCode).toBe(200)
    served.services.mesh.clockOff = null
    expect((await put('k', 'x', { query: '?ttl=1h' })).statusCode).toBe(200)
  })

  it('refuses beforehand without a quorum when asked to', async () => {
    served.services.mesh.quorum = false
    const answer = await put('k', 'x', { query: '?requireQuorum=true' })
    expect(answer.json()).toMatchObject({ status: 503, code: 'NO_QUORUM', stored: false })
    expect(served.services.registers.get('k')).toBeUndefined()
    expect((await put('k', 'x')).statusCode).toBe(200)
  })

  it('does a repeated request once, waits again for its acknowledgements, and refuses another under the same key', async () => {
    const headers = { 'idempotency-key': 'op-1' }
    const first = await put('k', 'x', { query: '?acks=1', headers })
    served.services.mesh.acks = 2
    const again = await put('k', 'x', { query: '?acks=1', headers })
    expect(again.json().dot).toBe(first.json().dot)
    const other = await put('k', 'x', { query: '?acks=2', headers })
    expect([other.statusCode, other.json().code]).toEqual([422, 'RETRY_KEY_REUSED'])
    for (const changed of [put('k', 'y', { headers }), put('k2', 'x', { headers })]) {
      expect((await changed).statusCode).toBe(422)
    }
    const patient = await put('k', 'x', { query: '?acks=1&timeout=30s', headers })
    expect(patient.json().dot).toBe(first.json().dot)
    const waiting = { headers: { 'idempotency-key': 'op-2' }, query: '?acks=2' }
    const dots = [(await put('k', 'z', waiting)).json().dot, (await put('k', 'z', waiting)).json().dot]
    expect(dots[0]).toBe(dots[1])
    expect(served.services.mesh.calls.filter(([name]) => name === 'awaitAcks')).toHaveLength(2)
    for (const key of ['', 'x'.repeat(256)]) {
      expect((await put('k', 'x', { headers: { 'idempotency-key': key } })).statusCode).toBe(400)
    }
  })

  it('refuses a value over the limit and stores nothing; one at the limit fits', async () => {
    const answer = await put('k', Buffer.alloc(1025))
    expect(answer.json()).toMatchObject({
      status: 413,
      code: 'TOO_LARGE',
      limit: 1024,
      setting: 'values.maxBytes',
    })
    expect(served.services.registers.get('k')).toBeUndefined()
    expect((await put('k', Buffer.alloc(1024))).statusCode).toBe(200)
  })
})

describe('GET', () => {
  it('gives the winner’s bytes with context, dot and sibling count', async () => {
    served.services.registers.add('k', Buffer.from('old'))
    served.services.registers.add('k', Buffer.from([0xff, 0]))
    const answer = await served.api.inject({ url: '/v1/kv/k' })
    expect(answer.rawPayload).toEqual(Buffer.from([0xff, 0]))
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'hearsay-context': served.services.registers.get('k')!.winnerContext,
      'hearsay-dot': `${fakeActor}:2`,
      'hearsay-siblings': '2',
    })
  })

  it('gives every version when asked for JSON: text where it is UTF-8, base64 where not', async () => {
    served.services.registers.add('k', Buffer.from('é\uFEFF'))
    served.services.registers.add('k', Buffer.from([0xff, 0]))
    const answer = await served.api.inject({
      url: '/v1/kv/k',
      headers: { accept: 'text/html, application/json;q=0.9' },
    })
    expect(answer.json()).toEqual({
      key: 'k',
      context: served.services.registers.get('k')!.context,
      versions: [
        {
          dot: `${fakeActor}:2`,
          node: 'b',
          time: '1970-01-01T00:00:01.002Z',
          expires: null,
          encoding: 'base64',
          value: '/wA=',
        },
        {
          dot: `${fakeActor}:1`,
          node: 'b',
          time: '1970-01-01T00:00:01.001Z',
          expires: null,
          encoding: 'utf8',
          value: 'é\uFEFF',
        },
      ],
    })
  })

  it('answers 404 as a problem, and HEAD without a body', async () => {
    const answer = await served.api.inject({ url: '/v1/kv/none' })
    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toEqual({
      type: 'urn:hearsay:error:NOT_FOUND',
      title: expect.any(String),
      status: 404,
      code: 'NOT_FOUND',
      detail: 'there is no "none"',
    })
    served.services.registers.add('k', Buffer.from('x'))
    const head = await served.api.inject({ method: 'HEAD', url: '/v1/kv/k' })
    expect([head.statusCode, head.body, head.headers['hearsay-siblings']]).toEqual([200, '', '1'])
  })

  it('asks other nodes when consistency is asked for, and passes NO_QUORUM on', async () => {
    served.services.registers.add('k', Buffer.from('x'))
    await served.api.inject({ url: '/v1/kv/k?consistency=one' })
    expect(served.services.mesh.calls).toEqual([])
    await served.api.inject({ url: '/v1/kv/k?consistency=majority&timeout=2s' })
    expect(served.services.mesh.calls).toEqual([['readRepair', 'k', 'majority', 2000]])
    served.services.mesh.quorum = false
    expect((await served.api.inject({ url: '/v1/kv/k?consistency=all' })).json().code).toBe('NO_QUORUM')
    expect((await served.api.inject({ url: '/v1/kv/k?consistency=some' })).json().code).toBe('BAD_REQUEST')
  })

  it('never answers a damaged value as absent', async () => {
    served.services.registers.add('k', Buffer.from('x'))
    served.services.registers.damaged.add('k')
    const answer = await served.api.inject({ url: '/v1/kv/k' })
    expect([answer.statusCode, answer.json().code]).toEqual([500, 'DAMAGED_VALUE'])
  })
})

describe('DELETE', () => {
  const remove = (rest: string, headers = {}) =>
    served.api.inject({ method: 'DELETE', url: `/v1/kv/k${rest}`, headers })

  it('answers 204 without a body, then 404', async () => {
    served.services.registers.add('k', Buffer.from('x'))
    const answer = await remove('')
    expect([answer.statusCode, answer.body]).toEqual([204, ''])
    expect((await remove('')).json().code).toBe('NOT_FOUND')
  })

  it('refuses a conflict without context or all', async () => {
    served.services.registers.add('k', Buffer.from('1'))
    served.services.registers.add('k', Buffer.from('2'))
    const refused = await remove('')
    expect(refused.json()).toMatchObject({ status: 409, code: 'CONFLICT', siblings: 2 })
    expect((await remove('?all=false')).statusCode).toBe(409)
    expect(
      (await remove('', { 'hearsay-context': served.services.registers.get('k')!.winnerContext })).statusCode,
    ).toBe(204)
    expect(served.services.registers.get('k')!.versions).toHaveLength(1)
    served.services.registers.add('k', Buffer.from('3'))
    expect((await remove('?all=true')).statusCode).toBe(204)
    expect(served.services.registers.get('k')).toBeUndefined()
  })

  it('waits for acknowledgements when asked', async () => {
    served.services.registers.add('k', Buffer.from('x'))
    expect((await remove('?acks=2')).json()).toMatchObject({ code: 'NOT_ENOUGH_ACKS', stored: true })
  })
})

describe('listing', () => {
  it('gives pages in order, with values when asked, and null at the end', async () => {
    for (const key of ['a/2', 'a/1', 'b', 'a/3']) served.services.registers.add(key, Buffer.from(key))
    served.services.registers.add('a/3', Buffer.from([0xff]))
    const first = (await served.api.inject({ url: '/v1/kv?prefix=a%2F&limit=2' })).json()
    expect(first).toEqual({
      items: [
        { key: 'a/1', types: ['reg'], siblings: 1 },
        { key: 'a/2', types: ['reg'], siblings: 1 },
      ],
      next: 'a/2',
    })
    const second = (await served.api.inject({ url: '/v1/kv?prefix=a/&limit=2&after=a%2F2&values=true' })).json()
    expect(second).toEqual({
      items: [{ key: 'a/3', types: ['reg'], siblings: 2, value: '/w==', encoding: 'base64' }],
      next: null,
    })
    for (const url of ['/v1/kv', '/v1/kv?after=']) {
      expect((await served.api.inject({ url })).json().items).toHaveLength(4)
    }
  })

  it('lists a range backwards, and counts it in place of listing', async () => {
    for (const key of ['a/1', 'a/2', 'a/3', 'b']) served.services.registers.add(key, Buffer.from('v'))
    const keys = async (query: string) =>
      (await served.api.inject({ url: `/v1/kv?prefix=a/${query}` })).json().items.map(({ key }: { key: string }) => key)
    expect(await keys('&reverse=true')).toEqual(['a/3', 'a/2', 'a/1'])
    expect(await keys('&reverse=true&after=a/3&until=a/2')).toEqual(['a/2'])
    expect(await keys('&after=a/1&until=a/2')).toEqual(['a/2'])
    const counted = await served.api.inject({ url: '/v1/kv?prefix=a/&count=true' })
    expect(counted.json()).toEqual({ items: [], next: null, count: { keys: 3, types: { reg: 3 } } })
  })

  it.each([
    '?limit=0',
    '?count=true&limit=1',
    '?count=true&values=true',
    '?reverse=maybe',
    '?limit=10001',
    '?limit=x',
    '?values=maybe',
    '?prefix=%FF',
    '?nonsense=1',
  ])('refuses %s', async (query) => expect((await served.api.inject({ url: `/v1/kv${query}` })).statusCode).toBe(400))

  it('ends a page of large values early and goes on from there', async () => {
    const large = Buffer.alloc(10 * 1024 * 1024, 'x')
    for (const key of ['a', 'b', 'c']) served.services.registers.add(key, large)
    const page = (await served.api.inject({ url: '/v1/kv?values=true' })).json()
    expect(page.items.map((item: { key: string }) => item.key)).toEqual(['a', 'b'])
    expect(page.next).toBe('b')
  })
})

describe('configuration', () => {
  it('gives defaults for acks, quorum and consistency', async () => {
    await served.replace(await fakeServices({ acks: 'majority', consistency: 'majority', 'require-quorum': true }))
    served.services.mesh.acks = 2
    await put('k', 'x')
    await served.api.inject({ url: '/v1/kv/k' })
    expect(served.services.mesh.calls.map(([name]) => name)).toEqual(['awaitAcks', 'readRepair'])
    served.services.mesh.quorum = false
    expect((await put('k', 'x')).json().code).toBe('NO_QUORUM')
    expect((await put('k', 'x', { query: '?requireQuorum=false' })).statusCode).toBe(200)
  })
})
