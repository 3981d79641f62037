/** Estimates of other members' clocks from heartbeats that echo each other. */

/** One estimate. */
export interface ClockSample {
  /** Their wall clock less our monotonic one, in milliseconds: our wall clock may jump without a word. */
  readonly aheadMs: number
  /** The round trip it was taken with: the offset is wrong by at most half of it. */
  readonly roundTripMs: number
  /** Time of the sample, in monotonic milliseconds. */
  readonly atMs: number
}

/** Times of an exchange, known when the second heartbeat arrives. */
export interface ClockExchange {
  /** Time when we sent the heartbeat that is echoed, in monotonic milliseconds. */
  readonly sentMs: number
  /** Now, in monotonic milliseconds. */
  readonly receivedMs: number
  /** Time that the peer held our heartbeat, and its wall clock when it sent its own. */
  readonly heldMs: number
  readonly theirWallMs: number
}

/**
 * The offset that one exchange shows. Source: the network time protocol's on-wire protocol (RFC 5905), with one of its
 * two clocks left out.
 */
export function sample(exchange: ClockExchange): ClockSample {
  const roundTripMs = Math.max(0, exchange.receivedMs - exchange.sentMs - exchange.heldMs)
  const aheadMs = exchange.theirWallMs + roundTripMs / 2 - exchange.receivedMs
  return { aheadMs, roundTripMs, atMs: exchange.receivedMs }
}

/** The samples of one peer's clock: the latest few; the one with the shortest round trip counts. */
export class ClockSamples {
  readonly #kept: number
  #samples: ClockSample[] = []

  /** `kept`: how many samples. */
  constructor(kept: number) {
    this.#kept = kept
  }

  /**
   * Adds a sample. One that differs from the others by more than the round trips explain shows a clock that jumped: the
   * others go.
   */
  add(next: ClockSample): void {
    const best = this.best()
    const slackMs = best === undefined ? 0 : best.roundTripMs + next.roundTripMs + 50
    if (best !== undefined && Math.abs(best.aheadMs - next.aheadMs) > slackMs) this.#samples = []
    this.#samples = [...this.#samples, next].slice(-this.#kept)
  }

  /** The sample that counts. */
  best(): ClockSample | undefined {
    return this.#samples.reduce<ClockSample | undefined>(
      (best, one) => (best === undefined || one.roundTripMs <= best.roundTripMs ? one : best),
      undefined,
    )
  }
}
