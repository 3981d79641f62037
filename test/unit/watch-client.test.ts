/** `client.watch` and `hearsay watch` against a daemon that breaks off, refuses, and comes back. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sseBlocks } from '../../cli/client/sse.js'
import { connect, type WatchEvent } from '../../cli/client.js'
import { runCli } from '../support/run-cli.js'

/** What the fake daemon does with one request for the feed. */
type Reply = (response: ServerResponse) => void

let folder: string
let asked: string[]
let replies: Reply[]
let server: ReturnType<typeof createServer>
const api = () => `unix:${join(folder, 's')}`

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hearsay-watch-'))
  asked = []
  replies = []
  server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const reply = replies.shift() ?? ((it: ServerResponse) => it.writeHead(200).write(': \n\n'))
    reply(response)
  })
  await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})

const event = (at: number, more: object = {}) => ({
  key: `k${at}`,
  type: 'reg',
  field: '',
  op: 'put',
  dot: `00000000000000aa:${at}`,
  node: 'ann',
  time: '2030-01-01T00:00:00.000Z',
  value: `v${at}`,
  encoding: 'utf8',
  ...more,
})
const frame = (at: number, more: object = {}) => `id: c${at}\ndata: ${JSON.stringify(event(at, more))}\n\n`
const problem = (status: number, code: string) => (response: ServerResponse) =>
  void response
    .writeHead(status, { 'Content-Type': 'application/problem+json' })
    .end(JSON.stringify({ status, code, detail: 'no' }))
const send =
  (text: string, end: 'ends' | 'breaks' | 'stays'): Reply =>
  (response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.write(text, () => {
      if (end === 'ends') response.end()
      if (end === 'breaks') response.socket?.destroy()
    })
  }

async function take(count: number, options: object = {}): Promise<WatchEvent[]> {
  const client = connect({ api: api(), environment: {} })
  const events: WatchEvent[] = []
  for await (const one of client.watch(options)) {
    events.push(one)
    if (events.length === count) break
  }
  client.close()
  return events
}

describe('client.watch', () => {
  it('goes on at its last cursor after every kind of break, and shows no event that did not come whole', async () => {
    replies = [
      send(`: watching\nid: c0\n\n${frame(1)}${frame(2).slice(0, -10)}`, 'breaks'),
      (response) => void response.socket?.destroy(),
      problem(503, 'TOO_MANY_WATCHERS'),
      send(`${frame(2)}: \nid: c7\n\n`, 'ends'),
      send(frame(8), 'stays'),
    ]
    const retried: number[] = []
    const cursors: string[] = []
    const events = await take(3, {
      prefix: 'k',
      onRetry: (_: unknown, ms: number) => retried.push(ms),
      onCursor: (cursor: string) => cursors.push(cursor),
    })
    expect(events).toEqual([1, 2, 8].map((at) => ({ ...event(at), cursor: `c${at}` })))
    expect(asked.map((url) => new URL(url, 'http://x').searchParams.get('since'))).toEqual([
      null,
      'c1',
      'c1',
      'c1',
      'c7',
    ])
    expect(asked.every((url) => url.includes('prefix=k'))).toBe(true)
    expect(cursors).toEqual(['c0', 'c1', 'c2', 'c7'])
    expect(retried.length).toBe(4)
    expect(retried[2]!).toBeGreaterThan(retried[0]!)
  })

  it('throws what the first connection meets, and what a later one is refused', async () => {
    for (const [status, code] of [
      [400, 'BAD_CURSOR'],
      [503, 'TOO_MANY_WATCHERS'],
    ] as const) {
      replies = [problem(status, code)]
      await expect(take(1)).rejects.toMatchObject({ code, status })
    }
    replies = [send(frame(1), 'ends'), problem(410, 'CURSOR_GONE')]
    await expect(take(2, { since: '0' })).rejects.toMatchObject({ code: 'CURSOR_GONE', status: 410 })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await expect(take(1)).rejects.toMatchObject({ code: 'UNREACHABLE_DAEMON' })
  })

  it('ends with its signal, while it waits for events and while it waits to try again', async () => {
    for (const reply of [send(frame(1), 'stays'), send(frame(1), 'ends')]) {
      replies = [reply, (response) => void response.socket?.destroy()]
      const ended = new AbortController()
      const events: string[] = []
      const watching = (async () => {
        for await (const { key } of connect({ api: api(), environment: {} }).watch({ signal: ended.signal })) {
          events.push(key)
        }
      })()
      await expect.poll(() => events).toEqual(['k1'])
      ended.abort()
      await watching
    }
  })

  it('sends nothing when its signal is aborted already, and leaves the daemon when its reader does', async () => {
    const client = connect({ api: api(), environment: {} })
    const { value } = await client.watch({ signal: AbortSignal.abort() }).next()
    expect([value, asked]).toEqual([undefined, []])
    const left = new Promise<void>((resolve) => {
      replies = [(response) => void send(frame(1), 'stays')(response.on('close', resolve))]
    })
    for await (const { key } of client.watch()) if (key === 'k1') break
    await left
  })

  it('waits for a daemon that is away for a while, however its socket looks meanwhile', async () => {
    replies = [send(frame(1), 'ends')]
    let retries = 0
    const events = take(2, {
      onRetry: () => {
        retries++
        if (retries === 1) server.close()
        if (retries === 3) server.listen(join(folder, 's'))
      },
    })
    await expect.poll(() => asked.length, { timeout: 20_000 }).toBeGreaterThan(0)
    replies = [send(frame(2), 'stays')]
    expect((await events).map(({ key }) => key)).toEqual(['k1', 'k2'])
    expect(asked.at(-1)).toContain('since=c1')
  })

  it('reads events that come in any pieces', async () => {
    const text = `: x\n\n${frame(1)}: \nid: c2\n\n${frame(3, { value: 'ünï' })}id: c4\ndata: cut`
    for (const size of [1, 2, 3, 7, 1000]) {
      const bytes = Buffer.from(text)
      const pieces = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
      }
      const blocks: unknown[] = []
      for await (const block of sseBlocks(pieces())) blocks.push(block)
      expect(blocks).toEqual([
        { name: undefined, id: 'c1', data: JSON.stringify(event(1)) },
        { name: undefined, id: 'c2', data: undefined },
        { name: undefined, id: 'c3', data: JSON.stringify(event(3, { value: 'ünï' })) },
      ])
    }
  })
})

describe('what there is first', () => {
  const end = (at: number) => `event: initial-end\nid: c${at}\ndata: {}\n\n`

  it('comes before its end, which is reported once, over a cut too; events of other names are passed over', async () => {
    replies = [
      send(`: watching\nid: c0\n\n${frame(1, { initial: true })}`, 'ends'),
      send(`${frame(2, { initial: true })}${end(2)}event: later\nid: c2\ndata: {}\n\n`, 'ends'),
      send(`${end(2)}${frame(3)}`, 'stays'),
    ]
    const seen: unknown[] = []
    const options = { prefix: 'k', initial: true, onInitialEnd: (cursor: string) => seen.push(cursor) }
    for await (const { key, initial } of connect({ api: api(), environment: {} }).watch(options)) {
      seen.push([key, initial])
      if (key === 'k3') break
    }
    expect(seen).toEqual([['k1', true], ['k2', true], 'c2', ['k3', undefined]])
    const query = (since: string) => `/v1/watch?prefix=k${since}&initial=true`
    expect(asked).toEqual([query(''), query('&since=c1'), query('&since=c2')])
  })

  it('is printed by the command line, and its end between what there is and the changes', async () => {
    const text = `${frame(1, { initial: true })}${end(1)}${frame(2)}`
    replies = [send(text, 'stays'), send(text, 'stays')]
    const ran = await runCli(['watch', '--initial', '--api', api(), '--limit', '2'])
    expect(ran.text).toMatch(/^now {4}k1 {2}v1 .*\nput {4}k2 {2}v2 /)
    expect(ran.stderr).toBe('that is all there is now; changes follow\n')
    const json = await runCli(['watch', '--initial', '--json', '--api', api(), '--limit', '2'])
    expect(
      json.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { ...event(1), initial: true, cursor: 'c1' },
      { initial: 'end', cursor: 'c1' },
      { ...event(2), cursor: 'c2' },
    ])
  })
})

describe('hearsay watch', () => {
  it('prints a line for each event, made safe, and stops at its limit', async () => {
    const text = [
      frame(1, { value: 'two\nlines' }),
      frame(2, { op: 'del', value: null, encoding: null }),
      frame(3, { type: 'map', field: 'f\x1b', value: '/w==', encoding: 'base64' }),
      frame(4, { type: 'set', field: '/g==', fieldEncoding: 'base64', op: 'expire', value: null, encoding: null }),
    ]
    replies = [send(text.join(''), 'stays')]
    const ran = await runCli(['watch', 'k', '--api', api(), '--limit', '4', '--since', 'c0'])
    expect(asked).toEqual(['/v1/watch?prefix=k&since=c0'])
    expect([ran.exit, ran.stderr]).toEqual([0, ''])
    expect(ran.text.split('\n')).toEqual([
      'put    k1  two\\nlines  2030-01-01T00:00:00.000Z  ann',
      'del    k2  2030-01-01T00:00:00.000Z  ann',
      'put    k3 (map f\\u001b)  base64:/w==  2030-01-01T00:00:00.000Z  ann',
      'expire k4 (set base64:/g==)  2030-01-01T00:00:00.000Z  ann',
      '',
    ])
  })

  it('ends with 0 when interrupted, after it has said once that the daemon does not answer', async () => {
    replies = [send(frame(1), 'ends'), ...Array<Reply>(3).fill((response) => void response.socket?.destroy())]
    const interrupt = new AbortController()
    const running = runCli(['watch', '--json', '--api', api()], { interrupt: interrupt.signal })
    await expect.poll(() => asked.length, { timeout: 20_000 }).toBeGreaterThan(4)
    interrupt.abort()
    const ran = await running
    expect(ran.exit).toBe(0)
    expect(JSON.parse(ran.text)).toEqual({ ...event(1), cursor: 'c1' })
    expect(ran.stderr.match(/does not answer/g)?.length).toBe(1)
  })

  it('runs a command for each event, in order, one at a time, and goes on whatever becomes of it', async () => {
    const out = join(folder, 'out')
    replies = [
      send(
        [
          frame(1, { value: 'x'.repeat(300_000) }),
          frame(2, { value: '/w==', encoding: 'base64' }),
          frame(3, { key: 'nul\0' }),
          frame(4),
        ].join(''),
        'stays',
      ),
    ]
    const script = `
      case $HEARSAY_KEY in k1) echo "$HEARSAY_OP $HEARSAY_TYPE $HEARSAY_DOT $HEARSAY_CURSOR $HEARSAY_NODE" >>${out}; exit 0;; esac
      printf '%s ' "$HEARSAY_KEY" >>${out}; od -An -tx1 >>${out}
      [ "$HEARSAY_KEY" = k4 ] && kill -9 $$
      exit 5`
    const ran = await runCli(['watch', '--api', api(), '--limit', '4', '--json', '--exec', script])
    expect(ran.exit).toBe(0)
    expect(
      ran.text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line).exit),
    ).toEqual([0, 5, 5, 137])
    expect(readFileSync(out, 'utf8').split('\n')).toEqual([
      'put reg 00000000000000aa:1 c1 ann',
      'k2  ff',
      '  76 33',
      'k4  76 34',
      '',
    ])
  })
})
