/** Outcomes of the sync sessions with each connected peer: what tells a mesh that syncs from one that is stuck. */
import type { PeerId } from '../../protocols/network.js'
import type { SessionReport } from '../../protocols/sync/service.js'
import type { Environment } from '../../store/environment.js'
import type { SyncCondition } from '../views/mesh-view.js'

interface Outcome {
  readonly connectedMs: number
  goodMs: number | undefined
  failure: string | null
}

/** Remembers how sessions ended, of connected peers alone. */
export class SessionOutcomes {
  readonly #environment: Pick<Environment, 'monotonicMs'>
  readonly #outcomes = new Map<PeerId, Outcome>()

  constructor(environment: Pick<Environment, 'monotonicMs'>) {
    this.#environment = environment
  }

  /** A peer was connected. */
  connected(peer: PeerId): void {
    this.#outcomes.set(peer, { connectedMs: this.#environment.monotonicMs(), goodMs: undefined, failure: null })
  }

  /** A peer is gone. */
  disconnected(peer: PeerId): void {
    this.#outcomes.delete(peer)
  }

  /** A session ended. One that was turned away because another is under way says nothing. */
  ended({ peer, mode, ended }: Pick<SessionReport, 'peer' | 'mode' | 'ended'>): void {
    const outcome = this.#outcomes.get(peer)
    if (outcome === undefined) return
    if (ended === 'complete' || ended === 'young') {
      outcome.goodMs = this.#environment.monotonicMs()
      outcome.failure = null
    } else if (mode !== 'busy') outcome.failure = ended
  }

  /** Condition of sync with a peer; undefined when it is not connected. */
  of(peer: PeerId): SyncCondition | undefined {
    const outcome = this.#outcomes.get(peer)
    if (outcome === undefined) return undefined
    const nowMs = this.#environment.monotonicMs()
    return {
      connectedForMs: nowMs - outcome.connectedMs,
      sinceGoodMs: outcome.goodMs === undefined ? null : nowMs - outcome.goodMs,
      lastFailure: outcome.failure,
    }
  }
}
