/** Deletion of the remembered answers of retry-safe requests, once they are too old or too many. */
import { rangeOf } from '../keyspace.js'
import { decodeRetryOrder, retryKeyRow } from '../rows/retries.js'
import type { ReplicaCore } from './core.js'
import { retryKeepCount, retryKeepMs } from './limits.js'

/**
 * Remembered answers of one store, in the order in which they were remembered. Their age is the time for which this run
 * has known of them: the wall clock may step, also between two runs, and an answer that was forgotten too early makes a
 * repeated request a second write. So one of an earlier run starts again with this one.
 */
export class Retries {
  readonly #core: Pick<ReplicaCore, 'store' | 'environment' | 'submit'>
  /** The last answer at each earlier look, oldest look first. */
  readonly #looks: { readonly key: Uint8Array; readonly atMs: number }[] = []

  constructor(core: Pick<ReplicaCore, 'store' | 'environment' | 'submit'>) {
    this.#core = core
  }

  /**
   * Drops answers beyond their window. Returns how many are left. To be called at intervals, of which each answer may
   * live one longer.
   */
  async prune(): Promise<number> {
    const order: { key: Uint8Array; retryKey: string }[] = []
    for await (const rows of this.#core.store.scan(rangeOf('retryOrder'))) {
      for (const { key, value } of rows) order.push({ key, retryKey: decodeRetryOrder(key, value).retryKey })
    }
    const old = this.#oldest(order.at(-1)?.key)
    const surplus = order.length - retryKeepCount
    const gone = order.filter(({ key }, at) => at < surplus || (old !== undefined && Buffer.compare(key, old) <= 0))
    if (gone.length > 0) {
      await this.#core.submit((batch) => {
        for (const { key, retryKey } of gone) {
          batch.set(key, null)
          batch.set(retryKeyRow(retryKey), null)
        }
      })
    }
    return order.length - gone.length
  }

  /** Remembers this look. Returns the last answer that was there for the whole window. */
  #oldest(last: Uint8Array | undefined): Uint8Array | undefined {
    const nowMs = this.#core.environment.monotonicMs()
    if (last !== undefined) this.#looks.push({ key: last, atMs: nowMs })
    let old: Uint8Array | undefined
    while (this.#looks.length > 0 && nowMs - this.#looks[0]!.atMs >= retryKeepMs) old = this.#looks.shift()!.key
    return old
  }
}
