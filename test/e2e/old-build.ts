/** The last build on libp2p 2, made from this repository's history. */
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The last commit before libp2p 3. */
const oldCommit = '719cd93'
const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Why no build of another version is made: it installs its packages, and takes a minute, so it must be asked for; and it needs the commit.
 * Empty if one can be had. `HEARSAY_OLD` names one that is there.
 */
export const whyNoOldBuild = reasonAgainst()

function reasonAgainst(): string {
  if (process.env.HEARSAY_OLD !== undefined) return ''
  if (process.env.CI !== 'true' && process.env.HEARSAY_LONG !== '1')
    return ' (runs with CI=true or HEARSAY_LONG=1: it installs the old packages)'
  try {
    execFileSync('git', ['cat-file', '-e', `${oldCommit}^{commit}`], { cwd: root, stdio: 'ignore' })
    return ''
  } catch {
    return ` (needs the history: ${oldCommit} is not in this clone)`
  }
}

/** Makes the old build in a folder, unless it is given; returns its command line. Throws when its packages cannot be had. */
export function oldProgram(folder: string): string {
  const given = process.env.HEARSAY_OLD
  const home = given ?? join(folder, 'old')
  if (given === undefined) {
    mkdirSync(home, { recursive: true })
    const archive = execFileSync('git', ['archive', oldCommit], { cwd: root, maxBuffer: 2 ** 30 })
    execFileSync('tar', ['-x', '-C', home], { input: archive })
    const npm: ExecFileSyncOptions = { cwd: home, stdio: ['ignore', 'ignore', 'inherit'] }
    execFileSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], npm)
    execFileSync('npm', ['run', '-s', 'build'], npm)
  }
  const program = join(home, 'dist/cli/hearsay.js')
  if (!existsSync(program)) throw new Error(`${home} holds no build`)
  return program
}
