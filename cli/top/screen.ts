/** The terminal of `top`: its other screen, raw keys, its size; left as it was. */
import { emitKeypressEvents } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import type { Key } from './model.js'

const csi = '\u001b['
const enter = `${csi}?1049h${csi}?25l${csi}2J`
const leave = `${csi}?25h${csi}?1049l`

/** Listeners of a screen. */
export interface ScreenListener {
  key(key: Key): void
  /** Ctrl-C, which raw mode does not turn into a signal. */
  interrupted(): void
  resized(columns: number, rows: number): void
}

/** A key of the terminal as `top` knows it; undefined for others. */
export function pressedKey(text: string | undefined, name: string | undefined, isControl: boolean): Key | undefined {
  const named = {
    return: 'enter',
    enter: 'enter',
    escape: 'escape',
    backspace: 'backspace',
    up: 'up',
    down: 'down',
  } as const
  if (name !== undefined && Object.hasOwn(named, name)) return { name: named[name as keyof typeof named] }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is left out
  if (text === undefined || isControl || /[\u0000-\u001f\u007f]/.test(text)) return undefined
  return { text }
}

/** Draws frames, and tells of keys and sizes, from its making until `close`. */
export class Screen {
  readonly #stdin: ReadStream
  readonly #stdout: WriteStream
  readonly #listener: ScreenListener
  #lines: readonly string[] = []
  #isOpen = true

  constructor(stdin: ReadStream, stdout: WriteStream, listener: ScreenListener) {
    this.#stdin = stdin
    this.#stdout = stdout
    this.#listener = listener
    emitKeypressEvents(stdin)
    stdin.setRawMode(true)
    stdin.on('keypress', this.#pressed).resume()
    stdout.on('resize', this.#resized)
    // Also when a defect ends the process: a shell in raw mode on the wrong screen is of no use.
    process.once('exit', this.#ended)
    stdout.write(enter)
  }

  /** Size of the terminal: columns and rows. */
  get size(): readonly [columns: number, rows: number] {
    return [this.#stdout.columns || 80, this.#stdout.rows || 24]
  }

  /** Shows lines; only those that changed are written. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return
    const changed = lines.flatMap((line, at) =>
      line === this.#lines[at] ? [] : [`${csi}${at + 1};1H${line}${csi}0m${csi}K`],
    )
    this.#lines = lines
    if (changed.length > 0) this.#stdout.write(changed.join(''))
  }

  /** Gives the terminal back as it was. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    process.off('exit', this.#ended)
    this.#stdin.off('keypress', this.#pressed)
    this.#stdout.off('resize', this.#resized)
    this.#stdin.setRawMode(false)
    this.#stdin.pause()
    this.#stdout.write(leave)
  }

  readonly #pressed = (text: string | undefined, { name, ctrl }: { name?: string; ctrl?: boolean }) => {
    if (ctrl === true && name === 'c') return this.#listener.interrupted()
    const key = pressedKey(text, name, ctrl === true)
    if (key !== undefined) this.#listener.key(key)
  }

  readonly #ended = () => this.close()

  readonly #resized = () => {
    // What the terminal has made of the old lines is not known.
    this.#lines = []
    this.#stdout.write(`${csi}2J`)
    this.#listener.resized(...this.size)
  }
}
