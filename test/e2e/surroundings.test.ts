/**
 * What surrounds a daemon is not as it should be: signals, addresses, descriptors, folders, files. It says so, or makes
 * it good; it never breaks.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fleet, program, runProgram, until } from './daemons.js'

let fleet: Fleet
beforeEach(async () => {
  fleet = await Fleet.create()
})
afterEach(() => fleet.end())

const network = ['--listen', '/ip4/127.0.0.1/tcp/0', '--mdns=false']

/** Runs the command line by way of a shell, which prepares its process. */
function shell(prepare: string, args: readonly string[]) {
  const quoted = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ')
  const { status, stderr } = spawnSync('/bin/sh', ['-c', `${prepare}; exec ${quoted}`], {
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  return { exit: status, stderr }
}

function expectRefused(ran: { exit: number | null; stderr: string }, code: string, said: RegExp): void {
  expect(ran.stderr).toMatch(new RegExp(`^error ${code}: `))
  expect(ran.stderr).toMatch(said)
  expect(ran.stderr).not.toMatch(/INTERNAL|^\s+at /m)
  expect(ran.exit).toBe(code === 'BAD_CONFIG' ? 2 : 1)
}

describe('a start', () => {
  it('is refused with the remedy where the surroundings do not allow it', async () => {
    const data = join(fleet.folder, 'node')
    const gone = join(fleet.folder, 'gone')
    mkdirSync(gone)
    const daemon = ['daemon', '--data', data]
    const inGone = `cd '${gone}' && rmdir '${gone}'`
    expectRefused(
      shell(inGone, ['daemon', '--data', 'here', ...network]),
      'SYSTEM_FAILED',
      /current directory has been/,
    )
    mkdirSync(gone)
    expectRefused(shell(inGone, ['status', '--data', 'here']), 'SYSTEM_FAILED', /current directory has been removed/)
    for (const files of [22, 64, 255]) {
      expectRefused(
        shell(`ulimit -n ${files}`, [...daemon, ...network]),
        'SYSTEM_FAILED',
        /may open .* files.*ulimit -n/,
      )
    }
    for (const [flags, said] of [
      [['--listen', '/ip4/192.0.2.7/tcp/0'], /does not have/],
      [['--listen', '/dns4/nosuchhost.invalid/tcp/0'], /nosuchhost.invalid/],
      [['--listen', '/ip4/300.1.1.1/tcp/0'], /not a TCP multiaddr/],
      [[...network, '--api', '192.0.2.7:0'], /does not have it/],
      [[...network, '--api', 'nosuchhost.invalid:0'], /--api/],
      [[...network, '--announce', '/ip4/192.0.2.1/tcp/0'], /port 0/],
      [[...network, '--announce', '/ip4/0.0.0.0/tcp/7400'], /all addresses/],
      [[...network, '--announce', '/ip6/::/tcp/7400'], /all addresses/],
    ] as const) {
      expectRefused(await runProgram([...daemon, '--mdns=false', ...flags]), 'BAD_CONFIG', said)
    }
    expectRefused(await runProgram(['daemon', '--data', '/proc/nothing/there']), 'BAD_CONFIG', /cannot be made/)
    writeFileSync(join(fleet.folder, 'file'), '')
    expectRefused(await runProgram(['daemon', '--data', join(fleet.folder, 'file')]), 'BAD_CONFIG', /it is a file/)
  })

  it('names the file that stands in its way', async () => {
    for (const [name, said] of [
      ['peer.key', /EISDIR.*move it away/],
      ['config.toml', /EISDIR.*move it away/],
    ] as const) {
      const data = join(fleet.folder, `with-${name}`)
      mkdirSync(join(data, name), { recursive: true })
      expectRefused(
        await runProgram(['daemon', '--data', data, ...network]),
        name === 'peer.key' ? 'SYSTEM_FAILED' : 'BAD_CONFIG',
        said,
      )
    }
    const data = join(fleet.folder, 'with-store')
    mkdirSync(data)
    writeFileSync(join(data, 'store'), '')
    expectRefused(await runProgram(['daemon', '--data', data, ...network]), 'SYSTEM_FAILED', /ENOTDIR.*move it away/)
  })

  it('tells members the announced address in place of its own', async () => {
    const daemon = await fleet.add('announced', ['--announce', '/dns4/node.example/tcp/17400'])
    expect(daemon.ready.addresses).toEqual([`/dns4/node.example/tcp/17400/p2p/${daemon.ready.peer}`])
  })
})

describe('headers', () => {
  it('that cannot be sent are refused before anything is', async () => {
    const daemon = await fleet.add('node')
    for (const args of [
      ['put', 'k', 'v', '--context', 'one\ntwo'],
      ['put', 'k', 'v', '--id', 'Ωμέγα'],
      ['del', 'k', '--context', '漢字'],
    ]) {
      const ran = await daemon.cli(args)
      expect(ran.stderr).toMatch(/^error BAD_REQUEST: .*nothing was sent/)
      expect(ran.exit).toBe(2)
    }
    const { port } = new URL((await fleet.add('tcp', ['--api', '127.0.0.1:0'])).ready.api[1]!)
    const token = await runProgram(['status', '--api', `127.0.0.1:${port}`, '--token', 'a\nb'])
    expect(token.stderr).toMatch(/^error BAD_REQUEST: the token/)
  })
})

describe('signals and sockets', () => {
  it('SIGHUP ends the daemon in order, SIGUSR1 opens no debugger', async () => {
    const daemon = await fleet.add('node')
    await daemon.client.put('k', 'v')
    daemon.signal('SIGUSR1')
    await daemon.client.put('k', 'w')
    expect(daemon.stderr).not.toContain('Debugger')
    const { pid } = daemon
    const sockets = execFileSync('/bin/sh', ['-c', `cat /proc/${pid}/net/tcp | grep ' 0A ' || true`], {
      encoding: 'utf8',
    })
    // 9229, the port of the debugger.
    expect(sockets).not.toMatch(/0100007F:240D /)
    daemon.signal('SIGHUP')
    await until(
      'the end',
      async () => daemon.isRunning,
      (is) => !is,
    )
    expect(daemon.stderr).toContain('"signal":"SIGHUP"')
    expect(existsSync(join(daemon.data, 'api.sock'))).toBe(false)
    await daemon.start()
    expect((await daemon.client.get('k')).value.toString()).toBe('w')
  })

  it('a socket file that was removed is made again, and requests under way are answered', async () => {
    const daemon = await fleet.add('node')
    await daemon.client.put('k', 'v')
    const waiting = daemon.client.wait({ peers: 1, timeoutMs: 3_000 }).catch((error: { code?: string }) => error.code)
    for (let round = 0; round < 2; round++) {
      rmSync(join(daemon.data, 'api.sock'))
      await until(
        'the socket',
        () => daemon.client.get('k'),
        ({ value }) => value.toString() === 'v',
      )
    }
    expect(await waiting).toBe('TIMED_OUT')
    await daemon.stop()
    expect(existsSync(join(daemon.data, 'api.sock'))).toBe(false)
  })

  it('waits longer than a timer of Node are refused, without a warning of Node', async () => {
    const daemon = await fleet.add('node')
    const ran = await daemon.cli(['wait', '--peers', '1', '--timeout', '60d'])
    expect(ran.stderr).toMatch(/^error BAD_REQUEST: timeout: .*at most/)
    expect(ran.stderr).not.toContain('Warning')
    expect(daemon.stderr).not.toContain('Warning')
  })
})

describe('a disk that takes no more', () => {
  it('is named with its code and remedy, and taken up again by itself once it does', { timeout: 90_000 }, async () => {
    const daemon = await fleet.add('node')
    await daemon.client.put('before', 'kept')
    const { pid } = daemon
    // The limit of file sizes stands in for a full disk: the log of the store may not grow any more.
    execFileSync('prlimit', [`--pid=${pid}`, '--fsize=4096:'])
    const failure = (await daemon.client.put('large', 'x'.repeat(100_000)).catch((error: unknown) => error)) as {
      code: string
      message: string
      details: Record<string, unknown>
    }
    expect(failure).toMatchObject({ code: 'STORE_FAILED', details: { system: 'EFBIG' } })
    expect(failure.message).toMatch(/EFBIG.*unknown.*ulimit -f/)
    expect((await daemon.client.status()).warnings.join('\n')).toMatch(/EFBIG[\s\S]*|restarts by itself/)
    expect(daemon.stderr).toContain('EFBIG')
    expect((await daemon.client.get('before')).value.toString()).toBe('kept')
    execFileSync('prlimit', [`--pid=${pid}`, '--fsize=unlimited:'])
    await until(
      'writes again',
      () => daemon.client.put('after', 'the disk is back'),
      () => true,
    )
    expect(daemon.pid).toBe(pid)
    expect((await daemon.client.get('before')).value.toString()).toBe('kept')
    expect((await daemon.client.status()).warnings).toEqual([])
    // Nothing that was refused came back under another value.
    const large = await daemon.client.get('large').catch((error: { code?: string }) => error.code)
    if (typeof large === 'object') expect(large.value.length).toBe(100_000)
    else expect(large).toBe('NOT_FOUND')
  })
})
