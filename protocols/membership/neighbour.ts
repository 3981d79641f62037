/** One connected peer: both heartbeat channels, when the next heartbeat is due, and what was heard last. */
import type { Environment, Timer } from '../../store/environment.js'
import type { MemberTag } from '../../store/model/codec.js'
import type { Channel, PeerId } from '../network.js'
import { type ClockSamples, sample } from './core/clock.js'
import { type Beat, HeartbeatReader } from './core/reader.js'
import type { HeartbeatWriter } from './core/writer.js'
import { echoesKept } from './limits.js'
import type { Heartbeat } from './messages.js'

interface Waiter {
  /** The heartbeat that the answer must echo (or a later one); undefined until it is sent. */
  after: number | undefined
  resolve(beat: Beat): void
  reject(error: Error): void
}

/** Schedules the next heartbeat, at the earliest time that was asked for. */
export class Pacer {
  readonly #environment: Environment
  #timer: Timer | undefined
  #dueMs = Number.POSITIVE_INFINITY
  #isDue = false
  #wake: (() => void) | undefined

  constructor(environment: Environment) {
    this.#environment = environment
  }

  /** Schedules a heartbeat at a time in monotonic milliseconds; an earlier one stays. */
  schedule(atMs: number): void {
    if (this.#isDue || atMs >= this.#dueMs) return
    this.#timer?.cancel()
    this.#dueMs = atMs
    this.#timer = this.#environment.setTimer(Math.max(0, atMs - this.#environment.monotonicMs()), () => this.release())
  }

  /** Resolves when the moment has come. */
  async wait(): Promise<void> {
    if (!this.#isDue) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#isDue = false
  }

  /** Resolves the wait now. */
  release(): void {
    this.#timer?.cancel()
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#isDue = true
    this.#wake?.()
    this.#wake = undefined
  }
}

/** One connected peer. */
export class Neighbour {
  readonly peer: PeerId
  readonly tag: MemberTag
  readonly pacer: Pacer
  readonly clock: ClockSamples
  /** Time when it was last heard, or else connected; in monotonic milliseconds. */
  heardMs: number
  /** Time of the last whole heartbeat, or else of the connection; in monotonic milliseconds. */
  beatMs: number
  /** The latest heartbeat; undefined before the first. */
  beat: Beat | undefined
  /** Members to which it is connected; undefined until it has sent them. */
  neighbours: ReadonlySet<MemberTag> | undefined
  outgoing: Channel | undefined
  incoming: Channel | undefined
  reader = new HeartbeatReader()
  lastSentMs = Number.NEGATIVE_INFINITY
  lastNonce = 0
  /** Time until which it wants early acknowledgements, in monotonic milliseconds. */
  earlyAcksUntilMs = Number.NEGATIVE_INFINITY
  /** True if the next heartbeat asks it for early acknowledgements. */
  requestsEarlyAcks = false
  /** True if it asked for a heartbeat at once. */
  isAsked = false
  /** Greater epoch of it that is known here, to be sent with the next heartbeat. */
  knownEpoch: number | null = null
  isHere = true
  readonly #environment: Environment
  readonly #sentMs = new Map<number, number>()
  #received: { readonly nonce: number; readonly atMs: number } | undefined
  #waiters: Waiter[] = []

  constructor(peer: PeerId, tag: MemberTag, clock: ClockSamples, environment: Environment) {
    this.peer = peer
    this.tag = tag
    this.clock = clock
    this.#environment = environment
    this.pacer = new Pacer(environment)
    this.heardMs = environment.monotonicMs()
    this.beatMs = this.heardMs
  }

  /** Resolves with a heartbeat that it takes after now. Rejects when it is gone. */
  fresh(): Promise<Beat> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ after: undefined, resolve, reject })
      this.pacer.schedule(this.#environment.monotonicMs())
    })
  }

  /** Echo of its last heartbeat, for the next one. */
  echo(): Heartbeat['echo'] {
    if (this.#received === undefined) return null
    const heldMs = Math.max(0, Math.round(this.#environment.monotonicMs() - this.#received.atMs))
    return { nonce: this.#received.nonce, heldMs }
  }

  /** True if somebody waits for a heartbeat that has not been asked for yet. */
  get asks(): boolean {
    return this.#waiters.some((waiter) => waiter.after === undefined)
  }

  /** Notes that a channel to it was opened again: requests on the one before may never be answered. */
  opened(channel: Channel): void {
    this.outgoing = channel
    for (const waiter of this.#waiters) waiter.after = undefined
  }

  /** Notes a heartbeat that is sent. */
  sent(writer: HeartbeatWriter): void {
    const nowMs = this.#environment.monotonicMs()
    this.lastSentMs = nowMs
    this.lastNonce = writer.nonce
    this.requestsEarlyAcks = false
    this.isAsked = false
    this.knownEpoch = null
    this.#sentMs.set(writer.nonce, nowMs)
    this.#sentMs.delete(writer.nonce - echoesKept)
    for (const waiter of this.#waiters) waiter.after ??= writer.nonce
  }

  /** Takes over a channel that it has opened to us. */
  accepted(channel: Channel): void {
    this.incoming?.abort('replaced by another channel')
    this.incoming = channel
    this.reader = new HeartbeatReader()
    this.#received = undefined
  }

  /** Notes the time and clock of a heartbeat that came, and resolves those who waited for it. */
  received(beat: Beat): void {
    const { nonce, echo, wallMs } = beat.heartbeat
    const nowMs = this.#environment.monotonicMs()
    this.heardMs = nowMs
    this.beatMs = nowMs
    this.beat = beat
    this.#received = { nonce, atMs: nowMs }
    if (echo === null) return
    const sentMs = this.#sentMs.get(echo.nonce)
    if (sentMs !== undefined) {
      const { heldMs } = echo
      this.clock.add(sample({ sentMs, receivedMs: nowMs, heldMs, theirWallMs: wallMs }))
    }
    const answered = this.#waiters.filter(({ after }) => after !== undefined && echo.nonce >= after)
    this.#waiters = this.#waiters.filter((waiter) => !answered.includes(waiter))
    for (const waiter of answered) waiter.resolve(beat)
  }

  /** Rejects those who wait for it, because it is gone. */
  leave(): void {
    this.isHere = false
    this.pacer.release()
    this.outgoing?.abort('disconnected')
    this.incoming?.abort('disconnected')
    for (const waiter of this.#waiters) waiter.reject(new Error(`${this.peer} is not connected any more`))
    this.#waiters = []
  }
}
