/** Sessions of anti-entropy as a film: kept step by step, and what is to be seen of one at any moment. */
import type {
  ActorGap,
  ContextsStep,
  EndStep,
  EntriesStep,
  LevelStep,
  RecordedSession,
  SessionEvent,
} from './events.js'
import { bytesText, counted, lengthText } from './format.js'

/** Sessions that are kept. */
export const sessionsMax = 20
/** Steps that are kept of one session: further ones take the place of the last. */
export const stepsMax = 400

/** View of a session at a moment. */
export interface Scene {
  readonly phase: 'start' | 'contexts' | 'tree' | 'entries' | 'end'
  readonly contexts: ContextsStep | null
  readonly levels: readonly LevelStep[]
  readonly entries: EntriesStep | null
  readonly end: EndStep | null
}

/** Adds a step to the sessions, the latest session first. */
export function withStep(sessions: readonly RecordedSession[], event: SessionEvent): readonly RecordedSession[] {
  const { step, ...head } = event
  const known = sessions.find(({ id }) => id === event.id)
  const steps = [...(known?.steps ?? []).slice(0, stepsMax - 1), step]
  const others = sessions.filter((session) => session !== known)
  return [{ ...head, steps }, ...others].slice(0, sessionsMax)
}

/** Two lists of sessions as one, the latest first; of a session in both the one with more steps stays. */
export function joinedSessions(
  one: readonly RecordedSession[],
  other: readonly RecordedSession[],
): readonly RecordedSession[] {
  const found = new Map<string, RecordedSession>()
  for (const session of [...one, ...other]) {
    const present = found.get(session.id)
    if (present === undefined || present.steps.length < session.steps.length) found.set(session.id, session)
  }
  return [...found.values()].toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, sessionsMax)
}

/** The scene of a session so many milliseconds after its start. */
export function sceneAt({ steps }: RecordedSession, ms: number): Scene {
  const past = steps.filter((step) => step.ms <= ms)
  const contexts = past.findLast((step) => step.step === 'contexts') ?? null
  const levels = past.filter((step) => step.step === 'level')
  const entries = past.findLast((step) => step.step === 'entries') ?? null
  const end = past.findLast((step) => step.step === 'end') ?? null
  const last = past.at(-1)?.step ?? 'start'
  return { phase: last === 'level' ? 'tree' : last, contexts, levels, entries, end }
}

/** The end of a session; null while it runs. */
export function endOf({ steps }: RecordedSession): EndStep | null {
  return steps.findLast((step) => step.step === 'end') ?? null
}

/** Milliseconds from the start of a session to its last step. */
export function lastMs({ steps }: RecordedSession): number {
  return steps.at(-1)?.ms ?? 0
}

/** Sessions that are under way. */
export function running(sessions: readonly RecordedSession[]): readonly RecordedSession[] {
  return sessions.filter((session) => endOf(session) === null)
}

/** The latest session that moved something; null if none did. */
export function lastHeal(sessions: readonly RecordedSession[]): RecordedSession | null {
  return sessions.find((session) => movedBy(session) > 0) ?? null
}

/** Entries that a session has moved, in both directions. */
export function movedBy(session: RecordedSession): number {
  const { entries, end } = sceneAt(session, Number.POSITIVE_INFINITY)
  if (end !== null) return end.entriesSent + end.entriesReceived
  return entries === null ? 0 : entries.sent + entries.received
}

/** A session in a line: what it took, and how it ended. */
export function summaryOf(session: RecordedSession): string {
  const { contexts, levels, end } = sceneAt(session, Number.POSITIVE_INFINITY)
  const parts = [
    ...(contexts === null ? [] : [`contexts ${bytesText(contexts.bytes)}`]),
    ...(levels.length === 0 ? [] : [`${counted(levels.length, 'level')} of the tree`]),
    ...(movedBy(session) === 0 ? [] : [counted(movedBy(session), 'entry', 'entries')]),
    end === null ? 'under way' : outcome(end),
  ]
  return parts.join(' → ')
}

function outcome({ equal, ended, ms }: EndStep): string {
  return `${equal ? 'equal' : ended} (${lengthText(ms)})`
}

/** The times at which something changes, for going through a session step by step. */
export function stopsOf({ steps }: RecordedSession): readonly number[] {
  return [...new Set(steps.map(({ ms }) => ms))]
}

/**
 * The moment of a session at a part of its replay, from 0 to 1: each stop takes as long as any other, however soon they
 * followed.
 */
export function msAt(session: RecordedSession, progress: number): number {
  const stops = stopsOf(session)
  const at = Math.min(Math.max(0, progress), 1) * (stops.length - 1)
  const from = stops[Math.floor(at)] ?? 0
  return from + ((stops[Math.ceil(at)] ?? from) - from) * (at - Math.floor(at))
}

/** Updates that a side lacks: those of the named actors and of all others. */
export function missingIn(gaps: readonly ActorGap[], rest = 0): number {
  return gaps.reduce((sum, { missing }) => sum + missing, rest)
}

/** A bar of a context: how large a gap is against the largest. */
export interface GapBar {
  readonly label: string
  readonly missing: number
  readonly part: number
}

/** The largest gaps as bars; what is left of them, and of actors that are not named, is the last one. */
export function barParts(gaps: readonly ActorGap[], rest: number, most: number): readonly GapBar[] {
  const sorted = gaps.filter(({ missing }) => missing > 0).toSorted((a, b) => b.missing - a.missing)
  const shown = sorted.length + Math.min(rest, 1) > most ? sorted.slice(0, most - 1) : sorted
  const left = missingIn(sorted.slice(shown.length), rest)
  const bars = shown.map(({ actor, missing }) => ({ label: actor.slice(0, 8), missing }))
  if (left > 0) bars.push({ label: 'others', missing: left })
  const largest = Math.max(1, ...bars.map(({ missing }) => missing))
  return bars.map((bar) => ({ ...bar, part: bar.missing / largest }))
}

/** Children of a node of the tree. */
const fanOut = 16

/** The compared nodes of a level as rows of sixteen, the differing ones true. */
export function cellRows({ children, rows }: LevelStep): readonly (readonly boolean[])[] {
  if (children.length > 0) return [children]
  return rows.map((bits) => Array.from({ length: fanOut }, (_, at) => ((bits >> at) & 1) === 1))
}

/** Moment of a session in words, for those who do not see it. */
export function sceneText({ phase, contexts, levels, entries, end }: Scene): string {
  if (phase === 'start') return 'The session starts.'
  if (phase === 'contexts') {
    const here = counted(missingIn(contexts!.mine, contexts!.mineRest), 'update')
    return `Contexts are swapped: ${here} missing here, ${counted(missingIn(contexts!.theirs, contexts!.theirsRest), 'update')} missing there.`
  }
  if (phase === 'tree') {
    const { level, compared, differing } = levels.at(-1)!
    return `Level ${level} of the tree: ${counted(compared, 'node')} compared, ${differing} differ.`
  }
  if (phase === 'entries') return `${counted(entries!.sent, 'entry', 'entries')} sent, ${entries!.received} received.`
  return end!.equal ? `Both are equal after ${lengthText(end!.ms)}.` : `The session ended: ${end!.ended}.`
}
