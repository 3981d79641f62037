/** State of a descent: what it remembers between turns, and what one turn of the peer brought. */
import type { Address } from '../../../store/model/address.js'
import { finderOf, type NamedDot } from '../../../store/model/dot.js'
import type { PeerEntry } from '../../../store/replica/types.js'
import type { ClashingDots } from '../messages.js'
import { Asked, Comparison, type PlacedNode } from './compare.js'
import type { Conversation } from './conversation.js'

/** An entry of ours of which the peer may have removed versions. */
export interface Doubt {
  /** Entry that the peer listed at the address; undefined while none of it has come: it holds nothing there. */
  readonly listed: PeerEntry | undefined
  /**
   * Dots of our entry, with the digests of their contents, that were sent before the peer's last turn: it has had the
   * chance to object to them. Undefined while nothing was sent.
   */
  readonly shown: readonly NamedDot[] | undefined
}

/** State of a descent that it keeps between turns. */
export class DescentState {
  readonly talk: Conversation
  readonly comparison: Comparison
  /** Blocks and listings of our last turn. */
  asked = new Asked()
  /** True once our first nodes, or our first answer, were sent. */
  hasSpoken = false
  /** Doubts by id. Removals are made once the peer was shown the entry and did not object. */
  readonly doubts = new Map<string, Doubt>()

  constructor(talk: Conversation) {
    this.talk = talk
    this.comparison = new Comparison(talk.view, talk.salt, talk.options)
  }
}

/** Content of one turn of the peer, as far as it has come. */
export interface PeerTurn {
  readonly places: PlacedNode[]
  /** Ids that the peer wants, of those that we listed; as text. */
  readonly wanted: Set<string>
  /** Addresses of which the peer wants the values. */
  readonly values: Address[]
  /** Addresses, by id, where both hold the same dots with different contents. */
  readonly suspects: Map<string, Address>
  /** Dots, by id, that the peer showed with another content than we know, with ours. */
  readonly objections: Map<string, ClashingDots>
  /** Dots, by id, that we showed with another content than the peer knows, with the peer's. */
  readonly clashes: Map<string, ClashingDots>
  /** Dots in `clashes`. */
  clashCount: number
  /** True if the peer knows of more clashes than it named: nothing that it was shown is removed. */
  removesNothing: boolean
  /** Ids of entries of which parts have come, and not the whole yet. */
  readonly inParts: Set<string>
  /** Number of our blocks that were answered so far. */
  answered: number
  /** True if something in the turn needs an answer. */
  expecting: boolean
}

/** A turn of which nothing has come. */
export function startTurn(): PeerTurn {
  return {
    places: [],
    wanted: new Set(),
    values: [],
    suspects: new Map(),
    objections: new Map(),
    clashes: new Map(),
    clashCount: 0,
    removesNothing: false,
    inParts: new Set(),
    answered: 0,
    expecting: false,
  }
}

/** True if the peer may have removed a version of an entry of ours: it had seen the dot, and does not list it. */
export function mayBeGone(state: DescentState, entry: PeerEntry, listed: PeerEntry | undefined): boolean {
  const { theirs } = state.talk
  const listedAt = finderOf(listed?.updates ?? [])
  return entry.updates.some(({ dot }) => theirs.seen.has(dot) && listedAt(dot) === undefined)
}
