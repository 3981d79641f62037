/**
 * The network as protocols need it: peers, framed channels, gossip. The daemon implements it with libp2p, the simulator
 * with virtual links.
 */

/** A libp2p peer id in its text form. */
export type PeerId = string

/** One stream between two peers, in frames. */
export interface Channel {
  readonly peer: PeerId
  /** Queues a frame; resolves when the next may be sent (back pressure), rejects when the channel is gone. */
  send(frame: Uint8Array): Promise<void>
  /**
   * Frames as they come; ends when the peer has closed, throws when the channel broke or a frame was over the limit.
   * May be iterated once.
   */
  readonly frames: AsyncIterable<Uint8Array>
  /** Ends our side in order. */
  close(): Promise<void>
  /** Breaks the channel at once. */
  abort(reason: string): void
}

/** A protocol: its versioned id and its bound on frames. */
export interface Protocol {
  /** Name with version, for example `/hearsay/sync/1`. */
  readonly id: string
  /** Bytes of one frame; more ends the channel before anything is allocated. */
  readonly frameBytesMax: number
}

/** Listener that is notified of connections to peers. */
export interface NetworkListener {
  /** Called when the first connection to a peer is open, secured and identified. */
  connected(peer: PeerId): void
  /** Called when the last connection to a peer is gone. */
  disconnected(peer: PeerId): void
}

/** A node's view of the network. */
export interface Network {
  readonly self: PeerId
  /** Connected peers. */
  peers(): PeerId[]
  /**
   * Time at which bytes of a connected peer last came, of whatever protocol, in monotonic milliseconds; undefined if it
   * is not known. On a slow link a frame may wait long behind others, and every byte of those shows that the peer is
   * there.
   */
  heardMs(peer: PeerId): number | undefined
  /** Opens a channel. Rejects when the peer is not connected or does not speak the protocol. */
  open(peer: PeerId, protocol: Protocol): Promise<Channel>
  /**
   * Accepts channels of a protocol. The handler owns the channel; when it rejects, the channel is aborted and the
   * failure counted.
   */
  handle(protocol: Protocol, handler: (channel: Channel) => Promise<void>): void
  /**
   * Publishes bytes to every node that can be reached. Resolves when handed to the neighbours; what is lost on the way
   * stays lost.
   */
  publish(bytes: Uint8Array): Promise<void>
  /**
   * Receives gossip. Called once for each message; `from` is the neighbour that it came from.
   * Returns whether the message is well-formed; one that is not is not passed on.
   */
  onGossip(receive: (bytes: Uint8Array, from: PeerId) => boolean): void
  /** Adds a listener. */
  listen(listener: NetworkListener): void
}
