/**
 * The replica: one store as one CRDT behind one writer. Users' writes and peers' updates go through the same ledger;
 * what is shown to sessions, heartbeats, gossip and watchers is committed state alone.
 */
import type { Environment } from '../environment.js'
import { HearsayError } from '../errors.js'
import type { KvStore } from '../kv.js'
import type { Trie } from '../merkle/trie.js'
import { type Address, isUserAddress } from '../model/address.js'
import { type MemberTag, type TaggedContexts, type TaggedUpdates, unknownMember } from '../model/codec.js'
import { Context } from '../model/context.js'
import type { Actor, ContentDigest, Dot, NamedDot } from '../model/dot.js'
import type { DisplayClock } from '../model/register.js'
import type { Entry, Version } from '../model/update.js'
import { BaselineSweep } from './baselines.js'
import type { Batch } from './batch.js'
import { ChangeFeed, type FeedOwner } from './change-feed.js'
import { DigestSweep } from './digest-rows.js'
import { ExpirySweep } from './expiry.js'
import { FutureTimes } from './future-times.js'
import { Health, type HealthOwner } from './health.js'
import { type Irregularities, Ledger, type LedgerChanges } from './ledger.js'
import { type Hint, type LogLimits, type LogOwner, UpdateLog } from './log.js'
import { type MemberClocks, MeshClock } from './mesh-clock.js'
import { PeerReader } from './missing.js'
import { type OpenedRows, openRows } from './opening.js'
import { Past } from './past.js'
import { Retries } from './retries.js'
import type { RunMemory } from './run.js'
import { transactionOn } from './transaction.js'
import type {
  ApplyOutcome,
  Capture,
  Commit,
  MissingUpdates,
  Obligation,
  PeerEntry,
  SyncReplica,
  Transaction,
} from './types.js'
import { Upkeep, type UpkeepOwner } from './upkeep.js'
import { GroupCommit } from './writer.js'

/** How a replica is opened. */
export interface ReplicaOptions {
  readonly store: KvStore
  readonly environment: Environment
  /** The tag of this node's member. */
  readonly member: MemberTag
  /** Whether a write is on the disk (fsync) before it is acknowledged. */
  readonly sync: boolean
  /** How far in the future a time may lie before it is shown last, in milliseconds. */
  readonly clockBoundMs: number
  readonly log: LogLimits
  /** The store was repaired by LevelDB, or is otherwise known to be incomplete: contexts are rebuilt from what is readable. */
  readonly isSuspect?: boolean
  /** For tests of copied machines alone: what the process that was copied remembered of its runs; this one goes on under the same id. */
  readonly memory?: RunMemory | undefined
  /** Told when LevelDB itself cannot read parts of its tables: what is readable is to be saved at the next start. */
  onUnreadableTables?(): void
  /** Told of what an operator should know: damage, clones, clocks. */
  warn?(warning: string): void
}

const noDots = new Context()

/** One node's copy of the data. */
export class Replica implements SyncReplica {
  /** The change feed, for its readers. */
  readonly feed: ChangeFeed
  readonly #store: KvStore
  readonly #options: ReplicaOptions
  readonly #environment: Environment
  readonly #ledger: Ledger
  readonly #writer: GroupCommit
  readonly #reader: PeerReader
  readonly #log: UpdateLog
  readonly #expiry: ExpirySweep
  readonly #upkeep: Upkeep
  readonly #health: Health
  readonly #past: Past
  readonly #meshClock: MeshClock
  readonly #futureTimes: FutureTimes
  readonly #warnings = new Map<string, string>()
  #committed: Committed
  /** What the batch in flight does: the disk may show it before the commit. */
  #inFlight: LedgerChanges | undefined
  #listener: ((commit: Commit) => void) | undefined

  private constructor(options: ReplicaOptions, opened: OpenedRows) {
    const { store, environment } = options
    const { contexts, members, state } = opened
    this.#options = options
    this.#store = store
    this.#environment = environment
    const { seen, applied } = contexts
    this.#meshClock = new MeshClock(environment)
    this.#futureTimes = new FutureTimes(options.clockBoundMs)
    this.#committed = { seen: seen.clone(), applied: applied.clone(), state, systemWrites: 0, hasLost: false }
    this.#ledger = new Ledger(contexts, members, state, {
      environment,
      member: options.member,
      clockBoundMs: options.clockBoundMs,
      memory: options.memory,
      onCopyFound: (what) => this.#warn('identity', what),
      onClash: (dot, clashes) => this.#clashed(dot, clashes),
      sharedNowMs: () => this.#meshClock.sharedNowMs(),
      onFutureTime: (time, member) => this.#futureTimes.met(time, member),
      onDamage: (row) => this.#health.damageFound(row),
    })
    this.#writer = new GroupCommit(store, options.sync, {
      seal: (batch) => {
        const changes = this.#ledger.seal(batch)
        this.#inFlight = changes
        return () => this.#commit(changes)
      },
      failed: (error) => this.#health.storeFailed(error),
    })
    this.#reader = new PeerReader(store, environment)
    this.#past = new Past(environment, this.#committed.applied)
    this.#log = new UpdateLog(store, this.#logOwner(), options.log)
    this.feed = new ChangeFeed(this.#feedOwner())
    this.#expiry = new ExpirySweep(store, environment, this)
    this.#upkeep = new Upkeep(this.#upkeepOwner())
    this.#health = new Health(this.#healthOwner(), opened.isDamaged || (options.isSuspect ?? false))
  }

  /**
   * Opens a store and loads its contexts; clients can be served from then on.
   * Verification runs in the background once `verify()` is called. Throws STORE_FORMAT for a store of a newer version.
   */
  static async open(options: ReplicaOptions): Promise<Replica> {
    return new Replica(options, await openRows(options.store, options.environment))
  }

  // --- users and the mesh's own records -----------------------------------------------------------------------------

  /**
   * Runs a user's write: `write` is called once, synchronously, inside the committing batch; resolves with its result once durable.
   * What it throws is passed on and nothing is stored. Rejects with STORE_FAILED when the outcome is unknown.
   */
  transact<T>(write: (transaction: Transaction) => T): Promise<T> {
    return this.#submit((batch) => this.#ledger.write(batch, () => write(this.#transaction(batch))))
  }

  /** The committed live versions at an address. Throws DAMAGED_VALUE, and NOT_VERIFIED for a damaged store until it is verified. */
  versions(address: Address): readonly Version[] {
    if (this.#health.doubt !== undefined && isUserAddress(address)) throw this.#health.doubt
    return this.reading(() => {
      const versions = this.#reader.versions(address)
      if (versions.length > 0 || !this.#reader.isLost(address)) return versions
      throw new HearsayError(
        'DAMAGED_VALUE',
        'this record was lost to damage on the disk; it comes back from peers that have it, or write it again',
      )
    })
  }

  /** The mesh's own records whose key starts with a prefix. One that cannot be read is left out, and fetched again from peers: no damage keeps a node from starting. */
  scanSystem(prefix: string): Promise<Entry[]> {
    return this.#reader.systemEntries(prefix, (row) => this.#health.damageFound(row))
  }

  /** The store beneath, for listings in key order; committed rows alone are in it. */
  get store(): KvStore {
    return this.#store
  }

  /** The id that this process issues under; undefined before its first write. */
  get actor(): Actor | undefined {
    return this.#ledger.actor
  }

  /** What this process remembers of its runs, for tests that copy a running machine. */
  get memory(): RunMemory {
    return this.#ledger.runMemory
  }

  /** Counts since the start of what honest nodes that run once never send. */
  get irregularities(): Irregularities {
    return this.#ledger.irregularities
  }

  /** The tag of the member that an actor belongs to. */
  memberOf = (actor: Actor): MemberTag => this.#ledger.members.get(actor) ?? unknownMember

  /** Live entries of the users. */
  get userEntries(): number {
    return this.#committed.state.userEntries
  }

  /** Unpredictable bytes, for ids that a write needs beside its dot. */
  randomBytes(count: number): Uint8Array {
    return this.#environment.randomBytes(count)
  }

  /** What clocks have to do with display. */
  displayClock(): DisplayClock {
    const { clockBoundMs } = this.#options
    return { nowMs: this.#environment.nowMs(), sharedNowMs: this.#meshClock.sharedNowMs(), clockBoundMs }
  }

  /** What an operator should know, in words. */
  warnings(): string[] {
    return [...this.#warnings.values()]
  }

  /** The error that made this replica read-only; undefined while it works. */
  get failure(): HearsayError | undefined {
    return this.#writer.failure
  }

  /** What keeps users from being served: the disk failed, or a damaged store is not verified. Undefined when nothing does. */
  get obstacle(): HearsayError | undefined {
    return this.failure ?? this.#health.doubt
  }

  /** Why this replica is not verified, in words; null when it is. */
  get unverifiedReason(): string | null {
    return this.#health.unverifiedReason
  }

  // --- the listener -------------------------------------------------------------------------------------------------

  /** Names the one listener; it is told of every commit, in order, after it is durable. */
  onCommit(listener: (commit: Commit) => void): void {
    this.#listener = listener
  }

  /** Names who is told when a verification begins, when one has passed, and when the store fails: `isVerified` has changed. */
  onVerification(listener: () => void): void {
    this.#health.onChange(listener)
  }

  // --- sync ---------------------------------------------------------------------------------------------------------

  get isVerified(): boolean {
    return this.#health.isVerified
  }

  /** Whether something was lost to damage whose fate only a complete pass with a peer can tell, or show to be known. */
  get awaitsPass(): boolean {
    return this.#ledger.entries.hasLost || this.#committed.hasLost
  }

  get damageEpoch(): number {
    return this.#health.damageEpoch
  }

  get trie(): Trie {
    return this.#health.trie
  }

  capture(): Capture {
    const { seen, applied } = this.#committed
    const { members } = this.#ledger
    const { trie } = this.#health
    return { seen: seen.clone(), applied: applied.clone(), members, root: trie.root(), entries: trie.size }
  }

  appliedBefore(ageMs: number): Context {
    return this.#past.before(ageMs)
  }

  peerEntry(id: Uint8Array): PeerEntry | undefined {
    const found = this.trie.get(id)
    return found && this.reading(() => this.#reader.peerEntry(found, this.#inFlight?.trie ?? []))
  }

  peerEntryAt(address: Address): PeerEntry {
    return this.reading(() => this.#reader.peerEntryAt(address))
  }

  digestOf(dot: Dot): ContentDigest | undefined {
    return this.reading(() => this.#reader.digestOf(dot))
  }

  async readMissing(missing: Context, bytesMax: number, peerApplied: Context = noDots): Promise<MissingUpdates> {
    try {
      return await this.#reader.readMissing(missing, bytesMax, peerApplied)
    } catch (error) {
      return this.#health.damagedOr(error)
    }
  }

  applyUpdates(tagged: TaggedUpdates): Promise<ApplyOutcome> {
    return this.#replicate((batch) =>
      tagged.updates.map((update) =>
        this.#ledger.apply(batch, update, tagged.members.get(update.dot.actor) ?? unknownMember),
      ),
    )
  }

  async keepDigests(digests: readonly NamedDot[]): Promise<void> {
    await this.#submit((batch) => this.#ledger.write(batch, () => this.#ledger.keepDigests(batch, digests)))
  }

  joinEntries(entries: readonly PeerEntry[], peer: TaggedContexts): Promise<ApplyOutcome> {
    return this.#replicate((batch) => entries.map((entry) => this.#ledger.join(batch, entry, peer)))
  }

  async unite(peer: TaggedContexts, except: Context = noDots, compared?: Context): Promise<void> {
    const epoch = this.damageEpoch
    await this.#submit((batch) => {
      // Damage found meanwhile: what was compared is not what is here now.
      if (epoch !== this.damageEpoch || !this.isVerified) return
      if (compared !== undefined && this.#ledger.hasUnsettled(batch, peer, compared)) return
      this.#ledger.write(batch, () => this.#ledger.unite(batch, peer, except))
    })
  }

  // --- the log ------------------------------------------------------------------------------------------------------

  /** Names the members whose acknowledgements the log waits for. Until it is called for the first time nothing is let go of. */
  setObligations(obligations: readonly Obligation[]): void {
    this.#log.setObligations(obligations)
  }

  /** Bytes of the log that are kept for members that miss updates; 0 when nothing is. */
  get logBytes(): number {
    return this.#ledger.dots.logBytes
  }

  /** What is held for a member. */
  hint(member: MemberTag): Hint {
    return this.#log.hint(member)
  }

  /** The acknowledgements kept on disk. */
  load(): Promise<Map<MemberTag, Context>> {
    return this.#log.loadAcknowledgements()
  }

  /** Keeps what a member acknowledged. */
  save(member: MemberTag, acknowledged: Context | null): Promise<void> {
    return this.#log.saveAcknowledgement(member, acknowledged)
  }

  /** Lets go of log rows that every member has acknowledged. Returns how many went. Runs by itself once verified. */
  trim(): Promise<number> {
    return this.#upkeep.trim()
  }

  /** Deletes for good what is past its deadline, as the design's expiry rule allows. Returns how many versions. */
  sweepExpired(): Promise<number> {
    return this.#expiry.sweep()
  }

  /** Deletes baselines of counters that subtract from nothing any more, anywhere. Returns how many. Runs by itself now and then. */
  sweepBaselines(): Promise<number> {
    return this.#upkeep.sweepBaselines()
  }

  /** Names the source of the members' clocks: for the order of display, and for the rule of expiry. */
  setMemberClocks(clocks: MemberClocks): void {
    this.#meshClock.setMembers(clocks)
  }

  /** The moment up to which deadlines have passed by the clocks of the mesh; NaN while there are members and none is heard. */
  expiredByMs(): number {
    return this.#meshClock.expiredByMs()
  }

  /** Members of whom updates came with times that are still beyond the bound: they are shown last. */
  futureTimes(): ReturnType<FutureTimes['still']> {
    return this.#futureTimes.still(this.#meshClock.sharedNowMs())
  }

  // --- identity, verification, end ------------------------------------------------------------------------------------

  /** Ends the id of this process: its next write takes a new one. What was issued stays what it is. */
  endRun(): void {
    this.#ledger.endRun()
  }

  /**
   * Compares the store with its own checksums and builds the trie; repairs what is damaged. Resolves when the node may sync.
   * What it rejects with is also shown as a warning, and as the reason why the node is not verified.
   */
  verify(): Promise<void> {
    return this.#health.verify()
  }

  /** Flushes, stops background work, and closes the store. */
  async close(): Promise<void> {
    this.#upkeep.stop()
    this.#expiry.stop()
    await this.#health.stop()
    await this.#writer.close().catch(() => undefined)
    await this.#store.close()
  }

  // --- inside -------------------------------------------------------------------------------------------------------

  #submit<T>(write: (batch: Batch) => T): Promise<T> {
    return this.#writer.submit(write)
  }

  async #replicate(run: (batch: Batch) => ApplyOutcome[]): Promise<ApplyOutcome> {
    const outcomes = await this.#submit((batch) => this.#ledger.write(batch, () => run(batch)))
    let news = 0
    let dropped = 0
    for (const outcome of outcomes) {
      news += outcome.news
      dropped += outcome.dropped
    }
    return { news, dropped }
  }

  #transaction(batch: Batch): Transaction {
    const clocks = { nowMs: this.#environment.nowMs(), expiredByMs: this.#meshClock.expiredByMs() }
    return transactionOn(batch, this.#ledger, clocks, (read) => this.reading(read))
  }

  /** Said once: what it means does not change with the number, which the metrics have. */
  #clashed({ actor, counter }: Dot, clashes: number): void {
    if (clashes > 1) return
    const what = `dot ${actor}:${counter} has two contents; both are kept`
    this.#warn('clash', `${what}: a machine of this mesh was cloned while it ran, or rolled back with its memory`)
  }

  /** The committed state moves in one turn, then the listener hears of it. */
  #commit(changes: LedgerChanges): void {
    this.#committed = changes
    this.#inFlight = undefined
    this.#health.committed(changes.trie)
    this.#past.note(changes.applied)
    this.#listener?.({ issued: changes.issued, events: changes.events, contextsChanged: changes.contextsChanged })
  }

  /** Runs a read of committed rows; a row that fails its checksum becomes DAMAGED_VALUE, and the store is verified again. */
  reading<T>(read: () => T): T {
    return this.#health.reading(read)
  }

  #warn(about: string, warning: string | null): void {
    if (warning === null) return void this.#warnings.delete(about)
    this.#warnings.set(about, warning)
    this.#options.warn?.(warning)
  }

  // --- what its parts see of it ---------------------------------------------------------------------------------------

  #logOwner(): LogOwner {
    const replica = this
    return {
      ledger: this.#ledger,
      get committedApplied() {
        return replica.#committed.applied
      },
      get areMembersSettled() {
        return replica.#ledger.entries.systemWrites === replica.#committed.systemWrites
      },
      submit: (write) => replica.#submit(write),
      nowMs: () => replica.#environment.nowMs(),
    }
  }

  #feedOwner(): FeedOwner {
    const replica = this
    return {
      store: this.#store,
      ledger: this.#ledger,
      log: this.#log,
      get state() {
        return replica.#committed.state
      },
      submit: (write) => this.#submit(write),
      damageFound: (row) => this.#health.damageFound(row),
    }
  }

  #upkeepOwner(): UpkeepOwner {
    const replica = this
    return {
      environment: this.#environment,
      log: this.#log,
      baselines: new BaselineSweep(
        this.#store,
        this,
        (dot) => this.#log.isKnownToAll(dot),
        (actors) => this.#log.areMembers(actors, this.#options.member),
      ),
      digests: new DigestSweep({
        store: this.#store,
        get seen() {
          return replica.#committed.seen
        },
        nowMs: () => this.#environment.nowMs(),
        acknowledgedByAll: () => this.#log.acknowledgedByAll(),
        submit: (write) => this.#submit(write),
      }),
      retries: new Retries(this.#store, {
        submit: (write) => this.#submit(write),
        monotonicMs: () => this.#environment.monotonicMs(),
      }),
      get isAllowed() {
        return replica.isVerified && replica.failure === undefined
      },
      warn: (about, warning) => this.#warn(about, warning),
    }
  }

  #healthOwner(): HealthOwner {
    const replica = this
    return {
      store: this.#store,
      environment: this.#environment,
      ledger: this.#ledger,
      get failure() {
        return replica.failure
      },
      get committed() {
        return replica.#committed
      },
      get inFlight() {
        return replica.#inFlight
      },
      submit: (write) => this.#submit(write),
      repaired: () => this.#log.rewind(),
      verified: () => {
        this.#upkeep.start()
        this.#expiry.start()
      },
      unreadableTables: () => this.#options.onUnreadableTables?.(),
      warn: (about, warning) => this.#warn(about, warning),
    }
  }
}

/** The state that is shown: all of it is durable. */
type Committed = Pick<LedgerChanges, 'seen' | 'applied' | 'state' | 'systemWrites' | 'hasLost'>
