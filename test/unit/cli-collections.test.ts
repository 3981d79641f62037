/** The commands of counters, sets and maps against the real routes and the real types in memory. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ApiServer, startApiServer } from '../support/api-server.js'
import { type CliRun, runCli, type Setting } from '../support/run-cli.js'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer()
})
afterEach(() => server.close())

function hearsay(argv: readonly string[], setting: Setting = {}): Promise<CliRun> {
  return runCli(argv, { ...setting, environment: { HEARSAY_API: `unix:${server.socketPath}` } })
}

describe('counter', () => {
  test('counts up and down, also with a negative number among flags', async () => {
    expect(await hearsay(['counter', 'incr', 'hits'])).toMatchObject({ exit: 0, text: '1\n' })
    expect(await hearsay(['counter', 'incr', 'hits', '10'])).toMatchObject({ text: '11\n' })
    expect(await hearsay(['counter', 'incr', 'hits', '-4'])).toMatchObject({ text: '7\n' })
    const ran = await hearsay(['counter', 'incr', '--json', 'hits', '-2', '--id', 'op'])
    expect(JSON.parse(ran.text)).toMatchObject({ key: 'hits', value: 5, acks: { have: 1 } })
    expect(await hearsay(['counter', 'incr', 'hits', '-2', '--id', 'op'])).toMatchObject({ text: '5\n' })
    expect(await hearsay(['counter', 'get', 'hits'])).toMatchObject({ text: '5\n' })
    expect(JSON.parse((await hearsay(['counter', 'get', 'hits', '--json'])).text)).toEqual({ key: 'hits', value: 5 })
  })

  test('refuses what is no whole number, and is gone when deleted', async () => {
    for (const by of ['1.5', 'many', '9007199254740993']) {
      expect(await hearsay(['counter', 'incr', 'hits', by])).toMatchObject({ exit: 2 })
    }
    expect(await hearsay(['counter', 'get', 'hits'])).toMatchObject({ exit: 3 })
    await hearsay(['counter', 'incr', 'hits', '9007199254740991'])
    const beyond = await hearsay(['counter', 'incr', 'hits'])
    expect(beyond).toMatchObject({ exit: 1, text: '' })
    expect(beyond.stderr).toContain('COUNTER_RANGE')
    expect(await hearsay(['counter', 'del', 'hits'])).toMatchObject({ exit: 0, text: 'deleted hits\n' })
    expect(await hearsay(['counter', 'del', 'hits'])).toMatchObject({ exit: 3 })
  })
})

describe('set', () => {
  test('adds and removes members, and lists them one a line', async () => {
    expect(await hearsay(['set', 'add', 'tags', 'b', 'a', 'c d'])).toMatchObject({ text: 'added 3 members to tags\n' })
    expect(await hearsay(['set', 'ls', 'tags'])).toMatchObject({ text: 'a\nb\nc d\n' })
    const removed = await hearsay(['set', 'rm', 'tags', 'b', 'x'])
    expect(removed).toMatchObject({ exit: 0, text: 'removed 1 member from tags\n', stderr: 'not in tags: x\n' })
    expect(await hearsay(['set', 'rm', 'tags', 'x'])).toMatchObject({ exit: 3 })
    expect(JSON.parse((await hearsay(['set', 'ls', 'tags', '--json'])).text)).toEqual({
      key: 'tags',
      members: ['a', 'c d'],
    })
    expect(await hearsay(['set', 'del', 'tags'])).toMatchObject({ exit: 0 })
    expect(await hearsay(['set', 'ls', 'tags'])).toMatchObject({ exit: 3 })
  })

  test('adds more members than one write takes', async () => {
    const members = Array.from({ length: 1500 }, (_, at) => `m${at}`)
    const ran = await hearsay(['set', 'add', 'big', ...members, '--json'])
    expect(JSON.parse(ran.text)).toMatchObject({ key: 'big', added: 1500 })
    expect((await hearsay(['set', 'ls', 'big'])).text.trim().split('\n')).toHaveLength(1500)
  })
})

describe('map', () => {
  test('stores, prints and removes fields', async () => {
    expect(await hearsay(['map', 'put', 'user', 'name', 'Ada'])).toMatchObject({ text: 'stored user name\n' })
    await hearsay(['map', 'put', 'user', 'note', '-'], { stdin: 'two\nlines' })
    expect(await hearsay(['map', 'get', 'user', 'note'])).toMatchObject({ text: 'two\nlines', stderr: '' })
    expect(await hearsay(['map', 'ls', 'user'])).toMatchObject({ text: 'name\tAda\nnote\ttwo\nlines\n' })
    expect(JSON.parse((await hearsay(['map', 'get', 'user', '--json'])).text)).toMatchObject({
      key: 'user',
      fields: { name: { value: 'Ada', siblings: 1 } },
    })
    expect(await hearsay(['map', 'put', 'user', 'name', 'B', '--if-absent'])).toMatchObject({ exit: 4 })
    expect(await hearsay(['map', 'rm', 'user', 'name', 'note'])).toMatchObject({ exit: 0 })
    expect(await hearsay(['map', 'ls', 'user'])).toMatchObject({ exit: 3 })
  })

  test('shows the siblings of a field, and settles them', async () => {
    await hearsay(['map', 'put', 'm', 'f', 'old'])
    const { context } = JSON.parse((await hearsay(['map', 'get', 'm', 'f', '--json'])).text)
    await hearsay(['map', 'put', 'm', 'f', 'one'])
    await hearsay(['map', 'put', 'm', 'f', 'two', '--context', context])
    const shown = await hearsay(['map', 'get', 'm', 'f'])
    expect(shown.text).toBe('two')
    expect(shown.stderr).toContain('hearsay resolve m --field f')
    expect((await hearsay(['map', 'get', 'm', 'f', '--all'])).text).toMatch(/\[1\][\s\S]*two\n[\s\S]*\[2\][\s\S]*one\n/)
    expect(await hearsay(['map', 'rm', 'm', 'f'])).toMatchObject({ exit: 4 })
    expect(await hearsay(['map', 'del', 'm'])).toMatchObject({ exit: 4 })
    expect(await hearsay(['map', 'rm', 'm', 'f', '--all'])).toMatchObject({ exit: 0 })
    expect(await hearsay(['map', 'get', 'm', 'f'])).toMatchObject({ exit: 3 })
  })
})

test('a group alone, and an unknown word behind it, say what may follow', async () => {
  for (const argv of [['counter'], ['set', 'shuffle', 'k'], ['map', '--json']]) {
    const ran = await hearsay(argv)
    expect(ran).toMatchObject({ exit: 2, text: '' })
  }
  expect((await hearsay(['set', 'shuffle', 'k'])).stderr).toContain("'set' needs one of: add, rm, ls, del")
  expect((await hearsay(['set', '--help'])).text).toContain('add [options] <KEY> <MEMBER...>')
})
