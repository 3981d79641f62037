/** Every bound and interval of the libp2p side, by name. */

/** Open connections in all; more are refused. */
export const netConnectionsMax = 256
/** Inbound connections that have not finished their handshake. */
export const inboundPendingMax = 256
/**
 * New inbound connections from one address in one second; 50 a second stalled for a whole handshake stay under
 * `inboundPendingMax`.
 */
export const inboundPerSecondMax = 50
/** Time in which an inbound connection must prove the mesh secret and its identity, in milliseconds. */
export const inboundHandshakeMs = 5_000
/** Time for dialling one peer at all its addresses, in milliseconds. */
export const dialTimeoutMs = 5_000
/** Delay after one address until the next is tried beside it, in milliseconds. */
export const dialStaggerMs = 200
/**
 * Two connections of a pair opened within this time were dialled at the same moment; an older one is stale, in
 * milliseconds.
 */
export const simultaneousDialMs = 5_000
/** Time in which a connection that was admitted must open; then another of the same peer is, in milliseconds. */
export const pendingConnectionMs = 10_000
/** Time in which a peer must identify itself after the handshake, in milliseconds. */
export const identifyTimeoutMs = 5_000
/**
 * Time after a successful dial in which the peer is not dialled again although it is not yet known to be connected, in
 * milliseconds.
 */
export const identifyGraceMs = 2_000
/** Time for opening a channel, in milliseconds. */
export const openTimeoutMs = 5_000
/** Time for stopping before what is left is abandoned, in milliseconds. */
export const stopTimeoutMs = 1_500
/** Pause between attempts to take a port again after a restart, in milliseconds. */
export const relistenPauseMs = 100
/** Attempts to take a port again after a restart. */
export const relistenAttemptsMax = 20

/** Channels of one protocol on one connection, in each direction. */
export const channelsPerProtocolMax = 32
/** Streams of all protocols on one connection, in each direction. */
export const streamsPerConnectionMax = 64
/** Bytes on their way on one stream before its reader has taken them; also of one yamux frame. */
export const streamWindowBytesMax = 512 * 1024
/** Bytes received on one channel that wait for its reader before the peer is held up. */
export const receiveWaitingBytesMax = 256 * 1024
/**
 * Bytes received on all channels of one connection, of frames that are not whole or not taken yet, before only one
 * channel goes on.
 */
export const receivedBytesMax = 96 * 1024 * 1024
/**
 * Bytes that wait until a connection takes more, a window of each stream at most; a peer that lets more wait is cut
 * off.
 */
export const connectionWaitingBytesMax = streamsPerConnectionMax * streamWindowBytesMax
/** Bytes encrypted at once under the mesh secret; see the private network. */
export const cipherPieceBytesMax = 64 * 1024
/** Bytes that wait on one channel before a sender is held up. */
export const sendWaitingBytesMax = 512 * 1024
/** Bytes handed to a stream at once; small pieces make bulk transfers slow. */
export const sendPieceBytesMax = 512 * 1024
/** Bytes of a frame's length on the wire. */
export const frameLengthBytesMax = 8

/** Bytes of one gossip message. */
export const gossipMessageBytesMax = 512 * 1024
/** Bytes of one gossip frame from a neighbour: a few messages and control records. */
export const gossipFrameBytesMax = 2 * 1024 * 1024
/** Bytes of the messages that answer one request of a neighbour for messages it missed; a single one may be larger. */
export const gossipAnswerBytesMax = 1024 * 1024
/** Bytes of gossip waiting for one slow neighbour; what comes beyond is dropped, and anti-entropy repairs it. */
export const gossipBufferBytesMax = 8 * 1024 * 1024
/** Fields of one gossip frame, those within others included. */
export const gossipFieldsMax = 6_000
/** Bytes of a topic in a gossip frame. */
export const gossipTopicBytesMax = 256
/** Messages in one gossip frame. */
export const gossipMessagesMax = 500
/** Message ids in one record of a gossip frame. */
export const gossipIdsMax = 5_000
/** Records of one kind of control (IHAVE, IWANT, GRAFT, PRUNE, IDONTWANT) in one gossip frame: there is one topic. */
export const gossipControlsMax = 64
/** Interval at which dead gossip streams are looked for, in milliseconds. */
export const gossipRepairMs = 2_000

/** Interval at which this node asks for others on the local network, in milliseconds. */
export const mdnsIntervalMs = 10_000

/** Connections that a node of a larger mesh dials; above it exploration gives old ones up. */
export const partialMeshDials = 8
/**
 * Interval at which a node of a larger mesh dials a member it has no connection to, so that healed halves meet, in
 * milliseconds.
 */
export const exploreIntervalMs = 30_000
/** Connections given up at one exploration. */
export const exploreCloseMax = 2
/** Age from which exploration may give up a dialled connection, in milliseconds. */
export const exploreKeepMs = 120_000
/** First pause after a failed dial, in milliseconds; doubles with each failure. */
export const redialFirstMs = 200
/** Longest pause between dials in a small mesh, in milliseconds. */
export const redialSmallMeshMaxMs = 5_000
/** Longest pause between dials in a larger mesh, in milliseconds. */
export const redialLargeMeshMaxMs = 30_000
/** The greater peer id waits this long before it dials, so that pairs seldom dial at once, in milliseconds. */
export const greaterPeerDelayMs = 400
/** A peer is not dialled twice within this time because of mere hints, in milliseconds. */
export const hintSpacingMs = 1_000
/** A connection that lived this long makes the next dial start afresh, in milliseconds. */
export const stableConnectionMs = 10_000
/** Dials under way at once. */
export const dialsAtOnceMax = 16
/** Failures after which a peer that is no member is no longer dialled. */
export const strangerFailuresMax = 12
/** Peers that are no members and are remembered. */
export const strangersMax = 1_024
/** Addresses remembered of one peer. */
export const addressesPerPeerMax = 16

/** Time for the test of an invitation, in milliseconds. */
export const joinTimeoutMs = 8_000
/**
 * Time in which a visitor that this node sends out is expected among its own connections, and the interval at which
 * they are searched for it, in milliseconds.
 */
export const visitorNoticedMs = 1_000
export const visitorPollMs = 20
