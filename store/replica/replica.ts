/**
 * The replica: one store as one CRDT behind one writer. Users' writes and peers' updates go through the same ledger;
 * what is shown to sessions, heartbeats, gossip and watchers is committed state alone.
 */
import type { Environment } from '../environment.js'
import { HearsayError } from '../errors.js'
import type { KvStore } from '../kv.js'
import { type Address, isUserAddress } from '../model/address.js'
import { type MemberTag, unknownMember } from '../model/codec.js'
import type { Actor } from '../model/dot.js'
import type { Entry, Version } from '../model/update.js'
import { decodeVersions, entryKey } from '../rows/entries.js'
import { KeptAcknowledgements } from './acknowledgements.js'
import { ChangeFeed } from './change-feed.js'
import { type CoreOptions, ReplicaCore } from './core.js'
import { Health } from './health.js'
import type { Irregularities } from './ledger.js'
import { type LogLimits, UpdateLog } from './log.js'
import type { MeshClock } from './mesh-clock.js'
import { PeerReader } from './missing.js'
import { openRows } from './opening.js'
import type { ReadGuard } from './read-guard.js'
import type { OwnRuns } from './run.js'
import { SyncSide } from './sync-side.js'
import type { Commit, Transact } from './types.js'
import { Upkeep } from './upkeep.js'
import type { Warnings } from './warnings.js'

/** Options with which a replica is opened. */
export interface ReplicaOptions extends CoreOptions {
  readonly log: LogLimits
  /**
   * The store was repaired by LevelDB, or is otherwise known to be incomplete: contexts are rebuilt from what is
   * readable.
   */
  readonly isSuspect?: boolean
  /**
   * Notified when LevelDB itself cannot read parts of its tables: what is readable is to be salvaged at the next start.
   */
  onUnreadableTables?(): void
}

/** One node's copy of the data: what users and the mesh's own records need, and its parts. */
export class Replica {
  /** The store, for listings in key order; committed rows alone are in it. */
  readonly store: KvStore
  readonly environment: Environment
  /** Clocks of the mesh, for display and for expiry. */
  readonly clock: MeshClock
  /** The ids that this process issues under. */
  readonly runs: OwnRuns
  /** Verification, the trie that it builds, and what keeps users from being served. */
  readonly health: Health
  /** Side that peers see, and that applies what they bring. */
  readonly sync: SyncSide
  /** The update log: which updates members still miss. */
  readonly log: UpdateLog
  /** Acknowledgements of the members, kept on disk. */
  readonly acks: KeptAcknowledgements
  /** The change feed, for its readers. */
  readonly feed: ChangeFeed
  /** Upkeep that runs at intervals. */
  readonly upkeep: Upkeep
  /** Runs reads of rows from the store. */
  readonly guard: ReadGuard
  /** Warnings for an operator, in words. */
  readonly warnings: Warnings
  /** Counts since the start of what honest nodes that run once never send. */
  readonly irregularities: Irregularities
  /**
   * Runs a user's write: `write` is called once, synchronously, inside the committing batch; resolves with its result
   * once durable. What it throws is passed on and nothing is stored. Rejects with STORE_FAILED when the outcome is
   * unknown.
   */
  readonly transact: Transact
  readonly #core: ReplicaCore
  readonly #reader: PeerReader
  #listener: ((commit: Commit) => void) | undefined

  private constructor(core: ReplicaCore, options: ReplicaOptions, isSuspect: boolean) {
    const { store, environment, clock, guard, warnings, ledger, transact } = core
    this.store = store
    this.environment = environment
    this.clock = clock
    this.guard = guard
    this.warnings = warnings
    this.runs = ledger.runs
    this.irregularities = ledger.irregularities
    this.transact = transact
    this.log = new UpdateLog(core, options.log)
    this.acks = new KeptAcknowledgements(core, this.log)
    this.feed = new ChangeFeed(core, this.log)
    this.health = new Health(core, this.log, { isSuspect, onUnreadableTables: () => options.onUnreadableTables?.() })
    this.upkeep = new Upkeep(core, this.log, this.health)
    this.#core = core
    this.#reader = new PeerReader(store, environment)
    this.sync = new SyncSide(core, this.health, this.#reader)
    // Last: whoever hears of a commit finds every part of the replica moved.
    core.commits.listen(({ issued, events, contextsChanged }) => this.#listener?.({ issued, events, contextsChanged }))
  }

  /**
   * Opens a store and loads its contexts; clients can be served from then on. Verification runs in the background once
   * `health.verify()` is called. Throws STORE_FORMAT for a store of a newer version.
   */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const opened = await openRows(options.store, options.environment)
    const isSuspect = opened.isDamaged || (options.isSuspect ?? false)
    return new Replica(new ReplicaCore(options, opened), options, isSuspect)
  }

  /**
   * The committed row of an address, whose bytes change with its versions; undefined when it has none. Throws
   * NOT_VERIFIED for a damaged store until it is verified. `key` is the row's key, where it is at hand.
   */
  row(address: Address, key: Uint8Array = entryKey(address)): Uint8Array | undefined {
    if (this.health.doubt !== undefined && isUserAddress(address)) throw this.health.doubt
    return this.guard.reading(() => this.store.get(key))
  }

  /** The committed live versions at an address, from its row. Throws DAMAGED_VALUE, and NOT_VERIFIED as `row` does. */
  versions(address: Address, row = this.row(address)): readonly Version[] {
    if (row === undefined) return []
    return this.guard.reading(() => {
      const versions = decodeVersions(entryKey(address), row)
      if (versions.length > 0) return versions
      throw new HearsayError(
        'DAMAGED_VALUE',
        'this record was lost to damage on the disk; it comes back from peers that have it, or write it again',
      )
    })
  }

  /**
   * The mesh's own records whose key starts with a prefix. One that cannot be read is left out, and fetched again from
   * peers: no damage keeps a node from starting.
   */
  scanSystem(prefix: string): Promise<Entry[]> {
    return this.#reader.systemEntries(prefix, (row) => this.guard.damage.emit(row))
  }

  /** The tag of the member that an actor belongs to. */
  memberOf = (actor: Actor): MemberTag => this.#core.ledger.members.get(actor) ?? unknownMember

  /** Live entries of the users. */
  get userEntries(): number {
    return this.#core.committed.state.userEntries
  }

  /** Names the one listener; it is notified of every commit, in order, after it is durable. */
  onCommit(listener: (commit: Commit) => void): void {
    this.#listener = listener
  }

  /** Flushes, stops background work, and closes the store. */
  async close(): Promise<void> {
    this.upkeep.stop()
    await this.health.stop()
    await this.#core.close()
  }
}
