/**
 * One sync session as a pure state machine: contexts first, then the missing updates, then the tree, in one
 * conversation. One side holds the floor at a time, so no deadlock is possible and a cut at any point leaves both sides
 * sound. Captures are taken before the first read they stand for, and united only after a complete pass (DESIGN 3.2).
 */
import type { BusyReason, Message } from '../messages.js'
import {
  acquireSlot,
  receive,
  type SessionAction,
  type SessionAnswer,
  type SessionPart,
  type SyncView,
  settle,
} from './actions.js'
import { answerComparison, openComparison } from './comparing.js'
import {
  Conversation,
  type Ending,
  type SessionMode,
  type SessionOptions,
  type SessionOutcome,
} from './conversation.js'
import { isNothingMissing, missingHere, missingThere, namedHere, receiveDelta, sendDelta } from './delta.js'
import { openByTable, receiveOpen } from './opening.js'
import { Descent } from './tree.js'

/** Side of a session: the one that opened it, or the one that answers. */
export type Role = 'initiator' | 'responder'

/** A session in progress. Give each action's answer to `next`, until it is done. */
export class SessionCore {
  readonly #steps: SessionPart<Ending>
  readonly talk: Conversation
  #outcome: SessionOutcome | undefined

  constructor(role: Role, view: SyncView, options: SessionOptions) {
    this.talk = new Conversation(view, options)
    this.#steps = role === 'responder' ? respond(this.talk) : opens(this.talk)
  }

  /** Outcome of the session; undefined while it goes on. */
  get outcome(): SessionOutcome | undefined {
    return this.#outcome
  }

  /** The first action. */
  start(): SessionAction | undefined {
    return this.next({ type: 'done' })
  }

  /**
   * Takes the answer to the last action and returns the next one; undefined once the session has ended. Throws a
   * SyncError or DecodeError when the peer broke the protocol or damage was found: the session is over, nothing is
   * united.
   */
  next(answer: SessionAnswer): SessionAction | undefined {
    this.talk.assertUndamaged()
    const step = this.#steps.next(answer)
    if (!step.done) return step.value
    this.#outcome = this.talk.outcome(step.value)
    return undefined
  }
}

function opens(talk: Conversation): SessionPart<Ending> {
  return talk.options.compareEntriesMax === undefined ? initiate(talk) : openComparison(talk)
}

function* initiate(talk: Conversation): SessionPart<Ending> {
  const { salt } = talk.options
  const answer = yield* openByTable(talk)
  if (answer.type === 'busy') return refused(answer.reason)
  yield* talk.hear(answer.capture)
  if (answer.type === 'equal') {
    talk.turns++
    return yield* concludeEqual(talk)
  }
  talk.setSalt(salt, answer.salt)
  const mode = bulkMode(talk)
  if (answer.young) {
    talk.turns++
    if (!isYoung(talk)) {
      talk.isDeltaLeftOut = !missingHere(talk).isEmpty || !namedHere(talk).isEmpty
      return yield* sendOwn(talk, mode, 0)
    }
    yield* talk.send({ type: 'end', expecting: false })
    return { mode: 'young', provenEqual: false, united: false, ended: 'young' }
  }
  const first = yield* receive()
  if (first.type === 'tree') return yield* new Descent(talk).run(first)
  const unlisted = yield* receiveDelta(talk, first)
  talk.turns++
  return yield* sendOwn(talk, mode, unlisted)
}

/**
 * The initiator's own updates and the check that follows them; the descent begins at once when a log could not tell
 * all.
 */
function* sendOwn(talk: Conversation, mode: SessionMode, unlistedThere: number): SessionPart<Ending> {
  const unlisted = unlistedThere + (yield* sendDelta(talk))
  yield* settle()
  const descent = unlisted > 0 ? new Descent(talk) : undefined
  yield* talk.send({ type: 'check', descends: descent !== undefined, capture: talk.captureNow() })
  if (descent !== undefined) yield* descent.sendHello()
  talk.turns++
  const answer = yield* talk.expect('equal', 'young', 'check')
  yield* talk.hear(answer.capture)
  if (answer.type === 'check') return yield* (descent ?? new Descent(talk)).run(yield* receive(), mode)
  talk.turns++
  talk.verdictTurns++
  return answer.type === 'equal' ? yield* concludeEqual(talk, mode) : leftToGossip(mode)
}

function* respond(talk: Conversation): SessionPart<Ending> {
  const open = yield* receiveOpen(talk)
  if (open === undefined) return yield* refuse('unverified')
  const { table } = open
  yield* talk.hear(open.capture)
  if (open.compares === true) return yield* answerComparison(talk, open.salt)
  talk.turns++
  const capture = talk.captureNow()
  // Equal entries under contexts that differ: each side still lacks updates of the other, or digests, and with them
  // what stood at the dots.
  if (sameRoot(talk) && isNothingMissing(talk)) {
    yield* talk.send({ type: 'equal', capture, table })
    talk.turns++
    return yield* concludeEqual(talk)
  }
  if (!(yield* acquireSlot())) return yield* refuse('bulk')
  const { salt } = talk.options
  talk.setSalt(open.salt, salt)
  const young = open.young && isYoung(talk)
  yield* talk.send({ type: 'open', young, salt, capture, table })
  if (young) {
    talk.turns++
    return yield* answerOwn(talk, bulkMode(talk), { youngOk: true, unlisted: 0 })
  }
  if (isNothingMissing(talk)) {
    // The logs have nothing to tell: only the tree can say where the difference is.
    const descent = new Descent(talk)
    yield* descent.sendHello()
    talk.turns++
    return yield* descent.run(yield* receive())
  }
  const unlisted = yield* sendDelta(talk)
  talk.turns++
  return yield* answerOwn(talk, bulkMode(talk), { youngOk: open.young, unlisted })
}

/** The responder's part from the initiator's own updates on. */
function* answerOwn(
  talk: Conversation,
  mode: SessionMode,
  known: { youngOk: boolean; unlisted: number },
): SessionPart<Ending> {
  const first = yield* receive()
  if (first.type === 'end') return { mode: 'young', provenEqual: false, united: false, ended: 'young' }
  const unlisted = known.unlisted + (yield* receiveDelta(talk, first))
  const check = yield* talk.expect('check')
  yield* talk.hear(check.capture)
  const hello = check.descends ? yield* receiveHello(talk) : undefined
  talk.turns++
  yield* settle()
  const capture = talk.captureNow()
  if (sameRoot(talk)) {
    yield* talk.send({ type: 'equal', capture })
    talk.turns++
    talk.verdictTurns++
    return yield* concludeEqual(talk, mode)
  }
  if (known.youngOk && unlisted === 0 && isYoung(talk)) {
    yield* talk.send({ type: 'young', capture })
    talk.turns++
    talk.verdictTurns++
    return leftToGossip(mode)
  }
  yield* talk.send({ type: 'check', descends: hello === undefined, capture })
  const descent = new Descent(talk)
  if (hello !== undefined) return yield* descent.answerFirst(hello, mode)
  yield* descent.sendHello()
  talk.turns++
  return yield* descent.run(yield* receive(), mode)
}

/** The initiator's first nodes, which followed its check. */
function* receiveHello(talk: Conversation): SessionPart<Extract<Message, { type: 'tree' }>> {
  const hello = yield* talk.expect('tree')
  yield* talk.expect('end')
  return hello
}

/** Roots were equal when compared after both captures: a complete pass (DESIGN 3.2, rule 1). Both sides unite. */
function* concludeEqual(talk: Conversation, mode: SessionMode = 'equal'): SessionPart<Ending> {
  const united = yield* talk.unite()
  return { mode, provenEqual: true, united, ended: 'complete' }
}

/** All updates went over; what differs now came during the session, and gossip or the next session brings it. */
function leftToGossip(mode: SessionMode): Ending {
  return { mode, provenEqual: false, united: false, ended: 'complete' }
}

function* refuse(reason: BusyReason): SessionPart<Ending> {
  yield { type: 'send', message: { type: 'busy', reason } }
  return refused(reason)
}

function refused(reason: string): Ending {
  return { mode: 'busy', provenEqual: false, united: false, ended: reason }
}

function sameRoot(talk: Conversation): boolean {
  return Buffer.compare(talk.mine.root, talk.theirs.root) === 0
}

/** True if updates differ, and every one that the peer lacks came here less than the young age ago. */
function isYoung(talk: Conversation): boolean {
  const missing = missingThere(talk)
  if (missing.isEmpty && missingHere(talk).isEmpty) return false
  return missing.intersection(talk.view.appliedBefore(talk.options.youngMs)).isEmpty
}

/** Mode of a session that sends updates: `full` if one side has seen nothing, and so gets everything. */
function bulkMode(talk: Conversation): SessionMode {
  return talk.mine.seen.isEmpty || talk.theirs.seen.isEmpty ? 'full' : 'delta'
}
