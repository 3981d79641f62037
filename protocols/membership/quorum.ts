/**
 * Proofs that a majority of the members can be reached: each by answers to questions that were asked after the caller
 * came. What was heard earlier, or through relays, proves nothing: right after a cut it still looks as before.
 */
import type { Environment, Timer } from '../../store/environment.js'
import type { Network, PeerId } from '../network.js'
import type { Directory } from './core/directory.js'
import type { Heartbeats } from './heartbeats.js'
import { quorumPauseMs } from './limits.js'

/** Dependencies of proofs. */
export interface QuorumOptions {
  readonly network: Network
  readonly environment: Environment
  readonly directory: Directory
  readonly heartbeats: Pick<Heartbeats, 'fresh' | 'latest'>
  /** Called for each answer: waiting proofs are checked again. */
  onAnswer(): void
}

/** One round of questions. Its outcome is valid for every caller that came before it began. */
export interface QuorumRound {
  /** True if enough members have answered to make a majority, this node included. */
  readonly isProven: boolean
}

/** Proves a quorum for many callers at once: those that come while an exchange is under way share the next one. */
export class Quorum {
  readonly #options: QuorumOptions
  readonly #asking = new Set<Questions>()
  #latest: Questions | undefined
  #next: Questions | undefined
  #nextTimer: Timer | undefined

  constructor(options: QuorumOptions) {
    this.#options = options
  }

  /**
   * An exchange that begins after this call: now, or as soon as the one under way is proven or has had a moment. Call
   * `leave` at the end.
   */
  join(): QuorumRound {
    const exchange = this.#next ?? new Questions(this.#options)
    exchange.members++
    this.#next = exchange
    this.#startNext()
    return exchange
  }

  /** Leaves an exchange; must be called once by whoever joined. */
  leave(exchange: QuorumRound): void {
    const questions = exchange as Questions
    questions.members--
    if (questions.members > 0) return
    this.#asking.delete(questions)
    if (this.#next !== questions) return
    this.#next = undefined
    this.#nextTimer?.cancel()
  }

  /** Asks newly connected members too, after connections have changed or an answer came. */
  changed(): void {
    for (const questions of this.#asking) questions.ask()
    this.#startNext()
  }

  #startNext(): void {
    const next = this.#next
    if (next === undefined) return
    this.#nextTimer?.cancel()
    const restMs = this.#restMs()
    if (restMs > 0) {
      this.#nextTimer = this.#options.environment.setTimer(restMs, () => this.#startNext())
      return
    }
    this.#next = undefined
    this.#latest = next
    this.#asking.add(next)
    next.begin()
  }

  /** Time that the next exchange has to wait: an unanswered one delays it only briefly. */
  #restMs(): number {
    const latest = this.#latest
    if (latest === undefined || latest.isProven || !this.#asking.has(latest)) return 0
    return latest.startMs + quorumPauseMs - this.#options.environment.monotonicMs()
  }
}

class Questions implements QuorumRound {
  readonly #options: QuorumOptions
  readonly #asked = new Set<PeerId>()
  readonly #answered = new Map<PeerId, Uint8Array>()
  /** Number of callers that wait for it. */
  members = 0
  startMs = Number.NEGATIVE_INFINITY

  constructor(options: QuorumOptions) {
    this.#options = options
  }

  get isProven(): boolean {
    const { directory } = this.#options
    const isBegun = this.startMs !== Number.NEGATIVE_INFINITY
    const count = directory.others().filter(({ peer }) => this.#counts(peer)).length
    return isBegun && count + 1 >= majority(directory.peers().length)
  }

  begin(): void {
    this.startMs = this.#options.environment.monotonicMs()
    this.ask()
  }

  /** Asks those connected members that were not asked yet. */
  ask(): void {
    const { directory, network } = this.#options
    for (const peer of network.peers()) if (directory.isMember(peer) && !this.#asked.has(peer)) this.#askOne(peer)
  }

  #askOne(peer: PeerId): void {
    const { heartbeats, onAnswer } = this.#options
    this.#asked.add(peer)
    heartbeats.fresh(peer).then(
      ({ list }) => {
        this.#answered.set(peer, list)
        onAnswer()
      },
      // It is gone, and is asked again when it comes back.
      () => this.#asked.delete(peer),
    )
  }

  /** True if the member's answer counts: it has our member list, at its answer or since. */
  #counts(peer: PeerId): boolean {
    const { directory, heartbeats } = this.#options
    const answered = this.#answered.get(peer)
    const list = answered && (heartbeats.latest(peer)?.list ?? answered)
    return list !== undefined && directory.digest().equals(list)
  }
}

/** More than half of so many nodes. */
export function majority(nodes: number): number {
  return Math.floor(nodes / 2) + 1
}
