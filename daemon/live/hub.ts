/**
 * The hub of the live stream: what a node does and sees, for the people who watch it. It looks and computes only while
 * there is a reader, and keeps a bounded queue for each.
 */
import type { Writable } from 'node:stream'
import { watchHeartbeatMs } from '../../protocols/api/limits.js'
import type { LiveData, LiveEventName, RecordedSession } from '../../protocols/api/live.js'
import type { Status } from '../../protocols/api/mesh.js'
import type { Environment, Timer } from '../../store/environment.js'
import { HearsayError } from '../../store/errors.js'
import { isUserAddress } from '../../store/model/address.js'
import type { Commit, FeedEvent } from '../../store/replica/types.js'
import { isoTime } from '../views/value-json.js'
import { type PumpEnd, pump } from '../watch/pump.js'
import { changeJson, type Names } from '../watch/render.js'
import {
  changesPerSecondMax,
  liveReadersMax,
  liveStallMs,
  ratesMs,
  statusPauseFactor,
  statusPauseMs,
  statusRefreshMs,
} from './limits.js'
import { LiveQueue } from './queue.js'
import { type ProtocolBytes, RateMeter } from './rates.js'
import type { SessionLog } from './session-log.js'

/** Dependencies of the hub. */
export interface LiveHubOptions {
  readonly environment: Environment
  readonly sessions: SessionLog
  readonly names: Names
  /** The status as `GET /v1/status` answers it. */
  status(): Promise<Status>
  /** Bytes of gossip and heartbeats since the start. */
  bytes(): Pick<ProtocolBytes, 'gossip' | 'heartbeat'>
  /** Resident memory, in bytes. */
  rss(): number
  /** Bound of one reader's queue, for tests. */
  readonly queueBytesMax?: number
}

/** Reader of the live stream. */
export interface LiveReader {
  /** Sends to a connection what happens, until one side ends it. */
  send(to: Writable): Promise<PumpEnd>
  /** Releases the reader; must be called at the end. */
  close(): void
}

/** Request of a reader. */
export interface LiveRequest {
  /** Aborted when the reader is gone. */
  readonly signal: AbortSignal
  /** True while whoever reads may go on to do so; asked every second. */
  isAllowed(): boolean
}

/** The live stream as the API uses it. */
export type LiveFeed = Pick<LiveHub, 'open' | 'answered' | 'recentSessions' | 'readers'>

interface Served {
  readonly queue: LiveQueue
  readonly isAllowed: () => boolean
}

/** Serves the readers of the live stream. */
export class LiveHub {
  readonly #options: LiveHubOptions
  readonly #readers = new Set<Served>()
  #meter: RateMeter | undefined
  #shown: Shown | undefined
  #looking: Timer | undefined
  #ticking: Timer | undefined
  #changes = { sent: 0, skipped: 0 }
  #commentAtMs = 0
  #isStopped = false

  constructor(options: LiveHubOptions) {
    this.#options = options
  }

  /** Begins to serve a reader; the status comes first. Throws TOO_MANY_WATCHERS. */
  async open({ signal, isAllowed }: LiveRequest): Promise<LiveReader> {
    if (this.#isStopped || this.#readers.size >= liveReadersMax) throw tooMany(this.#readers.size)
    const { environment, queueBytesMax, status } = this.#options
    const farewell = frame('lagged', { detail: 'this reader was too slow and is cut: connect again' })
    const served: Served = { queue: new LiveQueue(farewell, queueBytesMax), isAllowed }
    const close = () => this.#close(served)
    signal.addEventListener('abort', close, { once: true })
    this.#readers.add(served)
    try {
      const first = await status()
      served.queue.push(frame('status', first))
      this.#shown ??= shownOf(first, environment.monotonicMs())
    } catch (error) {
      close()
      throw error
    }
    if (signal.aborted) close()
    this.#start()
    const send = (to: Writable) =>
      pump(served.queue.chunks(), to, { environment, stallMs: liveStallMs, signal }).finally(close)
    return { send, close }
  }

  /** Handles a commit; must be called for every one, in order. */
  committed(commit: Commit): void {
    if (this.#readers.size === 0) return
    for (const event of commit.events) if (isUserAddress(event.address)) this.#changed(event)
  }

  /** Counts a request of a user that was answered, and the time that it took. */
  answered(isWrite: boolean, tookMs: number): void {
    this.#meter?.count(isWrite, tookMs)
  }

  /** The last sync sessions, oldest first. */
  recentSessions(): RecordedSession[] {
    return this.#options.sessions.recent()
  }

  /** Readers being served. */
  get readers(): number {
    return this.#readers.size
  }

  /** Ends all readers. */
  stop(): void {
    this.#isStopped = true
    for (const served of [...this.#readers]) this.#close(served)
  }

  #start(): void {
    if (this.#meter !== undefined || this.#readers.size === 0) return
    const { environment, sessions } = this.#options
    const nowMs = environment.monotonicMs()
    this.#meter = new RateMeter(() => this.#bytes(), nowMs)
    this.#commentAtMs = nowMs + watchHeartbeatMs
    sessions.onStep = (session, step) => this.#send('session', { ...session, step })
    this.#tickLater()
    this.#lookLater(statusPauseMs)
  }

  #close(served: Served): void {
    served.queue.end()
    if (!this.#readers.delete(served) || this.#readers.size > 0) return
    this.#options.sessions.onStep = undefined
    this.#meter = undefined
    this.#shown = undefined
    this.#looking?.cancel()
    this.#ticking?.cancel()
    this.#changes = { sent: 0, skipped: 0 }
  }

  #send<Name extends LiveEventName>(name: Name, data: LiveData<Name>): void {
    this.#push(frame(name, data))
  }

  #push(chunk: Buffer): void {
    for (const served of [...this.#readers]) if (!served.queue.push(chunk)) this.#close(served)
  }

  #changed(event: FeedEvent): void {
    if (this.#changes.sent >= changesPerSecondMax) {
      this.#changes.skipped++
      return
    }
    this.#changes.sent++
    this.#send('change', changeJson(event, this.#options.names))
  }

  #tickLater(): void {
    this.#ticking = this.#options.environment.setTimer(ratesMs, () => {
      this.#tick()
      if (this.#readers.size > 0) this.#tickLater()
    })
  }

  /**
   * Sends what comes once a second: rates, changes that were left out, a comment now and then. Cuts who may not read
   * any more.
   */
  #tick(): void {
    const { environment, sessions, rss } = this.#options
    for (const served of [...this.#readers]) if (!served.isAllowed()) this.#close(served)
    const meter = this.#meter
    if (meter === undefined) return
    const { skipped } = this.#changes
    this.#changes = { sent: 0, skipped: 0 }
    if (skipped > 0) this.#send('changes', { skipped })
    const nowMs = environment.monotonicMs()
    const rates = meter.read(nowMs)
    this.#send('rates', { at: isoTime(environment.nowMs()), ...rates, rss: rss(), sessions: sessions.open })
    if (nowMs < this.#commentAtMs) return
    this.#commentAtMs = nowMs + watchHeartbeatMs
    this.#push(Buffer.from(':\n\n'))
  }

  #lookLater(pauseMs: number): void {
    this.#looking = this.#options.environment.setTimer(pauseMs, () => void this.#look())
  }

  /** Looks at the status, and sends what has changed. A look that takes long makes the next one wait. */
  async #look(): Promise<void> {
    const { environment, status } = this.#options
    const startMs = environment.monotonicMs()
    const meter = this.#meter
    // The status cannot be read while the store fails; those who ask for it get the reason.
    const seen = await status().catch(() => undefined)
    // Another reader after all were gone has begun looks of its own.
    if (meter === undefined || this.#meter !== meter) return
    if (seen !== undefined) this.#show(seen, startMs)
    const tookMs = environment.monotonicMs() - startMs
    if (this.#readers.size > 0) this.#lookLater(Math.max(statusPauseMs, statusPauseFactor * tookMs))
  }

  #show(status: Status, nowMs: number): void {
    const now = shownOf(status, nowMs)
    const before = this.#shown ?? now
    if (before.conflicts !== now.conflicts) this.#send('conflicts', { conflicts: now.conflicts })
    for (const text of now.warnings) if (!before.warnings.includes(text)) this.#send('warning', { text })
    if (before.text === now.text && nowMs - before.atMs < statusRefreshMs) return
    this.#shown = now
    this.#send('status', status)
  }

  #bytes(): ProtocolBytes {
    const { sent, received } = this.#options.sessions.bytes
    return { ...this.#options.bytes(), sync: { in: received, out: sent } }
  }
}

interface Shown {
  readonly text: string
  readonly conflicts: number
  readonly warnings: readonly string[]
  readonly atMs: number
}

/**
 * A status for comparison, without what changes at rest: times when members were heard, and small differences of
 * clocks.
 */
function shownOf(status: Status, atMs: number): Shown {
  const { conflicts, warnings } = status
  const members = status.members.map(({ lastSeen: _, lastEqual: __, clockOffsetMs: ___, ...member }) => member)
  return { text: JSON.stringify({ ...status, members }), conflicts, warnings, atMs }
}

function frame<Name extends LiveEventName>(name: Name, data: LiveData<Name>): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}

function tooMany(count: number): HearsayError {
  return new HearsayError(
    'TOO_MANY_WATCHERS',
    `this node already serves ${count} readers of its live stream; end some of them`,
  )
}
