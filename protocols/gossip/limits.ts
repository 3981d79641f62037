/** The limits of gossip, by name. */
import { valueBytesMax } from '../../store/model/limits.js'

/** Bytes of one gossip message, as sent and as accepted; a group that does not fit is announced and fetched. */
export const gossipBytesAim = 64 * 1024
export const gossipBytesMax = 256 * 1024
/** Bytes of local writes waiting to be published; beyond it they are left to sync. */
export const outboxBytesMax = 16 * 1024 * 1024
/** Messages, and their bytes, that wait to be applied; beyond it they are dropped and left to sync. */
export const inboxMessagesMax = 4_096
export const inboxBytesMax = 16 * 1024 * 1024
/** Bytes of waiting messages that are applied in one batch. */
export const gossipBatchBytesMax = 1024 * 1024
/** Bytes of the values of one group, as announced and as fetched; a larger one is left to sync. */
export const fetchBytesAim = 64 * 1024 * 1024
export const fetchBytesMax = 96 * 1024 * 1024
/** Dots of one announcement, as sent and as accepted. */
export const announcedDotsAim = 4_096
export const announcedDotsMax = 16_384
/**
 * Bytes that a fetch may bring beside the announced values: addresses, and updates that superseded announced ones
 * meanwhile.
 */
export const fetchSlackBytes = 8 * 1024 * 1024
/** Bytes of one frame of the fetch protocol: the largest value and what surrounds it. */
export const fetchFrameBytesMax = valueBytesMax + 4 * 1024 * 1024
/** Bytes of updates that are put into one frame, unless a single update is larger. */
export const fetchFrameBytesAim = 256 * 1024
/** Announcements waiting for their fetch. */
export const pendingAnnouncementsMax = 256
/** Fetches under way at once, and their announced bytes (a single one may be greater). */
export const fetchesMax = 4
export const fetchesBytesMax = 128 * 1024 * 1024
/** Fetches answered at once, and of these to one peer: twice as many as it has under way when it is as this one is. */
export const servesMax = 16
export const servesPerPeerMax = 8
/** Times that a fetch is tried, each with the next neighbour. */
export const fetchAttemptsMax = 6
/**
 * Wait before a fetch is tried again, in milliseconds; doubled each time, jittered by half, and at most the second
 * number.
 */
export const fetchRetryMs = 50
export const fetchRetryMsMax = 2_000
/**
 * Time without a frame after which a fetch is broken off; time for a whole fetch; and bytes that earn it one second
 * more, so that a peer that trickles valid frames does not hold its slot for ever.
 */
export const fetchProgressMs = 10_000
export const fetchTotalMs = 60_000
export const fetchBytesPerSecondMin = 16 * 1024
