/**
 * The change feed of real daemons: over kill -9 of either side, behind a log that was cut, and where updates are learnt
 * from the tree alone.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WatchEvent } from '../../cli/client.js'
import { allEqual, connectedTo, type Daemon, Fleet, until } from './daemons.js'

const program = fileURLToPath(new URL('../../dist/cli/hearsay.js', import.meta.url))

/** A client that collects what it sees. */
class Collected {
  readonly events: WatchEvent[] = []
  cursor: string | undefined
  failure: unknown
  readonly #ended = new AbortController()
  readonly done: Promise<void>

  constructor(daemon: Daemon, options: { prefix?: string; since?: string } = {}) {
    this.done = this.#collect(daemon, options)
  }

  async #collect(daemon: Daemon, options: { prefix?: string; since?: string }): Promise<void> {
    const onCursor = (cursor: string) => {
      this.cursor = cursor
    }
    try {
      for await (const event of daemon.client.watch({ ...options, signal: this.#ended.signal, onCursor })) {
        this.events.push(event)
      }
    } catch (error) {
      this.failure = error
    }
  }

  async stands(): Promise<this> {
    await until(
      'the watch to stand',
      async () => this.cursor,
      (cursor) => cursor !== undefined,
    )
    return this
  }

  async has(count: number): Promise<void> {
    await until(
      `${count} events`,
      async () => this.events.length,
      (length) => length >= count,
    )
  }

  async end(): Promise<void> {
    this.#ended.abort()
    await this.done
  }
}

const told = (events: readonly WatchEvent[]) => events.map(({ op, key, value }) => [op, key, value])

describe('watch', { timeout: 120_000 }, () => {
  let fleet: Fleet
  const children: ChildProcess[] = []
  const readers: Collected[] = []
  beforeEach(async () => {
    fleet = await Fleet.create()
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    for (const reader of readers.splice(0)) await reader.end()
    await fleet.end()
  })

  function collect(daemon: Daemon, options: { prefix?: string; since?: string } = {}): Promise<Collected> {
    const collected = new Collected(daemon, options)
    readers.push(collected)
    return collected.stands()
  }

  /** The command line as a process; what it has printed so far. */
  function cli(daemon: Daemon, args: readonly string[]): { child: ChildProcess; stdout: () => string } {
    const child = spawn(process.execPath, [program, 'watch', '--data', daemon.data, ...args])
    children.push(child)
    let stdout = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    return { child, stdout: () => stdout }
  }

  it('goes on over kill -9 of the daemon: every acknowledged write once, in its order', async () => {
    const daemon = await fleet.add('one')
    const all = await collect(daemon, { since: '0' })
    const some = await collect(daemon, { prefix: 'even/' })
    const acknowledged: string[] = []
    for (let round = 0; round < 3; round++) {
      // Killed while a write is under way, at a moment that nobody chose.
      let isKilled = false
      for (let at = 0; !isKilled; at++) {
        const key = at % 2 === 0 ? `even/${at % 3}` : `odd/${at % 3}`
        const writing =
          at % 5 === 4 ? daemon.client.delete(key, { all: true }) : daemon.client.put(key, `${round}/${at}`)
        // It may be stored or not when its answer is lost; a delete of nothing is refused.
        const settled = Promise.resolve(writing).catch(() => undefined)
        if (at === 17 + round) {
          isKilled = true
          await daemon.kill()
        }
        const written = await settled
        if (written !== undefined) acknowledged.push(written.dot)
      }
      await daemon.start()
    }
    await daemon.client.put('even/last', 'x')
    await all.has(1)
    await until(
      'the last event',
      async () => [all, some].map(({ events }) => events.at(-1)?.key),
      (last) => last.every((key) => key === 'even/last'),
    )
    const dots = all.events.map(({ dot }) => dot)
    expect(new Set(dots).size).toBe(dots.length)
    expect(dots.filter((dot) => acknowledged.includes(dot))).toEqual(acknowledged)
    expect(told(some.events)).toEqual(told(all.events.filter(({ key }) => key.startsWith('even/'))))
    expect(all.events.some(({ op }) => op === 'del')).toBe(true)
    const again = await collect(daemon, { since: all.events[9]!.cursor })
    await again.has(all.events.length - 10)
    expect(told(again.events)).toEqual(told(all.events.slice(10)))
    expect([all.failure, some.failure]).toEqual([undefined, undefined])
  })

  it('on the command line: killed and started again with its last cursor, limited, interrupted, handed to a command', async () => {
    const daemon = await fleet.add('one')
    const first = cli(daemon, ['--json', '--since', '0', 'k'])
    const lines = (text: string) => text.split('\n').slice(0, -1)
    // One by one: of what was written over before the reader stands nothing need be kept.
    for (let at = 0; at < 3; at++) {
      await daemon.client.put('k', `${at}`)
      await until(
        `line ${at + 1}`,
        async () => lines(first.stdout()).length,
        (count) => count === at + 1,
      )
    }
    first.child.kill('SIGKILL')
    await once(first.child, 'close')
    const { cursor } = JSON.parse(lines(first.stdout())[2]!) as WatchEvent
    await daemon.client.put('k', 'missed')
    await daemon.client.delete('k')
    await daemon.kill()
    await daemon.start()
    const second = await daemon.cli(['watch', '--json', '--since', cursor, '--limit', '2'])
    expect(second.exit).toBe(0)
    expect(told(lines(second.stdout.toString()).map((line) => JSON.parse(line) as WatchEvent))).toEqual([
      ['put', 'k', 'missed'],
      ['del', 'k', null],
    ])
    const script = 'echo "$HEARSAY_OP $HEARSAY_KEY $HEARSAY_TYPE $(cat)"; exit 7'
    const third = await daemon.cli(['watch', '--since', cursor, '--limit', '2', '--exec', script])
    expect([third.exit, third.stdout.toString()]).toEqual([0, 'put k reg missed\ndel k reg \n'])
    expect(third.stderr).toBe('exit 7  put k\nexit 7  del k\n')
    const fourth = cli(daemon, ['--since', cursor])
    await until(
      'two lines',
      async () => lines(fourth.stdout()).length,
      (count) => count === 2,
    )
    fourth.child.kill('SIGINT')
    expect(await once(fourth.child, 'close')).toEqual([0, null])
    expect(fourth.stdout()).toMatch(/^put {4}k {2}missed {2}\S+ {2}one\ndel {4}k {2}\S+ {2}one\n$/)
  })

  it('says that a cursor is too old when the log has dropped what follows', async () => {
    const daemon = await fleet.add('one', ['--log-max-bytes', '1KiB'])
    const reader = await collect(daemon, { since: '0' })
    await daemon.client.put('k', 'first')
    await reader.has(1)
    await reader.end()
    const [{ cursor }] = reader.events as [WatchEvent]
    for (let at = 0; at < 5; at++) await daemon.client.put('k', `${at}`.repeat(1000))
    await until(
      'the log to be cut',
      () => daemon.cli(['watch', '--since', cursor, '--limit', '1', '--json']),
      ({ exit }) => exit === 3,
    )
    const refused = await daemon.cli(['watch', '--since', cursor])
    expect([refused.exit, refused.stderr]).toEqual([3, expect.stringContaining('error CURSOR_GONE')])
    const gone = new Collected(daemon, { since: cursor })
    await gone.done
    expect(gone.failure).toMatchObject({ code: 'CURSOR_GONE', status: 410, exit: 3 })
    const malformed = await daemon.cli(['watch', '--since', 'nonsense'])
    expect([malformed.exit, malformed.stderr]).toEqual([2, expect.stringContaining('error BAD_CURSOR')])
    const whole = await collect(daemon, { since: '0' })
    await whole.has(1)
    expect(whole.events.at(-1)).toMatchObject({ key: 'k', value: '4'.repeat(1000) })
  })

  it('tells of what is learnt from the tree alone, with the dots that were removed', async () => {
    const daemons = await fleet.mesh(['one', 'two'], ['--log-max-bytes', '1'])
    const [one, two] = daemons as [Daemon, Daemon]
    const doomed = await one.client.put('doomed', 'x')
    await one.client.put('changed', 'old')
    await allEqual(daemons)
    const reader = await collect(two)
    await two.client.block(['one'])
    await connectedTo(one, 0)
    await one.client.delete('doomed')
    const changed = await one.client.put('changed', 'new')
    // Cut off, and with a log that keeps nothing: two can learn of the delete from the tree alone.
    await until(
      'the log to be empty',
      () => one.client.status(),
      (status) => status.log.bytes === 0,
    )
    await two.client.unblock()
    await connectedTo(two, 1)
    await allEqual(daemons)
    await until(
      'the events',
      async () => reader.events,
      (events) => events.some(({ key }) => key === 'doomed') && events.some(({ value }) => value === 'new'),
    )
    const of = (key: string) => reader.events.filter((event) => event.key === key)
    expect(of('doomed')).toMatchObject([{ op: 'del', dot: doomed.dot, node: 'one', value: null }])
    expect(of('changed').filter(({ op }) => op === 'put')).toMatchObject([
      { dot: changed.dot, node: 'one', value: 'new' },
    ])
    expect(reader.failure).toBeUndefined()
  })
})
