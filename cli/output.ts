/** What the command line prints: values byte for byte, lines for people, JSON for machines, errors. */
import pico from 'picocolors'
import { type Io, write } from './io.js'
import { shownValueCharactersMax } from './limits.js'

/** Writes for one run of a command. */
export class Output {
  readonly #io: Io
  readonly #isJson: boolean

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

  /** Writes bytes as they are; resolves when they are taken. */
  bytes(bytes: Uint8Array): Promise<void> {
    return write(this.#io.stdout, bytes)
  }

  /** Writes one line. */
  line(text: string): Promise<void> {
    return write(this.#io.stdout, `${text}\n`)
  }

  /** Writes one JSON value on one line. */
  json(value: unknown): Promise<void> {
    return this.line(JSON.stringify(value))
  }

  /** A remark on stderr that does not change the outcome. */
  warn(text: string): Promise<void> {
    return write(this.#io.stderr, `${this.#errorColors.yellow('warning')} ${text}\n`)
  }

  /** A remark on stderr, plain. */
  note(text: string): Promise<void> {
    return write(this.#io.stderr, `${text}\n`)
  }

  #wantsColors(): boolean {
    return !this.#io.environment.NO_COLOR && this.#io.environment.TERM !== 'dumb'
  }

  /** An error: one line, and below it what to do next; as JSON one object, with what else the daemon said of it. */
  error(
    code: string,
    message: string,
    next: string | undefined,
    details: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    if (this.#isJson) return write(this.#io.stderr, `${JSON.stringify({ ...details, code, message, next })}\n`)
    const { red, bold } = this.#errorColors
    const first = `${red('error')} ${bold(code)}: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`
    return write(this.#io.stderr, next === undefined ? first : `${first}  next: ${next}\n`)
  }
}

/** Text from elsewhere made safe for a terminal: control characters are shown, not obeyed. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) =>
    character === '\n' ? '\\n' : `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  )
}

/** A value on one short line, for tables. */
export function shortValue(value: string, encoding: string): string {
  const text = encoding === 'base64' ? `base64:${value}` : printable(value)
  const characters = [...text]
  if (characters.length <= shownValueCharactersMax) return text
  return `${characters.slice(0, shownValueCharactersMax - 1).join('')}…`
}

/** `1 key`, `2 keys`. */
export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount.toLocaleString('en-US')} ${amount === 1 ? one : many}`
}
