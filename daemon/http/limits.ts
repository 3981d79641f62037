/**
 * Every limit and default of the HTTP API that clients need not know, by name; the others are in
 * protocols/api/limits.ts.
 */

/** Time in which the headers of a request must arrive, in milliseconds. */
export const headersTimeoutMs = 15_000
/** Longest silence of a connection in the middle of a request or an answer, in milliseconds. */
export const idleSocketMs = 120_000
/** Time for which an idle connection is kept for the next request, in milliseconds. */
export const keepAliveMs = 60_000
/** Longest silence in the middle of a body, in milliseconds. */
export const bodyIdleMs = 30_000
/**
 * Time for which the rest of a refused body is read, so that the answer reaches a client that still sends, in
 * milliseconds.
 */
export const drainMsMax = 60_000
/** Connections at once on one listener. */
export const apiConnectionsMax = 4096

/** Bytes of a value that is written to the socket together with the head of its answer. */
export const joinedBytesMax = 16 * 1024
/** Bytes of a JSON body beside the value in it. */
export const jsonBodyBytesMax = 1024 * 1024
/** A value in JSON takes at most so many times its bytes (`\u0000` for one byte). */
export const jsonValueFactor = 6
/** Characters of an Idempotency-Key. */
export const retryKeyCharactersMax = 255

/** Time for which a write or read waits for other nodes when the request does not say, in milliseconds. */
export const nodesTimeoutMsDefault = 5_000
/** Members that the message of a wait names when they were missing; all of them are in its details. */
export const missingNamedMax = 5
/** The longest time to live, in milliseconds: a hundred years. */
export const ttlMsMax = 100 * 365.25 * 24 * 3600 * 1000

/** Lines of an import that are written together, and their bytes; two such groups are under way at most. */
export const importGroupLines = 500
export const importGroupBytes = 8 * 1024 * 1024
/** Bytes of an export gathered before they are sent. */
export const exportChunkBytes = 64 * 1024
/** Bytes of values in one page of a listing; a page that reaches it ends early. */
export const pageBytesMax = 16 * 1024 * 1024
/** Conflicts read at once. */
export const conflictsAtOnce = 16
/** Time for joining or syncing before the connection is given up, in milliseconds. */
export const workTimeoutMs = 15 * 60_000
/** Resolutions that can be undone, and bytes of what they settled. */
export const undosKept = 20
export const undoBytesMax = 32 * 1024 * 1024
