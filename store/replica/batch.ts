/** One batch in the making: rows over rows, with an undo journal, so that a failing write leaves no trace. */
import type { KvChange } from '../kv.js'

/** Rows by their key's bytes as latin1 text: cheap map keys, equal only for equal bytes. */
type Rows = Map<string, KvChange>

/** Reads a row of the base of a batch. */
export type ReadBase = (key: Uint8Array) => Uint8Array | undefined

/** The rows of one batch. Reads fall through to its base: the batch in flight, then the store. */
export class Batch {
  readonly #rows: Rows = new Map()
  #base: ReadBase
  #bytes = 0
  #isTouched = false
  #journal: (() => void)[] | undefined

  /** `base` reads what was written before this batch. */
  constructor(base: ReadBase) {
    this.#base = base
  }

  /** Names another base, once the earlier one has become part of it. */
  setBase(base: ReadBase): void {
    this.#base = base
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

  /** The row as this batch would leave it. */
  get(key: Uint8Array): Uint8Array | undefined {
    const change = this.#rows.get(rowText(key))
    if (change !== undefined) return change.value ?? undefined
    return this.#base(key)
  }

  /** Writes a row; null deletes it. */
  set(key: Uint8Array, value: Uint8Array | null): void {
    const text = rowText(key)
    const before = this.#rows.get(text)
    this.#journal?.push(() => {
      if (before === undefined) this.#rows.delete(text)
      else this.#rows.set(text, before)
    })
    this.#rows.set(text, { key, value })
    this.#bytes += key.length + (value?.length ?? 0)
  }

  /** Notes how to undo a change of memory that goes with the rows. */
  onUndo(undo: () => void): void {
    this.#journal?.push(undo)
  }

  /** Runs one write. When it throws, everything it did is undone and the error passed on. */
  attempt<T>(write: () => T): T {
    const journal: (() => void)[] = []
    this.#journal = journal
    try {
      return write()
    } catch (error) {
      for (let at = journal.length - 1; at >= 0; at--) journal[at]!()
      throw error
    } finally {
      this.#journal = undefined
    }
  }

  /** The changes, for the store. */
  changes(): KvChange[] {
    return [...this.#rows.values()]
  }
}

function rowText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}
