/**
 * The lab: real daemons behind its switch, cut, slowed, killed, and gone without a trace, whatever was killed on the
 * way.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { placesOf } from '../../cli/lab/plan.js'
import { inCi, isShort } from '../support/effort.js'
import { program, runProgram, until } from './daemons.js'

const home = mkdtempSync(join(tmpdir(), 'hearsay-lab-'))
const directory = join(home, 'hearsay', 'lab')
const places = placesOf(directory)
const env = { XDG_STATE_HOME: home }

/** Runs a command of the lab. */
async function lab(...args: string[]) {
  const { exit, stdout, stderr } = await runProgram(['lab', ...args], { env })
  return { exit, text: stdout.toString(), stderr }
}

/** Runs a command of the lab that succeeds, and reads its JSON. */
async function labJson(...args: string[]) {
  const { exit, text, stderr } = await lab(...args, '--json')
  expect({ args, exit, stderr }).toMatchObject({ exit: 0 })
  return JSON.parse(text)
}

/** A command on a node: its words, and its exit code. */
async function on(node: string, ...words: string[]) {
  const { exit, text } = await lab('on', node, ...words)
  return `${exit} ${text.trim()}`
}

/** The command lines of all processes of labs below this test's home. */
function processes(): string[] {
  const lines = readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(join('/proc', pid, 'cmdline'), 'utf8')] : []
    } catch {
      return []
    }
  })
  return lines.filter((line) => line.includes(home))
}

/** After a `lab down`: whoever was about to start ends by itself, and there is no file. */
async function nothingIsLeft(): Promise<void> {
  await until(
    'no process of the lab',
    async () => processes(),
    (seen) => seen.length === 0,
  )
  expect(readdirSync(home)).toEqual([])
}

afterEach(async () => {
  await lab('down')
  await nothingIsLeft()
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

describe('a lab', () => {
  test('is cut, healed, crashes, and is looked at', { timeout: 180_000 }, async () => {
    const up = await labJson('up', '-n', '5')
    expect(up.nodes.map(({ name }: { name: string }) => name)).toEqual(['ann', 'bob', 'cid', 'dan', 'eve'])
    expect(await lab('up')).toMatchObject({ exit: 1, stderr: expect.stringContaining('WOULD_OVERWRITE') })

    expect((await lab('split', '1,2', '3,4,5')).text).toBe('cut: ann bob | cid dan eve\n')
    expect(await on('ann', 'put', 'k', 'left')).toBe('0 stored k')
    expect(await on('5', 'put', 'k', 'right', '--timeout', '1s')).toBe('0 stored k')
    expect(await on('bob', 'wait', '--peers', '2', '--timeout', '500ms')).toMatch(/^7/)
    expect(await on('cid', 'get', 'k')).toBe('0 right')

    // A node that starts while there is a cut is on its side of it.
    expect((await lab('kill', 'dan')).text).toBe('killed dan\n')
    expect(await lab('on', 'dan', 'get', 'k')).toMatchObject({
      exit: 6,
      stderr: expect.stringContaining('lab start dan'),
    })
    expect((await lab('start', 'dan')).text).toBe('started dan\n')
    const split = await labJson('status')
    expect(split.groups).toEqual([
      ['ann', 'bob'],
      ['cid', 'dan', 'eve'],
    ])
    const hears = (name: string) => {
      const { status } = split.nodes.find((node: { name: string }) => node.name === name)
      return status.members.filter(({ connected }: { connected: boolean }) => connected).length
    }
    expect([hears('ann'), hears('dan')]).toEqual([1, 2])

    const healed = await labJson('heal')
    expect(healed).toMatchObject({ nodes: ['ann', 'bob', 'cid', 'dan', 'eve'], absent: [] })
    expect(healed.sessions).toBeGreaterThanOrEqual(1)
    expect(healed.entries).toBeGreaterThanOrEqual(5)
    expect(healed.root).toMatch(/^[0-9a-f]{32,}$/)
    expect(await on('bob', 'conflicts')).toContain('k  2 siblings')
    expect((await lab('status')).text).toMatch(/^all five are equal\n/)
    expect(await labJson('open', 'ann')).toEqual({
      node: 'ann',
      url: expect.stringMatching(/^http:\/\/127.*\/#link=.+/),
    })

    // Without its switch no node reaches another, and the next change of links brings it back.
    process.kill(Number(readFileSync(places.pid('switch'), 'utf8')), 'SIGKILL')
    await until(
      'the switch is gone',
      () => labJson('status'),
      (state) => state.switch === false,
    )
    expect((await lab('heal')).text).toMatch(/^healed in .* all five are equal/)
    expect((await lab('down')).text).toBe('the lab is gone: 6 processes ended\n')
    expect((await lab('down')).text).toMatch(/^there is no lab in /)
  })

  test("does not touch a user's own blocks, and may be slow", { timeout: 120_000 }, async () => {
    await lab('up', '-n', '3')
    expect(await on('ann', 'block', 'bob')).toMatch(/^0/)
    await lab('split', 'cid')
    expect((await lab('heal')).text).toMatch(/all three are equal/)
    expect(JSON.parse((await on('ann', 'status', '--json')).slice(2)).blocked).toEqual(['bob'])
    expect(await on('ann', 'unblock')).toMatch(/^0/)
    await until(
      'ann hears both',
      () => on('ann', 'wait', '--peers', '2'),
      (seen) => seen.startsWith('0'),
    )

    expect((await lab('slow', '--delay', '300ms')).text).toBe('slow: all links: 300 ms each way\n')
    const startMs = performance.now()
    expect(await on('ann', 'put', 'k', 'v', '--acks', 'all')).toMatch(/^0 stored k, durable on 3 nodes/)
    expect(performance.now() - startMs).toBeGreaterThan(600)
    expect((await lab('slow', '--off')).text).toBe('no link is slow\n')

    expect((await lab('stop', 'bob')).text).toBe('stopped bob\n')
    expect((await lab('status')).text).toMatch(/^all two are equal; bob not running\n/)
  })

  test('says what is wrong', async () => {
    const script = join(tmpdir(), `hearsay-${process.pid}.lab`)
    expect(await lab('heal')).toMatchObject({ exit: 3, stderr: expect.stringContaining('hearsay lab up') })
    expect(await lab('up', '-n', '17')).toMatchObject({ exit: 2, stderr: expect.stringContaining('1 to 16') })
    expect(await lab('up', '--', '--data', home)).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('--data is set'),
    })
    expect(await lab('up', '--dir', join(home, 'none', 'lab'))).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('FILE_FAILED: cannot make'),
    })
    expect(await lab('up', '--dir', program)).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('WOULD_OVERWRITE'),
    })
    expect(await lab('up', '-n', '1', '--', '--acks', 'some')).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(/LAB_FAILED: ann did not start: .*BAD_CONFIG/),
    })
    expect(existsSync(directory)).toBe(false)
    writeFileSync(script, 'up 1\nann: put k v\n\nexpect ann: get k = w\n')
    writeFileSync(`${script}.bad`, 'up 1\nann put k v\n')
    try {
      expect(await lab('run', `${script}.bad`)).toMatchObject({
        exit: 2,
        stderr: expect.stringContaining('.lab.bad:2: expected'),
      })
      expect(await lab('run', script)).toMatchObject({ exit: 1, stderr: expect.stringMatching(/line 4: .*saw 'v'/) })
      expect(await lab('run', `${script}.none`)).toMatchObject({
        exit: 1,
        stderr: expect.stringContaining('FILE_FAILED'),
      })
    } finally {
      rmSync(script)
      rmSync(`${script}.bad`)
    }
  })
})

/** Starts a command, and kills it where it stands as soon as something is there. */
async function killed(args: readonly string[], isThere: () => boolean): Promise<void> {
  const child = spawn(process.execPath, [program, 'lab', ...args], { env: { ...process.env, ...env }, stdio: 'ignore' })
  const closed = once(child, 'close')
  let hasEnded = false
  void closed.then(() => {
    hasEnded = true
  })
  // Often, but not in every turn of the loop: what it waits for needs the CPU.
  while (!isThere() && !hasEnded) await new Promise((resolve) => setTimeout(resolve, 1))
  child.kill('SIGKILL')
  await closed
}

const isReady = (name: string) =>
  existsSync(places.ready(name)) && readFileSync(places.ready(name), 'utf8').endsWith('\n')

describe('whatever is killed where it stands, `lab down` leaves nothing', () => {
  const steps: Readonly<Record<string, () => boolean>> = {
    'at once': () => true,
    'with its directory made': () => existsSync(directory),
    'with its record written': () => existsSync(places.record),
    'with its folders made': () => existsSync(places.nodeFolder),
    'with a log opened': () => existsSync(places.log('switch')),
    'with the switch begun': () => existsSync(places.pid('switch')),
    'with the switch ready': () => isReady('switch'),
    'with a node begun': () => existsSync(places.pid('ann')),
    'with a node that has a store': () => existsSync(join(places.data('bob'), 'api.token')),
    'with one node ready': () => isReady('ann'),
    'with all nodes ready': () => ['ann', 'bob', 'cid'].every(isReady),
  }

  const inShort = ['with a node begun', 'with all nodes ready']
  const isLeftOut = (step: string) => isShort && !inShort.includes(step)
  for (const [step, isReached] of Object.entries(steps)) {
    const name = `\`lab up\` ${step}${isLeftOut(step) ? inCi : ''}`
    test.skipIf(isLeftOut(step))(name, { timeout: 60_000 }, async () => {
      await killed(['up', '-n', '3'], isReached)
      expect((await lab('down')).exit).toBe(0)
      await nothingIsLeft()
    })
  }

  test.skipIf(isShort)(
    `\`lab down\` itself, \`lab split\` and \`lab start\`${inCi}`,
    { timeout: 120_000 },
    async () => {
      await lab('up', '-n', '3')
      await killed(['split', 'ann'], () => !readFileSync(places.links, 'utf8').includes('"groups": []'))
      expect((await lab('heal')).text).toMatch(/all three are equal/)
      await lab('kill', 'bob')
      await killed(['start', 'bob'], () => existsSync(places.pid('bob')))
      await killed(['down'], () => existsSync(places.closing))
      await killed(['down'], () => !existsSync(places.nodeFolder))
      expect((await lab('down')).exit).toBe(0)
      await nothingIsLeft()
    },
  )

  test.skipIf(isShort)(`\`lab run\`, whose lab is its own${inCi}`, { timeout: 60_000 }, async () => {
    const runs = join(home, 'hearsay', 'lab-runs')
    const story = new URL('../../docs/stories/shopping-cart.lab', import.meta.url).pathname
    const hasNode = () =>
      existsSync(runs) && readdirSync(runs).some((pid) => existsSync(placesOf(join(runs, pid)).pid('ann')))
    await killed(['run', story], hasNode)
    expect((await lab('down')).exit).toBe(0)
    await nothingIsLeft()
  })

  test('an interrupted `lab up` removes what it has made', { timeout: 60_000 }, async () => {
    const child = spawn(process.execPath, [program, 'lab', 'up'], { env: { ...process.env, ...env }, stdio: 'ignore' })
    const closed = once(child, 'close')
    await until('a node has begun', async () => existsSync(places.pid('ann')), Boolean)
    child.kill('SIGINT')
    expect((await closed)[0]).toBe(1)
    await nothingIsLeft()
  })
})
