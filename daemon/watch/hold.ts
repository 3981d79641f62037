/**
 * Keeps the log from trimming what readers of the feed may still need: everything after the smallest position that any
 * of them had in the last minutes, so that one that was cut, or lost its daemon for a moment, finds all that it missed.
 */
import { watchHeartbeatMs } from '../../protocols/api/limits.js'
import type { Environment, Timer } from '../../store/environment.js'
import { holdMs } from './limits.js'

/** Dependencies of the hold. */
export interface HoldOptions {
  readonly environment: Environment
  /** Returns the smallest position of the connected readers; undefined when there is none. */
  readers(): number | undefined
  /** Keeps what came after a position from now on; null: nothing. */
  apply(sequence: number | null): void
  /** Saves the position for the next run. */
  save(sequence: number | null): void
}

/** The smallest position in a part of the window. */
interface WindowPart {
  readonly sinceMs: number
  readonly untilMs: number
  readonly sequence: number
}

/** A window over the readers' positions. */
export class Hold {
  readonly #options: HoldOptions
  #window: WindowPart[] = []
  #held: number | null = null
  #timer: Timer | undefined

  constructor(options: HoldOptions) {
    this.#options = options
  }

  /** Goes on with the position that was held when the run before ended. */
  resume(sequence: number): void {
    this.#held = sequence
    this.#options.apply(sequence)
    this.#addPosition(sequence)
    this.#schedule()
  }

  /** Notes the position of a reader. */
  note(sequence: number): void {
    this.#addPosition(sequence)
    this.#update()
    this.#schedule()
  }

  /** Stops; the position that is saved stays for the next run. */
  stop(): void {
    this.#timer?.cancel()
  }

  /** Adds a position; many readers that come and go add no more than one part of the window per heartbeat. */
  #addPosition(sequence: number): void {
    const nowMs = this.#options.environment.monotonicMs()
    const last = this.#window.at(-1)
    if (last === undefined || nowMs - last.sinceMs >= watchHeartbeatMs) {
      this.#window.push({ sinceMs: nowMs, untilMs: nowMs, sequence })
    } else {
      this.#window[this.#window.length - 1] = {
        sinceMs: last.sinceMs,
        untilMs: nowMs,
        sequence: Math.min(last.sequence, sequence),
      }
    }
  }

  #tick(): void {
    this.#timer = undefined
    const { environment, readers } = this.#options
    const sequence = readers()
    if (sequence !== undefined) this.#addPosition(sequence)
    const afterMs = environment.monotonicMs() - holdMs
    this.#window = this.#window.filter(({ untilMs }) => untilMs > afterMs)
    this.#update()
    if (this.#window.length > 0) this.#schedule()
  }

  #schedule(): void {
    this.#timer ??= this.#options.environment.setTimer(watchHeartbeatMs, () => this.#tick())
  }

  #update(): void {
    const held = this.#window.length === 0 ? null : Math.min(...this.#window.map(({ sequence }) => sequence))
    if (held === this.#held) return
    this.#held = held
    this.#options.apply(held)
    this.#options.save(held)
  }
}
