/**
 * Makes a fresh clone run: installs and builds what is missing or old, then starts a node. `npm start`, `npm run build`
 * and `npm test` go through here.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const output = join(root, 'dist')
const entry = join(output, 'cli', 'hearsay.js')
const stamp = join(output, '.sources')
const lock = join(root, 'dist.lock')
const sourceFolders = ['store', 'protocols', 'daemon', 'cli']
const sourceFiles = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']
const lockPollMs = 100
/** Bytes that npm or the compiler may print in all. */
const outputBytesMax = 64 * 1024 * 1024

const say = (text) => process.stderr.write(`hearsay: ${text}\n`)

/** Runs a program to its end; what it prints is shown only when it fails, which throws. */
function run(command, args) {
  const stdio = ['ignore', 'pipe', 'pipe']
  const { status, error, signal, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    stdio,
    maxBuffer: outputBytesMax,
  })
  if (error) throw new Error(`${command} cannot be run: ${error.message}`)
  if (status === 0) return
  // To stderr: stdout is the daemon's.
  process.stderr.write(Buffer.concat([stdout, stderr]))
  throw new Error(`\`${command} ${args.join(' ')}\` failed with ${signal ?? `exit code ${status}`}`)
}

/** True if node_modules holds exactly what the lock file names, as far as npm's own record tells. */
function isInstalled() {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
    const present = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages
    return Object.entries(wanted).every(
      ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version,
    )
  } catch {
    return false
  }
}

function install() {
  if (isInstalled()) return
  say('installing packages (npm ci); this takes a minute the first time')
  const npm = process.env.npm_execpath
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund']
  if (npm?.endsWith('.js')) run(process.execPath, [npm, ...args])
  else run('npm', args)
}

/** A digest of names, sizes and times of all sources: it changes with every edit, and when a file goes. */
function fingerprint() {
  const hash = createHash('sha256')
  const add = (path) => {
    const stats = statSync(join(root, path))
    hash.update(`${path}\0${stats.size}\0${stats.mtimeMs}\n`)
  }
  for (const file of sourceFiles) add(file)
  for (const folder of sourceFolders) {
    for (const file of filesIn(folder)) add(file)
  }
  return hash.update(process.versions.node).digest('hex')
}

function filesIn(folder) {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter((item) => item.isFile())
    .map((item) => join(item.parentPath ?? item.path, item.name).slice(root.length + 1))
    .sort()
}

function isBuilt(print) {
  try {
    return readFileSync(stamp, 'utf8') === print && existsSync(entry)
  } catch {
    return false
  }
}

async function build() {
  if (isBuilt(fingerprint())) return link()
  const release = await takeLock()
  try {
    // Another build may have ended while this one waited.
    const print = fingerprint()
    if (!isBuilt(print)) await buildNow(print)
    link()
  } finally {
    release()
  }
}

/** Builds beside dist/ and swaps at the end, so that running programs never see half a build. */
async function buildNow(print) {
  say('building')
  const next = join(root, `dist.${process.pid}`)
  try {
    rmSync(next, { recursive: true, force: true })
    mkdirSync(next)
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', next])
    copyAssets(next)
    const { bundle, bundleDaemon, bundleDashboard } = await import('./bundle.mjs')
    await Promise.all([bundle(next), bundleDaemon(next), bundleDashboard(next)])
    const openapi = join(next, 'daemon', 'http', 'openapi-build.js')
    if (existsSync(openapi)) run(process.execPath, [openapi])
    run(process.execPath, [join(next, 'cli', 'man-build.js')])
    writeFileSync(join(next, '.sources'), print)
    if (existsSync(output)) renameSync(output, `${next}.old`)
    renameSync(next, output)
  } finally {
    rmSync(next, { recursive: true, force: true })
    rmSync(`${next}.old`, { recursive: true, force: true })
  }
}

/** Everything that is not a program. The dashboard's page and styles are left out: the bundler writes them. */
function copyAssets(next) {
  for (const folder of sourceFolders) {
    for (const file of filesIn(folder)) {
      if (/\.(ts|mjs|md|html|css)$|tsconfig\.json$/.test(file)) continue
      mkdirSync(dirname(join(next, file)), { recursive: true })
      cpSync(join(root, file), join(next, file))
    }
  }
}

/** One build at a time in a clone; a lock whose owner has died is taken over. */
async function takeLock() {
  for (;;) {
    try {
      const descriptor = openSync(lock, 'wx')
      writeSync(descriptor, String(process.pid))
      closeSync(descriptor)
      return () => rmSync(lock, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (!isOwned()) rmSync(lock, { force: true })
    else await new Promise((wake) => setTimeout(wake, lockPollMs))
  }
}

function isOwned() {
  try {
    const owner = Number(readFileSync(lock, 'utf8'))
    // A lock just made may not have its owner's number yet.
    if (!owner) return Date.now() - statSync(lock).mtimeMs < 10 * lockPollMs
    process.kill(owner, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** `npx hearsay` in the clone finds the command line without network. */
function link() {
  const folder = join(root, 'node_modules', '.bin')
  const name = join(folder, 'hearsay')
  const target = join('..', '..', 'dist', 'cli', 'hearsay.js')
  mkdirSync(folder, { recursive: true })
  try {
    if (readlinkSync(name) === target) return
  } catch {
    // No link yet, or something else in its place.
  }
  rmSync(name, { force: true })
  symlinkSync(target, name)
  chmodSync(entry, 0o755)
}

/** Runs the daemon in this process, so that signals and exit code are its own. */
async function start(args) {
  process.argv = [process.execPath, entry, 'daemon', ...args]
  await import(pathToFileURL(entry).href)
}

/** Runs the build in a process of its own: its modules do not stay in the daemon's memory. */
function buildApart() {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'build'], { stdio: ['ignore', 2, 2] })
    child.on('error', failed)
    child.on('exit', (code) => (code === 0 ? done() : failed(new Error('the build failed; see above'))))
  })
}

async function main([task, ...args]) {
  if (task === 'build') {
    install()
    await build()
  } else if (task === 'start') {
    if (!isInstalled() || !isBuilt(fingerprint())) await buildApart()
    await start(args)
  } else {
    throw new Error('usage: node cli/bootstrap.mjs build | start [FLAGS OF THE DAEMON]')
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  say(error.message)
  process.exitCode = 1
}
