/** Times when each member was last heard and last equal, across restarts; saved rarely, never with a heartbeat. */
import type { Environment, Timer } from '../../store/environment.js'
import type { PeerId } from '../network.js'
import type { Directory } from './core/directory.js'
import type { Heartbeats } from './heartbeats.js'
import { saveSightingsMs, saveSightingsMsMax } from './limits.js'
import type { Sighting, SightingStore } from './types.js'

/** Dependencies. */
export interface SightingOptions {
  readonly environment: Environment
  readonly directory: Directory
  readonly heartbeats: Pick<Heartbeats, 'seenMs' | 'equalMs'>
  /** Undefined: nothing is kept. */
  readonly store: SightingStore | undefined
  onError(what: string, error: unknown): void
}

/** Keeps sightings. A kill loses those since the last save: the times shown then are too old, never too new. */
export class Sightings {
  readonly #options: SightingOptions
  #earlier: ReadonlyMap<PeerId, Sighting> = new Map()
  #timer: Timer | undefined
  #timerAtMs = Number.POSITIVE_INFINITY
  #isStopped = false

  constructor(options: SightingOptions) {
    this.#options = options
  }

  /** Reads what an earlier run kept. */
  async load(): Promise<void> {
    const { store, onError } = this.#options
    try {
      if (store !== undefined) this.#earlier = await store.load()
    } catch (error) {
      onError('sightings', error)
    }
  }

  /** Times when a member was last heard and last equal, in this run or an earlier one; null: never. */
  of(peer: PeerId): Sighting {
    const { heartbeats } = this.#options
    const earlier = this.#earlier.get(peer)
    return {
      seenMs: heartbeats.seenMs(peer) ?? earlier?.seenMs ?? null,
      equalMs: heartbeats.equalMs(peer) ?? earlier?.equalMs ?? null,
    }
  }

  /** Schedules a save soon after a peer came or went, and now and then from then on. */
  changed(): void {
    this.#saveIn(saveSightingsMs)
  }

  /** Saves, and stops. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#save()
  }

  #saveIn(pauseMs: number): void {
    const { environment, store } = this.#options
    const atMs = environment.monotonicMs() + pauseMs
    if (store === undefined || this.#isStopped || atMs >= this.#timerAtMs) return
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    this.#timer = environment.setTimer(pauseMs, () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY
      void this.#save().then(() => this.#saveIn(saveSightingsMsMax))
    })
  }

  /** Writes only what differs from what is stored: a mesh of members that are away writes nothing. */
  async #save(): Promise<void> {
    const { directory, store, onError } = this.#options
    const peers = directory.others().map(({ peer }) => peer)
    const sightings = new Map(peers.map((peer) => [peer, this.of(peer)] as const))
    if (store === undefined || areEqual(sightings, this.#earlier)) return
    try {
      await store.save(sightings)
      this.#earlier = sightings
    } catch (error) {
      onError('sightings', error)
    }
  }
}

function areEqual(a: ReadonlyMap<PeerId, Sighting>, b: ReadonlyMap<PeerId, Sighting>): boolean {
  if (a.size !== b.size) return false
  return [...a].every(([peer, { seenMs, equalMs }]) => {
    const other = b.get(peer)
    return other?.seenMs === seenMs && other.equalMs === equalMs
  })
}
