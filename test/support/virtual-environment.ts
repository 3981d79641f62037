/**
 * Virtual time: one seed decides every random number, timers stand in a heap, and a test steps through them by hand.
 */
import type { Environment, Timer } from '../../store/environment.js'
import { Random } from './random.js'

interface Pending extends Timer {
  readonly atMs: number
  readonly order: number
  callback: (() => void) | undefined
}

/** Differences of one node's clock from true time. */
export interface ClockFault {
  /** Its wall clock against true time, in milliseconds. */
  offsetMs?: number
  /** Drift against true time, in parts per million; positive: faster. */
  driftPpm?: number
  /** Time for which its monotonic clock and its timers stopped so far, in milliseconds: a suspended machine. */
  stoodMs?: number
  /** Calls back now; or later, while the machine sleeps or the process is stopped. */
  whenAwake?(callback: () => void): void
}

/** Bounds of a run. */
export interface RunLimit {
  /** Virtual milliseconds at most. */
  readonly limitMs?: number
  /** Condition that is waited for, for the message of the error. */
  readonly what?: string
}

/** True time at the start of every world, in milliseconds since 1970. */
export const epochMs = 1_700_000_000_000
const runLimitMs = 3_600_000
/** Least delay of a timer on a clock that was stopped, in milliseconds. */
const leastMs = 0.001

/** One world: its time, its timers, its randomness. Several environments (one a node) live in it. */
export class VirtualWorld {
  /** Randomness for the test itself and for the network. */
  readonly random: Random
  readonly #seeds: Random
  readonly #heap: Pending[] = []
  #elapsedMs = 0
  #order = 0

  /** Equal seeds give equal runs. */
  constructor(seed = 1) {
    this.random = new Random(seed)
    this.#seeds = new Random(seed ^ 0x5eed)
  }

  /** Milliseconds since the world began. */
  get elapsedMs(): number {
    return this.#elapsedMs
  }

  /** True time, in milliseconds since 1970. */
  get nowMs(): number {
    return epochMs + this.#elapsedMs
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#heap.filter((timer) => timer.callback !== undefined).length
  }

  /** The surroundings of a node, with its own randomness. */
  environment(clock: ClockFault = {}): VirtualEnvironment {
    return new VirtualEnvironment(this, new Random(this.#seeds.below(2 ** 31)), clock)
  }

  /** Calls back after so many milliseconds of true time; timers of one moment in the order in which they were set. */
  schedule(delayMs: number, callback: () => void): Timer {
    const pending: Pending = {
      atMs: this.#elapsedMs + Math.max(0, delayMs),
      order: this.#order++,
      callback,
      cancel: () => {
        pending.callback = undefined
      },
    }
    push(this.#heap, pending)
    return pending
  }

  /** Skips time in which nobody acts: the timers that were due meanwhile fire late, once each. */
  leap(byMs: number): void {
    this.#elapsedMs += byMs
  }

  /** Lets everything that needs no time happen. */
  settle(): Promise<void> {
    // An immediate comes after all promises that can go on by themselves.
    return new Promise((resolve) => setImmediate(resolve))
  }

  /** Settles, then fires the next timer. Returns false when none is set. */
  async step(untilMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    await this.settle()
    for (;;) {
      const next = this.#heap[0]
      if (next === undefined || next.atMs > untilMs) return false
      pop(this.#heap)
      const { callback } = next
      if (callback === undefined) continue
      this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs)
      next.callback = undefined
      callback()
      return true
    }
  }

  /**
   * Runs until the condition holds after a step. Throws when it does not within the limit, or when nothing is left to
   * happen.
   */
  async runUntil(condition: () => boolean, limit: RunLimit = {}): Promise<void> {
    const untilMs = this.#elapsedMs + (limit.limitMs ?? runLimitMs)
    for (;;) {
      await this.settle()
      if (condition()) return
      if (await this.step(untilMs)) continue
      await this.settle()
      if (condition()) return
      throw new Error(`not within ${untilMs} ms of virtual time: ${limit.what ?? condition.toString()}`)
    }
  }

  /** Runs for so many milliseconds. */
  async runFor(durationMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + durationMs
    while (await this.step(untilMs));
    this.#elapsedMs = untilMs
  }

  /** Runs until the promise is settled, and returns what it gave. */
  async runThrough<T>(promise: Promise<T>, limit: RunLimit = {}): Promise<T> {
    let isDone = false
    const done = () => {
      isDone = true
    }
    promise.then(done, done)
    await this.runUntil(() => isDone, { what: 'the promise', ...limit })
    return promise
  }
}

/** The surroundings of one node. */
export class VirtualEnvironment implements Environment {
  readonly #world: VirtualWorld
  readonly #random: Random
  readonly #clock: ClockFault
  readonly #timers = new Set<Timer>()
  #isStopped = false

  constructor(world: VirtualWorld, random: Random, clock: ClockFault) {
    this.#world = world
    this.#random = random
    this.#clock = clock
  }

  nowMs(): number {
    const { offsetMs = 0, driftPpm = 0 } = this.#clock
    return Math.floor(this.#world.nowMs + offsetMs + (this.#world.elapsedMs * driftPpm) / 1e6)
  }

  monotonicMs(): number {
    return this.#world.elapsedMs - (this.#clock.stoodMs ?? 0)
  }

  random(): number {
    return this.#random.next()
  }

  randomBytes(count: number): Uint8Array {
    return this.#random.bytes(count)
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    if (this.#isStopped) return { cancel: () => undefined }
    const dueMs = this.monotonicMs() + Math.max(0, delayMs)
    let stoodMs = this.#clock.stoodMs ?? 0
    // A clock that stood is not exact to the last bit: a timer that is early by less than that bit would be set again
    // for ever.
    const waitMs = stoodMs > 0 && delayMs > 0 ? Math.max(delayMs, leastMs) : delayMs
    let inner = this.#world.schedule(waitMs, () => this.#due(fire))
    const fire = () => {
      if (!this.#timers.has(timer)) return
      // What the clock did not count is still to be waited for.
      const leftMs = dueMs - this.monotonicMs()
      if ((this.#clock.stoodMs ?? 0) > stoodMs && leftMs >= leastMs) {
        stoodMs = this.#clock.stoodMs!
        inner = this.#world.schedule(leftMs, () => this.#due(fire))
        return
      }
      this.#timers.delete(timer)
      callback()
    }
    const timer: Timer = {
      cancel: () => {
        this.#timers.delete(timer)
        inner.cancel()
      },
    }
    this.#timers.add(timer)
    return timer
  }

  #due(fire: () => void): void {
    if (this.#clock.whenAwake === undefined) fire()
    else this.#clock.whenAwake(fire)
  }

  yieldTurn(): Promise<void> {
    return new Promise((resolve) => this.setTimer(0, resolve))
  }

  /** Jumps the wall clock. */
  shiftClock(byMs: number): void {
    this.#clock.offsetMs = (this.#clock.offsetMs ?? 0) + byMs
  }

  /** Ends the node as a crash does: none of its timers fires any more, and none can be set. */
  stop(): void {
    this.#isStopped = true
    for (const timer of [...this.#timers]) timer.cancel()
  }
}

/** A promise that a dead process waits for. */
export function neverSettles<T>(): Promise<T> {
  return new Promise<T>(() => undefined)
}

function comesBefore(a: Pending, b: Pending): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function push(heap: Pending[], item: Pending): void {
  let at = heap.push(item) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!comesBefore(item, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = item
}

function pop(heap: Pending[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    let child = at * 2 + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && comesBefore(heap[child + 1]!, heap[child]!)) child++
    if (!comesBefore(heap[child]!, last)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
}
