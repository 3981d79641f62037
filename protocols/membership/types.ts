/** What membership needs of its surroundings, and what it shows of members. */
import type { Environment } from '../../store/environment.js'
import type { Address } from '../../store/model/address.js'
import type { MemberOf, MemberTag, TaggedContexts } from '../../store/model/codec.js'
import type { Context } from '../../store/model/context.js'
import type { Actor, ContentDigest, Dot } from '../../store/model/dot.js'
import type { Entry, Version } from '../../store/model/update.js'
import type { FutureTime } from '../../store/replica/future-times.js'
import type { ApplyOutcome, Capture, Obligation, PeerEntry, Transaction } from '../../store/replica/types.js'
import type { Network, PeerId } from '../network.js'
import type { Rival } from './core/rival.js'
import type { RuleMark } from './core/rules.js'

/** What is held for a member that is behind. */
export interface Hint {
  readonly updates: number
  readonly bytes: number
  /** Since when it misses updates, in milliseconds since 1970; null when it misses none. */
  readonly sinceMs: number | null
}

/** What membership needs of the replica. Everything that it shows is committed. */
export interface MembershipReplica {
  readonly isVerified: boolean
  readonly damageEpoch: number
  readonly memberOf: MemberOf
  /** The id of this run; undefined before its first write. */
  readonly actor: Actor | undefined
  capture(): Capture
  versions(address: Address): readonly Version[]
  scanSystem(prefix: string): Promise<Entry[]>
  transact<T>(write: (transaction: Transaction) => T): Promise<T>
  peerEntryAt(address: Address): PeerEntry
  digestOf(dot: Dot): ContentDigest | undefined
  joinEntries(entries: readonly PeerEntry[], peer: TaggedContexts): Promise<ApplyOutcome>
  setObligations(obligations: readonly Obligation[]): void
  /** Members of whom updates came with times that still lie beyond the bound. */
  futureTimes(): readonly FutureTime[]
  hint(member: MemberTag): Hint
}

/** Where acknowledgements are kept across restarts. */
export interface AckStore {
  load(): Promise<ReadonlyMap<MemberTag, Context>>
  /** Null forgets the member's. */
  save(member: MemberTag, acknowledged: Context | null): Promise<void>
}

/** When a member was last heard, and last proven equal, in milliseconds since 1970; null: never. */
export interface Sighting {
  readonly seenMs: number | null
  readonly equalMs: number | null
}

/** Where sightings are kept across restarts. */
export interface SightingStore {
  load(): Promise<ReadonlyMap<PeerId, Sighting>>
  save(sightings: ReadonlyMap<PeerId, Sighting>): Promise<void>
}

/** How membership is set up. */
export interface MembershipOptions {
  readonly network: Network
  readonly environment: Environment
  readonly replica: MembershipReplica
  readonly acks: AckStore
  /** Absent: `status` knows of this run alone. */
  readonly sightings?: SightingStore
  /** This node's name and the version of its software. */
  readonly name: string
  readonly version: string
  /** By which rules this node settles conflicts; sorted by prefix. */
  readonly rules?: readonly RuleMark[]
  /** The multiaddrs that others can reach this node at, now. */
  addresses(): readonly string[]
  /** Whether this node is cut off from a peer by its operator. */
  isBlocked?(peer: PeerId): boolean
  /** Interval between heartbeats, in milliseconds. */
  readonly heartbeatMs?: number
  /** How far a clock may be off before it is warned of, in milliseconds. */
  readonly clockBoundMs?: number
  /** A neighbour has not been heard for some heartbeats: its connection should be closed. */
  onSilent?(peer: PeerId): void
  /** The member list, or an address in it, has changed. */
  onMembersChanged?(): void
  /** A member was forgotten, here or elsewhere: its connection should be closed and refused. */
  onForgotten?(peer: PeerId): void
  /** Another live node has this node's peer id. When it is this node that gives way, it must take a new peer id. */
  onRival?(rival: Rival): void
  /** A heartbeat came. */
  onHeartbeat?(peer: PeerId): void
  /** Told of errors that harm nothing else, for the log. */
  onError?(what: string, error: unknown): void
}

/** A member as `status` shows it. */
export interface MemberStatus {
  readonly name: string
  readonly peer: PeerId
  readonly connected: boolean
  readonly blocked: boolean
  /** Only while its latest heartbeat showed our root and contexts. */
  readonly converged: boolean
  /** Updates applied here that it has not acknowledged. */
  readonly behind: number
  /** Updates that it has applied and we have not, as last heard. */
  readonly ahead: number
  /** Milliseconds since 1970; null: never. */
  readonly lastSeenMs: number | null
  readonly lastEqualMs: number | null
  readonly hints: Hint
  readonly addresses: readonly string[]
  readonly version: string
  /** Its clock against ours, in milliseconds; null: not heard. */
  readonly clockOffsetMs: number | null
}

/** A member that a wait was missing to its end. */
export interface MissedMember {
  readonly name: string
  readonly peer: PeerId
  /** Not connected; connected without an answer; with another state than ours; comparing its store with its checksums. */
  readonly reason: 'away' | 'silent' | 'unequal' | 'unverified'
  /** How long it has been away, in milliseconds; null: it is not, or was never seen. */
  readonly awayMs: number | null
  /** Updates applied here that it has not acknowledged. */
  readonly behind: number
}

/** What came of a wait. */
export interface Waited {
  readonly isTrue: boolean
  /** Whom it was missing; empty where this node itself stood in its way. */
  readonly missing: readonly MissedMember[]
  /** This node's own store is not verified. */
  readonly isUnverified: boolean
}

/** The names of all nodes, each in exactly one list. */
export interface Whereabouts {
  /** They durably hold the version. */
  readonly nodes: readonly string[]
  /** They were asked, and do not. */
  readonly missing: readonly string[]
  /** They did not answer. */
  readonly unknown: readonly string[]
}

/** How many nodes are wanted, this one included. */
export type Want = number | 'majority' | 'all'

/** Acknowledgements of one write. */
export interface Acks {
  readonly have: number
  readonly want: number
  /** The names of the nodes that have it, this one included. */
  readonly nodes: readonly string[]
}
