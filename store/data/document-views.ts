/** Cache of what documents show: it follows from the versions alone, and takes long to compute. */
import type { DocumentView } from '../documents/document.js'
import type { DocumentEngine } from '../documents/engine.js'
import { countValues } from '../documents/json.js'
import { dotText } from '../model/dot.js'
import type { Version } from '../model/update.js'

/** Views that are remembered, and their bytes, roughly. */
export const viewsKept = 1_024
export const viewBytesKept = 32 * 1024 * 1024
const valueBytes = 64

interface Kept {
  readonly view: DocumentView
  readonly bytes: number
}

/** Views by the versions that they are of; those not asked for the longest go first. */
export class DocumentViews {
  readonly #engine: DocumentEngine
  readonly #kept = new Map<string, Kept>()
  /** Being computed: whoever asks for the same waits for the same. */
  readonly #pending = new Map<string, Promise<DocumentView>>()
  #bytes = 0

  constructor(engine: DocumentEngine) {
    this.#engine = engine
  }

  /** View that these versions show together. Nobody may change it. */
  of(versions: readonly Version[]): Promise<DocumentView> {
    const name = nameOf(versions)
    const kept = this.#kept.get(name)
    if (kept !== undefined) {
      this.#kept.delete(name)
      this.#kept.set(name, kept)
      return Promise.resolve(kept.view)
    }
    const pending = this.#pending.get(name) ?? this.#compute(name, versions)
    this.#pending.set(name, pending)
    return pending
  }

  async #compute(name: string, versions: readonly Version[]): Promise<DocumentView> {
    try {
      const view = await this.#engine.show(versions.map(({ value }) => value))
      this.#keep(name, { view, bytes: name.length + countValues(view.json) * valueBytes })
      return view
    } finally {
      this.#pending.delete(name)
    }
  }

  #keep(name: string, kept: Kept): void {
    this.#kept.set(name, kept)
    this.#bytes += kept.bytes
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#kept.size <= viewsKept && this.#bytes <= viewBytesKept) break
      this.#kept.delete(oldest)
      this.#bytes -= bytes
    }
  }
}

/** Dots and digests: a dot that was issued twice has two values. */
function nameOf(versions: readonly Version[]): string {
  return versions.map(({ dot, valueHash }) => `${dotText(dot)}.${Buffer.from(valueHash).toString('latin1')}`).join()
}
