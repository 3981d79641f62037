/** Every limit of the doctor, by name. */

/** Free bytes of the disk below which the doctor warns, and below which it fails the disk. */
export const diskWarnBytes = 2 * 1024 ** 3
export const diskFailBytes = 256 * 1024 ** 2
/** Time for which a member may be away before the doctor warns, in milliseconds: a restart takes less. */
export const awayWarnMs = 60_000
/**
 * Time without a session that ended well after which sync with an unequal member counts as stuck, in milliseconds; at
 * least so many intervals of anti-entropy.
 */
export const stuckMs = 60_000
export const stuckIntervals = 6
/** Time after which a stuck sync fails the check, in milliseconds. */
export const stuckFailMs = 15 * 60_000
/** Shortest time over which the growth of the log is measured, in milliseconds. */
export const growthMs = 60_000
/** Own addresses that are tried, and the time for each, in milliseconds. */
export const addressesTriedMax = 16
export const addressTryMs = 500
/**
 * Time for which the outcome is kept, in milliseconds: strangers' sockets are limited by their host, and these count
 * among them.
 */
export const addressesKeptMs = 60_000
