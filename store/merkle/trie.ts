/**
 * The hash trie: 16-ary over the nibbles of the ids, kept up incrementally; its shape and digests depend on the content
 * alone.
 */
import { digestBytes } from '../model/digest.js'
import type { Dot } from '../model/dot.js'
import { fanout, idBytes, leafEntriesMax } from '../model/roots.js'
import { emptyDigest, Inner } from './inner.js'
import { Leaf, LeafSlabs, leafPairBytes, nibbleAt } from './leaf.js'
import { assertPrefix, comparePrefix, digitAt } from './prefix.js'
import type { Prefix, TrieEntry, TrieNode, TrieReader } from './types.js'

/** Part of the trie at a prefix: an inner node, or the run of a leaf's entries that match the prefix. */
type Found = { readonly inner: Inner } | { readonly leaf: Leaf; readonly from: number; readonly to: number } | undefined

/** State of a walk over entries: its bounds, and the entries found so far. */
interface Walk {
  readonly after: Uint8Array | undefined
  readonly limit: number
  readonly result: TrieEntry[]
}

/**
 * The trie of one store's live entries. A leaf splits above 32 entries and an inner node collapses at 32, so that any
 * order of insertions and deletions of the same content ends in the same tree. A digest is the first 16 bytes of a
 * SHA-256: of 0x00, then id and digest of each entry in order of ids (leaf), or of 0x01, then the digests of the 16
 * children, zero for an empty one (inner node). Changes mark their path dirty; digests are recomputed when asked for.
 * Source: Merkle, A Digital Signature Based on a Conventional Encryption Function (1987); Bagwell, Ideal Hash Trees
 * (2001).
 */
export class Trie implements TrieReader {
  readonly #slabs = new LeafSlabs()
  readonly #path: Inner[] = []
  #top: Inner | Leaf | undefined

  /** Entries in all. */
  get size(): number {
    return this.#top?.count ?? 0
  }

  /** Bytes that the packed entries hold, spare room included. */
  get packedBytes(): number {
    return this.#slabs.bytes
  }

  /**
   * Adds an entry, or puts another digest and locator under its id. Throws a RangeError when id or digest is not 16
   * bytes.
   */
  set(id: Uint8Array, digest: Uint8Array, locator: Dot): void {
    assertBytes(id, idBytes, 'id')
    assertBytes(digest, digestBytes, 'digest')
    let depth = this.#descend(id)
    let leaf = this.#leafBelow(depth, id)
    const position = leaf?.find(id) ?? ~0
    if (leaf !== undefined && position >= 0) {
      if (leaf.replace(position, digest, locator)) this.#touch(depth, 0)
      return
    }
    while (leaf !== undefined && leaf.count === leafEntriesMax) {
      const inner = this.#split(leaf, depth)
      this.#attach(depth, id, inner)
      this.#path[depth++] = inner
      leaf = this.#leafBelow(depth, id)
    }
    if (leaf === undefined) {
      leaf = new Leaf(this.#slabs, 1)
      this.#attach(depth, id, leaf)
    }
    leaf.insert(~leaf.find(id), id, digest, locator)
    this.#touch(depth, 1)
  }

  /** Removes an entry. Returns whether it was there. */
  delete(id: Uint8Array): boolean {
    assertBytes(id, idBytes, 'id')
    const depth = this.#descend(id)
    const leaf = this.#leafBelow(depth, id)
    const position = leaf?.find(id) ?? -1
    if (leaf === undefined || position < 0) return false
    leaf.remove(position)
    this.#touch(depth, -1)
    const shrunk = this.#path.findIndex((inner, at) => at < depth && inner.count <= leafEntriesMax)
    if (shrunk >= 0) {
      this.#attach(shrunk, id, this.#collapse(this.#path[shrunk]!))
    } else if (leaf.count === 0) {
      this.#attach(depth, id, undefined)
      leaf.release()
    }
    return true
  }

  /** The root's digest, 16 bytes; all zero when empty. */
  root(): Uint8Array {
    return this.node('').digest
  }

  /** The node at a prefix; recomputes dirty digests there. Throws a RangeError when it is not a prefix. */
  node(prefix: Prefix): TrieNode {
    const found = this.#find(prefix)
    if (found === undefined) return { kind: 'empty', count: 0, digest: Uint8Array.from(emptyDigest) }
    if ('inner' in found) {
      this.#refresh(found.inner, Number.POSITIVE_INFINITY)
      return { kind: 'inner', count: found.inner.count, digest: Uint8Array.from(found.inner.digest) }
    }
    const { leaf, from, to } = found
    const count = to - from
    if (count < leaf.count) return { kind: 'leaf', count, digest: Uint8Array.from(leaf.digestOf(from, to)) }
    if (leaf.isDirty) leaf.refresh()
    const digest = new Uint8Array(digestBytes)
    leaf.copyDigest(digest, 0)
    return { kind: 'leaf', count, digest }
  }

  /**
   * Recomputes dirty digests, at most about `nodesMax` of them (a microsecond or two each), so that much work can be
   * done in slices. Returns whether all are up to date.
   */
  refresh(nodesMax: number): boolean {
    return this.#top === undefined || this.#refresh(this.#top, nodesMax) > 0
  }

  /** The entries below a prefix in order of their ids: those after `after`, at most `limit`. */
  entries(prefix: Prefix, options: { readonly after?: Uint8Array; readonly limit?: number } = {}): TrieEntry[] {
    const walk: Walk = { after: options.after, limit: options.limit ?? Number.POSITIVE_INFINITY, result: [] }
    const found = this.#find(prefix)
    if (found === undefined || walk.limit <= 0) return walk.result
    if (walk.after !== undefined) assertBytes(walk.after, idBytes, 'id')
    const order = walk.after === undefined ? 1 : comparePrefix(prefix, walk.after)
    if (order < 0) return walk.result
    if ('inner' in found) this.#collect(found.inner, prefix.length, order === 0, walk)
    else this.#collectLeaf(found.leaf, found.from, found.to, order === 0, walk)
    return walk.result
  }

  /** True if there is an entry of an id. */
  has(id: Uint8Array): boolean {
    assertBytes(id, idBytes, 'id')
    return (this.#leafBelow(this.#descend(id), id)?.find(id) ?? -1) >= 0
  }

  /** The entry of an id. */
  get(id: Uint8Array): TrieEntry | undefined {
    assertBytes(id, idBytes, 'id')
    const leaf = this.#leafBelow(this.#descend(id), id)
    const position = leaf?.find(id) ?? -1
    return leaf === undefined || position < 0 ? undefined : this.#entriesOf(leaf, position, position + 1)[0]
  }

  /** Follows an id through the inner nodes, which it leaves in #path. Returns how many there were. */
  #descend(id: Uint8Array): number {
    let depth = 0
    let node = this.#top
    while (node instanceof Inner) {
      this.#path[depth] = node
      node = node.children[nibbleAt(id, depth++)]
    }
    this.#path.length = depth
    return depth
  }

  /** The leaf below the path of so many inner nodes. */
  #leafBelow(depth: number, id: Uint8Array): Leaf | undefined {
    const node = depth === 0 ? this.#top : this.#path[depth - 1]!.children[nibbleAt(id, depth - 1)]
    return node instanceof Leaf ? node : undefined
  }

  /** Puts a node where the path of so many inner nodes leads. */
  #attach(depth: number, id: Uint8Array, node: Inner | Leaf | undefined): void {
    if (depth === 0) this.#top = node
    else this.#path[depth - 1]!.children[nibbleAt(id, depth - 1)] = node
  }

  /** Marks the path dirty and adds to its counts. */
  #touch(depth: number, change: number): void {
    for (let at = 0; at < depth; at++) {
      const inner = this.#path[at]!
      inner.isDirty = true
      inner.count += change
    }
  }

  /** An inner node with the entries of a full leaf, which is released. */
  #split(leaf: Leaf, depth: number): Inner {
    const inner = new Inner()
    inner.count = leaf.count
    for (let from = 0; from < leaf.count; ) {
      const nibble = leaf.nibble(from, depth)
      let to = from + 1
      while (to < leaf.count && leaf.nibble(to, depth) === nibble) to++
      const child = new Leaf(this.#slabs, to - from)
      child.append(leaf, from, to)
      inner.children[nibble] = child
      from = to
    }
    leaf.release()
    return inner
  }

  /** A leaf with all entries below an inner node, whose leaves are released. */
  #collapse(inner: Inner): Leaf {
    const leaf = new Leaf(this.#slabs, inner.count)
    const gather = (node: Inner | Leaf | undefined): void => {
      if (node instanceof Inner) {
        node.children.forEach(gather)
      } else if (node !== undefined) {
        leaf.append(node, 0, node.count)
        node.release()
      }
    }
    gather(inner)
    return leaf
  }

  /**
   * Recomputes what is dirty below a node, children first. Returns what is left of the allowance; nothing: not done.
   */
  #refresh(node: Inner | Leaf, allowance: number): number {
    if (!node.isDirty) return allowance
    if (allowance <= 0) return 0
    if (node instanceof Leaf) {
      node.refresh()
      return allowance - 1
    }
    let left = allowance
    for (const child of node.children) {
      if (child !== undefined) left = this.#refresh(child, left)
      if (left <= 0) return 0
    }
    node.rehash()
    return left - 1
  }

  #find(prefix: Prefix): Found {
    assertPrefix(prefix)
    let node = this.#top
    let depth = 0
    while (node instanceof Inner && depth < prefix.length) node = node.children[digitAt(prefix, depth++)]
    if (node === undefined) return undefined
    if (node instanceof Inner) return { inner: node }
    return matchingRun(node, prefix, depth)
  }

  #collect(node: Inner | Leaf, depth: number, isTight: boolean, walk: Walk): void {
    if (node instanceof Leaf) {
      this.#collectLeaf(node, 0, node.count, isTight, walk)
      return
    }
    const first = isTight ? nibbleAt(walk.after!, depth) : 0
    for (let nibble = first; nibble < fanout && walk.result.length < walk.limit; nibble++) {
      const child = node.children[nibble]
      if (child !== undefined) this.#collect(child, depth + 1, isTight && nibble === first, walk)
    }
  }

  #collectLeaf(leaf: Leaf, from: number, to: number, isTight: boolean, walk: Walk): void {
    let start = from
    if (isTight) {
      const position = leaf.find(walk.after!)
      start = Math.max(from, position < 0 ? ~position : position + 1)
    }
    const end = Math.min(to, start + walk.limit - walk.result.length)
    if (start < end) walk.result.push(...this.#entriesOf(leaf, start, end))
  }

  #entriesOf(leaf: Leaf, from: number, to: number): TrieEntry[] {
    const pairs = leaf.pairs(from, to)
    const entries: TrieEntry[] = []
    for (let position = from; position < to; position++) {
      const at = (position - from) * leafPairBytes
      entries.push({
        id: pairs.subarray(at, at + idBytes),
        digest: pairs.subarray(at + idBytes, at + leafPairBytes),
        locator: leaf.locator(position),
      })
    }
    return entries
  }
}

/** The run of a leaf's entries that match a prefix of which the first `depth` digits led to the leaf. */
function matchingRun(leaf: Leaf, prefix: Prefix, depth: number): Found {
  let from = 0
  let to = leaf.count
  for (let at = depth; at < prefix.length && from < to; at++) {
    const wanted = digitAt(prefix, at)
    while (from < to && leaf.nibble(from, at) !== wanted) from++
    while (from < to && leaf.nibble(to - 1, at) !== wanted) to--
  }
  return from < to ? { leaf, from, to } : undefined
}

function assertBytes(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new RangeError(`an ${what} of ${bytes.length} bytes, not ${length}`)
}
