/** Log of the actors whose ranges changed, so that a neighbour is sent only what is new to it. */
import type { Context } from '../../../store/model/context.js'
import type { Actor } from '../../../store/model/dot.js'

/** The changes of one context over time; the last ones are remembered. */
export class ChangeLog {
  readonly #kept: number
  #changes: { readonly version: number; readonly actor: Actor }[] = []
  #forgottenVersion = 0
  #current: Context
  #version = 0

  /** Starts at a context. `kept`: how many changes are remembered. */
  constructor(start: Context, kept: number) {
    this.#current = start
    this.#kept = kept
  }

  /** The context now. */
  get current(): Context {
    return this.#current
  }

  /** Rises with every change. */
  get version(): number {
    return this.#version
  }

  /** Moves on to another context. */
  advance(next: Context): void {
    const actors = new Set([...next.minus(this.#current).actors(), ...this.#current.minus(next).actors()])
    this.#current = next
    if (actors.size === 0) return
    this.#version++
    for (const actor of actors) this.#changes.push({ version: this.#version, actor })
    if (this.#changes.length <= 2 * this.#kept) return
    const dropped = this.#changes.splice(0, this.#changes.length - this.#kept)
    this.#forgottenVersion = dropped.at(-1)!.version
  }

  /** The actors that changed after a version; undefined when that is too long ago to be remembered. */
  since(version: number): Set<Actor> | undefined {
    if (version < this.#forgottenVersion) return undefined
    const actors = new Set<Actor>()
    for (let at = this.#changes.length - 1; at >= 0 && this.#changes[at]!.version > version; at--) {
      actors.add(this.#changes[at]!.actor)
    }
    return actors
  }
}
