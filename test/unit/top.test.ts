/**
 * `hearsay top`: what its screen shows, what keys do, figures and rates; the terminal itself is tried in
 * cli-terminal.test.ts.
 */
import { describe, expect, it } from 'vitest'
import { connect } from '../../cli/client.js'
import { commands } from '../../cli/commands/table.js'
import type { Io } from '../../cli/io.js'
import { widthOf } from '../../cli/text-width.js'
import { runLine, wordsOfLine } from '../../cli/top/inner-command.js'
import { afterEvent, initialState, type Key, type TopEvent, type TopState } from '../../cli/top/model.js'
import { type Look, render, sentence } from '../../cli/top/render.js'
import { figuresOf, ratesBetween, type TopSample } from '../../cli/top/sample.js'
import { pressedKey } from '../../cli/top/screen.js'
import { PollingSource } from '../../cli/top/source.js'
import type { Member } from '../../protocols/api/mesh.js'
import { conflictAnswer, memberAnswer, status } from '../support/answers.js'
import { against, fake, stopFakes } from '../support/run-against.js'
import { runCli } from '../support/run-cli.js'

const plain: Look = { good: same, warn: same, bad: same, faint: same, strong: same }
function same(text: string): string {
  return text
}

const equal: Member = {
  ...memberAnswer,
  name: 'ann',
  peer: '12D3ann',
  converged: true,
  behind: 0,
  lastEqual: '1970-01-01T00:01:38.000Z',
  hints: { updates: 0, bytes: 0, since: null },
}
const away: Member = {
  ...memberAnswer,
  name: 'pi',
  peer: '12D3pi',
  connected: false,
  behind: 1_204,
  lastSeen: '1970-01-01T00:00:00.000Z',
  hints: { updates: 1_204, bytes: 12 * 1024 ** 2, since: null },
}
const page = (writes: number, completed: number) => `# TYPE hearsay_http_answers_total counter
hearsay_http_answers_total{method="PUT",route="/v1/kv/:key",status="200"} ${writes}
hearsay_http_answers_total{method="GET",route="/v1/kv/:key",status="200"} 40
hearsay_http_answers_total{method="GET",route="/v1/status",status="200"} 900
hearsay_gossip_updates_applied_total 7
hearsay_sync_completed_total ${completed}
hearsay_sync_entries_sent_total ${14 * completed}
hearsay_sync_bytes_sent_total ${1_024 * completed}
process_resident_memory_bytes 83886080
`
const sample = (atMs: number, change: Partial<TopSample> = {}): TopSample => ({
  atMs,
  status: { ...status, conflicts: 1, root: '92f91c36aabb', warnings: [], blocked: [], members: [equal, away] },
  findings: [
    { level: 'warn', check: 'member', text: 'pi: away for 3 days', remedy: 'start it' },
    { level: 'warn', check: 'conflicts', text: '1 key in conflict', remedy: null },
    { level: 'ok', check: 'disk', text: '40 GiB free', remedy: null },
  ],
  conflicts: [{ key: 'cart/7', siblings: 2, nodes: ['ann', 'eve'] }],
  figures: figuresOf(page(0, 0)),
  ...change,
})

const nowMs = 100_000
const after = (state: TopState, ...events: TopEvent[]) =>
  events.reduce((next, event) => afterEvent(next, event).state, state)
const typed = (state: TopState, text: string) =>
  after(state, ...[...text].map((one): TopEvent => ({ kind: 'key', key: { text: one } })))
const pressed = (state: TopState, name: Extract<Key, { name: string }>['name']) =>
  afterEvent(state, { kind: 'key', key: { name } })
const shown = (state: TopState) => render(state, plain, nowMs).join('\n')

const first = after(initialState(80, 22), { kind: 'sample', sample: sample(97_000) })
const second = after(first, { kind: 'sample', sample: sample(99_000, { figures: figuresOf(page(50, 2)) }) })

describe('the screen', () => {
  it('says first whether everything is safe, then shows members, sync and conflicts', () => {
    expect(shown(second)).toBe(`alpha  1 of 2 members has everything; pi is away, 1,204 updates behind
1,234 entries · 1 conflict · root 92f91c36 · memory 80.0 MiB
writes 25/s  reads 0.0/s  gossip 0.0/s in, 0.0/s out  sync 0 B/s in, 1.0 KiB/s …
! pi: away for 3 days

MEMBER  STATE  BEHIND  AHEAD  LAST EQUAL  LAST SEEN  CLOCK  HINTS
ann     equal  -       -      2 s ago     now        -3 ms  -
pi      away   1,204   -      2 min ago   2 min ago  -3 ms  12.0 MiB

SYNC
1 s ago  2 sessions: 28 out, 0 entries in, 2.0 KiB

CONFLICTS
cart/7  2 siblings: ann, eve







/ filter  : command  j k scroll  q quit`)
  })

  it('has as many lines as rows, none wider than its columns, whatever the size', () => {
    const many = Array.from({ length: 300 }, (_, at) => ({
      ...equal,
      name: `member-number-${at}-日本語`,
      peer: `p${at}`,
    }))
    const crowded = after(second, {
      kind: 'sample',
      sample: sample(99_500, { status: { ...status, members: many } }),
    })
    for (const [columns, rows] of [
      [80, 24],
      [40, 12],
      [20, 6],
      [19, 3],
      [200, 60],
      [1, 1],
    ] as const) {
      for (const state of [second, crowded, initialState(1, 1)]) {
        const lines = render(after(state, { kind: 'size', columns, rows }), plain, nowMs)
        expect(lines).toHaveLength(rows)
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns)
      }
    }
    expect(shown(after(crowded, { kind: 'size', columns: 80, rows: 24 }))).toMatch(/… \d+ more \(j and k scroll\)/)
  })

  it('says that the daemon is gone, and keeps what was last known', () => {
    const gone = shown(after(second, { kind: 'failed', message: 'no daemon answers', atMs: 99_500 }))
    expect(gone).toMatch(/^the daemon does not answer, last seen 1 s ago: no daemon answers\nalpha /)
    expect(shown(after(initialState(80, 24), { kind: 'failed', message: 'x', atMs: 1 }))).toMatch(
      /^the daemon does not/,
    )
    expect(shown(initialState(80, 24))).toMatch(/^asking the daemon/)
  })

  it.each([
    [[], 'alone: no other member holds a copy'],
    [[equal], 'all 2 nodes have everything'],
    [[equal, { ...away, blocked: true }], '1 of 2 members has everything; pi is blocked, 1,204 updates behind'],
    [[{ ...memberAnswer, behind: 0 }], '0 of 1 member have everything; beta is not equal'],
  ])('describes the mesh in a sentence', (members, text) => {
    expect(sentence({ status: { ...status, members } })).toBe(text)
  })

  it('obeys nothing that a name or a key holds', () => {
    const evil = { ...away, name: 'a\u001b[2J' }
    const text = shown(
      after(second, { kind: 'sample', sample: sample(99_500, { status: { ...status, members: [evil] } }) }),
    )
    expect(text).not.toContain('\u001b')
  })
})

describe('keys', () => {
  it('/ filters members and conflicts as one types; Esc clears it', () => {
    const filtered = typed(second, '/pi')
    expect(shown(filtered)).not.toMatch(/^ann|cart/m)
    expect(shown(filtered)).toMatch(/\n\/pi_$/)
    const kept = pressed(filtered, 'enter').state
    expect(shown(kept)).toMatch(/\n\/ filter: pi \(Esc clears\) {2}: command/)
    expect(shown(typed(kept, '/x'))).toContain("no member matches 'pix'")
    expect(shown(pressed(typed(kept, '/x'), 'backspace').state)).toMatch(/^pi /m)
    expect(pressed(kept, 'escape').state.filter).toBe('')
  })

  it(': takes a command and shows what it printed; up brings it back', () => {
    const line = typed(second, ':sync pi')
    const { state, effect } = pressed(line, 'enter')
    expect(effect).toEqual({ kind: 'run', command: 'sync pi' })
    expect(shown(state)).toMatch(/running … q leaves$/)
    expect(typed(state, ':').entry).toBeUndefined()
    const answer = { command: 'sync pi', exit: 1, lines: ['error UNREACHABLE: pi is not connected', 'x\u001b[2J'] }
    const answered = after(state, { kind: 'answer', answer })
    expect(shown(answered)).toContain(
      'hearsay sync pi  (exit code 1)\nerror UNREACHABLE: pi is not connected\nx\\u001b[2J',
    )
    expect(shown(pressed(answered, 'escape').state)).toContain('CONFLICTS')
    const again = pressed(typed(answered, ':'), 'up').state
    expect(again.entry?.text).toBe('sync pi')
    expect(pressed(again, 'down').state.entry?.text).toBe('')
    expect(pressed(typed(second, ':'), 'backspace').state.entry).toBeUndefined()
    expect(pressed(typed(second, ': '), 'enter').effect).toBeUndefined()
  })

  it('q leaves, but is a letter where one types', () => {
    const quit = (state: TopState) => afterEvent(state, { kind: 'key', key: { text: 'q' } }).effect
    expect(quit(second)).toEqual({ kind: 'quit' })
    expect(quit(typed(second, '/'))).toBeUndefined()
    expect(pressed(typed(second, ':q'), 'enter').effect).toEqual({ kind: 'quit' })
  })

  it('are those of the terminal', () => {
    expect(pressedKey('\r', 'return', false)).toEqual({ name: 'enter' })
    expect(pressedKey('ä', undefined, false)).toEqual({ text: 'ä' })
    expect(pressedKey('\u0001', 'a', true)).toBeUndefined()
    expect(pressedKey(undefined, 'f1', false)).toBeUndefined()
  })
})

describe('figures', () => {
  it('count requests for data alone, and rates end with a restart', () => {
    expect(figuresOf(page(3, 2))).toMatchObject({
      writes: 3,
      reads: 40,
      gossipApplied: 7,
      completed: 2,
      rss: 83_886_080,
    })
    expect(figuresOf('')).toMatchObject({ writes: 0, completed: 0 })
    const before = sample(0, { figures: figuresOf(page(10, 0)) })
    expect(ratesBetween(before, sample(2_000, { figures: figuresOf(page(30, 0)) }))?.writes).toBe(10)
    expect(ratesBetween(before, sample(2_000, { figures: figuresOf(page(0, 0)) }))).toBeUndefined()
    expect(ratesBetween(before, { ...before })).toBeUndefined()
  })

  it('come from status and metrics, findings and conflicts only now and then', async () => {
    const bodies = (url: string) => {
      if (url === '/metrics') return Buffer.from(page(1, 1))
      if (url === '/v1/doctor') return { findings: [] }
      return url.startsWith('/v1/conflicts') ? { items: [conflictAnswer], next: null } : { ...status, conflicts: 1 }
    }
    const { api, requests } = await fake(({ url }) => ({ body: bodies(url) }))
    const client = connect({ api })
    const source = new PollingSource(client, () => 5)
    const got = await source.next()
    expect([got.status.node, got.figures.writes, got.conflicts]).toEqual([
      'alpha',
      1,
      [{ key: 'k', siblings: 2, nodes: ['alpha', 'beta'] }],
    ])
    const asked = requests.length
    expect((await source.next()).conflicts).toEqual(got.conflicts)
    expect(requests.length).toBe(asked + 2)
    client.close()
    await stopFakes()
  })
})

describe('a command inside', () => {
  it.each([
    ['sync pi', ['sync', 'pi']],
    [`put 'a b' "c \\"d\\""  e\\ f`, ['put', 'a b', 'c "d"', 'e f']],
    [`put k ''`, ['put', 'k', '']],
  ])('%s is split as a shell does', (line, words) => {
    expect(wordsOfLine(line)).toEqual(words)
  })

  it('runs against the same daemon, and not where it would need the terminal', async () => {
    const io = { environment: {}, columns: 80, nowMs: () => 0 } as unknown as Io
    const calls: string[][] = []
    const run = async (argv: readonly string[], inner: Io) => {
      calls.push([...argv])
      inner.stdout.write('one\n')
      inner.stderr.write('two\n')
      return 3
    }
    const { signal } = new AbortController()
    const answer = await runLine('hearsay get k', ['--data', '/d'], io, run, signal)
    expect(answer).toEqual({ command: 'get k', exit: 3, lines: ['one', 'two'] })
    expect(calls).toEqual([['--data', '/d', 'get', 'k']])
    for (const line of ['top', 'hearsay daemon', 'watch', 'doc edit k', 'hearsay']) {
      expect((await runLine(line, [], io, run, signal)).exit).toBe(2)
    }
    expect(calls).toHaveLength(1)
  })
})

it('top refuses to run without a terminal, and says what scripts use', async () => {
  const ran = await runCli(['top'])
  expect(ran).toMatchObject({ exit: 2, text: '' })
  expect(ran.stderr).toContain('`top` needs a terminal; scripts read `hearsay status --json`')
  const dumb = await against({ body: status }, ['top'], { terminal: true, environment: { TERM: 'dumb' } })
  expect(dumb.exit).toBe(2)
  expect(commands.some(({ name }) => name === 'top')).toBe(true)
})
