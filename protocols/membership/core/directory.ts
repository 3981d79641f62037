/** The member list as it follows from the records: who is a member, who was forgotten, and what they are called. */
import { HearsayError } from '../../../store/errors.js'
import type { MemberTag } from '../../../store/model/codec.js'
import type { Version } from '../../../store/model/update.js'
import type { PeerId } from '../../network.js'
import { listDigest } from './digest.js'
import {
  type ForgottenRecord,
  forgottenPrefix,
  type MemberRecord,
  memberPrefix,
  memberTag,
  mergeForgotten,
  mergeRecords,
} from './record.js'

/** All records of one node's store. */
export class Directory {
  readonly #self: PeerId
  readonly #records = new Map<PeerId, MemberRecord>()
  readonly #forgotten = new Map<PeerId, ForgottenRecord>()
  readonly #peers = new Map<MemberTag, PeerId>()
  readonly #tags = new Map<PeerId, MemberTag>()
  #others: MemberRecord[] | undefined
  #digest: Buffer | undefined

  /** `self`: the own peer id, which is a member with or without a record. */
  constructor(self: PeerId) {
    this.#self = self
    this.note(self)
  }

  /**
   * Takes the live versions of a record of the mesh. Returns whether the list may have changed; keys of other records
   * are left alone.
   */
  set(key: string, versions: readonly Version[]): boolean {
    if (key.startsWith(memberPrefix)) return this.#setRecord(key.slice(memberPrefix.length), versions)
    if (key.startsWith(forgottenPrefix)) return this.#setForgotten(key.slice(forgottenPrefix.length), versions)
    return false
  }

  /** Remembers a peer that was met, so that its tag can be resolved. */
  note(peer: PeerId): void {
    if (!this.#tags.has(peer)) this.#peers.set(this.tagOf(peer), peer)
  }

  /** The tag of a peer. */
  tagOf(peer: PeerId): MemberTag {
    const known = this.#tags.get(peer)
    if (known !== undefined) return known
    const tag = memberTag(peer)
    this.#tags.set(peer, tag)
    return tag
  }

  /** The records of all members but this one, forgotten ones left out. */
  others(): readonly MemberRecord[] {
    this.#others ??= [...this.#records.values()].filter(({ peer }) => peer !== this.#self && !this.#forgotten.has(peer))
    return this.#others
  }

  /** The peer ids of all members, this one included, forgotten ones left out. */
  peers(): PeerId[] {
    return [this.#self, ...this.others().map(({ peer }) => peer)]
  }

  /** A member's record, forgotten or not. */
  record(peer: PeerId): MemberRecord | undefined {
    return this.#records.get(peer)
  }

  /** True if the peer has a record and was not forgotten. */
  isMember(peer: PeerId): boolean {
    return this.#records.has(peer) && !this.#forgotten.has(peer)
  }

  /** True if the peer was retired for good. */
  isForgotten(peer: PeerId): boolean {
    return this.#forgotten.has(peer)
  }

  /** The peer behind a tag. */
  peerOf(tag: MemberTag): PeerId | undefined {
    return this.#peers.get(tag)
  }

  /** The name of a peer; its id when it has none. */
  name(peer: PeerId): string {
    const name = this.#records.get(peer)?.name ?? this.#forgotten.get(peer)?.name
    return name === undefined || name.length === 0 ? peer : name
  }

  /** The digest of the list, 8 bytes. */
  digest(): Buffer {
    this.#digest ??= listDigest(this.peers())
    return this.#digest
  }

  /** Names that more than one member uses, with their peer ids. */
  doubleNames(): Map<string, PeerId[]> {
    const users = new Map<string, PeerId[]>()
    for (const peer of this.peers()) {
      const name = this.#records.get(peer)?.name
      if (name !== undefined) users.set(name, [...(users.get(name) ?? []), peer])
    }
    return new Map([...users].filter(([, peers]) => peers.length > 1))
  }

  /**
   * The peer id that a name or a peer id stands for. `candidates`: peers that are known without a record.
   * Throws NOT_FOUND, and BAD_REQUEST for a name that several members use.
   */
  resolve(nameOrPeer: string, candidates: readonly PeerId[] = []): PeerId {
    const known = [...new Set([...this.peers(), ...candidates])].filter((peer) => !this.isForgotten(peer))
    if (known.includes(nameOrPeer)) return nameOrPeer
    const named = known.filter((peer) => this.#records.get(peer)?.name === nameOrPeer)
    if (named.length === 1) return named[0]!
    if (named.length === 0) {
      const message = `no member is called ${JSON.stringify(nameOrPeer)}`
      throw new HearsayError('NOT_FOUND', message, { member: nameOrPeer })
    }
    const message = `several members are called ${JSON.stringify(nameOrPeer)}; give a peer id: ${named.join(', ')}`
    throw new HearsayError('BAD_REQUEST', message, { member: nameOrPeer, peers: named })
  }

  #setRecord(peer: PeerId, versions: readonly Version[]): boolean {
    const record = mergeRecords(peer, versions)
    if (record === undefined) {
      if (!this.#records.delete(peer)) return false
    } else {
      this.#records.set(peer, record)
      this.note(peer)
    }
    this.#changed()
    return true
  }

  /** A forgotten member stays forgotten: the record is only ever added. */
  #setForgotten(peer: PeerId, versions: readonly Version[]): boolean {
    if (versions.length === 0) return false
    this.#forgotten.set(peer, mergeForgotten(peer, versions))
    this.note(peer)
    this.#changed()
    return true
  }

  #changed(): void {
    this.#digest = undefined
    this.#others = undefined
  }
}
