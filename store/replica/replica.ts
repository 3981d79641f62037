/**
 * The replica: one store as one CRDT behind one writer. Users' writes and peers' updates go through the same ledger;
 * what is shown to sessions, heartbeats, gossip and watchers is committed state alone.
 */
import type { Environment, Timer } from '../environment.js'
import { HearsayError } from '../errors.js'
import {
  decodeFeedHold,
  decodeFormat,
  decodeRetry,
  decodeState,
  decodeVersions,
  emptyChecksum,
  encodeFeedHold,
  encodeFormat,
  encodeRetry,
  encodeRetryOrder,
  encodeState,
  entryAddress,
  entryPrefix,
  feedHoldKey,
  formatKey,
  formatVersion,
  isDamage,
  rangeOf,
  retryKeyRow,
  retryOrderKey,
  type StateRow,
  stateKey,
} from '../keyspace.js'
import type { KvStore } from '../kv.js'
import { Trie } from '../merkle/trie.js'
import { type Address, isUserAddress } from '../model/address.js'
import { zeroTime } from '../model/clock.js'
import {
  type Contexts,
  type MemberTag,
  type TaggedContexts,
  type TaggedUpdates,
  unknownMember,
} from '../model/codec.js'
import { Context } from '../model/context.js'
import { type Actor, actorBytes, type Dot, sameDot } from '../model/dot.js'
import type { DisplayClock } from '../model/register.js'
import type { Entry, Version } from '../model/update.js'
import { BaselineSweep } from './baselines.js'
import type { Batch } from './batch.js'
import { ExpirySweep, type MedianClock } from './expiry.js'
import { FeedReader } from './feed.js'
import { Ledger, type LedgerChanges, type TrieChange } from './ledger.js'
import { baselineSweepChance, reissueRowsMax, retryPruneIntervalMs, trieSliceNodes, trimIntervalMs } from './limits.js'
import { type Hint, type LogLimits, UpdateLog } from './log.js'
import { PeerReader } from './missing.js'
import { Past } from './past.js'
import { repair } from './repair.js'
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
import { isSound, loadContexts, Verification } from './verify.js'
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
  /** Told when LevelDB itself cannot read parts of its tables: what is readable is to be saved at the next start. */
  onUnreadableTables?(): void
  /** Told of what an operator should know: damage, clones, clocks. */
  warn?(warning: string): void
}

const noDots = new Context()

/** One node's copy of the data. */
export class Replica implements SyncReplica {
  readonly #store: KvStore
  readonly #options: ReplicaOptions
  readonly #environment: Environment
  readonly #ledger: Ledger
  readonly #writer: GroupCommit
  readonly #reader: PeerReader
  readonly #log: UpdateLog
  readonly #expiry: ExpirySweep
  readonly #baselines: BaselineSweep
  readonly #feed: FeedReader
  readonly #past: Past
  readonly #warnings = new Map<string, string>()
  #committed: { seen: Context; applied: Context; state: StateRow; systemWrites: number; hasLost: boolean }
  #trie = new Trie()
  /** While the trie is being built: changes committed meanwhile, to be made afterwards. */
  #trieBacklog: TrieChange[] | undefined = []
  #verifying: Promise<void> | undefined
  #isVerified = false
  #isSuspect: boolean
  #verificationFailure: HearsayError | undefined
  #damageEpoch = 0
  #listener: ((commit: Commit) => void) | undefined
  #verificationListener: (() => void) | undefined
  #trimTimer: Timer | undefined
  /** When remembered answers were last pruned, on the monotonic clock; the first time is soon after the start. */
  #prunedAtMs = Number.NEGATIVE_INFINITY
  #isClosed = false

  private constructor(
    options: ReplicaOptions,
    contexts: Contexts,
    members: Map<Actor, MemberTag>,
    state: StateRow,
    isSuspect: boolean,
  ) {
    this.#options = options
    this.#store = options.store
    this.#environment = options.environment
    this.#isSuspect = isSuspect
    this.#committed = {
      seen: contexts.seen.clone(),
      applied: contexts.applied.clone(),
      state,
      systemWrites: 0,
      hasLost: false,
    }
    this.#ledger = new Ledger(contexts, members, state, {
      environment: options.environment,
      member: options.member,
      clockBoundMs: options.clockBoundMs,
      onIdentityClash: (what) => this.#identityClash(what),
      onDamage: (row) => this.#damageFound(row),
    })
    this.#writer = new GroupCommit(options.store, options.sync, {
      seal: (batch) => {
        const changes = this.#ledger.seal(batch)
        return () => this.#commit(changes)
      },
      failed: (error) => this.#failed(error),
    })
    this.#reader = new PeerReader(options.store)
    this.#feed = new FeedReader(options.store, (row) => this.#damageFound(row))
    this.#past = new Past(options.environment, this.#committed.applied)
    const replica = this
    this.#log = new UpdateLog(
      options.store,
      {
        ledger: this.#ledger,
        get committedApplied() {
          return replica.#committed.applied
        },
        get areMembersSettled() {
          return replica.#ledger.systemWrites === replica.#committed.systemWrites
        },
        submit: (write) => replica.#submit(write),
        nowMs: () => replica.#environment.nowMs(),
      },
      options.log,
    )
    this.#expiry = new ExpirySweep(options.store, options.environment, this)
    this.#baselines = new BaselineSweep(
      options.store,
      this,
      (dot) => this.#log.isKnownToAll(dot),
      (actors) => this.#log.areMembers(actors, options.member),
    )
  }

  /**
   * Opens a store and loads its contexts; clients can be served from then on.
   * Verification runs in the background once `verify()` is called. Throws STORE_FORMAT for a store of a newer version.
   */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const { store } = options
    let isSuspect = options.isSuspect ?? false
    const suspect = <T>(read: () => T): T | undefined => {
      try {
        return read()
      } catch {
        isSuspect = true
        return undefined
      }
    }
    const format = store.get(formatKey)
    const version = format === undefined ? undefined : suspect(() => decodeFormat(format))
    if (version !== undefined && version > formatVersion) {
      throw new HearsayError(
        'STORE_FORMAT',
        `the data directory has format ${version}, this version knows ${formatVersion}; update hearsay`,
      )
    }
    const stateRow = store.get(stateKey)
    const known = stateRow === undefined ? undefined : suspect(() => decodeState(stateRow))
    const seen = new Context()
    const applied = new Context()
    const members = new Map<Actor, MemberTag>()
    const { damaged } = await loadContexts(store, (actor, row) => {
      seen.setRanges(actor, row.seen)
      applied.setRanges(actor, row.applied)
      members.set(actor, row.member)
    })
    const isNew = format === undefined && stateRow === undefined && seen.isEmpty
    const state = known ?? freshState(options.environment)
    isSuspect ||= damaged || (known === undefined && !isNew)
    if (isNew) {
      const first = [
        { key: formatKey, value: encodeFormat(formatVersion) },
        { key: stateKey, value: encodeState(state) },
      ]
      await store.write(first, { sync: true })
    }
    return new Replica(options, { seen, applied }, members, state, isSuspect)
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
    if (this.#isInDoubt && isUserAddress(address)) throw this.#verificationFailure ?? beingVerified()
    return this.reading(() => {
      const versions = this.#reader.versions(address)
      if (versions.length > 0 || !this.#reader.isLost(address)) return versions
      throw new HearsayError(
        'DAMAGED_VALUE',
        'this record was lost to damage on the disk; it comes back from peers that have it, or write it anew',
      )
    })
  }

  /** The mesh's own records whose key starts with a prefix. One that cannot be read is left out, and fetched again from peers: no damage keeps a node from starting. */
  async scanSystem(prefix: string): Promise<Entry[]> {
    const entries: Entry[] = []
    const gte = entryPrefix('system', prefix)
    for await (const rows of this.#store.scan({ gte, lt: rangeOf('system').lt })) {
      for (const { key, value } of rows) {
        if (!Buffer.from(key.buffer, key.byteOffset, key.byteLength).subarray(0, gte.length).equals(gte)) return entries
        const entry = this.#readableEntry(key, value)
        if (entry !== undefined) entries.push(entry)
      }
    }
    return entries
  }

  #readableEntry(key: Uint8Array, value: Uint8Array): Entry | undefined {
    try {
      return { address: entryAddress(key), versions: decodeVersions(key, value) }
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#damageFound(error as Error)
      return undefined
    }
  }

  /** The store beneath, for listings in key order; committed rows alone are in it. */
  get store(): KvStore {
    return this.#store
  }

  /** The id of this run; undefined before its first write. */
  get actor(): Actor | undefined {
    return this.#ledger.actor
  }

  /** The tag of the member that an actor belongs to. */
  memberOf = (actor: Actor): MemberTag => this.#ledger.members.get(actor) ?? unknownMember

  /** Live entries of the users. */
  get userEntries(): number {
    return this.#committed.state.userEntries
  }

  /** The last position of the change feed, its id, and the position below which events may be missing. */
  get feed(): { readonly id: string; readonly sequence: number; readonly floor: number } {
    const { feedId, sequence, feedFloor } = this.#committed.state
    return { id: feedId, sequence, floor: feedFloor }
  }

  /** Reads the change feed from the store; for readers that are behind what the listener was told. */
  get feedReader(): FeedReader {
    return this.#feed
  }

  /** Holds what came after a position of the feed for its readers, as far as the log's limits allow; null: nothing. */
  holdFeed(sequence: number | null): void {
    this.#log.holdFeed(sequence)
  }

  /** Remembers over a restart from where on the feed is held; null: nowhere. */
  saveFeedHold(sequence: number | null): Promise<void> {
    return this.#submit((batch) => batch.set(feedHoldKey, sequence === null ? null : encodeFeedHold(sequence)))
  }

  /** A row of the feed turned out to be lost: readers from before it are told so from now on, those from the beginning pass over it. */
  loseFeed(sequence: number): Promise<void> {
    return this.#submit((batch) =>
      this.#ledger.write(batch, () => {
        batch.touch()
        this.#ledger.raiseFeedFloor(sequence)
      }),
    )
  }

  /** From where on the feed was held when the run before ended; undefined when it was not. */
  heldFeed(): number | undefined {
    try {
      const row = this.#store.get(feedHoldKey)
      return row === undefined ? undefined : decodeFeedHold(row)
    } catch (error) {
      // What is held is a courtesy to readers: a damaged row holds everything.
      if (isDamage(error)) return 0
      throw error
    }
  }

  /** Unpredictable bytes, for ids that a write needs beside its dot. */
  randomBytes(count: number): Uint8Array {
    return this.#environment.randomBytes(count)
  }

  /** What the clock has to do with display. */
  displayClock(): DisplayClock {
    return { nowMs: this.#environment.nowMs(), clockBoundMs: this.#options.clockBoundMs }
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
    return this.failure ?? (this.#isInDoubt ? (this.#verificationFailure ?? beingVerified()) : undefined)
  }

  /** Why this replica is not verified, in words; null when it is. */
  get unverifiedReason(): string | null {
    if (this.#isVerified) return null
    return (this.failure ?? this.#verificationFailure)?.message ?? 'the store is being compared with its checksums'
  }

  /** A damaged store: what it does not show may be lost, and is not to be answered as absent. */
  get #isInDoubt(): boolean {
    return this.#isSuspect && !this.#isVerified
  }

  // --- the listener -------------------------------------------------------------------------------------------------

  /** Names the one listener; it is told of every commit, in order, after it is durable. */
  onCommit(listener: (commit: Commit) => void): void {
    this.#listener = listener
  }

  /** Names who is told when a verification begins, when one has passed, and when the store fails: `isVerified` has changed. */
  onVerification(listener: () => void): void {
    this.#verificationListener = listener
  }

  // --- sync ---------------------------------------------------------------------------------------------------------

  get isVerified(): boolean {
    return this.#isVerified
  }

  /** Whether something was lost to damage whose fate only a complete pass with a peer can tell, or show to be known. */
  get awaitsPass(): boolean {
    return this.#ledger.hasLost || this.#committed.hasLost
  }

  get damageEpoch(): number {
    return this.#damageEpoch
  }

  get trie(): Trie {
    return this.#trie
  }

  capture(): Capture {
    const { seen, applied } = this.#committed
    return {
      seen: seen.clone(),
      applied: applied.clone(),
      members: this.#ledger.members,
      root: this.#trie.root(),
      entries: this.#trie.size,
    }
  }

  appliedBefore(ageMs: number): Context {
    return this.#past.before(ageMs)
  }

  peerEntry(locator: Dot): PeerEntry | undefined {
    return this.reading(() => this.#reader.peerEntry(locator))
  }

  peerEntryAt(address: Address): PeerEntry {
    return this.reading(() => this.#reader.peerEntryAt(address))
  }

  async readMissing(missing: Context, bytesMax: number, peerApplied: Context = noDots): Promise<MissingUpdates> {
    try {
      return await this.#reader.readMissing(missing, bytesMax, peerApplied)
    } catch (error) {
      return this.#damagedOr(error)
    }
  }

  applyUpdates(tagged: TaggedUpdates): Promise<ApplyOutcome> {
    return this.#replicate((batch) =>
      tagged.updates.map((update) =>
        this.#ledger.apply(batch, update, tagged.members.get(update.dot.actor) ?? unknownMember),
      ),
    )
  }

  joinEntries(entries: readonly PeerEntry[], peer: TaggedContexts): Promise<ApplyOutcome> {
    return this.#replicate((batch) => entries.map((entry) => this.#ledger.join(batch, entry, peer)))
  }

  async unite(peer: TaggedContexts, except: Context = noDots, compared?: Context): Promise<void> {
    const epoch = this.#damageEpoch
    await this.#submit((batch) => {
      // Damage found meanwhile: what was compared is not what is here now.
      if (epoch !== this.#damageEpoch || !this.#isVerified) return
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
    return this.#ledger.logBytes
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
  async trim(): Promise<number> {
    if (!this.#isVerified || this.failure !== undefined) return 0
    const trimmed = await this.#log.trim()
    await this.#log.compact()
    return trimmed
  }

  /** Deletes for good what is past its deadline, as the design's expiry rule allows. Returns how many versions. */
  sweepExpired(): Promise<number> {
    return this.#expiry.sweep()
  }

  /** Deletes baselines of counters that subtract from nothing any more, anywhere. Returns how many. Runs by itself now and then. */
  async sweepBaselines(): Promise<number> {
    if (!this.#isVerified || this.failure !== undefined) return 0
    return this.#baselines.sweep()
  }

  /** Gives the expiry rule the median of the members' clocks. */
  setMedianClock(clock: MedianClock): void {
    this.#expiry.setMedianClock(clock)
  }

  // --- identity, verification, end ------------------------------------------------------------------------------------

  /**
   * Ends this run's id: the next write takes a new one; live versions of the run are issued again, superseding nothing.
   * For an operator who knows that the disk of this running node was copied; what shows it by itself is noticed without being asked.
   */
  async rotateActor(reason: string): Promise<void> {
    const actor = this.#ledger.actor
    this.#ledger.endRun()
    this.#warn('identity', `this node took a new actor id: ${reason}`)
    if (actor !== undefined) await this.#reissueRun(actor)
  }

  /**
   * Compares the store with its own checksums and builds the trie; repairs what is damaged. Resolves when the node may sync.
   * What it rejects with is also shown as a warning, and as the reason why the node is not verified.
   */
  verify(): Promise<void> {
    this.#verifying ??= this.#verifyOnce()
      .catch((error: unknown) => this.#verificationFailed(error))
      .finally(() => {
        this.#verifying = undefined
      })
    return this.#verifying
  }

  /** Flushes, stops background work, and closes the store. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#trimTimer?.cancel()
    this.#expiry.stop()
    await this.#verifying?.catch(() => undefined)
    await this.#writer.close().catch(() => undefined)
    await this.#store.close()
  }

  #verificationFailed(error: unknown): never {
    if (this.#isClosed) throw error
    const reason = error instanceof Error ? error.message : String(error)
    const message = `the store could not be verified, and this node does not sync: ${reason}; check the disk, then restart the daemon`
    this.#verificationFailure = new HearsayError('NOT_VERIFIED', message, {}, { cause: error })
    this.#warn('verify', message)
    throw error
  }

  async #verifyOnce(): Promise<void> {
    const trie = new Trie()
    this.#isVerified = false
    this.#verificationFailure = undefined
    this.#warnings.delete('verify')
    this.#trieBacklog = []
    this.#verificationListener?.()
    const snapshot = this.#store.snapshot()
    const known = { seen: this.#committed.seen.clone(), applied: this.#committed.applied.clone() }
    try {
      const verification = new Verification(this.#store, snapshot, () => this.#yieldTurn())
      const survey = await verification.survey(trie)
      this.#trie = trie
      for (const change of this.#trieBacklog) changeTrie(trie, change)
      this.#trieBacklog = undefined
      while (!trie.refresh(trieSliceNodes)) await this.#yieldTurn()
      // Writes went on meanwhile: only by how much the count was off at the moment of the snapshot is put right.
      this.#ledger.logBytes += survey.logBytes - (survey.state?.logBytes ?? this.#ledger.logBytes)
      this.#ledger.rememberLost(survey.lostAddresses)
      if (survey.damagedBlocks) this.#options.onUnreadableTables?.()
      if (this.#isSuspect || !isSound(survey)) {
        await this.#repair(await verification.locate(survey, this.#isSuspect), known)
      }
    } finally {
      await snapshot.close()
    }
    this.#isVerified = this.failure === undefined
    this.#isSuspect = false
    this.#verificationListener?.()
    this.#scheduleTrim()
    this.#expiry.start()
  }

  async #yieldTurn(): Promise<void> {
    await this.#environment.yieldTurn()
    if (this.#isClosed) throw new HearsayError('STORE_FAILED', 'the store is closing')
  }

  /** `known`: the contexts in memory when the snapshot was taken. */
  async #repair(damage: Awaited<ReturnType<Verification['locate']>>, known: Contexts): Promise<void> {
    const report = await this.#submit((batch) =>
      this.#ledger.write(batch, () => repair(batch, this.#ledger, damage, known)),
    )
    this.#damageEpoch++
    this.#ledger.endRun()
    this.#log.rewind()
    this.#warn('damage', report)
  }

  async #reissueRun(actor: Actor): Promise<void> {
    await this.#writer.flushed()
    const own = new Context(new Map([[actor, this.#committed.seen.rangesOf(actor)]]))
    let live: { dot: Dot; address: Address }[] = []
    const flush = async () => {
      const chunk = live
      live = []
      await this.transact((transaction) => {
        for (const { dot, address } of chunk) reissue(transaction, dot, address)
      })
    }
    for (const dot of own.dots()) {
      const row = this.#reader.dotRow(dot)
      if (row?.state === 'live') live.push({ dot, address: row.address })
      if (live.length >= reissueRowsMax) await flush()
    }
    if (live.length > 0) await flush()
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
    const ledger = this.#ledger
    const nowMs = this.#environment.nowMs()
    return {
      nowMs,
      versions: (address) => ledger.versions(batch, address),
      put: (address, value, expiresAtMs, supersedes) =>
        ledger.issue(batch, { address, kind: 'put', value, expiresAtMs, supersedes }).dot,
      putAs: (address, build) =>
        ledger.issueAs(batch, (dot) => ({ address, kind: 'put', expiresAtMs: null, ...build(dot) })).dot,
      remove: (address, supersedes, kind = 'delete') =>
        ledger.issue(batch, { address, kind, value: null, expiresAtMs: null, supersedes }).dot,
      recall: (retryKey) => {
        const key = retryKeyRow(retryKey)
        const row = batch.get(key)
        return row === undefined ? undefined : this.reading(() => decodeRetry(key, row))
      },
      remember: (retryKey, requestHash, answer) => {
        const key = retryKeyRow(retryKey)
        batch.set(key, encodeRetry(key, { requestHash, answer, atMs: nowMs }))
        const orderKey = retryOrderKey(ledger.state.sequence)
        batch.set(orderKey, encodeRetryOrder(orderKey, retryKey, nowMs))
      },
    }
  }

  /** The committed state moves in one turn, then the listener hears of it. */
  #commit(changes: LedgerChanges): void {
    this.#committed = changes
    for (const change of changes.trie) {
      if (this.#trieBacklog === undefined) changeTrie(this.#trie, change)
      else this.#trieBacklog.push(change)
    }
    this.#past.note(changes.applied)
    this.#listener?.({ issued: changes.issued, events: changes.events, contextsChanged: changes.contextsChanged })
  }

  #scheduleTrim(): void {
    this.#trimTimer?.cancel()
    if (this.#isClosed) return
    this.#trimTimer = this.#environment.setTimer(trimIntervalMs, () => {
      this.#tidy()
        .catch((error: unknown) => this.#warn('trim', `the update log could not be trimmed: ${String(error)}`))
        .finally(() => this.#scheduleTrim())
    })
  }

  async #tidy(): Promise<void> {
    await this.trim()
    if (this.#environment.random() < baselineSweepChance) await this.sweepBaselines()
    const nowMs = this.#environment.monotonicMs()
    if (this.failure !== undefined || nowMs - this.#prunedAtMs < retryPruneIntervalMs) return
    this.#prunedAtMs = nowMs
    await this.#log.pruneRetries()
  }

  #failed(error: HearsayError): void {
    this.#isVerified = false
    this.#verificationListener?.()
    const { cause } = error
    if (cause instanceof HearsayError && cause.details.isDamaged === true) this.#options.onUnreadableTables?.()
    this.#warn('failed', error.message)
  }

  /** Called in the middle of a write: the id ends at once, the versions of the run are issued again after it. */
  #identityClash(what: string): void {
    const actor = this.#ledger.actor
    this.#ledger.endRun()
    this.#warn('identity', `this node took a new actor id: ${what}`)
    if (actor === undefined || this.#isClosed) return
    this.#reissueRun(actor).catch((error: unknown) =>
      this.#warn('reissue', `versions of an ended run could not be issued again: ${String(error)}`),
    )
  }

  #damageFound(row: Error): void {
    this.#warn('damaged-row', row.message)
    if (this.#isVerified && !this.#isClosed) this.verify().catch(() => {})
  }

  /** Runs a read of committed rows; a row that fails its checksum becomes DAMAGED_VALUE, and the store is verified again. */
  reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      return this.#damagedOr(error)
    }
  }

  #damagedOr(error: unknown): never {
    if (!isDamage(error)) throw error
    if (error instanceof HearsayError && error.cause === undefined) throw error
    this.#damageFound(error as Error)
    throw new HearsayError(
      'DAMAGED_VALUE',
      'the stored record fails its checksum; it is fetched again from peers: try again in a moment',
      {},
      { cause: error },
    )
  }

  #warn(about: string, warning: string): void {
    this.#warnings.set(about, warning)
    this.#options.warn?.(warning)
  }
}

function beingVerified(): HearsayError {
  const message = 'the store was damaged, and what is left of it is still being verified; try again in a moment'
  return new HearsayError('NOT_VERIFIED', message)
}

function reissue(transaction: Transaction, dot: Dot, address: Address): void {
  const version = transaction.versions(address).find((other) => sameDot(other.dot, dot))
  if (version !== undefined) transaction.put(address, version.value, version.expiresAtMs, [])
}

function changeTrie(trie: Trie, change: TrieChange): void {
  if (change.digest === null) trie.delete(change.id)
  else trie.set(change.id, change.digest, change.locator!)
}

function freshState(environment: Environment): StateRow {
  const feedId = Buffer.from(environment.randomBytes(actorBytes)).toString('hex')
  const counts = { liveDots: 0, checksum: emptyChecksum, userEntries: 0, logBytes: 0 }
  return { ...counts, sequence: 0, feedFloor: 0, clock: zeroTime, feedId }
}
