/** What a descent knows: what it remembers between turns, and what one turn of the peer brought. */
import type { Address } from '../../../store/model/address.js'
import { Asked, Comparison, type PlacedNode } from './compare.js'
import type { Conversation } from './conversation.js'

/** What a descent remembers between turns. */
export class DescentState {
  readonly talk: Conversation
  readonly comparison: Comparison
  /** What our last turn asked. */
  asked = new Asked()
  /** Whether our first nodes, or our first answer, went out. */
  hasSpoken = false
  /**
   * Ids of entries of ours that differ from what the peer holds there, as long as no entry of the peer has come.
   * At the end of the turn that would have brought one, the peer is known to have nothing there.
   */
  readonly uncovered = new Set<string>()

  constructor(talk: Conversation) {
    this.talk = talk
    this.comparison = new Comparison(talk.view, talk.salt, talk.options)
  }
}

/** What the peer put into one turn. */
export interface Turn {
  readonly places: PlacedNode[]
  /** Ids that the peer wants, of those that we listed; as text. */
  readonly wanted: Set<string>
  /** Addresses of which the peer wants the values. */
  readonly values: Address[]
  /** By id: addresses where both hold the same dots, though their digests differ. */
  readonly suspects: Map<string, Address>
  /** How many of our blocks were answered so far. */
  answered: number
  /** Something in the turn needs an answer. */
  expecting: boolean
}

/** A turn of which nothing has come. */
export function startTurn(): Turn {
  return { places: [], wanted: new Set(), values: [], suspects: new Map(), answered: 0, expecting: false }
}
