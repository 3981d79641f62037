/** A store that views read by a hook: it tells them of changes once in a frame, however many there were. */
import { useEffect, useState } from 'preact/hooks'

/** State with the actions that change it. */
export interface Store<State, Action> {
  get(): State
  dispatch(action: Action): void
  /** Calls back after changes; returns what ends it. */
  listen(changed: () => void): () => void
}

/** A store with its first state. */
export function storeOf<State, Action>(
  first: State,
  reduce: (state: State, action: Action) => State,
): Store<State, Action> {
  let state = first
  let isTold = true
  const listeners = new Set<() => void>()
  const tell = () => {
    isTold = true
    for (const listener of listeners) listener()
  }
  return {
    get: () => state,
    dispatch(action) {
      state = reduce(state, action)
      if (isTold) requestAnimationFrame(tell)
      isTold = false
    },
    listen(changed) {
      listeners.add(changed)
      return () => listeners.delete(changed)
    },
  }
}

/** The present state of a store; the view is made again when it changes. */
export function useStore<State>(store: Store<State, never>): State {
  const [state, setState] = useState(store.get())
  useEffect(() => {
    setState(() => store.get())
    return store.listen(() => setState(() => store.get()))
  }, [store])
  return state
}

const clockStore = storeOf<number, number>(Date.now(), (_, nowMs) => nowMs)
setInterval(() => clockStore.dispatch(Date.now()), 1000)

/** The time in milliseconds since 1970; the view is made again every second. */
export function useNow(): number {
  return useStore(clockStore)
}
