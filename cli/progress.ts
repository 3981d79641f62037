/** A progress bar on stderr, drawn only where a person looks. */
import { formatBytes } from './duration.js'
import type { Io } from './io.js'
import { progressIntervalMs } from './limits.js'

const barCharacters = 24

/** Shows how far something is. */
export class Progress {
  readonly #io: Io
  readonly #bytesTotal: number | undefined
  readonly #unit: string
  readonly #startMs: number
  #shownMs = Number.NEGATIVE_INFINITY

  /**
   * @param bytesTotal undefined when the end is not known: the bar is left out then
   * @param unit what is counted beside the bytes
   */
  constructor(io: Io, bytesTotal: number | undefined, unit = 'lines') {
    this.#io = io
    this.#bytesTotal = bytesTotal
    this.#unit = unit
    this.#startMs = io.nowMs()
  }

  /** Draws the state, at most every `progressIntervalMs`. `done`: how many, or what is being done. */
  show(bytes: number, done: number | string): void {
    const nowMs = this.#io.nowMs()
    if (!this.#io.stderrTerminal || this.#io.environment.TERM === 'dumb' || nowMs - this.#shownMs < progressIntervalMs)
      return
    this.#shownMs = nowMs
    const seconds = Math.max(0.001, (nowMs - this.#startMs) / 1_000)
    const rate = `${formatBytes(Math.round(bytes / seconds))}/s`
    const text = typeof done === 'string' ? done : `${done.toLocaleString('en-US')} ${this.#unit}`
    this.#draw(`${this.#bar(bytes)}${text}  ${formatBytes(bytes)}  ${rate}`)
  }

  /** Erases the bar. */
  end(): void {
    if (this.#shownMs !== Number.NEGATIVE_INFINITY) this.#draw('')
  }

  #bar(bytes: number): string {
    if (!this.#bytesTotal) return ''
    const share = Math.min(1, bytes / this.#bytesTotal)
    const filled = Math.round(share * barCharacters)
    const percent = `${Math.floor(share * 100)}`.padStart(3)
    return `[${'#'.repeat(filled)}${'-'.repeat(barCharacters - filled)}] ${percent} %  `
  }

  #draw(text: string): void {
    this.#io.stderr.write(`\r${text.slice(0, Math.max(1, this.#io.columns - 1))}\u001b[K`)
  }
}
