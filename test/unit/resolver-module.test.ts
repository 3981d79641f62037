/** Applications' own resolvers: what is refused, what a call may cost, and that nothing they do harms a read. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Log, silentLog } from '../../daemon/log/log.js'
import { realEnvironment } from '../../daemon/net/real-environment.js'
import {
  callsWaitingMax,
  checkCallMs,
  failuresInRowMax,
  moduleCallMs,
  moduleInputBytesMax,
  moduleRestMs,
  moduleResultBytesMax,
  moduleStartMs,
  moduleVersionsMax,
  readWaitMs,
  retryBusyMs,
  retryFailedMs,
} from '../../daemon/resolvers/limits.js'
import { ModuleRule } from '../../daemon/resolvers/module-rule.js'
import { ResultCache } from '../../daemon/resolvers/result-cache.js'
import type { Environment } from '../../store/environment.js'
import { valueHash } from '../../store/model/digest.js'
import type { Sibling } from '../../store/model/register.js'
import { makeModuleProgram } from '../support/thread-programs.js'

let made: ReturnType<typeof makeModuleProgram>
beforeAll(() => {
  made = makeModuleProgram()
})
afterAll(() => made.remove())

const rules: ModuleRule[] = []
afterEach(() => {
  for (const rule of rules.splice(0)) rule.stop()
})

/** Timers fire when the test says so; the clock stands until it is moved. */
class HandClock {
  nowMs = 0
  timers: { delayMs: number; callback: () => void }[] = []

  readonly environment: Environment = {
    ...realEnvironment,
    monotonicMs: () => this.nowMs,
    setTimer: (delayMs, callback) => {
      const timer = { delayMs, callback }
      this.timers.push(timer)
      return {
        cancel: () => {
          this.timers = this.timers.filter((one) => one !== timer)
        },
      }
    },
  }

  /** Waits until there is a timer of this delay, and fires it. */
  async fire(delayMs: number): Promise<void> {
    for (;;) {
      const timer = this.timers.find((one) => one.delayMs === delayMs)
      if (timer !== undefined) {
        this.timers = this.timers.filter((one) => one !== timer)
        return timer.callback()
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

/** Keeps what an operator is told. */
function keptLog(): Log & { lines: string[] } {
  const lines: string[] = []
  const keep = (_: object, message: string) => void lines.push(message)
  return { ...silentLog, warn: keep, error: keep, lines }
}

function make(source: string, clock = new HandClock()) {
  const log = keptLog()
  const cache = new ResultCache()
  const rule = new ModuleRule({
    name: 'test.mjs',
    source,
    environment: clock.environment,
    cache,
    log,
    program: made.program,
  })
  rules.push(rule)
  return { rule, clock, log, cache }
}

const groups = (...values: (string | Uint8Array)[]): Sibling[] =>
  values.map((text, at) => {
    const value = Buffer.from(text as string)
    const dot = { actor: '00000000000000aa', counter: at + 1 }
    const time = { ms: 1_000 - at, logical: 0 }
    const version = { dot, time, expiresAtMs: null, value, valueHash: valueHash(value) }
    return { version, expiresAtMs: null, dots: [dot] }
  })

const shown = (rule: ModuleRule, ...values: string[]) => {
  const outcome = rule.outcome(groups(...values))
  return typeof outcome === 'string' ? outcome : Buffer.from(outcome.value).toString()
}

/** Takes the greatest text; does something else first where a text says so. */
const greatest = (special = '') => `
  export default function resolve(versions) {
    const texts = versions.map(({ text }) => String(text))
    ${special}
    return texts.sort().at(-1)
  }`

/** Resolves siblings of which one is a text that the module treats specially. */
async function resolveSpecial(special: string, ...values: string[]) {
  const parts = make(greatest(special))
  await parts.rule.checked
  await parts.rule.prepare(groups(...values))
  return { ...parts, shown: shown(parts.rule, ...values) }
}

describe('a module', () => {
  it('is loaded in the background, and gives one value for siblings, once', async () => {
    const { rule, cache } = make(greatest())
    expect(shown(rule, 'a', 'c', 'b')).toBe('pending')
    await rule.prepare(groups('a', 'c', 'b'))
    expect(shown(rule, 'a', 'c', 'b')).toBe('c')
    expect(shown(rule, 'a', 'b')).toBe('pending')
    expect(rule.warnings()).toEqual([])
    expect(cache.size).toBe(1)
  })

  it('is given value, text and time, latest first whatever the display shows, and nothing else', async () => {
    const { rule } = make(`export function resolve(versions) {
      if (!versions.some(({ text }) => text === 'middle')) throw new Error('not these')
      return JSON.stringify(versions.map((version) => ({ ...version, value: version.value.length })))
    }`)
    await rule.checked
    const [late, middle, early] = groups('late', 'middle', Buffer.of(200))
    await rule.prepare([early!, middle!, late!])
    const outcome = rule.outcome([middle!, late!, early!])
    expect(JSON.parse(Buffer.from((outcome as { value: Uint8Array }).value).toString())).toEqual([
      { value: 4, text: 'late', time: 1_000 },
      { value: 6, text: 'middle', time: 999 },
      { value: 1, text: null, time: 998 },
    ])
  })

  it('sees neither the environment nor the flags of the daemon', async () => {
    process.env.HEARSAY_TEST_SECRET = 'secret'
    const { rule } = make(`import process from 'node:process'
      export default () => JSON.stringify([process.env, process.argv.slice(2), process.execArgv])`)
    await rule.prepare(groups('a', 'b'))
    expect(shown(rule, 'a', 'b')).toBe('[{},[],[]]')
  })

  it('may return bytes, also a view of what it was given', async () => {
    const { rule } = make(`export default (versions) => versions.map(({ value }) => value).sort((a, b) =>
      Buffer.compare(a, b))[0].subarray(0)`)
    await rule.prepare(groups('b', 'a'))
    expect(shown(rule, 'b', 'a')).toBe('a')
  })

  it('says so when the check saw no value', async () => {
    const source = `export default (versions) => {
      if (!versions.every(({ text }) => text?.startsWith('v:'))) throw new Error('not mine')
      return versions.map(({ text }) => text).sort()[0]
    }`
    const { rule } = make(source)
    await rule.checked
    expect(rule.warnings()).toEqual([expect.stringMatching(/it threw: not mine.*let it export 'examples'/)])
    const proven = make(`${source}\nexport const examples = ['v:1', 'v:2', 'v:3']`)
    await proven.rule.checked
    expect(proven.rule.warnings()).toEqual([])
  })
})

describe('the check refuses', () => {
  it.each([
    ['what is no program', 'export default (', 'Unexpected'],
    ['what exports no function', 'export const other = 1', 'exports no function'],
    ['what throws while it is loaded', 'throw new Error("not today")', 'not today'],
    ['what needs other files', 'import "./other.mjs"; export default () => ""', 'stands alone'],
    ['what looks at the order', 'export default ([first]) => first.value', 'in another order'],
    [
      'what adds up',
      'export default (v) => String(v.reduce((sum, { text }) => sum + Number(text ?? 0), 0))',
      'merged again',
    ],
    ['what counts its calls', 'let calls = 0; export default () => String(calls++)', 'a second time'],
    [
      'what remembers nothing but where it started',
      'const at = performance.now(); export default () => String(at)',
      'a second time',
    ],
    [
      'what ends its thread',
      'import process from "node:process"; export default () => process.exit(1)',
      'its thread ended',
    ],
  ])('%s', async (_, source, reason) => {
    const { rule, log } = make(source)
    await rule.checked
    expect(rule.warnings()[0]).toContain('is not used, because')
    expect(rule.warnings()[0]).toContain(reason)
    expect(shown(rule, 'a', 'b')).toBe('siblings')
    expect(log.lines).toEqual([rule.warnings()[0]])
  })

  it('what does not end, while it is loaded or called', async () => {
    const loading = make('for (;;) {}')
    await loading.clock.fire(moduleStartMs)
    await loading.rule.checked
    expect(loading.rule.warnings()[0]).toContain(`longer than ${moduleStartMs} ms`)
    const calling = make('export default () => { for (;;) {} }')
    await calling.clock.fire(checkCallMs)
    await calling.rule.checked
    expect(calling.rule.warnings()[0]).toContain(`longer than ${checkCallMs} ms`)
    expect(shown(calling.rule, 'a', 'b')).toBe('siblings')
  })

  it('what its own examples show', async () => {
    const { rule } = make(`export const examples = ['{"n":1}', '{"n":2}']
      export default (versions) => {
        const counts = versions.map(({ text }) => JSON.parse(text).n)
        if (!counts.every(Number.isInteger)) throw new Error('no counts')
        return JSON.stringify({ n: counts.reduce((a, b) => a + b) })
      }`)
    await rule.checked
    expect(rule.warnings()[0]).toContain('merged again with one of them')
  })
})

describe('siblings are shown', () => {
  const once = (text: string) => `if (texts.includes('${text}'))`

  it('for what a module throws at; it is not asked again, and told of once', async () => {
    const { rule, log, shown: outcome, clock } = await resolveSpecial(`${once('!')} throw new Error('no !')`, 'a', '!')
    expect(outcome).toBe('siblings')
    await rule.prepare(groups('b', '!'))
    clock.nowMs = 10 * retryFailedMs
    expect([shown(rule, 'a', '!'), shown(rule, 'b', '!')]).toEqual(['siblings', 'siblings'])
    expect(rule.warnings()[0]).toMatch(/failed 2 times since the start, last because it threw: no !/)
    expect(log.lines).toHaveLength(1)
    await rule.prepare(groups('a', 'b'))
    expect(shown(rule, 'a', 'b')).toBe('b')
  })

  it.each([
    ['a number', 'return 1', 'type number'],
    ['nothing', 'return', 'undefined'],
    ['a promise', 'return Promise.resolve("x")', 'a promise'],
    ['too much', `return new Uint8Array(${moduleResultBytesMax + 1})`, `more than ${moduleResultBytesMax}`],
    ['the clock', 'return String(new Date())', 'no clock'],
    ['randomness', 'return String(Math.random())', 'no randomness'],
    ['an error that cannot be shown', 'throw { toString() { throw 1 } }', 'its thread ended'],
  ])('when it returns %s', async (_, code, reason) => {
    const { rule, shown: outcome } = await resolveSpecial(`${once('!')} { ${code} }`, 'a', '!')
    expect(outcome).toBe('siblings')
    expect(rule.warnings()[0]).toContain(reason)
    await rule.prepare(groups('a', 'b'))
    expect(shown(rule, 'a', 'b')).toBe('b')
  })

  it.each([
    ['ends its thread', `process.exit(0)`],
    ['takes all memory', `for (const all = []; ; ) all.push(new Array(1e6).fill(1.5))`],
    ['recurses for ever', `(function deep() { return deep() + 1 })()`],
  ])('when it %s, and others are served again', async (_, code) => {
    const { rule, shown: outcome } = await resolveSpecial(`${once('!')} ${code}`, 'a', '!')
    expect(outcome).toBe('siblings')
    await rule.prepare(groups('a', 'b'))
    expect(shown(rule, 'a', 'b')).toBe('b')
  })

  it('when it hangs: its thread is ended, later reads are served, and it is tried again after a while', async () => {
    const { rule, clock } = make(greatest(`${once('!')} for (;;) {}`))
    await rule.checked
    const hung = rule.prepare(groups('a', '!'))
    const behind = rule.prepare(groups('a', 'b'))
    await clock.fire(moduleCallMs)
    await Promise.all([hung, behind])
    expect([shown(rule, 'a', '!'), shown(rule, 'a', 'b')]).toEqual(['siblings', 'b'])
    clock.nowMs += retryFailedMs
    expect([shown(rule, 'a', '!'), shown(rule, 'a', 'b')]).toEqual(['pending', 'b'])
  })

  it('to a read that waited long enough; what is computed later is there for the next', async () => {
    const { rule, clock } = make(greatest(`${once('!')} for (;;) {}`))
    await rule.checked
    const hung = rule.prepare(groups('a', '!'))
    const behind = rule.prepare(groups('a', 'b'))
    await clock.fire(readWaitMs)
    await clock.fire(readWaitMs)
    await Promise.all([hung, behind])
    expect([shown(rule, 'a', '!'), shown(rule, 'a', 'b')]).toEqual(['siblings', 'siblings'])
    clock.nowMs += retryBusyMs
    expect(shown(rule, 'a', 'b')).toBe('pending')
    const again = rule.prepare(groups('a', 'b'))
    await clock.fire(moduleCallMs)
    await again
    expect(shown(rule, 'a', 'b')).toBe('b')
  })

  it('for a minute after it hung some times in a row', async () => {
    const { rule, clock } = make(greatest(`if (texts.some((text) => text.startsWith('!'))) for (;;) {}`))
    await rule.checked
    for (let at = 0; at < failuresInRowMax; at++) {
      const hung = rule.prepare(groups('a', `!${at}`))
      await clock.fire(moduleCallMs)
      await hung
    }
    expect(shown(rule, 'a', 'b')).toBe('siblings')
    clock.nowMs += moduleRestMs
    await rule.prepare(groups('a', 'b'))
    expect(shown(rule, 'a', 'b')).toBe('b')
  })

  it('for a minute also to those that waited for their turn meanwhile', async () => {
    const { rule, clock } = make(greatest(`if (texts.some((text) => text.startsWith('!'))) for (;;) {}`))
    await rule.checked
    const waiting = Array.from({ length: 20 }, (_, at) => rule.prepare(groups('a', `!${at}`)))
    for (let at = 0; at < failuresInRowMax; at++) await clock.fire(moduleCallMs)
    await Promise.all(waiting)
    expect(shown(rule, 'a', '!19')).toBe('siblings')
    expect(rule.warnings()[0]).toContain(`failed ${failuresInRowMax} times`)
    clock.nowMs += moduleRestMs
    expect(shown(rule, 'a', '!19')).toBe('pending')
  })

  it('beyond the limits of versions and bytes, without a call', async () => {
    const { rule } = make(greatest())
    await rule.checked
    const many = Array.from({ length: moduleVersionsMax + 1 }, (_, at) => `${at}`)
    expect(shown(rule, ...many)).toBe('siblings')
    expect(shown(rule, ...many.slice(1))).toBe('pending')
    expect(rule.outcome(groups(Buffer.alloc(moduleInputBytesMax), 'a'))).toBe('siblings')
  })

  it('to reads beyond those that may wait', async () => {
    const { rule, clock } = make(greatest(`${once('!')} for (;;) {}`))
    await rule.checked
    const waiting = Array.from({ length: callsWaitingMax }, (_, at) => rule.prepare(groups('!', `${at}`)))
    await rule.prepare(groups('a', 'b'))
    expect(shown(rule, 'a', 'b')).toBe('siblings')
    clock.nowMs += retryBusyMs
    rule.stop()
    await Promise.all(waiting)
  })

  it('once it is stopped, also to reads that wait', async () => {
    const { rule } = make(greatest(`${once('!')} for (;;) {}`))
    await rule.checked
    const hung = rule.prepare(groups('a', '!'))
    rule.stop()
    await hung
    expect(shown(rule, 'a', '!')).toBe('siblings')
    expect(rule.warnings()).toEqual([])
  })
})
