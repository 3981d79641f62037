/** Every limit of the sync protocol, by name. */
import { valueBytesMax } from '../../store/model/limits.js'
import { rootsVersion } from '../../store/model/roots.js'
import type { Protocol } from '../network.js'

/**
 * The version in the first message; another one is answered with `busy version`. It is that of all that decides roots.
 */
export const syncVersion = rootsVersion

/**
 * Bytes of a piece of a message in one frame, as sent and as accepted: a slow link still shows progress while a large
 * value travels.
 */
export const pieceBytesAim = 256 * 1024
export const pieceBytesMax = 1024 * 1024
/** Bytes of a piece that others follow, at least: a message is not made of crumbs. */
export const pieceBytesMin = pieceBytesAim / 4
/** Bytes of one whole message: the largest value, and the actors, addresses and superseded dots around it. */
export const messageBytesMax = valueBytesMax + 16 * 1024 * 1024
/** Bytes that whole messages are aimed at; a single larger value makes a larger one. */
export const messageBytesAim = 128 * 1024
/**
 * Bytes of updates asked of the log for one message: the receiver applies it in one turn, in which nobody else is
 * served.
 */
export const deltaBytesAim = 48 * 1024
/**
 * Rows of the log that a delta may look at before they must have brought something, and the least share of them that
 * must have.
 */
export const deltaLookedMax = 16_384
export const deltaBroughtShareMin = 0.25
/** Values of one entry beyond so many bytes travel ahead, one message each. */
export const entryBytesAim = 1024 * 1024

/** The protocol as the network knows it. */
export const syncProtocol: Protocol = { id: `/hearsay/sync/${syncVersion}`, frameBytesMax: pieceBytesMax + 1 }

/** Bytes of each side's part of the session's salt. */
export const saltBytes = 8
/** Actors whose dots changed against the baseline, in one capture. */
export const captureActorsMax = 1_000_000
/** Actors from which on the opening message names them by a table; fewer cost less than a table that differs. */
export const tableActorsMin = 64
/** Actors below a prefix that a swap of tables lists rather than divides. */
export const tableListedActors = 16
/** Digests of parts of a table; a false "equal" is found by the table's own digest, which is whole. */
export const tableDigestBytes = 8
/** Prefixes that one message of a swap divides, as sent (the rest is listed), and nodes of one message as accepted. */
export const tableNodesAim = 1_024
export const tableNodesMax = 65_536
/** Messages of one swap of tables: ids of actors have 16 digits. */
export const tableTurnsMax = 20
/** Time for which a peer that does not know tables is sent full contexts, in milliseconds. */
export const noTablesMs = 3_600_000
/** Peers of which that is remembered. */
export const noTablesPeersMax = 1_024
/** Entries in all that are listed instead of 256 digests, in the first message of a descent. */
export const helloListingAim = 256
/** Entries below a prefix that are listed rather than divided further. */
export const listingAim = 32
/** Entries of one listing that are accepted. */
export const listingEntriesMax = 65_536
/** Nodes, and answered blocks, of one message, as sent and as accepted. */
export const treeNodesAim = 16_384
export const treeNodesMax = 65_536
/** Nodes that one side may put into one turn: a tree of 16^5 leaves that differ everywhere. */
export const turnNodesMax = 4_000_000
/** Positions that one message wants, as sent and as accepted. */
export const wantsAim = 65_536
export const wantsMax = 1_000_000
/** Entries of one message. */
export const messageEntriesMax = 65_536
/** Entries that are put into one message, and joined in one batch. */
export const messageEntriesAim = 256
/** Batches of entries joined, while the peer waits for our turn, before it gets a sign of life. */
export const doubtedBatchesMax = 16
/** Versions of one entry beyond which they travel ahead, in messages of so many at most. */
export const entryVersionsAim = 1_024
/** Addresses of which one turn asks the values, as sent and as accepted. */
export const valuesAim = 1_024
export const valuesMax = 4_096
/** Digests in one message: those that are sent, and those that are accepted. */
export const digestsAim = 4_096
export const digestsMax = 65_536
/**
 * Dots with clashes: those of one message as sent, those of one turn as sent, and those that are accepted of either.
 */
export const clashesAim = 4_096
export const turnClashesAim = 32_768
export const clashesMax = 65_536
/** Bytes of a value that a comparison sends along; of a longer one it names the dot, the time and the digest. */
export const comparedValueBytesMax = 1_024
/**
 * Bytes of digests in one turn of a comparison that are accepted: of the side that asks, and of the one that answers.
 */
export const comparedQuestionBytesMax = 4 * 1024 * 1024
export const comparedAnswerBytesMax = 64 * 1024 * 1024
/** Comparisons with peers that one node asks for at once. */
export const comparisonsMax = 2
/** Messages of one session that are skipped because only a later version knows them. */
export const skippedMessagesMax = 1_000
/** Turns of a descent: ids have 32 nibbles; more can only be ill will. */
export const treeTurnsMax = 48
/** Digests computed, or entries looked at, before others get a turn. */
export const sliceMax = 2_000

/** Differences younger than this are left to gossip by periodic sessions, in milliseconds. */
export const youngMs = 2_000

/** Work of a session after which others get a turn, in milliseconds. */
export const turnMsMax = 5
/** Applies and joins under way at once in one session. */
export const pendingWritesMax = 3
/** Sessions that peers may have open with us at once; all but one of them are answered only with `busy` or `equal`. */
export const inboundSessionsMax = 32
/** Sessions of one peer among these; a peer that keeps to the protocol has one, and some that are about to end. */
export const inboundSessionsPerPeerMax = 4
/**
 * Longest wait of a session for the first frame of the peer, in milliseconds: until then it may hold the slot for
 * nothing.
 */
export const firstFrameTimeoutMs = 10_000
/** Longest wait of a session for any other frame of the peer, in milliseconds. */
export const progressTimeoutMs = 30_000
/** Longest wait of a session for the peer in all, in milliseconds, before the bytes that were transferred extend it. */
export const peerWaitMs = 60_000
/**
 * Rate at which transferred bytes extend `peerWaitMs`, in bytes a second: a peer that trickles valid frames does not
 * hold the slot for ever.
 */
export const bytesPerSecondMin = 16 * 1024

/** Default of `sync.interval`, in milliseconds. */
export const syncIntervalMsDefault = 10_000
/** Wait after a gap in gossip, so that reordered gossip can still arrive, in milliseconds. */
export const gapDelayMs = 250
/** Time for which heartbeats show a mismatch before it leads to a session, in milliseconds. */
export const mismatchMs = 2_000
/** Wait of the side with the greater peer id after a connect, in milliseconds, so that not both open a session. */
export const connectGraceMs = 750
/** Wait after `busy`, in milliseconds: between the two, at random. */
export const busyRetryMs: readonly [number, number] = [60, 300]
/** Times that `busy` is asked again before the session is left to the next interval. */
export const busyAttemptsMax = 40
/** Wait after a failure, in milliseconds: the first, doubled each time up to the second, jittered by half. */
export const failureRetryMs: readonly [number, number] = [1_000, 60_000]
/**
 * Members that were not proven equal for so many intervals, counted from the connect, get a session without the young
 * rule: damage may hide behind steady writes.
 */
export const deepAfterIntervals = 12

/** Actors that the progress of a session names of each side, and rows of children of one level. */
export const progressActorsMax = 32
export const progressRowsMax = 16
/** Pause between two steps that count what went over, in milliseconds. */
export const progressEntriesMs = 200
