/**
 * The bundled command line where a person uses it: completions in a real bash, `top` on a real terminal; against a fake
 * daemon.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundle } from '../../cli/bundle.mjs'
import { memberAnswer, status } from '../support/answers.js'
import { type FakeApi, startFakeApi } from '../support/fake-api.js'

let directory: string
let fake: FakeApi

const keys = ['cart/7', 'cart/8', 'it is', 'job:1:a', 'job:1:b']

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hearsay-completion-'))
  await bundle(directory)
  await writeFile(join(directory, 'package.json'), '{"name":"hearsay","version":"9.8.7","type":"module"}')
  await mkdir(join(directory, 'bin'))
  const program = `#!/bin/sh\nexec '${process.execPath}' '${join(directory, 'cli', 'hearsay.js')}' "$@"\n`
  await writeFile(join(directory, 'bin', 'hearsay'), program)
  await chmod(join(directory, 'bin', 'hearsay'), 0o755)
  fake = await startFakeApi(({ url }) => {
    if (url === '/v1/status') return { body: status }
    if (url === '/metrics') return { body: Buffer.from('hearsay_entries 1\n') }
    if (url === '/v1/doctor') return { body: { findings: [] } }
    if (url === '/v1/members') return { body: { members: [memberAnswer, { ...memberAnswer, name: 'pi' }] } }
    const prefix = new URL(url, 'http://x').searchParams.get('prefix') ?? ''
    const items = keys.filter((key) => key.startsWith(prefix)).map((key) => ({ key, types: ['reg'], siblings: 1 }))
    return { body: { items, next: null } }
  })
})

afterAll(async () => {
  await fake.stop()
  await rm(directory, { recursive: true, force: true })
})

/** What bash offers at the end of each line. */
async function offered(lines: readonly string[]): Promise<string[][]> {
  const asked = lines.map(
    (line) => `COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}; COMPREPLY=(); _hearsay; echo "\${COMPREPLY[*]}"`,
  )
  const script = ['eval "$(hearsay completion bash)"', 'IFS="|"', ...asked].join('\n')
  const child = spawn('bash', ['--noprofile', '--norc', '-c', script], {
    env: { PATH: `${join(directory, 'bin')}:${process.env.PATH}`, HEARSAY_DATA: fake.directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  await once(child, 'close')
  expect(stderr).toBe('')
  return stdout
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => line.split('|'))
}

test('commands, words of groups, flags and their values', async () => {
  expect(
    await offered([
      'hearsay sta',
      'hearsay counter ',
      'hearsay get --con',
      'hearsay get k --consistency m',
      'hearsay import --format ',
      'hearsay completion ',
      'hearsay --ver',
    ]),
  ).toEqual([
    ['status'],
    ['incr', 'get', 'del'],
    ['--consistency'],
    ['majority'],
    ['jsonl', 'consul', 'tsv'],
    ['bash', 'zsh', 'fish'],
    ['--version'],
  ])
})

test('keys and members of the daemon that the line names', async () => {
  expect(
    await offered([
      'hearsay get cart/',
      'hearsay get --all cart/7',
      'hearsay counter get cart/8',
      'hearsay get it',
      'hearsay get job:1:',
      'hearsay doctor p',
      'hearsay block beta ',
      'hearsay sync ',
      'hearsay sync --data /nowhere ',
      `hearsay forget --data ${fake.directory} b`,
      'hearsay put cart/7 ',
    ]),
  ).toEqual([
    ['cart/7', 'cart/8'],
    ['cart/7'],
    ['cart/8'],
    ['it\\ is'],
    ['a', 'b'],
    ['pi'],
    ['beta', 'pi'],
    ['beta', 'pi'],
    [''],
    ['beta'],
    [''],
  ])
})

const hasScript = spawnSync('script', ['--version']).status === 0

test.skipIf(!hasScript)(
  'top draws, runs a command, and gives the terminal back as it was (needs `script` of util-linux)',
  async () => {
    const call = 'stty rows 24 cols 80; hearsay top --interval 200ms; echo "exit $?"; stty -a'
    const child = spawn('script', ['-qfec', call, '/dev/null'], {
      env: {
        PATH: `${join(directory, 'bin')}:${process.env.PATH}`,
        HEARSAY_DATA: fake.directory,
        TERM: 'xterm',
        SHELL: '/bin/sh',
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    let seen = ''
    const steps: [sign: string, keys: string][] = [
      ['MEMBER', ':members --names\r'],
      ['Esc closes', 'q'],
    ]
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk
      const [step] = steps
      if (step === undefined || !seen.includes(step[0])) return
      steps.shift()
      child.stdin.write(step[1])
    })
    await once(child, 'close')
    expect(seen).toContain('0 of 1 member have everything; beta is not equal, 3 updates behind')
    expect(seen).toContain('pi')
    expect(seen.indexOf('\u001b[?1049h')).toBeLessThan(seen.indexOf('\u001b[?25h\u001b[?1049lexit 0\r\n'))
    expect(seen).toMatch(/ icanon[\s\S]* echo /)
  },
)
