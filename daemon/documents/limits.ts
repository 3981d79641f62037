/** The limits of the thread that works on documents, by name. */

/** Time for one document, in milliseconds; then the thread is terminated, and started again for the others. */
export const documentCallMs = 60_000
/** Calls that wait for it, and the bytes that they bring; more are refused. */
export const documentCallsWaitingMax = 1_024
export const documentBytesWaitingMax = 256 * 1024 * 1024
/** Memory of its heap, in MiB, and of the young part of it. */
export const documentHeapMiB = 256
export const documentYoungHeapMiB = 16
/** Memory of the library beside that heap, in bytes: beyond what is expected of any document that is let in. */
export const documentWasmBytesMax = 1024 * 1024 * 1024
/** Memory of the library from which on its failure is taken for want of memory, in bytes. */
export const documentWasmBytesHigh = 256 * 1024 * 1024
/** Time without a call after which the thread ends, in milliseconds: its memory never shrinks. */
export const documentIdleMs = 60_000
