/** The resolvers of a node: which rule a key has, what the mesh is told of them, what is remembered. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ResolverRule } from '../../daemon/config/checks.js'
import { silentLog } from '../../daemon/log/log.js'
import { realEnvironment } from '../../daemon/net/real-environment.js'
import { jsonBytesAtOnceMax, moduleBytesMax, resultBytesKept, resultsKept } from '../../daemon/resolvers/limits.js'
import { NodeResolvers } from '../../daemon/resolvers/node-resolvers.js'
import { ResultCache } from '../../daemon/resolvers/result-cache.js'
import type { Environment } from '../../store/environment.js'
import { valueHash } from '../../store/model/digest.js'
import type { Sibling } from '../../store/model/register.js'
import { makeModuleProgram } from '../support/thread-programs.js'

/** Limits of time are no part of these tests: a slow machine must not meet them. */
const patient: Environment = {
  ...realEnvironment,
  setTimer: (delayMs, callback) => realEnvironment.setTimer(delayMs * 30, callback),
}

let folder: string
let made: ReturnType<typeof makeModuleProgram>
let loaded: NodeResolvers[] = []
beforeAll(() => {
  made = makeModuleProgram()
})
afterAll(() => made.remove())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearsay-resolvers-'))
})
afterEach(() => {
  for (const resolvers of loaded) resolvers.stop()
  loaded = []
  rmSync(folder, { recursive: true, force: true })
})

async function load(...rules: ResolverRule[]): Promise<NodeResolvers> {
  const resolvers = await NodeResolvers.load(rules, {
    environment: patient,
    log: silentLog,
    program: made.program,
  })
  loaded.push(resolvers)
  return resolvers
}

function module(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

function groups(...values: string[]): Sibling[] {
  return values.map((text, at) => {
    const value = Buffer.from(text)
    const dot = { actor: '00000000000000aa', counter: at + 1 }
    const version = { dot, time: { ms: -at, logical: 0 }, expiresAtMs: null, value, valueHash: valueHash(value) }
    return { version, expiresAtMs: null, dots: [dot] }
  })
}

function shown(resolvers: NodeResolvers, key: string, ...values: string[]): string {
  const outcome = resolvers.outcome(key, groups(...values))
  return typeof outcome === 'string' ? outcome : Buffer.from(outcome.value).toString()
}

const least = 'export default (versions) => versions.map(({ text }) => String(text)).sort()[0]'

describe('resolvers', () => {
  it('are chosen by the longest prefix that fits', async () => {
    const use = module('least.mjs', least)
    const resolvers = await load(
      { prefix: '', use: 'lww' },
      { prefix: 'keep/', use: 'siblings' },
      { prefix: 'keep/not/', use: 'json-merge' },
      { prefix: 'keep/not/this/', use },
    )
    await resolvers.prepare('keep/not/this/', groups('[2]', '[1]'))
    const keys = ['x', 'keep/x', 'keep/not/x', 'keep/not/this/x', 'keep']
    expect(keys.map((key) => shown(resolvers, key, '[2]', '[1]'))).toEqual(['[2]', 'siblings', '[2,1]', '[1]', '[2]'])
    expect(shown(await load(), 'x', '1', '2')).toBe('siblings')
  })

  it('json-merge leaves what is no JSON side by side', async () => {
    const resolvers = await load({ prefix: '', use: 'json-merge' })
    for (const _ of ['computed', 'remembered']) {
      expect(shown(resolvers, 'x', '{"a":1}', '{"b":2}')).toBe('{"a":1,"b":2}')
      expect(shown(resolvers, 'x', '{"b":2}', '{"a":1}')).toBe('{"b":2,"a":1}')
      expect(shown(resolvers, 'x', '{"a":1}', 'text')).toBe('siblings')
    }
  })

  it('json-merge takes a turn of its own for large texts', async () => {
    const resolvers = await load({ prefix: '', use: 'json-merge' })
    const [one, two] = ['a', 'b'].map((letter) => `["${letter.repeat(jsonBytesAtOnceMax)}"]`) as [string, string]
    expect(shown(resolvers, 'x', one, two)).toBe('pending')
    await resolvers.prepare('x', groups(one, two))
    expect(JSON.parse(shown(resolvers, 'x', one, two))).toHaveLength(2)
    await resolvers.prepare('x', groups(one, `${two},`))
    expect(shown(resolvers, 'x', one, `${two},`)).toBe('siblings')
  })

  it('share one thread and one memory where they name the same module', async () => {
    const use = module('least.mjs', least)
    const resolvers = await load({ prefix: 'a/', use }, { prefix: 'b/', use })
    await resolvers.prepare('a/', groups('1', '2'))
    expect(shown(resolvers, 'b/', '1', '2')).toBe('1')
  })

  it('are told by marks: what makes the same of the same versions has the same mark', async () => {
    const uses = [
      'siblings',
      'lww',
      'json-merge',
      module('a.mjs', least),
      module('b.mjs', least),
      module('c.mjs', `${least} `),
    ]
    const { marks } = await load(...uses.map((use, at) => ({ prefix: `${9 - at}`, use })))
    expect(marks.map(({ prefix }) => prefix)).toEqual(['4', '5', '6', '7', '8', '9'])
    const [c, b, a, ...builtIn] = marks.map(({ mark }) => mark)
    expect(a).toBe(b)
    expect(c).not.toBe(a)
    // Golden: a change of what json-merge or lww makes needs another mark, or members would differ unnoticed.
    expect(builtIn).toEqual(['6b23c2ef600eb822', '693c57c6b2a66e93', '0000000000000000'])
  })

  it('warn of modules that cannot be used, and keep siblings', async () => {
    mkdirSync(join(folder, 'folder.mjs'))
    writeFileSync(join(folder, 'bytes.mjs'), Buffer.of(0xff))
    writeFileSync(join(folder, 'large.mjs'), ' '.repeat(moduleBytesMax + 1))
    const names = ['none.mjs', 'folder.mjs', 'bytes.mjs', 'large.mjs', 'wrong.mjs']
    module('wrong.mjs', 'export default 1')
    const resolvers = await load(...names.map((name) => ({ prefix: `${name}/`, use: join(folder, name) })))
    await resolvers.checked()
    const warnings = resolvers.warnings()
    for (const [at, reason] of [
      'ENOENT',
      'not a file',
      'not UTF-8',
      'bytes, more than',
      'exports no function',
    ].entries()) {
      expect(warnings[at]).toContain(`${join(folder, names[at]!)} is not used, because it`)
      expect(warnings[at]).toContain(reason)
      expect(shown(resolvers, `${names[at]}/x`, '1', '2')).toBe('siblings')
    }
  })
})

describe('remembered results', () => {
  const result = (bytes: number) => ({ value: new Uint8Array(bytes) })

  it('are forgotten by count, those used last stay', () => {
    const cache = new ResultCache()
    for (let at = 0; at < resultsKept; at++) cache.set(`${at}`, 'siblings')
    expect(cache.get('0', 0)).toBe('siblings')
    cache.set('new', 'siblings')
    expect(cache.size).toBe(resultsKept)
    expect([cache.get('0', 0), cache.get('1', 0)]).toEqual(['siblings', undefined])
  })

  it('are forgotten by size, and one that is larger than all is kept until the next', () => {
    const cache = new ResultCache()
    const half = result(resultBytesKept / 2)
    for (const key of ['a', 'b', 'b']) cache.set(key, half)
    expect([cache.size, cache.get('b', 0)]).toEqual([1, half])
    cache.set('c', result(resultBytesKept * 2))
    expect([cache.size, cache.get('b', 0)]).toEqual([1, undefined])
    cache.set('d', half)
    expect([cache.size, cache.get('d', 0)]).toEqual([1, half])
  })

  it('may have an end', () => {
    const cache = new ResultCache()
    cache.set('a', 'siblings', 1_000)
    expect([cache.get('a', 999), cache.get('a', 1_000), cache.get('a', 0)]).toEqual(['siblings', undefined, undefined])
    expect(cache.size).toBe(0)
  })
})
