/** `get`, `del` and `where` on keys of every type, against the real routes and the real types in memory. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ApiServer, startApiServer } from '../support/api-server.js'
import { type CliRun, runCli, type Setting } from '../support/run-cli.js'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer({}, true)
  await hearsay(['put', 'p/value', 'v'])
  await hearsay(['set', 'add', 'p/both', 'a', 'b'])
  await hearsay(['put', 'p/both', 'v'])
  await hearsay(['counter', 'incr', 'p/counter'])
  await hearsay(['map', 'put', 'p/map', 'f', 'v'])
  await hearsay(['doc', 'put', 'p/doc', '{"a":1}'])
  await hearsay(['set', 'add', 'tags', 'a'])
})
afterEach(() => server.close())

function hearsay(argv: readonly string[], setting: Setting = {}): Promise<CliRun> {
  const environment = { HEARSAY_API: `unix:${server.socketPath}`, NO_COLOR: '1' }
  return runCli(argv, { ...setting, environment })
}

const keys = async () => (await hearsay(['ls'])).text.trim().split('\n')
const all = ['p/both', 'p/counter', 'p/doc', 'p/map', 'p/value', 'tags']

describe('a key of another type', () => {
  test.each([
    ['get', 'tags', 'tags is a set: `hearsay set ls tags`'],
    ['where', 'tags', 'tags is a set: `hearsay set ls tags`'],
    ['del', 'tags', 'tags is a set: `hearsay set del tags`'],
    ['get', 'p/counter', 'p/counter is a counter: `hearsay counter get p/counter`'],
    ['get', 'p/map', 'p/map is a map: `hearsay map ls p/map`'],
    ['del', 'p/doc', 'p/doc is a document: `hearsay doc del p/doc`'],
  ])('%s %s says what it is', async (command, key, says) => {
    expect(await hearsay([command, key])).toMatchObject({ exit: 3, text: '', stderr: `error NOT_FOUND: ${says}\n` })
    const { code, message, types } = JSON.parse((await hearsay([command, key, '--json'])).stderr)
    expect({ code, message, types }).toMatchObject({ code: 'NOT_FOUND', message: says, types: [expect.any(String)] })
    expect(await keys()).toEqual(all)
  })

  test('is not one that only begins with it', async () => {
    const { exit, stderr } = await hearsay(['get', 'tag'])
    expect({ exit, stderr }).toEqual({
      exit: 3,
      stderr: 'error NOT_FOUND: there is no "tag"\n  next: see what is there with `hearsay ls`\n',
    })
  })

  test('is shown as a word of the shell', async () => {
    await hearsay(['set', 'add', "it's mine", 'a'])
    expect((await hearsay(['get', "it's mine"])).stderr).toContain("`hearsay set ls 'it'\\''s mine'`")
  })

  test('is told of when only the value under a key is deleted', async () => {
    const ran = await hearsay(['del', 'p/both'])
    expect(ran).toMatchObject({ exit: 0, text: 'deleted p/both\n' })
    expect(ran.stderr).toBe('warning something is left: p/both is a set: `hearsay set del p/both`\n')
    expect(await keys()).toEqual(all)
    expect(await hearsay(['del', 'p/value'])).toMatchObject({ exit: 0, stderr: '' })
  })
})

test('an export of every type is imported whole; the second time adds nothing', async () => {
  await hearsay(['put', 'p/late', 'v', '--ttl', '1h'])
  const stdin = (await hearsay(['export'])).stdout
  const keysBefore = await keys()
  await server.close()
  server = await startApiServer({}, true)
  const imported = () => hearsay(['import', '-', '--json'], { stdin })
  expect(JSON.parse((await imported()).text)).toEqual({ imported: 9, skipped: 0, failed: [] })
  expect(await keys()).toEqual(keysBefore)
  expect(JSON.parse((await imported()).text)).toEqual({ imported: 0, skipped: 9, failed: [] })
})

describe('a type that is not known here', () => {
  const line = `${JSON.stringify({ key: 'p/later', type: 'type-6', versions: [{ value: 'opaque' }] })}\n`
  beforeEach(async () => {
    expect(await hearsay(['import', '-'], { stdin: line })).toMatchObject({ exit: 0 })
  })

  test('is listed by its number, and exported', async () => {
    const listed = (await hearsay(['ls', 'p/l', '--json'])).text
    expect(JSON.parse(listed)).toEqual({ key: 'p/later', types: ['type-6'], siblings: 0 })
    expect((await hearsay(['ls', 'p/l'], { terminal: true })).text).toContain('p/later  type-6')
    expect((await hearsay(['export', 'p/l'])).text).toContain('"type":"type-6","versions":[{"')
  })

  test('is named where a value is asked for, and harms none', async () => {
    const says = 'p/later is data that this version does not know (type-6)'
    for (const command of ['get', 'del', 'where']) {
      const ran = await hearsay([command, 'p/later'])
      expect(ran).toMatchObject({ exit: 3, text: '' })
      expect(ran.stderr).toContain('data that this version does not know (type-6)')
    }
    await hearsay(['put', 'p/later', 'v'])
    expect((await hearsay(['get', 'p/later'])).text).toBe('v')
    expect((await hearsay(['del', 'p/later'])).stderr).toBe(`warning something is left: ${says}\n`)
  })

  test('stays when all with a prefix is deleted, and is told of', async () => {
    const ran = await hearsay(['del', '--prefix', 'p/'])
    expect(ran.text).toBe('deleted 5 keys: 2 values, 1 counter, 1 set, 1 map, 1 document\n')
    expect(ran).toMatchObject({
      exit: 1,
      stderr:
        'warning 1 key stayed with data that this version does not know: p/later; delete with a version that knows it\n',
    })
    const { text } = await hearsay(['del', '--prefix', 'p/', '--json'])
    expect(JSON.parse(text)).toMatchObject({ deleted: 0, unknown: ['p/later'] })
    const onTerminal = await hearsay(['del', '--prefix', 'p/'], { stdin: 'n\n', terminal: true })
    expect(onTerminal.stderr).not.toContain('[y/N]')
    expect(await keys()).toEqual(['p/later', 'tags'])
  })
})

describe('del --prefix', () => {
  test('takes every type, and says how many of each', async () => {
    const ran = await hearsay(['del', '--prefix', 'p/'])
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.text).toBe('deleted 5 keys: 2 values, 1 counter, 1 set, 1 map, 1 document\n')
    expect(await keys()).toEqual(['tags'])
    expect(await hearsay(['del', '--prefix', 'p/'])).toMatchObject({ exit: 0, text: 'deleted 0 keys\n' })
  })

  test('in JSON', async () => {
    const { text } = await hearsay(['del', '--prefix', 'p/', '--json'])
    const types = { reg: 2, ctr: 1, set: 1, map: 1, doc: 1 }
    expect(JSON.parse(text)).toEqual({ prefix: 'p/', deleted: 5, types, conflicts: [], unreadable: [], unknown: [] })
  })

  test('asks on a terminal, with what would go, and takes only a yes for one', async () => {
    const asked = (stdin: string, argv = ['del', '--prefix', 'p/']) => hearsay(argv, { stdin, terminal: true })
    for (const answer of ['n\n', '\n', '', 'yesterday\n']) {
      const ran = await asked(answer)
      expect(ran).toMatchObject({ exit: 1, text: '' })
      expect(ran.stderr).toBe(
        'delete all that begins with p/: 2 values, 1 counter, 1 set, 1 map, 1 document? [y/N] nothing was deleted\n',
      )
    }
    expect(await keys()).toEqual(all)
    expect((await asked('y\n')).text).toMatch(/^deleted 5 keys: /)
    expect((await asked('', ['del', '--prefix', 'p/'])).text).toBe('deleted 0 keys\n')
    expect((await asked('', ['del', '--prefix', 'tags', '--yes'])).text).toBe('deleted 1 key: 1 set\n')
  })

  test('refuses an empty prefix, as an unset variable gives it, without --everything', async () => {
    for (const more of [[], ['--yes'], ['--all']]) {
      const ran = await hearsay(['del', '--prefix', '', ...more])
      expect(ran).toMatchObject({ exit: 2, text: '' })
      expect(ran.stderr).toMatch(/^error USAGE: an empty --prefix is every key of the mesh.*--everything/)
    }
    expect(await keys()).toEqual(all)
    const ran = await hearsay(['del', '--prefix', '', '--everything'], { stdin: 'yes\n', terminal: true })
    expect(ran.stderr).toMatch(/^delete EVERYTHING in this mesh: 2 values, 1 counter, 2 sets, /)
    expect(ran.text).toBe('deleted 6 keys: 2 values, 1 counter, 2 sets, 1 map, 1 document\n')
  })
})
