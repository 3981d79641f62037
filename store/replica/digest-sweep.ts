/** Deletion of old digests, which are kept for dots whose rows the log no longer has. */
import { rangeOf } from '../keyspace.js'
import type { KvRow } from '../kv.js'
import { scanRowsMax } from '../limits.js'
import type { Context } from '../model/context.js'
import type { Actor, Dot } from '../model/dot.js'
import { decodeDigest, digestKey } from '../rows/digests.js'
import { dotOfKey } from '../rows/dots.js'
import { isDamage } from '../rows/seal.js'
import type { ReplicaCore } from './core.js'
import { digestAgeMsMax, digestSpanDots, digestSweepRowsMax, unacknowledgedDigestSpanDots } from './limits.js'
import type { UpdateLog } from './log.js'

/** State by which one pass judges rows. */
interface Measure {
  readonly seen: Context
  readonly acknowledged: Context
  /** Digests that are kept since before this time are old, in milliseconds since 1970. */
  readonly oldestMs: number
}

/** Result of one pass. */
interface Pass {
  readonly looked: number
  readonly gone: readonly Uint8Array[]
}

/**
 * Deletes digests that are kept for longer than is promised: a dot that every member has acknowledged keeps its digest
 * while it is among the last of its run, for some weeks; others are kept until they are acknowledged, up to a bound for
 * each run. The digests of a run stand in the order of its dots, oldest first, so that those which stay are not walked
 * over one by one.
 */
export class DigestSweep {
  readonly #core: Pick<ReplicaCore, 'store' | 'committed' | 'environment' | 'submit'>
  readonly #log: Pick<UpdateLog, 'acknowledgedByAll'>
  /** Key from which the next pass goes on; undefined: from the first. */
  #cursor: Uint8Array | undefined

  constructor(
    core: Pick<ReplicaCore, 'store' | 'committed' | 'environment' | 'submit'>,
    log: Pick<UpdateLog, 'acknowledgedByAll'>,
  ) {
    this.#core = core
    this.#log = log
  }

  /**
   * Looks at a bounded number of rows, and goes on behind them the next time; at once, while most of them go: writes
   * leave digests behind without a bound on their rate. Returns how many were deleted.
   */
  async sweep(): Promise<number> {
    const { committed, environment } = this.#core
    const oldestMs = environment.nowMs() - digestAgeMsMax
    const measure = { seen: committed.seen, acknowledged: this.#log.acknowledgedByAll(), oldestMs }
    for (let deleted = 0; ; ) {
      const { looked, gone } = await this.#pass(measure)
      if (gone.length > 0) {
        await this.#core.submit((batch) => {
          for (const key of gone) batch.set(key, null)
        })
      }
      deleted += gone.length
      if (this.#cursor === undefined || gone.length * 2 < looked) return deleted
    }
  }

  async #pass(measure: Measure): Promise<Pass> {
    const gone: Uint8Array[] = []
    let looked = 0
    let from: Uint8Array = this.#cursor ?? rangeOf('digest').gte
    while (looked < digestSweepRowsMax) {
      const rows = await this.#rowsFrom(from, Math.min(scanRowsMax, digestSweepRowsMax - looked))
      looked += rows.length
      for (const { key, value } of rows) {
        if (Buffer.compare(key, from) < 0) continue
        const next = nextBehind(key, value, measure)
        if (next === undefined) gone.push(key)
        from = next ?? keyBehind(dotOfKey(key))
      }
      if (rows.length === 0) {
        this.#cursor = undefined
        return { looked, gone }
      }
    }
    this.#cursor = from
    return { looked, gone }
  }

  async #rowsFrom(from: Uint8Array, limit: number): Promise<KvRow[]> {
    const found: KvRow[] = []
    const { lt } = rangeOf('digest')
    for await (const rows of this.#core.store.scan({ gte: from, lt, limit })) found.push(...rows)
    return found
  }
}

/** Undefined when a row is to go; else the key of the next row that may have to, of this run or of another one. */
function nextBehind(key: Uint8Array, value: Uint8Array, { seen, acknowledged, oldestMs }: Measure): Buffer | undefined {
  const dot = dotOfKey(key)
  const behind = seen.lastOf(dot.actor) - dot.counter
  if (behind >= unacknowledgedDigestSpanDots) return undefined
  // Those behind it are younger still.
  if (behind < digestSpanDots && keptSince(key, value) >= oldestMs) return endOf(dot.actor)
  if (acknowledged.has(dot)) return undefined
  const starts = acknowledged.rangesOf(dot.actor).filter((_, at) => at % 2 === 0)
  const counter = starts.find((start) => start > dot.counter)
  return counter === undefined ? endOf(dot.actor) : digestKey({ actor: dot.actor, counter })
}

function keyBehind({ actor, counter }: Dot): Buffer {
  return digestKey({ actor, counter: counter + 1 })
}

function endOf(actor: Actor): Buffer {
  return keyBehind({ actor, counter: Number.MAX_SAFE_INTEGER })
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
