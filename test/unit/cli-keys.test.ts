/** Deleting and listing keys against a fake daemon: outputs byte for byte, exit codes, errors. */
import { afterEach, describe, expect, test } from 'vitest'
import { problem, type Recorded } from '../support/fake-api.js'
import { against, stopFakes } from '../support/run-against.js'

afterEach(stopFakes)

describe('del', () => {
  const done = ({ method }: Recorded) => (method === 'GET' ? { body: { items: [], next: null } } : { status: 204 })

  test('deletes', async () => {
    const ran = await against(done, ['del', 'a/b'])
    expect(ran).toMatchObject({ exit: 0, text: 'deleted a/b\n', stderr: '' })
    expect(ran.requests[0]).toMatchObject({ method: 'DELETE', url: '/v1/kv/a%2Fb' })
  })

  test('is done, also when it cannot be told what is left', async () => {
    const ran = await against(
      ({ method }) => (method === 'GET' ? problem(500, 'INTERNAL', 'a defect') : { status: 204 }),
      ['del', 'k'],
    )
    expect(ran).toMatchObject({ exit: 0, text: 'deleted k\n', stderr: '' })
  })

  test('--context and --all go along', async () => {
    const ran = await against(done, ['del', 'k', '--context', 'tok', '--all', '--acks', 'all'])
    expect(ran.requests[0]?.url).toBe('/v1/kv/k?all=true&acks=all')
    expect(ran.requests[0]?.headers['hearsay-context']).toBe('tok')
  })

  test('--prefix reports what stays: values in conflict, documents that cannot be read', async () => {
    const types: Record<string, string[]> = { 'p/1': ['reg'], 'p/2': ['reg'], 'p/3': ['reg', 'set'], 'p/4': ['doc'] }
    const items = Object.entries(types).map(([key, held]) => ({ key, types: held, siblings: 1 }))
    const ran = await against(
      ({ method, url }) => {
        if (method === 'GET') return { body: { items, next: null } }
        if (url.endsWith('2')) return problem(409, 'CONFLICT', 'siblings')
        if (url.endsWith('4')) return problem(500, 'DOCUMENT_UNREADABLE', 'of a newer version')
        return url === '/v1/kv/p%2F3' ? problem(404, 'NOT_FOUND', 'gone') : { status: 204 }
      },
      ['del', '--prefix', 'p/'],
    )
    expect(ran).toMatchObject({ exit: 4, text: 'deleted 2 keys: 1 value, 1 set\n' })
    expect(ran.stderr).toMatch(/^error CONFLICT: 1 key in conflict stayed: p\/2\n/)
    expect(ran.stderr).toMatch(/^error DOCUMENT_UNREADABLE: 1 document stayed that cannot be read here: p\/4\n/m)
  })

  test.each([
    [['del']],
    [['del', 'k', '--prefix', 'p']],
    [['del', 'k', '--everything']],
    [['del', '--prefix', 'p', '--context', 'c']],
    [['del', '--prefix', '']],
    [['del', '--prefix=', '--yes']],
  ])('%j is a usage error', async (argv) => {
    expect(await against({ status: 204 }, argv)).toMatchObject({ exit: 2, requests: [] })
  })
})

describe('ls', () => {
  const items = [
    { key: 'a', types: ['reg'], siblings: 2, value: 'x', encoding: 'utf8' },
    { key: 'b', types: ['ctr'], siblings: 1 },
    { key: 'c', types: ['reg'], siblings: 1, value: '/w==', encoding: 'base64' },
  ]

  test('prints keys; --values behind a tab; --json one object a line', async () => {
    const body = { items, next: null }
    expect((await against({ body }, ['ls'])).text).toBe('a\nb\nc\n')
    expect((await against({ body }, ['ls', 'p', '--values'])).text).toBe('a\tx\nb\nc\tbase64:/w==\n')
    const lines = (await against({ body }, ['ls', '--json'])).text.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(items)
  })

  test('--limit and --after', async () => {
    const ran = await against({ body: { items, next: 'c' } }, ['ls', '--limit', '2', '--after', '0'])
    expect(ran.text).toBe('a\nb\n')
    expect(ran.requests.map(({ url }) => url)).toEqual(['/v1/kv?after=0&limit=2'])
  })

  test('--until and --reverse go to the daemon, page after page', async () => {
    const pages = [
      { items: items.slice(1), next: 'b' },
      { items: items.slice(0, 1), next: null },
    ]
    const ran = await against(() => ({ body: pages.shift() }), ['ls', 'p', '--reverse', '--until', 'a'])
    expect(ran.text).toBe('b\nc\na\n')
    expect(ran.requests.map(({ url }) => url)).toEqual([
      '/v1/kv?prefix=p&until=a&reverse=true&limit=1000',
      '/v1/kv?prefix=p&until=a&reverse=true&limit=1000&after=b',
    ])
  })

  test('--count adds up what the daemon counts, and says for people what there is', async () => {
    const answer = ({ url }: { url: string }) =>
      url.includes('after=m')
        ? { body: { items: [], next: null, count: { keys: 2, types: { reg: 1, ctr: 1 } } } }
        : { body: { items: [], next: 'm', count: { keys: 1_000, types: { reg: 1_000, set: 1 } } } }
    const ran = await against(answer, ['ls', 'p', '--count'])
    expect(ran).toMatchObject({ exit: 0, text: '1002\n' })
    expect(ran.requests.map(({ url }) => url)).toEqual([
      '/v1/kv?prefix=p&count=true',
      '/v1/kv?prefix=p&after=m&count=true',
    ])
    expect((await against(answer, ['ls', '--count'], { terminal: true })).text).toBe(
      '1,002 keys: 1,001 values, 1 counter, 1 set\n',
    )
    expect(JSON.parse((await against(answer, ['ls', '--count', '--json'])).text)).toEqual({
      keys: 1_002,
      types: { reg: 1_001, set: 1, ctr: 1 },
    })
    expect(await against({}, ['ls', '--count', '--limit', '3'])).toMatchObject({ exit: 2, requests: [] })
  })

  test('on a terminal control characters in keys are shown, not obeyed', async () => {
    const body = { items: [{ key: '\u001b[2Jx', types: ['reg'], siblings: 1 }], next: null }
    const ran = await against({ body }, ['ls'], { terminal: true, environment: { NO_COLOR: '1' } })
    expect(ran.text).toBe('\\u001b[2Jx\n')
  })
})
