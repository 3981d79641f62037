/** Runs the supervisor's decisions: one timer, the dials, and nothing else. */
import { setMaxListeners } from 'node:events'
import type { PeerId } from '../../protocols/network.js'
import type { Environment, Timer } from '../../store/environment.js'
import { dialTimeoutMs } from './limits.js'
import type { NetLog } from './log.js'
import { type Dial, type KnownMember, SupervisorCore } from './supervisor-core.js'

/** Actions of the supervisor on the network. */
export interface SupervisorActions {
  /** Tries the addresses until one answers; resolves with who answered where, rejects when none did. */
  dial(dial: Dial, signal: AbortSignal): Promise<{ peer: PeerId; address: string }>
  /** Closes the connection to a peer. */
  close(peer: PeerId): void
}

/** Redials every known member for ever; see the core for when. */
export class Supervisor {
  readonly #core: SupervisorCore
  #timer: Timer | undefined
  #dials = new AbortController()
  #running = false

  constructor(
    self: PeerId,
    private readonly environment: Environment,
    private readonly actions: SupervisorActions,
    private readonly log: NetLog,
  ) {
    this.#core = new SupervisorCore(self, () => environment.random())
  }

  /** Begins to dial. */
  start(): void {
    this.#running = true
    this.#wake()
  }

  /** Ends all dials and begins no more. */
  stop(): void {
    this.#running = false
    this.#timer?.cancel()
    this.#dials.abort()
    this.#dials = new AbortController()
  }

  /** Replaces the set of members. */
  setMembers(members: readonly KnownMember[]): void {
    this.#core.setMembers(members, this.#nowMs())
    this.#wake()
  }

  /** Adds addresses to keep connected whatever happens. */
  addStatic(addresses: readonly string[]): void {
    for (const address of addresses) this.#core.addStatic(address, this.#nowMs())
    this.#wake()
  }

  /** A peer was found at addresses. */
  learn(peer: PeerId, addresses: readonly string[]): void {
    this.#core.learn(peer, addresses, this.#nowMs())
    this.#wake()
  }

  /** Sets who is never dialled, and tries everyone else soon. */
  setRefused(refused: (peer: PeerId) => boolean): void {
    this.#core.setRefused(refused)
    this.#core.retrySoon(this.#nowMs())
    this.#wake()
  }

  /** A connection to a peer is open. */
  connected(peer: PeerId, direction: 'inbound' | 'outbound'): void {
    this.#core.connected(peer, direction, this.#nowMs())
    this.#wake()
  }

  /** The connection to a peer is gone. */
  disconnected(peer: PeerId): void {
    this.#core.disconnected(peer, this.#nowMs())
    this.#wake()
  }

  #nowMs(): number {
    return this.environment.monotonicMs()
  }

  /** Steps in a later turn, so that an event never dials inside its own caller. */
  #wake(): void {
    this.#schedule(0)
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel()
    if (this.#running) this.#timer = this.environment.setTimer(delayMs, () => this.#step())
  }

  #step(): void {
    if (!this.#running) return
    const { dials, close, nextMs } = this.#core.step(this.#nowMs())
    if (nextMs !== Number.POSITIVE_INFINITY) this.#schedule(nextMs - this.#nowMs())
    for (const peer of close) this.actions.close(peer)
    for (const dial of dials) void this.#dial(dial)
  }

  async #dial(dial: Dial): Promise<void> {
    const dialling = new AbortController()
    const all = this.#dials.signal
    // As many listeners as dials at once: nothing leaks, whatever Node thinks of more than ten.
    setMaxListeners(0, all)
    const stop = (): void => dialling.abort()
    all.addEventListener('abort', stop)
    const timer = this.environment.setTimer(dialTimeoutMs, stop)
    let reached: { peer: PeerId; address: string } | undefined
    try {
      reached = await this.actions.dial(dial, dialling.signal)
    } catch (error) {
      this.log.debug({ target: dial.key, reason: String((error as Error).message ?? error) }, 'dial failed')
    } finally {
      timer.cancel()
      all.removeEventListener('abort', stop)
    }
    this.#core.dialEnded(dial.key, reached, this.#nowMs())
    if (!all.aborted) this.#wake()
  }
}
