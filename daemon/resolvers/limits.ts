/**
 * The limits of resolvers, by name. Those that decide whether there is a result are the same on every node, and no
 * setting. Of rules: see protocols/membership/limits.ts.
 */

/** Results that are remembered, and their bytes. */
export const resultsKept = 4_096
export const resultBytesKept = 32 * 1024 * 1024

/** Bytes of JSON versions that are merged at once; more wait for a turn of their own. */
export const jsonBytesAtOnceMax = 16 * 1024

/** Modules of one node, each of which has a thread. */
export const modulesMax = 16
/** Bytes of an application's module. */
export const moduleBytesMax = 4 * 1024 * 1024
/** Versions, and their bytes, that a module is given at once; more stay siblings. */
export const moduleVersionsMax = 256
export const moduleInputBytesMax = 8 * 1024 * 1024
/** Bytes of what a module returns; more, and the versions stay siblings. */
export const moduleResultBytesMax = 8 * 1024 * 1024
/** Memory of a module's thread, in MiB: its heap, the young part of it, and its stack. */
export const moduleHeapMiB = 128
export const moduleYoungHeapMiB = 16
export const moduleStackMiB = 4
/** Characters of a module's error that are shown. */
export const reasonCharactersMax = 300

/** Time for loading a module into its thread, in milliseconds. */
export const moduleStartMs = 10_000
/** Time for one call of a module, in milliseconds; then its thread is terminated. */
export const moduleCallMs = 1_000
/** Time that a read waits for a module, in milliseconds; then siblings are shown. */
export const readWaitMs = 2_000
/** Calls that wait for a module; more, and siblings are shown. */
export const callsWaitingMax = 1_024
/**
 * Time for which siblings are shown without asking again, after a read waited in vain, and after a call timed out or
 * its thread ended, in milliseconds.
 */
export const retryBusyMs = 1_000
export const retryFailedMs = 60_000
/** After so many calls in a row that were late or ended the thread, a module rests for so many milliseconds. */
export const failuresInRowMax = 3
export const moduleRestMs = 60_000

/** Time for one call of the check, and for the whole check, in milliseconds. */
export const checkCallMs = 5_000
export const checkMs = 30_000
/** Generated sets of versions that a module is checked with, and sets made from its own examples. */
export const checkSets = 40
export const checkExampleSets = 20
/** Examples of a module that are used, and bytes of each. */
export const examplesMax = 32
export const exampleBytesMax = 64 * 1024
