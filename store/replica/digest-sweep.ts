/** Deletion of old digests, which are kept for dots whose rows the log no longer has. */
import { rangeOf } from '../keyspace.js'
import { decodeDigest } from '../rows/digests.js'
import { dotOfKey } from '../rows/dots.js'
import { isDamage } from '../rows/seal.js'
import type { ReplicaCore } from './core.js'
import { digestAgeMsMax, digestSpanDots, digestSweepRowsMax, unacknowledgedDigestSpanDots } from './limits.js'
import type { UpdateLog } from './log.js'

/**
 * Deletes digests that are kept for longer than is promised: a dot that every member has acknowledged keeps its digest
 * while it is among the last of its run, for some weeks; others are kept until they are acknowledged, up to a bound for
 * each run.
 */
export class DigestSweep {
  readonly #core: ReplicaCore
  readonly #log: UpdateLog
  #cursor: Uint8Array | undefined

  constructor(core: ReplicaCore, log: UpdateLog) {
    this.#core = core
    this.#log = log
  }

  /** Looks at a bounded number of rows, and goes on behind them the next time. Returns how many were deleted. */
  async sweep(): Promise<number> {
    const { store, committed, environment } = this.#core
    const { seen } = committed
    const { gte, lt } = rangeOf('digest')
    const from = this.#cursor === undefined ? { gte } : { gt: this.#cursor }
    this.#cursor = undefined
    const oldestMs = environment.nowMs() - digestAgeMsMax
    const acknowledged = this.#log.acknowledgedByAll()
    const gone: Uint8Array[] = []
    let looked = 0
    for await (const rows of store.scan({ ...from, lt, limit: digestSweepRowsMax })) {
      for (const { key, value } of rows) {
        const dot = dotOfKey(key)
        const behind = seen.lastOf(dot.actor) - dot.counter
        const isOld = behind >= digestSpanDots || keptSince(key, value) < oldestMs
        if (behind >= unacknowledgedDigestSpanDots || (isOld && acknowledged.has(dot))) gone.push(key)
        if (++looked === digestSweepRowsMax) this.#cursor = key
      }
    }
    if (gone.length === 0) return 0
    await this.#core.submit((batch) => {
      for (const key of gone) batch.set(key, null)
    })
    return gone.length
  }
}

/** A row that cannot be read is of no use: as old as can be. */
function keptSince(key: Uint8Array, value: Uint8Array): number {
  try {
    return decodeDigest(key, value).keptSinceMs
  } catch (error) {
    if (isDamage(error)) return 0
    throw error
  }
}
