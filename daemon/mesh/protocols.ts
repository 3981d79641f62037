/** Puts the protocols of one node together: membership, gossip and sync over one network and one replica. */
import { Gossip } from '../../protocols/gossip/service.js'
import type { GossipReplica } from '../../protocols/gossip/types.js'
import type { Rival } from '../../protocols/membership/core/rival.js'
import type { RuleMark } from '../../protocols/membership/core/rules.js'
import { Membership } from '../../protocols/membership/service.js'
import type { MembershipReplica, SightingStore } from '../../protocols/membership/types.js'
import type { Network, PeerId } from '../../protocols/network.js'
import type { Role } from '../../protocols/sync/core/session.js'
import { malformedReason } from '../../protocols/sync/driver.js'
import { SyncScheduler } from '../../protocols/sync/scheduler.js'
import { type PeerComparison, type SessionReport, SyncService } from '../../protocols/sync/service.js'
import type { WatchSession } from '../../protocols/sync/watching.js'
import type { Environment } from '../../store/environment.js'
import type { MeshClock } from '../../store/replica/mesh-clock.js'
import type { Commit, SyncReplica } from '../../store/replica/types.js'
import type { Settings } from '../config/knobs.js'
import type { Log } from '../log/log.js'
import { namedCounts, type SessionCounts } from '../metrics/counters.js'
import { type HistogramFamily, LabelledHistogram, sessionBounds } from '../metrics/histogram.js'

/** The part of the replica that the protocols need. */
export interface ProtocolReplica extends MembershipReplica, GossipReplica {
  readonly sync: SyncReplica
  readonly clock: Pick<MeshClock, 'futureTimes' | 'setMembers'>
}

/** The part of the stored half of a node that the protocols need. */
export interface ProtocolNode {
  readonly replica: ProtocolReplica
  readonly version: string
  readonly resolvers: { readonly marks: readonly RuleMark[] }
  /** Adds a source of counters for the metrics. */
  addCounters(source: () => Readonly<Record<string, number>>): void
  /** Adds a family of histograms to the metrics. */
  addHistogram(family: HistogramFamily): void
  /** Adds who is notified of every commit, in order, after it is durable. */
  onCommit(listener: (commit: Commit) => void): void
}

/** Dependencies of the protocols. */
export interface ProtocolOptions {
  readonly node: ProtocolNode
  readonly settings: Pick<Settings, 'name' | 'clock.bound' | 'heartbeat.interval' | 'sync.interval'>
  readonly network: Network
  readonly environment: Environment
  readonly log: Log
  /** Store of the times when members were seen; absent: those of this run alone are known. */
  readonly sightings?: SightingStore
  addresses(): readonly string[]
  isBlocked(peer: PeerId): boolean
  /** A neighbour is silent: its connection is to be broken. */
  onSilent(peer: PeerId): void
  /** Called when the member list, or an address in it, has changed. */
  onMembersChanged(): void
  /** Called when a member was forgotten, here or elsewhere: it is to be refused. */
  onForgotten(peer: PeerId): void
  /** Another live node has this node's peer id. */
  onRival(rival: Rival): void
  /** A sync session ended; `role` is that of this node in it. */
  onSession?(report: SessionReport, role: Role): void
  /** Watches sync sessions; absent: nobody does. */
  readonly watchSession?: WatchSession
}

/** All protocols of one node. */
export class Protocols {
  readonly membership: Membership
  readonly scheduler: SyncScheduler
  readonly #gossip: Gossip
  readonly #sync: SyncService
  readonly #options: ProtocolOptions
  readonly #sessionTimes = new LabelledHistogram(
    'sync_session_duration_seconds',
    'Time that a sync session took, by the way in which the two became equal.',
    sessionBounds,
    'mode',
  )
  readonly #sessions: SessionCounts = {
    completed: 0,
    cut: 0,
    refused: 0,
    malformed: 0,
    bytesSent: 0,
    bytesReceived: 0,
    entriesSent: 0,
    entriesReceived: 0,
  }

  constructor(options: ProtocolOptions) {
    this.#options = options
    this.membership = this.#makeMembership()
    this.#gossip = this.#makeGossip()
    this.#sync = this.#makeSync()
    this.scheduler = this.#makeScheduler()
    options.node.addCounters(() => this.#counters())
    options.node.addHistogram(this.#sessionTimes)
    options.node.replica.clock.setMembers(() => this.membership.memberClocks())
    options.node.onCommit((commit) => this.#committed(commit))
  }

  /** Reads the stored members: they are known from then on, connected or not. */
  load(): Promise<void> {
    return this.membership.load()
  }

  /** Begins to talk to others. */
  async start(): Promise<void> {
    this.#gossip.start()
    this.#sync.start()
    await this.membership.start()
    this.scheduler.start()
  }

  /** The store is verified, and sync may begin; or it is being verified again, and sync must wait. */
  verificationChanged(): void {
    this.membership.verificationChanged()
    this.scheduler.wake()
  }

  /** Looks for entries in which a connected peer's copy differs, as many as are asked for; changes neither copy. */
  compare(peer: PeerId, entriesMax: number): Promise<PeerComparison> {
    return this.#sync.compare(peer, entriesMax)
  }

  /** Ends all talk; nothing of a broken session is united. */
  async stop(): Promise<void> {
    this.scheduler.stop()
    await this.#gossip.stop()
    await this.#sync.stop()
    await this.membership.stop()
  }

  /** Gossip goes first: it is what others wait for. */
  #committed(commit: Commit): void {
    this.#gossip.committed(commit)
    this.membership.committed(commit)
  }

  #makeMembership(): Membership {
    const { node, settings, network, environment, log, ...callbacks } = this.#options
    return new Membership({
      network,
      environment,
      replica: node.replica,
      ...(callbacks.sightings === undefined ? {} : { sightings: callbacks.sightings }),
      name: settings.name,
      version: node.version,
      rules: node.resolvers.marks,
      heartbeatMs: settings['heartbeat.interval'],
      clockBoundMs: settings['clock.bound'],
      addresses: () => callbacks.addresses(),
      isBlocked: (peer) => callbacks.isBlocked(peer),
      onSilent: (peer) => callbacks.onSilent(peer),
      onMembersChanged: () => callbacks.onMembersChanged(),
      onForgotten: (peer) => callbacks.onForgotten(peer),
      onRival: (rival) => callbacks.onRival(rival),
      onHeartbeat: (peer) => this.scheduler.heartbeatHeard(peer),
      onError: (what, error) => log.debug({ reason: failureText(error) }, `membership: ${what}`),
    })
  }

  #makeGossip(): Gossip {
    const { node, network, environment, log } = this.#options
    return new Gossip({
      network,
      environment,
      replica: node.replica,
      peerOf: (member) => this.membership.peerOf(member),
      wantsEarlyAcknowledgement: () => this.membership.consistency.wantsAcknowledgements,
      onEarlyAcknowledgementWanted: () => this.membership.acknowledgeEarly(),
      onGap: (peer) => this.scheduler.gapSeen(peer),
      onError: (what, error) => log.debug({ reason: failureText(error) }, `gossip: ${what}`),
    })
  }

  #makeSync(): SyncService {
    const { node, network, environment, log, watchSession: watch } = this.#options
    return new SyncService({
      ...(watch && { watch }),
      network,
      environment,
      replica: node.replica.sync,
      accepts: (peer) => this.membership.isMember(peer),
      listener: {
        peerContexts: (peer, contexts) => this.membership.acknowledge(peer, contexts.applied),
        provenEqual: (peer) => this.membership.provenEqual(peer),
        ended: (report, role, tookMs) => {
          this.#count(report)
          this.#sessionTimes.observe(report.mode, tookMs)
          if (report.mode !== 'compared') this.scheduler.sessionEnded(report)
          log.debug({ ...report, role }, 'a sync session ended')
          this.#options.onSession?.(report, role)
        },
        refused: (peer, dots) =>
          log.warn(
            { event: 'valuesRefused', peer, versions: dots.size },
            'values of a peer are too large for this node',
          ),
      },
    })
  }

  #makeScheduler(): SyncScheduler {
    const { node, settings, network, environment } = this.#options
    return new SyncScheduler({
      environment,
      network,
      peers: {
        isMember: (peer) => this.membership.isMember(peer),
        // What was lost to damage is answered as damaged until a complete pass; equal heartbeats alone are none.
        looksEqual: (peer) => (node.replica.sync.awaitsPass ? false : this.membership.looksEqual(peer)),
        lastEqualMs: (peer) => this.membership.lastEqualAtMs(peer),
      },
      run: (peer, how) => this.#sync.run(peer, how),
      isReady: () => node.replica.sync.isVerified,
      intervalMs: settings['sync.interval'],
    })
  }

  #count({ mode, ended, ...report }: SessionReport): void {
    const sessions = this.#sessions
    if (mode === 'busy') sessions.refused++
    else if (ended === 'complete' || ended === 'young') sessions.completed++
    else sessions.cut++
    if (ended.startsWith(malformedReason)) sessions.malformed++
    for (const name of ['bytesSent', 'bytesReceived', 'entriesSent', 'entriesReceived'] as const)
      sessions[name] += report[name]
  }

  #counters(): Record<string, number> {
    const { counts: heartbeats, readCounts: reads } = this.membership
    return {
      ...namedCounts('gossip', this.#gossip.counts),
      ...namedCounts('sync', { ...this.#sessions, ...this.#sync.counts }),
      ...namedCounts('heartbeats', heartbeats),
      ...namedCounts('reads', reads),
    }
  }
}

/** Message of an error, for a log line. */
export function failureText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
