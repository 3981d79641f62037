/** Digests of the contents that dots have here, whichever row keeps them. */
import type { Address } from '../model/address.js'
import { contentDigest, valueHash, versionDigest } from '../model/digest.js'
import { type ContentDigest, compareDots, type Dot, type NamedDot, sameDot } from '../model/dot.js'
import { versionAt } from '../model/join.js'
import type { DotRow } from '../rows/dots.js'
import type { Batch } from './batch.js'
import type { ContextRows } from './context-rows.js'
import type { DigestRows } from './digest-rows.js'
import type { DotRows } from './dot-rows.js'
import type { EntryRows } from './entry-rows.js'
import type { FeedRows } from './feed-rows.js'

/** The rows that the next batch builds on. */
export interface Rows {
  readonly entries: EntryRows
  readonly dots: DotRows
  readonly digests: DigestRows
  readonly feed: FeedRows
  readonly contexts: ContextRows
}

/** Looks up the contents of dots. */
export class ContentDigests {
  readonly #rows: Rows

  constructor(rows: Rows) {
    this.#rows = rows
  }

  /** The digest of the content that a dot has here; undefined when it is not known. */
  of(batch: Batch, dot: Dot): ContentDigest | undefined {
    const { dots, digests, contexts } = this.#rows
    const row = contexts.seen.has(dot) ? dots.read(batch, dot) : undefined
    return (row && this.ofRow(batch, dot, row)) ?? digests.read(batch, dot)
  }

  /**
   * Returns the digest of the content of a row. Rows of format 1 have no digest of their own: it is computed from what
   * is there.
   */
  ofRow(batch: Batch, dot: Dot, row: DotRow): ContentDigest | undefined {
    if (row.digest !== undefined || row.state === 'stub') return row.digest
    if (row.kind !== 'put') return contentDigest({ ...row, valueHash: null })
    if (row.value !== null) return contentDigest({ ...row, valueHash: valueHash(row.value) })
    if (row.state !== 'live') return undefined
    const version = this.#rows.entries.read(batch, row.address).find((other) => sameDot(other.dot, dot))
    return version && versionDigest(version, row.address)
  }

  /**
   * Names dots that are to be superseded at an address, sorted. What was read elsewhere names its content itself; of
   * what is live here it is known, also where damage took the row. Anything else stays without a digest: a guess could
   * mean a content that the writer never had in view.
   */
  named(batch: Batch, address: Address, dots: readonly NamedDot[]): NamedDot[] {
    if (dots.length === 0) return []
    return dots.map((dot) => (dot.digest === undefined ? this.#namedHere(batch, address, dot) : dot)).sort(compareDots)
  }

  #namedHere(batch: Batch, address: Address, { actor, counter }: Dot): NamedDot {
    const dot = { actor, counter }
    if (!this.#rows.contexts.seen.has(dot)) return dot
    const row = this.#rows.dots.read(batch, dot)
    if (row?.state === 'live') return { ...dot, digest: this.ofRow(batch, dot, row) }
    if (row !== undefined) return dot
    const version = versionAt(this.#rows.entries.read(batch, address), dot)
    return version === undefined ? dot : { ...dot, digest: versionDigest(version, address) }
  }
}
