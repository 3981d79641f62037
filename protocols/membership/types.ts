/** Dependencies of membership, and the types of what it shows of members. */
import type { Environment } from '../../store/environment.js'
import type { Address } from '../../store/model/address.js'
import type { MemberOf, MemberTag } from '../../store/model/codec.js'
import type { Context } from '../../store/model/context.js'
import type { Actor } from '../../store/model/dot.js'
import type { Entry, Version } from '../../store/model/update.js'
import type { FutureTime } from '../../store/replica/mesh-clock.js'
import type { Obligation, SyncReplica, Transact } from '../../store/replica/types.js'
import type { Network, PeerId } from '../network.js'
import type { Rival } from './core/rival.js'
import type { RuleMark } from './core/rules.js'

/** Hint: what is kept for a member that is behind. */
export interface Hint {
  readonly updates: number
  readonly bytes: number
  /** Time since which it misses updates, in milliseconds since 1970; null when it misses none. */
  readonly sinceMs: number | null
}

/** The part of the replica that membership needs. Everything that it shows is committed. */
export interface MembershipReplica {
  /** The id of this run; undefined before its first write. */
  readonly runs: { readonly actor: Actor | undefined }
  readonly memberOf: MemberOf
  /** State that peers see, and updates that they bring. */
  readonly sync: Pick<
    SyncReplica,
    'isVerified' | 'damageEpoch' | 'capture' | 'peerEntryAt' | 'digestOf' | 'joinEntries'
  >
  /** The update log, which waits for acknowledgements. */
  readonly log: MemberLog
  /** Storage of acknowledgements across restarts. */
  readonly acks: AckStore
  /** Members of whom updates came with times that still lie beyond the bound. */
  readonly clock: { futureTimes(): readonly FutureTime[] }
  versions(address: Address): readonly Version[]
  scanSystem(prefix: string): Promise<Entry[]>
  transact: Transact
}

/** The part of the update log that membership informs and asks. */
export interface MemberLog {
  /** Names the members whose acknowledgements the log waits for. */
  setObligations(obligations: readonly Obligation[]): void
  /** Hint: what is kept for a member. */
  hint(member: MemberTag): Hint
}

/** Storage of acknowledgements across restarts. */
export interface AckStore {
  load(): Promise<ReadonlyMap<MemberTag, Context>>
  /** Null forgets the member's. */
  save(member: MemberTag, acknowledged: Context | null): Promise<void>
}

/** Times when a member was last heard, and last proven equal, in milliseconds since 1970; null: never. */
export interface Sighting {
  readonly seenMs: number | null
  readonly equalMs: number | null
}

/** Storage of sightings across restarts. */
export interface SightingStore {
  load(): Promise<ReadonlyMap<PeerId, Sighting>>
  save(sightings: ReadonlyMap<PeerId, Sighting>): Promise<void>
}

/** Options of membership. */
export interface MembershipOptions {
  readonly network: Network
  readonly environment: Environment
  readonly replica: MembershipReplica
  /** Absent: `status` knows of this run alone. */
  readonly sightings?: SightingStore
  /** This node's name and the version of its software. */
  readonly name: string
  readonly version: string
  /** Rules by which this node settles conflicts; sorted by prefix. */
  readonly rules?: readonly RuleMark[]
  /** The multiaddrs that others can reach this node at, now. */
  addresses(): readonly string[]
  /** True if this node is cut off from a peer by its operator. */
  isBlocked?(peer: PeerId): boolean
  /** Interval between heartbeats, in milliseconds. */
  readonly heartbeatMs?: number
  /** Largest offset of a clock without a warning, in milliseconds. */
  readonly clockBoundMs?: number
  /** Called when a neighbour has been silent for some heartbeats: its connection should be closed. */
  onSilent?(peer: PeerId): void
  /** Called when the member list, or an address in it, has changed. */
  onMembersChanged?(): void
  /** Called when a member was forgotten, here or elsewhere: its connection should be closed and refused. */
  onForgotten?(peer: PeerId): void
  /** Called when another live node has this node's peer id. When this node gives way, it must take a new peer id. */
  onRival?(rival: Rival): void
  /** Called for each heartbeat. */
  onHeartbeat?(peer: PeerId): void
  /** Called with errors that harm nothing else, for the log. */
  onError?(what: string, error: unknown): void
}

/** A member as `status` shows it. */
export interface MemberStatus {
  readonly name: string
  readonly peer: PeerId
  readonly connected: boolean
  readonly blocked: boolean
  /** True only while its latest heartbeat showed our root and contexts. */
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
  /** First digits of the root in its latest heartbeat, in hexadecimal; null: none was heard since it connected. */
  readonly root: string | null
  /** Members that it is connected to, as last heard from it while it was connected; this node included. */
  readonly hears: readonly PeerId[]
}

/** A member that was still missing at the end of a wait. */
export interface MissedMember {
  readonly name: string
  readonly peer: PeerId
  /**
   * Not connected; connected without an answer; with another state than ours; comparing its store with its checksums.
   */
  readonly reason: 'away' | 'silent' | 'unequal' | 'unverified'
  /** Time that it has been away, in milliseconds; null: it is not, or was never seen. */
  readonly awayMs: number | null
  /** Updates applied here that it has not acknowledged. */
  readonly behind: number
}

/** Outcome of a wait. */
export interface Waited {
  readonly isTrue: boolean
  /** Members that were missing; empty where this node itself was the reason. */
  readonly missing: readonly MissedMember[]
  /** True if this node's own store is not verified. */
  readonly isUnverified: boolean
}

/** The names of all nodes, each in exactly one list. */
export interface Whereabouts {
  /** Nodes that durably hold the version. */
  readonly nodes: readonly string[]
  /** Nodes that answered that they do not. */
  readonly missing: readonly string[]
  /** Members that did not answer. */
  readonly unknown: readonly string[]
}

/** Number of nodes wanted, this one included. */
export type Want = number | 'majority' | 'all'

/** Acknowledgements of one write. */
export interface Acks {
  readonly have: number
  readonly want: number
  /** The names of the nodes that have it, this one included. */
  readonly nodes: readonly string[]
}
