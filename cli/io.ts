/** Surroundings of a command: streams, environment, clock. The real ones, or those of a test. */
import type { Readable, Writable } from 'node:stream'

const columnsDefault = 80

/** The surroundings of one run of the command line. */
export interface Io {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly environment: NodeJS.ProcessEnv
  /** True if data is piped or redirected into the command. */
  readonly stdinPiped: boolean
  /** True if stdin is a terminal, so that a person can answer. */
  readonly stdinTerminal: boolean
  /** True if stdout is a terminal. */
  readonly stdoutTerminal: boolean
  readonly stderrTerminal: boolean
  /** Columns of the terminal. */
  readonly columns: number
  nowMs(): number
  /**
   * Calls back when the user asks to end (Ctrl-C, SIGTERM) instead of ending at once; a second time ends at once.
   * Returns how to stop that.
   */
  onInterrupt(interrupted: () => void): () => void
}

/** The surroundings of this process; streams are opened when first used. */
export function processIo(): Io {
  const guarded = new WeakSet<Writable>()
  const guard = (stream: Writable): Writable => {
    // The writer is notified of a failed write; the event of the stream would end the process before it could say so.
    if (!guarded.has(stream)) stream.on('error', () => {})
    guarded.add(stream)
    return stream
  }
  return {
    get stdin() {
      return process.stdin
    },
    get stdout() {
      return guard(process.stdout)
    },
    get stderr() {
      return guard(process.stderr)
    },
    environment: process.env,
    get stdinPiped() {
      return isPiped(0)
    },
    get stdinTerminal() {
      return isTerminal(0)
    },
    get stdoutTerminal() {
      return isTerminal(1)
    },
    get stderrTerminal() {
      return isTerminal(2)
    },
    get columns() {
      return process.stdout.columns ?? columnsDefault
    },
    nowMs: () => Date.now(),
    onInterrupt,
  }
}

function onInterrupt(interrupted: () => void): () => void {
  const forget = () => void process.off('SIGINT', once).off('SIGTERM', once)
  const once = () => {
    forget()
    interrupted()
  }
  process.on('SIGINT', once).on('SIGTERM', once)
  return forget
}

function isTerminal(descriptor: number): boolean {
  return process.getBuiltinModule('node:tty').isatty(descriptor)
}

/** True for pipes, sockets and files; false for a terminal and /dev/null. */
function isPiped(descriptor: number): boolean {
  try {
    const stats = process.getBuiltinModule('node:fs').fstatSync(descriptor)
    return stats.isFIFO() || stats.isSocket() || stats.isFile()
  } catch {
    return false
  }
}

/** Writes to a stream and waits until it takes more. Rejects with the system's error. */
export function write(stream: Writable, chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}
