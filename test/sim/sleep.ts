/**
 * The sleep of one machine, or the stop of its process: what would have happened to it waits, in order, and happens
 * late.
 */
import type { VirtualWorld } from '../support/virtual-environment.js'

/** How far apart what waited happens after the wake, in milliseconds at most. */
const lateMs = 2

/** Whether a machine is awake, and what waits until it is. */
export class Sleep {
  readonly #world: VirtualWorld
  #waiting: (() => void)[] = []
  #isAsleep = false

  constructor(world: VirtualWorld) {
    this.#world = world
  }

  /** True if it sleeps. */
  get isAsleep(): boolean {
    return this.#isAsleep
  }

  /** Calls back now when the machine is awake and nothing waits; otherwise later, in order. */
  whenAwake(callback: () => void): void {
    if (this.#isAsleep || this.#waiting.length > 0) this.#waiting.push(callback)
    else callback()
  }

  /** It falls asleep. */
  begin(): void {
    this.#isAsleep = true
  }

  /** It wakes: what waited happens one after the other. */
  end(): void {
    if (!this.#isAsleep) return
    this.#isAsleep = false
    this.#drain()
  }

  /** The process is gone, and with it what waited for it. */
  forget(): void {
    this.#isAsleep = false
    this.#waiting = []
  }

  #drain(): void {
    const waiting = this.#waiting
    if (this.#isAsleep || waiting.length === 0) return
    this.#world.schedule(this.#world.random.next() * lateMs, () => {
      if (this.#isAsleep || this.#waiting !== waiting) return
      const [callback] = waiting
      callback?.()
      waiting.shift()
      this.#drain()
    })
  }
}
