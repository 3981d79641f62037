/** Digests as they travel: 8 bytes, salted for each session, and what a level-by-level descent does with them. */
import { putHash } from '../model/digest.js'
import { digestBytes, saltedDigestBytes } from '../model/roots.js'
import type { Prefix, TrieReader } from './types.js'

const digits = '0123456789abcdef'

/**
 * The wire forms of digests, from 16 bytes each to 8 bytes each, one after another: the first 8 bytes of SHA-256(salt
 * || digest). An empty node's digest, all zero, stays all zero, so that the reader knows that there is nothing. `salt`
 * holds a part of each side, so that nobody can prepare collisions. Throws RangeError for bytes that are no digests.
 */
export function saltedDigests(salt: Uint8Array, digests: Uint8Array): Buffer {
  if (digests.length % digestBytes !== 0) throw new RangeError(`not a list of digests: ${digests.length} bytes`)
  const count = digests.length / digestBytes
  const result = Buffer.alloc(count * saltedDigestBytes)
  const scratch = saltScratch(salt)
  for (let at = 0; at < count; at++) {
    saltInto(result, at * saltedDigestBytes, scratch, digests.subarray(at * digestBytes, (at + 1) * digestBytes))
  }
  return result
}

/** The prefixes `levels` below one, in order: 16 for one level, 256 for two. */
export function prefixesBelow(prefix: Prefix, levels = 1): Prefix[] {
  let result = [prefix]
  for (let level = 0; level < levels; level++) {
    result = result.flatMap((parent) => Array.from(digits, (digit) => parent + digit))
  }
  return result
}

/** My digests `levels` below a prefix in their wire form, in order: 16 × 8 bytes for one level, 256 × 8 for two. */
export function saltedBelow(trie: TrieReader, prefix: Prefix, salt: Uint8Array, levels = 1): Buffer {
  const prefixes = prefixesBelow(prefix, levels)
  const result = Buffer.alloc(prefixes.length * saltedDigestBytes)
  const scratch = saltScratch(salt)
  prefixes.forEach((below, at) => {
    saltInto(result, at * saltedDigestBytes, scratch, trie.node(below).digest)
  })
  return result
}

/** One place where the two tries differ. */
export interface Difference {
  readonly prefix: Prefix
  /** The peer has nothing there: everything of mine is its news, or was removed. */
  readonly isEmptyThere: boolean
}

/**
 * Places where the two tries differ: `theirs` are the peer's digests, as its saltedBelow gave them for the same prefix,
 * salt and levels. Throws a RangeError when there are not as many as there must be (check it when decoding).
 */
export function differencesBelow(
  trie: TrieReader,
  prefix: Prefix,
  salt: Uint8Array,
  theirs: Uint8Array,
  levels = 1,
): Difference[] {
  const mine = saltedBelow(trie, prefix, salt, levels)
  if (theirs.length !== mine.length) throw new RangeError(`${theirs.length} bytes of digests, not ${mine.length}`)
  const differences: Difference[] = []
  prefixesBelow(prefix, levels).forEach((below, at) => {
    if (!isSameSalted(mine, theirs, at)) differences.push({ prefix: below, isEmptyThere: isEmptySalted(theirs, at) })
  })
  return differences
}

/** True if the digest at a position of a list in wire form is that of an empty node. */
export function isEmptySalted(digests: Uint8Array, position: number): boolean {
  const start = position * saltedDigestBytes
  for (let at = start; at < start + saltedDigestBytes; at++) if (digests[at] !== 0) return false
  return true
}

function isSameSalted(mine: Uint8Array, theirs: Uint8Array, position: number): boolean {
  const start = position * saltedDigestBytes
  for (let at = start; at < start + saltedDigestBytes; at++) if (mine[at] !== theirs[at]) return false
  return true
}

/** The salt with room for a digest behind it. */
function saltScratch(salt: Uint8Array): Buffer {
  return Buffer.concat([salt, Buffer.alloc(digestBytes)])
}

function saltInto(target: Buffer, at: number, scratch: Buffer, digest: Uint8Array): void {
  if (digest.length !== digestBytes) throw new RangeError(`a digest of ${digest.length} bytes, not ${digestBytes}`)
  if (digest.every((byte) => byte === 0)) return
  scratch.set(digest, scratch.length - digestBytes)
  putHash(target, at, saltedDigestBytes, scratch)
}
