/** Digests of dots of which the log has nothing any more: they tell a repeated update from another one under the same dot. */
import { decodeDigest, digestKey, dotOfKey, encodeDigest, isDamage, rangeOf } from '../keyspace.js'
import type { KvStore } from '../kv.js'
import type { Context } from '../model/context.js'
import type { ContentDigest, Dot } from '../model/dot.js'
import type { Batch } from './batch.js'
import { digestAgeMsMax, digestSpanDots, digestSweepRowsMax, unacknowledgedDigestSpanDots } from './limits.js'

/** The digest rows that the next batch builds on. */
export class DigestRows {
  readonly #nowMs: () => number

  /** `nowMs`: the wall clock. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** The digest; undefined when none is kept, or none that can be read. */
  read(batch: Batch, dot: Dot): ContentDigest | undefined {
    return readDigestRow(digestKey(dot), (key) => batch.get(key))
  }

  /** Keeps a digest. */
  write(batch: Batch, dot: Dot, digest: ContentDigest): void {
    const key = digestKey(dot)
    batch.set(key, encodeDigest(key, { digest, keptSinceMs: this.#nowMs() }))
  }
}

/** Reads the digest of a row through `get`; undefined when there is no such row, or it cannot be read: then nothing is known of the dot. */
export function readDigestRow(
  key: Uint8Array,
  get: (key: Uint8Array) => Uint8Array | undefined,
): ContentDigest | undefined {
  try {
    const row = get(key)
    return row === undefined ? undefined : decodeDigest(key, row).digest
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}

/** What the sweep needs of the replica. */
export interface DigestSweepOwner {
  readonly store: KvStore
  /** The committed seen context. */
  readonly seen: Context
  nowMs(): number
  /** The dots that every member has acknowledged. */
  acknowledgedByAll(): Context
  submit<T>(write: (batch: Batch) => T): Promise<T>
}

/**
 * Deletes digests that are kept for longer than is promised: a dot that every member has acknowledged keeps its digest while it is among the
 * last of its run, for some weeks; others are kept until they are acknowledged, up to a bound for each run.
 */
export class DigestSweep {
  readonly #owner: DigestSweepOwner
  #cursor: Uint8Array | undefined

  constructor(owner: DigestSweepOwner) {
    this.#owner = owner
  }

  /** Looks at a bounded number of rows, and goes on behind them the next time. Returns how many were deleted. */
  async sweep(): Promise<number> {
    const { store, seen, nowMs, acknowledgedByAll, submit } = this.#owner
    const { gte, lt } = rangeOf('digest')
    const from = this.#cursor === undefined ? { gte } : { gt: this.#cursor }
    this.#cursor = undefined
    const oldestMs = nowMs() - digestAgeMsMax
    const acknowledged = acknowledgedByAll()
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
    await submit((batch) => {
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
