/** Warnings for an operator about a store, in words: one sentence about each matter. */

/** A warning with its matter. */
export interface Notice {
  /** Name of the matter, stable: layers above find the remedy by it. */
  readonly about: string
  readonly text: string
}

/** The warnings that hold now. */
export class Warnings {
  readonly #texts = new Map<string, string>()
  readonly #onWarning: (warning: string) => void

  /** `onWarning` is notified of each warning when it is given. */
  constructor(onWarning: (warning: string) => void = () => {}) {
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
  give(about: string, warning: string): void {
    this.#texts.set(about, warning)
    this.#onWarning(warning)
  }

  /** Takes back what was said about a matter. */
  takeBack(about: string): void {
    this.#texts.delete(about)
  }
}
