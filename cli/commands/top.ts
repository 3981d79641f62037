/** `hearsay top`: the status that lives, on a terminal, until one leaves it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadStream, WriteStream } from 'node:tty'
import type { Action, Invocation } from '../command.js'
import { UsageError } from '../failure.js'
import { topIntervalMs, topIntervalMsMin } from '../limits.js'
import { type RunCall, runLine } from '../top/inner-command.js'
import { afterEvent, initialState, type TopEvent, type TopState } from '../top/model.js'
import { type Look, render } from '../top/render.js'
import { Screen } from '../top/screen.js'
import { PollingSource, type TopSource } from '../top/source.js'

/** Makes the action; `run` runs the commands that are typed into it. */
export function topWith(run: RunCall): Action {
  return async (invocation) => {
    const { io } = invocation
    if (!io.stdinTerminal || !io.stdoutTerminal || io.environment.TERM === 'dumb') {
      throw new UsageError('`top` needs a terminal; scripts read `hearsay status --json` or /metrics')
    }
    const intervalMs = invocation.durationMs('interval') ?? topIntervalMs
    if (intervalMs < topIntervalMsMin) throw new UsageError(`--interval is at least ${topIntervalMsMin}ms`)
    const source = new PollingSource(invocation.client(), () => io.nowMs())
    // A wrong name of a daemon is refused before the screen changes.
    const first = await source.next()
    await new Live(invocation, source, intervalMs, run).show({ kind: 'sample', sample: first })
  }
}

/** A screen that lives: asks, draws, takes keys. */
class Live {
  readonly #invocation: Invocation
  readonly #source: TopSource
  readonly #intervalMs: number
  readonly #run: RunCall
  readonly #look: Look
  readonly #ending = new AbortController()
  #screen!: Screen
  #state!: TopState

  constructor(invocation: Invocation, source: TopSource, intervalMs: number, run: RunCall) {
    const { green, yellow, red, gray, bold } = invocation.output.colors
    this.#look = { good: green, warn: yellow, bad: red, faint: gray, strong: bold }
    this.#invocation = invocation
    this.#source = source
    this.#intervalMs = intervalMs
    this.#run = run
  }

  /** Shows what happens until one leaves; gives the terminal back whatever happens. */
  async show(first: TopEvent): Promise<void> {
    const { io } = this.#invocation
    const forget = io.onInterrupt(() => this.#ending.abort())
    this.#screen = new Screen(io.stdin as ReadStream, io.stdout as WriteStream, {
      key: (key) => this.#happened({ kind: 'key', key }),
      interrupted: () => this.#ending.abort(),
      resized: (columns, rows) => this.#happened({ kind: 'size', columns, rows }),
    })
    try {
      this.#state = initialState(...this.#screen.size)
      this.#happened(first)
      while (await this.#pause()) {
        const event = await this.#unlessEnded(this.#ask())
        if (event !== undefined) this.#happened(event)
      }
    } finally {
      this.#screen.close()
      forget()
    }
  }

  async #ask(): Promise<TopEvent> {
    try {
      return { kind: 'sample', sample: await this.#source.next() }
    } catch (error) {
      return { kind: 'failed', message: (error as Error).message, atMs: this.#invocation.io.nowMs() }
    }
  }

  #happened(event: TopEvent): void {
    const { state, effect } = afterEvent(this.#state, event)
    this.#state = state
    if (effect?.kind === 'quit') this.#ending.abort()
    if (effect?.kind === 'run') void this.#answer(effect.command)
    this.#screen.draw(render(state, this.#look, this.#invocation.io.nowMs()))
  }

  async #answer(command: string): Promise<void> {
    const { io } = this.#invocation
    const answer = await runLine(command, this.#place(), io, this.#run, this.#ending.signal)
    this.#happened({ kind: 'answer', answer })
  }

  /** Flags that name the daemon of this call, for others. */
  #place(): string[] {
    return ['api', 'data', 'token'].flatMap((name) => {
      const value = this.#invocation.text(name)
      return value === undefined ? [] : [`--${name}`, value]
    })
  }

  /** Resolves with true when it is time to ask again; with false, at once, when one leaves. */
  async #pause(): Promise<boolean> {
    const timer = new AbortController()
    const waited = sleep(this.#intervalMs, true, { signal: timer.signal }).catch(() => false)
    const isTime = await this.#unlessEnded(waited)
    timer.abort()
    return isTime === true
  }

  /** The same result, or undefined as soon as one leaves. */
  #unlessEnded<T>(work: Promise<T>): Promise<T | undefined> {
    const { signal } = this.#ending
    if (signal.aborted) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const ended = () => resolve(undefined)
      signal.addEventListener('abort', ended, { once: true })
      void work.then(resolve).finally(() => signal.removeEventListener('abort', ended))
    })
  }
}
