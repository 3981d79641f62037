/** The stories that the repository ships, each played on real daemons. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { inCi, isShort } from '../support/effort.js'
import { runProgram } from './daemons.js'

const folder = fileURLToPath(new URL('../../docs/stories/', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'hearsay-stories-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const play = (script: string) => runProgram(['lab', 'run', script], { env: { XDG_STATE_HOME: home } })

/** In the short form the first story is played, beside the example. */
for (const [at, story] of readdirSync(folder).entries()) {
  const isLeftOut = isShort && at > 0
  test.skipIf(isLeftOut)(`${story}${isLeftOut ? inCi : ''}`, { timeout: 180_000 }, async () => {
    const { exit, stdout, stderr } = await play(join(folder, story))
    expect({ exit, stderr, stdout: stdout.toString() }).toMatchObject({ exit: 0, stderr: '' })
    expect(stdout.toString()).toMatch(/^Learnt: .+\nall \d+ expectations of .* hold\n$/m)
    // Nothing is left behind.
    expect(readdirSync(home)).toEqual([])
  })
}

test('the example of docs/LAB.md', { timeout: 180_000 }, async () => {
  const page = readFileSync(join(folder, '..', 'LAB.md'), 'utf8')
  const script = join(home, 'example.lab')
  writeFileSync(script, /^```\n(# .*?)^```$/ms.exec(page)![1]!)
  const { exit, stderr } = await play(script)
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
})
