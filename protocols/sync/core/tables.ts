/**
 * Tables: contexts that both sides hold alike, so that captures need only name what differs from them. A table decides
 * nothing but how captures are written. It is used only where both sides have found its digest, which is over all of
 * it; what a peer has seen is what its captures say, each taken in its turn. Where the tables differ, the sides swap
 * what differs, and what both then hold is the table. Source of the descent: Merkle trees, all differences of a level
 * in one message.
 */
import type { Contexts, MemberOf } from '../../../store/model/codec.js'
import { Context } from '../../../store/model/context.js'
import { digestBytes, sha256 } from '../../../store/model/digest.js'
import { type Actor, actorBytes } from '../../../store/model/dot.js'
import { sameRanges } from '../../../store/model/ranges.js'
import { fanout } from '../../../store/model/roots.js'
import type { Capture } from '../../../store/replica/types.js'
import { tableDigestBytes, tableNodesAim } from '../limits.js'
import { SyncError } from './actions.js'
import type { AddedActor } from './captures.js'

/** Actors of one side below a prefix: the digests of the 16 parts, or all of them. */
export type TableNode =
  | { readonly kind: 'digests'; readonly digests: Uint8Array }
  | { readonly kind: 'listing'; readonly actors: readonly AddedActor[] }

/** One message of a swap. */
export interface TableMessage {
  /** One for each of the peer's digests of the message before, in order: a bit for each part that differs. */
  readonly answers: readonly number[]
  /** The sender's nodes for the parts that differ, in order; without any the swap is over. */
  readonly nodes: readonly TableNode[]
  /** Actors that the sender holds otherwise than the listings of the message before. */
  readonly actors: readonly AddedActor[]
}

const tableDomain = 0x22
const digits = '0123456789abcdef'

/** The digest of both contexts of a table, 16 bytes: equal for equal sets. */
export function tableRoot(table: Contexts): Buffer {
  return digestBelow(table, '').subarray(0, digestBytes)
}

function digestBelow({ seen, applied }: Contexts, prefix: string): Buffer {
  const digests = seen.digestBelow(prefix) + applied.digestBelow(prefix)
  return sha256(Buffer.concat([Buffer.of(tableDomain), Buffer.from(digests, 'latin1')]))
}

/**
 * The settled part of a capture that a session names: without the actors that have changed since, which travel
 * themselves.
 */
export function settledTable(capture: Capture): Contexts {
  const { seen, applied, settled } = capture
  if (settled === undefined) return capture
  return without(settled, [...seen.actorsUnlike(settled.seen), ...applied.actorsUnlike(settled.applied)])
}

/**
 * The tables among which the one that a peer names may be: what is held now, and what was settled, without the actors
 * that travel themselves.
 */
export function knownTables(capture: Capture, added: readonly AddedActor[]): Contexts[] {
  const actors = added.map(({ actor }) => actor)
  const { settled } = capture
  return [capture, ...(settled === undefined ? [] : [settled])].map((contexts) => without(contexts, actors))
}

function without({ seen, applied }: Contexts, actors: Iterable<Actor>): Contexts {
  const left = { seen: seen.clone(), applied: applied.clone() }
  for (const actor of actors) {
    left.seen.setRanges(actor, [])
    left.applied.setRanges(actor, [])
  }
  return left
}

/** One side of a swap: finds what two sides hold differently, and gathers what either holds. */
export class TableSwap {
  /** Union of both sides, as far as it is known by now. */
  readonly united: Contexts
  readonly #own: Contexts
  readonly #memberOf: MemberOf
  readonly #listingAim: number
  /** Prefixes of the digests that were sent last. */
  #asked: string[] = []
  #hasBegun = false

  /** `listingAim`: actors that are listed rather than divided. */
  constructor(own: Contexts, memberOf: MemberOf, listingAim: number) {
    this.#own = own
    this.#memberOf = memberOf
    this.#listingAim = listingAim
    this.united = { seen: own.seen.clone(), applied: own.applied.clone() }
  }

  /** The first message. */
  begin(): TableMessage {
    this.#hasBegun = true
    return { answers: [], nodes: [this.#node('', this.#asked)], actors: [] }
  }

  /**
   * Takes a message of the peer; returns the answer, undefined when the swap is over. Throws a SyncError when it does
   * not fit.
   */
  take(message: TableMessage): TableMessage | undefined {
    const prefixes = this.#prefixesOf(message)
    const asked: string[] = []
    const answers: number[] = []
    const nodes: TableNode[] = []
    const actors: AddedActor[] = []
    this.#learn(message.actors)
    for (const [at, node] of message.nodes.entries()) {
      const prefix = prefixes[at]!
      if (node.kind === 'listing') {
        this.#learn(node.actors)
        for (const one of this.#unlike(prefix, node.actors)) actors.push(one)
        continue
      }
      if (prefix.length >= 2 * actorBytes) throw new SyncError('digests below an actor')
      const differing = this.#differing(prefix, node.digests)
      answers.push(differing.reduce((mask, digit) => mask | (1 << digit), 0))
      for (const digit of differing) nodes.push(this.#node(prefix + digits[digit]!, asked))
    }
    this.#asked = asked
    return message.nodes.length === 0 ? undefined : { answers, nodes, actors }
  }

  #prefixesOf({ answers, nodes }: TableMessage): string[] {
    const prefixes: string[] = this.#hasBegun ? [] : ['']
    this.#hasBegun = true
    if (answers.length !== this.#asked.length) throw new SyncError('answers and digests do not match')
    for (const [at, answer] of answers.entries()) {
      for (let digit = 0; digit < fanout; digit++) {
        if ((answer >> digit) & 1) prefixes.push(this.#asked[at]! + digits[digit]!)
      }
    }
    if (prefixes.length !== nodes.length) throw new SyncError('table nodes and answers do not match')
    return prefixes
  }

  /** Our node at a prefix. Where it has digests the prefix is added to `asked`. */
  #node(prefix: string, asked: string[]): TableNode {
    const isSmall = this.#own.seen.countBelow(prefix) <= this.#listingAim
    if (isSmall || prefix.length >= 2 * actorBytes || asked.length >= tableNodesAim) {
      return { kind: 'listing', actors: this.#own.seen.actorsBelow(prefix).map((actor) => this.#held(actor)) }
    }
    asked.push(prefix)
    return { kind: 'digests', digests: Buffer.concat([...digits].map((digit) => this.#digest(prefix + digit))) }
  }

  #digest(prefix: string): Buffer {
    return digestBelow(this.#own, prefix).subarray(0, tableDigestBytes)
  }

  #differing(prefix: string, theirs: Uint8Array): number[] {
    return Array.from(digits, (_, digit) => digit).filter((digit) => {
      const at = digit * tableDigestBytes
      return this.#digest(prefix + digits[digit]!).compare(theirs, at, at + tableDigestBytes) !== 0
    })
  }

  #held(actor: Actor): AddedActor {
    const { seen, applied } = this.#own
    return { actor, member: this.#memberOf(actor), seen: seen.rangesOf(actor), applied: applied.rangesOf(actor) }
  }

  /** Actors that we hold below a prefix otherwise than the peer has listed. */
  #unlike(prefix: string, listed: readonly AddedActor[]): AddedActor[] {
    const theirs = contextsOf(listed)
    return this.#own.seen
      .actorsBelow(prefix)
      .map((actor) => this.#held(actor))
      .filter(
        ({ actor, seen, applied }) =>
          !sameRanges(seen, theirs.seen.rangesOf(actor)) || !sameRanges(applied, theirs.applied.rangesOf(actor)),
      )
  }

  #learn(actors: readonly AddedActor[]): void {
    const { seen, applied } = contextsOf(actors)
    this.united.seen.union(seen)
    this.united.applied.union(applied)
  }
}

function contextsOf(actors: readonly AddedActor[]): Contexts {
  return {
    seen: new Context(new Map(actors.map((one) => [one.actor, one.seen]))),
    applied: new Context(new Map(actors.map((one) => [one.actor, one.applied]))),
  }
}
