/** Dependencies of gossip, and its counts. */
import type { Environment } from '../../store/environment.js'
import type { MemberOf, MemberTag } from '../../store/model/codec.js'
import type { SyncReplica } from '../../store/replica/types.js'
import type { Network, PeerId } from '../network.js'

/** The part of the replica that gossip needs. */
export interface GossipReplica {
  readonly memberOf: MemberOf
  readonly sync: Pick<SyncReplica, 'applyUpdates' | 'readMissing' | 'hasApplied'>
}

/** Options of gossip. */
export interface GossipOptions {
  readonly network: Network
  readonly environment: Environment
  readonly replica: GossipReplica
  /** The peer behind a member tag, where it is known. */
  peerOf?(member: MemberTag): PeerId | undefined
  /** True if a writer here waits for acknowledgements, so that receivers should acknowledge early. */
  wantsEarlyAcknowledgement?(): boolean
  /** Called when a writer elsewhere waits for acknowledgements. */
  onEarlyAcknowledgementWanted?(): void
  /** Called with a neighbour whose gossip showed a gap (or was dropped): sync should run with it. */
  onGap?(peer: PeerId): void
  /** Called with errors that harm nothing else, for the log. */
  onError?(what: string, error: unknown): void
}

/** Counts since the start. */
export interface GossipCounts {
  messagesPublished: number
  /** Bytes of messages published here, each once however many peers it went to. */
  bytesPublished: number
  updatesPublished: number
  announcementsPublished: number
  /** Local groups that were left to sync: too much waited, too large, or the network failed. */
  groupsLeftToSync: number
  messagesReceived: number
  bytesReceived: number
  /** Messages that were not well-formed, and were not passed on. */
  malformed: number
  /** Messages that only a later version understands; they were passed on. */
  later: number
  /** Messages dropped because too much waited. */
  dropped: number
  updatesApplied: number
  fetches: number
  fetchesFailed: number
  /** Requests of peers that were not well-formed; each ended its channel. */
  fetchesMalformed: number
  /** Announcements dropped because too many waited, or given up. */
  announcementsGivenUp: number
  gaps: number
}

/** All counts at zero. */
export function noCounts(): GossipCounts {
  return {
    messagesPublished: 0,
    bytesPublished: 0,
    updatesPublished: 0,
    announcementsPublished: 0,
    groupsLeftToSync: 0,
    messagesReceived: 0,
    bytesReceived: 0,
    malformed: 0,
    later: 0,
    dropped: 0,
    updatesApplied: 0,
    fetches: 0,
    fetchesFailed: 0,
    fetchesMalformed: 0,
    announcementsGivenUp: 0,
    gaps: 0,
  }
}
