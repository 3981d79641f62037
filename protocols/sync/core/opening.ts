/**
 * The first messages of a session: contexts as a patch on a table that both sides hold, found at once or by a swap of
 * what differs.
 */
import { type Contexts, type TaggedContexts, unknownMember } from '../../../store/model/codec.js'
import type { Actor } from '../../../store/model/dot.js'
import { tableTurnsMax } from '../limits.js'
import type { Message } from '../messages.js'
import { type SessionPart, SyncError } from './actions.js'
import type { Conversation } from './conversation.js'
import { type TableMessage, TableSwap } from './tables.js'

type Open = Extract<Message, { type: 'open' }>
type Answer = Extract<Message, { type: 'open' | 'busy' | 'equal' }>
type Table = Extract<Message, { type: 'table' }>

/**
 * Reason with which a session ends whose peer answered without naming the table: it does not know tables, and took the
 * patch for all.
 */
export const noTablesReason = 'no tables'

/** No table at all: the initiator is to send its contexts whole. */
const nothing: TableMessage = { answers: [], nodes: [], actors: [] }

/**
 * Opens a session: by the settled table, else by the one that a swap comes to, else with contexts whole. Returns the
 * answer.
 */
export function* openByTable(talk: Conversation): SessionPart<Answer> {
  let answer = yield* sendOpen(talk)
  if (answer.type !== 'table') return answer
  if (answer.nodes.length > 0) {
    const table = yield* swapTables(talk, talk.mine, answer)
    answer = yield* sendOpen(talk, table)
    if (answer.type !== 'table') return answer
  }
  answer = yield* sendOpen(talk, null)
  if (answer.type === 'table') throw new SyncError('a table for contexts that are whole')
  return answer
}

function* sendOpen(talk: Conversation, by?: Contexts | null): SessionPart<Answer | Table> {
  const { salt, youngOk } = talk.options
  const { capture, table } = talk.captureToOpen(by)
  yield* talk.send({ type: 'open', young: youngOk, salt, capture, table })
  talk.turns++
  const answer = yield* talk.expect('open', 'busy', 'equal', 'table')
  if (answer.type === 'table') talk.turns++
  if (answer.type !== 'open' && answer.type !== 'equal') return answer
  // Its capture is a patch on what it took ours for.
  if (!sameTable(answer.table, table)) throw new SyncError(noTablesReason)
  return answer
}

function sameTable(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0
}

/**
 * Waits for the opening message of which the table is held here. One that names another is answered with a swap, and
 * the second such one with nothing, so that contexts come whole. Undefined while the store is not verified.
 */
export function* receiveOpen(talk: Conversation): SessionPart<Open | undefined> {
  let swapped: Contexts | undefined
  for (let attempt = 0; ; attempt++) {
    const open = yield* talk.expect('open')
    if (open.compares === true) talk.compares = true
    if (!talk.view.isVerified) return undefined
    if (!talk.options.tables) return { ...open, table: undefined }
    if (talk.findTable(open, swapped)) return open
    talk.turns++
    if (attempt === 0) swapped = yield* swapTables(talk, talk.view.capture(), undefined)
    else if (attempt === 1) yield* talk.send({ type: 'table', ...nothing })
    else throw new SyncError('a table that is not held here')
    if (attempt === 1) talk.turns++
  }
}

/**
 * Swaps what two tables hold differently; `first` is the message with which the responder has begun. Returns what
 * either side holds.
 */
function* swapTables(talk: Conversation, own: TaggedContexts, first: Table | undefined): SessionPart<Contexts> {
  const memberOf = (actor: Actor) => own.members.get(actor) ?? unknownMember
  const swap = new TableSwap(own, memberOf, talk.options.tableListedActors)
  const isInitiator = first !== undefined
  if (!isInitiator) {
    yield* talk.send({ type: 'table', ...swap.begin() })
    talk.turns++
  }
  let message = first
  for (let turn = 0; turn < tableTurnsMax; turn++) {
    message ??= yield* talk.expect('table')
    for (const { actors } of listingsOf(message)) talk.learnActors(actors)
    // The initiator's last message is of the same turn as what opens the session.
    if (isInitiator ? turn > 0 : message.nodes.length > 0) talk.turns++
    const answer = swap.take(message)
    if (answer === undefined) return swap.united
    yield* talk.send({ type: 'table', ...answer })
    if (!isInitiator || answer.nodes.length > 0) talk.turns++
    if (answer.nodes.length === 0) return swap.united
    message = undefined
  }
  throw new SyncError('too many turns')
}

function listingsOf({ nodes, actors }: TableMessage) {
  return [...nodes.flatMap((node) => (node.kind === 'listing' ? [node] : [])), { actors }]
}
