/**
 * Builds the Debian package of what was built and installed: `npm run package [-- --output FOLDER] [--fast]`. It holds
 * the production packages of the lock file, so that nothing is fetched when it is installed; one for all machines,
 * since the only native addon comes with its binaries for Linux.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'

const here = dirname(fileURLToPath(import.meta.url))
const root = resolve(here, '../../..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const library = 'usr/lib/hearsay'
const documents = 'usr/share/doc/hearsay'
const configuration = 'etc/hearsay/hearsay.toml'
const maintainerScripts = ['postinst', 'prerm', 'postrm']

/** Files of packages that nothing loads: types, maps, binaries of other systems. */
const isSuperfluous = (path) =>
  /\.(map|d\.ts|d\.mts|d\.cts)$/.test(path) || /\/prebuilds\/(android|darwin|win32)-[^/]*$/.test(path)

/** Production packages by their paths below the root, as npm has put them. */
function productionPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.keys(packages).filter((path) => path !== '' && !packages[path].dev && !packages[path].devOptional)
}

/** Copies one package; those that are nested in it are listed for themselves. */
function copyPackage(stage, path) {
  const from = join(root, path)
  if (!existsSync(from)) throw new Error(`${path} is not installed: run \`npm ci\` first`)
  const filter = (source) => {
    const inside = relative(from, source)
    return inside.split('/')[0] !== 'node_modules' && !isSuperfluous(source)
  }
  cpSync(from, join(stage, library, path), { recursive: true, filter })
}

function put(stage, path, content, mode = 0o644) {
  const target = join(stage, path)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, content)
  chmodSync(target, mode)
}

function copy(stage, from, to) {
  put(stage, to, readFileSync(join(root, from)))
}

function copyProgram(stage) {
  const filter = (source) => !isSuperfluous(source) && basename(source) !== '.sources'
  cpSync(join(root, 'dist'), join(stage, library, 'dist'), { recursive: true, filter })
  copy(stage, 'package.json', `${library}/package.json`)
  for (const path of productionPackages()) copyPackage(stage, path)
  mkdirSync(join(stage, 'usr/bin'), { recursive: true })
  symlinkSync('../lib/hearsay/dist/cli/hearsay.js', join(stage, 'usr/bin/hearsay'))
}

function copyService(stage) {
  copy(stage, 'docs/packaging/systemd/hearsay.service', 'usr/lib/systemd/system/hearsay.service')
  copy(stage, 'docs/packaging/systemd/hearsay.user.service', 'usr/lib/systemd/user/hearsay.service')
  copy(stage, 'docs/hearsay.example.toml', configuration)
}

/** Completions come from the program itself; the man page does, too, where the build has made one. */
function copyHelp(stage) {
  const targets = {
    bash: 'usr/share/bash-completion/completions/hearsay',
    zsh: 'usr/share/zsh/vendor-completions/_hearsay',
    fish: 'usr/share/fish/vendor_completions.d/hearsay.fish',
  }
  for (const [shell, target] of Object.entries(targets)) {
    put(stage, target, run(process.execPath, [join(root, 'dist/cli/hearsay.js'), 'completion', shell]))
  }
  const manual = join(root, 'dist/man/hearsay.1')
  if (existsSync(manual)) put(stage, 'usr/share/man/man1/hearsay.1.gz', gzipSync(readFileSync(manual), { level: 9 }))
  copy(stage, 'LICENSE', `${documents}/copyright`)
  put(stage, `${documents}/changelog.gz`, gzipSync(readFileSync(join(root, 'CHANGELOG.md')), { level: 9 }))
  copy(stage, 'README.md', `${documents}/README.md`)
  for (const name of readdirSync(join(root, 'docs')).filter((one) => one.endsWith('.md'))) {
    copy(stage, `docs/${name}`, `${documents}/docs/${name}`)
  }
  cpSync(join(root, 'docs/monitoring'), join(stage, documents, 'docs/monitoring'), { recursive: true })
}

function writeControl(stage, version) {
  const [, node] = /^>=(\S+)$/.exec(manifest.engines.node)
  const files = filesBelow(stage)
  const kibibytes = Math.ceil(files.reduce((sum, path) => sum + statSync(path).size, 0) / 1024)
  const checksums = files.map((path) => `${md5(readFileSync(path))}  ${relative(stage, path)}\n`).join('')
  const control = [
    'Package: hearsay',
    `Version: ${version}`,
    'Architecture: all',
    'Maintainer: The authors of hearsay <hearsay@example.invalid>',
    `Installed-Size: ${kibibytes}`,
    `Depends: nodejs (>= ${node}), passwd`,
    'Recommends: systemd',
    'Section: net',
    'Priority: optional',
    'Description: peer-to-peer key-value daemon',
    ` ${manifest.description}.`,
    ' Every node holds all data and takes writes while cut off from all others; copies',
    ' become equal by themselves once they meet again.',
  ]
  put(stage, 'DEBIAN/control', `${control.join('\n')}\n`)
  put(stage, 'DEBIAN/conffiles', `/${configuration}\n`)
  put(stage, 'DEBIAN/md5sums', checksums)
  for (const name of maintainerScripts) put(stage, `DEBIAN/${name}`, readFileSync(join(here, name)), 0o755)
}

function filesBelow(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
  return files.map((file) => join(file.parentPath ?? file.path, file.name)).sort()
}

/** The checksum by which `dpkg --verify` finds files that were changed; nothing relies on it to be safe. */
function md5(bytes) {
  return createHash('md5').update(bytes).digest('hex')
}

/** Modes as on every system, whatever the umask of who builds. */
function setModes(stage) {
  for (const file of readdirSync(stage, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath ?? file.path, file.name)
    if (file.isDirectory()) chmodSync(path, 0o755)
    else if (file.isFile()) chmodSync(path, statSync(path).mode & 0o100 ? 0o755 : 0o644)
  }
  chmodSync(stage, 0o755)
}

function run(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (error) throw new Error(`${command} cannot be run: ${error.message}`)
  if (status !== 0) throw new Error(`\`${command} ${args.join(' ')}\` failed: ${stderr}`)
  return stdout
}

/** Builds the package into a folder; returns its path. `fast`: not compressed, for tests. */
function buildPackage(output, fast) {
  // A version before another one sorts before it.
  const version = manifest.version.replace('-', '~')
  const stage = mkdtempSync(join(tmpdir(), 'hearsay-deb-'))
  try {
    copyProgram(stage)
    copyService(stage)
    copyHelp(stage)
    writeControl(stage, version)
    setModes(stage)
    mkdirSync(output, { recursive: true })
    const file = join(output, `hearsay_${version}_all.deb`)
    const packing = fast ? ['-Znone'] : ['-Zxz']
    run('dpkg-deb', ['--root-owner-group', ...packing, '--build', stage, `${file}.partial`])
    copyFileSync(`${file}.partial`, file)
    rmSync(`${file}.partial`)
    return file
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

const { values } = parseArgs({ options: { output: { type: 'string' }, fast: { type: 'boolean' } } })
console.log(buildPackage(resolve(values.output ?? '.'), values.fast === true))
