/**
 * Decides with whom to sync and when: at a jittered interval with a random member that looks different, at once after a
 * connect, shortly after a gap in gossip or a lasting mismatch, and on request. Equal nodes at rest open no streams.
 */
import type { Environment, Timer } from '../../store/environment.js'
import type { Network, PeerId } from '../network.js'
import type { SessionReason } from './core/progress.js'
import {
  busyAttemptsMax,
  busyRetryMs,
  connectGraceMs,
  deepAfterIntervals,
  failureRetryMs,
  gapDelayMs,
  mismatchMs,
} from './limits.js'
import type { SessionReport } from './service.js'

/** The peers as their heartbeats show them. */
export interface PeerView {
  /** True if a peer is a member that we may sync with. */
  isMember(peer: PeerId): boolean
  /** True if the last heartbeat of a peer showed our root and contexts of now; undefined if none was received. */
  looksEqual(peer: PeerId): boolean | undefined
  /** Time at which a peer was last proven equal, on the monotonic clock, in milliseconds; undefined: never. */
  lastEqualMs(peer: PeerId): number | undefined
}

/** Dependencies and settings of the scheduler. */
export interface SchedulerOptions {
  readonly environment: Environment
  readonly network: Pick<Network, 'self' | 'peers' | 'listen'>
  readonly peers: PeerView
  /** Holds one session; never rejects. */
  run(peer: PeerId, options: { readonly youngOk: boolean; readonly why: SessionReason }): Promise<SessionReport>
  /** True if the store is verified: before, no session is opened. Call `wake` when it becomes true. */
  isReady(): boolean
  /** `sync.interval`, in milliseconds. Shorter finds damage sooner and costs more contexts under steady writes. */
  readonly intervalMs: number
}

interface Wanted {
  readonly peer: PeerId
  /** Reason for which it was first wanted, for those who watch. */
  readonly why: SessionReason
  /** False when somebody asked for a session that young differences do not end. */
  youngOk: boolean
  dueMs: number
  attempts: number
  /** True if the session is still needed; called just before it starts. */
  isNeeded: () => boolean
  readonly waiters: ((report: SessionReport) => void)[]
}

interface Want {
  readonly why: SessionReason
  readonly youngOk: boolean
  readonly delayMs: number
  readonly attempts?: number
  readonly isNeeded?: () => boolean
}

/** The scheduler of one node. One session of its own at a time. */
export class SyncScheduler {
  readonly #options: SchedulerOptions
  readonly #wanted = new Map<PeerId, Wanted>()
  readonly #failures = new Map<PeerId, number>()
  readonly #mismatchSinceMs = new Map<PeerId, number>()
  /**
   * Time at which each connected peer was met, or of the last complete session since then that young differences could
   * not end, on the monotonic clock.
   */
  readonly #deepSinceMs = new Map<PeerId, number>()
  #interval: Timer | undefined
  #pump: Timer | undefined
  #running: PeerId | undefined
  #isStopped = true

  constructor(options: SchedulerOptions) {
    this.#options = options
    options.network.listen({
      connected: (peer) => this.#connected(peer),
      disconnected: (peer) => this.#disconnected(peer),
    })
  }

  /** Begins to open sessions. */
  start(): void {
    this.#isStopped = false
    for (const peer of this.#options.network.peers()) this.#connected(peer)
    this.#armInterval()
  }

  /** Opens no more sessions; those waited for are reported as closing. */
  stop(): void {
    this.#isStopped = true
    this.#interval?.cancel()
    this.#pump?.cancel()
    for (const { peer, waiters } of this.#wanted.values()) for (const tell of waiters) tell(notHeld(peer, 'closing'))
    this.#wanted.clear()
  }

  /** Sets the timer, now that the store is verified. */
  wake(): void {
    this.#arm()
  }

  /** Syncs with a peer as soon as may be. Resolves with the session's report, busy or cut ones included. */
  syncNow(peer: PeerId): Promise<SessionReport> {
    if (this.#isStopped) return Promise.resolve(notHeld(peer, 'closing'))
    if (!this.#options.isReady()) return Promise.resolve(notHeld(peer, 'unverified'))
    if (!this.#isConnected(peer)) return Promise.resolve(notHeld(peer, 'not connected'))
    return new Promise((resolve) => {
      this.#want(peer, { why: 'asked', youngOk: false, delayMs: 0 }).waiters.push(resolve)
    })
  }

  /**
   * Gossip showed that updates are missing; asked again after a short while with `isOpen`, since gossip comes out of
   * order.
   */
  gapSeen(peer: PeerId, isOpen: () => boolean = () => true): void {
    if (this.#wanted.has(peer)) return
    this.#want(peer, { why: 'gap', youngOk: false, delayMs: gapDelayMs, isNeeded: isOpen })
  }

  /** A heartbeat of a peer was received, and `looksEqual` is up to date. */
  heartbeatHeard(peer: PeerId): void {
    if (this.#options.peers.looksEqual(peer) !== false) {
      this.#mismatchSinceMs.delete(peer)
      return
    }
    const nowMs = this.#nowMs()
    const sinceMs = this.#mismatchSinceMs.get(peer)
    if (sinceMs === undefined) this.#mismatchSinceMs.set(peer, nowMs)
    else if (nowMs - sinceMs >= mismatchMs && !this.#isBackingOff(peer)) this.#wantPeriodic(peer, 'mismatch')
  }

  /** A session with a peer ended, whoever opened it: what was to be done anyway may be done already. */
  sessionEnded(report: SessionReport): void {
    if (report.ended !== 'complete' && report.ended !== 'young') return
    this.#failures.delete(report.peer)
    const wanted = this.#wanted.get(report.peer)
    if (wanted?.waiters.length !== 0) return
    // A session that young differences ended has not looked at what this one is to look at.
    if (wanted.youngOk || report.ended === 'complete') this.#wanted.delete(report.peer)
  }

  #connected(peer: PeerId): void {
    if (this.#isStopped) return
    this.#failures.delete(peer)
    this.#deepSinceMs.set(peer, this.#nowMs())
    const delayMs = this.#options.network.self < peer ? 0 : this.#jittered(connectGraceMs)
    this.#want(peer, { why: 'connect', youngOk: false, delayMs })
  }

  #disconnected(peer: PeerId): void {
    this.#mismatchSinceMs.delete(peer)
    this.#failures.delete(peer)
    this.#deepSinceMs.delete(peer)
    const wanted = this.#wanted.get(peer)
    this.#wanted.delete(peer)
    for (const tell of wanted?.waiters ?? []) tell(notHeld(peer, 'not connected'))
  }

  #want(peer: PeerId, how: Want): Wanted {
    const dueMs = this.#nowMs() + how.delayMs
    const isNeeded = how.isNeeded ?? (() => true)
    const wanted = this.#wanted.get(peer) ?? { peer, ...how, dueMs, attempts: how.attempts ?? 0, isNeeded, waiters: [] }
    if (this.#wanted.has(peer)) {
      const before = wanted.isNeeded
      wanted.isNeeded = () => before() || isNeeded()
    }
    wanted.youngOk &&= how.youngOk
    wanted.dueMs = Math.min(wanted.dueMs, dueMs)
    this.#wanted.set(peer, wanted)
    this.#arm()
    return wanted
  }

  #wantPeriodic(peer: PeerId, why: SessionReason = 'interval'): void {
    const { intervalMs, peers } = this.#options
    const neverMs = Number.NEGATIVE_INFINITY
    const sinceMs = Math.max(peers.lastEqualMs(peer) ?? neverMs, this.#deepSinceMs.get(peer) ?? neverMs)
    // Behind steady writes the young rule could hide damage for ever, also from a peer that was never proven equal.
    const isDeep = this.#nowMs() - sinceMs > deepAfterIntervals * intervalMs
    this.#want(peer, { why, youngOk: !isDeep, delayMs: 0 })
  }

  #armInterval(): void {
    if (this.#isStopped) return
    this.#interval = this.#options.environment.setTimer(this.#jittered(this.#options.intervalMs), () => {
      const peer = this.#pick()
      if (peer !== undefined) this.#wantPeriodic(peer)
      this.#arm()
      this.#armInterval()
    })
  }

  /**
   * A connected member that does not look equal: one that looks different if there is one, then the one proven equal
   * longest ago or any.
   */
  #pick(): PeerId | undefined {
    const { peers, network, environment } = this.#options
    const members = network.peers().filter((peer) => peers.isMember(peer) && !this.#isBackingOff(peer))
    const different = members.filter((peer) => peers.looksEqual(peer) === false)
    const unknown = members.filter((peer) => peers.looksEqual(peer) === undefined)
    const candidates = different.length > 0 ? different : unknown
    if (candidates.length === 0) return undefined
    if (environment.random() < 0.5) return candidates[Math.floor(environment.random() * candidates.length)]
    const age = (peer: PeerId) => peers.lastEqualMs(peer) ?? Number.NEGATIVE_INFINITY
    return candidates.reduce((oldest, peer) => (age(peer) < age(oldest) ? peer : oldest))
  }

  /** Sets the timer for whatever is due next. */
  #arm(): void {
    this.#pump?.cancel()
    if (this.#isStopped || this.#running !== undefined || this.#wanted.size === 0 || !this.#options.isReady()) return
    const next = Math.min(...[...this.#wanted.values()].map((wanted) => wanted.dueMs))
    this.#pump = this.#options.environment.setTimer(Math.max(0, next - this.#nowMs()), () => this.#runNext())
  }

  #runNext(): void {
    const nowMs = this.#nowMs()
    const due = [...this.#wanted.values()].filter((wanted) => wanted.dueMs <= nowMs)
    const next = due.sort((a, b) => b.waiters.length - a.waiters.length || a.dueMs - b.dueMs)[0]
    if (next !== undefined && this.#running === undefined && this.#options.isReady()) {
      this.#wanted.delete(next.peer)
      if (this.#shouldRun(next)) void this.#run(next)
    }
    this.#arm()
  }

  /**
   * True if the session is still to be held: always if somebody waits for it, else unless it has become needless
   * meanwhile.
   */
  #shouldRun(wanted: Wanted): boolean {
    const { peers } = this.#options
    if (wanted.waiters.length > 0) return true
    if (!this.#isConnected(wanted.peer) || !peers.isMember(wanted.peer)) return false
    return wanted.isNeeded() && peers.looksEqual(wanted.peer) !== true
  }

  async #run(wanted: Wanted): Promise<void> {
    this.#running = wanted.peer
    this.#mismatchSinceMs.delete(wanted.peer)
    const report = await this.#options.run(wanted.peer, {
      youngOk: wanted.youngOk,
      why: wanted.waiters.length > 0 ? 'asked' : wanted.why,
    })
    this.#running = undefined
    const isDone = report.ended === 'complete' || report.ended === 'young'
    if (isDone) this.#failures.delete(wanted.peer)
    const isDeep = !wanted.youngOk && report.ended === 'complete'
    if (isDeep && this.#deepSinceMs.has(wanted.peer)) this.#deepSinceMs.set(wanted.peer, this.#nowMs())
    if (report.mode === 'busy' && this.#retryBusy(wanted)) return this.#arm()
    for (const tell of wanted.waiters) tell(report)
    if (!isDone && report.mode !== 'busy') this.#retryFailed(wanted)
    this.#arm()
  }

  #retryBusy(wanted: Wanted): boolean {
    if (this.#isStopped || wanted.attempts >= busyAttemptsMax || !this.#isConnected(wanted.peer)) return false
    const [fromMs, toMs] = busyRetryMs
    const delayMs = fromMs + this.#options.environment.random() * (toMs - fromMs)
    const { peer, why, youngOk, isNeeded, waiters } = wanted
    const again = this.#want(peer, { why, youngOk, delayMs, isNeeded, attempts: wanted.attempts + 1 })
    again.attempts = Math.max(again.attempts, wanted.attempts + 1)
    again.waiters.push(...waiters)
    return true
  }

  #retryFailed(wanted: Wanted): void {
    if (this.#isStopped || !this.#isConnected(wanted.peer)) return
    const count = (this.#failures.get(wanted.peer) ?? 0) + 1
    this.#failures.set(wanted.peer, count)
    const [firstMs, maxMs] = failureRetryMs
    const delayMs = this.#jittered(Math.min(maxMs, firstMs * 2 ** (count - 1)))
    this.#want(wanted.peer, { why: 'retry', youngOk: wanted.youngOk, delayMs, isNeeded: wanted.isNeeded })
  }

  /** True if the last session with a peer failed, and the next try is set. */
  #isBackingOff(peer: PeerId): boolean {
    return this.#failures.has(peer) && this.#wanted.has(peer)
  }

  #isConnected(peer: PeerId): boolean {
    return this.#options.network.peers().includes(peer)
  }

  /** Between half and one and a half of the time. */
  #jittered(ms: number): number {
    return ms * (0.5 + this.#options.environment.random())
  }

  #nowMs(): number {
    return this.#options.environment.monotonicMs()
  }
}

function notHeld(peer: PeerId, ended: string): SessionReport {
  const none = { roundTrips: 0, bytesSent: 0, bytesReceived: 0, entriesSent: 0, entriesReceived: 0 }
  return { peer, mode: 'busy', ...none, ended }
}
