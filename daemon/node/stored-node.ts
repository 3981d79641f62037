/** The stored half of a node: store, replica, the users' data, and what the status shows of them. */

import { contextsDigest } from '../../protocols/membership/core/digest.js'
import { Access } from '../../store/data/access.js'
import { UserData } from '../../store/data/user-data.js'
import type { Environment } from '../../store/environment.js'
import { HearsayError } from '../../store/errors.js'
import type { MemberTag } from '../../store/model/codec.js'
import { dotText } from '../../store/model/dot.js'
import { tokenKey } from '../../store/model/token.js'
import { type OpenedStore, openStore } from '../../store/open.js'
import type { VerificationProgress } from '../../store/replica/health.js'
import { Replica } from '../../store/replica/replica.js'
import { Signal } from '../../store/replica/signal.js'
import type { Commit } from '../../store/replica/types.js'
import type { Notice } from '../../store/replica/warnings.js'
import type { Settings } from '../config/knobs.js'
import { DocumentThread } from '../documents/document-thread.js'
import type { Log } from '../log/log.js'
import { logStoreWarning } from '../log/store-warnings.js'
import { namedCounts, type StoreCounts } from '../metrics/counters.js'
import { commitBounds, type HistogramFamily, SingleHistogram } from '../metrics/histogram.js'
import { NodeResolvers } from '../resolvers/node-resolvers.js'
import { finishRestore, isRestorePending, removeLeftovers } from '../restore/place.js'
import { packageVersion } from '../version.js'
import type { Clashes, NodeView } from '../views/node-view.js'
import { ConflictIndex } from './conflict-index.js'
import { DiskRecovery } from './disk-recovery.js'
import { TableDamage } from './table-damage.js'

/** Dependencies of a stored node. */
export interface StoredNodeOptions {
  readonly settings: Settings
  readonly opened: OpenedStore
  /** This node's tag. */
  readonly member: MemberTag
  /** The mesh secret that tokens are authenticated with. */
  readonly secret: Uint8Array
  readonly environment: Environment
  readonly log: Log
  /** Warnings of the configuration. */
  readonly warnings: readonly string[]
  /**
   * Asks for a new start, which repairs what cannot be repaired while the store is open, or reads what a failed write
   * left.
   */
  onRestartNeeded(kind: 'damage' | 'disk', reason: string): void
  /** True if one more new start because of the disk is allowed now, which is then counted. */
  mayRestart(): boolean
}

/**
 * Opens the store of a data directory; it is locked from then on. A restore that was stopped half-way is ended first.
 * Throws STORE_LOCKED, naming the remedy.
 */
export async function lockStore(dataDirectory: string): Promise<OpenedStore> {
  for (;;) {
    await finishRestore(dataDirectory)
    const opened = await openLocked(dataDirectory)
    if (!isRestorePending(dataDirectory)) {
      await removeLeftovers(dataDirectory).catch(() => {})
      return opened
    }
    // Decided between the two: this is not the store to go on with.
    await opened.store.close()
  }
}

async function openLocked(dataDirectory: string): Promise<OpenedStore> {
  try {
    return await openStore(dataDirectory)
  } catch (error) {
    if (!(error instanceof HearsayError) || error.code !== 'STORE_LOCKED') throw error
    const message = `another daemon uses ${dataDirectory}; stop it, or choose another directory with --data`
    throw new HearsayError('STORE_LOCKED', message, error.details, { cause: error })
  }
}

/** Store, replica and the users' data of one node. */
export class StoredNode implements NodeView {
  readonly version = packageVersion()
  readonly replica: Replica
  readonly data: UserData
  readonly #options: StoredNodeOptions
  readonly #conflicts: ConflictIndex
  readonly #documents: DocumentThread
  readonly #disk: DiskRecovery
  #checkWarning: string | undefined
  #tokenKey: Buffer
  #isSyncing = false
  #isClosed = false
  readonly #commits = new Signal<Commit>()
  readonly #counters: (() => Readonly<Record<string, number>>)[] = []
  readonly #histograms: HistogramFamily[] = []

  private constructor(
    replica: Replica,
    options: StoredNodeOptions,
    private readonly damage: TableDamage,
    readonly resolvers: NodeResolvers,
  ) {
    this.replica = replica
    this.#options = options
    this.#tokenKey = tokenKey(options.secret)
    this.#documents = new DocumentThread(options)
    this.#disk = new DiskRecovery({
      dataDirectory: options.settings.data,
      environment: options.environment,
      log: options.log,
      mayRestart: () => options.mayRestart(),
      onRestartNeeded: (reason) => options.onRestartNeeded('disk', reason),
    })
    this.data = new UserData(new Access(replica, () => this.#tokenKey, resolvers), this.#documents)
    this.#conflicts = new ConflictIndex(replica, this.data.listing, () => options.environment.yieldTurn())
    replica.onCommit((commit) => this.#committed(commit))
  }

  /** Opens the replica; clients can be served from then on. Throws STORE_FORMAT. */
  static async open(options: StoredNodeOptions): Promise<StoredNode> {
    const { settings, opened, member, environment, log } = options
    const damage = new TableDamage({
      ...options,
      onRestartNeeded: (reason) => options.onRestartNeeded('damage', reason),
    })
    const commits = new SingleHistogram(
      'store_commit_duration_seconds',
      'Time to write one batch of updates, with its fsync unless durability is "os".',
      commitBounds,
    )
    const replica = await Replica.open({
      store: opened.store,
      environment,
      member,
      sync: settings.durability === 'fsync',
      clockBoundMs: settings['clock.bound'],
      log: { maxBytes: settings['log.maxBytes'], maxAgeMs: settings['log.maxAge'] },
      isSuspect: opened.isSuspect,
      onUnreadableTables: () => void damage.found(),
      warn: (warning, about) => logStoreWarning(log, warning, about),
      onWritten: (tookMs) => commits.durations.observe(tookMs),
    })
    const resolvers = await NodeResolvers.load(settings.resolvers, { environment, log })
    const node = new StoredNode(replica, options, damage, resolvers)
    node.addHistogram(commits)
    return node
  }

  /** Compares the store with its checksums, in the background. What goes wrong is logged and shown. */
  async verify(): Promise<void> {
    const { log, opened } = this.#options
    try {
      const areChecked = await this.#checkFiles()
      await this.replica.health.verify()
      if (areChecked && this.damage.warning === undefined) await opened.verified()
      log.debug({ entries: this.replica.userEntries }, 'the store is verified')
    } catch (err) {
      if (this.#isClosed) return
      // The store has given a warning if it was the verification that failed.
      if (!this.replica.health.isVerified) log.debug({ err }, 'the verification failed')
      else log.warn({ event: 'savedState', err }, 'the mark that the store was suspect cannot be removed')
    }
  }

  /**
   * The one listener of the replica. Who was added goes first: peers wait for it, and the index of conflicts is looked
   * at when asked for.
   */
  #committed(commit: Commit): void {
    this.#commits.emit(commit)
    for (const { address } of commit.events) this.#conflicts.changed(address)
  }

  /**
   * Checks the files against LevelDB's own checksums, which LevelDB does not do by itself; damage is repaired at the
   * next start. Returns false when they could not be checked.
   */
  async #checkFiles(): Promise<boolean> {
    const { opened, environment, log } = this.#options
    try {
      if (!(await opened.areTablesSound(() => environment.yieldTurn()))) await this.damage.found()
      return true
    } catch (err) {
      this.#checkWarning = `the files of the store could not be checked: ${(err as Error).message}; that is done again at the next start`
      log.warn({ event: 'filesUnchecked', err }, this.#checkWarning)
      return false
    }
  }

  /**
   * Starts the recovery of the disk if the store has failed, except for damage in its files, which a new start repairs.
   */
  verificationChanged(): void {
    if (this.replica.health.failure !== undefined && this.damage.warning === undefined) this.#disk.failed()
  }

  /**
   * Adds who is notified of every commit, once it is durable: in the order of commits, and each after those that were
   * added before.
   */
  onCommit(listener: (commit: Commit) => void): void {
    this.#commits.listen(listener)
  }

  /** Tokens are authenticated under another mesh secret from now on. */
  setSecret(secret: Uint8Array): void {
    this.#tokenKey = tokenKey(secret)
  }

  /** The network is up. */
  setSyncing(): void {
    this.#isSyncing = true
  }

  /** Adds a source of counters for the metrics. */
  addCounters(source: () => Readonly<Record<string, number>>): void {
    this.#counters.push(source)
  }

  /** Adds a family of histograms to the metrics. */
  addHistogram(family: HistogramFamily): void {
    this.#histograms.push(family)
  }

  histograms(): readonly HistogramFamily[] {
    return this.#histograms
  }

  actor(): string | null {
    return this.replica.runs.actor ?? null
  }

  entries(): number {
    return this.replica.userEntries
  }

  root(): string {
    return Buffer.from(this.replica.health.trie.root()).toString('hex')
  }

  contextDigest(): string {
    return contextsDigest(this.replica.sync.capture()).toString('hex')
  }

  countConflicts(): Promise<number> {
    return this.#conflicts.count()
  }

  logBytes(): number {
    return this.replica.log.bytes
  }

  isVerified(): boolean {
    return this.replica.health.isVerified
  }

  isSyncing(): boolean {
    return this.#isSyncing && this.replica.health.isVerified
  }

  obstacle(): HearsayError | undefined {
    return this.replica.health.obstacle
  }

  unverifiedReason(): string | null {
    return this.replica.health.unverifiedReason
  }

  verification(): VerificationProgress | null {
    return this.replica.health.progress
  }

  warnings(): string[] {
    return this.notices().map(({ text }) => text)
  }

  notices(): Notice[] {
    const about = (matter: string, texts: readonly (string | undefined)[]) =>
      texts.flatMap((text) => (text === undefined ? [] : [{ about: matter, text }]))
    return [
      ...about('settings', this.#options.warnings),
      ...about('resolver', this.resolvers.warnings()),
      ...about('files', [this.damage.warning]),
      ...about('disk-failed', [this.#disk.warning]),
      ...about('unchecked', [this.#checkWarning]),
      ...this.replica.warnings.notices(),
    ]
  }

  clashes(): Clashes {
    const { clashes, clashedDots } = this.replica.irregularities
    const dots = clashedDots.map((dot) => ({ dot: dotText(dot), member: this.replica.memberOf(dot.actor) }))
    return { count: clashes, dots }
  }

  counters(): Readonly<Record<string, number>> {
    const { clashes: contentClashes, foreignDots } = this.replica.irregularities
    const counts: StoreCounts = { contentClashes, foreignDots }
    const own = namedCounts('store', counts)
    return Object.assign(own, ...this.#counters.map((source) => source()))
  }

  /** Flushes and closes. */
  close(): Promise<void> {
    this.#isClosed = true
    this.#disk.stop()
    this.resolvers.stop()
    this.#documents.stop()
    return this.replica.close()
  }
}
