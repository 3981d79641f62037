/** The recipes on one daemon: the page itself, and what it promises of restarts, signals and files. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Daemon, Fleet, program, runProgram, until } from './daemons.js'
import { playPage } from './pages.js'

const startMs = 120_000
let fleet: Fleet
let ann: Daemon

beforeAll(async () => {
  fleet = await Fleet.create()
  ann = await fleet.add('ann')
}, startMs)
afterAll(() => fleet.end())

/** A call of the command line that goes on. */
class Call {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [program, args[0]!, '--data', ann.data, ...args.slice(1)])
    this.child.stdout!.on('data', (chunk: Buffer) => {
      this.stdout += chunk
    })
    this.child.stderr!.on('data', (chunk: Buffer) => {
      this.stderr += chunk
    })
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const closed = once(this.child, 'close')
    this.child.kill(signal)
    return (await closed)[0] as number | null
  }
}

const path = (name: string) => join(fleet.folder, name)
const text = (name: string) => readFileSync(path(name), 'utf8')
const versionsOf = (key: string) =>
  ann.client.getAll(key).then(
    ({ versions }) => versions,
    () => [],
  )

it('the page does what it says', async () => {
  const bin = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url))
  await playPage('docs/RECIPES.md', 'true', { HEARSAY_DATA: ann.data, PATH: `${bin}:${process.env.PATH}` })
})

describe('put --keep-alive', () => {
  it('outlives a daemon that is killed, leaves others beside it, and goes with its command', async () => {
    const script = `trap 'exit 7' TERM; while :; do sleep 0.05; done`
    const call = new Call(['put', 'alive', 'mine', '--ttl', '3s', '--keep-alive', 'sh', '-c', script])
    const dots = new Set<string>()
    const renewed = (times: number) =>
      until(
        'renewals',
        () => versionsOf('alive'),
        (versions) => {
          expect(versions.length).toBeLessThanOrEqual(1)
          for (const { dot } of versions) dots.add(dot)
          return dots.size >= times
        },
      )
    await renewed(3)
    await ann.kill()
    await until(
      'a warning',
      async () => call.stderr,
      (stderr) => stderr.includes('alive was not renewed'),
    )
    await ann.start()
    const before = dots.size
    await renewed(before + 2)
    await until(
      'the end of the outage',
      async () => call.stderr,
      (stderr) => stderr.includes('alive is kept alive again'),
    )
    await ann.client.put('alive', 'of another')
    await until(
      'both',
      () => versionsOf('alive'),
      (versions) => versions.length === 2,
    )
    expect(await call.end('SIGTERM')).toBe(7)
    expect((await versionsOf('alive')).map(({ value, expires }) => [value, expires])).toEqual([['of another', null]])
  })

  it('passes exit codes on, and runs nothing when the key cannot be stored', async () => {
    const ran = async (...args: string[]) => (await ann.cli(['put', ...args])).exit
    expect(await ran('k', 'v', '--keep-alive', 'sh', '-c', 'kill -9 $$')).toBe(128 + 9)
    expect(await ran('k', 'v', '--keep-alive', '--', '/no/such/program')).toBe(127)
    expect(await versionsOf('k')).toEqual([])
    const touch = ['--keep-alive', 'touch', path('ran')]
    expect(await ran('k', 'v', '--acks', '2', '--timeout', '50ms', ...touch)).toBe(5)
    expect(await versionsOf('k')).toEqual([])
    await ann.client.put('k', 'v')
    expect(await ran('k', 'v', '--if-absent', ...touch)).toBe(4)
    expect((await runProgram(['put', 'k', 'v', '--data', path('nowhere'), ...touch])).exit).toBe(6)
    expect(existsSync(path('ran'))).toBe(false)
  })
})

describe('render', () => {
  it('keeps mode and link of its file, leaves nothing beside it, and says when a command fails', async () => {
    writeFileSync(path('t'), '{{ r/a }}')
    await ann.client.put('r/a', Buffer.from([0, 255]))
    writeFileSync(path('real'), 'old')
    chmodSync(path('real'), 0o640)
    symlinkSync('real', path('link'))
    const failed = await ann.cli(['render', path('t'), '--output', path('link'), '--exec', 'exit 9', '--json'])
    expect([failed.exit, JSON.parse(failed.stdout.toString())]).toEqual([
      1,
      { output: path('link'), changed: true, exit: 9 },
    ])
    expect(JSON.parse(failed.stderr)).toMatchObject({ code: 'COMMAND_FAILED', exit: 9 })
    expect(readFileSync(path('real'))).toEqual(Buffer.from([0, 255]))
    expect([lstatSync(path('link')).isSymbolicLink(), statSync(path('real')).mode & 0o777]).toEqual([true, 0o640])
    expect(readdirSync(fleet.folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('follows changes over a restart of the daemon, waits for keys that are missing, and repeats a failed command', async () => {
    writeFileSync(path('w'), 'one={{ w/one }} all={{ each w/all/ }}{{ .name }},{{ end }}')
    const exec = `echo "$(cat ${path('out')})" >> ${path('log')}; [ ! -e ${path('bad')} ]`
    const call = new Call(['render', path('w'), '--output', path('out'), '--exec', exec, '--watch'])
    await until(
      'what is missing',
      async () => call.stderr,
      (stderr) => stderr.includes('no value at w/one'),
    )
    expect(existsSync(path('out'))).toBe(false)
    const shows = (content: string) =>
      until(
        content,
        async () => text('out'),
        (seen) => seen === content,
      )
    await ann.client.put('w/one', '1')
    await shows('one=1 all=')
    await ann.client.put('other', 'x')
    for (const name of ['a', 'b', 'c']) await ann.client.put(`w/all/${name}`, '')
    await ann.client.delete('w/all/b')
    await shows('one=1 all=a,c,')
    await ann.stop()
    await ann.start()
    writeFileSync(path('bad'), '')
    await ann.client.put('w/one', '2')
    await shows('one=2 all=a,c,')
    const runs = () =>
      text('log')
        .split('\n')
        .filter((line) => line === 'one=2 all=a,c,').length
    await until(
      'a repeated command',
      async () => runs(),
      (count) => count >= 2,
    )
    expect(await call.end('SIGTERM')).toBe(0)
    expect(call.stderr).toContain('is in place, but the command ended with 1; it is run again')
    const lines = text('log').trimEnd().split('\n')
    expect(lines.filter((line, at) => line === lines[at - 1] && line !== 'one=2 all=a,c,')).toEqual([])
  })
})
