/** `hearsay wait`: for scripts; returns when members are connected and equal. */

import { timeoutMsMax, waitTimeoutMsDefault } from '../../protocols/api/limits.js'
import type { Action } from '../command.js'
import { HearsayApiError } from '../failure.js'
import { waitNoticeMs } from '../limits.js'
import { printable } from '../output.js'

/**
 * Waits, and says after a moment for whom; HearsayApiError TIMED_OUT (exit code 7) when it does not come true in time.
 */
export const wait: Action = async (invocation) => {
  const peers = invocation.count('peers', 0)
  const timeoutMs = invocation.durationMs('timeout') ?? waitTimeoutMsDefault
  const converged = invocation.flag('converged')
  const client = invocation.client()
  const condition = { ...(peers !== undefined && { peers }), converged }
  // What is too long for a request is refused at once, by the daemon.
  const firstMs = timeoutMs > timeoutMsMax ? timeoutMs : Math.min(timeoutMs, waitNoticeMs)
  try {
    await client.wait({ ...condition, timeoutMs: firstMs })
  } catch (error) {
    if (!(error instanceof HearsayApiError) || error.code !== 'TIMED_OUT' || firstMs === timeoutMs) throw error
    const { waitingFor } = error.details
    if (typeof waitingFor === 'string') await invocation.output.note(`still waiting: ${printable(waitingFor)}`)
    await client.wait({ ...condition, timeoutMs: timeoutMs - firstMs })
  }
  if (invocation.json) return invocation.output.json({ ok: true })
  await invocation.output.line(converged ? 'converged' : 'connected')
}
