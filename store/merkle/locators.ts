/** The actors that the trie's locators name, each kept once, so that a locator costs 11 bytes. */
import type { Actor } from '../model/dot.js'

/** Numbers for actors, counted by use: the number of an actor that nothing names any more is given out again. */
export class LocatorActors {
  readonly #numbers = new Map<Actor, number>()
  readonly #actors: Actor[] = []
  readonly #uses: number[] = []
  readonly #free: number[] = []

  /** Number of actors in use. */
  get size(): number {
    return this.#numbers.size
  }

  /** Counts one use of an actor and returns its number. */
  acquire(actor: Actor): number {
    const known = this.#numbers.get(actor)
    if (known !== undefined) {
      this.#uses[known]! += 1
      return known
    }
    const number = this.#free.pop() ?? this.#actors.length
    this.#numbers.set(actor, number)
    this.#actors[number] = actor
    this.#uses[number] = 1
    return number
  }

  /** Takes one use back. */
  release(number: number): void {
    const left = this.#uses[number]! - 1
    this.#uses[number] = left
    if (left > 0) return
    this.#numbers.delete(this.#actors[number]!)
    this.#free.push(number)
  }

  /** The actor behind a number in use. */
  actor(number: number): Actor {
    return this.#actors[number]!
  }
}
