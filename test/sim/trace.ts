/** The trace of a simulation: everything that happens, folded into one hash; as lines when somebody reads. */
import type { VirtualWorld } from '../support/virtual-environment.js'

/** Folds and shows what happens. */
export class Trace {
  readonly #world: VirtualWorld
  readonly #show: ((line: string) => void) | undefined
  #low = 0x811c9dc5
  #high = 0x1234567

  constructor(world: VirtualWorld, show?: (line: string) => void) {
    this.#world = world
    this.#show = show
  }

  /** Something happened. */
  note(text: () => string): void {
    const line = `${this.#world.elapsedMs.toFixed(3)} ${text()}`
    for (let at = 0; at < line.length; at++) {
      const code = line.charCodeAt(at)
      this.#low = Math.imul(this.#low ^ code, 0x01000193)
      this.#high = Math.imul(this.#high + code, 0x85ebca6b) ^ (this.#high >>> 13)
    }
    this.#show?.(line)
  }

  /** The hash of everything so far, as hexadecimal digits. */
  get hash(): string {
    return (this.#low >>> 0).toString(16).padStart(8, '0') + (this.#high >>> 0).toString(16).padStart(8, '0')
  }
}
