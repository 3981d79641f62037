/**
 * `hearsay edit` against the real routes: what the editor is shown, what is stored of it, and what is never
 * overwritten.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ApiServer, startApiServer } from '../support/api-server.js'
import { fakeNowMs } from '../support/fake-daemon.js'
import { runCli, type Setting } from '../support/run-cli.js'

let server: ApiServer
let folder: string

beforeEach(async () => {
  server = await startApiServer({}, true)
  folder = await mkdtemp(join(tmpdir(), 'hearsay-edit-test-'))
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const hearsay = (argv: readonly string[], setting: Setting = {}) =>
  runCli([...argv, '--api', `unix:${server.socketPath}`], setting)

/** An editor that is a line of shell; the file is `$1`. */
const edit = (script: string, argv: readonly string[] = ['k'], nowMs = fakeNowMs) => {
  const environment = { PATH: process.env.PATH, TMPDIR: folder, EDITOR: `sh -c '${script}' editor` }
  return hearsay(['edit', ...argv], { environment, nowMs })
}

const values = (key = 'k') =>
  (server.services.real.registers.get(key)?.versions ?? []).map(({ value }) => `${Buffer.from(value)}`)
const kept = () => readdirSync(folder).filter((name) => name.startsWith('hearsay-edit-'))
/** Two versions of `k`, each written without having seen the other. */
const siblings = async () => {
  await hearsay(['put', 'k', 'old'])
  const { context } = server.services.real.registers.get('k')!
  for (const value of ['tea', 'coffee\n']) await hearsay(['put', 'k', value, '--context', context])
}

describe('edit', () => {
  test('stores what was changed in place of what was shown, in a file of our own that is gone afterwards', async () => {
    await hearsay(['put', 'k', 'one\n'])
    const seen = join(folder, 'seen')
    const ran = await edit(`stat -c "%a %n" "$1" > ${seen}; cat "$1" >> ${seen}; echo two >> "$1"`)
    expect(ran).toMatchObject({ exit: 0, text: 'stored k\n', stderr: '' })
    expect(values()).toEqual(['one\ntwo\n'])
    const [, bits, file, shown] = /^(\d+) (.*)\n(.*\n)$/.exec(readFileSync(seen, 'utf8'))!
    expect([bits, shown]).toEqual(['600', 'one\n'])
    expect(existsSync(file!)).toBe(false)
  })

  test('does not store a line end that the editor adds', async () => {
    await hearsay(['put', 'k', 'hello'])
    expect(await edit('echo >> "$1"')).toMatchObject({ exit: 0, text: 'k is unchanged\n' })
    await edit('echo hello world > "$1"')
    expect(values()).toEqual(['hello world'])
  })

  test('writes nothing when nothing was changed', async () => {
    await hearsay(['put', 'k', 'hello'])
    const before = server.services.real.registers.get('k')!.versions[0]!.dot
    expect(await edit('true')).toMatchObject({ exit: 0, text: 'k is unchanged\n' })
    expect(JSON.parse((await edit('true', ['k', '--json'])).text)).toEqual({ key: 'k', changed: false })
    expect(server.services.real.registers.get('k')!.versions[0]!.dot).toEqual(before)
    expect((await edit('echo x > "$1"; exit 3')).stderr).toContain('EDITOR_FAILED')
    expect(kept()).toEqual([])
  })

  test('makes a key that is not there, unless somebody else has meanwhile', async () => {
    expect(await edit('true', ['new'])).toMatchObject({ exit: 0, text: 'new is unchanged\n' })
    expect(await edit('echo first > "$1"', ['new'])).toMatchObject({ exit: 0, text: 'stored new\n' })
    expect(values('new')).toEqual(['first'])
    const late = await meanwhile('late', () => hearsay(['put', 'late', 'theirs']))
    expect(late).toMatchObject({ exit: 4 })
    expect(late.stderr).toMatch(/kept in .*error EXISTS.*next: it has come meanwhile/s)
    expect(values('late')).toEqual(['theirs'])
  })

  test('keeps what others have written meanwhile beside it, and says so', async () => {
    await hearsay(['put', 'k', 'old'])
    const ran = await meanwhile('k', () => hearsay(['put', 'k', 'theirs']))
    expect(ran).toMatchObject({ exit: 0, text: 'stored k\n' })
    expect(ran.stderr).toMatch(/^warning k has 2 siblings/)
    expect(values().sort()).toEqual(['mine', 'theirs'])
  })

  test('shows siblings as blocks of a conflict, and replaces all of them by what is left', async () => {
    await siblings()
    const seen = join(folder, 'seen')
    const ran = await edit(`cp "$1" ${seen}; echo both > "$1"`)
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(readFileSync(seen, 'utf8').split('\n')).toEqual([
      expect.stringMatching(/^<<<<<<< 1 of 2: \S+, \d{4}-\d\d-\d\dT[\d:.]+Z$/),
      'coffee',
      expect.stringMatching(/^======= 2 of 2: \S+, /),
      'tea',
      expect.stringMatching(/^>>>>>>> make one value/),
      '',
    ])
    expect(values()).toEqual(['both\n'])
  })

  test('stores no conflict that was left open, and keeps the text', async () => {
    await siblings()
    const ran = await edit('sed -i 1d "$1"')
    expect(ran.exit).toBe(4)
    expect(ran.stderr).toMatch(
      /kept in .*error CONFLICT: the line '>>>>>>> .* is still there; nothing was stored\n {2}next: edit again/s,
    )
    expect(values()).toEqual(['coffee\n', 'tea'])
    expect(kept()).toHaveLength(1)
    expect(await edit('true')).toMatchObject({ exit: 0, text: 'k is unchanged\n' })
    // Lines that only look like ours are a part of the value.
    await hearsay(['put', 'git', 'x\n'])
    await edit('echo "<<<<<<< HEAD" >> "$1"', ['git'])
    expect(values('git')).toEqual(['x\n<<<<<<< HEAD\n'])
  })

  test('refuses what is not text, before and after', async () => {
    await hearsay(['put', 'k', '-'], { stdin: Buffer.of(255) })
    const ran = await edit('true')
    expect(ran.exit).toBe(2)
    expect(ran.stderr).toContain('k is not UTF-8 text, and an editor would change it: use `hearsay get k > FILE`')
    await hearsay(['put', 'k', 'text', '--context', server.services.real.registers.get('k')!.context])
    const latin = await edit('printf "\\351" > "$1"')
    expect(latin.exit).toBe(2)
    expect(latin.stderr).toMatch(/kept in .*not UTF-8/s)
    expect(values()).toEqual(['text'])
  })

  test('keeps what is left of a time to live, or takes another', async () => {
    const expires = () => server.services.real.registers.get('k')!.versions.map(({ expiresAtMs }) => expiresAtMs)
    await hearsay(['put', 'k', 'one', '--ttl', '60s'])
    await edit('echo two > "$1"', ['k'], fakeNowMs + 20_000)
    expect(expires()).toEqual([fakeNowMs + 40_000])
    await edit('echo three > "$1"', ['k', '--ttl', '5s'])
    expect(expires()).toEqual([fakeNowMs + 5_000])
    const late = await edit('echo four > "$1"', ['k'], fakeNowMs + 5_000)
    expect(late.exit).toBe(2)
    expect(late.stderr).toMatch(/kept in .*k has expired while it was edited: store it again with --ttl/s)
    expect(values()).toEqual(['three'])
  })

  test('edits a document as JSON, and says of other types what they are', async () => {
    await hearsay(['doc', 'put', 'd', '{"a":1}'])
    expect(await edit('echo "{\\"a\\":2}" > "$1"', ['d'])).toMatchObject({ exit: 0, text: 'stored d\n' })
    expect(JSON.parse((await hearsay(['doc', 'get', 'd', '--json'])).text)).toEqual({ a: 2 })
    expect(await edit('true', ['d', '--ttl', '5s'])).toMatchObject({ exit: 2 })
    await hearsay(['set', 'add', 's', 'x'])
    const set = await edit('true', ['s'])
    expect(set.exit).toBe(3)
    expect(set.stderr).toContain('s is a set: `hearsay set ls s`')
  })

  test('names its file like the key, and refuses at once without a terminal and an editor', async () => {
    const seen = join(folder, 'seen')
    for (const key of ['a b/app.json', '..']) await edit(`basename "$1" >> ${seen}`, [key])
    expect(readFileSync(seen, 'utf8')).toBe('a_b_app.json\nvalue\n')
    const ran = await hearsay(['edit', 'k'], { environment: { PATH: process.env.PATH, TMPDIR: folder } })
    expect(ran).toMatchObject({ exit: 2, text: '' })
    expect(ran.stderr).toMatch(/^error USAGE: there is no terminal to edit on: set EDITOR to a program, or use `put`/)
  })
})

/** Edits a key to `mine` while something else happens between opening and saving. */
async function meanwhile(key: string, act: () => Promise<unknown>) {
  const [opened, going] = [join(folder, 'opened'), join(folder, 'going')]
  const running = edit(`echo > ${opened}; while [ ! -e ${going} ]; do sleep 0.02; done; echo mine > "$1"`, [key])
  await expect.poll(() => existsSync(opened), { timeout: 20_000 }).toBe(true)
  await act()
  await writeFile(going, '')
  return running
}
