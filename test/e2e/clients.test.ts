/**
 * The clients as a stranger meets them: the packed tarball with its types, the pages' programs, and the one-file
 * clients of other languages.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Daemon, Fleet } from './daemons.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const startMs = 120_000

let fleet: Fleet
let attic: Daemon
/** A project of a stranger, in which the tarball is installed. */
let project: string

beforeAll(async () => {
  fleet = await Fleet.create()
  attic = await fleet.add('attic', ['--api', '127.0.0.1:0'])
  project = join(fleet.folder, 'project')
  installTarball()
}, startMs)
afterAll(() => fleet.end())

/** Runs a program to its end; fails with what it printed unless it ends with 0. Returns its stdout. */
function run(
  command: string,
  args: readonly string[],
  more: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
) {
  const { env, ...options } = more
  const ran = spawnSync(command, args, { cwd: project, ...options, env: { ...process.env, ...env }, encoding: 'utf8' })
  expect(ran.status, `${command} ${args.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(0)
  return ran.stdout
}

/** Unpacks what `npm pack` makes, beside the packages of the tree that its types name. */
function installTarball(): void {
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, '@types'), { recursive: true })
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', fleet.folder], { cwd: root })
  const tarball = readdirSync(fleet.folder).find((name) => name.endsWith('.tgz'))!
  run('tar', ['-xzf', join(fleet.folder, tarball), '-C', modules])
  run('mv', [join(modules, 'package'), join(modules, 'hearsay')])
  for (const name of ['typebox', '@types/node', 'undici-types']) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
}

/** Blocks of a page in one language, and what they print: the lines behind `//>`. */
function programOf(page: string): { source: string; printed: string } {
  const blocks = [...readFileSync(join(root, page), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(
    ([, text]) => text!,
  )
  const lines = blocks.join('\n').split('\n')
  const shown = lines.filter((line) => line.startsWith('//> ')).map((line) => line.slice('//> '.length))
  return { source: lines.join('\n'), printed: shown.join('\n') }
}

describe('the packed client', () => {
  it('compiles in a strict project, and refuses what the API does not know', () => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const { source } = programOf('docs/CLIENT.md')
    const wrong = [
      "await connect().put('k', 'v', { ttl: '5s' })",
      'await connect().get(7)',
      ";(await connect().get('k')).context.toFixed()",
      "await connect().wait({ converged: 'yes' })",
      "const e: unknown = 0; if (isHearsayError(e, 'NOT_FOUND')) e.details.acks",
      "isHearsayError(0, 'NO_SUCH_CODE')",
    ]
    writeFileSync(join(project, 'page.ts'), source)
    writeFileSync(
      join(project, 'wrong.ts'),
      [
        "import { connect, isHearsayError } from 'hearsay/client'",
        ...wrong.flatMap((line) => ['// @ts-expect-error', line]),
      ].join('\n'),
    )
    const strict = [
      '--strict',
      '--skipLibCheck',
      '--exactOptionalPropertyTypes',
      '--target',
      'ES2022',
      '--module',
      'NodeNext',
    ]
    run(process.execPath, [tsc, '--noEmit', ...strict, '--types', 'node', 'page.ts', 'wrong.ts'])
  })

  it('does what docs/CLIENT.md says', () => {
    const { source, printed } = programOf('docs/CLIENT.md')
    expect(printed.split('\n').length).toBeGreaterThan(10)
    writeFileSync(join(project, 'page.mjs'), transformSync(source, { loader: 'ts' }).code)
    const output = run(process.execPath, ['page.mjs'], { env: { HEARSAY_DATA: attic.data, NO_COLOR: '1' } })
    expect(output.trimEnd()).toBe(printed)
  })

  it('is one light module', () => {
    const text = readFileSync(join(project, 'node_modules', 'hearsay', 'dist', 'cli', 'client.js'), 'utf8')
    const imported = [...text.matchAll(/\b(?:from|import)\s*\(?["']([\w@./:-]+)["']/g)].map(([, name]) => name!)
    expect(imported.length).toBeGreaterThan(0)
    expect(imported.filter((name) => !name.startsWith('node:'))).toEqual([])
    expect(text.length).toBeLessThan(64 * 1024)
  })
})

/** A program in Python that uses every method, over the socket or over TCP as its environment says. */
const pythonProgram = `
import hearsay, itertools, json, os
h = hearsay.Hearsay(os.environ["API"], os.environ.get("TOKEN"))
p = os.environ["PREFIX"]
h.put(p + "a/b.c", b"\\x00\\xff", ttl="1h")
value, seen, siblings = h.get(p + "a/b.c")
assert (value, siblings) == (b"\\x00\\xff", 1)
h.put(p + "a/b.c", "one", context=seen)
h.put(p + "a/b.c", "two", context=seen)
assert h.get(p + "a/b.c")[2] == 2
assert [c["key"] for c in h.conflicts(p)] == [p + "a/b.c"]
try:
    h.delete(p + "a/b.c")
    assert False
except hearsay.HearsayError as error:
    assert (error.code, error.status, error.details["siblings"]) == ("CONFLICT", 409, 2)
h.put(p + "a/b.c", "both", context=h.versions(p + "a/b.c")["context"])
assert h.increment(p + "n", 3, id=p + "once") == 3
assert h.increment(p + "n", 3, id=p + "once") == 3
assert h.counter(p + "n") == 3
h.add(p + "s", "x y/..")
h.add(p + "s", "z")
h.remove(p + "s", "z")
assert h.members(p + "s") == ["x y/.."]
try:
    h.put(p + "a/b.c", "x", if_absent=True)
    assert False
except hearsay.HearsayError as error:
    assert error.code == "EXISTS"
listed = [(i["key"], i.get("value")) for i in h.list(p, values=True)]
events = list(itertools.islice(h.watch(p + "a", since="0"), 4))
later = list(itertools.islice(h.watch(p + "a", since=events[2]["cursor"]), 1))
assert later == events[3:]
h.delete(p + "a/b.c")
print(json.dumps([listed, [(e["op"], e["value"]) for e in events]]))
`

/** The same in Go. */
const goProgram = `package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"example/hearsay"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func refused(err error, code string) {
	var refusal *hearsay.Error
	if !errors.As(err, &refusal) || refusal.Code != code || refusal.Status != 409 {
		panic(err)
	}
}

func main() {
	h, ctx, p := hearsay.New(os.Getenv("API"), os.Getenv("TOKEN")), context.Background(), os.Getenv("PREFIX")
	key, none := p+"a/b.c", hearsay.Options{}
	must(h.Put(ctx, key, []byte{0, 255}, hearsay.Options{TTL: "1h"}))
	seen, err := h.Get(ctx, key)
	must(err)
	must(h.Put(ctx, key, []byte("one"), hearsay.Options{Context: seen.Context}))
	must(h.Put(ctx, key, []byte("two"), hearsay.Options{Context: seen.Context}))
	refused(h.Delete(ctx, key, none), "CONFLICT")
	versions, of, err := h.Versions(ctx, key)
	must(err)
	if seen.Siblings != 1 || len(versions) != 2 {
		panic("siblings")
	}
	must(h.Put(ctx, key, []byte("both"), hearsay.Options{Context: of}))
	for range []int{1, 2} {
		value, err := h.Increment(ctx, p+"n", 3, hearsay.Options{ID: p + "once"})
		must(err)
		if value != 3 {
			panic(value)
		}
	}
	must(h.Add(ctx, p+"s", "x y/..", none))
	must(h.Add(ctx, p+"s", "z", none))
	must(h.Remove(ctx, p+"s", "z", none))
	members, err := h.Members(ctx, p+"s")
	must(err)
	if len(members) != 1 || members[0] != "x y/.." {
		panic(members)
	}
	refused(h.Put(ctx, key, nil, hearsay.Options{IfAbsent: true}), "EXISTS")
	listed := [][]any{}
	must(h.List(ctx, p, func(item hearsay.Version) {
		var value any
		if item.Key == key {
			value = item.Value
		}
		listed = append(listed, []any{item.Key, value})
	}))
	seenOps, cursor := [][]any{}, "0"
	for len(seenOps) < 4 {
		one, stop := context.WithCancel(ctx)
		err := h.Watch(one, p+"a", cursor, func(event hearsay.Event) {
			if one.Err() == nil {
				cursor, seenOps = event.Cursor, append(seenOps, []any{event.Op, event.Value})
				stop()
			}
		})
		if !errors.Is(err, context.Canceled) {
			panic(err)
		}
	}
	must(h.Delete(ctx, key, none))
	must(json.NewEncoder(os.Stdout).Encode([]any{listed, seenOps}))
}
`

/** What both programs print. */
const printedBy = (prefix: string) => [
  [
    [`${prefix}a/b.c`, 'both'],
    [`${prefix}n`, null],
    [`${prefix}s`, null],
  ],
  [
    ['put', expect.anything()],
    ['put', 'one'],
    ['put', 'two'],
    ['put', 'both'],
  ],
]

const has = (program: string, ...args: string[]) => spawnSync(program, args).status === 0

describe('clients in one file', () => {
  /** Runs the same program over both ways to the daemon, and once the key is gone. */
  function over(name: string, play: (env: NodeJS.ProcessEnv) => string): void {
    const TOKEN = readFileSync(join(attic.data, 'api.token'), 'utf8').trim()
    for (const [way, API] of attic.ready.api.entries()) {
      const PREFIX = `${name} ${way}/`
      expect(JSON.parse(play({ API, PREFIX, TOKEN }))).toEqual(printedBy(PREFIX))
    }
  }

  const noPython = has('python3', '--version') ? '' : ' (skipped: there is no python3)'
  it.skipIf(noPython !== '')(`Python${noPython}`, () => {
    const env = { PYTHONPATH: join(root, 'docs', 'clients'), PYTHONDONTWRITEBYTECODE: '1' }
    over('python', (more) => run('python3', ['-c', pythonProgram], { env: { ...env, ...more } }))
  })

  const noGo = has('go', 'version') ? '' : ' (skipped: there is no go)'
  it.skipIf(noGo !== '')(`Go${noGo}`, () => {
    const cwd = join(fleet.folder, 'go')
    mkdirSync(join(cwd, 'hearsay'), { recursive: true })
    writeFileSync(join(cwd, 'go.mod'), 'module example\n\ngo 1.18\n')
    writeFileSync(join(cwd, 'main.go'), goProgram)
    copyFileSync(join(root, 'docs', 'clients', 'hearsay.go'), join(cwd, 'hearsay', 'hearsay.go'))
    const env = { GOCACHE: join(fleet.folder, 'go-cache'), GOPROXY: 'off', GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' }
    run('go', ['build', '-o', 'program', '.'], { cwd, env })
    over('go', (more) => run(join(cwd, 'program'), [], { cwd, env: { ...env, ...more } }))
  })
})
