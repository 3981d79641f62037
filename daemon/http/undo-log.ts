/**
 * Log of the last resolutions at this node with what they settled, so that they can be undone; in memory, bounded in
 * number and bytes.
 */
import { randomBytes } from 'node:crypto'
import type { SettledVersion, Written } from '../../store/data/types.js'
import { type Dot, sameDot } from '../../store/model/dot.js'
import { undoBytesMax, undosKept } from './limits.js'

/** Bytes of a token. */
const tokenBytes = 16

/** A resolution that can be undone. */
export interface Undoable {
  readonly token: string
  readonly key: string
  /** The field of a map; undefined for a register. */
  readonly field: string | undefined
  readonly dot: Dot
  readonly settled: readonly SettledVersion[]
}

/** Remembers the last resolutions. */
export class UndoLog {
  #kept: readonly Undoable[] = []

  /**
   * Notes a resolution. Returns its token, which a retry of it is answered too; null if what it settled is too large to
   * keep.
   */
  note(key: string, field: string | undefined, { dot, settled }: Written): string | null {
    if (settled === undefined) return this.#kept.find((one) => sameDot(one.dot, dot))?.token ?? null
    if (sizeOf(settled) > undoBytesMax) return null
    const token = randomBytes(tokenBytes).toString('base64url')
    const kept = [...this.#kept, { token, key, field, dot, settled }].slice(-undosKept)
    while (kept.reduce((sum, one) => sum + sizeOf(one.settled), 0) > undoBytesMax) kept.shift()
    this.#kept = kept
    return token
  }

  /** The resolution of a token at this key; without a token the last one of the key. Undefined if it is not kept. */
  find(key: string, field: string | undefined, token: string | undefined): Undoable | undefined {
    const isMeant = (one: Undoable) => one.key === key && one.field === field
    return this.#kept.findLast((one) => isMeant(one) && (token === undefined || one.token === token))
  }

  /** Forgets a resolution, which was undone. */
  forget({ token }: Undoable): void {
    this.#kept = this.#kept.filter((one) => one.token !== token)
  }
}

function sizeOf(settled: readonly SettledVersion[]): number {
  return settled.reduce((sum, { value }) => sum + value.length, 0)
}
