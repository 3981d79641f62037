/** Warnings for an operator about a store, in words: one sentence about each matter. */

/**
 * Matters of warnings: the disk failed; a row or more is damaged; the store could not be verified; another copy of this
 * node runs, or a machine was cloned; the log could not be trimmed; one peer brought very many runs.
 */
export type WarningMatter = 'failed' | 'damaged-row' | 'damage' | 'verify' | 'identity' | 'clash' | 'trim' | 'runs'
/** A warning with its matter. */
export interface Notice {
  /** Name of the matter, stable: layers above find the remedy by it. */
  readonly about: string
  readonly text: string
}

/** The warnings that hold now. */
export class Warnings {
  readonly #texts = new Map<WarningMatter, string>()
  readonly #onWarning: (warning: string, about: WarningMatter) => void

  /** `onWarning` is notified of each warning when it is given. */
  constructor(onWarning: (warning: string, about: WarningMatter) => void = () => {}) {
    this.#onWarning = onWarning
  }

  /** The warnings, oldest matter first. */
  all(): string[] {
    return [...this.#texts.values()]
  }

  /** The same with their matters. */
  notices(): Notice[] {
    return [...this.#texts].map(([about, text]) => ({ about, text }))
  }

  /** Gives a warning about a matter, in place of an earlier one. */
  give(about: WarningMatter, warning: string): void {
    this.#texts.set(about, warning)
    this.#onWarning(warning, about)
  }

  /** Takes back what was said about a matter. */
  takeBack(about: WarningMatter): void {
    this.#texts.delete(about)
  }
}
