/** Earlier builds, made from this repository's history: what people may upgrade from. */
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** An earlier build: its commit, and the variable that names a folder where it stands already. */
export interface OldBuild {
  readonly commit: string
  readonly variable: string
}

/** The last build on libp2p 2; its stores have format 2, it knows no folds of counters, and else speaks as this one. */
export const libp2p2Build: OldBuild = { commit: '719cd93', variable: 'HEARSAY_OLD' }
/** The last build with stores of format 1, whose nodes speak version 1 of the protocols. */
export const version1Build: OldBuild = { commit: 'c966ace', variable: 'HEARSAY_OLD_1' }

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Reason why an earlier build is not made: it installs its packages, and takes a minute, so it must be asked for; and
 * it needs the commit. Empty if it can be had.
 */
export function whyNotBuilt({ commit, variable }: OldBuild): string {
  if (process.env[variable] !== undefined) return ''
  if (process.env.CI !== 'true' && process.env.HEARSAY_LONG !== '1')
    return ' (runs with CI=true or HEARSAY_LONG=1: it installs the old packages)'
  try {
    execFileSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root, stdio: 'ignore' })
    return ''
  } catch {
    return ` (needs the history: ${commit} is not in this clone)`
  }
}

/**
 * Makes an earlier build in a folder, unless it is given; returns its command line. Throws when its packages cannot be
 * had.
 */
export function oldProgram({ commit, variable }: OldBuild, folder: string): string {
  const given = process.env[variable]
  const home = given ?? join(folder, commit)
  if (given === undefined) {
    mkdirSync(home, { recursive: true })
    const archive = execFileSync('git', ['archive', commit], { cwd: root, maxBuffer: 2 ** 30 })
    execFileSync('tar', ['-x', '-C', home], { input: archive })
    const npm: ExecFileSyncOptions = { cwd: home, stdio: ['ignore', 'ignore', 'inherit'] }
    execFileSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], npm)
    execFileSync('npm', ['run', '-s', 'build'], npm)
  }
  const program = join(home, 'dist/cli/hearsay.js')
  if (!existsSync(program)) throw new Error(`${home} holds no build`)
  return program
}
