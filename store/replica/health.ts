/**
 * The health of one running store (rule 11 of the design): it is verified after the start and whenever a row turns out
 * to be damaged, what is damaged is repaired, and until that has passed nobody syncs with it. The trie is built by the
 * same scan, and follows every commit.
 */
import { HearsayError } from '../errors.js'
import { Trie } from '../merkle/trie.js'
import type { Contexts } from '../model/codec.js'
import { encodeState, type StateRow } from '../rows/state.js'
import type { ReplicaCore } from './core.js'
import type { TrieChange } from './entry-rows.js'
import { trieSliceNodes, verifyAttemptsMax } from './limits.js'
import type { UpdateLog } from './log.js'
import { isOvertaken, repair } from './repair.js'
import { Signal } from './signal.js'
import { type Damage, isSound, Verification } from './verify.js'

/** Condition of a store at its start, and the listener for damage that cannot be repaired while it is open. */
export interface HealthOptions {
  /** Parts of the store are known to be missing or unreadable. */
  readonly isSuspect: boolean
  /** Notified when LevelDB itself cannot read parts of its tables. */
  onUnreadableTables(): void
}

/** Progress of a verification under way. */
export interface VerificationProgress {
  readonly rows: number
  /** Rows that will have been looked at in the end, estimated from the number of live dots; never less than `rows`. */
  readonly ofAbout: number
}

/** Watches over one store. */
export class Health {
  /** A verification has passed: upkeep may go on. */
  readonly passes = new Signal()
  readonly #core: ReplicaCore
  readonly #log: UpdateLog
  readonly #onUnreadableTables: () => void
  #trie = new Trie()
  /** True if the trie holds what is committed: then it follows every commit. */
  #isTrieWhole = false
  /**
   * While the trie is being built: changes committed meanwhile, to be made afterwards. Undefined while nobody builds
   * it.
   */
  #trieBacklog: TrieChange[] | undefined
  #verifying: Promise<void> | undefined
  #verification: Verification | undefined
  #isVerified = false
  #isSuspect: boolean
  #failure: HearsayError | undefined
  #damageEpoch = 0
  #listener: (() => void) | undefined
  #isStopped = false

  constructor(core: ReplicaCore, log: UpdateLog, { isSuspect, onUnreadableTables }: HealthOptions) {
    this.#core = core
    this.#log = log
    this.#isSuspect = isSuspect
    this.#onUnreadableTables = onUnreadableTables
    core.commits.listen(({ trie }) => this.#follow(trie))
    // Once damage was found, what the trie lacks may yet stand where it cannot be read.
    const knowsAll = () => this.#isVerified && this.#isTrieWhole && this.#damageEpoch === 0
    core.ledger.entries.askBeforeReading((id) => !knowsAll() || this.#trie.has(id))
    core.failures.listen((error) => this.#storeFailed(error))
    core.guard.damage.listen((row) => this.#damageFound(row))
  }

  /**
   * Names who is notified when a verification begins, when one has passed, and when the store fails: `isVerified` has
   * changed.
   */
  onChange(listener: () => void): void {
    this.#listener = listener
  }

  /** True once the store has passed a comparison with its own checksums, until damage is found or the store fails. */
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

  /** The error that made the store read-only; undefined while it works. */
  get failure(): HearsayError | undefined {
    return this.#core.failure
  }

  /** Reason why the store is not verified, in words; null when it is. */
  get unverifiedReason(): string | null {
    if (this.#isVerified) return null
    return (this.failure ?? this.#failure)?.message ?? 'the store is being compared with its checksums'
  }

  /** Progress of the verification under way; null when none is. */
  get progress(): VerificationProgress | null {
    if (this.#verifying === undefined) return null
    const { rows, scans } = this.#verification?.progress ?? { rows: 0, scans: 1 }
    return { rows, ofAbout: Math.max(rows, rowsPerLiveDot * scans * this.#core.committed.state.liveDots) }
  }

  /**
   * A damaged store that is not verified yet: what it does not show may be lost, and is not to be answered as absent.
   * Undefined otherwise.
   */
  get doubt(): HearsayError | undefined {
    return this.#isSuspect && !this.#isVerified ? (this.#failure ?? beingVerified()) : undefined
  }

  /**
   * Error with which users are refused: the store failed, or it is damaged and not verified yet. Undefined when there
   * is none.
   */
  get obstacle(): HearsayError | undefined {
    return this.failure ?? this.doubt
  }

  /** Number of changes that wait until the trie is built; 0 while nobody builds it. */
  get trieChangesWaiting(): number {
    return this.#trieBacklog?.length ?? 0
  }

  /**
   * Compares the store with its own checksums and builds the trie; repairs what is damaged. Resolves when the node may
   * sync. What it rejects with is also shown as a warning, and as the reason why the node is not verified.
   */
  verify(): Promise<void> {
    this.#verifying ??= this.#verifyOnce()
      .catch((error: unknown) => this.#verificationFailed(error))
      .finally(() => {
        this.#verifying = undefined
        this.#verification = undefined
      })
    return this.#verifying
  }

  /** Ends a verification under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#verifying?.catch(() => undefined)
  }

  /** The trie follows what was committed, or receives it once it is built. */
  #follow(changes: readonly TrieChange[]): void {
    if (this.#isTrieWhole) for (const change of changes) changeTrie(this.#trie, change)
    else for (const change of changes) this.#trieBacklog?.push(change)
  }

  /** The store failed: it is read-only until restarted. */
  #storeFailed(error: HearsayError): void {
    this.#isVerified = false
    this.#listener?.()
    const { cause } = error
    if (cause instanceof HearsayError && cause.details.isDamaged === true) this.#onUnreadableTables()
    this.#core.warnings.give('failed', error.message)
  }

  /** A row failed its checksum: the store is verified again. */
  #damageFound(row: Error): void {
    this.#core.warnings.give('damaged-row', row.message)
    if (this.#isVerified && !this.#isStopped) this.verify().catch(() => {})
  }

  #verificationFailed(error: unknown): never {
    if (this.#isStopped) throw error
    const reason = error instanceof Error ? error.message : String(error)
    const message = `the store could not be verified, and this node does not sync: ${reason}; check the disk, then restart the daemon`
    this.#failure = new HearsayError('NOT_VERIFIED', message, {}, { cause: error })
    this.#core.warnings.give('verify', message)
    throw error
  }

  async #verifyOnce(): Promise<void> {
    this.#isVerified = false
    this.#failure = undefined
    this.#core.warnings.takeBack('verify')
    this.#listener?.()
    for (let attempt = 1; !(await this.#attempt()); attempt++) {
      if (attempt === verifyAttemptsMax) throw new Error('rows go on being damaged under it')
    }
    this.#isVerified = this.failure === undefined
    this.#isSuspect = false
    this.#listener?.()
    this.passes.emit()
  }

  /**
   * Looks at one snapshot, and repairs what is damaged in it. Returns false when that was overtaken by writes under
   * way.
   */
  async #attempt(): Promise<boolean> {
    const { store, committed, inFlight } = this.#core
    const snapshot = store.snapshot()
    this.#isTrieWhole = false
    this.#trieBacklog = []
    try {
      const verification = new Verification(store, snapshot, () => this.#yieldTurn())
      this.#verification = verification
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
    const { ledger } = this.#core
    const trie = new Trie()
    const survey = await verification.survey(trie)
    await this.#adopt(trie)
    ledger.entries.rememberLost(survey.lostAddresses)
    if (survey.damagedBlocks) this.#onUnreadableTables()
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
    const { ledger, warnings } = this.#core
    const report = await this.#core.submit((batch) =>
      isOvertaken(batch, damage) ? undefined : ledger.write(batch, () => repair(batch, ledger, damage, known)),
    )
    if (report === undefined) return false
    this.#damageEpoch++
    ledger.runs.end()
    // Rows that the log had passed over may have something to wait for again.
    this.#log.rewind()
    warnings.give('damage', report)
    return true
  }

  async #yieldTurn(): Promise<void> {
    await this.#core.environment.yieldTurn()
    if (this.#isStopped) throw new HearsayError('STORE_FAILED', 'the store is closing')
  }
}

/** Rows in which a live dot stands: its entry and its dot row. */
const rowsPerLiveDot = 2

/**
 * True if a snapshot with this state row holds the batch in flight, or may hold it because the row is missing or
 * unreadable: then dots of that batch count as seen only where they can be read.
 */
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
