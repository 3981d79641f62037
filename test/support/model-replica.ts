/**
 * A replica in memory, simple enough to be obviously right: the reference that sync sessions are tested on.
 * Each law of contexts can be broken on purpose, so that tests show that breaking it is noticed.
 */
import type { Prefix, TrieEntry, TrieNode, TrieReader } from '../../store/merkle/types.js'
import { type Address, addressText } from '../../store/model/address.js'
import { type Contexts, type TaggedContexts, type TaggedUpdates, unknownMember } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { addressId, entryDigest, sha256, versionDigest } from '../../store/model/digest.js'
import {
  type Actor,
  type ContentDigest,
  compareDots,
  type Dot,
  dotText,
  includesDot,
  sameDot,
} from '../../store/model/dot.js'
import { applyUpdate, joinVersions, staysAt, updateOf } from '../../store/model/join.js'
import type { Entry, Update, Version } from '../../store/model/update.js'
import type { ApplyOutcome, Capture, MissingUpdates, PeerEntry, SyncReplica } from '../../store/replica/types.js'

/** The laws that a test may break. */
export interface Broken {
  /** Rule 3 against the state at the start of the session. */
  readonly joinAgainstStart?: boolean
  /** Counts what the peer never saw as removed there. */
  readonly unseenIsRemoved?: boolean
  /** Seen dots count as applied. */
  readonly hollowIsApplied?: boolean
  /** Refused dots are united like the others. */
  readonly refusedUnited?: boolean
  /** Digests of nodes are so short that they collide. */
  readonly shortDigests?: boolean
  /** The tree shows a part of the entries alone, and yet contexts are united. */
  readonly prefixOnly?: boolean
}

interface Logged {
  readonly update: Update
  supersededBy: Dot | null
  /** True if what it superseded is not known here. */
  readonly bare: boolean
}

const noOutcome: ApplyOutcome = { news: 0, dropped: 0 }
const emptyDigest = Buffer.alloc(16)

/** One copy of the data. All methods work at once; the promises of the interface resolve at once. */
export class ModelReplica implements SyncReplica {
  readonly entries = new Map<string, Entry>()
  readonly seen = new Context()
  readonly applied = new Context()
  readonly log = new Map<string, Logged>()
  /** Dots that count as applied long ago; all others are young. */
  old = new Context()
  isVerified = true
  damageEpoch = 0
  /** Updates in one answer of the log. */
  updatesPerRead = 3
  readonly broken: Broken
  #settled: Contexts | undefined
  /** While a session runs under joinAgainstStart: the state at its start. */
  #start: { entries: Map<string, Entry>; seen: Context } | undefined

  constructor(broken: Broken = {}) {
    this.broken = broken
  }

  get trie(): TrieReader {
    return new ModelTrie([...this.entries.values()], this.broken)
  }

  capture(): Capture {
    const { trie } = this
    const members = new Map<Actor, string>(this.seen.actors().map((actor) => [actor, unknownMember]))
    const contexts = { seen: this.seen.clone(), applied: this.applied.clone() }
    return { ...contexts, members, root: trie.root(), entries: trie.size, settled: this.#settled ?? contexts }
  }

  /** Counts as settled what is held now. */
  settle(): void {
    this.#settled = { seen: this.seen.clone(), applied: this.applied.clone() }
  }

  hasApplied(dot: Dot): boolean {
    return this.applied.has(dot)
  }

  appliedBefore(): Context {
    return this.old.intersection(this.applied)
  }

  peerEntry(id: Uint8Array): PeerEntry | undefined {
    const entry = [...this.entries.values()].find(({ address }) => addressId(address).equals(id))
    return entry === undefined ? undefined : this.peerEntryAt(entry.address)
  }

  peerEntryAt(address: Address): PeerEntry {
    const bare: Dot[] = []
    const updates = this.versionsAt(address).map((version) => {
      const logged = this.log.get(dotText(version.dot))
      if (logged === undefined || logged.bare) bare.push(version.dot)
      return updateOf(version, address, logged?.bare === false ? logged.update.supersedes : [])
    })
    return { address, updates, bare }
  }

  async readMissing(missing: Context, _bytesMax: number, peerApplied = new Context()): Promise<MissingUpdates> {
    return this.readMissingNow(missing, peerApplied)
  }

  /** Reads as the real log does: a superseded update travels without its bytes, together with what superseded it. */
  readMissingNow(missing: Context, peerApplied: Context): MissingUpdates {
    const updates: Update[] = []
    const listed = new Context()
    const unlisted = new Context()
    for (const dot of missing.dots()) {
      if (updates.length >= this.updatesPerRead) break
      if (listed.has(dot)) continue
      const chain = this.#chain(dot, peerApplied, listed)
      if (chain === undefined) unlisted.add(dot)
      for (const update of chain ?? []) {
        updates.push(update)
        listed.add(update.dot)
      }
    }
    return { updates, listed, unlisted, digests: [], rows: listed.size + unlisted.size }
  }

  /** Digests of live contents alone: the model keeps no others, and knows no copies of running machines. */
  digestOf(dot: Dot): ContentDigest | undefined {
    for (const { address, versions } of this.entries.values()) {
      const version = versions.find((one) => sameDot(one.dot, dot))
      if (version !== undefined) return versionDigest(version, address)
    }
    return undefined
  }

  async keepDigests(): Promise<void> {}

  async applyUpdates(tagged: TaggedUpdates): Promise<ApplyOutcome> {
    return this.applyNow(tagged.updates)
  }

  /** Applies updates. */
  applyNow(updates: readonly Update[]): ApplyOutcome {
    return updates.map((update) => this.#apply(update, true)).reduce(addOutcomes, noOutcome)
  }

  async joinEntries(entries: readonly PeerEntry[], peer: TaggedContexts): Promise<ApplyOutcome> {
    return this.joinNow(entries, peer)
  }

  /** Joins entries of a peer (rule 3). */
  joinNow(entries: readonly PeerEntry[], peer: TaggedContexts): ApplyOutcome {
    const outcomes = entries.map((entry) => this.#join(entry, peer))
    return outcomes.reduce(addOutcomes, noOutcome)
  }

  async unite(peer: TaggedContexts, except = new Context()): Promise<void> {
    this.uniteNow(peer, except)
  }

  /** Unites contexts. */
  uniteNow(peer: TaggedContexts, except = new Context()): void {
    const left = this.broken.refusedUnited ? new Context() : except
    this.#unite({ seen: peer.seen.minus(left), applied: peer.applied.minus(left) })
  }

  /** Tells that a session begins here. */
  sessionStarts(): void {
    if (this.broken.joinAgainstStart) this.#start = { entries: new Map(this.entries), seen: this.seen.clone() }
  }

  /** The live versions at an address. */
  versionsAt(address: Address): readonly Version[] {
    return this.entries.get(addressText(address))?.versions ?? []
  }

  /** True if the dot is live here. */
  isLive(dot: Dot, address: Address): boolean {
    return this.versionsAt(address).some((version) => sameDot(version.dot, dot))
  }

  /**
   * Drops log rows: those of superseded updates and deletes, as the log's cap does, and if asked also those of
   * live versions, as damage does; what a live version superseded is then not known any more.
   */
  truncate(chosen: (update: Update) => boolean, alsoLive: boolean): void {
    for (const [text, { update }] of this.log) {
      if ((alsoLive || !this.isLive(update.dot, update.address)) && chosen(update)) this.log.delete(text)
    }
  }

  /**
   * Puts other bytes in place of a live version's: what bit rot that kept its checksum, or a dot issued twice, looks
   * like.
   */
  rot(address: Address, value: Uint8Array): void {
    const versions = this.versionsAt(address).map((version, at) =>
      at === 0 ? { ...version, value, valueHash: sha256(value).subarray(0, 16) } : version,
    )
    this.#store(address, versions)
  }

  #apply(update: Update, whole: boolean): ApplyOutcome {
    if (this.applied.has(update.dot)) {
      this.#settleClash(update)
      return noOutcome
    }
    if (update.value === null && update.kind === 'put' && !whole) return noOutcome
    const change = applyUpdate(this.versionsAt(update.address), update, this.seen)
    this.#store(update.address, change.versions)
    this.seen.add(update.dot)
    for (const dot of update.supersedes) {
      this.seen.add(dot)
      if (this.broken.hollowIsApplied) this.applied.add(dot)
      const logged = this.log.get(dotText(dot))
      if (logged !== undefined) logged.supersededBy ??= update.dot
    }
    if (whole) this.applied.add(update.dot)
    this.log.set(dotText(update.dot), { update, supersededBy: this.#supersederOf(update.dot), bare: !whole })
    this.#settleClash(update)
    return { news: 1, dropped: change.dropped.length }
  }

  #join(entry: PeerEntry, peer: TaggedContexts): ApplyOutcome {
    const start = this.#start
    const joined = start === undefined ? undefined : this.#joinAt(entry, peer, start)
    let outcome = noOutcome
    for (const update of entry.updates) {
      if (update.value === null && !this.seen.has(update.dot)) continue
      const bare = includesDot(entry.bare, update.dot)
      if (bare && this.seen.has(update.dot)) this.#settleClash(update)
      else outcome = addOutcomes(outcome, this.#apply(update, !bare))
    }
    const seen = this.broken.unseenIsRemoved ? { has: () => true } : peer.seen
    const change = joinVersions(
      this.versionsAt(entry.address),
      entry.updates,
      this.seen,
      seen as Context,
      staysAt(entry.address, entry),
    )
    this.#store(entry.address, joined ?? change.versions)
    for (const version of change.dropped) this.log.delete(dotText(version.dot))
    return { news: outcome.news, dropped: outcome.dropped + change.dropped.length }
  }

  #joinAt(
    entry: PeerEntry,
    peer: TaggedContexts,
    at: { entries: Map<string, Entry>; seen: Context },
  ): readonly Version[] {
    const mine = at.entries.get(addressText(entry.address))?.versions ?? []
    return joinVersions(mine, entry.updates, at.seen, peer.seen, staysAt(entry.address, entry)).versions
  }

  /** One dot, two values: the greater digest keeps it. (The real replica issues the other one again.) */
  #settleClash(update: Update): void {
    const mine = this.versionsAt(update.address).find((version) => sameDot(version.dot, update.dot))
    if (mine === undefined || update.value === null || update.kind !== 'put') return
    const theirs = { ...mine, value: update.value, valueHash: sha256(update.value).subarray(0, 16) }
    if (Buffer.compare(theirs.valueHash, mine.valueHash) <= 0) return
    const versions = this.versionsAt(update.address).map((version) => (version === mine ? theirs : version))
    this.#store(update.address, versions)
  }

  #chain(first: Dot, peerApplied: Context, listed: Context): Update[] | undefined {
    const updates: Update[] = []
    for (let dot: Dot | null = first; dot !== null; ) {
      const logged: Logged | undefined = this.log.get(dotText(dot))
      if (logged === undefined || logged.bare) return undefined
      const { update } = logged
      const isLive = this.isLive(update.dot, update.address)
      if (update.kind === 'put' && !isLive && logged.supersededBy === null) return undefined
      updates.push(isLive ? this.#liveUpdate(update) : { ...update, value: null })
      dot = update.kind === 'put' && !isLive ? logged.supersededBy : null
      if (dot !== null && (peerApplied.has(dot) || listed.has(dot))) break
    }
    return updates
  }

  #liveUpdate(update: Update): Update {
    const version = this.versionsAt(update.address).find((one) => sameDot(one.dot, update.dot))!
    return { ...update, value: version.value }
  }

  #supersederOf(dot: Dot): Dot | null {
    for (const { update } of this.log.values()) if (includesDot(update.supersedes, dot)) return update.dot
    return null
  }

  #unite(peer: { readonly seen: Context; readonly applied: Context }): void {
    this.seen.union(peer.seen)
    this.applied.union(peer.applied)
  }

  #store(address: Address, versions: readonly Version[]): void {
    if (versions.length === 0) this.entries.delete(addressText(address))
    else this.entries.set(addressText(address), { address, versions })
  }
}

function addOutcomes(a: ApplyOutcome, b: ApplyOutcome): ApplyOutcome {
  return { news: a.news + b.news, dropped: a.dropped + b.dropped }
}

/** Leaves of at most two entries, so that few entries make a deep tree. */
const leafMax = 2

/** A trie over a handful of entries, recomputed at each question. */
class ModelTrie implements TrieReader {
  readonly #entries: TrieEntry[]
  readonly #broken: Broken

  constructor(entries: readonly Entry[], broken: Broken) {
    this.#broken = broken
    this.#entries = entries
      .map(({ address, versions }) => {
        const id = addressId(address)
        const sorted = [...versions].sort((a, b) => compareDots(a.dot, b.dot))
        return { id, digest: entryDigest(id, sorted), locator: sorted[0]!.dot }
      })
      .filter(({ id }) => !broken.prefixOnly || id[0]! < 0x80)
      .sort((a, b) => Buffer.compare(a.id, b.id))
  }

  get size(): number {
    return this.#entries.length
  }

  root(): Uint8Array {
    return this.node('').digest
  }

  refresh(): boolean {
    return true
  }

  node(prefix: Prefix): TrieNode {
    const below = this.entries(prefix)
    if (below.length === 0) return { kind: 'empty', count: 0, digest: emptyDigest }
    if (below.length <= leafMax) {
      const parts = [Buffer.from([0]), ...below.flatMap(({ id, digest }) => [id, digest])]
      return { kind: 'leaf', count: below.length, digest: this.#digest(Buffer.concat(parts)) }
    }
    const children = Array.from('0123456789abcdef', (digit) => this.node(prefix + digit).digest)
    return { kind: 'inner', count: below.length, digest: this.#digest(Buffer.concat([Buffer.from([1]), ...children])) }
  }

  entries(prefix: Prefix, options: { readonly after?: Uint8Array; readonly limit?: number } = {}): TrieEntry[] {
    const { after, limit } = options
    return this.#entries
      .filter(({ id }) => Buffer.from(id).toString('hex').startsWith(prefix))
      .filter(({ id }) => after === undefined || Buffer.compare(id, after) > 0)
      .slice(0, limit)
  }

  get(id: Uint8Array): TrieEntry | undefined {
    return this.#entries.find((entry) => Buffer.compare(entry.id, id) === 0)
  }

  #digest(bytes: Uint8Array): Buffer {
    const digest = sha256(bytes).subarray(0, 16)
    return this.#broken.shortDigests ? Buffer.alloc(16, 1 + (digest[0]! & 1)) : digest
  }
}
