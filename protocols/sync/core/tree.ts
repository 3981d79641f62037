/**
 * Merkle sync: the descent, one level a turn, all differences of a level in one turn, push and pull at once. For every
 * entry that differs each side sends its own at most once; values travel only where the other has not seen the dot.
 * Source of the shape: iroh-docs' ranger (push and pull in one session), negentropy (message in, messages out).
 */
import { saltedDigestBytes } from '../../../store/model/roots.js'
import { treeTurnsMax } from '../limits.js'
import type { Message } from '../messages.js'
import { receive, type SessionPart, SyncError, settle } from './actions.js'
import { Asked } from './compare.js'
import type { Conversation, Ending, SessionMode } from './conversation.js'
import { DescentState, type PeerTurn, startTurn } from './descent-state.js'
import { bytesOfIds, IdList } from './ids.js'
import { receiveTurn, takeTree } from './inbound.js'
import {
  joinDoubted,
  sendDoubted,
  sendEntriesAt,
  sendEntriesOf,
  sendNodes,
  sendObjections,
  sendValuesWanted,
  sendWants,
} from './outbound.js'

/** One complete pass over the difference of two trees. */
export class Descent {
  readonly #state: DescentState
  readonly #talk: Conversation

  constructor(talk: Conversation) {
    this.#talk = talk
    this.#state = new DescentState(talk)
  }

  /** Sends the first nodes and ends the turn. */
  *sendHello(): SessionPart<void> {
    this.#state.hasSpoken = true
    const nodes = this.#state.comparison.hello(this.#state.asked)
    yield* this.#talk.send({ type: 'tree', answers: [], nodes })
    yield* this.#talk.send({ type: 'end', expecting: true })
  }

  /** Takes turns until nothing differs, then unites. `first`: the first message of the peer's turn. */
  *run(first: Message, mode: SessionMode = 'tree'): SessionPart<Ending> {
    let message = first
    for (let turns = 0; turns < treeTurnsMax; turns++) {
      const turn = yield* receiveTurn(this.#state, message)
      this.#talk.turns++
      yield* this.#conclude(turn)
      if (!turn.expecting || !(yield* this.#answer(turn))) return yield* this.#finish(mode)
      message = yield* receive()
    }
    throw new SyncError('too many turns')
  }

  /** Takes turns as `run` does, when the peer's first turn is here already: `hello` was all of it. */
  *answerFirst(hello: Extract<Message, { type: 'tree' }>, mode: SessionMode): SessionPart<Ending> {
    const turn = startTurn()
    takeTree(this.#state, turn, hello)
    turn.expecting = true
    if (!(yield* this.#answer(turn))) return yield* this.#finish(mode)
    return yield* this.run(yield* receive(), mode)
  }

  /**
   * Everything of the peer's turn is durable; of what it did not bring, what it was shown and did not object to goes.
   */
  *#conclude(turn: PeerTurn): SessionPart<void> {
    yield* settle()
    if (this.#state.doubts.size === 0 && turn.clashes.size === 0) return
    yield* joinDoubted(this.#state, turn)
    yield* settle()
  }

  /**
   * The pass is complete: everything that differed is durable here (DESIGN 3.2, rule 1). What the peer has not been
   * shown stays; the roots differ for it, and the next session settles it.
   */
  *#finish(mode: SessionMode): SessionPart<Ending> {
    yield* settle()
    const united = yield* this.#talk.unite()
    return { mode: mode === 'full' ? 'full' : 'tree', provenEqual: false, united, ended: 'complete' }
  }

  /** Our turn: nodes, wants, entries. Returns whether it needs an answer. */
  *#answer(turn: PeerTurn): SessionPart<boolean> {
    const state = this.#state
    const asked = new Asked()
    const lacking = new IdList()
    const listings = yield* sendNodes(state, turn, asked)
    const wants: number[] = []
    let offset = 0
    for (const place of listings) {
      for (const position of yield* state.comparison.listing(place, lacking)) wants.push(offset + position)
      offset += place.node.digests.length / saltedDigestBytes
    }
    yield* sendWants(state, wants)
    yield* sendEntriesOf(state, [...turn.wanted].map(bytesOfIds), { forced: turn.suspects, isLacking: false })
    yield* sendEntriesAt(state, turn.values)
    yield* sendEntriesOf(state, lacking, { forced: new Map(), isLacking: true })
    yield* sendDoubted(state)
    yield* sendObjections(state, turn)
    yield* sendValuesWanted(state, turn)
    state.asked = asked
    state.hasSpoken = true
    const expecting = asked.nodes > 0 || wants.length > 0 || turn.suspects.size > 0 || state.doubts.size > 0
    yield* this.#talk.send({ type: 'end', expecting })
    this.#talk.turns++
    return expecting
  }
}
