/** The stored half of a node: store, replica, the users' data, and what the status shows of them. */

import { contextsDigest } from '../protocols/membership/core/digest.js'
import { Access } from '../store/data/access.js'
import { UserData } from '../store/data/user-data.js'
import type { Environment } from '../store/environment.js'
import { HearsayError } from '../store/errors.js'
import type { MemberTag } from '../store/model/codec.js'
import { tokenKey } from '../store/model/token.js'
import { type OpenedStore, openStore } from '../store/open.js'
import { Replica } from '../store/replica/replica.js'
import type { Commit } from '../store/replica/types.js'
import type { Settings } from './config/knobs.js'
import { ConflictIndex } from './conflict-index.js'
import type { Log } from './log/log.js'
import type { NodeView } from './node-view.js'
import { configuredResolvers, resolverWarnings } from './resolvers.js'
import { packageVersion } from './version.js'

/** What a stored node is opened with. */
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
}

/** Opens the store of a data directory; it is locked from then on. Throws STORE_LOCKED, naming the remedy. */
export async function lockStore(dataDirectory: string): Promise<OpenedStore> {
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
  #fileWarning: string | undefined
  #tokenKey: Buffer
  #isSyncing = false
  #isClosed = false
  readonly #counters: (() => Readonly<Record<string, number>>)[] = []

  private constructor(
    replica: Replica,
    options: StoredNodeOptions,
    readonly tables: { areReadable: boolean },
  ) {
    this.replica = replica
    this.#options = options
    this.#tokenKey = tokenKey(options.secret)
    this.data = new UserData(new Access(replica, () => this.#tokenKey, configuredResolvers(options.settings.resolvers)))
    this.#conflicts = new ConflictIndex(replica, this.data.listing, () => options.environment.yieldTurn())
  }

  /** Opens the replica; clients can be served from then on. Throws STORE_FORMAT. */
  static async open(options: StoredNodeOptions): Promise<StoredNode> {
    const { settings, opened, member, environment, log } = options
    const tables = { areReadable: true }
    const replica = await Replica.open({
      store: opened.store,
      environment,
      member,
      sync: settings.durability === 'fsync',
      clockBoundMs: settings['clock.bound'],
      log: { maxBytes: settings['log.maxBytes'], maxAgeMs: settings['log.maxAge'] },
      isSuspect: opened.isSuspect,
      onUnreadableTables: () => {
        tables.areReadable = false
        log.error(
          {},
          'parts of the store cannot be read; restart the daemon, which then saves everything else into a new store',
        )
        opened
          .salvageAtNextStart()
          .catch((err: unknown) =>
            log.error({ err }, 'the store could not be marked for being saved at the next start'),
          )
      },
      warn: (warning) => log.warn({}, warning),
    })
    return new StoredNode(replica, options, tables)
  }

  /** Compares the store with its checksums, in the background. What goes wrong is logged and shown. */
  async verify(): Promise<void> {
    try {
      await this.#checkFiles()
      await this.replica.verify()
      if (this.tables.areReadable) await this.#options.opened.verified()
      this.#options.log.debug({ entries: this.replica.userEntries }, 'the store is verified')
    } catch (err) {
      if (this.#isClosed) return
      this.#options.log.error({ err }, 'the store could not be verified; this node serves clients but does not sync')
    }
  }

  /** LevelDB's own checksums, which it does not look at itself: what they show is mended at the next start. */
  async #checkFiles(): Promise<void> {
    const { opened, environment, log } = this.#options
    if (await opened.areTablesSound(() => environment.yieldTurn())) return
    this.tables.areReadable = false
    await opened.salvageAtNextStart()
    this.#fileWarning =
      'damage was found in the files of the store; restart the daemon, which then saves everything else into a new store and fetches what is lost from peers'
    log.error({}, this.#fileWarning)
  }

  /** To be told of every commit. */
  committed(commit: Commit): void {
    for (const { address } of commit.events) this.#conflicts.changed(address)
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

  actor(): string | null {
    return this.replica.actor ?? null
  }

  entries(): number {
    return this.replica.userEntries
  }

  root(): string {
    return Buffer.from(this.replica.trie.root()).toString('hex')
  }

  contextDigest(): string {
    return contextsDigest(this.replica.capture()).toString('hex')
  }

  countConflicts(): Promise<number> {
    return this.#conflicts.count()
  }

  logBytes(): number {
    return this.replica.logBytes
  }

  isVerified(): boolean {
    return this.replica.isVerified
  }

  isSyncing(): boolean {
    return this.#isSyncing && this.replica.isVerified
  }

  failure(): HearsayError | undefined {
    return this.replica.failure
  }

  warnings(): string[] {
    const { settings, warnings } = this.#options
    const files = this.#fileWarning === undefined ? [] : [this.#fileWarning]
    return [...warnings, ...resolverWarnings(settings.resolvers), ...files, ...this.replica.warnings()]
  }

  counters(): Readonly<Record<string, number>> {
    return Object.assign({}, ...this.#counters.map((source) => source()))
  }

  /** Flushes and closes. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.replica.close()
  }
}
