/** Memory of what reads showed: a row that is still the same is not decoded, checked and given a token again. */
import type { Shown } from './types.js'

/** Bytes of rows that are remembered, keys not counted; the older half goes when they are reached. */
export const shownMemoBytesMax = 4 * 1024 * 1024
/** Bytes of the largest row that is remembered: beyond that the value itself is what a read costs. */
export const shownMemoRowBytesMax = 16 * 1024
/** Bytes that one remembered row counts for beside its own. */
const overheadBytes = 512

/** One row, and what it showed. */
export interface RememberedRow {
  readonly rowKey: Uint8Array
  readonly row: Uint8Array
  /** The key that the tokens in the view are authenticated with. */
  readonly tokenKey: Uint8Array
  readonly shown: Shown
}

/**
 * Views of rows by key. A row is asked for on the disk each time and compared byte for byte, so that nothing has to
 * be forgotten when it changes. Only what depends on the row alone may be remembered: no siblings, which clocks order,
 * and no deadlines.
 */
export class ShownMemo {
  #young = new Map<string, RememberedRow>()
  #old = new Map<string, RememberedRow>()
  #youngBytes = 0

  /** Row that is remembered for a key; it holds as long as `isStill` says so. */
  recall(key: string): RememberedRow | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  /** Remembers what a row shows. */
  remember(key: string, remembered: RememberedRow): void {
    const bytes = remembered.row.length + overheadBytes
    if (remembered.row.length > shownMemoRowBytesMax) return
    if (this.#youngBytes + bytes > shownMemoBytesMax / 2) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
    this.#young.set(key, remembered)
    this.#youngBytes += bytes
  }
}

/** True if a row that was read now shows the same, under this key of tokens. */
export function isStill(known: RememberedRow, row: Uint8Array, tokenKey: Uint8Array): boolean {
  return known.tokenKey === tokenKey && Buffer.compare(known.row, row) === 0
}
