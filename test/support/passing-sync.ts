/** The peers' side of a replica, passed on as it is: for tests that alter a part of what peers are shown. */
import type { TrieReader } from '../../store/merkle/types.js'
import type { Address } from '../../store/model/address.js'
import type { TaggedContexts, TaggedUpdates } from '../../store/model/codec.js'
import type { Context } from '../../store/model/context.js'
import type { ContentDigest, Dot, NamedDot } from '../../store/model/dot.js'
import type { ApplyOutcome, Capture, MissingUpdates, PeerEntry, SyncReplica } from '../../store/replica/types.js'

/** Stands before a replica and changes nothing; what a test alters it overrides. */
export class PassingSync implements SyncReplica {
  constructor(private readonly own: SyncReplica) {}

  get isVerified(): boolean {
    return this.own.isVerified
  }

  get damageEpoch(): number {
    return this.own.damageEpoch
  }

  get awaitsPass(): boolean {
    return this.own.awaitsPass ?? false
  }

  get trie(): TrieReader {
    return this.own.trie
  }

  capture(): Capture {
    return this.own.capture()
  }

  hasApplied(dot: Dot): boolean {
    return this.own.hasApplied(dot)
  }

  appliedBefore(ageMs: number): Context {
    return this.own.appliedBefore(ageMs)
  }

  peerEntry(id: Uint8Array): PeerEntry | undefined {
    return this.own.peerEntry(id)
  }

  peerEntryAt(address: Address): PeerEntry {
    return this.own.peerEntryAt(address)
  }

  digestOf(dot: Dot): ContentDigest | undefined {
    return this.own.digestOf(dot)
  }

  readMissing(missing: Context, bytesMax: number, peerApplied?: Context): Promise<MissingUpdates> {
    return this.own.readMissing(missing, bytesMax, peerApplied)
  }

  applyUpdates(tagged: TaggedUpdates): Promise<ApplyOutcome> {
    return this.own.applyUpdates(tagged)
  }

  keepDigests(digests: readonly NamedDot[]): Promise<void> {
    return this.own.keepDigests(digests)
  }

  joinEntries(entries: readonly PeerEntry[], peer: TaggedContexts): Promise<ApplyOutcome> {
    return this.own.joinEntries(entries, peer)
  }

  unite(peer: TaggedContexts, except?: Context, compared?: Context): Promise<void> {
    return this.own.unite(peer, except, compared)
  }
}
