/**
 * Maps keyed by actors: persistent, sorted and packed. A copy costs nothing, a change copies a path of it, and two maps
 * with a common past are compared in time proportional to their differences, however many actors both hold. Source:
 * bitmapped tries with structural sharing (Bagwell 2001), changed in place while nobody else holds a node ("transients"
 * of Clojure).
 */
import { type Actor, actorBytes } from './dot.js'
import { actorLeafMax } from './limits.js'

/** Holder of the right to change a node in place: the one map that made it since it was last copied. */
type Owner = object

/** Actors in ascending order, 8 characters of one byte each, and a value for each of them. */
class Leaf<V> {
  /** The digest of what it holds, once somebody asked; 16 characters, its bytes. */
  digest: string | undefined

  constructor(
    readonly owner: Owner,
    public keys: string,
    public values: V[],
  ) {}

  get count(): number {
    return this.values.length
  }
}

/** The actors whose next bit is 0, and those whose next bit is 1. */
class Fork<V> {
  digest: string | undefined

  constructor(
    readonly owner: Owner,
    public left: MapNode<V>,
    public right: MapNode<V>,
    public count: number,
  ) {}
}

type MapNode<V> = Leaf<V> | Fork<V>

/** True if two values are alike. */
export type Alike<V> = (a: V, b: V) => boolean

/** Takes what two maps hold of the actor at a position among packed actors; false ends the visit. */
type Visit<V> = (keys: string, at: number, mine: V | undefined, theirs: V | undefined) => boolean

/** Digests of nodes, as 16 characters each: of packed actors with their values, and of the digests of both halves. */
export interface MapDigests<V> {
  ofEntries(keys: string, values: readonly V[]): string
  ofHalves(left: string, right: string): string
}

/** A map from actors to values. */
export class ActorMap<V> implements Iterable<readonly [Actor, V]> {
  #owner: Owner = {}
  #root: MapNode<V> = new Leaf<V>(this.#owner, '', [])

  /** An independent copy, in constant time. */
  clone(): ActorMap<V> {
    // What stands now belongs to nobody any more: each of the two copies what it changes.
    this.#owner = {}
    const copy = new ActorMap<V>()
    copy.#root = this.#root
    return copy
  }

  /** Gives back the room that growing leaves keep in reserve; for a map that was filled and will hardly change. */
  pack(): void {
    for (const leaf of leavesOf(this.#root)) {
      leaf.keys = keysBetween(leaf.keys, 0, leaf.count)
      leaf.values = leaf.values.slice()
    }
  }

  /** Number of actors. */
  get size(): number {
    return this.#root.count
  }

  /** The value of an actor; undefined when it has none. */
  get(actor: Actor): V | undefined {
    let node = this.#root
    for (let depth = 0; node instanceof Fork; depth++) node = bitAt(actor, depth) === 0 ? node.left : node.right
    const at = find(node.keys, actor)
    return at < 0 ? undefined : node.values[at]
  }

  /** True if the actor has a value. */
  has(actor: Actor): boolean {
    return this.get(actor) !== undefined
  }

  /** Gives an actor a value. */
  set(actor: Actor, value: V): void {
    this.#root = withValue(this.#root, 0, actor, value, this.#owner)
  }

  /** Takes an actor out. */
  delete(actor: Actor): void {
    if (this.has(actor)) this.#root = without(this.#root, 0, actor, this.#owner)
  }

  /** Position of an actor among all, in ascending order; undefined when it is not there. */
  rankOf(actor: Actor): number | undefined {
    let node = this.#root
    let before = 0
    for (let depth = 0; node instanceof Fork; depth++) {
      const isLeft = bitAt(actor, depth) === 0
      if (!isLeft) before += node.left.count
      node = isLeft ? node.left : node.right
    }
    const at = find(node.keys, actor)
    return at < 0 ? undefined : before + at
  }

  /** The actor at a position, in ascending order; undefined beyond the end. */
  actorAt(rank: number): Actor | undefined {
    if (rank >= this.size) return undefined
    let node = this.#root
    let left = rank
    while (node instanceof Fork) {
      const isLeft = left < node.left.count
      if (!isLeft) left -= node.left.count
      node = isLeft ? node.left : node.right
    }
    return keyAt(node.keys, left)
  }

  /** Number of actors whose id begins with these hexadecimal digits. */
  countBelow(prefix: string): number {
    return nodeBelow(this.#root, prefix).count
  }

  /**
   * The digest of what is held of the actors whose id begins with these hexadecimal digits, as 16 characters, its
   * bytes: equal for equal content, whatever the past. It is kept at each node until something below changes. `digests`
   * must be the same for all calls.
   */
  digestBelow(prefix: string, digests: MapDigests<V>): string {
    return digestOf(nodeBelow(this.#root, prefix), digests)
  }

  /** All entries, actors ascending. */
  [Symbol.iterator](): IterableIterator<readonly [Actor, V]> {
    return this.entriesBelow('')
  }

  /** The entries of the actors whose id begins with these hexadecimal digits, actors ascending. */
  *entriesBelow(prefix: string): IterableIterator<readonly [Actor, V]> {
    for (const { keys, values } of leavesOf(nodeBelow(this.#root, prefix))) {
      for (let at = 0; at < values.length; at++) yield [keyAt(keys, at), values[at]!]
    }
  }

  /** All values, in no order that matters. */
  *values(): IterableIterator<V> {
    for (const { values } of leavesOf(this.#root)) yield* values
  }

  /**
   * Visits the entries of this map that another does not hold alike, with what that one holds, until `visit` returns
   * false. Returns whether all were visited. Neither map may change meanwhile.
   */
  visitUnlike(
    other: ActorMap<V>,
    alike: Alike<V>,
    visit: (actor: Actor, mine: V, theirs: V | undefined) => boolean,
  ): boolean {
    if (this.size < other.size / 8) {
      for (const [actor, mine] of this) {
        const theirs = other.get(actor)
        if ((theirs === undefined || !alike(mine, theirs)) && !visit(actor, mine, theirs)) return false
      }
      return true
    }
    return visitTwo(this.#root, other.#root, 0, alike, (keys, at, mine, theirs) =>
      mine === undefined ? true : visit(keyAt(keys, at), mine, theirs),
    )
  }

  /**
   * Visits all entries of this map, actors ascending, with what another holds. Each actor is packed: 8 characters, its
   * bytes.
   */
  visitWith(other: ActorMap<V>, visit: (key: string, mine: V, theirs: V | undefined) => void): void {
    visitTwo(this.#root, other.#root, 0, undefined, (keys, at, mine, theirs) => {
      if (mine !== undefined) visit(keys.slice(at * actorBytes, (at + 1) * actorBytes), mine, theirs)
      return true
    })
  }
}

/** Positions of the hexadecimal digits. */
const nibbles = new Uint8Array(128)
for (const [value, digit] of [...'0123456789abcdef'].entries()) nibbles[digit.charCodeAt(0)] = value

function bitAt(actor: Actor, depth: number): number {
  return (nibbles[actor.charCodeAt(depth >> 2)]! >> (3 - (depth & 3))) & 1
}

function keyBitAt(keys: string, at: number, depth: number): number {
  return (keys.charCodeAt(at * actorBytes + (depth >> 3)) >> (7 - (depth & 7))) & 1
}

function packed(actor: Actor): string {
  const key = Buffer.from(actor, 'hex').toString('latin1')
  if (key.length !== actorBytes) throw new RangeError(`not the id of an actor: ${actor}`)
  return key
}

function keyAt(keys: string, at: number): Actor {
  return Buffer.from(keys.slice(at * actorBytes, (at + 1) * actorBytes), 'latin1').toString('hex')
}

/** Characters from one position to another, in a string of their own: a slice would keep the whole alive. */
function keysBetween(keys: string, from: number, to: number): string {
  return Buffer.from(keys.slice(from * actorBytes, to * actorBytes), 'latin1').toString('latin1')
}

/** The position of an actor; where it would have to stand, as its complement, when it is not there. */
function find(keys: string, actor: Actor): number {
  let low = 0
  let high = keys.length / actorBytes
  while (low < high) {
    const middle = (low + high) >> 1
    const order = compareWith(keys, middle, actor)
    if (order === 0) return middle
    if (order < 0) low = middle + 1
    else high = middle
  }
  return ~low
}

function compareWith(keys: string, at: number, actor: Actor): number {
  for (let byte = 0; byte < actorBytes; byte++) {
    const theirs = (nibbles[actor.charCodeAt(2 * byte)]! << 4) | nibbles[actor.charCodeAt(2 * byte + 1)]!
    const difference = keys.charCodeAt(at * actorBytes + byte) - theirs
    if (difference !== 0) return difference
  }
  return 0
}

function compareKeys(a: string, atA: number, b: string, atB: number): number {
  for (let byte = 0; byte < actorBytes; byte++) {
    const difference = a.charCodeAt(atA * actorBytes + byte) - b.charCodeAt(atB * actorBytes + byte)
    if (difference !== 0) return difference
  }
  return 0
}

function* leavesOf<V>(node: MapNode<V>): Generator<Leaf<V>> {
  if (node instanceof Leaf) yield node
  else {
    yield* leavesOf(node.left)
    yield* leavesOf(node.right)
  }
}

/** Node below a prefix: a part of a leaf is a leaf of its own. */
function nodeBelow<V>(root: MapNode<V>, prefix: string): MapNode<V> {
  let node = root
  for (let depth = 0; node instanceof Fork && depth < 4 * prefix.length; depth++) {
    node = bitAt(prefix, depth) === 0 ? node.left : node.right
  }
  if (node instanceof Fork || prefix.length === 0) return node
  const from = find(node.keys, prefix.padEnd(2 * actorBytes, '0'))
  const to = find(node.keys, prefix.padEnd(2 * actorBytes, 'f'))
  const [first, end] = [from < 0 ? ~from : from, to < 0 ? ~to : to + 1]
  if (first === 0 && end === node.count) return node
  return new Leaf(node.owner, keysBetween(node.keys, first, end), node.values.slice(first, end))
}

function digestOf<V>(node: MapNode<V>, digests: MapDigests<V>): string {
  node.digest ??=
    node instanceof Leaf
      ? digests.ofEntries(node.keys, node.values)
      : digests.ofHalves(digestOf(node.left, digests), digestOf(node.right, digests))
  return node.digest
}

/** A node that may be changed in place: its digest is void. */
function ownedFork<V>(node: Fork<V>, owner: Owner): Fork<V> {
  if (node.owner !== owner) return new Fork(owner, node.left, node.right, node.count)
  node.digest = undefined
  return node
}

function ownedLeaf<V>(node: Leaf<V>, owner: Owner): Leaf<V> {
  if (node.owner !== owner) return new Leaf(owner, node.keys, node.values.slice())
  node.digest = undefined
  return node
}

function withValue<V>(node: MapNode<V>, depth: number, actor: Actor, value: V, owner: Owner): MapNode<V> {
  if (node instanceof Fork) {
    const own = ownedFork(node, owner)
    const isLeft = bitAt(actor, depth) === 0
    const side = isLeft ? own.left : own.right
    own.count -= side.count
    const changed = withValue(side, depth + 1, actor, value, owner)
    own.count += changed.count
    if (isLeft) own.left = changed
    else own.right = changed
    return own
  }
  const own = ownedLeaf(node, owner)
  const at = find(own.keys, actor)
  if (at >= 0) own.values[at] = value
  else {
    own.keys = own.keys.slice(0, ~at * actorBytes) + packed(actor) + own.keys.slice(~at * actorBytes)
    own.values.splice(~at, 0, value)
  }
  return own.count > actorLeafMax ? divided(own, depth, owner) : own
}

function divided<V>(leaf: Leaf<V>, depth: number, owner: Owner): MapNode<V> {
  const [left, right] = halvesOf(leaf, depth, owner)
  const deeper = (half: Leaf<V>) => (half.count > actorLeafMax ? divided(half, depth + 1, owner) : half)
  return new Fork(owner, deeper(left), deeper(right), leaf.count)
}

function halvesOf<V>({ keys, values, count }: Leaf<V>, depth: number, owner: Owner): [Leaf<V>, Leaf<V>] {
  let middle = 0
  while (middle < count && keyBitAt(keys, middle, depth) === 0) middle++
  return [
    new Leaf(owner, keysBetween(keys, 0, middle), values.slice(0, middle)),
    new Leaf(owner, keysBetween(keys, middle, count), values.slice(middle)),
  ]
}

/** The actor must be there. */
function without<V>(node: MapNode<V>, depth: number, actor: Actor, owner: Owner): MapNode<V> {
  if (node instanceof Fork) {
    const own = ownedFork(node, owner)
    if (bitAt(actor, depth) === 0) own.left = without(own.left, depth + 1, actor, owner)
    else own.right = without(own.right, depth + 1, actor, owner)
    own.count--
    return own.count > actorLeafMax ? own : gathered(own, owner)
  }
  const own = ownedLeaf(node, owner)
  const at = find(own.keys, actor)
  own.keys = own.keys.slice(0, at * actorBytes) + own.keys.slice((at + 1) * actorBytes)
  own.values.splice(at, 1)
  return own
}

function gathered<V>(node: MapNode<V>, owner: Owner): Leaf<V> {
  const leaves = [...leavesOf(node)]
  return new Leaf(
    owner,
    leaves.map(({ keys }) => keys).join(''),
    leaves.flatMap(({ values }) => values),
  )
}

/**
 * Visits what two nodes of one place hold, or only what they do not hold alike, until `visit` returns false. Returns
 * whether all was visited.
 */
function visitTwo<V>(
  a: MapNode<V>,
  b: MapNode<V>,
  depth: number,
  alike: Alike<V> | undefined,
  visit: Visit<V>,
): boolean {
  if (a === b && alike !== undefined) return true
  if (a instanceof Leaf && b instanceof Leaf) return visitLeaves(a, b, alike, visit)
  const [leftA, rightA] = a instanceof Leaf ? halvesOf(a, depth, a.owner) : [a.left, a.right]
  const [leftB, rightB] = b instanceof Leaf ? halvesOf(b, depth, b.owner) : [b.left, b.right]
  return visitTwo(leftA, leftB, depth + 1, alike, visit) && visitTwo(rightA, rightB, depth + 1, alike, visit)
}

function visitLeaves<V>(a: Leaf<V>, b: Leaf<V>, alike: Alike<V> | undefined, visit: Visit<V>): boolean {
  const isSameKeys = a.keys === b.keys
  let [atA, atB] = [0, 0]
  while (atA < a.count || atB < b.count) {
    const order = isSameKeys ? 0 : orderAt(a, atA, b, atB)
    const mine = order <= 0 ? a.values[atA]! : undefined
    const theirs = order >= 0 ? b.values[atB]! : undefined
    const isAlike = mine !== undefined && theirs !== undefined && alike?.(mine, theirs) === true
    if (!isAlike && !visit(order <= 0 ? a.keys : b.keys, order <= 0 ? atA : atB, mine, theirs)) return false
    if (order <= 0) atA++
    if (order >= 0) atB++
  }
  return true
}

function orderAt<V>(a: Leaf<V>, atA: number, b: Leaf<V>, atB: number): number {
  if (atA >= a.count) return 1
  if (atB >= b.count) return -1
  return compareKeys(a.keys, atA, b.keys, atB)
}
