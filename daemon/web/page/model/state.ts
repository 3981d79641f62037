/** Reducer of the page's live state: an event goes in, the next state comes out. */
import { announcements } from './announce.js'
import type { ChangeEvent, LiveEvent, Rates, RecordedSession, Status } from './events.js'
import type { LinkState } from './headline.js'
import { type Hues, huesOf, type Roots, rootsOf } from './hues.js'
import { joinedSessions, withStep } from './sessions.js'

/** Changes of the feed that are kept. */
export const changesMax = 200
/** Seconds of rates that are kept. */
export const ratesMax = 300
/** Warnings that are kept. */
export const warningsMax = 50

/** Changes that were left out of the feed because there were too many. */
export interface Skipped {
  readonly skipped: number
}
/** Everything that the page knows of its daemon as it goes. */
export interface LiveState {
  readonly link: LinkState
  readonly heardMs: number | null
  /** The refusal of a daemon that answers and yet sends no events. */
  readonly why: string | null
  readonly status: Status | null
  readonly roots: Roots
  readonly hues: Hues
  /** The last sentences for the live region. */
  readonly said: string
  readonly sessions: readonly RecordedSession[]
  readonly rates: readonly Rates[]
  /** The latest first. */
  readonly changes: readonly (ChangeEvent | Skipped)[]
  readonly warnings: readonly string[]
}
/** Event or decision that changes the live state. */
export type LiveAction =
  | { readonly kind: 'event'; readonly event: LiveEvent; readonly nowMs: number }
  | { readonly kind: 'sessions'; readonly sessions: readonly RecordedSession[] }
  | { readonly kind: 'link'; readonly link: LinkState; readonly why?: string | null }
  | { readonly kind: 'say'; readonly text: string }

/** The state before anything was heard. */
export const silentState: LiveState = {
  link: 'connecting',
  heardMs: null,
  why: null,
  status: null,
  roots: new Map(),
  hues: new Map(),
  said: '',
  sessions: [],
  rates: [],
  changes: [],
  warnings: [],
}

/** The state after an action. */
export function reduceLive(state: LiveState, action: LiveAction): LiveState {
  if (action.kind === 'sessions') return { ...state, sessions: joinedSessions(state.sessions, action.sessions) }
  if (action.kind === 'link') return { ...state, link: action.link, why: action.why ?? null }
  if (action.kind === 'say') return { ...state, said: action.text }
  return { ...onEvent(state, action.event), link: 'live', heardMs: action.nowMs, why: null }
}

function onEvent(state: LiveState, event: LiveEvent): LiveState {
  switch (event.event) {
    case 'status':
      return onStatus(state, event.data)
    case 'session':
      return { ...state, sessions: withStep(state.sessions, event.data) }
    case 'rates':
      return { ...state, rates: [...state.rates, event.data].slice(-ratesMax) }
    case 'change':
      return { ...state, changes: [event.data, ...state.changes].slice(0, changesMax) }
    case 'changes':
      return { ...state, changes: [{ skipped: event.data.skipped }, ...state.changes].slice(0, changesMax) }
    case 'conflicts':
      return onConflicts(state, event.data.conflicts)
    case 'warning':
      return { ...state, warnings: withWarnings(state.warnings, [event.data.text]) }
    default:
      return state
  }
}

function onStatus(state: LiveState, status: Status): LiveState {
  const roots = rootsOf(status, status.members)
  const said = announcements(state.status, status)
  return {
    ...state,
    status,
    roots,
    hues: huesOf(roots, state.hues, status.peer),
    said: said.length > 0 ? `${said.join('. ')}.` : state.said,
    warnings: status.warnings.slice(0, warningsMax),
  }
}

function onConflicts(state: LiveState, conflicts: number): LiveState {
  if (state.status === null) return state
  const status = { ...state.status, conflicts }
  const said = announcements(state.status, status)
  return { ...state, status, said: said.length > 0 ? `${said.join('. ')}.` : state.said }
}

function withWarnings(present: readonly string[], more: readonly string[]): readonly string[] {
  return [...new Set([...present, ...more])].slice(-warningsMax)
}
