/** The live connection: reads the stream of events for as long as the page is open, and connects again by itself. */
import type { LiveEvent, RecordedSession } from '../model/events.js'
import { EventParser, reconnectMs } from '../model/sse.js'
import { type LiveAction, type LiveState, reduceLive, silentState } from '../model/state.js'
import { ApiFailure, call, jsonOf } from './api.js'
import { type Store, storeOf, useStore } from './store.js'

/** Silence after which the connection is taken for broken: comments come every 15 seconds. */
const silenceMsMax = 40_000
const live: Store<LiveState, LiveAction> = storeOf(silentState, reduceLive)
let attempts = 0
let stopped: AbortController | undefined

/** The live state; the view is made again when it changes. */
export function useLive(): LiveState {
  return useStore(live)
}

/** Says a sentence in the live region. */
export function announce(text: string): void {
  live.dispatch({ kind: 'say', text })
}

/** Opens the connection, in place of an earlier one. */
export function startLive(): void {
  stopped?.abort()
  stopped = new AbortController()
  attempts = 0
  live.dispatch({ kind: 'link', link: 'connecting' })
  void follow(stopped.signal)
}

/** Closes the connection and asks for a sign-in. */
export function stopLive(): void {
  stopped?.abort()
  live.dispatch({ kind: 'link', link: 'refused' })
}

async function follow(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let why: string | null = null
    try {
      await readEvents(signal)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiFailure && (error.status === 401 || error.status === 403)) return stopLive()
      if (error instanceof ApiFailure && error.status > 0) why = error.message
    }
    // One broken connection is nothing yet: a daemon that restarts is back at the next attempt.
    if (attempts > 0 || why !== null) live.dispatch({ kind: 'link', link: 'away', why })
    await new Promise((wake) => setTimeout(wake, reconnectMs(attempts++)))
  }
}

async function readEvents(signal: AbortSignal): Promise<void> {
  const silent = new AbortController()
  const answer = await call('/v1/events', {
    headers: { Accept: 'text/event-stream' },
    signal: AbortSignal.any([signal, silent.signal]),
  })
  void loadSessions()
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  const parser = new EventParser()
  for (;;) {
    const watchdog = setTimeout(() => silent.abort(), silenceMsMax)
    const { done, value } = await reader.read().finally(() => clearTimeout(watchdog))
    if (done) return
    for (const { name, data } of parser.take(value)) take(name, data)
  }
}

function take(name: string, data: string): void {
  attempts = 0
  const event = { event: name, data: JSON.parse(data) } as LiveEvent
  live.dispatch({ kind: 'event', event, nowMs: Date.now() })
}

async function loadSessions(): Promise<void> {
  try {
    const { sessions } = await jsonOf<{ sessions: RecordedSession[] }>('/v1/sessions')
    live.dispatch({ kind: 'sessions', sessions })
  } catch {
    // The replay is empty then; sessions from now on come as events.
  }
}
