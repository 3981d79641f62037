/** The change feed as a client reads it: one sequence of events over as many connections as it takes. */
import { HearsayApiError } from '../failure.js'
import { watchRetryMsFirst, watchRetryMsMax } from '../limits.js'
import type { WatchEvent, WatchOptions } from './options.js'
import { sseBlocks } from './sse.js'

/** Opens the stream behind a cursor; from now on when it is undefined. */
export type OpenStream = (since: string | undefined) => AsyncIterable<Buffer>

/**
 * All events from a cursor on. A connection that breaks is made again at the last cursor, with back-off, for ever; but
 * what the first one meets, and whatever the daemon refuses (CURSOR_GONE), is thrown. Ends when the signal is aborted.
 */
export async function* watchEvents(open: OpenStream, options: WatchOptions): AsyncGenerator<WatchEvent> {
  const { signal, onCursor, onInitialEnd, onRetry } = options
  const isOver = () => signal?.aborted === true
  let cursor = options.since
  let failures = 0
  let isComplete = false
  for (let stood = false; !isOver(); ) {
    let failure: unknown
    try {
      for await (const { name, id, data } of sseBlocks(open(cursor))) {
        if (isOver()) return
        stood = true
        failures = 0
        cursor = id ?? cursor
        if (name === 'initial-end' && !isComplete) {
          isComplete = true
          onInitialEnd?.(cursor ?? '')
        }
        if (data !== undefined && name === undefined)
          yield { ...(JSON.parse(data) as Omit<WatchEvent, 'cursor'>), cursor: cursor ?? '' }
        if (id !== undefined) onCursor?.(id)
      }
    } catch (error) {
      failure = error
    }
    if (isOver()) return
    if (failure !== undefined && !(stood && isPassing(failure))) throw failure
    const retryMs = Math.min(watchRetryMsMax, watchRetryMsFirst * 2 ** failures++) * (0.75 + Math.random() / 2)
    onRetry?.(failure, retryMs)
    await pause(retryMs, signal)
  }
}

/** The first cursor of an open feed: its position at the moment. The feed is left behind. */
export async function firstCursor(feed: AsyncIterable<Buffer>): Promise<string> {
  for await (const { id } of sseBlocks(feed)) if (id !== undefined) return id
  throw new HearsayApiError('UNREACHABLE_DAEMON', 0, 'the change feed ended before it began: try again', { sent: true })
}

/**
 * True if a failure may be over at the next attempt: no daemon, a cut, silence, or a daemon that cannot serve just now.
 */
function isPassing(error: unknown): boolean {
  if (!(error instanceof HearsayApiError)) return false
  return error.status >= 500 || (error.status === 0 && ['UNREACHABLE_DAEMON', 'TIMED_OUT'].includes(error.code))
}

function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, durationMs)
    signal?.addEventListener('abort', end)
    if (signal?.aborted === true) end()
  })
}
