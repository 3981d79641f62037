/**
 * Comparison of the peer's digests with ours: children that differ, our nodes there, entries that the peer lacks, and
 * entries that we want.
 */
import { differencesBelow, saltedBelow, saltedDigests } from '../../../store/merkle/salted.js'
import type { Prefix, TrieEntry } from '../../../store/merkle/types.js'
import { saltedDigestBytes } from '../../../store/model/roots.js'
import { sliceMax } from '../limits.js'
import type { TreeNode } from '../messages.js'
import type { SessionPart, SyncView } from './actions.js'
import { IdList, idText } from './ids.js'

/** Nibbles of an id: nothing lies deeper. */
export const prefixLengthMax = 32
const digits = '0123456789abcdef'

/** A node of the peer, with its place in the tree. */
export interface PlacedNode {
  readonly prefix: Prefix
  readonly node: TreeNode
}

/** Sizes that decide the shape of a descent; limits.ts has the values in use, tests lower them. */
export interface TreeLimits {
  /** Entries in all that the first message lists rather than divides. */
  readonly helloListingAim: number
  /** Entries below a prefix that are listed rather than divided. */
  readonly listingAim: number
  /** Entries in one message, and in one batch. */
  readonly messageEntriesAim: number
  /**
   * Versions of one entry beyond which they travel ahead, so many a message at most; and beyond which it is not listed
   * as a whole.
   */
  readonly entryVersionsAim: number
  readonly entryVersionsMax: number
}

/**
 * Part of one side's turn that it must remember until the answer: its blocks of digests and the ids that it listed, in
 * order.
 */
export class Asked {
  readonly blocks: Prefix[] = []
  readonly listed = new IdList()
  /** Blocks and listings in all; a listing may be empty. */
  nodes = 0
}

/** Reads of the trie by one session, in slices. */
export class Comparison {
  readonly #view: SyncView
  readonly #salt: Uint8Array
  readonly #limits: TreeLimits
  #work = 0

  constructor(view: SyncView, salt: Uint8Array, limits: TreeLimits) {
    this.#limits = limits
    this.#view = view
    this.#salt = salt
  }

  /** The first nodes: the 256 digests of depth 2, or the listing of a small tree. */
  hello(asked: Asked): TreeNode[] {
    if (this.#view.trie.size <= this.#limits.helloListingAim) return [this.#listing('', asked)]
    return Array.from(digits, (digit) => this.#block(digit, asked))
  }

  /** The places of the nodes in a first message; undefined when they cannot be one. */
  static placesOfHello(nodes: readonly TreeNode[]): PlacedNode[] | undefined {
    const isListing = nodes.length === 1 && nodes[0]!.kind === 'listing'
    const isBlocks = nodes.length === digits.length && nodes.every((node) => node.kind === 'digests')
    if (!isListing && !isBlocks) return undefined
    return nodes.map((node, at) => ({ prefix: isListing ? '' : digits[at]!, node }))
  }

  /** Compares a block. Returns a mask with a bit for each child that differs, and our nodes for those children. */
  *block(place: PlacedNode, asked: Asked): SessionPart<{ answer: number; nodes: TreeNode[] }> {
    let answer = 0
    const nodes: TreeNode[] = []
    for (const { prefix } of differencesBelow(this.#view.trie, place.prefix, this.#salt, place.node.digests)) {
      answer |= 1 << Number.parseInt(prefix.at(-1)!, 16)
      nodes.push(this.#node(prefix, asked))
    }
    yield* this.worked((nodes.length + 1) * digits.length)
    return { answer, nodes }
  }

  /**
   * Compares a block as `block` does, but names at most so many of the children that differ, each by a block: the peer
   * then lists those of few entries. Returns beside the answer whether all were named.
   */
  *someOfBlock(
    place: PlacedNode,
    asked: Asked,
    childrenMax: number,
  ): SessionPart<{ answer: number; nodes: TreeNode[]; isWhole: boolean }> {
    const differing = differencesBelow(this.#view.trie, place.prefix, this.#salt, place.node.digests)
    const named = differing.slice(0, Math.max(0, childrenMax))
    let answer = 0
    for (const { prefix } of named) answer |= 1 << Number.parseInt(prefix.at(-1)!, 16)
    const nodes = named.map(({ prefix }) => this.#block(prefix, asked))
    yield* this.worked((nodes.length + 1) * digits.length)
    return { answer, nodes, isWhole: named.length === differing.length }
  }

  /**
   * Compares a listing of the peer. Returns the positions that are unknown here, and adds the ids of our entries there
   * that it lacks to `lacking`.
   */
  *listing(place: PlacedNode, lacking: IdList): SessionPart<number[]> {
    const theirs = keysOf(place.node.digests)
    const positions = new Map(theirs.map((key, position) => [key, position]))
    for (let after: Uint8Array | undefined; ; ) {
      const entries = this.#view.trie.entries(place.prefix, { limit: sliceMax, ...(after && { after }) })
      const mine = keysOf(this.#salted(entries))
      for (const [at, key] of mine.entries()) if (!positions.delete(key)) lacking.push(entries[at]!.id)
      yield* this.worked(entries.length + theirs.length)
      if (entries.length < sliceMax) break
      after = Uint8Array.from(entries.at(-1)!.id)
    }
    return theirs.flatMap((key, position) => (positions.get(key) === position ? [position] : []))
  }

  #node(prefix: Prefix, asked: Asked): TreeNode {
    const { kind, count } = this.#view.trie.node(prefix)
    const divides = kind === 'inner' && count > this.#listingAim(prefix.length) && prefix.length < prefixLengthMax
    return divides ? this.#block(prefix, asked) : this.#listing(prefix, asked)
  }

  /**
   * Entries that are listed at a depth. Where that is what most of its places have, those with some more are listed as
   * well: for a few of them everybody would have to wait another round trip.
   */
  #listingAim(depth: number): number {
    const { listingAim } = this.#limits
    const isUsual = this.#view.trie.size <= listingAim * digits.length ** depth
    return isUsual ? 2 * listingAim : listingAim
  }

  #block(prefix: Prefix, asked: Asked): TreeNode {
    asked.blocks.push(prefix)
    asked.nodes++
    return { kind: 'digests', digests: saltedBelow(this.#view.trie, prefix, this.#salt) }
  }

  #listing(prefix: Prefix, asked: Asked): TreeNode {
    asked.nodes++
    const entries = this.#view.trie.entries(prefix)
    for (const entry of entries) asked.listed.push(entry.id)
    return { kind: 'listing', digests: this.#salted(entries) }
  }

  #salted(entries: readonly TrieEntry[]): Uint8Array {
    return saltedDigests(this.#salt, Buffer.concat(entries.map((entry) => entry.digest)))
  }

  /** Counts work, and lets others have a turn when it was much. */
  *worked(amount: number): SessionPart<void> {
    this.#work += amount
    if (this.#work < sliceMax) return
    this.#work = 0
    yield { type: 'pause' }
  }
}

function keysOf(digests: Uint8Array): string[] {
  const keys: string[] = []
  for (let at = 0; at < digests.length; at += saltedDigestBytes) {
    keys.push(idText(digests.subarray(at, at + saltedDigestBytes)))
  }
  return keys
}
