/** The command line against the real routes over fakes of what is behind them: both sides mean the same. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../../cli/client.js'
import { HearsayError } from '../../store/errors.js'
import { type ApiServer, startApiServer, testToken } from '../support/api-server.js'
import { type CliRun, runCli, type Setting } from '../support/run-cli.js'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer({ 'values-max-bytes': '64KiB' })
})

afterEach(() => server.close())

function hearsay(argv: readonly string[], setting: Setting = {}): Promise<CliRun> {
  return runCli(argv, { ...setting, environment: { HEARSAY_API: `unix:${server.socketPath}`, ...setting.environment } })
}

const bytes = (text: string) => Buffer.from(text)

describe('values', () => {
  test('any key and any bytes come back as they were', async () => {
    const client = connect({ api: `unix:${server.socketPath}`, environment: {} })
    const keys = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 })
    const round = fc.asyncProperty(keys, fc.uint8Array({ maxLength: 300 }), async (key, value) => {
      await client.put(key, value)
      expect(Buffer.compare((await client.get(key)).value, value)).toBe(0)
      expect((await client.getAll(key)).key).toBe(key)
      await client.delete(key)
    })
    await fc.assert(round, {
      numRuns: 60,
      examples: [
        ['.', bytes('')],
        ['..', bytes('a')],
        ['%2F/%', bytes('b')],
      ],
    })
    client.close()
  })

  test('put, get, del and their absent key', async () => {
    expect(await hearsay(['put', 'a/b', 'v'])).toMatchObject({ exit: 0, text: 'stored a/b\n' })
    expect(await hearsay(['get', 'a/b'])).toMatchObject({ exit: 0, text: 'v', stderr: '' })
    expect(await hearsay(['ls'])).toMatchObject({ text: 'a/b\n' })
    expect(await hearsay(['del', 'a/b'])).toMatchObject({ exit: 0 })
    for (const command of ['get', 'del', 'where']) {
      const ran = await hearsay([command, 'a/b'])
      expect(ran).toMatchObject({ exit: 3, text: '' })
      expect(ran.stderr).toMatch(/^error NOT_FOUND: /)
    }
  })

  test('every flag of put is understood', async () => {
    await hearsay(['put', 'k', 'v'])
    expect(await hearsay(['put', 'k', 'w', '--if-absent'])).toMatchObject({ exit: 4 })
    expect(await hearsay(['put', 'k', 'w', '--context', 'forged'])).toMatchObject({ exit: 2 })
    expect(await hearsay(['put', 'k', 'w', '--ttl', '1h', '--id', 'op', '--require-quorum'])).toMatchObject({ exit: 0 })
    expect(await hearsay(['put', 'k', 'x', '--id', 'op'])).toMatchObject({ exit: 2 })
    const tooFew = await hearsay(['put', 'k', 'w', '--acks', 'all', '--timeout', '10ms'])
    expect(tooFew).toMatchObject({ exit: 5, text: '' })
    expect(tooFew.stderr).toMatch(/^error NOT_ENOUGH_ACKS: /)
    server.services.mesh.quorum = false
    expect(await hearsay(['put', 'k', 'w', '--require-quorum'])).toMatchObject({ exit: 5 })
  })

  test('a value over the limit is refused with its reason, also when it is sent in one go', async () => {
    const ran = await hearsay(['put', 'k', '-'], { stdin: Buffer.alloc(20 * 1024 * 1024) })
    expect(ran).toMatchObject({ exit: 2 })
    expect(ran.stderr).toMatch(/^error TOO_LARGE: /)
    expect(await hearsay(['get', 'k'])).toMatchObject({ exit: 3 })
  })

  test('a disk that failed: exit 1', async () => {
    server.services.registers.failure = new HearsayError('STORE_FAILED', 'the disk is full')
    expect(await hearsay(['put', 'k', 'v'])).toMatchObject({ exit: 1 })
  })

  test('ls follows pages', async () => {
    for (let index = 0; index < 25; index++) server.services.registers.add(`k${index + 10}`, bytes('v'))
    const client = connect({ api: `unix:${server.socketPath}`, environment: {} })
    const keys: string[] = []
    for await (const { key } of client.list({ prefix: 'k', limit: 10 })) keys.push(key)
    expect(keys).toEqual(Array.from({ length: 25 }, (_, index) => `k${index + 10}`))
    expect((await hearsay(['ls', 'k1', '--limit', '2', '--after', 'k10', '--values'])).text).toBe('k11\tv\nk12\tv\n')
    client.close()
  })
})

describe('siblings', () => {
  beforeEach(() => {
    server.services.registers.add('k', bytes('one'))
    server.services.registers.add('k', bytes('two'))
  })

  test('are warned of, listed, kept from a careless delete, and settled', async () => {
    const shown = await hearsay(['get', 'k'])
    expect(shown.text).toBe('two')
    expect(shown.stderr).toMatch(/2 siblings/)
    expect((await hearsay(['get', 'k', '--all'])).text).toMatch(/^\[1\] .*\ntwo\n\[2\] .*\none\n$/)
    expect(await hearsay(['del', 'k'])).toMatchObject({ exit: 4 })
    expect((await hearsay(['conflicts'])).text).toMatch(/^k {2}2 siblings\n/)
    expect(await hearsay(['resolve', 'k', '--pick', '2'])).toMatchObject({ exit: 0 })
    expect(await hearsay(['get', 'k'])).toMatchObject({ text: 'one', stderr: '' })
    expect(await hearsay(['resolve', 'k', '--pick', '1'])).toMatchObject({ exit: 3 })
  })

  test('a sibling that comes after the context was read is not settled unseen', async () => {
    const { context } = JSON.parse((await hearsay(['conflicts', '--json'])).text)
    server.services.registers.add('k', bytes('three'))
    const ran = await hearsay(['resolve', 'k', '--value', 'v', '--context', context])
    expect(ran).toMatchObject({ exit: 4 })
    expect(ran.stderr).toMatch(/^error STALE_CONTEXT/)
  })

  test('export and import keep them, and importing again adds nothing', async () => {
    server.services.registers.add('binary', Buffer.from([255, 0]))
    const exported = await hearsay(['export'])
    expect(exported.exit).toBe(0)
    const before = new Map(server.services.registers.versions)
    server.services.registers.versions.clear()
    const first = await hearsay(['import', '-', '--json'], { stdin: exported.stdout })
    expect(JSON.parse(first.text)).toMatchObject({ imported: 2, failed: [] })
    for (const [key, versions] of before) {
      const values = server.services.registers.get(key)?.versions.map(({ value }) => Buffer.from(value).toString('hex'))
      expect(values?.toSorted()).toEqual(versions.map(({ value }) => Buffer.from(value).toString('hex')).toSorted())
    }
    const again = await hearsay(['import', '-', '--json'], { stdin: exported.stdout })
    expect(JSON.parse(again.text)).toMatchObject({ imported: 0, skipped: 2, failed: [] })
  })

  test('lines that are wrong are named, the others stored', async () => {
    const stdin = '{"key":"x","value":"1"}\nnot json\n{"key":"y","value":"2"}\n'
    const ran = await hearsay(['import', '-'], { stdin })
    expect(ran).toMatchObject({ exit: 1, text: 'imported 2 lines, 0 already there\n' })
    expect(ran.stderr).toMatch(/line 2: /)
    expect(await hearsay(['get', 'y'])).toMatchObject({ text: '2' })
  })

  test('exports of Consul are taken; what cannot be is named by its line in the file, the others stored', async () => {
    const entry = (key: string, value: string, flags = 0) =>
      `\t{\n\t\t"key": "${key}",\n\t\t"flags": ${flags},\n\t\t"value": "${value}"\n\t}`
    const entries = [
      entry('one', 'AP8='),
      entry('k'.repeat(1025), 'MQ=='),
      entry('bad', '&&'),
      entry('', 'MQ=='),
      entry('two', '', 7),
    ]
    const stdin = `[\n${entries.join(',\n')}\n]\n`
    const ran = await hearsay(['import', '-', '--json'], { stdin })
    expect(ran.exit).toBe(1)
    const { imported, flagged, failed } = JSON.parse(ran.text)
    expect({ imported, flagged }).toEqual({ imported: 2, flagged: 1 })
    expect(failed.map(({ line, code }: { line: number; code: string }) => `${line} ${code}`)).toEqual([
      '7 TOO_LARGE',
      '12 BAD_REQUEST',
      '17 BAD_KEY',
    ])
    expect(ran.stderr).toContain('1 entry had flags, which are not kept')
    expect((await hearsay(['get', 'one'])).stdout).toEqual(Buffer.from([0, 255]))
    expect(await hearsay(['get', 'two'])).toMatchObject({ exit: 0, text: '' })
    expect(JSON.parse((await hearsay(['import', '-', '--json'], { stdin })).text)).toMatchObject({
      imported: 0,
      skipped: 2,
    })
  })

  test('lines of key, tab and value are taken, by what they look like or by --format', async () => {
    expect((await hearsay(['import', '-'], { stdin: 'a\t1\nb\t2\n' })).text).toBe('imported 2 lines, 0 already there\n')
    expect(await hearsay(['get', 'b'])).toMatchObject({ text: '2' })
    expect((await hearsay(['import', '-', '--format', 'tsv'], { stdin: '{\tx\n' })).exit).toBe(0)
    expect(await hearsay(['get', '{'])).toMatchObject({ text: 'x' })
    expect((await hearsay(['import', '-', '--format', 'xml'], { stdin: '' })).exit).toBe(2)
  })
})

describe('the mesh', () => {
  test.each([['status'], ['members'], ['sync'], ['config'], ['invite'], ['conflicts'], ['wait']])(
    '%s is printed for people and as JSON',
    async (command) => {
      expect(await hearsay([command])).toMatchObject({ exit: 0 })
      const { exit, text } = await hearsay([command, '--json'])
      expect(exit).toBe(0)
      for (const line of text.trimEnd().split('\n').filter(Boolean)) expect(JSON.parse(line)).toBeTypeOf('object')
    },
  )

  test('block, unblock, forget, join and their errors', async () => {
    expect(await hearsay(['block', 'b'])).toMatchObject({ exit: 0, text: 'cut off from b\n' })
    expect((await hearsay(['status'])).text).toContain('cut off from b')
    expect(await hearsay(['unblock'])).toMatchObject({ exit: 0 })
    expect((await hearsay(['status'])).text).not.toContain('cut off')
    expect(await hearsay(['block', 'nobody'])).toMatchObject({ exit: 3 })
    expect(await hearsay(['forget', 'b'])).toMatchObject({ exit: 0, text: 'forgot b\n' })
    expect(await hearsay(['forget', 'nobody'])).toMatchObject({ exit: 3 })
    expect(await hearsay(['sync', 'nobody'])).toMatchObject({ exit: 3 })
    expect(await hearsay(['join', 'hearsay-x'])).toMatchObject({ exit: 0 })
    expect(await hearsay(['join', 'bad'])).toMatchObject({ exit: 2 })
    expect(await hearsay(['join', 'far'])).toMatchObject({ exit: 1 })
  })

  test('wait that does not come true: exit 7', async () => {
    server.services.mesh.waits = false
    const ran = await hearsay(['wait', '--peers', '3', '--converged', '--timeout', '10ms'])
    expect(ran).toMatchObject({ exit: 7, text: '' })
    expect(ran.stderr).toMatch(/^error TIMED_OUT: /)
  })

  test('over TCP the token opens the door', async () => {
    const api = `http://${server.host}:${server.port}`
    expect(await hearsay(['status', '--api', api])).toMatchObject({ exit: 1 })
    expect(await hearsay(['status', '--api', api, '--token', testToken])).toMatchObject({ exit: 0 })
    expect(await hearsay(['status', '--api', api], { environment: { HEARSAY_TOKEN: testToken } })).toMatchObject({
      exit: 0,
    })
  })

  test('health tells readiness', async () => {
    const client = connect({ api: `unix:${server.socketPath}`, environment: {} })
    expect(await client.health()).toMatchObject({ ready: true })
    client.close()
  })
})
