/** Every limit of documents, by name. */

/**
 * Objects and lists within one another, the root counted. Deeper values are refused, and not shown when a peer sent
 * them.
 */
export const documentDepthMax = 64
/** Values (objects, lists, texts, numbers …) in one document or patch that a client sends. */
export const documentValuesMax = 100_000
/** Operations in one JSON patch. */
export const patchOperationsMax = 1_000
/** Values that one JSON patch may copy, compare and search, all operations together. */
export const patchWorkMax = 1_000_000
/** Versions that one read merges, in the order of their dots; an edit of these makes room for the rest. */
export const documentSiblingsMax = 1_024
/** Conflicts inside of one document that are listed. */
export const documentConflictsMax = 10_000
/**
 * Pairs of elements that the difference of two lists compares; above it the lists are taken as different between their
 * common ends.
 */
export const listPairsMax = 1_000_000
/** Changes that a context of a document names. */
export const contextHeadsMax = 1_024
/** Rows of the longest column of a saved document: operations in its history, or what they name. */
export const documentRowsMax = 1_000_000
/** Memory that the library takes for a row, and for a byte of a column, in bytes, as measured (decision 50). */
export const rowMemoryBytes = 640
export const columnMemoryFactor = 4
/**
 * Memory that one read takes by these numbers, all versions together; what is beyond waits for an edit that merges
 * these. A saved document that takes more by itself is refused.
 */
export const documentMemoryBytesMax = 768 * 1024 * 1024
/** Bytes of one column of a saved document, inflated. */
export const documentColumnBytesMax = 64 * 1024 * 1024
/** Number of attempts at an edit while other versions keep coming; the last result is stored beside them. */
export const editAttemptsMax = 5
