/** Help texts of the counters: one for each count of each part, so that a count without a text does not compile. */
import type { GossipCounts } from '../../protocols/gossip/types.js'
import type { Membership } from '../../protocols/membership/service.js'
import type { SyncServiceCounts } from '../../protocols/sync/service.js'
import type { NetCounters } from '../net/counters.js'

/** Counts of sync sessions since the start. */
export interface SessionCounts {
  completed: number
  cut: number
  refused: number
  malformed: number
  bytesSent: number
  bytesReceived: number
  entriesSent: number
  entriesReceived: number
}

/** Counts of the change feed since the start. */
export interface WatchCounts {
  opened: number
  cut: number
  events: number
}

/** Counts of what the store should not meet, since the start. */
export interface StoreCounts {
  contentClashes: number
  foreignDots: number
}

type HelpOf<Counts> = Readonly<Record<keyof Counts, string>>

/** Counts by their group; the group is the first part of the name. */
interface CounterGroups {
  readonly gossip: HelpOf<GossipCounts>
  readonly heartbeats: HelpOf<Membership['counts']>
  readonly reads: HelpOf<Membership['readCounts']>
  readonly sync: HelpOf<SessionCounts & SyncServiceCounts>
  readonly net: HelpOf<NetCounters>
  readonly watch: HelpOf<WatchCounts>
  readonly store: HelpOf<StoreCounts>
}

const groups: CounterGroups = {
  gossip: {
    messagesPublished: 'Gossip messages published here.',
    bytesPublished: 'Bytes of gossip messages published here.',
    updatesPublished: 'Updates published in gossip messages.',
    announcementsPublished: 'Announcements of updates that were too large for a gossip message.',
    groupsLeftToSync:
      'Groups of updates that were not gossiped and are left to sync: too many, too large, or no network.',
    messagesReceived: 'Gossip messages received.',
    bytesReceived: 'Bytes of gossip messages received.',
    malformed: 'Gossip messages that were malformed, and not passed on.',
    later: 'Gossip messages that only a later version understands; they were passed on.',
    dropped: 'Gossip messages dropped because too many were waiting; sync brings what was in them.',
    updatesApplied: 'Updates applied from gossip.',
    fetches: 'Fetches of announced updates from a peer.',
    fetchesFailed: 'Fetches that failed; sync brings the update.',
    fetchesMalformed: 'Requests of peers for announced updates that were malformed.',
    announcementsGivenUp:
      'Announcements given up because too many were waiting, or nobody answered; sync brings the update.',
    gaps: 'Gaps that gossip has shown; each starts a sync session.',
  },
  heartbeats: {
    sent: 'Heartbeats sent.',
    bytesSent: 'Bytes of heartbeats sent.',
    received: 'Heartbeats received.',
    bytesReceived: 'Bytes of heartbeats received.',
    malformed: 'Heartbeats that were malformed.',
    later: 'Messages among heartbeats that only a later version understands.',
  },
  reads: { malformed: 'Questions of peers about a key that were malformed.' },
  sync: {
    completed: 'Sync sessions that were completed.',
    cut: 'Sync sessions that ended too early; what they brought is kept.',
    refused: 'Sync sessions that one of the two refused, because it was busy or not ready.',
    malformed: 'Sync sessions that ended by a malformed message.',
    later: 'Messages of sync sessions that only a later version understands.',
    bytesSent: 'Bytes sent in sync sessions.',
    bytesReceived: 'Bytes received in sync sessions.',
    entriesSent: 'Updates and entries sent in sync sessions.',
    entriesReceived: 'Updates and entries received in sync sessions.',
  },
  net: {
    inboundAttempts:
      'Connections that reached the port for peers; more than were accepted means strangers, or peers with another mesh secret.',
    inboundAccepted: 'Connections of peers that proved the mesh secret and an identity.',
    refused: 'Connections refused because the peer is blocked, forgotten or connected already.',
    replaced: 'Connections replaced by a newer one of the same peer; many mean that two nodes share one identity.',
    dials: 'Dials of peers.',
    dialFailures: 'Dials that reached nobody.',
    unidentified: 'Connections closed because the peer did not identify itself in time.',
    channelsOpened: 'Channels opened to peers.',
    channelsAccepted: 'Channels accepted from peers.',
    handlerFailures: 'Channels whose handler failed.',
    badFrames: 'Frames over their limit or malformed; each ended its channel.',
    gossipPublished: 'Messages handed to gossipsub.',
    gossipReceived: 'Messages received through gossipsub, each once.',
    gossipRejected: 'Messages of gossipsub that were malformed, and not passed on.',
    gossipRepairs: 'Streams of gossipsub that were found dead, and opened again.',
  },
  watch: {
    opened: 'Readers of the change feed that were let in.',
    cut: 'Readers of the change feed that were cut because they took nothing for too long.',
    events: 'Events handed to readers of the change feed.',
  },
  store: {
    contentClashes: 'Dots met with two contents: a machine was cloned, or rolled back, while it ran.',
    foreignDots: 'Superseded dots of peers that were left out because they belong to another address.',
  },
}

/**
 * Name of a counter without prefix and suffix: `gossip`, `messagesPublished` as `gossip_messages_published`. Those of
 * the store have no group.
 */
export function counterName(group: keyof CounterGroups, name: string): string {
  const words = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return group === 'store' ? words : `${group}_${words}`
}

/** The counts of a group, by their names in the metrics. */
export function namedCounts<Group extends keyof CounterGroups>(
  group: Group,
  counts: Readonly<Record<keyof CounterGroups[Group], number>>,
): Record<string, number> {
  const entries = Object.entries<number>(counts)
  return Object.fromEntries(entries.map(([name, value]) => [counterName(group, name), value]))
}

/** Help texts by the names of the counters. */
export const counterHelp: ReadonlyMap<string, string> = new Map(
  (Object.keys(groups) as (keyof CounterGroups)[]).flatMap((group) =>
    Object.entries(groups[group]).map(([name, help]) => [counterName(group, name), help] as const),
  ),
)
