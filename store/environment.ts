/** Time, randomness and timers, passed in: the daemon gives real ones, the simulator virtual ones. */

/** A timer that can be cancelled. */
export interface Timer {
  cancel(): void
}

/** Everything ambient that the store and the protocols may use. */
export interface Environment {
  /** The wall clock, in milliseconds since 1970; may jump. */
  nowMs(): number
  /** A clock that never goes back, in milliseconds; its origin means nothing. */
  monotonicMs(): number
  /** A number from 0 (included) to 1 (excluded). */
  random(): number
  /** Unpredictable bytes. */
  randomBytes(count: number): Uint8Array
  /** Calls back once after so many milliseconds. The timer does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer
  /** Resolves in a later turn, so that long work lets others in. */
  yieldTurn(): Promise<void>
}
