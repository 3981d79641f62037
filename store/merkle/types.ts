/**
 * Reading side of the hash trie: its interface, and the nodes and entries that it returns. The trie itself is in
 * trie.ts.
 */
import type { Dot } from '../model/dot.js'

/** A path from the root: hexadecimal digits, one nibble each; '' is the root. */
export type Prefix = string

/** One entry as the trie knows it. */
export interface TrieEntry {
  /** The first 16 bytes of SHA-256(address). */
  readonly id: Uint8Array
  /** The entry's digest, 16 bytes. */
  readonly digest: Uint8Array
  /** A live dot of the entry: through the dot index it leads to the address. */
  readonly locator: Dot
}

/**
 * Node at a prefix. A prefix below a leaf is a leaf with the entries that match it (so a leaf may be compared in
 * smaller pieces).
 */
export interface TrieNode {
  readonly kind: 'empty' | 'leaf' | 'inner'
  /** Entries below. */
  readonly count: number
  /** 16 bytes; all zero for an empty node. */
  readonly digest: Uint8Array
}

/** Reading side of the trie. Digests of changed paths are recomputed when asked for. */
export interface TrieReader {
  /** Entries in all. */
  readonly size: number
  /** The root's digest, 16 bytes; all zero when empty. */
  root(): Uint8Array
  /** Recomputes at most about `nodesMax` digests of changed paths. Returns whether all are up to date. */
  refresh(nodesMax: number): boolean
  /** The node at a prefix. */
  node(prefix: Prefix): TrieNode
  /**
   * The entries below a prefix, in order of their ids. `after` skips ids up to and including it; `limit` bounds them.
   */
  entries(prefix: Prefix, options?: { readonly after?: Uint8Array; readonly limit?: number }): TrieEntry[]
  /** The entry of an id. */
  get(id: Uint8Array): TrieEntry | undefined
}
