/**
 * Constants that decide roots, all of them: two nodes that differ in one of them would hold the same data and never
 * have equal roots, and would compare for ever. So every change of one is a new version, which the id of the sync
 * protocol carries: nodes of two versions do not compare at all.
 */

/** The version of everything below, of the form of updates (codec.ts), and of the messages that sync is made of. */
export const rootsVersion = 2

/** Bytes of the digests of values, entries and nodes of the tree, in memory and on the disk. */
export const digestBytes = 16
/** Bytes of an address's id, its place in the tree. */
export const idBytes = 16
/** Bytes of a content digest: what stands at a dot, and what a reissue is named by. */
export const contentDigestBytes = 8
/**
 * Bytes of a digest on the wire. Never 4: an equal subtree is covered by the union of contexts, so a false "equal"
 * loses data.
 */
export const saltedDigestBytes = 8
/** Entries that a leaf of the tree holds; one more and it splits, back at this many and it collapses. */
export const leafEntriesMax = 32
/** Children of an inner node of the tree: one for each value of a nibble. */
export const fanout = 16
