/** Hooks for what is asked of the daemon: a thing that is loaded, and an action that runs. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiFailure, failureSentence } from './api.js'
import { stopLive } from './live.js'

/** Something that is loaded: nothing yet, the thing, or why not. A thing stays while it is loaded again. */
export interface Loadable<T> {
  readonly value: T | null
  readonly failure: ApiFailure | Error | null
  /** Loads it again. */
  again(): void
}

/** Loads something, and again when one of `inputs` changes. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Loadable<T> {
  const [state, setState] = useState<{ value: T | null; failure: Error | null }>({ value: null, failure: null })
  const [round, setRound] = useState(0)
  useEffect(() => {
    const gone = new AbortController()
    load(gone.signal).then(
      (value) => gone.signal.aborted || setState({ value, failure: null }),
      (error: Error) => gone.signal.aborted || refused(error) || setState({ value: null, failure: error }),
    )
    return () => gone.abort()
  }, [...inputs, round])
  return { ...state, again: useCallback(() => setRound((count) => count + 1), []) }
}

/** An action that runs once at a time; its failure is kept until the next run. */
export interface ActionState {
  readonly isRunning: boolean
  readonly failure: string | null
  run(act: () => Promise<void>): void
  clear(): void
}

/** A state for one action. */
export function useAction(): ActionState {
  const [state, setState] = useState({ isRunning: false, failure: null as string | null })
  const busy = useRef(false)
  const run = useCallback((act: () => Promise<void>) => {
    if (busy.current) return
    busy.current = true
    setState({ isRunning: true, failure: null })
    act()
      .then(
        () => setState({ isRunning: false, failure: null }),
        (error: Error) => refused(error) || setState({ isRunning: false, failure: failureSentence(error) }),
      )
      .finally(() => {
        busy.current = false
      })
  }, [])
  return { ...state, run, clear: useCallback(() => setState({ isRunning: false, failure: null }), []) }
}

function refused(error: Error): boolean {
  const isRefused = error instanceof ApiFailure && error.status === 401
  if (isRefused) stopLive()
  return isRefused
}
