/** Bad input from every side: each has its clear error and exit code, nothing is stored, and the daemon goes on. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, connect as dial } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestRaw } from '../support/raw-request.js'
import { type Daemon, Fleet, type ProgramRun, runProgram } from './daemons.js'

describe('bad input', () => {
  let fleet: Fleet
  let daemon: Daemon
  beforeAll(async () => {
    fleet = await Fleet.create()
    daemon = await fleet.add('one', ['--api', '127.0.0.1:0'])
    await daemon.client.put('kept', 'kept')
  })
  afterAll(() => fleet.end())

  function expectRefused(ran: ProgramRun, exit: number, code: string): void {
    expect(ran.stderr).toContain(code)
    expect(ran.exit).toBe(exit)
    expect(ran.stdout.toString()).toBe('')
  }

  async function expectUnharmed(): Promise<void> {
    expect((await daemon.client.get('kept')).value.toString()).toBe('kept')
    expect((await daemon.client.status()).entries).toBe(1)
  }

  const tcp = () => new URL(daemon.ready.api.find((address) => address.startsWith('http'))!)

  /** One request over TCP: its status and problem code. */
  async function over(headers: Record<string, string>): Promise<{ status: number; code: string }> {
    const { hostname, port } = tcp()
    const where = { host: hostname, port: Number(port) }
    const { status, body } = await requestRaw(where, { path: '/v1/status', headers })
    return { status, code: (JSON.parse(body.toString()) as { code?: string }).code ?? '' }
  }

  it('a value of 9 MiB', async () => {
    expectRefused(await daemon.cli(['put', 'big', '-'], Buffer.alloc(9 * 1024 * 1024, 1)), 2, 'TOO_LARGE')
    await expectUnharmed()
  })

  it('a value of just 8 MiB is stored and read back', async () => {
    const value = randomBytes(8 * 1024 * 1024)
    expect((await daemon.cli(['put', 'just', '-'], value)).exit).toBe(0)
    expect((await daemon.cli(['get', 'just'])).stdout.equals(value)).toBe(true)
    expect((await daemon.cli(['del', 'just'])).exit).toBe(0)
    await expectUnharmed()
  })

  it('a key of 2 KiB, and one of just 1 KiB', async () => {
    expectRefused(await daemon.cli(['put', 'k'.repeat(2048), 'v']), 2, 'TOO_LARGE')
    const longest = 'ü'.repeat(512)
    expect((await daemon.cli(['put', longest, 'v'])).exit).toBe(0)
    expect((await daemon.cli(['get', longest])).stdout.toString()).toBe('v')
    expect((await daemon.cli(['del', longest])).exit).toBe(0)
    await expectUnharmed()
  })

  it('an unknown flag, an unknown command, a missing argument', async () => {
    for (const args of [
      ['put', 'k', 'v', '--no-such-flag'],
      ['no-such-command'],
      ['get'],
      ['put', 'k', 'v', '--ttl', 'soon'],
    ]) {
      const ran = await daemon.cli(args)
      expect(ran.exit, args.join(' ')).toBe(2)
      expect(ran.stderr).not.toBe('')
    }
    const unknown = await runProgram(['daemon', '--data', join(fleet.folder, 'unused'), '--no-such-flag'])
    expect(unknown.exit).toBe(2)
    await expectUnharmed()
  })

  it('a second daemon on the same data directory', async () => {
    const second = await runProgram([
      'daemon',
      '--data',
      daemon.data,
      '--listen',
      '/ip4/127.0.0.1/tcp/0',
      '--mdns=false',
    ])
    expectRefused(second, 1, 'STORE_LOCKED')
    await expectUnharmed()
  })

  it('a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const data = join(fleet.folder, 'no-port')
    for (const flags of [
      ['--listen', `/ip4/127.0.0.1/tcp/${port}`],
      ['--listen', '/ip4/127.0.0.1/tcp/0', '--api', `127.0.0.1:${port}`],
    ]) {
      const refused = await runProgram(['daemon', '--data', data, '--mdns=false', ...flags])
      expectRefused(refused, 1, 'PORT_IN_USE')
      expect(refused.stderr).toContain(String(port))
    }
    taken.close()
  })

  it('an unknown key in the configuration file is named', async () => {
    const ran = await runProgram(['daemon', '--data', join(fleet.folder, 'bad-config'), '--config', 'package.json'])
    expect(ran.exit).toBe(2)
    expect(ran.stderr).toContain('BAD_CONFIG')
  })

  it('no daemon at all', async () => {
    expectRefused(await runProgram(['get', 'k', '--data', join(fleet.folder, 'nobody')]), 6, 'UNREACHABLE_DAEMON')
  })

  it('a wrong API token, a foreign Host, a foreign Origin', async () => {
    const token = readFileSync(join(daemon.data, 'api.token'), 'utf8').trim()
    const good = { authorization: `Bearer ${token}` }
    expect((await over(good)).status).toBe(200)
    expect(await over({})).toEqual({ status: 401, code: 'UNAUTHORIZED' })
    expect(await over({ authorization: 'Bearer wrong' })).toEqual({ status: 401, code: 'UNAUTHORIZED' })
    expect(await over({ ...good, host: 'evil.example' })).toEqual({ status: 403, code: 'FORBIDDEN_ORIGIN' })
    expect(await over({ ...good, origin: 'http://evil.example' })).toEqual({ status: 403, code: 'FORBIDDEN_ORIGIN' })
  })

  it('an altered context token stores nothing', async () => {
    const { context } = await daemon.client.get('kept')
    const altered = context.slice(0, -2) + (context.endsWith('A') ? 'BB' : 'AA')
    await expect(daemon.client.put('kept', 'x', { context: altered })).rejects.toMatchObject({
      code: 'BAD_CONTEXT',
      status: 400,
    })
    await expect(daemon.client.put('other', 'x', { context })).rejects.toMatchObject({ code: 'BAD_CONTEXT' })
    await expectUnharmed()
  })

  it('a malformed invitation, one that nobody answers, and one of a foreign mesh', async () => {
    expectRefused(await daemon.cli(['join', 'nonsense']), 2, 'BAD_TOKEN')
    const other = await fleet.add('other')
    const { token } = await other.client.invite()
    const stranger = await fleet.add('stranger')
    await other.stop()
    expectRefused(await stranger.cli(['join', token]), 1, 'UNREACHABLE')
    expect((await stranger.client.status()).members).toEqual([])
    await expectUnharmed()
  })

  it('random bytes on the port for peers', async () => {
    const port = Number(/\/tcp\/(\d+)/.exec(daemon.ready.addresses[0]!)![1])
    for (const size of [1, 24, 1000, 200_000]) {
      const socket = dial(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.on('error', () => {})
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.end(randomBytes(size))
      socket.resume()
      await closed
    }
    await expectUnharmed()
    const peer = await fleet.add('peer')
    await peer.client.join((await daemon.client.invite()).token)
    expect((await peer.cli(['wait', '--peers', '1', '--converged', '--timeout', '40s'])).exit).toBe(0)
    expect((await peer.client.get('kept')).value.toString()).toBe('kept')
  })

  it('SIGTERM ends the daemon with 0 within five seconds, also with clients connected', async () => {
    const idle = dial(Number(tcp().port), '127.0.0.1')
    await once(idle, 'connect')
    idle.on('error', () => {})
    const startMs = performance.now()
    expect(await daemon.stop()).toBe(0)
    expect(performance.now() - startMs).toBeLessThan(5000)
    idle.destroy()
    await daemon.start()
    expect((await daemon.client.get('kept')).value.toString()).toBe('kept')
  })
})
