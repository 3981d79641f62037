/** Runs a command that was typed into `top`, and collects what it prints. */
import { PassThrough, Writable } from 'node:stream'
import type { Io } from '../io.js'
import { topAnswerBytes } from '../limits.js'
import type { CommandAnswer } from './model.js'

/** Runs a call of the command line. */
export type RunCall = (argv: readonly string[], io: Io) => Promise<number>

/** Commands that go on for ever, or need the terminal themselves. */
const refused = new Set(['top', 'daemon', 'watch', 'lab', 'restore', 'edit'])

/**
 * Words of a line as a shell splits them: spaces part, single and double quotes keep together, a backslash takes the
 * next character.
 */
export function wordsOfLine(line: string): string[] {
  const words = line.matchAll(/(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/gs)
  return [...words].map(([word]) =>
    word.replaceAll(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
      (_, single?: string, double?: string, escaped?: string) => {
        return single ?? double?.replaceAll(/\\(["\\])/g, '$1') ?? escaped ?? ''
      },
    ),
  )
}

/**
 * Runs a line. `options`: flags that name the daemon that `top` looks at. The command has no terminal, an empty stdin,
 * and is interrupted by the signal.
 */
export async function runLine(
  line: string,
  options: readonly string[],
  io: Io,
  run: RunCall,
  signal: AbortSignal,
): Promise<CommandAnswer> {
  const [program, ...rest] = wordsOfLine(line)
  const words = program === 'hearsay' ? rest : [program!, ...rest]
  if (words.length === 0 || refused.has(words[0]!) || (words[0] === 'doc' && words[1] === 'edit')) {
    return { command: line, exit: 2, lines: [`'${words[0] ?? ''}' cannot be run in here: leave with q first`] }
  }
  const output = new Collected()
  const exit = await run([...options, ...words], innerIo(io, output, signal))
  return { command: words.join(' '), exit, lines: output.lines() }
}

function innerIo(io: Io, output: Writable, signal: AbortSignal): Io {
  const stdin = new PassThrough()
  stdin.end()
  return {
    stdin,
    stdout: output,
    stderr: output,
    environment: io.environment,
    stdinPiped: false,
    stdinTerminal: false,
    stdoutTerminal: false,
    stderrTerminal: false,
    columns: io.columns,
    nowMs: () => io.nowMs(),
    onInterrupt: (interrupted) => {
      signal.addEventListener('abort', interrupted)
      return () => signal.removeEventListener('abort', interrupted)
    },
  }
}

/** Keeps the first bytes that are written. */
class Collected extends Writable {
  readonly #chunks: Buffer[] = []
  #bytes = 0

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#bytes < topAnswerBytes) this.#chunks.push(Buffer.from(chunk))
    this.#bytes += chunk.length
    done()
  }

  lines(): string[] {
    const text = Buffer.concat(this.#chunks).toString('utf8')
    return text === '' ? [] : text.replace(/\n$/, '').split('\n')
  }
}
