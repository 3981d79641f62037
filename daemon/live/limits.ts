/** Every limit of the live stream, by name. */

/** Readers at once. */
export const liveReadersMax = 16
/** Bytes that wait for one reader; one that lets more wait is cut. */
export const liveQueueBytesMax = 1024 * 1024
/** Time for which a reader may take nothing while something waits for it, in milliseconds. */
export const liveStallMs = 30_000
/**
 * Shortest pause between two looks at the status, in milliseconds, and how many times the length of a look it is at
 * least.
 */
export const statusPauseMs = 500
export const statusPauseFactor = 20
/** Time after which the status is sent although only its times have changed, in milliseconds. */
export const statusRefreshMs = 10_000
/** Interval of the rates, in milliseconds. */
export const ratesMs = 1_000
/** Requests a second whose time counts for the percentiles. */
export const timedRequestsMax = 4_096
/** Changes sent one by one in a second. */
export const changesPerSecondMax = 50
/** Sessions kept, and steps of each. */
export const sessionsKept = 20
export const stepsKept = 256
