/** The bundled command line as a process of its own: what only a real process shows. */
import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundle, bundleDaemon } from '../../cli/bundle.mjs'
import { written } from '../support/answers.js'
import { type FakeApi, problem, startFakeApi } from '../support/fake-api.js'

let directory: string
let entry: string
let fake: FakeApi
const stored = new Map<string, Buffer>()

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hearsay-bundle-'))
  await bundle(directory)
  entry = join(directory, 'cli', 'hearsay.js')
  // Bundles are modules, as package.json says in the real place.
  const manifest = await open(join(directory, 'package.json'), 'w')
  await manifest.writeFile('{"name":"hearsay","version":"9.8.7","type":"module"}')
  await manifest.close()
  fake = await startFakeApi(({ method, url, body }) => {
    if (method === 'PUT') stored.set(url, body)
    if (method === 'PUT') return { body: written }
    if (method === 'DELETE') return problem(409, 'CONFLICT', 'siblings')
    if (url.endsWith('absent')) return problem(404, 'NOT_FOUND', 'there is none')
    if (url.startsWith('/v1/kv?'))
      return { body: { items: [{ key: 'in-conflict/1', types: ['reg'], siblings: 2 }], next: null } }
    if (url.startsWith('/v1/export')) return { body: Buffer.alloc(4 * 1024 * 1024, '{"key":"k"}\n') }
    return { body: stored.get(url) ?? Buffer.alloc(0) }
  })
})

afterAll(async () => {
  await fake.stop()
  await rm(directory, { recursive: true, force: true })
})

interface Ran {
  readonly exit: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

async function run(
  argv: readonly string[],
  stdin: Uint8Array | null,
  options: SpawnOptions = {},
  command = [process.execPath, entry],
): Promise<Ran> {
  const [program, ...before] = command
  const child = spawn(program!, [...before, ...argv], {
    env: { PATH: process.env.PATH, HEARSAY_API: fake.api },
    ...options,
    stdio: [stdin === null ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  if (stdin !== null) child.stdin?.end(stdin)
  const [exit] = (await once(child, 'close')) as [number | null]
  return { exit, stdout: Buffer.concat(chunks), stderr }
}

test('bytes go in by stdin and come out by stdout unchanged', async () => {
  const value = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256))
  expect(await run(['put', 'bytes'], value)).toMatchObject({ exit: 0, stderr: '' })
  const { exit, stdout } = await run(['get', 'bytes'], null)
  expect(exit).toBe(0)
  expect(stdout.equals(value)).toBe(true)
})

/** Runs a line of shell in which `$hearsay` is the command line, and `$bad` is text in Latin-1. */
const shell = (script: string) =>
  run([`hearsay="${process.execPath} ${entry}"; bad=$(printf 'caf\\351'); ${script}`], null, {}, ['bash', '-c'])

test.each([
  ['$hearsay put "$bad" v'],
  ['$hearsay put k "$bad"'],
  ['$hearsay get k --data "$bad"'],
  ['$hearsay set add tags "$bad"'],
  ['$hearsay daemon --name "$bad"'],
  ['HEARSAY_TOKEN="$bad" $hearsay put k v'],
])('%s is refused where it is not UTF-8', async (script) => {
  stored.clear()
  const { exit, stderr } = await shell(script)
  expect({ exit, stored: stored.size }).toEqual({ exit: 2, stored: 0 })
  expect(stderr).toMatch(/^error USAGE: .*is not UTF-8/)
})

test('a character U+FFFD is text like any other', async () => {
  expect(await shell('$hearsay put "caf\ufffd" v')).toMatchObject({ exit: 0, stderr: '' })
  expect(stored.get('/v1/kv/caf%EF%BF%BD')?.toString()).toBe('v')
})

test('the entry runs by itself and knows the version of its package', async () => {
  const { exit, stdout } = await run(['version'], null, {}, [entry])
  expect({ exit, text: stdout.toString() }).toEqual({ exit: 0, text: '9.8.7\n' })
})

test('/dev/null on stdin is no value', async () => {
  expect(await run(['put', 'k'], null)).toMatchObject({ exit: 2 })
})

test('put and get are one file, which loads what ARCHITECTURE says and nothing else', async () => {
  const text = await readFile(entry, 'utf8')
  const named = (pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name!))].sort()
  const imported = named(/\bfrom\s*["']([^"']+)["']/g)
  const asked = named(/getBuiltinModule\(["']([^"']+)["']\)/g).map((name) => name.replace('/promises', ''))
  const page = await readFile(new URL('../../docs/ARCHITECTURE.md', import.meta.url), 'utf8')
  const [, imports = '', asks = ''] = /it imports (.*?),\s+and asks for (.*?) when it needs them/s.exec(page) ?? []
  const inCode = (sentence: string) => [...sentence.matchAll(/`(node:\w+)`/g)].map(([, name]) => name!)
  expect(inCode(imports).sort()).toEqual(imported)
  expect(inCode(asks).sort()).toEqual([...new Set(asked)].sort())
  const alone = join(directory, 'alone', 'cli', 'hearsay.js')
  await mkdir(dirname(alone), { recursive: true })
  await copyFile(entry, alone)
  expect(await run(['put', 'alone', 'v'], null, {}, [process.execPath, alone])).toMatchObject({ exit: 0, stderr: '' })
  expect((await run(['get', 'alone'], null, {}, [process.execPath, alone])).stdout.toString()).toBe('v')
})

test('calls that the entry does not know itself are handed on', async () => {
  expect(await run(['get', 'k', '--nope'], null)).toMatchObject({ exit: 2 })
  expect(await run(['--help'], null)).toMatchObject({ exit: 0, stderr: '' })
})

test('a reader that goes away ends an export quietly', async () => {
  const script = `"${process.execPath}" "${entry}" export | head -c 12; echo " \${PIPESTATUS[0]}"`
  const { stdout, stderr } = await run([script], null, {}, ['bash', '-c'])
  expect(stdout.toString()).toBe('{"key":"k"}\n 0\n')
  expect(stderr).toBe('')
})

test.each([
  ['$hearsay get absent 2>/dev/full', 3],
  ['$hearsay put 2>/dev/full', 2],
  ['$hearsay put 2>&-', 2],
  ['$hearsay get absent 2> >(exec true)', 3],
  ['set -o pipefail; $hearsay del --prefix in-conflict/ | true', 4],
  ['set -o pipefail; $hearsay put k v | true', 0],
])('the exit code does not depend on who reads: %s', async (script, exit) => {
  const { stdout } = await shell(`${script}; echo $?`)
  expect(stdout.toString()).toBe(`${exit}\n`)
})

test.each(['get k', 'export', 'version', '--help', 'completion bash', 'ls'])(
  'output of `%s` to a full disk is an error that says so',
  async (call) => {
    stored.set('/v1/kv/k', Buffer.from('v'))
    const { exit, stderr } = await shell(`$hearsay ${call} > /dev/full`)
    expect({ exit, stderr }).toEqual({
      exit: 1,
      stderr: 'error FILE_FAILED: cannot write stdout: the disk is full\n  next: free some space, then try again\n',
    })
  },
)

test('the client is a module of its own', async () => {
  const client: typeof import('../../cli/client.js') = await import(join(directory, 'cli', 'client.js'))
  await client.connect({ api: fake.api }).put('by-client', 'v')
  expect(stored.get('/v1/kv/by-client')?.toString()).toBe('v')
})

test('the daemon is bundled with all packages but those that have files of their own', async () => {
  expect(await bundleDaemon(directory)).toEqual(['@automerge/automerge', 'classic-level'])
  expect(await readdir(join(directory, 'daemon'))).toContain('main.js')
})
