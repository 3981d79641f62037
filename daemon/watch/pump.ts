/** Writes chunks to a connection as it takes them; stops at one that takes nothing for too long. */
import type { Writable } from 'node:stream'
import type { Environment } from '../../store/environment.js'

/**
 * Outcome of a connection: everything was sent, it was too slow, it is gone, or the signal was aborted while it took
 * nothing.
 */
export type PumpEnd = 'done' | 'stalled' | 'gone' | 'stopped'

/** Options of a pump. */
export interface PumpOptions {
  readonly environment: Environment
  /** Time for which the connection may take nothing while something waits for it, in milliseconds. */
  readonly stallMs: number
  readonly signal: AbortSignal
}

/**
 * Writes chunk after chunk, each once the one before was taken: never more than one is kept for the connection. Throws
 * what `chunks` throws.
 */
export async function pump(chunks: AsyncIterable<Buffer>, to: Writable, options: PumpOptions): Promise<PumpEnd> {
  for await (const chunk of chunks) {
    if (to.destroyed) return 'gone'
    if (to.write(chunk)) continue
    const end = await drained(to, options)
    if (end !== undefined) return end
  }
  return to.destroyed ? 'gone' : 'done'
}

function drained(to: Writable, { environment, stallMs, signal }: PumpOptions): Promise<PumpEnd | undefined> {
  return new Promise((resolve) => {
    const end = (how: PumpEnd | undefined) => {
      timer.cancel()
      to.off('drain', onDrain).off('close', onClose)
      signal.removeEventListener('abort', onAbort)
      resolve(how)
    }
    const onDrain = () => end(undefined)
    const onClose = () => end('gone')
    const onAbort = () => end('stopped')
    // After a turn that took long the timer comes first: a connection that can take more says so in this one.
    const timer = environment.setTimer(stallMs, () => void environment.yieldTurn().then(() => end('stalled')))
    to.once('drain', onDrain).once('close', onClose)
    signal.addEventListener('abort', onAbort)
    if (to.destroyed) end('gone')
    else if (signal.aborted) end('stopped')
  })
}
