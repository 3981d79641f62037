/** Counters of the libp2p side, for the metrics page. */

/** Counts since the start of the process; they only rise. */
export class NetCounters {
  /** Sockets that reached the libp2p port and were not over the rate limit. */
  inboundAttempts = 0
  /**
   * Of these, the ones that proved the mesh secret and an identity, and were let in. The difference is strangers and
   * noise.
   */
  inboundAccepted = 0
  /** Connections refused because the peer is blocked, forgotten, or already connected. */
  refused = 0
  /** Connections replaced by a newer one of the same peer; many mean that two nodes share one identity. */
  replaced = 0
  /** Dials of peers begun. */
  dials = 0
  /** Dials that reached nobody. */
  dialFailures = 0
  /** Connections closed because the peer did not identify itself in time. */
  unidentified = 0
  /** Channels opened here. */
  channelsOpened = 0
  /** Channels accepted here. */
  channelsAccepted = 0
  /** Channels whose handler failed. */
  handlerFailures = 0
  /** Frames over their limit or malformed; each ended its channel. */
  badFrames = 0
  /** Gossip messages published here. */
  gossipPublished = 0
  /** Gossip messages received, each once. */
  gossipReceived = 0
  /** Gossip messages that were malformed and not passed on. */
  gossipRejected = 0
  /** Gossip streams found dead and opened again. */
  gossipRepairs = 0
}
