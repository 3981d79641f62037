/** Inner nodes of the trie: 16 children and the digest over theirs. */
import { putHash } from '../model/digest.js'
import { digestBytes, fanout } from '../model/roots.js'
import { Leaf } from './leaf.js'

const innerDomain = 0x01
const input = Buffer.alloc(1 + fanout * digestBytes)

/** The digest of an empty node: 16 zero bytes. May not be changed. */
export const emptyDigest: Uint8Array = new Uint8Array(digestBytes)

/** A node with more entries below it than a leaf holds. */
export class Inner {
  readonly children: (Inner | Leaf | undefined)[] = new Array(fanout).fill(undefined)
  /** Out of date while `isDirty`. */
  readonly digest = new Uint8Array(digestBytes)
  /** Entries below. */
  count = 0
  /** True if anything below has changed since the digest was computed. */
  isDirty = true

  /** Recomputes the digest. No child may be dirty. */
  rehash(): void {
    input[0] = innerDomain
    this.children.forEach((child, nibble) => {
      const at = 1 + nibble * digestBytes
      if (child instanceof Leaf) child.copyDigest(input, at)
      else input.set(child?.digest ?? emptyDigest, at)
    })
    putHash(this.digest, 0, digestBytes, input)
    this.isDirty = false
  }
}
