/**
 * Progress of a session, for people who watch it: read from the actions that the session asks for and the answers that
 * it gets, so that the session itself knows nothing of being watched.
 */
import type { Context } from '../../../store/model/context.js'
import type { Actor } from '../../../store/model/dot.js'
import { saltedDigestBytes } from '../../../store/model/roots.js'
import { progressActorsMax, progressEntriesMs, progressRowsMax } from '../limits.js'
import type { Message } from '../messages.js'
import type { SessionAction, SessionAnswer } from './actions.js'
import type { Conversation, SessionMode } from './conversation.js'
import { missingHere, missingThere } from './delta.js'
import type { Role } from './session.js'

/** Reason for which a session was opened; `peer`: the other side opened it. */
export type SessionReason = 'connect' | 'gap' | 'interval' | 'mismatch' | 'asked' | 'retry' | 'peer'

/** Circumstances under which a session began. */
export interface SessionStart {
  readonly role: Role
  readonly why: SessionReason
  /** The initiator's wish: end when all differences are young. */
  readonly youngOk: boolean
}

/** Bytes of one session so far, of frames as they travel. */
export interface SessionBytes {
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** Updates of one actor that a side lacks. */
export interface MissingOfActor {
  readonly actor: Actor
  readonly missing: number
}

/** Dots that one side lacks: of the actors of whom it lacks most, and of all others together. */
export interface MissingDots {
  readonly actors: readonly MissingOfActor[]
  readonly rest: number
}

/** Totals of a session that has ended. */
export interface SessionEnd extends SessionBytes {
  readonly mode: SessionMode
  readonly roundTrips: number
  readonly entriesSent: number
  readonly entriesReceived: number
  readonly ended: string
  /** True if both were proven equal. */
  readonly equal: boolean
}

/** One step of a session. */
export type ProgressStep =
  | { readonly step: 'start'; readonly role: Role; readonly why: SessionReason; readonly mode: 'whole' | 'young' }
  /** Each side knows the contexts of the other; `bytes` is what they took on the wire. */
  | { readonly step: 'contexts'; readonly bytes: number; readonly mine: MissingDots; readonly theirs: MissingDots }
  /** One level of the tree was compared. */
  | {
      readonly step: 'level'
      /** Depth of the compared nodes; 0: all entries were listed at once. */
      readonly level: number
      /** Nodes, and entries that were listed one by one. */
      readonly compared: number
      readonly differing: number
      /** Of level 1: which of the sixteen subtrees differ; empty for other levels. */
      readonly children: readonly boolean[]
      /** Of deeper levels: of the first parents that differ a mask each, with a bit for each child that does. */
      readonly rows: readonly number[]
    }
  /** Updates and entries that went over so far. */
  | ({ readonly step: 'entries'; readonly sent: number; readonly received: number } & SessionBytes)
  | ({ readonly step: 'end' } & SessionEnd)

/** Reads the steps of one session. */
export class SessionProgress {
  readonly #talk: Conversation
  readonly #start: SessionStart
  readonly #levels = new Levels()
  #hasStarted = false
  #hasMet = false
  #moved = 0
  #toldAtMs = Number.NEGATIVE_INFINITY

  constructor(talk: Conversation, start: SessionStart) {
    this.#talk = talk
    this.#start = start
  }

  /** Steps that an action with its answer shows; `nowMs` is on any clock that does not go back. */
  observe(action: SessionAction, answer: SessionAnswer, bytes: SessionBytes, nowMs: number): ProgressStep[] {
    const message = messageOf(action, answer)
    const steps = [...this.#opened(message), ...this.#met(bytes)]
    if (message !== undefined) steps.push(...this.#levels.take(message))
    return [...steps, ...this.#counted(bytes, nowMs, progressEntriesMs)]
  }

  /** Steps of the end; none if the peer never opened what it had begun. */
  end(end: SessionEnd): ProgressStep[] {
    if (!this.#hasStarted) return []
    return [...this.#counted(end, Number.POSITIVE_INFINITY, 0), { step: 'end', ...end }]
  }

  *#opened(message: Message | undefined): Generator<ProgressStep> {
    if (this.#hasStarted || message?.type !== 'open') return
    this.#hasStarted = true
    const { role, why } = this.#start
    yield { step: 'start', role, why, mode: message.young ? 'young' : 'whole' }
  }

  *#met({ bytesSent, bytesReceived }: SessionBytes): Generator<ProgressStep> {
    if (this.#hasMet || !this.#talk.haveMet) return
    this.#hasMet = true
    const [mine, theirs] = [missingHere(this.#talk), missingThere(this.#talk)].map(missingDots)
    yield { step: 'contexts', bytes: bytesSent + bytesReceived, mine: mine!, theirs: theirs! }
  }

  *#counted({ bytesSent, bytesReceived }: SessionBytes, nowMs: number, pauseMs: number): Generator<ProgressStep> {
    const { updatesSent, updatesReceived, entriesSent, entriesReceived } = this.#talk
    const sent = updatesSent + entriesSent
    const received = updatesReceived + entriesReceived
    if (sent + received === this.#moved || nowMs - this.#toldAtMs < pauseMs) return
    this.#moved = sent + received
    this.#toldAtMs = nowMs
    yield { step: 'entries', sent, received, bytesSent, bytesReceived }
  }
}

function messageOf(action: SessionAction, answer: SessionAnswer): Message | undefined {
  if (action.type === 'send') return action.message
  return answer.type === 'message' ? answer.message : undefined
}

/** Dots by actor, the most first. */
function missingDots(dots: Context): MissingDots {
  const all = dots.actors().map((actor) => ({ actor, missing: dots.sizeOf(actor) }))
  all.sort((a, b) => b.missing - a.missing || (a.actor < b.actor ? -1 : 1))
  const rest = all.slice(progressActorsMax).reduce((sum, { missing }) => sum + missing, 0)
  return { actors: all.slice(0, progressActorsMax), rest }
}

/** Depth of the first digests that are compared: the first nodes are sixteen blocks of sixteen. */
const firstLevel = 2

/**
 * Reads the levels of a descent from its messages, whoever sent them: each turn answers the digests of the turn before.
 */
class Levels {
  #level = firstLevel
  /** Entries listed in this turn, and in the one before. */
  #listing = 0
  #listed = 0
  #answers: number[] = []
  #wants = 0

  take(message: Message): ProgressStep[] {
    if (message.type === 'wants') this.#wants += message.positions.length
    if (message.type === 'tree') {
      for (const answer of message.answers) this.#answers.push(answer)
      for (const { kind, digests } of message.nodes)
        if (kind === 'listing') this.#listing += digests.length / saltedDigestBytes
    }
    return message.type === 'end' ? this.#endTurn() : []
  }

  #endTurn(): ProgressStep[] {
    const [answers, listed] = [this.#answers, this.#listed]
    const steps: ProgressStep[] = []
    if (answers.length === 16 && this.#level === firstLevel) steps.push(firstStep(answers))
    if (answers.length + listed > 0) {
      const differing = answers.reduce((sum, mask) => sum + bitsOf(mask), this.#wants)
      const rows = answers.filter((mask) => mask !== 0).slice(0, progressRowsMax)
      const level = answers.length > 0 || this.#level > firstLevel ? this.#level : 0
      steps.push({ step: 'level', level, compared: 16 * answers.length + listed, differing, children: [], rows })
    }
    if (answers.length > 0) this.#level++
    this.#listed = this.#listing
    this.#listing = 0
    this.#answers = []
    this.#wants = 0
    return steps
  }
}

/** The sixteen subtrees below the root, of which the first answers tell by their children. */
function firstStep(answers: readonly number[]): ProgressStep {
  const children = answers.map((mask) => mask !== 0)
  const differing = children.filter(Boolean).length
  return { step: 'level', level: 1, compared: children.length, differing, children, rows: [] }
}

function bitsOf(mask: number): number {
  let bits = 0
  for (let left = mask; left !== 0; left &= left - 1) bits++
  return bits
}
