/** Output of the command line: values byte for byte, lines for people, JSON for machines, errors. */
import pico from 'picocolors'
import { fileFailure } from './file-failure.js'
import { type Io, write } from './io.js'
import { gatheredCharactersMax, gatheredLinesMax, shownValueCharactersMax } from './limits.js'
import type { WaitNotice } from './wait-notice.js'

/**
 * Writes for one run of a command. The outcome of a command does not depend on who reads it: once the reader of stdout
 * has gone away the rest of the output is dropped, and what stderr does not take is lost, while the command goes on to
 * its exit code.
 */
export class Output {
  readonly #io: Io
  readonly #isJson: boolean
  #isRead = true
  /** Line that says what is being waited for; whatever is printed takes its place. */
  notice: WaitNotice | undefined

  /** `isJson`: errors are JSON too. */
  constructor(io: Io, isJson = false) {
    this.#io = io
    this.#isJson = isJson
  }

  /** Colours for stdout: none unless a person looks and NO_COLOR is not set. */
  get colors(): ReturnType<typeof pico.createColors> {
    return pico.createColors(this.#wantsColors() && this.#io.stdoutTerminal)
  }

  get #errorColors(): ReturnType<typeof pico.createColors> {
    return pico.createColors(this.#wantsColors() && this.#io.stderrTerminal)
  }

  /** Columns to fit into: those of the terminal; without one there is no end, for programs read the lines. */
  get columns(): number {
    return this.#io.stdoutTerminal ? this.#io.columns : Number.POSITIVE_INFINITY
  }

  /** False once the reader of stdout has gone away. */
  get isRead(): boolean {
    return this.#isRead
  }

  /** The same items, until the reader of stdout has gone away: for output without end, or large. */
  async *whileRead<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of items) {
      yield item
      if (!this.#isRead) return
    }
  }

  /** Writes bytes or text as they are; resolves when they are taken. Throws FILE_FAILED when they cannot be written. */
  async bytes(bytes: Uint8Array | string): Promise<void> {
    this.notice?.stop()
    if (!this.#isRead) return
    try {
      await write(this.#io.stdout, bytes)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw fileFailure('write', 'stdout', error)
      this.#isRead = false
    }
  }

  /** Writes one line. Throws FILE_FAILED. */
  line(text: string): Promise<void> {
    return this.bytes(`${text}\n`)
  }

  /** Writes one JSON value on one line. */
  json(value: unknown): Promise<void> {
    return this.line(JSON.stringify(value))
  }

  /** Prints a warning on stderr that does not change the outcome. */
  warn(text: string): Promise<void> {
    return this.#toStderr(`${this.#errorColors.yellow('warning')} ${text}\n`)
  }

  /** Prints a plain remark on stderr. */
  note(text: string): Promise<void> {
    return this.#toStderr(`${text}\n`)
  }

  async #toStderr(text: string): Promise<void> {
    this.notice?.stop()
    // There is nobody left to tell that stderr takes nothing.
    await write(this.#io.stderr, text).catch(() => {})
  }

  #wantsColors(): boolean {
    return !this.#io.environment.NO_COLOR && this.#io.environment.TERM !== 'dumb'
  }

  /**
   * Prints an error: one line, and below it what to do next; as JSON one object, with the details that the daemon
   * added.
   */
  error(
    code: string,
    message: string,
    next: string | undefined,
    details: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    if (this.#isJson) return this.#toStderr(`${JSON.stringify({ ...details, code, message, next })}\n`)
    const { red, bold } = this.#errorColors
    const first = `${red('error')} ${bold(code)}: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`
    return this.#toStderr(next === undefined ? first : `${first}  next: ${next}\n`)
  }
}

/** Gathers the lines of long lists: a write for each of them would take longer than to make it. */
export class LineBuffer {
  readonly #output: Output
  #lines: string[] = []
  #characters = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** Adds a line; writes those gathered when they are many. Throws FILE_FAILED. */
  async add(text: string): Promise<void> {
    this.#lines.push(text)
    this.#characters += text.length
    if (this.#lines.length >= gatheredLinesMax || this.#characters >= gatheredCharactersMax) await this.flush()
  }

  /** Writes what is left; to be called at the end, also after a failure. Throws FILE_FAILED. */
  async flush(): Promise<void> {
    if (this.#lines.length === 0) return
    const text = `${this.#lines.join('\n')}\n`
    this.#lines = []
    this.#characters = 0
    await this.#output.bytes(text)
  }
}

/** Makes foreign text safe for a terminal: control characters are shown, not obeyed. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) =>
    character === '\n' ? '\\n' : `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  )
}

/** Quotes text as one word of a shell command, for commands that are shown to be typed. */
export function shellWord(text: string): string {
  const shown = printable(text)
  return /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`
}

/** Shortens a value to one line, for tables. */
export function shortValue(value: string, encoding: string): string {
  const text = encoding === 'base64' ? `base64:${value}` : printable(value)
  const characters = [...text]
  if (characters.length <= shownValueCharactersMax) return text
  return `${characters.slice(0, shownValueCharactersMax - 1).join('')}…`
}

/** Formats an amount: `1 key`, `2 keys`. */
export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount.toLocaleString('en-US')} ${amount === 1 ? one : many}`
}
