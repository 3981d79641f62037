/** The real clock, randomness and timers of the daemon: the only place where they are read for the store and the protocols. */
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Environment } from '../../store/environment.js'

/** Longest delay that a Node timer takes; beyond it fires at once. */
const timerMaxMs = 2 ** 31 - 1

/** The environment of a real process. Timers do not keep it alive. */
export const realEnvironment: Environment = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
  randomBytes: (count) => new Uint8Array(randomBytes(count)),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), timerMaxMs))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
}
