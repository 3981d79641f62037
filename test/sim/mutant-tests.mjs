/**
 * Runs a test against the code with a deliberate bug in it, in a copy of the sources: for bugs that the simulator
 * cannot see.
 */
import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './bundle.mjs'
import { edited } from './edits.mjs'

/** What a copy needs to be built and tested. */
const sources = ['store', 'protocols', 'daemon', 'cli', 'test', 'docs', 'README.md']
const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'vitest.config.ts']

/**
 * The first test that fails with the bug in the code, as `{ title, message }`; undefined when all pass. Throws when an
 * edit does not fit, when the copy cannot be built, and when the tests cannot run or are skipped: that says nothing
 * about the bug.
 */
export async function firstFailedTest({ name, edits, test }) {
  const copy = await mkdtemp(join(tmpdir(), `hearsay-${name}-`))
  try {
    for (const entry of [...sources, ...settings]) await cp(join(root, entry), join(copy, entry), { recursive: true })
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    for (const edit of edits) {
      const path = join(copy, edit.file)
      await writeFile(path, edited(await readFile(path, 'utf8'), edit))
    }
    if (test.isBuilt) run(copy, [join(copy, 'cli', 'bootstrap.mjs'), 'build'], 'the copy cannot be built')
    const report = join(copy, 'report.json')
    const vitest = join(copy, 'node_modules', 'vitest', 'vitest.mjs')
    const flags = ['--maxWorkers=1', '--reporter=json', `--outputFile=${report}`]
    spawnSync(process.execPath, [vitest, 'run', test.file, ...flags], { cwd: copy, stdio: 'ignore' })
    return firstFailure(JSON.parse(await readFile(report, 'utf8')), test.file)
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

function run(cwd, args, failure) {
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${failure}: ${stderr}`)
}

function firstFailure({ testResults }, file) {
  const cases = testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = cases.find(({ status }) => status === 'failed')
  if (failed !== undefined) return { title: failed.title, message: failed.failureMessages[0] ?? '' }
  const skipped = cases.find(({ status }) => status !== 'passed')
  if (skipped !== undefined) throw new Error(`${file} was skipped: ${skipped.fullName}`)
  if (cases.length === 0) throw new Error(`${file} could not be run: ${testResults[0]?.message ?? 'no report'}`)
  return undefined
}
