/** One run of this store: the id under which it issues, and the signs that another copy of the same run issues as well. */
import type { Environment } from '../environment.js'
import type { Context } from '../model/context.js'
import { type Actor, actorBytes, type Dot } from '../model/dot.js'
import type { Batch } from './batch.js'
import { clockJumpMs } from './limits.js'

interface Run {
  readonly actor: Actor
  counter: number
  /** The wall clock against the monotonic one at the last write, in milliseconds. */
  clockOffsetMs: number
}

/** Gives out the dots of this run. An id is taken with the first write, and never again after it was ended. */
export class OwnRun {
  readonly #environment: Environment
  readonly #onIdentityClash: (what: string) => void
  #run: Run | undefined

  /** `onIdentityClash`: told of signs of a copy, in the middle of a write; it may end the run. */
  constructor(environment: Environment, onIdentityClash: (what: string) => void) {
    this.#environment = environment
    this.#onIdentityClash = onIdentityClash
  }

  /** The id; undefined before the first write, and after the id was ended. */
  get actor(): Actor | undefined {
    return this.#run?.actor
  }

  /** Ends the id: the next write takes a new one. */
  end(): void {
    this.#run = undefined
  }

  /** Notes how to take back what the present write does to the run. */
  guard(batch: Batch): void {
    const run = this.#run
    const counter = run?.counter
    batch.onUndo(() => {
      this.#run = run
      if (run !== undefined) run.counter = counter!
    })
  }

  /** The next dot. `begin` is told of a new id. */
  nextDot(nowMs: number, begin: (actor: Actor) => void): Dot {
    this.#watchClock(nowMs)
    this.#run ??= this.#newRun(nowMs, begin)
    return { actor: this.#run.actor, counter: ++this.#run.counter }
  }

  /** A dot of our own run that we did not issue: the disk was cloned while it ran. The owner ends the run; the update is taken as another's. */
  checkDot(dot: Dot): void {
    if (this.#run === undefined || dot.actor !== this.#run.actor || dot.counter <= this.#run.counter) return
    this.#onIdentityClash(`update ${dot.actor}:${dot.counter} bears the id of this run, but was not issued here`)
  }

  /** A peer knows dots of our own run that we did not issue. */
  checkSeen(seen: Context): void {
    if (this.#run === undefined || seen.lastOf(this.#run.actor) <= this.#run.counter) return
    this.#onIdentityClash(`a peer knows updates of this run, ${this.#run.actor}, that were not issued here`)
  }

  #newRun(nowMs: number, begin: (actor: Actor) => void): Run {
    const actor = Buffer.from(this.#environment.randomBytes(actorBytes)).toString('hex')
    begin(actor)
    return { actor, counter: 0, clockOffsetMs: this.#clockOffsetMs(nowMs) }
  }

  /** A wall clock that jumped against the monotonic one: this machine may be the clone of a running one. */
  #watchClock(nowMs: number): void {
    if (this.#run === undefined) return
    const offsetMs = this.#clockOffsetMs(nowMs)
    const jumpMs = offsetMs - this.#run.clockOffsetMs
    this.#run.clockOffsetMs = offsetMs
    if (Math.abs(jumpMs) <= clockJumpMs) return
    this.#onIdentityClash(`its clock jumped by ${Math.round(jumpMs / 100) / 10} s, as that of a copied machine does`)
  }

  #clockOffsetMs(nowMs: number): number {
    return nowMs - this.#environment.monotonicMs()
  }
}
