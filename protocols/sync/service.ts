/** The sync protocol on the network: opens and accepts sessions, keeps the bulk slot, reports. */
import type { Environment } from '../../store/environment.js'
import { type Contexts, unknownMember } from '../../store/model/codec.js'
import type { Context } from '../../store/model/context.js'
import { valueBytesMax, versionsMax } from '../../store/model/limits.js'
import type { SyncReplica } from '../../store/replica/types.js'
import { ChannelCounts } from '../channels.js'
import type { Channel, Network, PeerId } from '../network.js'
import { encodeMessage } from './codec.js'
import type { ComparedCopies, SessionMode, SessionOptions } from './core/conversation.js'
import { noTablesReason } from './core/opening.js'
import type { SessionReason, SessionStart } from './core/progress.js'
import { type Role, SessionCore } from './core/session.js'
import { Driver, endReasonOf } from './driver.js'
import {
  comparisonsMax,
  entryVersionsAim,
  helloListingAim,
  inboundSessionsMax,
  inboundSessionsPerPeerMax,
  listingAim,
  messageEntriesAim,
  noTablesMs,
  noTablesPeersMax,
  saltBytes,
  syncProtocol,
  tableActorsMin,
  tableListedActors,
  youngMs,
} from './limits.js'
import type { BusyReason } from './messages.js'
import { piecesOf } from './pieces.js'
import { BulkSlot, type SlotHold } from './slot.js'
import { WatchedSession, type WatchSession } from './watching.js'

/** The report of one session. */
export interface SessionReport {
  readonly peer: PeerId
  readonly mode: SessionMode
  /** Half the number of turns; the closing verdict on a check is not counted, since nothing waits for it. */
  readonly roundTrips: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly entriesSent: number
  readonly entriesReceived: number
  /** Reason of the end: `complete`, `young`, that of the refusal, or that of the cut. */
  readonly ended: string
}

/** Counts since the start. */
export interface SyncServiceCounts {
  /** Messages that only a later version understands; they were skipped. */
  later: number
}

/** Outcome of a comparison: what was found, or the reason of a session that found nothing. */
export type PeerComparison =
  | { readonly compared: ComparedCopies }
  | { readonly compared?: undefined; readonly ended: string }

/** Listener that is notified of sessions. */
export interface SyncListener {
  /** Called with what the peer has seen and applied durably: the applied context is an acknowledgement. */
  peerContexts?(peer: PeerId, contexts: Contexts): void
  /** Called when roots were equal, compared after both captures. */
  provenEqual?(peer: PeerId): void
  /** Called when a session has ended; `role` is ours, `tookMs` the time that it took, in milliseconds. */
  ended?(report: SessionReport, role: Role, tookMs: number): void
  /** Called when values of the peer were too large for this node: their dots stay out of its contexts. */
  refused?(peer: PeerId, dots: Context): void
}

/** Dependencies and settings of the service. */
export interface SyncServiceOptions {
  readonly network: Network
  readonly replica: SyncReplica
  readonly environment: Environment
  readonly listener?: SyncListener
  /** True if sessions with this peer are allowed; by default all are. */
  accepts?(peer: PeerId): boolean
  /** Watches sessions; absent: nothing is computed for anybody who would. */
  readonly watch?: WatchSession
  /** False: speaks as builds do that know no tables. */
  readonly tables?: boolean
  /** Bytes of the largest value that is taken; the protocol's own limit by default. */
  readonly valueBytesMax?: number
}

/** Opens and accepts sessions for one node. */
export class SyncService {
  readonly slot: BulkSlot
  readonly counts: SyncServiceCounts = { later: 0 }
  readonly #options: SyncServiceOptions
  readonly #channels = new Set<Channel>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #inboundOf = new ChannelCounts()
  /** Times when peers showed that they do not know tables, in monotonic milliseconds. */
  readonly #withoutTablesMs = new Map<PeerId, number>()
  #inbound = 0
  #comparisons = 0
  #isStopped = false

  constructor(options: SyncServiceOptions) {
    this.#options = options
    this.slot = new BulkSlot(options.network.self)
  }

  /** Accepts sessions from now on. */
  start(): void {
    this.#options.network.handle(syncProtocol, (channel) => this.#track(this.#serve(channel)))
  }

  /** Breaks all sessions; resolves when they have ended. Nothing of a broken session is united. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const channel of this.#channels) channel.abort('closing')
    await Promise.allSettled(this.#running)
  }

  /**
   * Holds one session with a connected peer, once the bulk slot is free. `youngOk`: it may end when all differences are
   * young. Resolves with its report, whether it was completed, refused or cut. Never rejects.
   */
  run(peer: PeerId, options: { readonly youngOk: boolean; readonly why?: SessionReason }): Promise<SessionReport> {
    return this.#track(this.#open(peer, { youngOk: options.youngOk, why: options.why ?? 'asked' }))
  }

  /**
   * Looks for so many entries of the users, at most, in which a connected peer's copy differs from ours. Neither copy
   * is changed, and no slot is taken. Never rejects: `ended` is the reason when there is no result.
   */
  compare(peer: PeerId, compareEntriesMax: number): Promise<PeerComparison> {
    return this.#track(this.#compare(peer, compareEntriesMax))
  }

  async #compare(peer: PeerId, compareEntriesMax: number): Promise<PeerComparison> {
    const { network, replica } = this.#options
    if (this.#isStopped || !replica.isVerified) return { ended: this.#isStopped ? 'closing' : 'unverified here' }
    if (this.#comparisons >= comparisonsMax) return { ended: 'busy here' }
    this.#comparisons++
    try {
      const channel = await network.open(peer, syncProtocol)
      const none: SlotUse = { youngOk: false, why: 'asked', acquire: () => undefined, begin: () => undefined }
      const { session, report } = await this.#hold('initiator', channel, { ...none, tables: false, compareEntriesMax })
      return session.outcome?.compared === undefined ? { ended: report.ended } : { compared: session.outcome.compared }
    } catch (error) {
      return { ended: endReasonOf(error) }
    } finally {
      this.#comparisons--
    }
  }

  async #open(peer: PeerId, asked: Asking): Promise<SessionReport> {
    const { network, replica } = this.#options
    await this.slot.whenFree()
    if (this.#isStopped || !replica.isVerified) return nothing(peer, this.#isStopped ? 'closing' : 'unverified')
    let channel: Channel | undefined
    let hasYielded = false
    const hold = this.slot.open(peer, () => {
      hasYielded = true
      channel?.abort('crossed')
    })
    if (hold === undefined) return nothing(peer, 'bulk')
    try {
      channel = await network.open(peer, syncProtocol)
      if (hasYielded || this.#isStopped) {
        channel.abort('crossed')
        return nothing(peer, 'crossed')
      }
      const use = { ...asked, acquire: () => hold, begin: () => hold.begin() }
      let { report } = await this.#hold('initiator', channel, { ...use, tables: this.#knowsTables(peer) })
      if (report.ended === noTablesReason && !hasYielded && !this.#isStopped) {
        this.#noteWithoutTables(peer)
        channel = await network.open(peer, syncProtocol)
        report = (await this.#hold('initiator', channel, { ...use, tables: false })).report
      }
      return hasYielded ? { ...report, mode: 'busy', ended: 'crossed' } : report
    } catch (error) {
      return { ...nothing(peer, endReasonOf(error)), mode: 'contexts' }
    } finally {
      hold.release()
    }
  }

  async #serve(channel: Channel): Promise<void> {
    const { peer } = channel
    const isAccepted = this.#options.accepts?.(peer) ?? true
    if (this.#isStopped || !isAccepted || this.#inbound >= inboundSessionsMax) {
      return await this.#refuse(channel, isAccepted ? 'closing' : 'stranger')
    }
    if (this.#inboundOf.enter(peer) > inboundSessionsPerPeerMax) {
      this.#inboundOf.leave(peer)
      return await this.#refuse(channel, 'bulk')
    }
    this.#inbound++
    let hold: SlotHold | undefined
    const acquire = () => {
      hold = this.slot.accept(peer)
      return hold
    }
    try {
      const tables = this.#options.tables ?? true
      await this.#hold('responder', channel, { youngOk: false, tables, why: 'peer', acquire, begin: () => undefined })
    } finally {
      this.#inbound--
      this.#inboundOf.leave(peer)
      hold?.release()
    }
  }

  async #refuse(channel: Channel, reason: BusyReason): Promise<void> {
    for (const piece of piecesOf(encodeMessage({ type: 'busy', reason }, () => unknownMember)))
      await channel.send(piece)
    await channel.close()
  }

  async #hold(
    role: Role,
    channel: Channel,
    slot: SlotUse & { readonly tables: boolean; readonly compareEntriesMax?: number },
  ): Promise<{ session: SessionCore; report: SessionReport }> {
    const { peer } = channel
    const { environment, replica, listener, watch } = this.#options
    const session = new SessionCore(role, replica, this.#sessionOptions(slot))
    const isWatched = watch !== undefined && slot.compareEntriesMax === undefined
    const watched = isWatched && new WatchedSession(() => watch(peer), session.talk, { role, ...slot }, environment)
    const startedMs = environment.monotonicMs()
    const driver = new Driver(session, channel, {
      environment,
      replica,
      ...(watched && { observe: (...seen) => watched.observe(...seen) }),
      acquireSlot: () => slot.acquire() !== undefined,
      peerCaptured: (capture) => {
        slot.begin()
        listener?.peerContexts?.(peer, capture)
      },
    })
    this.#channels.add(channel)
    let ended: string | undefined
    try {
      await driver.run()
    } catch (error) {
      ended = endReasonOf(error)
    } finally {
      this.#channels.delete(channel)
      this.counts.later += driver.later
    }
    const report = reportOf(peer, session, driver, ended)
    // One that the peer took for another is held again at once.
    if (ended !== noTablesReason) this.#tell(report, role, session, environment.monotonicMs() - startedMs)
    if (watched) watched.end({ ...report, equal: isProvenEqual(session, report) })
    return { session, report }
  }

  /** Notifies the listener: however the session ended, what was received and applied is kept. */
  #tell(report: SessionReport, role: Role, session: SessionCore, tookMs: number): void {
    const { listener } = this.#options
    const { talk } = session
    if (!talk.refused.isEmpty) listener?.refused?.(report.peer, talk.refused)
    if (isProvenEqual(session, report)) listener?.provenEqual?.(report.peer)
    listener?.ended?.(report, role, tookMs)
  }

  /** True unless the peer has shown of late that it does not know tables; it may be another build by now. */
  #knowsTables(peer: PeerId): boolean {
    const shownMs = this.#withoutTablesMs.get(peer) ?? Number.NEGATIVE_INFINITY
    return (this.#options.tables ?? true) && this.#options.environment.monotonicMs() - shownMs > noTablesMs
  }

  #noteWithoutTables(peer: PeerId): void {
    if (this.#withoutTablesMs.size >= noTablesPeersMax) this.#withoutTablesMs.clear()
    this.#withoutTablesMs.set(peer, this.#options.environment.monotonicMs())
  }

  #sessionOptions(how: { youngOk: boolean; tables: boolean; compareEntriesMax?: number }): SessionOptions {
    const { youngOk, tables, compareEntriesMax } = how
    const { environment } = this.#options
    const entries = { messageEntriesAim, entryVersionsAim, entryVersionsMax: versionsMax }
    const limits = { helloListingAim, listingAim, youngMs, tables, tableActorsMin, tableListedActors, ...entries }
    const salt = environment.randomBytes(saltBytes)
    const compares = compareEntriesMax === undefined ? {} : { compareEntriesMax }
    return { ...limits, ...compares, salt, youngOk, valueBytesMax: this.#options.valueBytesMax ?? valueBytesMax }
  }

  #track<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running)
    const done = () => this.#running.delete(running)
    running.then(done, done)
    return running
  }
}

type Asking = Pick<SessionStart, 'youngOk' | 'why'>

/** A session's way to the bulk slot. */
type SlotUse = Asking & { readonly acquire: () => SlotHold | undefined; readonly begin: () => void }

function isProvenEqual({ outcome }: SessionCore, { ended }: SessionReport): boolean {
  return outcome?.provenEqual === true && ended === 'complete'
}

/** The report of a session that did not come about. */
function nothing(peer: PeerId, ended: string): SessionReport {
  const none = { roundTrips: 0, bytesSent: 0, bytesReceived: 0, entriesSent: 0, entriesReceived: 0 }
  return { peer, mode: 'busy', ...none, ended }
}

function reportOf(peer: PeerId, session: SessionCore, driver: Driver, cut: string | undefined): SessionReport {
  const { talk, outcome } = session
  const { bytesSent, bytesReceived } = driver
  const synced: SessionMode = talk.entriesSent + talk.entriesReceived > 0 ? 'tree' : 'delta'
  const reached: SessionMode = talk.compares ? 'compared' : synced
  return {
    peer,
    mode: outcome?.mode ?? reached,
    roundTrips: talk.roundTrips,
    bytesSent,
    bytesReceived,
    entriesSent: talk.updatesSent + talk.entriesSent,
    entriesReceived: talk.updatesReceived + talk.entriesReceived,
    ended: cut ?? outcome?.ended ?? 'cut',
  }
}
