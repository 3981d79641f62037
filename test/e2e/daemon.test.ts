/**
 * Real daemons as processes: the ready line, what they leave behind, who gets in, joining and blocking across restarts.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../cli/client.js'
import { inCi, isShort } from '../support/effort.js'
import { metricFamilies } from '../support/prometheus.js'
import { allEqual, connectedTo, Daemon, Fleet, until } from './daemons.js'
import { monitoringFaults, promtoolVerdict } from './monitoring.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

let fleet: Fleet
const extra: Daemon[] = []
beforeAll(async () => {
  fleet = await Fleet.create()
})
afterAll(async () => {
  await Promise.all(extra.map((daemon) => daemon.kill()))
  await fleet.end()
})

const modeOf = (path: string) => statSync(path).mode & 0o777

describe('one daemon', () => {
  it('prints one ready line that tells everything, and keeps its files to its user', async () => {
    const daemon = await fleet.add('ready', ['--api', '127.0.0.1:0', '--resp', '127.0.0.1:0'])
    const { ready, data } = daemon
    expect(ready).toEqual({
      msg: 'ready',
      node: 'ready',
      peer: expect.stringMatching(/^12D3Koo/),
      addresses: [expect.stringMatching(new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/\\d+/p2p/${ready.peer}$`))],
      api: [`unix:${data}/api.sock`, expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/)],
      resp: null,
      dashboard: `${ready.api[1]}/`,
    })
    expect((await daemon.client.status()).warnings).toEqual([expect.stringContaining('resp is set')])
    const modes = ['.', 'api.sock', 'api.token', 'peer.key', 'mesh.secret'].map((name) => [
      name,
      modeOf(join(data, name)),
    ])
    expect(modes).toEqual([
      ['.', 0o700],
      ['api.sock', 0o600],
      ['api.token', 0o600],
      ['peer.key', 0o600],
      ['mesh.secret', 0o600],
    ])
    const overTcp = (token: string) => connect({ api: ready.api[1]!, token, keepAlive: false, environment: {} })
    expect((await overTcp(readFileSync(join(data, 'api.token'), 'utf8').trim()).status()).node).toBe('ready')
    await expect(overTcp('wrong').status()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    for (const name of ['api.token', 'mesh.secret']) {
      expect(daemon.stderr).not.toContain(readFileSync(join(data, name), 'utf8').trim())
    }
  })

  it('starts again on what a killed one left, and tidies up after itself', async () => {
    const daemon = await fleet.add('left')
    await daemon.client.put('k', 'kept')
    const { actor } = (await daemon.client.status()) as unknown as { actor: string }
    await daemon.kill()
    expect(existsSync(join(daemon.data, 'api.sock'))).toBe(true)
    await daemon.start()
    expect((await daemon.client.get('k')).value.toString()).toBe('kept')
    expect((await daemon.client.status()) as unknown).toMatchObject({ actor: null, entries: 1 })
    await daemon.client.put('k2', 'x')
    expect((await daemon.client.status()) as unknown).not.toMatchObject({ actor })
    expect(await daemon.stop()).toBe(0)
    expect(existsSync(join(daemon.data, 'api.sock'))).toBe(false)
  })

  it('refuses a directory that is in use, and the first one goes on', async () => {
    const daemon = await fleet.add('locked')
    const second = new Daemon(daemon.data, 'second', [])
    await expect(second.start()).rejects.toThrow(/ended with 1 .*STORE_LOCKED.*--data/s)
    await daemon.client.put('still', 'here')
    expect((await daemon.client.get('still')).value.toString()).toBe('here')
  })

  it('undoes everything when it cannot start', async () => {
    const first = await fleet.add('taken', ['--api', '127.0.0.1:0'])
    const second = new Daemon(join(fleet.folder, 'refused'), 'refused', [
      '--api',
      first.ready.api[1]!.slice('http://'.length),
    ])
    await expect(second.start()).rejects.toThrow(/ended with 1 .*PORT_IN_USE/s)
    expect(existsSync(join(second.data, 'api.sock'))).toBe(false)
    const third = new Daemon(second.data, 'refused', [])
    extra.push(third)
    await third.start()
    expect((await third.client.status()).node).toBe('refused')
  })

  it('has its socket elsewhere when the path is too long, and the client finds it', async () => {
    const deep = join(fleet.folder, 'd'.repeat(60), 'e'.repeat(60))
    mkdirSync(deep, { recursive: true })
    const daemon = new Daemon(deep, 'deep', [])
    extra.push(daemon)
    await daemon.start()
    expect(existsSync(join(deep, 'api.sock'))).toBe(false)
    const path = readFileSync(join(deep, 'api.path'), 'utf8').trim()
    expect([daemon.ready.api[0], modeOf(path)]).toEqual([`unix:${path}`, 0o600])
    expect((await connect({ data: deep, keepAlive: false, environment: {} }).status()).node).toBe('deep')
    await daemon.stop()
    expect([existsSync(path), existsSync(join(deep, 'api.path'))]).toEqual([false, false])
  })

  it('tells the service manager that it is ready and that it stops', async () => {
    const told = join(fleet.folder, 'told')
    const helper = join(fleet.folder, 'systemd-notify')
    writeFileSync(helper, `#!/bin/sh\necho "$1" >> ${told}\n`)
    chmodSync(helper, 0o755)
    const { PATH } = process.env
    Object.assign(process.env, { PATH: `${fleet.folder}:${PATH}`, NOTIFY_SOCKET: '/nonexistent' })
    try {
      const daemon = await fleet.add('notified')
      const status = `STATUS=node notified, data in ${daemon.data}\n`
      await until(
        'READY=1',
        async () => existsSync(told) && readFileSync(told, 'utf8'),
        (text) => text === `${status}READY=1\n`,
      )
      expect(await daemon.stop()).toBe(0)
      await until(
        'STOPPING=1',
        async () => readFileSync(told, 'utf8'),
        (text) => text === `${status}READY=1\nSTOPPING=1\n`,
      )
    } finally {
      process.env.PATH = PATH
      delete process.env.NOTIFY_SOCKET
    }
  })
})

describe('a mesh that starts again', () => {
  it.skipIf(isShort)(`takes another port where its own is taken, and is found by the others${inCi}`, async () => {
    const [stays, moves] = (await fleet.mesh(['stays', 'moves'])) as [Daemon, Daemon]
    const [before] = moves.ready.addresses
    await moves.stop()
    const port = Number(/\/tcp\/(\d+)/.exec(before!)![1])
    const squatter = createServer().listen(port, '127.0.0.1')
    try {
      await once(squatter, 'listening')
      await moves.start()
      expect(moves.ready.addresses).not.toEqual([before])
      for (const daemon of [stays, moves]) await connectedTo(daemon, 1)
    } finally {
      squatter.close()
    }
  })
})

/**
 * The page for Prometheus, after clients, commits and sessions: by its rules, and with all that docs/monitoring/ asks
 * of it.
 */
async function keepsItsMetricsInOrder(daemon: Daemon): Promise<void> {
  const body = await daemon.client.metrics()
  expect(monitoringFaults(body)).toEqual([])
  expect(promtoolVerdict(body) ?? '').toBe('')
  const families = metricFamilies(body)
  const value = (series: string) => families.get(series.replace(/_count.*|_bucket.*/, ''))?.series.get(series)
  expect(value('hearsay_http_request_duration_seconds_count{method="PUT",route="/v1/kv/:key"}')).toBe(1)
  const commits = value('hearsay_store_commit_duration_seconds_count')
  expect(commits).toBeGreaterThan(0)
  expect(value('hearsay_store_commit_duration_seconds_bucket{le="+Inf"}')).toBe(commits)
  const sessions = [...families.get('hearsay_sync_session_duration_seconds')!.series.keys()]
  expect(sessions.join()).toMatch(/_count\{mode="(?:equal|contexts|delta|tree|full)"\}/)
}

describe('several daemons', () => {
  let daemons: [Daemon, Daemon, Daemon]
  beforeAll(async () => {
    daemons = (await fleet.mesh(['a', 'b', 'c'])) as typeof daemons
  })

  it('join by token, agree, acknowledge, and know who holds what', async () => {
    const [a, b, c] = daemons
    await Promise.all([a.client.put('from/a', '1'), b.client.put('from/b', '2'), c.client.put('from/c', '3')])
    await a.client.wait({ peers: 2, converged: true })
    await allEqual([a, b, c])
    for (const key of ['from/a', 'from/b', 'from/c']) expect((await b.client.get(key)).siblings).toBe(1)
    const { acks } = await c.client.put('acked', 'x', { acks: 'all', timeoutMs: 20_000 })
    expect([acks.have, acks.want, [...acks.nodes].sort()]).toEqual([3, 3, ['a', 'b', 'c']])
    expect([...(await c.client.where('acked')).nodes].sort()).toEqual(['a', 'b', 'c'])
    expect((await b.client.get('acked', { consistency: 'all' })).value.toString()).toBe('x')
    expect((await a.client.getAll('from/b')).versions[0]!.node).toBe('b')
    await keepsItsMetricsInOrder(a)
  })

  it('prove a quorum to each request: none from the first instant in which the others stand still', async () => {
    const [a, b, c] = daemons
    await a.client.wait({ peers: 2, converged: true })
    await Promise.all(Array.from({ length: 50 }, (_, at) => a.client.put(`q${at}`, 'x', { requireQuorum: true })))
    for (const other of [b, c]) other.signal('SIGSTOP')
    try {
      // Both are connected, and were heard a moment ago.
      const refused = a.client.put('alone', 'x', { requireQuorum: true, timeoutMs: 1_000 })
      await expect(refused).rejects.toMatchObject({ code: 'NO_QUORUM', details: { stored: false } })
      await expect(a.client.get('alone')).rejects.toMatchObject({ code: 'NOT_FOUND' })
      const { nodes, missing, unknown } = await a.client.where('q0')
      expect([nodes, missing, unknown].flat().toSorted()).toEqual(['a', 'b', 'c'])
      const waiting = a.client.wait({ converged: true, timeoutMs: 3_000 })
      await expect(waiting).rejects.toMatchObject({ code: 'TIMED_OUT', message: expect.stringMatching(/\b[bc]\b/) })
    } finally {
      for (const other of [b, c]) other.signal('SIGCONT')
    }
    await a.client.put('together', 'x', { requireQuorum: true, timeoutMs: 20_000 })
  })

  it('find each other again on the ports that they were given, without discovery, all restarted at once', async () => {
    const before = daemons.map(({ ready }) => ready.addresses)
    await Promise.all(daemons.map((daemon) => daemon.kill()))
    await Promise.all(daemons.map((daemon) => daemon.start()))
    // Of the ports that were free for a moment another program may have taken one; who has it must move, and finds the
    // others.
    const kept = daemons.filter(({ ready }, at) => ready.addresses.join() === before[at]!.join())
    expect(kept.length).toBeGreaterThanOrEqual(2)
    for (const daemon of daemons) await connectedTo(daemon, 2)
  })

  it.skipIf(isShort)(`keep a block over a restart, keep both sides of a conflict, and heal${inCi}`, async () => {
    const [a, b] = (await fleet.mesh(['x', 'y'])) as [Daemon, Daemon]
    await a.client.block(['y'])
    await connectedTo(a, 0).catch(() => {})
    expect((await a.client.status()).blocked).toEqual(['y'])
    await a.kill()
    await a.start()
    expect((await a.client.status()).blocked).toEqual(['y'])
    await Promise.all([a.client.put('k', 'of x'), b.client.put('k', 'of y')])
    await expect(a.client.put('k2', 'x', { requireQuorum: true })).rejects.toMatchObject({ code: 'NO_QUORUM' })
    await expect(a.client.put('k3', 'x', { acks: 'all', timeoutMs: 100 })).rejects.toMatchObject({
      code: 'NOT_ENOUGH_ACKS',
    })
    await a.client.unblock()
    await a.client.wait({ peers: 1, converged: true })
    for (const { client } of [a, b]) {
      expect((await client.getAll('k')).versions.map(({ value }) => value).sort()).toEqual(['of x', 'of y'])
      expect((await client.status()).conflicts).toBe(1)
    }
    const context = (await b.client.getAll('k')).context
    await b.client.resolve('k', { value: 'settled' }, { context })
    await until(
      'settled',
      () => a.client.status(),
      (status) => status.conflicts === 0,
    )
  })

  it('--join waits for a mesh that is not there yet, and is ignored once in it', async () => {
    const host = await fleet.add('host')
    const { token } = await host.client.invite()
    const address = host.ready.addresses[0]!.replace(/\/p2p\/.*/, '')
    await host.stop()
    const guest = await fleet.add('guest', ['--join', token])
    expect(guest.stderr).not.toContain(token)
    expect((await guest.client.status()).warnings.join()).toContain('--join')
    await guest.client.put('early', 'written before the join')
    await host.start(['--listen', address])
    await guest.client.wait({ peers: 1, converged: true, timeoutMs: 40_000 })
    expect((await host.client.get('early')).value.toString()).toBe('written before the join')
    await until(
      'no warning',
      () => guest.client.status(),
      (status) => status.warnings.length === 0,
    )
    await guest.stop()
    await guest.start()
    await guest.client.wait({ peers: 1, converged: true })
    expect((await guest.client.status()).warnings).toEqual([])
    await expect(new Daemon(join(fleet.folder, 'z'), 'z', ['--join', 'hearsay-x']).start()).rejects.toThrow('BAD_TOKEN')
  })
})

it('what the ready line says to try works as typed after `npm start`', { timeout: 60_000 }, async () => {
  const data = join(mkdtempSync(join(tmpdir(), 'hearsay-start-')), 'with a space')
  const environment = { PATH: pathOfShell(), HOME: dirname(data) }
  const flags = ['--data', data, '--listen', '/ip4/127.0.0.1/tcp/0', '--mdns=false']
  const child = spawn('npm', ['start', '--silent', '--', ...flags], { cwd: root, env: environment, detached: true })
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const [, first = ''] = /Try `([^`]+)`/.exec(line) ?? []
    expect(first).toMatch(/^npx hearsay put hello world --data /)
    const { stdout } = await promisify(execFile)('sh', ['-c', first], { cwd: root, env: environment })
    expect(stdout).toBe('stored hello\n')
  } finally {
    const ended = once(child, 'exit')
    process.kill(-child.pid!, 'SIGTERM')
    await ended
    rmSync(dirname(data), { recursive: true, force: true })
  }
})

/** The PATH of a shell that npm has not added to. */
function pathOfShell(): string {
  const folders = (process.env.PATH ?? '').split(':')
  return folders.filter((folder) => !folder.endsWith('node_modules/.bin')).join(':')
}
