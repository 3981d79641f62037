/** The API's view of the mesh. */
import type { Acks, MemberStatus, Waited, Want, Whereabouts } from '../../protocols/membership/types.js'
import type { PeerId } from '../../protocols/network.js'
import type { ComparedCopies } from '../../protocols/sync/core/conversation.js'
import type { SessionReport } from '../../protocols/sync/service.js'
import type { Address } from '../../store/model/address.js'
import type { MemberTag } from '../../store/model/codec.js'
import type { Dot } from '../../store/model/dot.js'
import type { Notice } from '../../store/replica/warnings.js'

/** Condition of sync with a connected peer, in milliseconds. */
export interface SyncCondition {
  readonly connectedForMs: number
  /** Time since a session with it ended well; null: none has since it was connected. */
  readonly sinceGoodMs: number | null
  /** Reason for which the latest session broke off; null: none has since one ended well. */
  readonly lastFailure: string | null
}

/** Differences between this node and a peer. */
export interface MeshDifferences extends ComparedCopies {
  /** The name of the peer. */
  readonly name: string
}

/** The mesh as the API sees it. */
export interface Mesh {
  readonly name: string
  readonly peer: string
  /** The multiaddrs others can reach this node at. */
  addresses(): string[]
  /** The name of the member behind a tag; the tag itself when it is not known. */
  nameOf(member: MemberTag): string
  /** All members but this one, forgotten ones left out, by name. */
  members(): MemberStatus[]
  /** Names and ids of the peers that this node blocks. */
  blocked(): string[]
  warnings(): string[]
  /** The same with their matters. */
  notices(): Notice[]
  /** Condition of sync with a peer; undefined when it is not connected. */
  syncCondition(peer: PeerId): SyncCondition | undefined
  /**
   * A token with addresses and the mesh secret; waits until the network has started. UNREACHABLE: the node has no
   * address, or stops.
   */
  invite(): Promise<string>
  /**
   * Joins another mesh; resolves once the inviting member has admitted this node and a heartbeat of it has come back.
   * BAD_TOKEN, OWN_INVITATION, UNREACHABLE, OTHER_MESH, FORGOTTEN: nothing has changed then. NOT_ADMITTED: the mesh was
   * reached, and may admit this node later.
   */
  join(token: string): Promise<void>
  /** Retires a member for good. NOT_FOUND. */
  forget(nameOrPeer: string): Promise<void>
  /** Blocks peers; returns when their connections are closed. Throws NOT_FOUND for an unknown one. */
  block(peers: readonly string[]): Promise<void>
  /** Lifts blocks; all when absent. */
  unblock(peers?: readonly string[]): Promise<void>
  /** Runs anti-entropy now with one peer, or with every connected one. NOT_FOUND, UNREACHABLE. */
  sync(peer?: string): Promise<SessionReport[]>
  /**
   * Waits until so many members have a durable copy of the dot, this node included. Resolves with what there is at the
   * end of the time.
   */
  awaitAcks(dot: Dot, want: Want, timeoutMs: number): Promise<Acks>
  /** Lead of this node's clock over the members' median, in milliseconds, where that is beyond the bound; else null. */
  clockOffMs(): number | null
  /**
   * Waits until a majority of the members (this one included) has answered a question asked after this call. Resolves
   * whether it did in time.
   */
  proveQuorum(timeoutMs: number): Promise<boolean>
  /**
   * Waits until `peers` members are connected and, with `converged`, a heartbeat taken after the call shows them equal
   * to us. Resolves whether it came true in time, and who was missing if not.
   */
  wait(condition: { peers?: number; converged: boolean; timeoutMs: number }, signal?: AbortSignal): Promise<Waited>
  /**
   * Asks members for their copy of an address, joins the answers here, repairs what lags; NO_QUORUM when too few
   * answer.
   */
  readRepair(address: Address, consistency: 'majority' | 'all', timeoutMs: number): Promise<void>
  /**
   * Compares this node's copy with that of a connected peer, changing neither, and resolves with so many differences at
   * most. NOT_FOUND, UNREACHABLE, PEER_TOO_OLD, NOT_VERIFIED, TOO_BUSY.
   */
  diff(nameOrPeer: string, entriesMax: number): Promise<MeshDifferences>
  /** Asks all members afresh which of them durably hold this version. */
  where(dot: Dot): Promise<Whereabouts>
}
