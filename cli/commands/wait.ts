/** `hearsay wait`: for scripts; returns when members are connected and equal. */
import type { Action } from '../command.js'

/** Waits; HearsayApiError TIMED_OUT (exit code 7) when it does not come true in time. */
export const wait: Action = async (invocation) => {
  const peers = invocation.count('peers', 0)
  const timeoutMs = invocation.durationMs('timeout')
  const converged = invocation.flag('converged')
  await invocation.client().wait({
    ...(peers !== undefined && { peers }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    converged,
  })
  if (invocation.json) return invocation.output.json({ ok: true })
  await invocation.output.line(converged ? 'converged' : 'connected')
}
