/** Dot rows as the writer rewrites them: the index of live dots, and the update log, whose bytes are counted. */
import type { Address } from '../model/address.js'
import { placeDigest, versionDigest } from '../model/digest.js'
import type { ContentDigest, Dot } from '../model/dot.js'
import type { Update, Version } from '../model/update.js'
import { type DotRow, decodeDotRow, dotKey, encodeDotRow, isLiveRow } from '../rows/dots.js'
import { isDamage } from '../rows/seal.js'
import type { Batch } from './batch.js'

/** The dot rows that the next batch builds on. */
export class DotRows {
  /** Bytes of the rows of updates whose version is no longer live. */
  logBytes: number
  readonly #onDamage: (row: Error) => void

  constructor(logBytes: number, onDamage: (row: Error) => void) {
    this.logBytes = logBytes
    this.#onDamage = onDamage
  }

  /**
   * The row; undefined when there is none, or none that can be read: the log may forget, and the index is verified
   * apart.
   */
  read(batch: Batch, dot: Dot): DotRow | undefined {
    const key = dotKey(dot)
    try {
      const row = batch.get(key)
      return row === undefined ? undefined : decodeDotRow(key, row)
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#onDamage(error as Error)
      return undefined
    }
  }

  /** Rewrites the row, or deletes it. */
  write(batch: Batch, dot: Dot, row: DotRow | null): void {
    const key = dotKey(dot)
    const bytes = row === null ? null : encodeDotRow(key, row)
    // A live row only ever takes the place of none, or of another live one.
    if (row?.state !== 'live') this.#countLog(batch, key, bytes)
    batch.set(key, bytes)
  }

  #countLog(batch: Batch, key: Buffer, bytes: Buffer | null): void {
    const { logBytes } = this
    batch.onUndo(() => {
      this.logBytes = logBytes
    })
    this.logBytes += (bytes?.length ?? 0) - loggedBytes(batch, key)
  }
}

/** The row of a dot that was superseded before it came: it remembers by whom. */
export function stubRow({ address, time, dot }: Update, digest: ContentDigest | undefined): DotRow {
  return {
    ...bareRow(address, time),
    state: 'stub',
    supersededBy: dot,
    expiresAtMs: null,
    digest: digest ?? placeDigest(address),
  }
}

/** The row of a live version that has lost its own: what it superseded is not known any more. */
export function indexRow(version: Version, address: Address): DotRow {
  const { time, expiresAtMs } = version
  const digest = versionDigest(version, address)
  return { ...bareRow(address, time), state: 'live', supersededBy: null, expiresAtMs, digest }
}

function bareRow(address: Address, time: Update['time']) {
  return { kind: 'put' as const, bare: true, sequence: 0, address, time, supersedes: [], value: null }
}

/** Bytes that a dot row counts for in the log: 0 when it is absent, live, or unreadable. */
function loggedBytes(batch: Batch, key: Buffer): number {
  try {
    const row = batch.get(key)
    return row === undefined || isLiveRow(row) ? 0 : row.length
  } catch (error) {
    if (isDamage(error)) return 0
    throw error
  }
}
