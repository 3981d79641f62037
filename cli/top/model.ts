/** The state of `top`, and what each event makes of it. Pure: the screen and the daemon are elsewhere. */
import { formatBytes } from '../duration.js'
import { topAnswerLines, topHistoryMax, topSessionsMax } from '../limits.js'
import { count } from '../output.js'
import type { Rates, TopFigures, TopSample } from './sample.js'
import { ratesBetween } from './sample.js'

/** A key that was pressed: text that was typed, or a key with a name. */
export type Key =
  | { readonly text: string }
  | { readonly name: 'enter' | 'escape' | 'backspace' | 'up' | 'down' | 'end' }

/** Something that happened. */
export type TopEvent =
  | { readonly kind: 'sample'; readonly sample: TopSample }
  | { readonly kind: 'failed'; readonly message: string; readonly atMs: number }
  | { readonly kind: 'key'; readonly key: Key }
  | { readonly kind: 'size'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'answer'; readonly answer: CommandAnswer }

/** Outcome of a command: its exit code and its output, line by line. */
export interface CommandAnswer {
  readonly command: string
  readonly exit: number
  readonly lines: readonly string[]
}

/** Text that is being typed: a filter, or a command. */
export interface Typing {
  readonly kind: 'filter' | 'command'
  readonly text: string
  /** Place in the history, counted from its end; 0: what is typed is new. */
  readonly back: number
}

/** A line on sessions that ended. */
export interface SessionLine {
  readonly atMs: number
  readonly text: string
}

/** Everything that the screen shows. */
export interface TopState {
  readonly columns: number
  readonly rows: number
  readonly sample: TopSample | undefined
  readonly rates: Rates | undefined
  readonly sessions: readonly SessionLine[]
  /** Reason why the latest question was not answered; undefined: it was. */
  readonly failure: { readonly message: string; readonly atMs: number } | undefined
  readonly filter: string
  readonly entry: Typing | undefined
  readonly answer: CommandAnswer | undefined
  /** True while a command runs. */
  readonly isBusy: boolean
  readonly history: readonly string[]
  /** Rows that the list of members, or an answer, is scrolled by. */
  readonly scroll: number
}

/** Act beyond showing the state. */
export type Effect = { readonly kind: 'quit' } | { readonly kind: 'run'; readonly command: string }

/** State of a screen of some size before anything is known. */
export function initialState(columns: number, rows: number): TopState {
  const nothing = { sample: undefined, rates: undefined, failure: undefined, entry: undefined, answer: undefined }
  return { columns, rows, ...nothing, sessions: [], filter: '', isBusy: false, history: [], scroll: 0 }
}

/** The state after an event, and what is to be done about it. */
export function afterEvent(state: TopState, event: TopEvent): { readonly state: TopState; readonly effect?: Effect } {
  switch (event.kind) {
    case 'sample':
      return { state: withSample(state, event.sample) }
    case 'failed':
      return { state: { ...state, failure: { message: event.message, atMs: event.atMs } } }
    case 'size':
      return { state: { ...state, columns: event.columns, rows: event.rows } }
    case 'answer': {
      const { lines } = event.answer
      const answer = { ...event.answer, lines: lines.slice(0, topAnswerLines) }
      return { state: { ...state, isBusy: false, answer, scroll: 0 } }
    }
    case 'key':
      return state.entry === undefined ? afterKey(state, event.key) : afterTyped(state, state.entry, event.key)
  }
}

function withSample(state: TopState, sample: TopSample): TopState {
  const before = state.sample
  const text = before === undefined ? undefined : sessionsText(before.figures, sample.figures)
  const ended = text === undefined ? [] : [{ atMs: sample.atMs, text }]
  const rates = before === undefined ? undefined : ratesBetween(before, sample)
  const sessions = [...ended, ...state.sessions].slice(0, topSessionsMax)
  return { ...state, sample, rates, sessions, failure: undefined }
}

/** Text on the sessions that ended between two looks; undefined when none did. */
function sessionsText(before: TopFigures, after: TopFigures): string | undefined {
  const more = (name: keyof TopFigures) => after[name] - before[name]
  const ended = more('completed') + more('cut')
  if (ended <= 0) return undefined
  const cut = more('cut') > 0 ? `, ${more('cut')} cut` : ''
  const bytes = formatBytes(more('bytesSent') + more('bytesReceived'))
  const entries = `${more('entriesSent').toLocaleString('en-US')} out, ${count(more('entriesReceived'), 'entry', 'entries')} in`
  return `${count(ended, 'session')}${cut}: ${entries}, ${bytes}`
}

/** A key while nothing is being typed. */
function afterKey(state: TopState, key: Key): { readonly state: TopState; readonly effect?: Effect } {
  const action = 'text' in key ? key.text : key.name
  switch (action) {
    case 'q':
      return { state, effect: { kind: 'quit' } }
    case '/':
      return { state: { ...state, entry: { kind: 'filter', text: state.filter, back: 0 } } }
    case ':':
      return { state: state.isBusy ? state : { ...state, entry: { kind: 'command', text: '', back: 0 } } }
    case 'escape':
      return {
        state: { ...state, ...(state.answer === undefined ? { filter: '' } : { answer: undefined }), scroll: 0 },
      }
    case 'down':
    case 'j':
      return { state: { ...state, scroll: state.scroll + 1 } }
    case 'up':
    case 'k':
      return { state: { ...state, scroll: Math.max(0, state.scroll - 1) } }
    default:
      return { state }
  }
}

/** A key while a filter or a command is being typed; a filter holds as it is typed. */
function afterTyped(state: TopState, entry: Typing, key: Key): { readonly state: TopState; readonly effect?: Effect } {
  const typing = (text: string, back = 0): { readonly state: TopState } => {
    const filter = entry.kind === 'filter' ? { filter: text, scroll: 0 } : {}
    return { state: { ...state, ...filter, entry: { ...entry, text, back } } }
  }
  if ('text' in key) return typing(entry.text + key.text)
  switch (key.name) {
    case 'backspace':
      return entry.text === ''
        ? { state: { ...state, entry: undefined } }
        : typing([...entry.text].slice(0, -1).join(''))
    case 'escape':
      return { state: { ...state, entry: undefined, ...(entry.kind === 'filter' && { filter: '' }) } }
    case 'up':
    case 'down': {
      if (entry.kind === 'filter') return { state }
      const back = Math.min(state.history.length, Math.max(0, entry.back + (key.name === 'up' ? 1 : -1)))
      return typing(back === 0 ? '' : state.history.at(-back)!, back)
    }
    case 'enter':
      return entry.kind === 'filter' ? { state: { ...state, entry: undefined } } : entered(state, entry.text.trim())
    default:
      return { state }
  }
}

/** A command was entered. */
function entered(state: TopState, command: string): { readonly state: TopState; readonly effect?: Effect } {
  const closed = { ...state, entry: undefined }
  if (command === '') return { state: closed }
  if (command === 'q' || command === 'quit') return { state: closed, effect: { kind: 'quit' } }
  const history = [...state.history.filter((other) => other !== command), command].slice(-topHistoryMax)
  return { state: { ...closed, history, isBusy: true }, effect: { kind: 'run', command } }
}
