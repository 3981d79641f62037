/** Commands of the mesh against a fake daemon: outputs byte for byte, exit codes. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Finding } from '../../protocols/api/doctor.js'
import { memberAnswer, status } from '../support/answers.js'
import { problem } from '../support/fake-api.js'
import { against, stopFakes } from '../support/run-against.js'

afterEach(stopFakes)

const warned: Finding[] = [
  { level: 'warn', check: 'clocks', text: 'the clock is off', remedy: 'set it right' },
  { level: 'warn', check: 'member', text: 'pi: away for 3 days', remedy: null },
  { level: 'warn', check: 'conflicts', text: '2 keys in conflict', remedy: 'settle them' },
  { level: 'ok', check: 'disk', text: '40 GiB free', remedy: null },
]
const answers = ({ url }: { url: string }, body: unknown = status) =>
  url === '/v1/doctor' ? { body: { findings: warned } } : { body }
const verifying = { ...status, verified: false, verification: { rows: 500, ofAbout: 2_000 } }

describe('the mesh', () => {
  test('status says who is behind by how much since when', async () => {
    const ran = await against(answers, ['status'], { nowMs: 100_000 })
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.text).toContain('alpha  12D3a  0.1.0\n1,234 entries, 0 conflicts, root ab\ncut off from gamma\n')
    expect(ran.text).toMatch(/beta +connected +3 updates +- +2 min ago +now +3 \(2\.0 KiB\) since 60 s ago/)
    expect(ran.text).toMatch(/^! clocks: the clock is off\n {2}next: set it right\n! pi: away for 3 days\nalpha {2}/)
    expect(JSON.parse((await against({ body: status }, ['status', '--json'])).text)).toEqual(status)
  })

  test('status takes the warnings of a daemon without a doctor, and says how far its store is verified', async () => {
    const old = ({ url }: { url: string }) =>
      url === '/v1/doctor' ? problem(404, 'NOT_FOUND', 'there is no /v1/doctor') : { body: verifying }
    const ran = await against(old, ['status'])
    expect(ran.text).toMatch(/^! node: the clock is off\nalpha/)
    expect(ran.text).toContain('\nverifying its store: 500 of about 2,000 rows (25 %)\n')
    const many = { findings: Array.from({ length: 1_009 }, () => warned[1]) }
    const crowded = await against(({ url }) => ({ body: url === '/v1/doctor' ? many : status }), ['status'])
    expect(crowded.text).toMatch(/^(! pi: away for 3 days\n){8}! and 1,001 more: hearsay doctor\nalpha/)
  })

  test('status leaves out columns and cuts names where the terminal is narrow, but not in a pipe', async () => {
    const named = { ...status, members: [{ ...memberAnswer, name: 'a-node-with-a-rather-long-name' }] }
    const wide = (columns: number, terminal = true) => {
      const setting = { columns, terminal, nowMs: 100_000, environment: { NO_COLOR: '1' } }
      return against(({ url }) => answers({ url }, named), ['status'], setting)
    }
    for (const columns of [140, 80, 60, 40]) {
      const lines = (await wide(columns)).text.split('\n')
      for (const line of lines.slice(lines.findIndex((one) => one.startsWith('MEMBER')))) {
        expect(line.length).toBeLessThanOrEqual(columns)
      }
    }
    expect((await wide(60)).text).toContain('(too narrow for HINTS, AHEAD, LAST EQUAL)\n')
    expect((await wide(40)).text).toMatch(/^a-node-w\S*… +connected +3 updates/m)
    expect((await wide(40, false)).text).toContain('LAST EQUAL  LAST SEEN  HINTS')
  })

  test('peers are those that are connected', async () => {
    const all = { body: { members: [memberAnswer, { ...memberAnswer, name: 'gone', connected: false }] } }
    const { text } = await against(all, ['peers'])
    expect(text).toMatch(/beta +12D3b +0\.1\.0 +-3 ms +\/ip4\/10\.0\.0\.1\/tcp\/7400/)
    expect(text).not.toContain('gone')
    const lines = (await against(all, ['peers', '--json'])).text.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).name)).toEqual(['beta'])
  })

  test('members --json prints one a line', async () => {
    const ran = await against({ body: { members: [memberAnswer, memberAnswer] } }, ['members', '--json'])
    expect(
      ran.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([memberAnswer, memberAnswer])
  })

  test('wait asks the daemon and ends with 7 when it does not come true', async () => {
    const argv = ['wait', '--peers', '2', '--converged', '--timeout', '1s']
    const done = await against({ body: { ok: true } }, argv)
    expect(done).toMatchObject({ exit: 0, text: 'converged\n' })
    expect(done.requests[0]?.url).toBe('/v1/wait?peers=2&converged=true&timeout=1000ms')
    expect(await against(problem(504, 'TIMED_OUT', 'not yet'), argv)).toMatchObject({ exit: 7, text: '' })
  })

  test('wait says after a moment for whom, and waits on', async () => {
    const late = {
      status: 504,
      body: { code: 'TIMED_OUT', detail: 'too late', waitingFor: 'b has been away for 59 s' },
    }
    const ran = await against(late, ['wait', '--timeout', '10s'])
    expect(ran.requests.map(({ url }) => url)).toEqual(['/v1/wait?timeout=3000ms', '/v1/wait?timeout=7000ms'])
    expect(ran.stderr).toMatch(/^still waiting: b has been away for 59 s\n/)
    expect(ran.exit).toBe(7)
  })

  test('what takes long says so on a terminal, until there is something to print', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const answer = (how: object) =>
        against(
          async () => {
            await vi.advanceTimersByTimeAsync(2_000)
            return { body: { token: 'hearsay-x' } }
          },
          ['invite'],
          how,
        )
      const ran = await answer({ terminal: true })
      const line = (seconds: number) => `\rwaiting for the network … ${seconds} s\u001b[K`
      expect(ran).toMatchObject({ text: 'hearsay-x\n', stderr: `${line(0)}${line(0)}\r\u001b[K` })
      expect((await answer({})).stderr).toBe('')
      expect((await answer({ terminal: true, environment: { TERM: 'dumb' } })).stderr).toBe('')
    } finally {
      vi.useRealTimers()
    }
  })

  test('invite prints the token alone', async () => {
    expect((await against({ body: { token: 'hearsay-x' } }, ['invite'])).text).toBe('hearsay-x\n')
  })

  test.each([
    [['join', 'hearsay-x'], 'POST', '/v1/join', { token: 'hearsay-x' }, { body: { node: 'alpha', peer: '12D3a' } }],
    [['block', 'b', 'c'], 'POST', '/v1/block', { peers: ['b', 'c'] }, { body: { blocked: ['b', 'c'] } }],
    [['unblock', 'b'], 'POST', '/v1/unblock', { peers: ['b'] }, { body: { blocked: ['c'] } }],
    [['unblock'], 'POST', '/v1/unblock', {}, { body: { blocked: [] } }],
    [['forget', 'b.c'], 'DELETE', '/v1/members/b%2Ec', undefined, { status: 204 }],
  ])('%j', async (argv, method, url, body, answer) => {
    const ran = await against(answer, argv)
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.requests).toHaveLength(1)
    expect(ran.requests[0]).toMatchObject({ method, url })
    const sent = ran.requests[0]!.body.toString()
    expect(sent === '' ? undefined : JSON.parse(sent)).toEqual(body)
  })

  test('sync reports each session', async () => {
    const session = {
      peer: '12D3KooW',
      name: 'beta',
      mode: 'delta',
      roundTrips: 2,
      bytesSent: 2048,
      bytesReceived: 10,
      entriesSent: 7,
      entriesReceived: 1,
      ended: 'complete',
    }
    const ran = await against({ body: { sessions: [session] } }, ['sync', 'beta'])
    expect(JSON.parse(ran.requests[0]!.body.toString())).toEqual({ peer: 'beta' })
    expect(ran.text).toMatch(/beta +delta +2 +7 \(2\.0 KiB\) +1 \(10 B\) +complete/)
    const json = await against({ body: { sessions: [session] } }, ['sync', '--json'])
    expect(JSON.parse(json.text)).toEqual({ sessions: [session] })
  })

  test('where shows who has it', async () => {
    const found = { key: 'k', dot: 'a:1', nodes: ['alpha'], missing: ['gamma'], unknown: ['beta'] }
    expect((await against({ body: found }, ['where', 'k'])).text).toBe(
      'k  a:1\n  has it   alpha\n  missing  gamma\n  unknown  beta\n',
    )
  })
})
