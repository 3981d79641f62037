/** Membership of one node: who is a member, who is there, who has what. */
import { type HeardClocks, median } from '../../store/model/clock.js'
import type { MemberTag } from '../../store/model/codec.js'
import type { Context } from '../../store/model/context.js'
import { clockBoundMsDefault } from '../../store/model/limits.js'
import type { Commit } from '../../store/replica/types.js'
import type { Notice } from '../../store/replica/warnings.js'
import type { PeerId } from '../network.js'
import { AckKeeper } from './acknowledgements.js'
import { Consistency } from './consistency.js'
import { AckTable } from './core/acks.js'
import { Directory } from './core/directory.js'
import type { Beat } from './core/reader.js'
import type { MemberRecord } from './core/record.js'
import { Heartbeats } from './heartbeats.js'
import { clockHeardMs, heartbeatMsDefault } from './limits.js'
import { LocalState } from './local-state.js'
import { ReadRepair } from './read-repair.js'
import { Records } from './records.js'
import { Sightings } from './sightings.js'
import { byName, noticesOf, type StatusContext, statusOf } from './status.js'
import type { MemberStatus, MembershipOptions } from './types.js'
import { Waiting } from './waiting.js'

/** Membership. Call `start` once the replica is open and the network is up, and `committed` with every commit. */
export class Membership {
  /** Questions to the other members: for acknowledgements, a quorum, equality, who holds a dot. */
  readonly consistency: Consistency
  readonly #options: MembershipOptions
  readonly #directory: Directory
  readonly #acks = new AckTable()
  readonly #local: LocalState
  readonly #records: Records
  readonly #heartbeats: Heartbeats
  readonly #keeper: AckKeeper
  readonly #sightings: Sightings
  readonly #waiting: Waiting
  readonly #readRepair: ReadRepair
  /** Parts from which status rows are made. */
  readonly #parts: Pick<StatusContext, 'options' | 'directory' | 'acks' | 'heartbeats' | 'waiting' | 'sightings'>
  #isLoaded = false
  #isRunning = false

  constructor(options: MembershipOptions) {
    const { network, environment, replica, heartbeatMs = heartbeatMsDefault } = options
    const onError = (what: string, error: unknown) => options.onError?.(what, error)
    const directory = new Directory(network.self)
    const acks = this.#acks
    this.#options = options
    this.#directory = directory
    this.#local = new LocalState(replica.sync, environment, () => directory.digest())
    const shared = { network, environment, replica, directory, acks, local: this.#local, onError }
    this.#records = new Records(options, directory)
    this.#heartbeats = new Heartbeats({
      ...shared,
      intervalMs: heartbeatMs,
      onHeartbeat: (peer) => this.#heard(peer),
      onSilent: (peer) => options.onSilent?.(peer),
      onEpochPassed: () => this.#records.claim(),
    })
    this.#keeper = new AckKeeper({ ...shared, store: replica.acks })
    this.#sightings = new Sightings({ ...shared, heartbeats: this.#heartbeats, store: options.sightings })
    this.#waiting = new Waiting({ ...shared, heartbeats: this.#heartbeats, heartbeatMs })
    this.#readRepair = new ReadRepair(shared)
    const [heartbeats, waiting, sightings] = [this.#heartbeats, this.#waiting, this.#sightings]
    const parts = { directory, acks, heartbeats, waiting, sightings }
    const { name } = options
    this.consistency = new Consistency({
      ...parts,
      name,
      environment,
      local: this.#local,
      readRepair: this.#readRepair,
    })
    this.#parts = { ...parts, options }
  }

  // --- life
  // -------------------------------------------------------------------------------------------------------------

  /** Reads the records and acknowledgements that are stored: members are known from then on, connected or not. */
  async load(): Promise<void> {
    if (this.#isLoaded) return
    this.#isLoaded = true
    await this.#records.load()
    await this.#keeper.load()
    await this.#sightings.load()
  }

  /**
   * Loads unless that was done, and begins to talk to others. Writes nothing unless another node is there to read it.
   */
  async start(): Promise<void> {
    if (this.#isRunning) return
    await this.load()
    const { network } = this.#options
    this.#isRunning = true
    network.listen({
      connected: (peer) => this.#connected(peer),
      disconnected: (peer) => this.#disconnected(peer),
    })
    this.#readRepair.start()
    this.#heartbeats.start()
    if (network.peers().length > 0) this.#publish()
    this.#options.onMembersChanged?.()
  }

  /** Ends all talk, and saves acknowledgements. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#heartbeats.stop()
    this.#readRepair.stop()
    await this.#keeper.stop()
    await this.#sightings.stop()
  }

  /** Handles a commit; must be called for every commit of the replica, in order. */
  committed(commit: Commit): void {
    if (commit.events.length === 0 && !commit.contextsChanged) return
    const changed = this.#records.committed(commit)
    this.#local.touch()
    // Members that are away fall behind by this, and nobody else will say so.
    this.#keeper.changed()
    if (changed.size > 0) this.#membersChanged(changed)
    if (this.#isRunning) this.#heartbeats.stateChanged()
  }

  /** Tells the neighbours at once that the store has been verified, or is being verified again. */
  verificationChanged(): void {
    this.#local.touch()
    this.#heartbeats.stateChanged()
  }

  /** Handles a change of the addresses at which this node can be reached. */
  addressesChanged(): void {
    if (this.#isRunning && this.#options.network.peers().length > 0) this.#publish()
  }

  // --- members
  // ----------------------------------------------------------------------------------------------------------

  /**
   * All members but this one, forgotten ones left out; by name. A peer is a member once its record is here: then it has
   * a name.
   */
  members(): MemberStatus[] {
    const { network } = this.#options
    this.#keeper.refresh()
    const peers = this.records().map(({ peer }) => peer)
    const context = {
      ...this.#parts,
      applied: this.#local.applied(),
      digest: this.#local.digest(),
      connected: new Set(network.peers()),
    }
    return peers.map((peer) => statusOf(peer, context)).sort(byName)
  }

  /** The records of all members but this one: whom to dial, and where. */
  records(): readonly MemberRecord[] {
    return this.#directory.others()
  }

  /** True if a connection to or from this peer is to be refused. */
  isForgotten(peer: PeerId): boolean {
    return this.#directory.isForgotten(peer)
  }

  /** True if sync may run with a peer: one that is connected is in the mesh, unless it was forgotten. */
  isMember(peer: PeerId): boolean {
    return this.#directory.isMember(peer) || (!this.isForgotten(peer) && this.#options.network.peers().includes(peer))
  }

  /**
   * The peer id that a name or a peer id stands for. Throws NOT_FOUND, and BAD_REQUEST for a name that several members
   * use.
   */
  resolve(nameOrPeer: string): PeerId {
    return this.#directory.resolve(nameOrPeer, this.#options.network.peers())
  }

  /** The name of the member behind a tag; the tag itself when it is not known. */
  nameOf(member: MemberTag): string {
    const peer = this.#directory.peerOf(member)
    if (peer === this.#options.network.self) return this.#options.name
    return peer === undefined ? member : this.#directory.name(peer)
  }

  /** The peer behind a tag, where it is known. */
  peerOf(member: MemberTag): PeerId | undefined {
    return this.#directory.peerOf(member)
  }

  /** Retires a member for good. Throws NOT_FOUND, BAD_REQUEST. Resolves when that is durable here. */
  async forget(nameOrPeer: string): Promise<void> {
    await this.#records.forget(this.resolve(nameOrPeer))
  }

  /** Warnings for the operator. */
  warnings(): string[] {
    return this.notices().map(({ text }) => text)
  }

  /** The same with their matters. */
  notices(): Notice[] {
    return noticesOf(this.#options, this.#directory, this.#heartbeats, this.#records.rivalry)
  }

  // --- equality, for sync
  // -----------------------------------------------------------------------------------------------

  /**
   * True if the latest heartbeat of a peer shows our root and contexts; undefined when none has come, or either is not
   * verified.
   */
  looksEqual(peer: PeerId): boolean | undefined {
    const theirs = this.#heartbeats.latest(peer)?.state?.digest
    const mine = this.#local.digest()
    return theirs === undefined || mine === undefined ? undefined : theirs === mine
  }

  /** Time when a peer was last equal, in milliseconds since 1970; null: never since the start. */
  lastEqualMs(peer: PeerId): number | null {
    return this.#heartbeats.equalMs(peer)
  }

  /** The same on the monotonic clock; undefined: never since the start. */
  lastEqualAtMs(peer: PeerId): number | undefined {
    return this.#heartbeats.equalAtMs(peer)
  }

  /** Notes that a sync session has proven a peer equal. */
  provenEqual(peer: PeerId): void {
    this.#heartbeats.provenEqual(peer)
  }

  /**
   * Records what a peer has durably applied, as a sync session showed it. Not for a peer whose store is not verified.
   */
  acknowledge(peer: PeerId, applied: Context): void {
    this.#acks.acknowledge(this.#directory.tagOf(peer), applied)
    this.#acknowledgementsChanged()
  }

  /** Resolves with a heartbeat that the peer takes after this call. Rejects when it is not connected, or leaves. */
  freshHeartbeat(peer: PeerId): Promise<Beat> {
    return this.#heartbeats.fresh(peer)
  }

  /** Sends our acknowledgements early for a while, because somebody elsewhere waits for them. */
  acknowledgeEarly(): void {
    this.#heartbeats.acknowledgeEarly()
  }

  // --- clocks and counts
  // --------------------------------------------------------------------------------------------------------

  /**
   * The members' clocks as they were heard in the last minute. Who hears anybody is not without members, although their
   * records may be still to come: it does not go by its own clock alone.
   */
  memberClocks(): HeardClocks {
    const offsets = this.#heartbeats.clockOffsets(clockHeardMs)
    const offsetsMs = [...offsets].filter(([peer]) => this.isMember(peer)).map(([, offsetMs]) => offsetMs)
    return { hasMembers: this.records().length > 0 || offsets.size > 0, offsetsMs }
  }

  /**
   * Lead of this node's clock over the median of the members', in milliseconds, where that is more than the bound; else
   * null, also while none is heard.
   */
  clockOffMs(): number | null {
    const { clockBoundMs = clockBoundMsDefault } = this.#options
    const offsetMs = median(this.memberClocks().offsetsMs)
    return offsetMs === undefined || Math.abs(offsetMs) <= clockBoundMs ? null : -offsetMs
  }

  /** Counts since the start, for the metrics. */
  get counts(): Readonly<Heartbeats['counts']> {
    return this.#heartbeats.counts
  }

  /** Counts of reads that others asked for since the start, for the metrics. */
  get readCounts(): Readonly<ReadRepair['counts']> {
    return this.#readRepair.counts
  }

  // --- events
  // -----------------------------------------------------------------------------------------------------------

  #connected(peer: PeerId): void {
    if (!this.#isRunning) return
    this.#heartbeats.connected(peer)
    this.#sightings.changed()
    this.#publish()
    this.#waiting.changed()
    this.#readRepair.changed()
  }

  #disconnected(peer: PeerId): void {
    this.#heartbeats.disconnected(peer)
    this.#sightings.changed()
    this.#waiting.changed()
  }

  #heard(peer: PeerId): void {
    this.#acknowledgementsChanged()
    this.#readRepair.changed()
    this.#options.onHeartbeat?.(peer)
  }

  #acknowledgementsChanged(): void {
    this.#keeper.changed()
    this.#waiting.changed()
  }

  #membersChanged(changed: ReadonlySet<PeerId>): void {
    const { onError, onForgotten, onMembersChanged } = this.#options
    for (const peer of changed) {
      if (!this.#directory.isForgotten(peer)) continue
      this.#keeper.forget(this.#directory.tagOf(peer)).catch((error: unknown) => onError?.('forget', error))
      onForgotten?.(peer)
    }
    this.#keeper.report()
    onMembersChanged?.()
    this.#waiting.changed()
    this.#readRepair.changed()
  }

  #publish(): void {
    this.#records.publish().catch((error: unknown) => this.#options.onError?.('own record', error))
  }
}
