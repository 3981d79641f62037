/** A fixed budget of simulated seeds, the seeds that once failed, and the promise that one seed decides everything. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { whyNotWatched } from '../faults/sync-calls.js'
import { amount, inCi, isShort } from '../support/effort.js'
import { operatorVerbs } from './operators.js'
import { planOf } from './plan.js'
import { userVerbs } from './users.js'

const launcher = fileURLToPath(new URL('run.mjs', import.meta.url))
/** How long one run may take on a machine that is busy with other things. */
const timeout = 300_000
/** Seeds of the fixed budget; more are played by `.ci/run` and `npm run sim -- --seeds N`. */
const seeds = amount(12, 120)

async function sim(...flags: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [launcher, ...flags], { maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

const hashOf = (output: string) => /^hash ([0-9a-f]{16})/m.exec(output)?.[1]

const obstacle = whyNotWatched()
const skipped = obstacle === undefined ? inCi : ` (skipped: ${obstacle})`
/** Verbs that seeds need not draw. */
const ofScenariosAlone = new Set(['count'])
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe('the simulator', { timeout }, () => {
  it(`plays ${seeds} seeds without a violation`, async () => {
    expect(await sim('--seeds', String(seeds))).toContain(`sim: ${seeds} passed, 0 failed`)
  })

  it.skipIf(isShort)(`plays the seeds that once failed without a violation${inCi}`, async () => {
    const output = await sim('--known')
    expect(output).toMatch(/sim: [1-9]\d* passed, 0 failed/)
    expect(output).toMatch(/kept plans: [1-9]\d* passed, 0 failed/)
  })

  it("draws every verb that there is, users' and operators'", () => {
    const drawn = new Set(range(1, 500).flatMap((seed) => planOf(seed).actions.map(({ words }) => words[0])))
    expect([...userVerbs, ...operatorVerbs].filter((verb) => !drawn.has(verb) && !ofScenariosAlone.has(verb))).toEqual(
      [],
    )
  })

  it('plays one seed the same way twice, and another one otherwise', async () => {
    const [once, again, other] = await Promise.all([
      sim('--seed', '5', '--quiet'),
      sim('--seed', '5', '--quiet'),
      sim('--seed', '6', '--quiet'),
    ])
    expect(hashOf(once)).toBeDefined()
    expect(hashOf(again)).toBe(hashOf(once))
    expect(hashOf(other)).not.toBe(hashOf(once))
  })

  it('catches a deliberate bug', async () => {
    const output = await sim('--mutations', '--mutation', 'unite-at-start', '--seeds', '50')
    expect(output).toContain('mutations: 1 passed, 0 failed')
  })

  it.skipIf(isShort || obstacle !== undefined)(
    `catches one that lies beneath its disk by the test that it names${skipped}`,
    async () => {
      const output = await sim('--mutations', '--mutation', 'fsync-is-os')
      expect(output).toMatch(/\| test\/faults\/durability\.test\.ts \| fsync: /)
      expect(output).toContain('mutations: 1 passed, 0 failed')
    },
  )
})
