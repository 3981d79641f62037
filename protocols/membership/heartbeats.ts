/**
 * The heartbeat service: one channel a direction with each connected peer; who is alive, who is equal, who has what.
 */
import type { Environment, Timer } from '../../store/environment.js'
import { DecodeError } from '../../store/model/bytes.js'
import type { MemberTag } from '../../store/model/codec.js'
import { FrameReader } from '../channels.js'
import type { Channel, Network, PeerId } from '../network.js'
import type { AckTable } from './core/acks.js'
import { ClockSamples } from './core/clock.js'
import type { Directory } from './core/directory.js'
import type { Beat } from './core/reader.js'
import type { Relayable } from './core/relays.js'
import { HeartbeatWriter } from './core/writer.js'
import { recordHeartbeat, recordRelays } from './intake.js'
import * as limits from './limits.js'
import type { LocalState } from './local-state.js'
import { decodeHeartbeat, encodeHeartbeat, heartbeatProtocol, isLaterFrame } from './messages.js'
import { Neighbour } from './neighbour.js'

/** Dependencies of the heartbeat service. */
export interface HeartbeatOptions {
  readonly network: Network
  readonly environment: Environment
  readonly directory: Directory
  readonly acks: AckTable
  readonly local: LocalState
  readonly intervalMs: number
  /** Called for each heartbeat of a peer; acknowledgements may have changed. */
  onHeartbeat(peer: PeerId): void
  onSilent(peer: PeerId): void
  /**
   * Called when a peer knows a greater epoch of this node than it ever used: its clock went back, or another node has
   * its peer id.
   */
  onEpochPassed(): void
  onError(what: string, error: unknown): void
}

/** Heartbeats of one node. */
export class Heartbeats {
  /** Counts since the start. */
  readonly counts = { sent: 0, bytesSent: 0, received: 0, bytesReceived: 0, malformed: 0, later: 0 }
  readonly #options: HeartbeatOptions
  readonly #neighbours = new Map<PeerId, Neighbour>()
  readonly #clocks = new Map<PeerId, ClockSamples>()
  readonly #seen = new Map<PeerId, { readonly wallMs: number; readonly atMs: number }>()
  readonly #equal = new Map<PeerId, { readonly wallMs: number; readonly atMs: number }>()
  #earlyAcksUntilMs = Number.NEGATIVE_INFINITY
  #urgedMs = Number.NEGATIVE_INFINITY
  #watchTimer: Timer | undefined
  #isStopped = false

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  /** Starts heartbeats to the peers that are connected. */
  start(): void {
    const { network } = this.#options
    network.handle(heartbeatProtocol, (channel) => this.#listen(channel))
    for (const peer of network.peers()) this.connected(peer)
    this.#watch()
  }

  /** Closes all channels. */
  stop(): void {
    this.#isStopped = true
    this.#watchTimer?.cancel()
    for (const peer of [...this.#neighbours.keys()]) this.disconnected(peer)
  }

  /** Handles a new connection. */
  connected(peer: PeerId): void {
    if (!this.#isStopped && !this.#neighbours.has(peer)) this.#meet(peer)
  }

  /** Handles the end of a connection. */
  disconnected(peer: PeerId): void {
    const neighbour = this.#neighbours.get(peer)
    this.#neighbours.delete(peer)
    neighbour?.leave()
  }

  /** Schedules early heartbeats because the own state has changed; one heartbeat covers many changes. */
  stateChanged(): void {
    const nowMs = this.#nowMs
    for (const neighbour of this.#neighbours.values()) {
      const gapMs = this.#isUrgent(neighbour) ? limits.urgentHeartbeatMs : limits.earlyHeartbeatMs
      neighbour.pacer.schedule(Math.max(nowMs, neighbour.lastSentMs + gapMs))
    }
  }

  /** Sends acknowledgements early for a while, because somebody elsewhere waits for them. */
  acknowledgeEarly(): void {
    this.#earlyAcksUntilMs = this.#nowMs + limits.earlyAcksMs
  }

  /** Asks the neighbours for early acknowledgements, because somebody here waits for them. */
  requestEarlyAcks(): void {
    const nowMs = this.#nowMs
    if (nowMs - this.#urgedMs < limits.urgeRenewMs) return
    this.#urgedMs = nowMs
    for (const neighbour of this.#neighbours.values()) {
      neighbour.requestsEarlyAcks = true
      neighbour.pacer.schedule(nowMs)
    }
  }

  /** Resolves with a heartbeat that the peer takes after this call. Rejects when it is not connected, or leaves. */
  fresh(peer: PeerId): Promise<Beat> {
    const neighbour = this.#neighbours.get(peer)
    return neighbour?.fresh() ?? Promise.reject(new Error(`${peer} is not connected`))
  }

  /** The latest heartbeat of a connected peer. */
  latest(peer: PeerId): Beat | undefined {
    return this.#neighbours.get(peer)?.beat
  }

  /** Members that a connected peer is connected to; undefined until it has said so. */
  neighboursOf(peer: PeerId): ReadonlySet<MemberTag> | undefined {
    return this.#neighbours.get(peer)?.neighbours
  }

  /** Times when a peer was last heard and last equal, in milliseconds since 1970; null: never since the start. */
  seenMs(peer: PeerId): number | null {
    return this.#seen.get(peer)?.wallMs ?? null
  }
  equalMs(peer: PeerId): number | null {
    return this.#equal.get(peer)?.wallMs ?? null
  }

  /** Time since a peer was last heard, in milliseconds; undefined: never since the start. */
  unheardMs(peer: PeerId): number | undefined {
    const seen = this.#seen.get(peer)
    return seen && this.#nowMs - seen.atMs
  }

  /**
   * Time when it was last equal, on the monotonic clock, which no step of the wall clock moves; undefined: never since
   * the start.
   */
  equalAtMs(peer: PeerId): number | undefined {
    return this.#equal.get(peer)?.atMs
  }

  /** Notes that the peer was just proven equal. */
  provenEqual(peer: PeerId): void {
    this.#equal.set(peer, { wallMs: this.#options.environment.nowMs(), atMs: this.#nowMs })
  }

  /** Offsets of peers' clocks from our wall clock, in milliseconds, of peers heard within the last `withinMs`. */
  clockOffsets(withinMs: number): Map<PeerId, number> {
    const oursMs = this.#options.environment.nowMs() - this.#nowMs
    const offsets = new Map<PeerId, number>()
    for (const [peer, samples] of this.#clocks) {
      const best = samples.best()
      if (best !== undefined && this.#nowMs - best.atMs <= withinMs) offsets.set(peer, best.aheadMs - oursMs)
    }
    return offsets
  }

  get #nowMs(): number {
    return this.#options.environment.monotonicMs()
  }

  #isUrgent({ earlyAcksUntilMs }: Neighbour): boolean {
    return this.#nowMs < Math.max(this.#earlyAcksUntilMs, earlyAcksUntilMs)
  }

  #meet(peer: PeerId): Neighbour {
    const { directory, environment } = this.#options
    directory.note(peer)
    const clock = this.#clocks.get(peer) ?? new ClockSamples(limits.clockSamplesKept)
    this.#clocks.set(peer, clock)
    const neighbour = new Neighbour(peer, directory.tagOf(peer), clock, environment)
    neighbour.heardMs += Math.max(0, limits.firstHeartbeatMs - limits.missedHeartbeatsMax * this.#options.intervalMs)
    this.#neighbours.set(peer, neighbour)
    void this.#talk(neighbour)
    this.stateChanged()
    return neighbour
  }

  // --- sending
  // --------------------------------------------------------------------------------------------------------

  /** Sends heartbeats for as long as the peer is connected; opens another channel when one breaks. */
  async #talk(neighbour: Neighbour): Promise<void> {
    const { network, intervalMs, onError } = this.#options
    while (neighbour.isHere) {
      try {
        await this.#talkOver(neighbour, await network.open(neighbour.peer, heartbeatProtocol))
      } catch (error) {
        if (neighbour.isHere) onError(`heartbeats to ${neighbour.peer}`, error)
      }
      if (!neighbour.isHere) return
      const againMs = this.#nowMs + intervalMs / 2
      while (neighbour.isHere && this.#nowMs < againMs) {
        neighbour.pacer.schedule(againMs)
        await neighbour.pacer.wait()
      }
    }
  }

  async #talkOver(neighbour: Neighbour, channel: Channel): Promise<void> {
    const { environment, intervalMs, local } = this.#options
    const writer = new HeartbeatWriter(neighbour.peer, neighbour.lastNonce)
    neighbour.opened(channel)
    neighbour.pacer.schedule(this.#nowMs)
    try {
      for (;;) {
        await neighbour.pacer.wait()
        if (!neighbour.isHere) return
        const frame = this.#compose(neighbour, writer)
        const usualMs = intervalMs * (0.9 + environment.random() / 10)
        const pauseMs = writer.hasMore ? limits.urgentHeartbeatMs : local.isStale ? limits.earlyHeartbeatMs : usualMs
        neighbour.pacer.schedule(this.#nowMs + pauseMs)
        this.counts.sent++
        this.counts.bytesSent += frame.length
        await channel.send(frame)
      }
    } finally {
      channel.abort('heartbeats ended')
    }
  }

  #compose(neighbour: Neighbour, writer: HeartbeatWriter): Uint8Array {
    const neighbours = [...this.#neighbours.values()].map(({ tag }) => tag).sort()
    const ofNow = neighbour.isAsked || this.#isUrgent(neighbour)
    const heartbeat = writer.next(this.#options.local.view(neighbours, ofNow), {
      wantsEarlyAcks: neighbour.requestsEarlyAcks,
      asks: neighbour.asks,
      echo: neighbour.echo(),
      knownEpoch: neighbour.knownEpoch,
      relays: this.#relayable(neighbour),
    })
    neighbour.sent(writer)
    return encodeHeartbeat(heartbeat)
  }

  /** Members that the receiver is not connected to, except those that it relayed to us itself. */
  #relayable(to: Neighbour): Relayable[] {
    const { directory, acks } = this.#options
    const { neighbours } = to
    if (neighbours === undefined) return []
    const others = directory.others()
    const withContext = others.length <= limits.relayMembersMax
    return others.flatMap(({ peer }) => {
      const member = directory.tagOf(peer)
      if (peer === to.peer || neighbours.has(member)) return []
      const acknowledgement = acks.get(member)
      const isHeard = acknowledgement.takenAtMs !== Number.NEGATIVE_INFINITY && acknowledgement.by !== to.peer
      return isHeard ? [{ member, acknowledgement, withContext }] : []
    })
  }

  // --- receiving
  // ------------------------------------------------------------------------------------------------------

  async #listen(channel: Channel): Promise<void> {
    const { network } = this.#options
    const known = this.#neighbours.get(channel.peer)
    if (this.#isStopped || (known === undefined && !network.peers().includes(channel.peer))) {
      return channel.abort('not connected')
    }
    const neighbour = known ?? this.#meet(channel.peer)
    neighbour.accepted(channel)
    const frames = new FrameReader(channel)
    for (;;) {
      // A channel that broke or was replaced is no error here: the clock notices silence.
      const frame = await frames.next().catch(() => undefined)
      if (frame === undefined || neighbour.incoming !== channel) return
      this.counts.bytesReceived += frame.length
      if (isLaterFrame(frame)) {
        this.counts.later++
        continue
      }
      try {
        this.#heard(neighbour, neighbour.reader.read(decodeHeartbeat(frame)))
      } catch (error) {
        if (error instanceof DecodeError) this.counts.malformed++
        throw error
      }
    }
  }

  #heard(neighbour: Neighbour, beat: Beat): void {
    const { environment, local, onHeartbeat } = this.#options
    const { peer } = neighbour
    const { heartbeat } = beat
    this.counts.received++
    recordHeartbeat(this.#options.acks, neighbour, beat, this.#nowMs)
    this.#seen.set(peer, { wallMs: environment.nowMs(), atMs: this.#nowMs })
    if (beat.state !== undefined && beat.state.digest === local.cheapDigest()) this.provenEqual(peer)
    if (heartbeat.neighbours !== null) neighbour.neighbours = new Set(heartbeat.neighbours)
    if (heartbeat.wantsEarlyAcks) {
      neighbour.earlyAcksUntilMs = this.#nowMs + limits.earlyAcksMs
      neighbour.pacer.schedule(Math.max(this.#nowMs, neighbour.lastSentMs + limits.urgentHeartbeatMs))
    }
    if (heartbeat.knownEpoch !== null && local.goBeyond(heartbeat.knownEpoch)) {
      this.stateChanged()
      this.#options.onEpochPassed()
    }
    recordRelays(this.#options, (other) => this.#neighbours.get(other), neighbour, beat, this.#nowMs)
    if (heartbeat.asks) {
      neighbour.isAsked = true
      neighbour.pacer.schedule(this.#nowMs)
    }
    neighbour.received(beat)
    onHeartbeat(peer)
  }

  // --- liveness
  // -------------------------------------------------------------------------------------------------------

  /**
   * Looks for silent peers now and then. Time that this node itself was asleep does not count against them, nor does a
   * heartbeat that waits behind other bytes of theirs, up to a bound.
   */
  #watch(): void {
    const { environment, intervalMs, network, onSilent } = this.#options
    const stepMs = intervalMs / 2
    const dueMs = this.#nowMs + stepMs
    this.#watchTimer = environment.setTimer(stepMs, () => {
      const sleptMs = this.#nowMs - dueMs
      const silent: PeerId[] = []
      for (const neighbour of this.#neighbours.values()) {
        if (sleptMs > stepMs) {
          neighbour.heardMs += sleptMs
          neighbour.beatMs += sleptMs
        }
        neighbour.heardMs = Math.max(neighbour.heardMs, network.heardMs(neighbour.peer) ?? neighbour.heardMs)
        if (!this.#isSilent(neighbour)) continue
        neighbour.heardMs = this.#nowMs
        neighbour.beatMs = this.#nowMs
        silent.push(neighbour.peer)
      }
      for (const peer of silent) onSilent(peer)
      if (!this.#isStopped) this.#watch()
    })
  }

  /** True if nothing at all came for some intervals, or no whole heartbeat for many. */
  #isSilent({ heardMs, beatMs }: Neighbour): boolean {
    const { intervalMs } = this.#options
    const bytesAloneMs = limits.bytesAloneIntervalsMax * intervalMs
    return this.#nowMs - heardMs > limits.missedHeartbeatsMax * intervalMs || this.#nowMs - beatMs > bytesAloneMs
  }
}
