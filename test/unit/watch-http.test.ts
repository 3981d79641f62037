/**
 * The change feed over real sockets: what is sent, what is refused, slow readers, too many of them, and the end of the
 * daemon.
 */
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realEnvironment } from '../../daemon/net/real-environment.js'
import { type HubOptions, WatchHub } from '../../daemon/watch/hub.js'
import { watchHeartbeatMs } from '../../protocols/api/limits.js'
import type { Address } from '../../store/model/address.js'
import { register, systemAddress } from '../../store/model/address.js'
import { type ApiServer, ask, startApiServer } from '../support/api-server.js'
import { type OpenReplica, openNode } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'

let server: ApiServer
let node: OpenReplica
let hub: WatchHub
const open: ClientRequest[] = []

beforeEach(async () => {
  server = await startApiServer()
  node = await openNode('a')
  node.replica.log.setObligations([])
  serve()
})
afterEach(async () => {
  for (const one of open.splice(0)) one.destroy()
  await server.close()
  await hub.stop()
})

function serve(options: Partial<HubOptions> = {}): void {
  hub = new WatchHub({ replica: node.replica, environment: realEnvironment, nameOf: () => 'ann', ...options })
  node.replica.onCommit((commit) => hub.committed(commit))
  Object.assign(server.services, { watch: hub })
}

async function put(at: Address | string, value: string | Buffer = 'v'): Promise<void> {
  const address = typeof at === 'string' ? register(at) : at
  await node.replica.transact((transaction) => {
    const dots = transaction.versions(address).map(({ dot }) => dot)
    transaction.put(address, Buffer.from(value), null, dots)
  })
}

async function remove(key: string): Promise<void> {
  await node.replica.transact((transaction) => {
    const dots = transaction.versions(register(key)).map(({ dot }) => dot)
    transaction.remove(register(key), dots)
  })
}

interface Stream {
  readonly response: IncomingMessage
  text: string
  ended: boolean
  /** The data of the events so far. */
  events(): Record<string, unknown>[]
  ids(): string[]
}

/** Opens a stream; the first bytes have come when it resolves. */
function watch(query = '', headers: Record<string, string> = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: server.socketPath, path: `/v1/watch${query}`, headers, agent: false })
    open.push(sent)
    sent.on('error', reject)
    sent.on('response', (response) => {
      // A line counts once it is whole.
      const linesOf = (name: string) =>
        [...stream.text.matchAll(new RegExp(`^${name}: (.*)\\n`, 'gm'))].map((found) => found[1]!)
      const stream: Stream = {
        response,
        text: '',
        ended: false,
        events: () => linesOf('data').map((json) => JSON.parse(json) as Record<string, unknown>),
        ids: () => linesOf('id'),
      }
      response.on('data', (chunk: Buffer) => {
        stream.text += chunk.toString()
      })
      response.on('error', () => {})
      response.on('close', () => {
        stream.ended = true
      })
      response.once('data', () => resolve(stream))
    })
    sent.end()
  })
}

const refused = async (query: string, headers: Record<string, string> = {}) => {
  const answer = await ask(server, { path: `/v1/watch${query}`, headers })
  expect(answer.headers['content-type']).toContain('application/problem+json')
  return [answer.status, answer.json().code]
}

describe('a reader', () => {
  it('gets one event for each update, from now on, with its cursor', async () => {
    await put('before')
    const stream = await watch()
    expect(stream.response.headers['content-type']).toContain('text/event-stream')
    await put('k', 'héllo\nworld')
    await put('k', Buffer.of(0xff))
    await put(systemAddress('record'))
    await remove('k')
    await expect.poll(() => stream.events().length).toBe(3)
    const { actor } = node.replica.runs
    const common = { key: 'k', type: 'reg', field: '', node: 'ann', time: '2030-01-01T00:00:00.000Z' }
    expect(stream.events()).toEqual([
      { ...common, op: 'put', dot: `${actor}:2`, value: 'héllo\nworld', encoding: 'utf8', supersedes: [] },
      { ...common, op: 'put', dot: `${actor}:3`, value: '/w==', encoding: 'base64', supersedes: [`${actor}:2`] },
      { ...common, op: 'del', dot: `${actor}:5`, value: null, encoding: null, supersedes: [`${actor}:3`] },
    ])
    expect(stream.text.startsWith(':')).toBe(true)
    expect(stream.text).toMatch(/\n\n$/)
  })

  it('names at most a hundred superseded dots, read from the disk and on the way alike', async () => {
    const stream = await watch()
    await node.replica.transact((transaction) => {
      const dots = Array.from({ length: 103 }, (_, at) => transaction.put(register('k'), Buffer.of(at), null, []))
      transaction.put(register('k'), Buffer.from('all'), null, dots)
    })
    const late = await watch('?since=0')
    for (const one of [stream, late]) {
      await expect.poll(() => one.events().length).toBe(104)
      expect(one.events().at(-1)).toMatchObject({ value: 'all', supersedes: { length: 100 }, supersedesMore: 3 })
      expect(one.events()[0]).not.toHaveProperty('supersedesMore')
    }
  })

  it('with initial gets what there is, its end, and then the changes, also over a cut', async () => {
    for (const key of ['a', 'b', 'b', 'c', 'other']) await put(key, key)
    await remove('c')
    const stream = await watch('?initial=true')
    const frames = (text: string) =>
      [...text.matchAll(/^(?:event: (.*)\n)?id: .*\ndata: (.*)\n/gm)].map(([, name, data]) => {
        const { key, op, initial } = JSON.parse(data!)
        return name ?? [op, key, initial]
      })
    await put('a', 'new')
    const whole = [
      ['put', 'a', true],
      ['put', 'b', true],
      ['put', 'other', true],
      'initial-end',
      ['put', 'a', undefined],
    ]
    await expect.poll(() => frames(stream.text)).toEqual(whole)
    const [start, first] = stream.ids()
    // `a` has been written over since: its old value is not there any more, and the new one is a change.
    const again = await watch(`?initial=true&since=${start}`)
    await expect.poll(() => frames(again.text)).toEqual(whole.slice(1))
    const browser = await watch('?initial=true', { 'last-event-id': first! })
    await expect.poll(() => frames(browser.text)).toEqual(whole.slice(1))
    const empty = await watch('?initial=true&prefix=nothing')
    await expect.poll(() => frames(empty.text)).toEqual(['initial-end'])
    const behind = await watch(`?initial=true&since=${stream.ids().at(-1)}`)
    await expect.poll(() => frames(behind.text)).toEqual(['initial-end'])
  })

  it('with initial is not shown what has expired', async () => {
    await node.replica.transact((transaction) => {
      transaction.put(register('gone'), Buffer.of(1), 1, [])
      transaction.put(register('here'), Buffer.of(1), 8e15, [])
    })
    const stream = await watch('?initial=true')
    await expect.poll(() => stream.text).toContain('initial-end')
    expect(stream.events().map(({ key }) => key)).toEqual(['here', undefined])
  })

  it('goes on behind a cursor, of the query or of Last-Event-ID, which comes first', async () => {
    for (const key of ['a', 'b', 'c']) await put(key)
    const whole = await watch('?since=0')
    await expect.poll(() => whole.events().length).toBe(3)
    const [, first, second] = whole.ids()
    for (const [query, headers, keys] of [
      [`?since=${first}`, {}, ['b', 'c']],
      ['', { 'last-event-id': second! }, ['c']],
      ['?since=0', { 'last-event-id': second! }, ['c']],
      ['?since=0&prefix=b', {}, ['b']],
    ] as const) {
      const stream = await watch(query, headers)
      await expect.poll(() => stream.events().map(({ key }) => key)).toEqual(keys)
    }
  })

  it('sees all types, fields as text or base64, and never what only the key, read, can show', async () => {
    const field = (text: string | Buffer) => new Uint8Array(Buffer.from(text))
    const stream = await watch()
    await put({ key: 's', type: 'set', field: field('member') }, '')
    await put({ key: 'm', type: 'map', field: field(Buffer.of(0xfe)) }, 'of field')
    await put({ key: 'c', type: 'ctr', field: field('') }, 'raw')
    await put({ key: 'd', type: 'doc', field: field('') }, 'raw')
    await expect.poll(() => stream.events().length).toBe(4)
    expect(stream.events()).toMatchObject([
      { key: 's', type: 'set', field: 'member', value: '', encoding: 'utf8' },
      { key: 'm', type: 'map', field: '/g==', fieldEncoding: 'base64', value: 'of field', encoding: 'utf8' },
      { key: 'c', type: 'ctr', field: '', value: null, encoding: null },
      { key: 'd', type: 'doc', field: '', value: null, encoding: null },
    ])
    expect('fieldEncoding' in stream.events()[0]!).toBe(false)
  })

  it('gets a comment line every 15 seconds, with the position reached', async () => {
    const environment = new StillEnvironment()
    serve({ environment })
    const stream = await watch('?prefix=mine/')
    await put('others/1')
    const before = stream.ids().at(-1)!
    for (let beat = 1; beat <= 3; beat++) {
      await expect.poll(() => hub.readers).toBe(1)
      environment.pass(watchHeartbeatMs)
      await expect.poll(() => stream.text.match(/^:/gm)?.length).toBe(1 + beat)
    }
    const last = stream.ids().at(-1)!
    expect([before.split('.')[1], last.split('.')[1]]).toEqual(['0', '1'])
    expect(stream.events()).toEqual([])
    const again = await watch(`?since=${last}`)
    await put('mine/1')
    await expect.poll(() => again.events().map(({ key }) => key)).toEqual(['mine/1'])
  })
})

describe('a cursor', () => {
  it('of what there was, from beyond the end, is refused with 410', async () => {
    await put('a')
    const { id } = node.replica.feed.bounds
    expect(await refused(`?since=${id}.0.00000000.9`)).toEqual([410, 'CURSOR_GONE'])
  })

  it.each(['x', '1', '-1', '00', 'now', '0.0', `${'a'.repeat(16)}.1`, `${'a'.repeat(16)}.1.00000000.1`])(
    'that is malformed is refused with 400: %s',
    async (since) => {
      expect(await refused(`?since=${since}`)).toEqual([400, 'BAD_CURSOR'])
      expect(await refused('', { 'last-event-id': since })).toEqual([400, 'BAD_CURSOR'])
      expect(hub.readers).toBe(0)
    },
  )

  it('of another feed, from beyond the end, or of another history is refused with 410', async () => {
    await put('k')
    const { id } = node.replica.feed.bounds
    expect(await refused(`?since=${'a'.repeat(16)}.0.00000000`)).toEqual([410, 'CURSOR_GONE'])
    expect(await refused(`?since=${id}.2.00000000`)).toEqual([410, 'CURSOR_GONE'])
    expect(await refused(`?since=${id}.1.00000001`)).toEqual([410, 'CURSOR_GONE'])
    expect(await refused('?nonsense=1')).toEqual([400, 'BAD_REQUEST'])
    expect((await ask(server, { method: 'HEAD', path: '/v1/watch' })).status).toBe(405)
  })

  it('behind which the log has dropped something is refused with 410, one in front of that is not', async () => {
    const cursor = (await watch()).ids()[0]!
    node = await openNode('b', { log: { maxBytes: 0, maxAgeMs: Number.POSITIVE_INFINITY } })
    node.replica.log.setObligations([])
    await hub.stop()
    serve()
    await put('kept')
    await put('k', 'one')
    const early = await watch('?since=0')
    await expect.poll(() => early.events().length).toBe(2)
    await put('k', 'two')
    await node.replica.upkeep.trim()
    const [, kept, one] = early.ids()
    expect(await refused(`?since=${cursor}`)).toEqual([410, 'CURSOR_GONE'])
    expect(await refused(`?since=${kept}`)).toEqual([410, 'CURSOR_GONE'])
    const late = await watch(`?since=${one}`)
    await expect.poll(() => late.events().map(({ value }) => value)).toEqual(['two'])
    const whole = await watch('?since=0')
    await expect
      .poll(() => whole.events().map(({ key, value }) => [key, value]))
      .toEqual([
        ['kept', 'v'],
        ['k', 'two'],
      ])
  })
})

describe('many readers, and slow ones', () => {
  it('are refused beyond their limit, and let in when another goes', async () => {
    serve({ watchersMax: 2 })
    const [first] = [await watch(), await watch()]
    expect(await refused('')).toEqual([503, 'TOO_MANY_WATCHERS'])
    first!.response.destroy()
    await expect.poll(() => hub.readers).toBe(1)
    const third = await watch()
    await put('k')
    await expect.poll(() => third.events().length).toBe(1)
  })

  it('one that takes nothing is cut within its bound; memory stays bounded, and others see everything at once', async () => {
    const bytesMax = 256 * 1024
    serve({ stallMs: 1000, recent: { eventsMax: 100, bytesMax } })
    const slow = await watch()
    slow.response.pause()
    const fast = await watch()
    const value = 'x'.repeat(64 * 1024)
    const total = 200
    for (let at = 0; at < total; at++) {
      await put(`k${at}`, value)
      expect(hub.bytes).toBeLessThanOrEqual(bytesMax)
    }
    const hasLast = ({ text }: Stream) =>
      text.slice(-2 * value.length).includes(`"key":"k${total - 1}"`) && text.endsWith('\n\n')
    await expect.poll(() => hasLast(fast), { timeout: 20_000 }).toBe(true)
    expect(fast.events().length).toBe(total)
    await expect.poll(() => hub.counters().watch_cut, { timeout: 20_000 }).toBe(1)
    expect(hub.readers).toBe(1)
    slow.response.resume()
    await expect.poll(() => slow.ended, { timeout: 20_000 }).toBe(true)
    const seen = slow.events().length
    expect(seen).toBeLessThan(total)
    const again = await watch(`?since=${slow.ids()[seen]}`)
    await expect.poll(() => hasLast(again), { timeout: 20_000 }).toBe(true)
    expect([...slow.events(), ...again.events()].map(({ key }) => key)).toEqual(fast.events().map(({ key }) => key))
  })
})

describe('the end', () => {
  it('ends every stream in order when the daemon stops, also one that takes nothing', async () => {
    const stopping = new AbortController()
    Object.assign(server.services, { stopping: stopping.signal })
    const stream = await watch()
    const slow = await watch()
    slow.response.pause()
    for (let at = 0; at < 100; at++) await put(`k${at}`, 'x'.repeat(64 * 1024))
    await expect.poll(() => stream.events().length, { timeout: 20_000 }).toBe(100)
    let failed: unknown
    stream.response.on('error', (error) => {
      failed = error
    })
    const startedMs = performance.now()
    stopping.abort()
    await server.listeners.close(20_000)
    await hub.stop()
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    await expect.poll(() => stream.ended).toBe(true)
    expect([stream.response.complete, failed]).toEqual([true, undefined])
    expect(hub.readers).toBe(0)
  })
})
