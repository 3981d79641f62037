/** Counters, sets, maps and batches over HTTP, over the real types in memory. */
import { describe, expect, it } from 'vitest'
import { createApi } from '../../daemon/http/app.js'
import { fakeServices } from '../support/fake-daemon.js'
import { ServedApi } from '../support/served-api.js'

const served = new ServedApi({ isReal: true })

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

function send(method: Method, url: string, payload?: string | Buffer | object, headers: Record<string, string> = {}) {
  return served.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
}

const code = (answer: { json(): unknown }) => (answer.json() as { code: string }).code

describe('a key without a value', () => {
  it('says what it holds instead, to reads, deletes and questions of where it is', async () => {
    await send('PUT', '/v1/sets/k/m')
    await send('POST', '/v1/counters/k')
    await send('PUT', '/v1/sets/longer/m')
    for (const [method, route] of [
      ['GET', '/v1/kv'],
      ['DELETE', '/v1/kv'],
      ['GET', '/v1/where'],
    ] as const) {
      const answer = await send(method, `${route}/k`)
      expect(answer.statusCode).toBe(404)
      expect(answer.json()).toMatchObject({
        code: 'NOT_FOUND',
        detail: '"k" is a counter and a set, and has no value of its own',
        types: ['ctr', 'set'],
      })
      const absent = (await send(method, `${route}/long`)).json()
      expect(absent).toMatchObject({ code: 'NOT_FOUND', detail: 'there is no "long"' })
      expect(absent).not.toHaveProperty('types')
    }
  })
})

describe('counters', () => {
  it('count up and down from nothing, by one unless told, and are gone when deleted', async () => {
    expect((await send('GET', '/v1/counters/hits')).statusCode).toBe(404)
    const first = await send('POST', '/v1/counters/hits')
    expect(first.json()).toEqual({
      key: 'hits',
      value: 1,
      dot: expect.stringMatching(/^[0-9a-f]{16}:1$/),
      acks: { have: 1, want: 1, nodes: ['a'] },
    })
    expect((await send('POST', '/v1/counters/hits', { by: 41 })).json().value).toBe(42)
    expect((await send('POST', '/v1/counters/hits', { by: -50 })).json().value).toBe(-8)
    expect((await send('GET', '/v1/counters/hits')).json()).toEqual({ key: 'hits', value: -8 })
    expect((await send('DELETE', '/v1/counters/hits')).statusCode).toBe(204)
    expect((await send('GET', '/v1/counters/hits')).statusCode).toBe(404)
    expect((await send('DELETE', '/v1/counters/hits')).statusCode).toBe(404)
    expect((await send('POST', '/v1/counters/hits', { by: 3 })).json().value).toBe(3)
  })

  it('refuse what would leave the safe integers, and store nothing then', async () => {
    const most = Number.MAX_SAFE_INTEGER
    expect((await send('POST', '/v1/counters/c', { by: most })).json().value).toBe(most)
    const refused = await send('POST', '/v1/counters/c', { by: 1 })
    expect([refused.statusCode, code(refused)]).toEqual([400, 'COUNTER_RANGE'])
    expect((await send('GET', '/v1/counters/c')).json().value).toBe(most)
    expect((await send('POST', '/v1/counters/c', { by: -most })).json().value).toBe(0)
    for (const by of [1.5, '1', most + 1, null]) {
      expect((await send('POST', '/v1/counters/c', { by })).statusCode).toBe(400)
    }
    expect((await send('POST', '/v1/counters/c', { more: 1 })).statusCode).toBe(400)
  })

  it('show a merged sum beyond 2^53 - 1 as its digits, with a code', async () => {
    served.services.real.counters.get = () => 9_007_199_254_740_993n
    expect((await send('GET', '/v1/counters/c')).json()).toEqual({
      key: 'c',
      value: '9007199254740993',
      code: 'COUNTER_RANGE',
    })
  })

  it('count a repeated request once, and tell it the same', async () => {
    const once = { 'idempotency-key': 'one' }
    const first = await send('POST', '/v1/counters/c', { by: 2 }, once)
    expect((await send('POST', '/v1/counters/c', { by: 2 }, once)).json()).toEqual(first.json())
    expect((await send('GET', '/v1/counters/c')).json().value).toBe(2)
    const other = await send('POST', '/v1/counters/c', { by: 3 }, once)
    expect([other.statusCode, code(other)]).toEqual([422, 'RETRY_KEY_REUSED'])
  })
})

describe('sets', () => {
  it('hold members of any bytes, listed in order, each once', async () => {
    for (const member of ['b', 'a%2Fb', '%FF', '%2E.x', 'b']) {
      expect((await send('PUT', `/v1/sets/tags/${member}`)).statusCode).toBe(200)
    }
    expect((await send('GET', '/v1/sets/tags')).json()).toEqual({
      key: 'tags',
      members: ['..x', 'a/b', 'b', { value: '/w==', encoding: 'base64' }],
    })
    expect((await send('GET', '/v1/sets/tags/a%2Fb')).json()).toEqual({ key: 'tags', member: 'a/b' })
    expect((await send('GET', '/v1/sets/tags/c')).statusCode).toBe(404)
  })

  it('lose members one by one or all at once; what is absent is 404', async () => {
    const dots = [await send('PUT', '/v1/sets/s/a'), await send('PUT', '/v1/sets/s/a')].map((one) => one.json().dot)
    expect(dots[0]).not.toBe(dots[1])
    await send('PUT', '/v1/sets/s/b')
    expect((await send('DELETE', '/v1/sets/s/a')).statusCode).toBe(204)
    expect((await send('DELETE', '/v1/sets/s/a')).statusCode).toBe(404)
    expect((await send('GET', '/v1/sets/s')).json().members).toEqual(['b'])
    expect((await send('DELETE', '/v1/sets/s')).statusCode).toBe(204)
    expect((await send('DELETE', '/v1/sets/s')).statusCode).toBe(404)
    expect((await send('GET', '/v1/sets/s')).statusCode).toBe(404)
  })

  it('refuse members that are empty, too long, or more than one segment', async () => {
    expect((await send('PUT', '/v1/sets/s/')).statusCode).toBe(400)
    expect((await send('PUT', '/v1/sets/s/a/b')).statusCode).toBe(400)
    expect((await send('PUT', '/v1/sets/s/%zz')).statusCode).toBe(400)
    expect((await send('PUT', `/v1/sets/s/${'m'.repeat(1025)}`)).statusCode).toBe(413)
    expect((await send('GET', '/v1/sets/s')).statusCode).toBe(404)
  })

  it('stream whole however many members they have', async () => {
    const members = Array.from({ length: 3000 }, (_, at) => `m${`${at}`.padStart(5, '0')}`)
    for (let at = 0; at < members.length; at += 1000) {
      const ops = members.slice(at, at + 1000).map((member) => ({ op: 'set.add', key: 'big', member }))
      expect((await send('POST', '/v1/batch', { ops })).statusCode).toBe(200)
    }
    expect((await send('GET', '/v1/sets/big')).json().members).toEqual(members)
    expect((await send('DELETE', '/v1/sets/big')).statusCode).toBe(204)
    expect((await send('GET', '/v1/sets/big')).statusCode).toBe(404)
  })
})

describe('maps', () => {
  it('hold fields that behave as keys do', async () => {
    const put = await send('PUT', '/v1/maps/user/name', Buffer.from('Ada'))
    expect(put.json()).toMatchObject({ key: 'user', field: 'name', dot: expect.any(String), acks: { have: 1 } })
    await send('PUT', '/v1/maps/user/photo%2Fraw', Buffer.from([0xff]))
    expect((await send('GET', '/v1/maps/user')).json()).toEqual({
      key: 'user',
      fields: {
        name: { value: 'Ada', encoding: 'utf8', siblings: 1 },
        'photo/raw': { value: '/w==', encoding: 'base64', siblings: 1 },
      },
    })
    const got = await send('GET', '/v1/maps/user/name')
    expect([got.payload, got.headers['hearsay-dot'], got.headers['hearsay-siblings']]).toEqual([
      'Ada',
      put.json().dot,
      '1',
    ])
    const all = await send('GET', '/v1/maps/user/name', undefined, { accept: 'application/json' })
    expect(all.json()).toMatchObject({ key: 'user', field: 'name', versions: [{ value: 'Ada' }] })
  })

  it('take contexts of their own field alone', async () => {
    await send('PUT', '/v1/maps/m/a', 'old')
    const context = (await send('GET', '/v1/maps/m/a')).headers['hearsay-context'] as string
    const elsewhere = await send('PUT', '/v1/maps/m/b', 'x', { 'hearsay-context': context })
    expect([elsewhere.statusCode, code(elsewhere)]).toEqual([400, 'BAD_CONTEXT'])
    expect((await send('GET', '/v1/maps/m/b')).statusCode).toBe(404)
    await send('PUT', '/v1/maps/m/a', 'new')
    await send('PUT', '/v1/maps/m/a', 'late', { 'hearsay-context': context })
    const shown = await send('GET', '/v1/maps/m/a', undefined, { accept: 'application/json' })
    expect(
      shown
        .json()
        .versions.map(({ value }: { value: string }) => value)
        .toSorted(),
    ).toEqual(['late', 'new'])
    const refused = await send('DELETE', '/v1/maps/m/a')
    expect([refused.statusCode, code(refused)]).toEqual([409, 'CONFLICT'])
    const whole = await send('DELETE', '/v1/maps/m')
    expect([whole.statusCode, code(whole)]).toEqual([409, 'CONFLICT'])
    expect((await send('GET', '/v1/maps/m')).json().fields.a.siblings).toBe(2)
    const resolved = await send('POST', '/v1/conflicts/m', { value: 'settled', field: 'a' })
    expect(resolved.statusCode).toBe(200)
    expect((await send('GET', '/v1/maps/m/a')).payload).toBe('settled')
  })

  it('are removed field by field or whole', async () => {
    for (const field of ['a', 'b', 'c']) await send('PUT', `/v1/maps/m/${field}`, field)
    expect((await send('DELETE', '/v1/maps/m/a')).statusCode).toBe(204)
    expect((await send('DELETE', '/v1/maps/m/a')).statusCode).toBe(404)
    expect((await send('DELETE', '/v1/maps/m?all=true')).statusCode).toBe(204)
    expect((await send('GET', '/v1/maps/m')).statusCode).toBe(404)
    expect((await send('DELETE', '/v1/maps/m')).statusCode).toBe(404)
  })

  it('hide a field from its deadline on, and refuse values over the limit', async () => {
    expect((await send('PUT', '/v1/maps/m/a?ttl=1h', 'x')).statusCode).toBe(200)
    expect((await send('PUT', '/v1/maps/m/a', Buffer.alloc(1025))).statusCode).toBe(413)
    expect((await send('PUT', '/v1/maps/m/a?ifAbsent=true', 'y')).statusCode).toBe(409)
  })
})

describe('a repeated request', () => {
  it('to remove a whole collection takes nothing that has come since', async () => {
    const once = { 'idempotency-key': 'clear' }
    for (const path of ['/v1/sets/s', '/v1/maps/m']) {
      await send('PUT', `${path}/a`)
      const headers = { 'idempotency-key': `clear ${path}` }
      expect((await send('DELETE', path, undefined, headers)).statusCode).toBe(204)
      await send('PUT', `${path}/b`)
      expect((await send('DELETE', path, undefined, headers)).statusCode).toBe(204)
      expect((await send('GET', `${path}/b`)).statusCode).toBe(200)
      expect((await send('DELETE', `${path}/b`, undefined, headers)).statusCode).toBe(422)
    }
    expect((await send('DELETE', '/v1/sets/none', undefined, once)).statusCode).toBe(404)
  })

  it('to settle a conflict settles nothing that has come since', async () => {
    await send('PUT', '/v1/maps/m/f', 'one')
    const once = { 'idempotency-key': 'settle' }
    const first = await send('POST', '/v1/conflicts/m', { value: 'settled', field: 'f' }, once)
    await send('PUT', '/v1/maps/m/f', 'later')
    expect((await send('POST', '/v1/conflicts/m', { value: 'settled', field: 'f' }, once)).json().dot).toBe(
      first.json().dot,
    )
    expect((await send('GET', '/v1/maps/m/f')).payload).toBe('later')
  })
})

describe('batches', () => {
  it('run their operations in order, and answer with their dots', async () => {
    const ops = [
      { op: 'put', key: 'k', value: 'aGk=', encoding: 'base64' },
      { op: 'counter.incr', key: 'n', by: 5 },
      { op: 'counter.incr', key: 'n' },
      { op: 'set.add', key: 's', member: 'a' },
      { op: 'set.add', key: 's', member: 'b' },
      { op: 'set.rm', key: 's', member: 'a' },
      { op: 'map.put', key: 'm', field: 'f', value: 'v' },
      { op: 'map.put', key: 'm', field: 'g', value: 'w' },
      { op: 'map.rm', key: 'm', field: 'f' },
      { op: 'del', key: 'k' },
    ]
    const answer = await send('POST', '/v1/batch', { ops })
    expect(answer.statusCode).toBe(200)
    const dots = answer.json().ops.map(({ dot }: { dot: string }) => dot.split(':')[1])
    expect(dots).toEqual(ops.map((_, at) => `${at + 1}`))
    expect((await send('GET', '/v1/counters/n')).json().value).toBe(6)
    expect((await send('GET', '/v1/sets/s')).json().members).toEqual(['b'])
    expect(Object.keys((await send('GET', '/v1/maps/m')).json().fields)).toEqual(['g'])
  })

  it('store nothing when any operation is bad, and say which', async () => {
    const good = { op: 'set.add', key: 's', member: 'a' }
    const bad = [
      [{ op: 'del', key: 'absent' }, 404],
      [{ op: 'set.rm', key: 's', member: 'b' }, 404],
      [{ op: 'counter.incr', key: 'n', by: 0.5 }, 400],
      [{ op: 'put', key: '' }, 400],
      [{ op: 'put', key: 'k' }, 400],
      [{ op: 'put', key: 'k', value: 'v', field: 'f' }, 400],
      [{ op: 'put', key: 'k', value: 'x'.repeat(1025) }, 413],
      [{ op: 'put', key: 'k', value: 'v', context: 'nonsense' }, 400],
      [{ op: 'shout', key: 'k' }, 400],
      [{ op: 'map.put', key: 'm', field: '', value: 'v' }, 400],
      [{ op: 'put', key: 'k', value: '?', encoding: 'base64' }, 400],
    ] as const
    for (const [operation, status] of bad) {
      const answer = await send('POST', '/v1/batch', { ops: [good, operation] })
      expect([operation, answer.statusCode]).toEqual([operation, status])
    }
    const late = await send('POST', '/v1/batch', { ops: [good, { op: 'set.rm', key: 's', member: 'b' }] })
    expect(late.json()).toMatchObject({ op: 1, detail: expect.stringContaining('operation 2') })
    expect((await send('GET', '/v1/sets/s')).statusCode).toBe(404)
    const many = Array.from({ length: 1001 }, (_, at) => ({ op: 'set.add', key: 's', member: `${at}` }))
    expect((await send('POST', '/v1/batch', { ops: many })).statusCode).toBe(413)
    expect((await send('POST', '/v1/batch', { ops: [] })).statusCode).toBe(400)
  })

  it('are one request to a retry', async () => {
    const once = { 'idempotency-key': 'b1' }
    const ops = [
      { op: 'counter.incr', key: 'n' },
      { op: 'set.add', key: 's', member: 'a' },
    ]
    const first = await send('POST', '/v1/batch', { ops }, once)
    expect((await send('POST', '/v1/batch', { ops }, once)).json()).toEqual(first.json())
    expect((await send('GET', '/v1/counters/n')).json().value).toBe(1)
  })
})

describe('export and import', () => {
  const lines = async () =>
    (await send('GET', '/v1/export')).payload
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

  async function fill(): Promise<void> {
    await send('PUT', '/v1/kv/r', 'one')
    const context = (await send('GET', '/v1/kv/r')).headers['hearsay-context'] as string
    await send('PUT', '/v1/kv/r', 'two')
    await send('PUT', '/v1/kv/r', 'three', { 'hearsay-context': context })
    await send('PUT', '/v1/maps/m/f', 'v')
    await send('PUT', '/v1/sets/s/text')
    await send('PUT', '/v1/sets/s/%FF')
    await send('POST', '/v1/counters/c', { by: -7 })
  }

  it('keep every type and every sibling', async () => {
    await fill()
    expect(await lines()).toEqual([
      { key: 'c', type: 'ctr', value: -7 },
      { key: 'm', type: 'map', field: 'f', versions: [expect.objectContaining({ value: 'v', encoding: 'utf8' })] },
      {
        key: 'r',
        type: 'reg',
        versions: [expect.objectContaining({ value: 'three' }), expect.objectContaining({ value: 'two' })],
      },
      { key: 's', type: 'set', member: 'text', versions: [expect.objectContaining({ value: '' })] },
      { key: 's', type: 'set', member: { value: '/w==', encoding: 'base64' }, versions: [expect.anything()] },
    ])
  })

  it('bring everything into an empty node, and add nothing the second time', async () => {
    await fill()
    const exported = (await send('GET', '/v1/export')).payload
    const fresh = await fakeServices()
    const other = await createApi({ ...fresh, ...fresh.real.services() })
    const take = () => other.inject({ method: 'POST', url: '/v1/import', payload: exported })
    expect((await take()).json()).toEqual({ imported: 5, skipped: 0, failed: [], failures: 0 })
    const again = (await other.inject({ url: '/v1/export' })).payload
    const strip = (text: string) => text.replaceAll(/"(dot|time|node)":"[^"]*"/g, '')
    expect(strip(again)).toBe(strip(exported))
    expect((await take()).json()).toMatchObject({ imported: 0, skipped: 5 })
    await other.close()
  })

  it('take a counter to the value of the line, whatever it was', async () => {
    await send('POST', '/v1/counters/c', { by: 100 })
    const answer = await send('POST', '/v1/import', '{"key":"c","type":"ctr","value":-7}')
    expect(answer.json()).toMatchObject({ imported: 1 })
    expect((await send('GET', '/v1/counters/c')).json().value).toBe(-7)
  })
})
