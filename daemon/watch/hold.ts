/**
 * What the log holds for readers of the feed: everything after the least position at which any of them stood in the last
 * minutes, so that one that was cut, or lost its daemon for a moment, finds all that it missed.
 */
import type { Environment, Timer } from '../../store/environment.js'
import { heartbeatMs, holdMs } from './limits.js'

/** What the hold works on. */
export interface HoldOptions {
  readonly environment: Environment
  /** Where the readers that are there stand, the least of them; undefined when there is none. */
  readers(): number | undefined
  /** Holds what came after a position from now on; null: nothing. */
  apply(sequence: number | null): void
  /** Remembers it for the next run. */
  save(sequence: number | null): void
}

/** The least position in a part of the window. */
interface Stood {
  readonly sinceMs: number
  readonly untilMs: number
  readonly sequence: number
}

/** A window over the readers' positions. */
export class Hold {
  readonly #options: HoldOptions
  #stood: Stood[] = []
  #held: number | null = null
  #timer: Timer | undefined

  constructor(options: HoldOptions) {
    this.#options = options
  }

  /** Holds again what was held when the run before ended. */
  resume(sequence: number): void {
    this.#held = sequence
    this.#options.apply(sequence)
    this.#stand(sequence)
    this.#schedule()
  }

  /** A reader stands here now. */
  note(sequence: number): void {
    this.#stand(sequence)
    this.#update()
    this.#schedule()
  }

  /** Ends; what is held on the disk stays for the next run. */
  stop(): void {
    this.#timer?.cancel()
  }

  /** Many readers that come and go make no more than one part of the window in the time of a heartbeat. */
  #stand(sequence: number): void {
    const nowMs = this.#options.environment.monotonicMs()
    const last = this.#stood.at(-1)
    if (last === undefined || nowMs - last.sinceMs >= heartbeatMs) {
      this.#stood.push({ sinceMs: nowMs, untilMs: nowMs, sequence })
    } else {
      this.#stood[this.#stood.length - 1] = {
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
    if (sequence !== undefined) this.#stand(sequence)
    const afterMs = environment.monotonicMs() - holdMs
    this.#stood = this.#stood.filter(({ untilMs }) => untilMs > afterMs)
    this.#update()
    if (this.#stood.length > 0) this.#schedule()
  }

  #schedule(): void {
    this.#timer ??= this.#options.environment.setTimer(heartbeatMs, () => this.#tick())
  }

  #update(): void {
    const held = this.#stood.length === 0 ? null : Math.min(...this.#stood.map(({ sequence }) => sequence))
    if (held === this.#held) return
    this.#held = held
    this.#options.apply(held)
    this.#options.save(held)
  }
}
