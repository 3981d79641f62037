/**
 * Digests of dots of which the log has nothing any more: they tell a repeated update from another one under the same
 * dot.
 */
import type { ContentDigest, Dot } from '../model/dot.js'
import { decodeDigest, digestKey, encodeDigest } from '../rows/digests.js'
import { isDamage } from '../rows/seal.js'
import type { Batch } from './batch.js'

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

/**
 * Reads the digest of a row through `get`; undefined when there is no such row, or it cannot be read: then nothing is
 * known of the dot.
 */
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
