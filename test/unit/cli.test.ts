/**
 * `get`, `put` and what every command says when it fails, against a fake daemon: outputs byte for byte, exit codes,
 * errors.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { errorCodes } from '../../store/errors.js'
import { twoVersions, written } from '../support/answers.js'
import { problem } from '../support/fake-api.js'
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

describe('get of several keys', () => {
  const answers = ({ url, headers }: { url: string; headers: { accept?: string | undefined } }) => {
    const key = url.slice('/v1/kv/'.length)
    if (key === 'gone') return problem(404, 'NOT_FOUND', 'there is no "gone"')
    if (key === 'tags') return { status: 404, body: { code: 'NOT_FOUND', detail: '"tags" is a set', types: ['set'] } }
    if (headers.accept === 'application/json') return { body: { ...twoVersions, key } }
    const body = key === 'bytes' ? Buffer.from([255]) : Buffer.from(`value of ${key}`)
    return { body, headers: { 'Hearsay-Siblings': key === 'two' ? '2' : '1' } }
  }

  test('prints a line for each in the order asked for, in the form of `ls --values`', async () => {
    const ran = await against(answers, ['get', 'b', 'a', 'bytes', 'b'])
    expect(ran).toMatchObject({
      exit: 0,
      text: 'b\tvalue of b\na\tvalue of a\nbytes\tbase64:/w==\nb\tvalue of b\n',
      stderr: '',
    })
  })

  test('says which are absent, prints the others, and ends with 3', async () => {
    const ran = await against(answers, ['get', 'a', 'gone', 'tags', 'two'])
    expect(ran).toMatchObject({ exit: 3, text: 'a\tvalue of a\ntwo\tvalue of two\n' })
    expect(ran.stderr.split('\n')).toEqual([
      'error NOT_FOUND: there is no "gone"',
      '  next: see what is there with `hearsay ls`',
      'error NOT_FOUND: tags is a set: `hearsay set ls tags`',
      expect.stringMatching(/^warning two has 2 siblings/),
      '',
    ])
  })

  test('--json prints an object a line, and --all every version below its key', async () => {
    const json = await against(answers, ['get', 'a', 'gone', 'b', '--json'])
    expect(
      json.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { ...twoVersions, key: 'a' },
      { ...twoVersions, key: 'b' },
    ])
    expect(json.exit).toBe(3)
    expect(
      json.stderr
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ code: 'NOT_FOUND', message: 'there is no "gone"' }])
    const all = await against(answers, ['get', 'a', 'b', '--all'])
    expect(all.text.match(/^([ab]$|\[[12]\])/gm)).toEqual(['a', '[1]', '[2]', 'b', '[1]', '[2]'])
  })

  test('asks for many with a few requests under way, and ends at the first that fails otherwise', async () => {
    const keys = Array.from({ length: 100 }, (_, at) => `k${at}`)
    const ran = await against(answers, ['get', ...keys])
    expect(ran.text.trimEnd().split('\n')).toEqual(keys.map((key) => `${key}\tvalue of ${key}`))
    const failing = await against(
      (request) => (request.url.endsWith('k1') ? problem(503, 'NOT_VERIFIED', 'not yet') : answers(request)),
      ['get', ...keys],
    )
    expect(failing).toMatchObject({ exit: 1, text: 'k0\tvalue of k0\n' })
    expect(failing.requests.length).toBeLessThan(keys.length)
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
    [['frobnicate'], /^error USAGE: unknown command 'frobnicate'\n/],
    [['gte', 'k'], /^error USAGE: unknown command 'gte'; did you mean `hearsay get`\?\n {2}next: /],
    [['statsu'], /did you mean `hearsay status`\?/],
    [['delete', 'k'], /did you mean `hearsay del`\?/],
    [['incr', 'n'], /did you mean `hearsay counter incr`\?/],
    [
      ['counter', 'icnr', 'n'],
      /^error USAGE: 'counter' needs one of: incr, get, del; did you mean `hearsay counter incr`\?/,
    ],
    [['get', 'k', '--jsn'], /unknown option '--jsn'; did you mean --json\? If it is a value/],
    [['get'], /^error USAGE: missing required argument 'KEY'/],
    [['get', 'k', '--nope'], /^error USAGE: unknown option '--nope'.* write -- before it: hearsay get … -- '--nope'/],
    [['set', 'ls'], /^error USAGE: missing required argument 'KEY'\n {2}next: see `hearsay set ls --help`/],
    [
      ['put', 'k', '-x'],
      /^error USAGE: unknown option '-x'\. If it is a value, write -- before it: hearsay put … -- '-x'/,
    ],
    [['set', 'add', 'k', '-x y'], /unknown option '-x y'.*hearsay set add … -- '-x y'/],
    [['status', '--nope'], /^error USAGE: unknown option '--nope'\n/],
    [['where', 'a', 'b'], /^error USAGE: too many arguments/],
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
