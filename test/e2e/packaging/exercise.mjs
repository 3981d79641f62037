/**
 * Runs an installed hearsay through what needs its files: `node test/e2e/packaging/exercise.mjs PROGRAM`. Nothing but
 * the program, Node and /bin/sh is on the PATH; a step that fails ends it with exit code 1.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const startMsMax = 60_000
const callMsMax = 60_000

/**
 * Exercises one program in a folder that is made for it and removed at the end. Throws at the first step that fails.
 */
export async function exercise(program) {
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-installed-'))
  try {
    await new Exercise(resolve(program), folder).run()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Environment in which an installed program is called: a PATH without a compiler, and a home without anything. */
export function bareEnvironment(folder) {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  symlinkSync(process.execPath, join(bin, 'node'))
  symlinkSync('/bin/sh', join(bin, 'sh'))
  return { PATH: bin, HOME: folder }
}

class Exercise {
  constructor(program, folder) {
    this.program = program
    this.folder = folder
    this.environment = bareEnvironment(folder)
    this.data = join(folder, 'data')
  }

  async run() {
    this.says('version', ['version'], /^\d+\.\d+\.\d+/)
    const daemon = await this.start(this.data)
    try {
      this.says('a value', ['put', 'greeting', 'hello'], /stored greeting/)
      this.says('the value', ['get', 'greeting'], /^hello$/)
      // Documents are worked on in a thread of its own, with WebAssembly.
      this.says('a document', ['doc', 'put', 'cart', '{"tea":1}'], /cart/)
      this.says('a patch', ['doc', 'patch', 'cart', '{"milk":2}'], /cart/)
      this.says('the document', ['doc', 'get', 'cart'], /"milk": ?2/)
      this.says('a counter', ['counter', 'incr', 'visits'], /1/)
      this.says('a backup', ['backup', join(this.folder, 'x.backup')], /saved/)
    } finally {
      await this.stop(daemon)
    }
    this.says('a backup that is whole', ['backup', 'verify', join(this.folder, 'x.backup')], /3 entries/)
    this.data = join(this.folder, 'restored')
    // Restoring runs modules that are not in the bundle of the daemon.
    this.says('a restore', ['restore', join(this.folder, 'x.backup')], /restored 3 entries/)
    const restored = await this.start(this.data)
    try {
      this.says('the value again', ['get', 'greeting'], /^hello$/)
    } finally {
      await this.stop(restored)
    }
  }

  says(what, args, pattern) {
    const options = { env: this.environment, cwd: this.folder, encoding: 'utf8', timeout: callMsMax }
    const flags = args[0] === 'version' || args[1] === 'verify' ? [] : ['--data', this.data]
    const { status, stdout, stderr, error } = spawnSync(this.program, [...args, ...flags], options)
    if (error === undefined && status === 0 && pattern.test(stdout)) return void console.log(`ok  ${what}`)
    throw new Error(`${what}: exit ${status}, ${error?.message ?? ''}\n${stdout}${stderr}`)
  }

  async start(data) {
    const args = ['daemon', '--data', data, '--listen', '/ip4/127.0.0.1/tcp/0', '--mdns=false', '--log-format', 'json']
    const stdio = ['ignore', 'pipe', 'inherit']
    const daemon = spawn(this.program, args, { env: this.environment, cwd: this.folder, stdio })
    const overdue = setTimeout(() => daemon.kill('SIGKILL'), startMsMax)
    const [line] = await Promise.race([
      once(createInterface({ input: daemon.stdout }), 'line'),
      once(daemon, 'exit').then(([code]) => {
        throw new Error(`the daemon ended with ${code} before it was ready`)
      }),
    ])
    clearTimeout(overdue)
    if (JSON.parse(line).msg !== 'ready') throw new Error(`not a ready line: ${line}`)
    console.log('ok  a daemon that is ready')
    return daemon
  }

  async stop(daemon) {
    const ended = once(daemon, 'exit')
    daemon.kill('SIGTERM')
    const [code] = await ended
    if (code !== 0) throw new Error(`the daemon ended with ${code}`)
    console.log('ok  a daemon that stops')
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await exercise(process.argv[2])
  } catch (error) {
    console.error(`failed: ${error.message}`)
    process.exitCode = 1
  }
}
