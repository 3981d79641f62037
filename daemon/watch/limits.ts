/** Every limit of the change feed's readers, by name; how often they hear something is in protocols/api/limits.ts. */

/** Readers at once. */
export const watchersMax = 256
/** Time after which a reader is cut that takes nothing while something waits for it, in milliseconds. */
export const stallMsMax = 30_000
/** The last events, kept for all readers together, and bytes of their values and of what is sent of them. */
export const recentEventsMax = 4096
export const recentBytesMax = 8 * 1024 * 1024
/** Bytes handed to a connection at once; one event may be larger. */
export const chunkBytesMax = 64 * 1024
/**
 * Time for which the log keeps the events after a reader's position once it has disconnected, also over a restart, in
 * milliseconds.
 */
export const holdMs = 120_000
