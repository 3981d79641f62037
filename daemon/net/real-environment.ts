/**
 * The real clock, randomness and timers of the daemon: the only place where they are read for the store and the
 * protocols.
 */
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Environment } from '../../store/environment.js'

/** Longest delay that one Node timer takes, about 24.8 days; a longer one takes several, one after the other. */
const timerMaxMs = 2 ** 31 - 1

/** The environment of a real process. Timers do not keep it alive. */
export const realEnvironment: Environment = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
  randomBytes: (count) => new Uint8Array(randomBytes(count)),
  setTimer(delayMs, callback) {
    let timer: NodeJS.Timeout
    const start = (leftMs: number) => {
      const stepMs = Math.min(Math.max(leftMs, 0), timerMaxMs)
      timer = setTimeout(stepMs < leftMs ? () => start(leftMs - stepMs) : callback, stepMs)
      timer.unref()
    }
    start(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
}
