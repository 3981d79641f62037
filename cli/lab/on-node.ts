/** Runs commands of the command line on a node of a lab, in this process. */
import { PassThrough, Writable } from 'node:stream'
import { HearsayApiError } from '../failure.js'
import type { Io } from '../io.js'
import { outputBytesMax } from './limits.js'
import { environmentOf } from './plan.js'
import type { Ran } from './runner.js'

/** Runs a command with the streams of `io`; resolves with its exit code. `data`: the node's directory. */
export async function runOnNode(data: string, words: readonly string[], io: Io): Promise<number> {
  const { main } = await import('../main.js')
  const environment = { value: { ...environmentOf(io.environment), HEARSAY_DATA: data } }
  // The streams of the process are opened when they are first used.
  return main(words, Object.create(io, { environment }) as Io)
}

/** Runs a command and keeps what it prints. Throws TOO_LARGE when that is too much. */
export async function captureOnNode(data: string, words: readonly string[], io: Io): Promise<Ran> {
  const [stdout, stderr] = [new Kept(), new Kept()]
  const quiet = { stdin: new PassThrough().end(), stdout, stderr }
  const states = { stdinPiped: false, stdinTerminal: false, stdoutTerminal: false, stderrTerminal: false }
  const values = Object.entries({ ...quiet, ...states }).map(([name, value]) => [name, { value }])
  const exit = await runOnNode(data, words, Object.create(io, Object.fromEntries(values)) as Io)
  return { exit, stdout: stdout.text(), stderr: stderr.text() }
}

/** Keeps what is written to it. */
class Kept extends Writable {
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor() {
    super()
    // Whoever writes is told of a failed write.
    this.on('error', () => {})
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#bytes += chunk.length
    if (this.#bytes <= outputBytesMax) this.#chunks.push(Buffer.from(chunk))
    const isOver = this.#bytes > outputBytesMax
    done(isOver ? new HearsayApiError('TOO_LARGE', 0, `a command printed over ${outputBytesMax} bytes`) : undefined)
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString()
  }
}
