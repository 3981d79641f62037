/** One batch in the making: rows over rows, with an undo journal, so that a failing write leaves no trace. */
import type { KvChange } from '../kv.js'

/** Reads a row of the store. */
export type ReadStored = (key: Uint8Array) => Uint8Array | undefined

/** A row of a batch as it was before a write changed it; undefined: it was none. */
interface Before {
  readonly text: string
  readonly change: KvChange | undefined
}

/** The rows of one batch. Reads fall through to the batch in flight, then to the store. */
export class Batch {
  /** By their key's bytes as latin1 text: cheap map keys, equal only for equal bytes. */
  readonly #rows = new Map<string, KvChange>()
  readonly #readStored: ReadStored
  #below: Batch | undefined
  #bytes = 0
  #isTouched = false
  #journal: (Before | (() => void))[] | undefined

  /** `readStored` reads the store; `below` is the batch in flight, which is not there yet. */
  constructor(readStored: ReadStored, below?: Batch) {
    this.#readStored = readStored
    this.#below = below
  }

  /** The batch below has become part of the store. */
  landed(): void {
    this.#below = undefined
  }

  /** True if the batch changes neither rows nor memory: there is nothing to make durable. */
  get isEmpty(): boolean {
    return this.#rows.size === 0 && !this.#isTouched
  }

  /** Says that memory changed of which rows are only added when the batch is sealed. */
  touch(): void {
    this.#isTouched = true
  }

  /** Bytes of keys and values, roughly. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * The row as this batch would leave it. `isStored`: asked before the store is read; where it is false, the store has
   * no such row.
   */
  get(key: Uint8Array, isStored?: () => boolean): Uint8Array | undefined {
    const text = rowText(key)
    const change = this.#changeAt(text)
    if (change !== undefined) return change.value ?? undefined
    return isStored === undefined || isStored() ? this.#readStored(key) : undefined
  }

  /** Writes a row; null deletes it. */
  set(key: Uint8Array, value: Uint8Array | null): void {
    const text = rowText(key)
    this.#journal?.push({ text, change: this.#rows.get(text) })
    this.#rows.set(text, { key, value })
    this.#bytes += key.length + (value?.length ?? 0)
  }

  /** Notes how to undo a change of memory that goes with the rows. */
  onUndo(undo: () => void): void {
    this.#journal?.push(undo)
  }

  /** Runs one write. When it throws, everything it did is undone and the error passed on. */
  attempt<T>(write: () => T): T {
    const journal: (Before | (() => void))[] = []
    this.#journal = journal
    try {
      return write()
    } catch (error) {
      for (let at = journal.length - 1; at >= 0; at--) this.#undo(journal[at]!)
      throw error
    } finally {
      this.#journal = undefined
    }
  }

  /** The changes, for the store. */
  changes(): KvChange[] {
    return [...this.#rows.values()]
  }

  #changeAt(text: string): KvChange | undefined {
    const change = this.#rows.get(text)
    return change !== undefined || this.#below === undefined ? change : this.#below.#changeAt(text)
  }

  #undo(step: Before | (() => void)): void {
    if (typeof step === 'function') step()
    else if (step.change === undefined) this.#rows.delete(step.text)
    else this.#rows.set(step.text, step.change)
  }
}

function rowText(key: Uint8Array): string {
  const bytes = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  return bytes.toString('latin1')
}
