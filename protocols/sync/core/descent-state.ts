/** What a descent knows: what it remembers between turns, and what one turn of the peer brought. */
import type { Address } from '../../../store/model/address.js'
import { finderOf, type NamedDot } from '../../../store/model/dot.js'
import type { PeerEntry } from '../../../store/replica/types.js'
import type { ClashingDots } from '../messages.js'
import { Asked, Comparison, type PlacedNode } from './compare.js'
import type { Conversation } from './conversation.js'

/** An entry of ours of which the peer may have removed versions. */
export interface Doubt {
  /** What the peer listed at the address; undefined while no entry of it has come: it holds nothing there. */
  readonly listed: PeerEntry | undefined
  /** What went out of our entry, before the peer's last turn: to this it has had the chance to object. Undefined while nothing went out. */
  readonly shown: readonly NamedDot[] | undefined
}

/** What a descent remembers between turns. */
export class DescentState {
  readonly talk: Conversation
  readonly comparison: Comparison
  /** What our last turn asked. */
  asked = new Asked()
  /** Whether our first nodes, or our first answer, went out. */
  hasSpoken = false
  /** By id. Removals are made once the peer was shown the entry and did not object. */
  readonly doubts = new Map<string, Doubt>()

  constructor(talk: Conversation) {
    this.talk = talk
    this.comparison = new Comparison(talk.view, talk.salt, talk.options)
  }
}

/** What the peer put into one turn. */
export interface PeerTurn {
  readonly places: PlacedNode[]
  /** Ids that the peer wants, of those that we listed; as text. */
  readonly wanted: Set<string>
  /** Addresses of which the peer wants the values. */
  readonly values: Address[]
  /** By id: addresses where both hold the same dots with different contents. */
  readonly suspects: Map<string, Address>
  /** By id: dots that the peer showed with another content than we know, with ours. */
  readonly objections: Map<string, ClashingDots>
  /** By id: dots that we showed with another content than the peer knows, with the peer's. */
  readonly clashes: Map<string, ClashingDots>
  /** Dots in `clashes`. */
  clashCount: number
  /** The peer knows of more clashes than it named: nothing that it was shown is removed. */
  removesNothing: boolean
  /** Ids of entries of which parts have come, and not the whole yet. */
  readonly inParts: Set<string>
  /** How many of our blocks were answered so far. */
  answered: number
  /** Something in the turn needs an answer. */
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

/** Whether the peer may have removed a version of an entry of ours: it had seen the dot, and does not list it. */
export function mayBeGone(state: DescentState, entry: PeerEntry, listed: PeerEntry | undefined): boolean {
  const { theirs } = state.talk
  const listedAt = finderOf(listed?.updates ?? [])
  return entry.updates.some(({ dot }) => theirs.seen.has(dot) && listedAt(dot) === undefined)
}
