/**
 * The runs of this process: the id that it issues under, and the signs that another copy of it issues under the same
 * one.
 */
import type { Environment } from '../environment.js'
import type { Context } from '../model/context.js'
import { type Actor, actorBytes, type Dot } from '../model/dot.js'
import type { Batch } from './batch.js'
import { clockJumpMs } from './limits.js'

/** Memory that a process has of its runs; a copy of a running machine has the same. */
export interface RunMemory {
  /** The id that it issues under; undefined before its first write, and after the id was ended. */
  readonly actor: Actor | undefined
  /** The last counter issued under each id of this process that no other copy is known to use. */
  readonly issued: ReadonlyMap<Actor, number>
  /** The wall clock against the monotonic one at the last write, in milliseconds. */
  readonly clockOffsetMs: number
}

/**
 * Gives out the dots of this process. An id is taken with the first write, and never again after it was ended. Evidence
 * of a second copy, and a step of the wall clock, end the id; nothing is issued again: what was issued stays what it
 * is.
 */
export class OwnRuns {
  readonly #environment: Environment
  readonly #onCopyFound: (what: string) => void
  /** The last counter issued under each id of this process that no other copy is known to use. */
  readonly #issued: Map<Actor, number>
  #current: Actor | undefined
  /** The wall clock against the monotonic one at the last write, in milliseconds. */
  #clockOffsetMs: number

  /**
   * `onCopyFound`: notified, in words, of evidence of another copy. `memory`: the process goes on as a copied one does,
   * under the same id.
   */
  constructor(environment: Environment, onCopyFound: (what: string) => void, memory?: RunMemory) {
    this.#environment = environment
    this.#onCopyFound = onCopyFound
    this.#clockOffsetMs = memory?.clockOffsetMs ?? this.#offsetMs(environment.nowMs())
    this.#current = memory?.actor
    this.#issued = new Map(memory?.issued)
  }

  /** Memory that this process has of its runs. */
  get memory(): RunMemory {
    return { actor: this.#current, issued: new Map(this.#issued), clockOffsetMs: this.#clockOffsetMs }
  }

  /** The id; undefined before the first write, and after the id was ended. */
  get actor(): Actor | undefined {
    return this.#current
  }

  /** Ends the id: the next write takes a new one. */
  end(): void {
    this.#current = undefined
  }

  /** Notes how to take back the dots of the present write. The end of an id is not part of a write: it stays. */
  guard(batch: Batch): void {
    const before = this.#current
    const issued = before === undefined ? 0 : this.#issued.get(before)!
    batch.onUndo(() => {
      if (before !== undefined && this.#issued.has(before)) this.#issued.set(before, issued)
      const begun = this.#current
      if (begun === undefined || begun === before) return
      this.#issued.delete(begun)
      this.#current = undefined
    })
  }

  /** The next dot. `begin` is notified of a new id. */
  nextDot(nowMs: number, begin: (actor: Actor) => void): Dot {
    this.#watchClock(nowMs)
    if (this.#current === undefined) {
      this.#current = Buffer.from(this.#environment.randomBytes(actorBytes)).toString('hex')
      this.#issued.set(this.#current, 0)
      begin(this.#current)
    }
    const counter = this.#issued.get(this.#current)! + 1
    this.#issued.set(this.#current, counter)
    return { actor: this.#current, counter }
  }

  /**
   * Looks at a dot that somebody names: one of an id of this process that was not issued here was issued by another
   * copy of it.
   */
  checkDot({ actor, counter }: Dot): void {
    const issued = this.#issued.get(actor)
    if (issued !== undefined && counter > issued) {
      this.copyFound(actor, `dot ${actor}:${counter} bears an id of this process, but was not issued here`)
    }
  }

  /** Looks at what a peer has seen. */
  checkSeen(seen: Context): void {
    for (const [actor, issued] of this.#issued) {
      if (seen.lastOf(actor) <= issued) continue
      this.copyFound(actor, `a peer knows updates of ${actor}, an id of this process, that were not issued here`)
    }
  }

  /** Another copy of this process issues under one of its ids. */
  copyFound(actor: Actor, what: string): void {
    if (!this.#issued.delete(actor)) return
    if (actor === this.#current) this.#current = undefined
    this.#onCopyFound(`${what}: this machine was cloned while it ran, or rolled back with its memory`)
  }

  /**
   * A wall clock that stepped against the monotonic one: this machine slept, was rolled back, or is the clone of a
   * running one.
   */
  #watchClock(nowMs: number): void {
    const offsetMs = this.#offsetMs(nowMs)
    const stepMs = offsetMs - this.#clockOffsetMs
    this.#clockOffsetMs = offsetMs
    if (Math.abs(stepMs) > clockJumpMs) this.end()
  }

  #offsetMs(nowMs: number): number {
    return nowMs - this.#environment.monotonicMs()
  }
}
