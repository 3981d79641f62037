/** The limits of the thread that works on documents, by name. */

/** Time for one document, in milliseconds; then the thread is terminated, and started again for the others. */
export const documentCallMs = 60_000
/** Calls that wait for it, and the bytes that they bring; more are refused. */
export const documentCallsWaitingMax = 1_024
export const documentBytesWaitingMax = 256 * 1024 * 1024
/** Memory of its heap, in MiB; the library has its own beside it. */
export const documentHeapMiB = 512
