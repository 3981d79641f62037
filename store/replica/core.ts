/**
 * The core that the parts of a replica share: the store, the ledger that writes run against, the one writer, and the
 * committed state. It knows none of the parts; they listen to it.
 */
import type { Environment } from '../environment.js'
import type { HearsayError } from '../errors.js'
import type { KvStore } from '../kv.js'
import type { MemberTag } from '../model/codec.js'
import type { Dot } from '../model/dot.js'
import type { Batch } from './batch.js'
import { Ledger, type LedgerChanges } from './ledger.js'
import { MeshClock } from './mesh-clock.js'
import type { OpenedRows } from './opening.js'
import { ReadGuard } from './read-guard.js'
import type { RunMemory } from './run.js'
import { Signal } from './signal.js'
import { transactionOn } from './transaction.js'
import type { Transact, Transaction } from './types.js'
import { type WarningMatter, Warnings } from './warnings.js'
import { GroupCommit } from './writer.js'

/** Store, environment, settings and hooks of a core. */
export interface CoreOptions {
  readonly store: KvStore
  readonly environment: Environment
  /** The tag of this node's member. */
  readonly member: MemberTag
  /** True if a write is on the disk (fsync) before it is acknowledged. */
  readonly sync: boolean
  /** Bound on times in the future, in milliseconds: a version whose time lies beyond it is shown last. */
  readonly clockBoundMs: number
  /**
   * For tests of copied machines alone: what the process that was copied remembered of its runs; this one goes on under
   * the same id.
   */
  readonly memory?: RunMemory | undefined
  /** Stands around every write under a dot of this node, its own upkeep included: for who must know of all of them. */
  aroundWrites?(transact: Transact): Transact
  /** Notified, in words, of matters for the operator: damage, clones, clocks. */
  warn?(warning: string, about: WarningMatter): void
  /** Notified of every batch that is durable, with the time of its write in milliseconds. */
  onWritten?(tookMs: number): void
}

/** The state that is shown: all of it is durable. */
export type Committed = Pick<LedgerChanges, 'seen' | 'applied' | 'state' | 'systemWrites' | 'hasLost'>

/** One store behind one writer. */
export class ReplicaCore {
  readonly store: KvStore
  readonly environment: Environment
  readonly member: MemberTag
  readonly clock: MeshClock
  readonly guard = new ReadGuard()
  readonly warnings: Warnings
  readonly ledger: Ledger
  /** A batch is durable, and the committed state has moved. */
  readonly commits = new Signal<LedgerChanges>()
  /** The store failed: it is read-only until it is opened again. */
  readonly failures = new Signal<HearsayError>()
  /** Runs a user's write, or one of the node's own upkeep; see `Replica.transact`. */
  readonly transact: Transact
  readonly #writer: GroupCommit
  #committed: Committed
  #inFlight: LedgerChanges | undefined

  constructor(options: CoreOptions, { contexts, members, state }: OpenedRows) {
    const { store, environment, member, clockBoundMs, memory } = options
    this.store = store
    this.environment = environment
    this.member = member
    this.clock = new MeshClock(environment, clockBoundMs)
    this.warnings = new Warnings((warning, about) => options.warn?.(warning, about))
    const { seen, applied } = contexts
    this.#committed = { seen: seen.clone(), applied: applied.clone(), state, systemWrites: 0, hasLost: false }
    this.ledger = new Ledger(contexts, members, state, {
      environment,
      member,
      clockBoundMs,
      memory,
      onCopyFound: (what) => this.warnings.give('identity', what),
      onClash: (dot, clashes) => this.#clashed(dot, clashes),
      sharedNowMs: () => this.clock.sharedNowMs(),
      onFutureTime: (time, from) => this.clock.futureTimeMet(time, from),
      onDamage: (row) => this.guard.damage.emit(row),
    })
    this.#writer = new GroupCommit(store, options.sync, {
      seal: (batch) => this.#seal(batch),
      failed: (error) => this.failures.emit(error),
      written: (tookMs) => options.onWritten?.(tookMs),
      monotonicMs: () => environment.monotonicMs(),
    })
    const transact: Transact = (write) => this.write((batch) => write(this.#transaction(batch)))
    this.transact = options.aroundWrites?.(transact) ?? transact
  }

  /** Committed state: all that sessions, heartbeats, gossip and watchers may see. */
  get committed(): Committed {
    return this.#committed
  }

  /** Changes of the batch in flight, which the disk may show before the commit; undefined when there is none. */
  get inFlight(): LedgerChanges | undefined {
    return this.#inFlight
  }

  /** The error that made the store read-only; undefined while it works. */
  get failure(): HearsayError | undefined {
    return this.#writer.failure
  }

  /** Changes rows beside the ledger's, in the next batch; see `GroupCommit.submit`. */
  submit<T>(write: (batch: Batch) => T): Promise<T> {
    return this.#writer.submit(write)
  }

  /** Runs one write of the ledger: all of it is made durable, or nothing. */
  write<T>(write: (batch: Batch) => T): Promise<T> {
    return this.submit((batch) => this.ledger.write(batch, () => write(batch)))
  }

  /** Waits for the writes under way, and closes the store. */
  async close(): Promise<void> {
    await this.#writer.close().catch(() => undefined)
    await this.store.close()
  }

  #seal(batch: Batch): () => void {
    const changes = this.ledger.seal(batch)
    this.#inFlight = changes
    return () => this.#commit(changes)
  }

  /** The committed state moves in one turn, then those who listen hear of it. */
  #commit(changes: LedgerChanges): void {
    this.#committed = changes
    this.#inFlight = undefined
    this.commits.emit(changes)
  }

  #transaction(batch: Batch): Transaction {
    const clocks = { nowMs: this.environment.nowMs(), expiredByMs: this.clock.expiredByMs() }
    return transactionOn(batch, this.ledger, clocks, this.guard)
  }

  /** Said once: what it means does not change with the number, which the metrics have. */
  #clashed({ actor, counter }: Dot, clashes: number): void {
    if (clashes > 1) return
    const what = `dot ${actor}:${counter} has two contents; both are kept`
    this.warnings.give(
      'clash',
      `${what}: a machine of this mesh was cloned while it ran, or rolled back with its memory`,
    )
  }
}
