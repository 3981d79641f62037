/**
 * Processes that stand still for a while, as under SIGSTOP or on a machine that swaps: their clocks go on, and whatever comes for them (timers,
 * frames, gossip, answers of the disk) waits until they go on, and comes then, late and in order. What was handed to a socket goes on its way.
 */
import type { VirtualWorld } from '../support/virtual-environment.js'

interface Still {
  readonly waiting: (() => void)[]
}

/** Which processes stand still, by the names of their nodes. */
export class Stillness {
  /** Told when a process goes on. */
  onEnd: (name: string) => void = () => undefined
  readonly #world: VirtualWorld
  readonly #still = new Map<string, Still>()

  constructor(world: VirtualWorld) {
    this.#world = world
  }

  /** Whether a process stands still. */
  has(name: string): boolean {
    return this.#still.has(name)
  }

  /** A process stands still from now on, for so many milliseconds. */
  begin(name: string, forMs: number): void {
    if (this.has(name)) return
    const still: Still = { waiting: [] }
    this.#still.set(name, still)
    this.#world.schedule(forMs, () => {
      if (this.#still.get(name) === still) this.end(name)
    })
  }

  /** Does something in a process: now, or when it goes on. */
  hand(name: string, work: () => void): void {
    const still = this.#still.get(name)
    if (still === undefined) work()
    else still.waiting.push(work)
  }

  /** A process goes on: all that waited for it comes, one after the other. */
  end(name: string): void {
    const still = this.#still.get(name)
    if (still === undefined) return
    this.#still.delete(name)
    for (const work of still.waiting) this.#world.schedule(0, work)
    this.onEnd(name)
  }

  /** A process is killed where it stands: nothing comes any more. */
  forget(name: string): void {
    this.#still.delete(name)
  }

  /** All go on. */
  endAll(): void {
    for (const name of [...this.#still.keys()]) this.end(name)
  }
}
