/** Runs the command line inside the test's process, with streams in memory. */
import { PassThrough, Readable, Writable } from 'node:stream'
import type { Io } from '../../cli/io.js'
import { main } from '../../cli/main.js'

/** Outcome of a run. */
export interface CliRun {
  readonly exit: number
  readonly stdout: Buffer
  readonly stderr: string
  /** stdout as text. */
  readonly text: string
}

/** Options of a run. */
export interface Setting {
  readonly stdin?: string | Uint8Array
  readonly environment?: NodeJS.ProcessEnv
  readonly terminal?: boolean
  /** True if stdout alone goes elsewhere. */
  readonly stdoutPiped?: boolean
  readonly nowMs?: number
  /** 80 when absent. */
  readonly columns?: number
  /** The system's code with which every write to stdout fails. */
  readonly stdoutFails?: string
  /** Ends a command that goes on until it is interrupted. */
  readonly interrupt?: AbortSignal
}

/** Runs a call and collects what it prints. */
export async function runCli(argv: readonly string[], setting: Setting = {}): Promise<CliRun> {
  const stdout = new Collector(setting.stdoutFails)
  stdout.on('error', () => {})
  const stderr = new Collector()
  const io: Io = {
    stdin: setting.stdin === undefined ? new PassThrough() : Readable.from([Buffer.from(setting.stdin)]),
    stdout,
    stderr,
    environment: setting.environment ?? {},
    stdinPiped: setting.stdin !== undefined,
    stdinTerminal: setting.terminal === true,
    stdoutTerminal: setting.terminal === true && setting.stdoutPiped !== true,
    stderrTerminal: setting.terminal === true,
    columns: setting.columns ?? 80,
    nowMs: () => setting.nowMs ?? 0,
    onInterrupt: (interrupted) => {
      setting.interrupt?.addEventListener('abort', interrupted)
      return () => setting.interrupt?.removeEventListener('abort', interrupted)
    },
  }
  const exit = await main(argv, io)
  return { exit, stdout: stdout.bytes(), stderr: stderr.bytes().toString(), text: stdout.bytes().toString() }
}

class Collector extends Writable {
  readonly #chunks: Buffer[] = []
  readonly #fails: string | undefined

  constructor(fails?: string) {
    super()
    this.#fails = fails
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#chunks.push(Buffer.from(chunk))
    if (this.#fails === undefined) done()
    else done(Object.assign(new Error(this.#fails), { code: this.#fails }))
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}
