/**
 * Rules for repeating a call whose connection was lost: only where it cannot be done twice, a few times, with growing
 * delays.
 */
import { headerNames } from '../../protocols/api/headers.js'
import { HearsayApiError } from '../failure.js'
import { retryMsFirst, retryMsMax } from '../limits.js'
import type { HttpCall } from './transport.js'

/**
 * True if a call may be sent again: its connection was lost, and either it never reached the daemon, or it is a read,
 * or it carries a key by which the daemon knows it again.
 */
export function mayRepeat(failure: unknown, call: Pick<HttpCall, 'method' | 'headers'>): boolean {
  if (!(failure instanceof HearsayApiError) || failure.code !== 'UNREACHABLE_DAEMON') return false
  const { sent } = failure.details
  if (sent === false) return true
  return sent === true && (call.method === 'GET' || call.headers?.[headerNames.retryKey] !== undefined)
}

/**
 * Delay before an attempt, in milliseconds: doubled each time up to a bound, then moved by up to a quarter, so that
 * clients that lost one daemon do not come back all at once.
 * @param failures failed attempts so far, at least 1
 * @param random a number from 0 up to 1
 */
export function retryDelayMs(failures: number, random: number): number {
  return Math.min(retryMsMax, retryMsFirst * 2 ** (failures - 1)) * (0.75 + random / 2)
}

/** Waits; rejects with the reason of the signal as soon as it is aborted. */
export function pauseUnless(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, durationMs)
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted === true) abort()
  })
}
