/** An environment whose time moves only when a test says so; timers fire when time passes them. */
import { createHash } from 'node:crypto'
import type { Environment, Timer } from '../../store/environment.js'

/** Time, timers and randomness in a test's hands. */
export class StillEnvironment implements Environment {
  #nowMs: number
  #monotonicMs = 0
  #draws = 0
  readonly #seed: string
  #timers: { readonly dueMs: number; readonly callback: () => void }[] = []

  constructor(seed = 'seed', nowMs = Date.UTC(2030, 0, 1)) {
    this.#seed = seed
    this.#nowMs = nowMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  random(): number {
    return Buffer.from(this.randomBytes(4)).readUInt32LE() / 2 ** 32
  }

  randomBytes(count: number): Uint8Array {
    const parts: Buffer[] = []
    for (let length = 0; length < count; length += 32) {
      parts.push(
        createHash('sha256')
          .update(`${this.#seed}/${this.#draws++}`)
          .digest(),
      )
    }
    return Buffer.concat(parts).subarray(0, count)
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#monotonicMs + delayMs, callback }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
  }

  /** Number of timers that are set. */
  get timersSet(): number {
    return this.#timers.length
  }

  yieldTurn(): Promise<void> {
    return Promise.resolve()
  }

  /** Sets the wall clock without time passing. */
  setWallClock(nowMs: number): void {
    this.#nowMs = nowMs
  }

  /** Lets time pass; timers that come due fire in order. */
  pass(ms: number): void {
    const untilMs = this.#monotonicMs + ms
    for (;;) {
      const due = this.#timers.filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter((other) => other !== due)
      this.#advance(due.dueMs)
      due.callback()
    }
    this.#advance(untilMs)
  }

  #advance(toMs: number): void {
    this.#nowMs += toMs - this.#monotonicMs
    this.#monotonicMs = toMs
  }
}
