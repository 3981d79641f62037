/**
 * Every limit of the data model, by name. Decoders enforce them before they allocate, and encoders assert the same
 * ones: what a writer may encode, every reader accepts. Rows on the disk have none but the bytes that are there: what
 * was stored is read.
 */

/** Bytes of a key, in UTF-8. */
export const keyBytesMax = 1024
/** Bytes of a set's member or a map's field. */
export const fieldBytesMax = 1024
/** Bytes of a value that any peer accepts; `values.maxBytes` binds clients and may be less, never more. */
export const valueBytesMax = 64 * 1024 * 1024
/** Default of `values.maxBytes`. */
export const clientValueBytesDefault = 8 * 1024 * 1024
/**
 * Dots that one update supersedes: a local write that supersedes more issues several, and so many at most are accepted.
 */
export const supersedesAim = 32_768
export const supersedesMax = 65_536
/** Versions at one address in one message. Rows have no such limit: what has come is kept. */
export const versionsMax = 131_072
/**
 * Versions at one address of a register, a field or a document that a local write may leave there, and the bytes of
 * their values in all.
 */
export const localVersionsMax = 1_000
export const localVersionBytesMax = 16 * 1024 * 1024
/** Chains of a counter that one version names; whatever they are, they fit a value. */
export const chainsMax = 500_000
/** Chains that a delete or an import names in one version; more are spread over several. */
export const resetChainsMax = 32_768
/**
 * Last increments of a chain that each of its totals carries, so that two copies of one process are told apart; and
 * their bytes at most.
 */
export const counterTrailMax = 64
export const counterTrailBytesMax = 1024
/** Time after its last increment for which a folded total keeps its trail, in milliseconds: as long as digests do. */
export const counterTrailKeptMs = 30 * 24 * 3600 * 1000
/** Bytes of one fold of a counter's totals, roughly; what is more makes another one. */
export const foldBytes = 256 * 1024
/** Chains of folds that are remembered as they were read, all counters together. */
export const foldChainsKeptMax = 65_536
/** Bytes of all trails in one baseline, roughly: one of many chains carries shorter ones. */
export const baselineTrailBytesAim = 1024 * 1024
/** Actors in one leaf of a map of actors: beyond, it is divided by the next bit of their ids. */
export const actorLeafMax = 128
/** Actors in one context on the wire. */
export const contextActorsMax = 1_000_000
/**
 * Ranges of one actor in one context on the wire: more than a message has room for, whatever a rebuilt context looks
 * like.
 */
export const contextRangesMax = 16_777_216
/** Wall-clock milliseconds of a hybrid logical time, and its count within one. */
export const timeMsMax = 2 ** 48 - 1
export const logicalMax = 0xffff
/** Updates in one frame. */
export const frameUpdatesMax = 65_536
/** Default bound on how far in the future a hybrid logical time may lie before it is shown last, in milliseconds. */
export const clockBoundMsDefault = 60_000
/**
 * Objects and arrays within one another in a JSON text: deeper bodies of requests are refused, deeper texts are not
 * merged and stay siblings.
 */
export const jsonDepthMax = 128
/**
 * Bytes of all versions of a JSON text that is merged; larger ones stay siblings: everything waits for the tens of
 * milliseconds that it takes.
 */
export const jsonMergeBytesMax = 512 * 1024
