/** The ways to install and run hearsay, as far as this machine has their tools: units, image, Debian package. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../daemon/config/load.js'
import { effort } from '../support/effort.js'
import { copyOf, dockerfileFaults, stagesOf } from './packaging/dockerfile.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packaging = join(root, 'docs/packaging')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const isHere = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined
/** A build, or an installation, takes many seconds: CI does it. */
const whyNotHere = effort === 'short' ? ' (in the full form, HEARSAY_FULL=1)' : ''
const without = (program: string) => (isHere(program) ? '' : ` (needs ${program})`)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearsay-packaging-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a program says, and its exit code; both of its streams together. */
function said(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): [number | null, string] {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env })
  return [status, `${stdout}${stderr}`]
}

describe('the units for systemd', () => {
  const units = join(packaging, 'systemd')
  const analyze = 'systemd-analyze'

  it.skipIf(!isHere(analyze))(`are understood as a whole${without(analyze)}`, () => {
    const runtime = { ...process.env, XDG_RUNTIME_DIR: folder }
    expect(said(analyze, ['--man=no', 'verify', join(units, 'hearsay.service')], runtime)).toEqual([0, ''])
    const user = join(folder, 'hearsay.service')
    cpSync(join(units, 'hearsay.user.service'), user)
    expect(said(analyze, ['--man=no', '--user', 'verify', user], runtime)).toEqual([0, ''])
  })

  it.skipIf(!isHere(analyze))(`leave the daemon nothing that it does not need${without(analyze)}`, () => {
    const unit = join(units, 'hearsay.service')
    const [exit, text] = said(analyze, ['security', '--offline=true', '--threshold=20', '--no-pager', unit])
    expect([exit, text.split('\n').findLast((line) => line.includes('exposure'))]).toEqual([0, expect.any(String)])
  })

  it('call commands that exist, and let the helper of the daemon notify', () => {
    for (const name of readdirSync(units)) {
      const text = readFileSync(join(units, name), 'utf8')
      expect(text).toMatch(/^ExecStart=\/usr\/bin\/env hearsay daemon\b/m)
      expect(text).toMatch(/^Type=notify\n(?:#.*\n)*NotifyAccess=all$/m)
      expect(text).toMatch(/^WatchdogSec=\d+min$/m)
    }
  })
})

describe('the image', () => {
  const dockerfile = join(packaging, 'docker/Dockerfile')

  it('has a Dockerfile without faults, of which each kind is found', () => {
    expect(dockerfileFaults(dockerfile, root)).toEqual([])
    const bad = join(folder, 'Dockerfile')
    cpSync(`${dockerfile}.dockerignore`, join(folder, 'Dockerfile.dockerignore'))
    writeFileSync(bad, 'FROM node:latest\nCOPY none test \\\n  x\nCOPY --from=nowhere a b\nENTRYPOINT hearsay\n')
    expect(dockerfileFaults(bad, root)).toEqual([
      expect.stringContaining('use a stage'),
      'it runs as root',
      expect.stringContaining('ENTRYPOINT'),
      'no HEALTHCHECK that calls hearsay',
      'node:latest is not pinned to one version',
      'none does not exist',
      '.dockerignore leaves out none',
      '.dockerignore leaves out test',
      'there is no stage nowhere',
    ])
  })

  it.skipIf(whyNotHere !== '')(`is built from what its Dockerfile copies, and from nothing else${whyNotHere}`, () => {
    const stages = stagesOf(readFileSync(dockerfile, 'utf8'))
    const { instructions } = stages.find(({ name }) => name === 'build')!
    const workplace = join(folder, 'build')
    mkdirSync(workplace)
    for (const instruction of instructions) {
      if (instruction.keyword === 'COPY') {
        const { sources, target } = copyOf(instruction)
        for (const source of sources) {
          cpSync(join(root, source), join(workplace, sources.length > 1 ? source : target), { recursive: true })
        }
      } else if (instruction.text.startsWith('npm ci ')) {
        // What npm would install is what is installed here; fetching it needs a network.
        symlinkSync(join(root, 'node_modules'), join(workplace, 'node_modules'))
      } else if (instruction.keyword === 'RUN') {
        execFileSync('sh', ['-c', instruction.text], { cwd: workplace, stdio: 'pipe' })
      }
    }
    const built = join(workplace, 'dist/cli/hearsay.js')
    expect(said(process.execPath, [built, 'version'])).toEqual([0, `${manifest.version}\n`])
    const taken = stages
      .at(-1)!
      .instructions.filter(({ keyword }) => keyword === 'COPY')
      .map(copyOf)
    expect(taken.filter(({ from }) => from === 'build').flatMap(({ sources }) => sources)).toEqual(['/hearsay/dist'])
    expect(stages.at(-1)!.instructions.some(({ text }) => text.includes('/usr/lib/hearsay/dist/cli/hearsay.js'))).toBe(
      true,
    )
  })

  it('runs as three nodes that compose names, with settings that the daemon takes', async () => {
    interface Service {
      readonly image: string
      readonly build: { readonly context: string; readonly dockerfile: string }
      readonly environment: Record<string, string>
      readonly volumes: readonly string[]
    }
    const file = join(packaging, 'docker/compose.yml')
    const compose = parse(readFileSync(file, 'utf8'), { merge: true }) as {
      services: Record<string, Service>
      volumes: Record<string, null>
    }
    const services = Object.entries(compose.services)
    expect(services.map(([name]) => name)).toEqual(Object.keys(compose.volumes))
    expect(services).toHaveLength(3)
    for (const [name, { image, build, environment, volumes }] of services) {
      expect(image).toBe(`hearsay:${manifest.version}`)
      expect(existsSync(join(packaging, 'docker', build.context, build.dockerfile))).toBe(true)
      expect(volumes).toEqual([`${name}:/data`])
      const { settings, warnings } = await loadConfig({ flags: {}, environment, home: folder, hostname: name })
      expect([settings.name, settings.announce, warnings]).toEqual([name, [`/dns4/${name}/tcp/7400`], []])
    }
  })
})

describe('the Debian package', () => {
  const needs = ['dpkg-deb', 'dpkg'].map(without).join('') + whyNotHere
  const isRoot = process.getuid?.() === 0

  it.skipIf(needs !== '')(`installs into an empty root, runs, and leaves the data at a purge${needs}`, () => {
    const output = join(folder, 'deb')
    const builder = join(packaging, 'debian/package.mjs')
    const file = execFileSync(process.execPath, [builder, '--fast', '--output', output], { encoding: 'utf8' }).trim()
    const target = join(folder, 'root')
    const dpkg = emptyRoot(target)
    if (isRoot) dpkg('--install', file)
    else execFileSync('dpkg-deb', ['--extract', file, target])

    const inside = (path: string) => readFileSync(join(target, path), 'utf8')
    expect(readlinkSync(join(target, 'usr/bin/hearsay'))).toBe('../lib/hearsay/dist/cli/hearsay.js')
    expect(inside('etc/hearsay/hearsay.toml')).toBe(readFileSync(join(root, 'docs/hearsay.example.toml'), 'utf8'))
    expect(inside('usr/lib/systemd/system/hearsay.service')).toContain('--config /etc/hearsay/hearsay.toml')
    expect(inside('usr/share/bash-completion/completions/hearsay')).toContain('complete -F _hearsay hearsay')
    const hasManual = existsSync(join(root, 'dist/man/hearsay.1'))
    expect(existsSync(join(target, 'usr/share/man/man1/hearsay.1.gz'))).toBe(hasManual)
    const exercise = fileURLToPath(new URL('packaging/exercise.mjs', import.meta.url))
    const [exit, text] = said(process.execPath, [exercise, join(target, 'usr/bin/hearsay')])
    expect([exit, text]).toEqual([0, expect.stringContaining('ok  the value again')])
    if (!isRoot) return

    expect(inside('etc/passwd')).toMatch(/^hearsay:x:\d+:\d+:[^:]*:\/var\/lib\/hearsay:\/usr\/sbin\/nologin$/m)
    const again = { ...process.env, DPKG_ROOT: target }
    expect(said('sh', [join(packaging, 'debian/postinst'), 'configure', manifest.version], again)).toEqual([0, ''])
    expect(inside('etc/passwd').match(/^hearsay:/gm)).toHaveLength(1)
    mkdirSync(join(target, 'var/lib/hearsay'), { recursive: true })
    writeFileSync(join(target, 'var/lib/hearsay/peer.key'), 'x')
    expect(dpkg('--purge', 'hearsay')).toContain('/var/lib/hearsay is kept')
    const left = ['usr/bin/hearsay', 'etc/hearsay/hearsay.toml', 'var/lib/hearsay/peer.key']
    expect(left.map((path) => existsSync(join(target, path)))).toEqual([false, false, true])
  })

  /**
   * A root with nothing in it but what dpkg and useradd ask for; returns dpkg on it, which runs maintainer scripts
   * without a chroot.
   */
  function emptyRoot(target: string): (...args: string[]) => string {
    for (const path of ['var/lib/dpkg/info', 'var/lib/dpkg/updates', 'etc', 'var/log']) {
      mkdirSync(join(target, path), { recursive: true })
    }
    const files = {
      'var/lib/dpkg/status': '',
      'var/lib/dpkg/available': '',
      'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
      'etc/group': 'root:x:0:\n',
      'etc/shadow': 'root:*:1::::::\n',
      'etc/gshadow': '',
      'etc/login.defs': '',
    }
    for (const [path, text] of Object.entries(files)) writeFileSync(join(target, path), text)
    const force = [
      '--force-script-chrootless',
      '--force-depends',
      '--force-unsafe-io',
      '--log=/dev/null',
      '--no-triggers',
    ]
    return (...args) =>
      execFileSync('dpkg', [`--root=${target}`, ...force, ...args], { encoding: 'utf8', stdio: 'pipe' })
  }
})
