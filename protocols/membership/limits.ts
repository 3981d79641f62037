/** The limits of membership, by name. */
import { valueBytesMax } from '../../store/model/limits.js'

/**
 * Bytes of a member's name, of a peer id, of one address, of a version; addresses of one member, as written and as
 * accepted.
 */
export const nameBytesMax = 255
export const peerBytesMax = 128
export const addressBytesMax = 256
export const addressesAim = 32
export const addressesMax = 64
export const versionBytesMax = 64
/**
 * Rules for conflicts that a member announces, as set and as accepted, and bytes of a rule's prefix and of its mark.
 */
export const rulesAim = 64
export const rulesMax = 128
export const rulePrefixBytesMax = 256
export const ruleMarkBytes = 8
/** Members, and prefixes of one member, that are named in warnings of other rules. */
export const rulesNamedMax = 3
/** Bytes of a member's record or of the record of a forgotten one. */
export const recordBytesMax = 64 * 1024
/**
 * Number of times that this node rewrites its own record after another one changed it; a node that shares the id has
 * given way long before.
 */
export const recordRewritesMax = 8
/** Time for which `status` shows another node with this node's peer id after it was last noticed, in milliseconds. */
export const rivalShownMs = 60_000

/** Characters of an invitation; a longer text is refused unread. */
export const inviteCharactersMax = 16 * 1024

/** Default interval between heartbeats to a neighbour, in milliseconds; each is jittered down by up to a tenth. */
export const heartbeatMsDefault = 1_000
/** Number of intervals without a heartbeat after which a neighbour is silent. */
export const missedHeartbeatsMax = 3.5
/**
 * Number of intervals for which other bytes count as a sign of life: on a slow link heartbeats wait behind a bulk
 * transfer.
 */
export const bytesAloneIntervalsMax = 60
/** Time for the first heartbeat on a new connection, in milliseconds. */
export const firstHeartbeatMs = 10_000
/** Least time between early heartbeats to one neighbour, in milliseconds. */
export const earlyHeartbeatMs = 100
/** Least time between early heartbeats while somebody waits for acknowledgements, in milliseconds. */
export const urgentHeartbeatMs = 10
/** Time for which a request for early acknowledgements holds, and interval at which it is renewed, in milliseconds. */
export const earlyAcksMs = 3_000
export const urgeRenewMs = 1_000
/** The largest time or epoch on the wire. */
export const heartbeatMsMax = 2 ** 48 - 1
/** Bytes of one heartbeat frame. */
export const heartbeatFrameBytesMax = 1024 * 1024
/**
 * Actors that one heartbeat carries, as sent and as accepted, and bytes of their ranges; the rest follows in the next
 * ones.
 */
export const heartbeatActorsAim = 1_024
export const heartbeatActorsMax = 4_096
export const heartbeatContextBytesAim = 128 * 1024
/** Ranges of one actor that are sent; an actor with more gaps is acknowledged only in part. */
export const heartbeatRangesAim = 4_096
/** Neighbours named in one heartbeat, as sent and as accepted. */
export const neighboursAim = 1_024
export const neighboursMax = 4_096
/** Relays of other members in one heartbeat, and actors in one relay, as sent and as accepted. */
export const relaysAim = 8
export const relaysMax = 32
export const relayActorsAim = 256
export const relayActorsMax = 1_024
/** Relays of one heartbeat that are given to the members that have waited longest, with or without news of them. */
export const relaysInTurn = 2
/** Bytes of ranges in all relays of one heartbeat; what is left follows in the next ones. */
export const heartbeatRelayBytesAim = 256 * 1024
/**
 * Nodes of a mesh, this one included, up to which all are connected with all; beyond, some are known by relays only.
 */
export const fullMeshNodesMax = 16
/** Members beyond which acknowledgements are not relayed any more (sync sessions still bring them). */
export const relayMembersMax = 64
/**
 * Factor: a capture is reused for this many times the time that it took, so that captures cost a busy node little; and
 * the longest such time, in milliseconds.
 */
export const capturePauseFactor = 20
export const staleMsMax = 1_000
/** Changes of contexts that are remembered for neighbours that lag; one that lags further is sent everything again. */
export const changesKept = 4_096
/** Heartbeats sent whose time is remembered for the echo. */
export const echoesKept = 64
/** Age up to which a heard clock of a member counts for the median, in milliseconds. */
export const clockHeardMs = 60_000
/** Samples of one neighbour's clock that are kept; the one with the shortest round trip counts. */
export const clockSamplesKept = 8
/**
 * Least time between two writes of one member's acknowledgement to the disk, and between two reports to the log, in
 * milliseconds.
 */
export const saveAcknowledgementsMs = 5_000
export const reportObligationsMs = 500
/**
 * Delay after a peer came or went until sightings are saved, and the interval while nobody comes or goes, in
 * milliseconds.
 */
export const saveSightingsMs = 5_000
export const saveSightingsMsMax = 3_600_000

/**
 * Time without enough answers after which another exchange that proves a quorum may begin in parallel, in milliseconds.
 */
export const quorumPauseMs = 100

/** First pause between two rounds of `wait`, and the longest, in milliseconds. */
export const waitRoundMs = 20
export const waitRoundMsMax = 500
/** Time that one round waits for a heartbeat of one member, in milliseconds. */
export const freshHeartbeatMs = 2_000

/** Bytes of a member's root that its status shows. */
export const rootBytesShown = 4

/** Bytes of one frame of the read protocol, as sent and as accepted: the largest value and what surrounds it. */
export const readFrameBytesAim = valueBytesMax + 3 * 1024 * 1024
export const readFrameBytesMax = valueBytesMax + 4 * 1024 * 1024
/** Dots in one list of a question or an answer of the read protocol, as sent and as accepted. */
export const readDotsAim = 65_536
export const readDotsMax = 131_072
/** Reads answered at once, and of these to one peer. */
export const readsMax = 32
export const readsPerPeerMax = 16
/** Time without a frame after which a read is broken off, in milliseconds; it has three frames at most. */
export const readProgressMs = 10_000
