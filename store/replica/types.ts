/** Types that the one writer shares with protocols and the API: those of its commits, captures and joins. */
import type { TrieReader } from '../merkle/types.js'
import type { Address } from '../model/address.js'
import type { HybridTime } from '../model/clock.js'
import type { Contexts, MemberTag, TaggedContexts, TaggedUpdates } from '../model/codec.js'
import type { Context } from '../model/context.js'
import type { Actor, ContentDigest, Dot, NamedDot } from '../model/dot.js'
import type { Update, Version } from '../model/update.js'

/** Contexts, root and size of the committed state, read in one turn. */
export interface Capture extends TaggedContexts {
  readonly root: Uint8Array
  /** Live entries, the mesh's own records included: what the root covers. */
  readonly entries: number
  /** Both contexts as they were settled, for naming what a peer may hold too; the same as of now when absent. */
  readonly settled?: Contexts
}

/** One address of another copy: an update for each of its live versions (none: the address is empty there). */
export interface PeerEntry {
  readonly address: Address
  /**
   * Sorted by dot, all of kind put. A value is left out (null) where the receiver is known to have seen the dot.
   * Each carries what it superseded, unless it is listed in `bare`.
   */
  readonly updates: readonly Update[]
  /**
   * Dots whose superseded dots the sender does not know; the receiver sees them, but does not count them as applied.
   */
  readonly bare: readonly Dot[]
  /**
   * Dots of the receiver's versions at this address under which the sender knows another content, with the digest of
   * that.
   */
  readonly clashes?: readonly NamedDot[]
  /**
   * Dots of the receiver's versions at this address that the sender was shown, with what they stood for: nothing else
   * goes. Any may, when absent.
   */
  readonly shown?: readonly NamedDot[]
}

/** Counts of what a step of replication changed. */
export interface ApplyOutcome {
  /** Updates (or versions) that were news here. */
  readonly news: number
  /** Versions that were dropped. */
  readonly dropped: number
}

/** Updates read for a peer that misses them. */
export interface MissingUpdates {
  /**
   * In an order that is safe to apply frame by frame; a superseded update stands in the same list as the one that
   * superseded it.
   */
  readonly updates: readonly Update[]
  /** The dots that these updates bring. */
  readonly listed: Context
  /** Dots looked for of which no update is kept here any more; only the tree can tell their fate. */
  readonly unlisted: Context
  /** The digests that are kept of dots in `unlisted`. */
  readonly digests: readonly NamedDot[]
  /** Number of rows that were looked at for this. */
  readonly rows: number
}

/** One event of the change feed. */
export interface FeedEvent {
  /** The position in the log: ascending in local arrival order. */
  readonly sequence: number
  readonly address: Address
  readonly op: 'put' | 'del' | 'expire'
  readonly dot: Dot
  readonly time: Update['time']
  readonly value: Uint8Array | null
  /**
   * Dots that the update superseded, the first of them when they are many; undefined when it is not known which those
   * are.
   */
  readonly supersedes: readonly Dot[] | undefined
  /** Number of dots that it superseded beyond these. */
  readonly supersedesMore: number
}

/** Changes of one durable batch; the one listener is notified of them after the commit, in order. */
export interface Commit {
  /** Updates issued here, to be gossiped; grouped as they were written (one group is one atomic write). */
  readonly issued: readonly (readonly Update[])[]
  /** Feed events in order. */
  readonly events: readonly FeedEvent[]
  /** True if a context changed. */
  readonly contextsChanged: boolean
}

/** The side of the replica that sync sessions use. Everything it shows is committed. */
export interface SyncReplica {
  /**
   * False until the store has been compared with its own checksums since the start (rule 11): no session is opened or
   * accepted before.
   */
  readonly isVerified: boolean
  /** Rises each time damage was found: a session that began under another number ends without a union. */
  readonly damageEpoch: number
  /** Something was lost to damage; a complete pass, also one that brings nothing, tells that its fate is known. */
  readonly awaitsPass?: boolean
  /** The trie of the committed entries. */
  readonly trie: TrieReader
  /** Contexts, root and size, read in one turn. */
  capture(): Capture
  /** True if an update has been applied here. */
  hasApplied(dot: Dot): boolean
  /** The dots that had been applied here so many milliseconds ago (or longer ago, never later). */
  appliedBefore(ageMs: number): Context
  /**
   * The entry of the trie with this id, as it stands now or a little later, with all of its versions; undefined when
   * there is none.
   */
  peerEntry(id: Uint8Array): PeerEntry | undefined
  /** The address's versions as a peer entry; empty updates when there are none. */
  peerEntryAt(address: Address): PeerEntry
  /** The digest of the content that a dot has here, live or not; undefined when it is not known. */
  digestOf(dot: Dot): ContentDigest | undefined
  /**
   * Updates for a peer that has not applied the dots `missing`, about `bytesMax` bytes of them; call again with what is
   * then still missing. Bounded by rows and time too: it may bring no update, but it always tells the fate of some of
   * the dots. `peerApplied`: what the peer has applied; without it every superseded update is followed to the live one,
   * also to one newer than `missing`.
   */
  readMissing(missing: Context, bytesMax: number, peerApplied?: Context): Promise<MissingUpdates>
  /** Applies updates in one durable batch. */
  applyUpdates(tagged: TaggedUpdates): Promise<ApplyOutcome>
  /** Keeps the digests that a peer sent of dots whose updates it does not keep any more, durably. */
  keepDigests(digests: readonly NamedDot[]): Promise<void>
  /**
   * Joins addresses of a peer's copy in one durable batch (rule 3). `peer` was captured there before these were read.
   */
  joinEntries(entries: readonly PeerEntry[], peer: TaggedContexts): Promise<ApplyOutcome>
  /**
   * Unites a peer's captured contexts after a complete pass (rule 1), durably. `except`: dots that were refused or not
   * fetched (rule 6). `compared`: what had been seen here when the two copies were compared, and what the peer listed
   * since. Nothing is united when a version that came later by another way is live here and the peer had seen it:
   * whether the peer has removed it is not known; the next session tells.
   */
  unite(peer: TaggedContexts, except?: Context, compared?: Context): Promise<void>
}

/** Operations of one write inside the committing batch. Reads see everything written before, durable or not. */
export interface Transaction {
  /** The wall clock at the start of the write, in milliseconds since 1970. */
  readonly nowMs: number
  /**
   * Versions with a deadline up to here have expired by the clocks of the mesh; NaN while there are members and none is
   * heard.
   */
  readonly expiredByMs: number
  /** The live versions at an address. */
  versions(address: Address): readonly Version[]
  /** Issues a put that supersedes these dots. Returns its dot. */
  put(address: Address, value: Uint8Array, expiresAtMs: number | null, supersedes: readonly NamedDot[]): Dot
  /** Issues a put whose bytes, and what it supersedes, depend on the dot and the time that it gets. Returns the dot. */
  putAs(
    address: Address,
    build: (dot: Dot, time: HybridTime) => { readonly value: Uint8Array; readonly supersedes: readonly Dot[] },
  ): Dot
  /** Issues a delete of these dots. Returns its dot. */
  remove(address: Address, supersedes: readonly NamedDot[], kind?: 'delete' | 'expiry'): Dot
  /** The remembered answer of an earlier request with this retry key. */
  recall(retryKey: string): { readonly requestHash: Uint8Array; readonly answer: Uint8Array } | undefined
  /** Remembers an answer in the same batch. */
  remember(retryKey: string, requestHash: Uint8Array, answer: Uint8Array): void
}

/** Runs a write, once and synchronously, inside the committing batch; resolves with its result once that is durable. */
export type Transact = <T>(write: (transaction: Transaction) => T) => Promise<T>

/** The members as the log must know them: whose acknowledgements it waits for. */
export interface Obligation {
  readonly member: MemberTag
  /** Context that the member has applied durably, as last heard. */
  readonly acknowledged: Context
  /** True if it has said that it reads folds of counters. */
  readonly readsFolds?: boolean
}

/** Names the member of an actor, for answers to users. */
export interface ActorNames {
  memberOf(actor: Actor): MemberTag
}
