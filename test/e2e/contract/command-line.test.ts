/**
 * The promised surface to the letter, one daemon from outside: exit codes, bytes on stdout, settings, files, and who
 * may use the API.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Daemon, Fleet, runProgram } from '../daemons.js'
import { askRaw, startMs } from './surface.js'

let fleet: Fleet
let ann: Daemon

beforeAll(async () => {
  fleet = await Fleet.create()
  ann = await fleet.add('ann', ['--api', '127.0.0.1:0'])
}, startMs)
afterAll(() => fleet.end())

describe('the API over TCP', () => {
  it('asks for the token, and refuses foreign hosts and origins', async () => {
    const url = ann.ready.api[1]!
    const { host } = new URL(url)
    const Authorization = `Bearer ${readFileSync(join(ann.data, 'api.token'), 'utf8').trim()}`
    const status = async (headers: Record<string, string>) =>
      (await askRaw(ann, '/v1/status', { url, headers: { Host: host, ...headers } })).status
    expect(await status({})).toBe(401)
    expect(await status({ Authorization: 'Bearer wrong' })).toBe(401)
    expect(await status({ Authorization })).toBe(200)
    expect(await status({ Authorization, Origin: url })).toBe(200)
    for (const Origin of ['http://example.org', 'null']) expect(await status({ Authorization, Origin })).toBe(403)
    expect(await status({ Authorization, Host: 'example.org' })).toBe(403)
    expect(statSync(join(ann.data, 'api.token')).mode & 0o777).toBe(0o600)
  })

  it('is found by --api and HEARSAY_API, with the token of the data directory or as given', async () => {
    await ann.client.put('over/tcp', 'x')
    const api = ann.ready.api[1]!
    const token = readFileSync(join(ann.data, 'api.token'), 'utf8').trim()
    const get = ['get', 'over/tcp']
    const nowhere = join(fleet.folder, 'nowhere')
    const calls = [
      runProgram([...get, '--api', api, '--data', ann.data]),
      runProgram([...get, '--api', api, '--token', token]),
      runProgram(get, { env: { HEARSAY_API: api, HEARSAY_DATA: ann.data } }),
      runProgram(get, { env: { HEARSAY_API: ann.ready.api[0]! } }),
      runProgram(get, { env: { HEARSAY_DATA: ann.data } }),
    ]
    for (const ran of await Promise.all(calls)) expect([ran.exit, ran.stdout.toString()]).toEqual([0, 'x'])
    expect((await runProgram([...get, '--api', api, '--data', nowhere])).exit).toBe(1)
    expect((await runProgram([...get, '--data', nowhere])).exit).toBe(6)
    await ann.client.delete('over/tcp')
  })
})

describe('the command line', () => {
  const exits: [string[], number][] = [
    [['get', 'absent'], 3],
    [['del', 'absent'], 3],
    [['counter', 'get', 'absent'], 3],
    [['set', 'ls', 'absent'], 3],
    [['map', 'get', 'absent', 'f'], 3],
    [['get'], 2],
    [['get', 'k', '--nope'], 2],
    [['nope'], 2],
    [['put', 'k', 'v', '--ttl', 'soon'], 2],
    [['put', 'k', 'v', '--context', 'nonsense'], 2],
    [['completion', 'nope'], 2],
    [['top'], 2],
    [['doctor', 'nobody'], 3],
  ]
  it.each(exits)('%j exits with %i and says what to do next', async (args, exit) => {
    const ran = await (args[0] === 'completion' || args[0] === 'nope' ? runProgram(args) : ann.cli(args))
    expect([ran.exit, ran.stdout.toString()]).toEqual([exit, ''])
    expect(ran.stderr).toMatch(/^error [A-Z_]+: .+\n {2}next: .+\n$/)
  })

  it('prints values byte for byte, and takes them from stdin and files', async () => {
    const value = Buffer.from([0, 255, 10, 13, 27])
    expect((await ann.cli(['put', 'exact', '-'], value)).exit).toBe(0)
    expect((await ann.cli(['get', 'exact'])).stdout).toEqual(value)
    const file = join(fleet.folder, 'value')
    writeFileSync(file, 'from a file')
    expect((await ann.cli(['put', 'exact', '--file', file, '--json'])).exit).toBe(0)
    expect((await ann.cli(['get', 'exact'])).stdout.toString()).toBe('from a file')
    const again = [
      await ann.cli(['put', 'exact', 'x', '--id', 'op']),
      await ann.cli(['put', 'exact', 'x', '--id', 'op']),
    ]
    expect(again.map(({ exit }) => exit)).toEqual([0, 0])
    expect((await ann.cli(['put', 'exact', 'y', '--if-absent'])).exit).toBe(4)
    expect((await ann.cli(['ls', 'exact', '--values', '--json'])).stdout.toString()).toBe(
      '{"key":"exact","types":["reg"],"siblings":1,"value":"x","encoding":"utf8"}\n',
    )
    expect((await ann.cli(['del', '--prefix', 'exact'])).exit).toBe(0)
    expect((await ann.cli(['ls', 'exact'])).stdout.toString()).toBe('')
  })

  it('reads several keys, ranges and their counts, and what there is before the changes; edits what was shown', async () => {
    for (const key of ['r/1', 'r/2', 'r/3']) await ann.client.put(key, `of ${key}`)
    await ann.client.sets.add('r/2', 'member')
    const out = async (...args: string[]) => (await ann.cli(args)).stdout.toString()
    const several = await ann.cli(['get', 'r/2', 'absent', 'r/1'])
    expect([several.exit, several.stdout.toString()]).toEqual([3, 'r/2\tof r/2\nr/1\tof r/1\n'])
    expect(several.stderr).toMatch(/^error NOT_FOUND: there is no "absent"\n {2}next: .+\n$/)
    expect(await out('ls', 'r/', '--reverse', '--until', 'r/2')).toBe('r/3\nr/2\n')
    expect(await out('ls', 'r/', '--after', 'r/1', '--count')).toBe('2\n')
    expect(JSON.parse(await out('ls', 'r/', '--count', '--json'))).toEqual({ keys: 3, types: { reg: 3, set: 1 } })
    const EDITOR = `sh -c 'echo edited >> "$1"' editor`
    const edited = await runProgram(['edit', 'r/1', '--data', ann.data], { env: { EDITOR } })
    expect([edited.exit, edited.stderr, await out('get', 'r/1')]).toEqual([0, '', 'of r/1edited'])
    const lines = (await out('watch', 'r/', '--initial', '--json', '--limit', '4')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line)).map(({ op, key, type, initial }) => [op, key, type, initial])).toEqual(
      [
        ['put', 'r/2', 'reg', true],
        ['put', 'r/3', 'reg', true],
        ['put', 'r/2', 'set', true],
        ['put', 'r/1', 'reg', true],
      ],
    )
    await ann.cli(['del', '--prefix', 'r/'])
  })

  it('config shows values and origins, of a daemon that runs and of one that does not', async () => {
    const settings = (ran: { stdout: Buffer }) =>
      Object.fromEntries(
        (JSON.parse(ran.stdout.toString()).settings as { name: string; value: unknown; origin: string }[]).map(
          ({ name, value, origin }) => [name, [value, origin]],
        ),
      )
    expect(settings(await ann.cli(['config', '--json']))).toMatchObject({
      name: ['ann', 'flag'],
      mdns: [false, 'flag'],
      durability: ['fsync', 'default'],
    })
    const data = join(fleet.folder, 'never-started')
    const file = join(fleet.folder, 'settings.toml')
    writeFileSync(file, 'durability = "os"\n[sync]\ninterval = "5s"\n[log]\nmaxBytes = "1MiB"\nmaxAge = "1h"\n')
    const env = { HEARSAY_SYNC_INTERVAL: '7s', HEARSAY_NONSENSE: '1' }
    const ran = await runProgram(['config', '--data', data, '--config', file, '--log-max-age', '2h', '--json'], { env })
    expect(settings(ran)).toMatchObject({
      durability: ['os', 'file'],
      'sync.interval': ['7s', 'environment'],
      'log.maxBytes': ['1MiB', 'file'],
      'log.maxAge': ['2h', 'flag'],
      'values.maxBytes': ['8MiB', 'default'],
    })
    expect(ran.stderr).toContain('HEARSAY_NONSENSE')
    expect(existsSync(data)).toBe(false)
    writeFileSync(file, 'nonsense = 1\n')
    for (const command of ['config', 'daemon']) {
      const refused = await runProgram([command, '--data', data, '--config', file])
      expect(refused.exit).toBe(2)
      expect(refused.stderr).toContain("'nonsense'")
    }
  })

  it('doctor judges a daemon that runs, and looks at one that does not', async () => {
    type Found = { findings: { level: string; check: string; text: string; remedy: string | null }[] }
    const found = async (args: string[]): Promise<[number, Found['findings']]> => {
      const ran = await runProgram(['doctor', '--json', ...args])
      return [ran.exit ?? -1, (JSON.parse(ran.stdout.toString()) as Found).findings]
    }
    const [exit, running] = await found(['--data', ann.data])
    expect(exit).toBe(running.some(({ level }) => level === 'fail') ? 1 : 0)
    for (const check of ['store', 'disk', 'identity', 'members', 'network', 'conflicts']) {
      expect(running.map((one) => one.check)).toContain(check)
    }
    const alone = running.find(({ check }) => check === 'members')
    expect(alone).toMatchObject({ level: 'warn', remedy: expect.stringContaining('hearsay join') })
    expect((await askRaw(ann, '/v1/doctor')).json.findings).toHaveLength(running.length)
    const [stopped, looked] = await found(['--data', join(fleet.folder, 'never')])
    expect([stopped, looked[0]?.check]).toEqual([6, 'daemon'])
    expect(looked.map(({ check }) => check)).toContain('data')
    // A daemon that is stopped in its tracks holds its store, and is named.
    process.kill(ann.pid!, 'SIGSTOP')
    try {
      const ran = await runProgram(['doctor', '--data', ann.data])
      expect([ran.exit, ran.stdout.toString()]).toEqual([6, expect.stringContaining(`process ${ann.pid} uses`)])
    } finally {
      process.kill(ann.pid!, 'SIGCONT')
    }
  })

  it('status begins with what needs somebody, and tells of the verification', async () => {
    expect((await ann.cli(['status'])).stdout.toString()).toMatch(/^(?:! .*\n(?: {2}.*\n)*)*ann {2}12D3/)
    const { verification } = (await askRaw(ann, '/v1/status')).json
    const ready = (await askRaw(ann, '/readyz')).json
    expect([verification, ready.verification]).toEqual([null, null])
  })

  it('version and completions', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
    expect((await runProgram(['version'])).stdout.toString()).toBe(`${version}\n`)
    for (const shell of ['bash', 'zsh', 'fish']) {
      const ran = await runProgram(['completion', shell])
      expect([ran.exit, ran.stdout.includes('peers')]).toEqual([0, true])
    }
  })
})

describe('the daemon', () => {
  it('warns of unknown variables, and puts its socket elsewhere when its path is too long', async () => {
    const data = join(fleet.folder, 'l'.repeat(120))
    mkdirSync(data)
    const daemon = fleet.prepare('long', [], { env: { HEARSAY_NONSENSE: '1' } }, data)
    await daemon.start()
    const path = readFileSync(join(data, 'api.path'), 'utf8').trim()
    expect([daemon.ready.api, daemon.ready.dashboard, daemon.ready.resp]).toEqual([[`unix:${path}`], null, null])
    expect((await runProgram(['put', 'k', 'v'], { env: { HEARSAY_DATA: data } })).exit).toBe(0)
    expect(daemon.stderr).toContain('HEARSAY_NONSENSE')
    expect((await runProgram(['status', '--json'], { env: { HEARSAY_DATA: data } })).stdout.toString()).toContain(
      'HEARSAY_NONSENSE',
    )
    const second = await runProgram(['daemon', '--data', data, '--listen', '/ip4/127.0.0.1/tcp/0', '--mdns=false'])
    expect(second.exit).toBe(1)
    expect(second.stderr).toContain('STORE_LOCKED')
    await daemon.stop()
  })
})
