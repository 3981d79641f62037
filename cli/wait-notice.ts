/**
 * A line on stderr, where a person looks, that says that a command is waiting and for how long; erased by whatever is
 * printed.
 */
import type { Io } from './io.js'

const noticeMs = 1_000

/** Shows after a second, and each second from then on, until it is stopped. */
export class WaitNotice {
  readonly #io: Io
  readonly #text: string | (() => string)
  readonly #startMs: number
  #timer: NodeJS.Timeout | undefined
  #isShown = false

  /** `text`: what is going on, for example `syncing`, or how far it is. */
  constructor(io: Io, text: string | (() => string)) {
    this.#io = io
    this.#text = text
    this.#startMs = io.nowMs()
    if (!io.stderrTerminal || io.environment.TERM === 'dumb') return
    this.#timer = setInterval(() => this.#show(), noticeMs)
    this.#timer.unref()
  }

  /** Erases the line; it does not come back. */
  stop(): void {
    clearInterval(this.#timer)
    if (this.#isShown) this.#io.stderr.write('\r\u001b[K')
    this.#isShown = false
  }

  #show(): void {
    this.#isShown = true
    const seconds = Math.round((this.#io.nowMs() - this.#startMs) / 1_000)
    const text = typeof this.#text === 'string' ? this.#text : this.#text()
    this.#io.stderr.write(`\r${text} … ${seconds} s\u001b[K`)
  }
}
