/**
 * Installs what `npm pack` makes of a built clone into an empty folder, with no compiler on the PATH, and runs daemon
 * and command line from there. Needs the registry, so CI runs it, as `node test/e2e/packaging/npm-pack.mjs`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bareEnvironment, exercise } from './exercise.mjs'

const root = resolve(fileURLToPath(import.meta.url), '../../../..')

function run(command, args, options) {
  const { status, error, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  })
  if (error) throw error
  if (status !== 0) throw new Error(`\`${command} ${args.join(' ')}\` failed with ${status}\n${stdout}`)
  return stdout
}

/** The path of a program on the PATH of whoever calls this. */
function pathOf(program) {
  const folder = process.env.PATH.split(delimiter).find((one) => existsSync(join(one, program)))
  if (folder === undefined) throw new Error(`${program} is not on the PATH`)
  return join(folder, program)
}

function install(folder) {
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root }))
  const home = join(folder, 'home')
  mkdirSync(home)
  writeFileSync(join(home, 'package.json'), '{"private":true}\n')
  const env = bareEnvironment(folder)
  symlinkSync(pathOf('npm'), join(env.PATH, 'npm'))
  run('npm', ['install', '--no-audit', '--no-fund', join(folder, filename)], { cwd: home, env })
  const tools = readdirSync(env.PATH)
  if (tools.some((name) => !['node', 'npm', 'sh'].includes(name))) throw new Error(`the PATH holds ${tools}`)
  return join(home, 'node_modules/.bin/hearsay')
}

const folder = mkdtempSync(join(tmpdir(), 'hearsay-pack-'))
try {
  await exercise(install(folder))
} catch (error) {
  console.error(`failed: ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
