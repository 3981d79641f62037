/** `hearsay doc` against the real routes and the real type in memory. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ApiServer, startApiServer } from '../support/api-server.js'
import { runCli, type Setting } from '../support/run-cli.js'

let server: ApiServer
let folder: string

beforeEach(async () => {
  server = await startApiServer()
  folder = await mkdtemp(join(tmpdir(), 'hearsay-doc-test-'))
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const hearsay = (argv: readonly string[], setting: Setting = {}) =>
  runCli([...argv, '--api', `unix:${server.socketPath}`], setting)

/** The document as it is now. */
const json = async (key = 'd') => JSON.parse((await hearsay(['doc', 'get', key, '--json'])).text)

/** What `--conflicts --json` prints. */
const details = async (key = 'd') => JSON.parse((await hearsay(['doc', 'get', key, '--conflicts', '--json'])).text)

describe('doc', () => {
  test('puts, gets, patches and deletes', async () => {
    expect(await hearsay(['doc', 'get', 'd'])).toMatchObject({ exit: 3, text: '' })
    expect(await hearsay(['doc', 'put', 'd', '{"a":1,"l":[]}'])).toMatchObject({ exit: 0, text: 'stored d\n' })
    const patched = await hearsay(['doc', 'patch', 'd', '{"a":null,"b":{"c":2}}'])
    expect(patched).toMatchObject({ exit: 0, text: 'patched d\n' })
    const operations = '[{"op":"add","path":"/l/-","value":"x"}]'
    const written = JSON.parse((await hearsay(['doc', 'patch', 'd', operations, '--json-patch', '--json'])).text)
    expect(written).toMatchObject({ key: 'd', dot: expect.any(String), acks: { have: 1 } })
    expect(await hearsay(['doc', 'get', 'd'])).toMatchObject({
      text: `${JSON.stringify({ b: { c: 2 }, l: ['x'] }, null, 2)}\n`,
      stderr: '',
    })
    expect(await hearsay(['doc', 'put', 'd', '{}', '--if-absent'])).toMatchObject({ exit: 4 })
    expect(await hearsay(['doc', 'del', 'd'])).toMatchObject({ exit: 0, text: 'deleted d\n' })
    expect(await hearsay(['doc', 'del', 'd'])).toMatchObject({ exit: 3 })
  })

  test('takes JSON from a file and from stdin', async () => {
    await writeFile(join(folder, 'd.json'), '{"from":"file"}')
    await hearsay(['doc', 'put', 'd', '--file', join(folder, 'd.json')])
    expect(await json()).toEqual({ from: 'file' })
    await hearsay(['doc', 'patch', 'd', '-'], { stdin: '\n [{"op":"replace","path":"/from","value":"stdin"}]' })
    expect(await json()).toEqual({ from: 'stdin' })
  })

  test('exits as its errors say', async () => {
    await hearsay(['doc', 'put', 'd', '{"a":1}'])
    expect(await hearsay(['doc', 'put', 'd', '[]'])).toMatchObject({ exit: 2 })
    expect(await hearsay(['doc', 'put', 'd', 'text'])).toMatchObject({ exit: 2 })
    expect(await hearsay(['doc', 'patch', 'd', '{}', '--json-patch'])).toMatchObject({ exit: 2 })
    expect(await hearsay(['doc', 'patch', 'd', '[{"op":"test","path":"/a","value":2}]'])).toMatchObject({ exit: 4 })
    expect(await hearsay(['doc', 'patch', 'none', '[]'])).toMatchObject({ exit: 3 })
    expect(await hearsay(['doc', 'put', 'd', '{}', '--context', 'x'])).toMatchObject({ exit: 2 })
    expect(await json()).toEqual({ a: 1 })
  })

  test('shows concurrent values inside, and a patch settles them', async () => {
    await hearsay(['doc', 'put', 'd', '{"a":0}'])
    const { context } = await details()
    await hearsay(['doc', 'put', 'd', '{"a":1}', '--context', context])
    await hearsay(['doc', 'put', 'd', '{"a":2}', '--context', context])
    const shown = await hearsay(['doc', 'get', 'd'])
    expect(shown.stderr).toContain('hearsay doc get d --conflicts')
    const listed = await hearsay(['doc', 'get', 'd', '--conflicts'])
    expect(listed.stderr).toBe('')
    expect(listed.text).toMatch(/^\/a\n {2}\[1\] [12]\n {2}\[2\] [12]\n$/)
    await hearsay(['doc', 'patch', 'd', '{"a":3}'])
    expect(await hearsay(['doc', 'get', 'd', '--conflicts'])).toMatchObject({ text: '', exit: 0 })
    expect((await details()).document).toEqual({ a: 3 })
  })
})

describe('doc edit', () => {
  test('without a terminal and without an editor refuses at once', async () => {
    const ran = await hearsay(['doc', 'edit', 'd'], { environment: { PATH: process.env.PATH, TMPDIR: folder } })
    expect(ran).toMatchObject({ exit: 2, text: '' })
    expect(ran.stderr).toMatch(/^error USAGE: there is no terminal to edit on: set EDITOR/)
    expect(readdirSync(folder)).toEqual([])
  })

  test('says when its file cannot be made', async () => {
    const environment = { PATH: process.env.PATH, TMPDIR: join(folder, 'none'), EDITOR: 'true' }
    const ran = await hearsay(['doc', 'edit', 'd'], { environment })
    expect(ran.exit).toBe(1)
    expect(ran.stderr).toMatch(/^error FILE_FAILED: cannot write .*none: no such file or folder/)
  })

  /** An editor that is a line of shell; the file is `$1`. */
  const edit = (script: string, argv: readonly string[] = []) =>
    hearsay(['doc', 'edit', 'd', ...argv], {
      environment: { PATH: process.env.PATH, TMPDIR: folder, EDITOR: `sh -c '${script}' editor` },
    })

  test('stores what was changed, in a file of our own that is gone afterwards', async () => {
    await hearsay(['doc', 'put', 'd', '{"a":1}'])
    const mode = join(folder, 'mode')
    const ran = await edit(`stat -c "%a %n" "$1" > ${mode}; echo "{\\"a\\":2}" > "$1"`)
    expect(ran).toMatchObject({ exit: 0, text: 'stored d\n', stderr: '' })
    expect(await json()).toEqual({ a: 2 })
    const [bits, file] = readFileSync(mode, 'utf8').trim().split(' ')
    expect(bits).toBe('600')
    expect(existsSync(file!)).toBe(false)
  })

  test('what others change meanwhile stays', async () => {
    await hearsay(['doc', 'put', 'd', '{"a":1,"b":1}'])
    const opened = join(folder, 'opened')
    const going = join(folder, 'going')
    const running = edit(
      `echo > ${opened}; while [ ! -e ${going} ]; do sleep 0.02; done; echo "{\\"a\\":2,\\"b\\":1}" > "$1"`,
    )
    while (!existsSync(opened)) await new Promise((resolve) => setImmediate(resolve))
    await hearsay(['doc', 'put', 'd', '{"a":1,"b":9,"c":1}'])
    await writeFile(going, '')
    expect(await running).toMatchObject({ exit: 0 })
    expect(await json()).toEqual({ a: 2, b: 9, c: 1 })
  })

  test('makes a document, unless it came to be meanwhile; what was written is kept then', async () => {
    expect(await edit('echo "{\\"new\\":true}" > "$1"')).toMatchObject({ exit: 0 })
    expect(await json()).toEqual({ new: true })
    await hearsay(['doc', 'del', 'd'])
    const put = `node -e "require(\\"node:http\\").request({socketPath:process.argv[1],method:\\"PUT\\",path:\\"/v1/docs/d\\"}).end(\\"{}\\")" ${server.socketPath}`
    const ran = await edit(`${put}; echo "{\\"mine\\":1}" > "$1"`)
    expect(ran.exit).toBe(4)
    const kept = /kept in (.*)\n/.exec(ran.stderr)![1]!
    expect(readFileSync(kept, 'utf8')).toBe('{"mine":1}\n')
  })

  test('takes a change of a number that reads alike for one, which the daemon refuses', async () => {
    await hearsay(['doc', 'put', 'd', '{"n":9007199254740992}'])
    const ran = await edit('echo "{\\"n\\":9007199254740993}" > "$1"')
    expect(ran.exit).toBe(2)
    expect(ran.stderr).toContain('BAD_DOCUMENT')
    expect(ran.stderr).toContain(' at /n ')
  })

  test('stores nothing when nothing changed, the editor failed, or the text is no JSON', async () => {
    await hearsay(['doc', 'put', 'd', '{"a":1}'])
    const { dot } = await details()
    expect(await edit('true')).toMatchObject({ exit: 0, text: 'd is unchanged\n' })
    expect(JSON.parse((await edit('true', ['--json'])).text)).toEqual({ key: 'd', changed: false })
    const failed = await edit('echo "{}" > "$1"; exit 3')
    expect(failed).toMatchObject({ exit: 1 })
    expect(failed.stderr).toContain('EDITOR_FAILED')
    const latin = await edit('printf "{\\"a\\":\\"\\\\351\\"}" > "$1"')
    expect(latin.exit).toBe(2)
    expect(latin.stderr).toMatch(/kept in .*error USAGE: this is not JSON in UTF-8/s)
    const bad = await edit('echo "{" > "$1"')
    expect(bad).toMatchObject({ exit: 2 })
    expect(bad.stderr).toContain('kept in')
    expect((await details()).dot).toBe(dot)
    expect(readdirSync(folder).filter((name) => name.startsWith('hearsay-edit-'))).toHaveLength(2)
  })
})
