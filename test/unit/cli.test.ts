/** Commands for keys against a fake daemon: outputs byte for byte, exit codes, errors. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { errorCodes } from '../../store/errors.js'
import { conflictAnswer, twoVersions, written } from '../support/answers.js'
import { problem, type Recorded } from '../support/fake-api.js'
import { against, stopFakes } from '../support/run-against.js'
import { runCli } from '../support/run-cli.js'

afterEach(stopFakes)

describe('get', () => {
  test('prints the bytes and nothing else', async () => {
    const body = Buffer.from([0, 1, 254, 255, 10, 27])
    const ran = await against({ body, headers: { 'Hearsay-Siblings': '1' } }, ['get', 'k'])
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(Buffer.compare(ran.stdout, body)).toBe(0)
  })

  test('prints an empty value as nothing', async () => {
    const ran = await against({ body: Buffer.alloc(0) }, ['get', 'k'])
    expect(ran).toMatchObject({ exit: 0, text: '', stderr: '' })
  })

  test('warns of siblings on stderr', async () => {
    const ran = await against({ body: Buffer.from('v'), headers: { 'Hearsay-Siblings': '2' } }, ['get', 'k'])
    expect(ran).toMatchObject({ exit: 0, text: 'v' })
    expect(ran.stderr).toMatch(/^warning k has 2 siblings.*hearsay resolve k/)
  })

  test('--all prints every sibling with time, node and dot', async () => {
    const ran = await against({ body: twoVersions }, ['get', 'k', '--all'])
    const time = '2024-01-02T03:04:05.678Z'
    expect(ran.text).toBe(`[1] ${time}  alpha  alpha:1\none\n[2] ${time}  beta  beta:1\ntwo\n`)
  })

  test('--json prints the object on one line', async () => {
    const ran = await against({ body: twoVersions }, ['get', 'k', '--json'])
    expect(JSON.parse(ran.text)).toEqual(twoVersions)
    expect(ran.text.match(/\n/g)).toHaveLength(1)
    expect(ran.requests[0]?.headers.accept).toBe('application/json')
  })

  test('--consistency and --timeout go to the daemon; another level is a usage error', async () => {
    const ran = await against({ body: Buffer.from('v') }, ['get', 'k', '--consistency', 'majority', '--timeout', '2s'])
    expect(ran.requests[0]?.url).toBe('/v1/kv/k?consistency=majority&timeout=2000ms')
    expect(await against({}, ['get', 'k', '--consistency', 'most'])).toMatchObject({ exit: 2, requests: [] })
  })
})

describe('put', () => {
  test('stores an argument and says so', async () => {
    const ran = await against({ body: written }, ['put', 'k', 'hello'])
    expect(ran).toMatchObject({ exit: 0, text: 'stored k\n', stderr: '' })
    expect(ran.requests[0]?.body.toString()).toBe('hello')
  })

  test('stores an empty argument', async () => {
    const ran = await against({ body: written }, ['put', 'k', ''])
    expect(ran.requests[0]?.body).toHaveLength(0)
    expect(ran.exit).toBe(0)
  })

  test.each([[['put', 'k', '-']], [['put', 'k']], [['put', 'k', '--file', '-']]])(
    '%j stores stdin byte for byte',
    async (argv) => {
      const stdin = Buffer.from([0, 255, 10, 128])
      const ran = await against({ body: written }, argv, { stdin })
      expect(Buffer.compare(ran.requests[0]!.body, stdin)).toBe(0)
    },
  )

  test('stores a file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hearsay-cli-'))
    const file = join(directory, 'value')
    await writeFile(file, Buffer.from([255, 0]))
    const ran = await against({ body: written }, ['put', 'k', '--file', file])
    await rm(directory, { recursive: true })
    expect([...ran.requests[0]!.body]).toEqual([255, 0])
  })

  test('without a value and without a pipe it is a usage error', async () => {
    const ran = await against({ body: written }, ['put', 'k'])
    expect(ran).toMatchObject({ exit: 2, requests: [], text: '' })
    expect(ran.stderr).toMatch(/^error USAGE: .*VALUE/)
  })

  test.each([
    [['put', 'k', 'v', '--file', '/dev/null']],
    [['put', 'k', 'v', '--ttl', 'soon']],
    [['put', 'k', 'v', '--timeout', '5']],
    [['put', 'k', 'v', '--acks', 'some']],
    [['put', 'k', 'v', '--acks', '0']],
    [['put', '', 'v']],
    [['put', 'k', 'v', 'w']],
    [['put', 'k', 'v', '--nope']],
    [['put', 'k', 'v', '--ttl']],
    [['put']],
  ])('%j is a usage error and sends nothing', async (argv) => {
    expect(await against({ body: written }, argv)).toMatchObject({ exit: 2, requests: [], text: '' })
  })

  test.each([
    ['/nonexistent/file', 'no such file or folder', 'check the name'],
    [tmpdir(), 'it is a folder', 'name a file'],
  ])('a file that cannot be read, as %s, is no wrong call', async (file, says, next) => {
    const ran = await against({ body: written }, ['put', 'k', '--file', file])
    expect(ran).toMatchObject({ exit: 1, requests: [], text: '' })
    expect(ran.stderr).toBe(`error FILE_FAILED: cannot read ${file}: ${says}\n  next: ${next}\n`)
  })

  test('says on stderr when siblings stay', async () => {
    const ran = await against({ body: written, headers: { 'Hearsay-Siblings': '3' } }, ['put', 'k', 'v'])
    expect(ran).toMatchObject({ exit: 0, text: 'stored k\n' })
    expect(ran.stderr).toMatch(/^warning k has 3 siblings; this put replaced what was shown, .*hearsay resolve k/)
    const field = await against({ body: { ...written, field: 'f' }, headers: { 'Hearsay-Siblings': '2' } }, [
      ...['map', 'put', 'k', 'f', 'v', '--json'],
    ])
    expect(field.stderr).toMatch(/^warning k f has 2 siblings; .*hearsay resolve k --field f/)
    expect(JSON.parse(field.text)).toEqual({ ...written, field: 'f', siblings: 2 })
    expect((await against({ body: written, headers: { 'Hearsay-Siblings': '1' } }, ['put', 'k', 'v'])).stderr).toBe('')
  })

  test('flags become query and headers', async () => {
    const flags = ['--context', 'tok', '--ttl', '1m30s', '--acks', 'majority', '--require-quorum']
    const more = ['--timeout', '5s', '--if-absent', '--id', 'op']
    const ran = await against({ body: written }, ['put', 'k', 'v', ...flags, ...more])
    const query = Object.fromEntries(new URL(ran.requests[0]!.url, 'http://x').searchParams)
    const expected = { ttl: '90000ms', acks: 'majority', requireQuorum: 'true', timeout: '5000ms', ifAbsent: 'true' }
    expect(query).toEqual(expected)
    expect(ran.requests[0]?.headers).toMatchObject({ 'hearsay-context': 'tok', 'idempotency-key': 'op' })
  })

  test('says who has it when others were asked for', async () => {
    const acks = { have: 2, want: 2, nodes: ['alpha', 'beta'] }
    const ran = await against({ body: { ...written, acks } }, ['put', 'k', 'v', '--acks', '2'])
    expect(ran.text).toBe('stored k, durable on 2 nodes: alpha, beta\n')
  })

  test('a value that starts with a dash goes behind --', async () => {
    const ran = await against({ body: written }, ['put', 'k', '--', '--json'])
    expect(ran.requests[0]?.body.toString()).toBe('--json')
  })
})

describe('what to do next', () => {
  test.each([
    ['TOO_LARGE', { setting: 'values.maxBytes' }, ['put', 'k', 'v'], 'next: store less, or raise `values.maxBytes`'],
    ['TOO_LARGE', {}, ['put', 'k', 'v'], undefined],
    ['NOT_FOUND', {}, ['forget', 'n'], 'next: see who is there with `hearsay members`'],
    ['NOT_FOUND', {}, ['get', 'k'], 'next: see what is there with `hearsay ls`'],
    ['CONFLICT', {}, ['map', 'rm', 'k', 'f'], 'next: look with `hearsay map get KEY FIELD --all`'],
    [
      'BAD_CONTEXT',
      {},
      ['doc', 'put', 'k', '{}'],
      'next: take the context of `hearsay doc get KEY --conflicts --json`',
    ],
  ])('about %s with %j of %j', async (code, details, argv, next) => {
    const { stderr } = await against(problem(400, code, 'so it is', details), argv)
    if (next === undefined) expect(stderr).toBe(`error ${code}: so it is\n`)
    else expect(stderr).toContain(`\n  ${next}`)
  })
})

describe('errors', () => {
  test.each(Object.entries(errorCodes))('%s ends with its exit code and one line', async (code, { status, exit }) => {
    // A put meets few of them; what is shown does not depend on that.
    const ran = await against({ ...problem(status, code, 'what happened'), isForeign: true }, ['put', 'k', 'v'])
    expect(ran).toMatchObject({ exit, text: '' })
    expect(ran.stderr.split('\n')[0]).toBe(`error ${code}: what happened`)
  })

  test('no daemon: exit 6, and how to start one', async () => {
    const ran = await runCli(['get', 'k', '--data', '/nonexistent'])
    expect(ran).toMatchObject({ exit: 6, text: '' })
    expect(ran.stderr).toMatch(/^error UNREACHABLE_DAEMON: .*\/nonexistent\/api\.sock.*hearsay daemon/)
  })

  test.each([
    [[], /^error USAGE: there is no command/],
    [['frobnicate'], /^error USAGE: unknown command 'frobnicate'/],
    [['gte', 'k'], /Did you mean get\?/],
    [['get'], /^error USAGE: missing required argument 'KEY'/],
    [['get', 'k', '--nope'], /^error USAGE: unknown option '--nope'.* write -- before it: hearsay get … -- '--nope'/],
    [['set', 'ls'], /^error USAGE: missing required argument 'KEY'\n {2}next: see `hearsay set ls --help`/],
    [
      ['put', 'k', '-x'],
      /^error USAGE: unknown option '-x'\. If it is a value, write -- before it: hearsay put … -- '-x'/,
    ],
    [['set', 'add', 'k', '-x y'], /unknown option '-x y'.*hearsay set add … -- '-x y'/],
    [['status', '--nope'], /^error USAGE: unknown option '--nope'\n/],
    [['get', 'a', 'b'], /^error USAGE: too many arguments/],
    [['ls', '--limit', '0'], /^error USAGE: invalid number '0' for --limit: /],
    [['completion', 'tcsh'], /^error USAGE: .*bash, zsh or fish/],
    [['get', 'k', '--api', 'ftp://x'], /^error USAGE: 'ftp:\/\/x' is no API address/],
  ])('%j: exit 2', async (argv, message) => {
    const ran = await runCli(argv)
    expect(ran).toMatchObject({ exit: 2, text: '' })
    expect(ran.stderr).toMatch(message)
  })

  test.each([[['--help']], [['help']], [['put', '--help']], [['--version']]])('%j: exit 0 on stdout', async (argv) => {
    const ran = await runCli(argv)
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.text.length).toBeGreaterThan(4)
  })
})

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

  test('on a terminal control characters in keys are shown, not obeyed', async () => {
    const body = { items: [{ key: '\u001b[2Jx', types: ['reg'], siblings: 1 }], next: null }
    const ran = await against({ body }, ['ls'], { terminal: true, environment: { NO_COLOR: '1' } })
    expect(ran.text).toBe('\\u001b[2Jx\n')
  })
})

describe('conflicts and resolve', () => {
  const page = { body: { items: [conflictAnswer], next: null } }
  const answer = ({ method }: Recorded) => (method === 'GET' ? page : { body: written })

  test('conflicts lists the siblings, numbered', async () => {
    const ran = await against(page, ['conflicts'])
    expect(ran.text).toMatch(/^k {2}2 siblings\n {2}\[1\] one .*alpha.*\n {2}\[2\] two\\n .*beta.*\n$/)
    expect(JSON.parse((await against(page, ['conflicts', '--json'])).text)).toEqual(conflictAnswer)
  })

  test.each([
    [['--pick', '2'], { pick: 2 }],
    [['--value', 'both'], { value: 'both', encoding: 'utf8' }],
  ])('resolve %j passes the context of what is there', async (flags, choice) => {
    const ran = await against(answer, ['resolve', 'k', ...flags])
    expect(ran).toMatchObject({ exit: 0, text: 'resolved k\n' })
    expect(ran.requests[1]).toMatchObject({ method: 'POST', url: '/v1/conflicts/k' })
    expect(JSON.parse(ran.requests[1]!.body.toString())).toEqual({ ...choice, context: 'both' })
  })

  test('resolve --merge needs no conflict: what a resolver merges is none', async () => {
    const ran = await against({ body: written }, ['resolve', 'k', '--merge'])
    expect(ran).toMatchObject({ exit: 0, text: 'resolved k\n' })
    expect(ran.requests.map(({ method, body }) => [method, JSON.parse(body.toString())])).toEqual([
      ['POST', { merge: true }],
    ])
  })

  test('resolve takes a context read earlier', async () => {
    const ran = await against(answer, ['resolve', 'k', '--pick', '1', '--context', 'earlier'])
    expect(JSON.parse(ran.requests[1]!.body.toString()).context).toBe('earlier')
  })

  test.each([[['--pick', '3']], [['--pick', '0']], [['--pick', '1', '--merge']], [[]]])(
    'resolve %j settles nothing: exit 2',
    async (flags) => {
      const ran = await against(answer, ['resolve', 'k', ...flags])
      expect(ran.exit).toBe(2)
      expect(ran.requests.filter(({ method }) => method === 'POST')).toEqual([])
    },
  )

  test('resolve of a key that is not in conflict: exit 3, also when a longer key is', async () => {
    const other = { body: { items: [{ ...conflictAnswer, key: 'k2' }], next: null } }
    expect(await against(other, ['resolve', 'k', '--pick', '1'])).toMatchObject({ exit: 3 })
  })
})

describe('import and export', () => {
  test('import sends stdin and sums up', async () => {
    const body = { imported: 1, skipped: 1, failed: [], failures: 0 }
    const stdin = '{"key":"a","value":"1"}\n{"key":"b","value":"2"}'
    const ran = await against({ body }, ['import', '-'], { stdin })
    expect(ran).toMatchObject({ exit: 0, text: 'imported 1 line, 1 already there\n', stderr: '' })
    expect(ran.requests[0]?.body.toString()).toBe(`${stdin}\n`)
  })

  test('failed lines are named: exit 1', async () => {
    const failed = [{ line: 2, code: 'BAD_REQUEST', message: 'not JSON' }]
    const ran = await against({ body: { imported: 1, skipped: 0, failed, failures: 1 } }, ['import', '-'], {
      stdin: '{"key":"a"}\nx\n',
    })
    expect(ran.exit).toBe(1)
    expect(ran.stderr).toContain('line 2: BAD_REQUEST: not JSON\n')
  })

  test.each(['/nonexistent/file', tmpdir()])('a file that cannot be read, as %s: exit 1', async (file) => {
    const ran = await against({}, ['import', file])
    expect(ran).toMatchObject({ exit: 1, requests: [] })
    expect(ran.stderr).toMatch(`error FILE_FAILED: cannot read ${file}: `)
  })

  test('a progress bar is drawn on a terminal only', async () => {
    const body = { imported: 1, skipped: 0, failed: [], failures: 0 }
    const setting = { stdin: '{"key":"a"}\n', terminal: true, environment: { NO_COLOR: '1' } }
    expect((await against({ body }, ['import', '-'], setting)).stderr).toContain('1 lines')
  })

  test('export passes the bytes on', async () => {
    const body = Buffer.from('{"key":"é"}\n{"key":"b"}\n')
    const ran = await against({ body }, ['export', 'pre'])
    expect(Buffer.compare(ran.stdout, body)).toBe(0)
    expect(ran.requests[0]?.url).toBe('/v1/export?prefix=pre')
  })

  test('an export that is cut: exit 6, and what came is printed', async () => {
    const ran = await against({ body: Buffer.from('{}\n'), cut: 'within' }, ['export'])
    expect(ran).toMatchObject({ exit: 6, text: '{}\n' })
  })
})

describe('errors under --json', () => {
  test('are one object with what the daemon said', async () => {
    const acks = { have: 1, want: 2, nodes: ['alpha'] }
    const answer = problem(503, 'NOT_ENOUGH_ACKS', 'too few', { acks, stored: true })
    const ran = await against(answer, ['put', 'k', 'v', '--acks', '2', '--json'])
    expect(ran).toMatchObject({ exit: 5, text: '' })
    const next = expect.stringContaining('hearsay where')
    expect(JSON.parse(ran.stderr)).toEqual({ code: 'NOT_ENOUGH_ACKS', message: 'too few', next, acks, stored: true })
  })

  test('also those of a wrong call', async () => {
    const ran = await runCli(['get', '--json'])
    expect([ran.exit, JSON.parse(ran.stderr).code]).toEqual([2, 'USAGE'])
  })
})
