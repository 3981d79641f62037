/**
 * Real daemons as processes, for end-to-end tests: started, killed, restarted, asked through the real command line and
 * client.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, connect } from '../../cli/client.js'

/** The built command line. */
export const program = fileURLToPath(new URL('../../dist/cli/hearsay.js', import.meta.url))
/** How long a condition may take on a busy machine before a test gives up, in milliseconds. */
const patienceMs = 90_000
/**
 * Milliseconds from one look at a condition to the next: few at first, then more, since each look costs the daemons
 * CPU.
 */
const pollMs = { first: 20, growth: 1.2, max: 150 }
/** How much of a daemon's stderr is shown when a test fails. */
const lastWordsCharacters = 4_000

/** The ready line of a daemon. */
export interface ReadyAnswer {
  readonly msg: 'ready'
  readonly node: string
  readonly peer: string
  readonly addresses: string[]
  readonly api: string[]
  readonly resp: string | null
  readonly dashboard: string
}

/** How a daemon's process is made, where that differs from the usual. */
export interface Launch {
  /** A command that becomes the daemon: `['prlimit', '--nofile=64']`. */
  readonly prefix?: readonly string[]
  /** Variables on top of the environment. */
  readonly env?: NodeJS.ProcessEnv
  /** Another build's command line. */
  readonly program?: string
  /** Flags instead of a free port of the loopback interface without mDNS. */
  readonly network?: readonly string[]
}

/** What a process gave. */
export interface ProgramRun {
  readonly exit: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs the command line in a process of its own. */
export async function runProgram(
  args: readonly string[],
  options: { stdin?: string | Uint8Array; env?: NodeJS.ProcessEnv } = {},
): Promise<ProgramRun> {
  const child = spawn(process.execPath, [program, ...args], { env: { ...cleanEnvironment(), ...options.env } })
  const stdout: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  child.stdin.on('error', () => {})
  child.stdin.end(options.stdin ?? '')
  const [exit] = (await once(child, 'close')) as [number | null]
  return { exit, stdout: Buffer.concat(stdout), stderr }
}

/** Waits until a condition holds; fails with the last thing seen. */
export async function until<T>(
  what: string,
  look: () => Promise<T>,
  holds: (seen: T) => boolean,
  timeoutMs = patienceMs,
  firstPauseMs = pollMs.first,
): Promise<T> {
  let pauseMs = firstPauseMs
  const endMs = performance.now() + timeoutMs
  for (;;) {
    let seen: T | undefined
    let failure: unknown
    try {
      seen = await look()
      if (holds(seen)) return seen
    } catch (error) {
      failure = error
    }
    if (performance.now() > endMs) {
      throw new Error(
        `waited in vain for: ${what}; last seen: ${JSON.stringify(seen)?.slice(0, 2000) ?? String(failure)}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    pauseMs = Math.max(pauseMs, Math.min(pauseMs * pollMs.growth, pollMs.max))
  }
}

/** One daemon with its data directory. It can be stopped and started again on the same directory. */
export class Daemon {
  readonly data: string
  readonly name: string
  readonly client: Client
  ready!: ReadyAnswer
  /** Everything the daemon wrote to stderr, over all of its runs. */
  stderr = ''
  /** May be replaced between runs. */
  launch: Launch
  readonly #flags: readonly string[]
  #process: ChildProcess | undefined

  constructor(data: string, name: string, flags: readonly string[], launch: Launch = {}) {
    this.launch = launch
    this.data = data
    this.name = name
    this.#flags = flags
    this.client = connect({ data, keepAlive: false, retries: 0, environment: {} })
  }

  /** Starts the process and waits for its ready line. Rejects with what it wrote when it ends before. */
  async start(extra: readonly string[] = []): Promise<void> {
    const { prefix = [], env = {}, network = ['--listen', '/ip4/127.0.0.1/tcp/0', '--mdns=false'] } = this.launch
    const flags = ['--data', this.data, '--name', this.name, ...network, '--log-format', 'json']
    const daemon = [process.execPath, this.launch.program ?? program, 'daemon', ...flags, ...this.#flags, ...extra]
    const [command, ...args] = [...prefix, ...daemon]
    const child = spawn(command!, args, {
      env: { ...cleanEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    child.stderr!.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString()
    })
    this.ready = await readyLine(child, () => this.stderr)
  }

  /** Ends the process in order; returns its exit code. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  /** Kills the process where it stands. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** The id of the process; undefined when none runs. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** True if the process runs. */
  get isRunning(): boolean {
    const child = this.#process
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  /** Runs the command line against this daemon. */
  cli(args: readonly string[], stdin?: string | Uint8Array): Promise<ProgramRun> {
    const [command, ...rest] = args
    return runProgram([command!, '--data', this.data, ...rest], stdin === undefined ? {} : { stdin })
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const closed = once(child, 'close')
    child.kill(signal)
    const [exit] = (await closed) as [number | null]
    return exit
  }
}

async function readyLine(child: ChildProcess, stderr: () => string): Promise<ReadyAnswer> {
  let text = ''
  return new Promise((resolve, reject) => {
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      for (const line of text.split('\n').slice(0, -1)) {
        if (line.includes('"ready"')) resolve(JSON.parse(line) as ReadyAnswer)
      }
    })
    child.once('error', reject)
    child.once('close', (exit) =>
      reject(new Error(`the daemon ended with ${exit} before it was ready:\n${stderr()}\n${text}`)),
    )
  })
}

/** The daemons of one test; everything is stopped and removed at its end. */
export class Fleet {
  readonly #folder: string
  readonly #daemons: Daemon[] = []

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** An empty fleet in a folder of its own. */
  static async create(): Promise<Fleet> {
    return new Fleet(await mkdtemp(join(tmpdir(), 'hearsay-e2e-')))
  }

  /** The folder that holds the data directories. */
  get folder(): string {
    return this.#folder
  }

  /** Starts one daemon. */
  async add(name: string, flags: readonly string[] = [], launch: Launch = {}): Promise<Daemon> {
    const daemon = this.prepare(name, flags, launch)
    await daemon.start()
    return daemon
  }

  /**
   * A daemon that is not started yet, and is stopped with the others. `data`: its directory, in the fleet's folder by
   * default.
   */
  prepare(name: string, flags: readonly string[] = [], launch: Launch = {}, data = join(this.#folder, name)): Daemon {
    const daemon = new Daemon(data, name, flags, launch)
    this.#daemons.push(daemon)
    return daemon
  }

  /** Starts daemons that are one mesh, and waits until each sees all others. */
  async mesh(names: readonly string[], flags: readonly string[] = []): Promise<Daemon[]> {
    const daemons = await Promise.all(names.map((name) => this.add(name, flags)))
    const { token } = await daemons[0]!.client.invite()
    for (const daemon of daemons.slice(1)) await daemon.client.join(token)
    for (const daemon of daemons) await connectedTo(daemon, names.length - 1)
    return daemons
  }

  /** The last lines that each daemon wrote to stderr, for a test that failed. */
  lastWords(): string {
    return this.#daemons.map(({ name, stderr }) => `--- ${name}\n${stderr.slice(-lastWordsCharacters)}`).join('\n')
  }

  /** Stops everything and removes the folder. */
  async end(): Promise<void> {
    await Promise.all(this.#daemons.map((daemon) => daemon.kill()))
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Waits until a daemon is connected to so many members. */
export async function connectedTo(daemon: Daemon, count: number): Promise<void> {
  await until(
    `${daemon.name} connected to ${count}`,
    () => daemon.client.status(),
    (status) => status.members.filter((member) => member.connected).length === count && status.members.length >= count,
  )
}

/** Waits until every daemon shows every other as converged, and all have the same root. */
export async function allEqual(daemons: readonly Daemon[]): Promise<void> {
  await until(
    'all daemons equal',
    () => Promise.all(daemons.map((daemon) => daemon.client.status())),
    (all) =>
      new Set(all.map((status) => status.root)).size === 1 &&
      all.every(
        (status) => status.members.length === daemons.length - 1 && status.members.every((member) => member.converged),
      ),
  )
}

/** The environment without what would lead the command line to another daemon. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HEARSAY_')))
}
