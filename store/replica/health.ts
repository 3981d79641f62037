/**
 * The health of one running store (rule 11 of the design): it is verified after the start and whenever a row turns out to be damaged, what is
 * damaged is repaired, and until that has passed nobody syncs with it. The trie is built by the same scan, and follows every commit.
 */
import type { Environment } from '../environment.js'
import { HearsayError } from '../errors.js'
import { encodeState, isDamage, type StateRow } from '../keyspace.js'
import type { KvStore } from '../kv.js'
import { Trie } from '../merkle/trie.js'
import type { Contexts } from '../model/codec.js'
import type { Batch } from './batch.js'
import type { TrieChange } from './entry-rows.js'
import type { Ledger } from './ledger.js'
import { trieSliceNodes, verifyAttemptsMax } from './limits.js'
import { isOvertaken, repair } from './repair.js'
import { type Damage, isSound, Verification } from './verify.js'

/** What is needed of the replica. */
export interface HealthOwner {
  readonly store: KvStore
  readonly environment: Environment
  readonly ledger: Ledger
  /** The error that made the store read-only; undefined while it works. */
  readonly failure: HearsayError | undefined
  /** The contexts of the committed state. */
  readonly committed: Contexts
  /** The state with the batch that is on its way to the disk, which may be there already; undefined when there is none. */
  readonly inFlight: (Contexts & { readonly state: StateRow }) | undefined
  submit<T>(write: (batch: Batch) => T): Promise<T>
  /** Damage was repaired: log rows that had been passed over may have something to wait for again. */
  repaired(): void
  /** The store is verified: upkeep may go on. */
  verified(): void
  /** LevelDB itself cannot read parts of its tables. */
  unreadableTables(): void
  /** Tells an operator; null takes back what was told. */
  warn(about: string, warning: string | null): void
}

/** Watches over one store. */
export class Health {
  readonly #owner: HealthOwner
  #trie = new Trie()
  /** Whether the trie holds what is committed: it follows every commit then. */
  #isTrieWhole = false
  /** While the trie is being built: changes committed meanwhile, to be made afterwards. Undefined while nobody builds it. */
  #trieBacklog: TrieChange[] | undefined
  #verifying: Promise<void> | undefined
  #isVerified = false
  #isSuspect: boolean
  #failure: HearsayError | undefined
  #damageEpoch = 0
  #listener: (() => void) | undefined
  #isStopped = false

  /** `isSuspect`: parts of the store are known to be missing or unreadable. */
  constructor(owner: HealthOwner, isSuspect: boolean) {
    this.#owner = owner
    this.#isSuspect = isSuspect
  }

  /** Names who is told when a verification begins, when one has passed, and when the store fails: `isVerified` has changed. */
  onChange(listener: () => void): void {
    this.#listener = listener
  }

  /** Whether the store was compared with its own checksums, and nothing was found damaged since. */
  get isVerified(): boolean {
    return this.#isVerified
  }

  /** Rises each time damage was repaired. */
  get damageEpoch(): number {
    return this.#damageEpoch
  }

  /** The trie of the committed entries; whole once verified. */
  get trie(): Trie {
    return this.#trie
  }

  /** Why the store is not verified, in words; null when it is. */
  get unverifiedReason(): string | null {
    if (this.#isVerified) return null
    return (this.#owner.failure ?? this.#failure)?.message ?? 'the store is being compared with its checksums'
  }

  /** A damaged store that is not verified yet: what it does not show may be lost, and is not to be answered as absent. Undefined otherwise. */
  get doubt(): HearsayError | undefined {
    return this.#isSuspect && !this.#isVerified ? (this.#failure ?? beingVerified()) : undefined
  }

  /** The trie follows what was committed, or is told of it once it is built. */
  committed(changes: readonly TrieChange[]): void {
    if (this.#isTrieWhole) for (const change of changes) changeTrie(this.#trie, change)
    else for (const change of changes) this.#trieBacklog?.push(change)
  }

  /** Number of changes that wait until the trie is built; 0 while nobody builds it. */
  get trieChangesWaiting(): number {
    return this.#trieBacklog?.length ?? 0
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

  /** The store failed: it is read-only until restarted. */
  storeFailed(error: HearsayError): void {
    this.#isVerified = false
    this.#listener?.()
    const { cause } = error
    if (cause instanceof HearsayError && cause.details.isDamaged === true) this.#owner.unreadableTables()
    this.#owner.warn('failed', error.message)
  }

  /** A row failed its checksum: the store is verified again. */
  damageFound(row: Error): void {
    this.#owner.warn('damaged-row', row.message)
    if (this.#isVerified && !this.#isStopped) this.verify().catch(() => {})
  }

  /** Runs a read of committed rows; a row that fails its checksum becomes DAMAGED_VALUE, and the store is verified again. */
  reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      return this.damagedOr(error)
    }
  }

  /** Throws DAMAGED_VALUE for a row that failed its checksum, and any other error as it is. */
  damagedOr(error: unknown): never {
    if (!isDamage(error)) throw error
    if (error instanceof HearsayError && error.cause === undefined) throw error
    this.damageFound(error as Error)
    throw new HearsayError(
      'DAMAGED_VALUE',
      'the stored record fails its checksum; it is fetched again from peers: try again in a moment',
      {},
      { cause: error },
    )
  }

  /** Ends a verification under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#verifying?.catch(() => undefined)
  }

  #verificationFailed(error: unknown): never {
    if (this.#isStopped) throw error
    const reason = error instanceof Error ? error.message : String(error)
    const message = `the store could not be verified, and this node does not sync: ${reason}; check the disk, then restart the daemon`
    this.#failure = new HearsayError('NOT_VERIFIED', message, {}, { cause: error })
    this.#owner.warn('verify', message)
    throw error
  }

  async #verifyOnce(): Promise<void> {
    this.#isVerified = false
    this.#failure = undefined
    this.#owner.warn('verify', null)
    this.#listener?.()
    for (let attempt = 1; !(await this.#attempt()); attempt++) {
      if (attempt === verifyAttemptsMax) throw new Error('rows go on being damaged under it')
    }
    this.#isVerified = this.#owner.failure === undefined
    this.#isSuspect = false
    this.#listener?.()
    this.#owner.verified()
  }

  /** Looks at one snapshot, and mends what is damaged in it. Returns false when that was overtaken by writes under way. */
  async #attempt(): Promise<boolean> {
    const { store, committed, inFlight } = this.#owner
    const snapshot = store.snapshot()
    this.#isTrieWhole = false
    this.#trieBacklog = []
    try {
      const verification = new Verification(store, snapshot, () => this.#yieldTurn())
      return await this.#verifyUnder(verification, (state) => (isShown(inFlight, state) ? inFlight : committed))
    } finally {
      // Also after a survey that failed: the next one begins with a trie and a backlog of its own.
      this.#trieBacklog = undefined
      await snapshot.close()
    }
  }

  /** `knownWith`: the contexts in memory that belong to the snapshot, given the state row in it. */
  async #verifyUnder(
    verification: Verification,
    knownWith: (state: StateRow | undefined) => Contexts,
  ): Promise<boolean> {
    const { ledger } = this.#owner
    const trie = new Trie()
    const survey = await verification.survey(trie)
    await this.#adopt(trie)
    ledger.entries.rememberLost(survey.lostAddresses)
    if (survey.damagedBlocks) this.#owner.unreadableTables()
    // Writes go on meanwhile: only by how much the count was off at the moment of the snapshot is put right.
    const uncountedBytes = survey.logBytes - (survey.state?.logBytes ?? ledger.dots.logBytes)
    if (this.#isSuspect || !isSound(survey)) {
      const damage = await verification.locate(survey, this.#isSuspect)
      if (!(await this.#repair(damage, knownWith(survey.state)))) return false
    }
    ledger.dots.logBytes += uncountedBytes
    return true
  }

  async #adopt(trie: Trie): Promise<void> {
    this.#trie = trie
    for (const change of this.#trieBacklog!) changeTrie(trie, change)
    this.#trieBacklog = undefined
    this.#isTrieWhole = true
    while (!trie.refresh(trieSliceNodes)) await this.#yieldTurn()
  }

  async #repair(damage: Damage, known: Contexts): Promise<boolean> {
    const { ledger, submit, repaired, warn } = this.#owner
    const report = await submit((batch) =>
      isOvertaken(batch, damage) ? undefined : ledger.write(batch, () => repair(batch, ledger, damage, known)),
    )
    if (report === undefined) return false
    this.#damageEpoch++
    ledger.endRun()
    repaired()
    warn('damage', report)
    return true
  }

  async #yieldTurn(): Promise<void> {
    await this.#owner.environment.yieldTurn()
    if (this.#isStopped) throw new HearsayError('STORE_FAILED', 'the store is closing')
  }
}

/** Whether a snapshot with this state row holds the batch in flight. Where that cannot be told it is taken to: then what it lost is not believed. */
function isShown<T extends { readonly state: StateRow }>(
  inFlight: T | undefined,
  state: StateRow | undefined,
): inFlight is T {
  return inFlight !== undefined && (state === undefined || encodeState(state).equals(encodeState(inFlight.state)))
}

function beingVerified(): HearsayError {
  const message = 'the store was damaged, and what is left of it is still being verified; try again in a moment'
  return new HearsayError('NOT_VERIFIED', message)
}

function changeTrie(trie: Trie, change: TrieChange): void {
  if (change.digest === null) trie.delete(change.id)
  else trie.set(change.id, change.digest, change.locator!)
}
