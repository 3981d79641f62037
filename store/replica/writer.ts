/**
 * Group commit: writes run one after the other in memory, a batch of them is made durable at once, and only then is
 * anybody notified. What must be durable before what: rows of a batch before its answers, before the committed state
 * moves, before the listener hears.
 */
import { HearsayError } from '../errors.js'
import type { KvStore } from '../kv.js'
import { systemCodeOf, systemRemedy } from '../system-errors.js'
import { Batch } from './batch.js'
import { commitBytesMax, waitingWritesMax } from './limits.js'

/** Hooks of a writer, provided by its owner. */
export interface WriterHooks {
  /**
   * The open batch is about to be written: adds the rows that go with every batch. Returns what to do once it is
   * durable.
   */
  seal(batch: Batch): () => void
  /** The store failed; everything in memory beyond the committed state is void. */
  failed(error: HearsayError): void
  /** A batch is durable; `tookMs` is the time of its write, in milliseconds. */
  written?(tookMs: number): void
  /** Clock for that time, in milliseconds. */
  monotonicMs(): number
}

interface Job {
  run(batch: Batch): void
  reject(error: unknown): void
}

/** The one writer of a store. */
export class GroupCommit {
  readonly #store: KvStore
  readonly #hooks: WriterHooks
  readonly #sync: boolean
  #open: Batch
  #openSettlers: { resolve: () => void; reject: (error: unknown) => void }[] = []
  #inFlight: Batch | undefined
  #inFlightDone: Promise<void> = Promise.resolve()
  readonly #waiting: Job[] = []
  #scheduled = false
  #failure: HearsayError | undefined
  #closing = false

  /** `sync`: whether a batch is durable on the disk before it counts as committed. */
  constructor(store: KvStore, sync: boolean, hooks: WriterHooks) {
    this.#store = store
    this.#sync = sync
    this.#hooks = hooks
    this.#open = new Batch((key) => store.get(key))
  }

  /** The error that stopped this writer; undefined while it works. */
  get failure(): HearsayError | undefined {
    return this.#failure
  }

  /**
   * Runs a write against everything written before it, and resolves with its result once it is durable.
   * When `write` throws, nothing of it remains. Rejects with STORE_FAILED when the outcome is unknown.
   */
  submit<T>(write: (batch: Batch) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      if (this.#closing)
        return reject(new HearsayError('STORE_FAILED', 'the store is closing; write again after the restart'))
      if (this.#waiting.length >= waitingWritesMax) {
        return reject(
          new HearsayError(
            'STORE_FAILED',
            'too many writes are waiting for the disk; nothing was stored; try again later',
          ),
        )
      }
      const run = (batch: Batch) => {
        try {
          const result = batch.attempt(() => write(batch))
          this.#openSettlers.push({ resolve: () => resolve(result), reject })
        } catch (error) {
          reject(error)
        }
      }
      this.#waiting.push({ run, reject })
      this.#drain()
    })
  }

  /** Waits until everything submitted so far is settled. */
  async flushed(): Promise<void> {
    while (this.#inFlight !== undefined || this.#openSettlers.length > 0 || this.#waiting.length > 0) {
      this.#schedule()
      await this.#inFlightDone
      await Promise.resolve()
    }
  }

  /** Takes no more writes and waits for those under way. */
  async close(): Promise<void> {
    this.#closing = true
    await this.flushed()
  }

  #drain(): void {
    while (this.#waiting.length > 0 && this.#open.bytes < commitBytesMax && this.#failure === undefined) {
      this.#waiting.shift()!.run(this.#open)
    }
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight !== undefined || this.#failure !== undefined) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      if (this.#inFlight === undefined && this.#failure === undefined) this.#inFlightDone = this.#flush()
    })
  }

  async #flush(): Promise<void> {
    const settlers = this.#openSettlers
    if (settlers.length === 0) return
    const batch = this.#open
    this.#openSettlers = []
    if (batch.isEmpty) {
      for (const settler of settlers) settler.resolve()
      return
    }
    const committed = this.#hooks.seal(batch)
    this.#inFlight = batch
    this.#open = new Batch((key) => this.#store.get(key), batch)
    const startedMs = this.#hooks.monotonicMs()
    try {
      await this.#store.write(batch.changes(), { sync: this.#sync })
    } catch (cause) {
      this.#fail(cause, settlers)
      return
    }
    this.#hooks.written?.(this.#hooks.monotonicMs() - startedMs)
    this.#inFlight = undefined
    this.#open.landed()
    committed()
    for (const settler of settlers) settler.resolve()
    this.#drain()
  }

  #fail(cause: unknown, settlers: readonly { reject: (error: unknown) => void }[]): void {
    const failure = diskFailure(cause)
    this.#failure = failure
    this.#inFlight = undefined
    for (const settler of [...settlers, ...this.#openSettlers, ...this.#waiting]) settler.reject(failure)
    this.#openSettlers = []
    this.#waiting.length = 0
    this.#hooks.failed(failure)
  }
}

/**
 * Says why, as the system does, and what helps. Nothing in memory can be believed from now on: only another opening of
 * the store tells what is there.
 */
function diskFailure(cause: unknown): HearsayError {
  const system = systemCodeOf(cause)
  const reason = system === undefined ? '' : ` (${system})`
  const remedy = systemRemedy(system ?? '') ?? 'check disk space and health'
  const message = `the disk failed while writing${reason}; whether the last writes are stored is unknown, and no more are taken until the store is opened again; ${remedy}`
  return new HearsayError('STORE_FAILED', message, system === undefined ? {} : { system }, { cause })
}
