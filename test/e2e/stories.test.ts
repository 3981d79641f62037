/** The stories that the repository ships, each played on real daemons. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { run } from './daemons.js'

const folder = fileURLToPath(new URL('../../docs/stories/', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'hearsay-stories-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

test.each(readdirSync(folder))('%s', { timeout: 180_000 }, async (story) => {
  const { exit, stdout, stderr } = await run(['lab', 'run', join(folder, story)], { env: { XDG_STATE_HOME: home } })
  expect({ exit, stderr, stdout: stdout.toString() }).toMatchObject({ exit: 0, stderr: '' })
  expect(stdout.toString()).toMatch(/^Learnt: .+\nall \d+ expectations of .* hold\n$/m)
  // Nothing is left behind.
  expect(readdirSync(home)).toEqual([])
})
