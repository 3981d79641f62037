/** Ranges of keys: what several bounds given at once amount to. */
import type { KvRange } from './kv.js'

/** At most one bound on each side: the tightest of those given. */
export interface Bounds {
  readonly lower: Uint8Array | undefined
  readonly isLowerIncluded: boolean
  readonly upper: Uint8Array | undefined
  readonly isUpperIncluded: boolean
}

/** The tightest bounds of a range. LevelDB itself looks at one of two bounds on the same side first and may miss rows. */
export function boundsOf(range: KvRange): Bounds {
  const { gt, gte, lt, lte } = range
  const isGtTighter = gt !== undefined && (gte === undefined || Buffer.compare(gt, gte) >= 0)
  const isLtTighter = lt !== undefined && (lte === undefined || Buffer.compare(lt, lte) <= 0)
  return {
    lower: isGtTighter ? gt : gte,
    isLowerIncluded: !isGtTighter,
    upper: isLtTighter ? lt : lte,
    isUpperIncluded: !isLtTighter,
  }
}

/** The limit of a range; no limit is Infinity. Throws a RangeError for what is not a count. */
export function limitOf(range: KvRange): number {
  const limit = range.limit ?? Number.POSITIVE_INFINITY
  if (Number.isNaN(limit) || limit < 0) throw new RangeError(`not a limit: ${limit}`)
  return limit
}
