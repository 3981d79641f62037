/** Waiting for others: for acknowledgements of a write, for a quorum, for the mesh to be equal. */
import type { Environment, Timer } from '../../store/environment.js'
import type { Dot } from '../../store/model/dot.js'
import type { Network, PeerId } from '../network.js'
import type { AckTable } from './core/acks.js'
import type { Directory } from './core/directory.js'
import type { Heartbeats } from './heartbeats.js'
import { freshHeartbeatMs, missedHeartbeatsMax, relaysAim, staleMsMax, waitRoundMs, waitRoundMsMax } from './limits.js'
import type { LocalState } from './local-state.js'
import { majority, Quorum } from './quorum.js'
import type { Acks, MissedMember, Waited, Want } from './types.js'

/** Dependencies of waiting. */
export interface WaitingOptions {
  readonly network: Network
  readonly environment: Environment
  readonly directory: Directory
  readonly acks: AckTable
  readonly local: LocalState
  readonly heartbeats: Heartbeats
  readonly heartbeatMs: number
}

/** A member for which a wait did not come true. */
export type MissingMember = Pick<MissedMember, 'peer' | 'reason'>

type Heard = MissingMember['reason'] | 'equal'

/** Outcome of a wait. */
export interface WaitOutcome extends Omit<Waited, 'missing'> {
  readonly missing: readonly MissingMember[]
}

/** Members by whether they durably hold a dot. Each member is in exactly one of the lists. */
export interface Holders {
  readonly nodes: readonly PeerId[]
  /** Members that answered that they do not have it. */
  readonly missing: readonly PeerId[]
  /** Members that did not answer. */
  readonly unknown: readonly PeerId[]
}

/** Condition of `wait`. */
export interface WaitCondition {
  /** Number of other members; all when absent. */
  readonly peers?: number
  /** True if they must be equal to this node, by a heartbeat taken after the call. */
  readonly converged: boolean
  readonly timeoutMs: number
}

/** Waits for others, on behalf of one node. */
export class Waiting {
  readonly #options: WaitingOptions
  readonly #watchers = new Set<() => void>()
  readonly #quorum: Quorum
  #acksWaiting = 0

  constructor(options: WaitingOptions) {
    this.#options = options
    this.#quorum = new Quorum({ ...options, onAnswer: () => this.changed() })
  }

  /** Handles a possible change of acknowledgements, the member list or connections. */
  changed(): void {
    this.#quorum.changed()
    for (const watcher of [...this.#watchers]) watcher()
  }

  /** True if somebody here waits for acknowledgements. */
  get wantsAcknowledgements(): boolean {
    return this.#acksWaiting > 0
  }

  /**
   * Waits until so many nodes (this one included) have the dot durably. Resolves with what there is at the end of the
   * time.
   */
  async awaitAcks(dot: Dot, want: Want, timeoutMs: number): Promise<Acks> {
    this.#acksWaiting++
    try {
      if (!this.#isEnough(this.acknowledged(dot, want))) this.#options.heartbeats.requestEarlyAcks()
      const renew = () => this.#options.heartbeats.requestEarlyAcks()
      await this.#until(() => this.#isEnough(this.acknowledged(dot, want)), timeoutMs, undefined, renew)
      return this.acknowledged(dot, want)
    } finally {
      this.#acksWaiting--
    }
  }

  /**
   * Nodes that durably have the dot, as far as is known. For a majority or all, nodes with another member list do not
   * count.
   */
  acknowledged(dot: Dot, want: Want): Acks {
    const { acks, directory, network } = this.#options
    const wanted = this.#wanted(want)
    const list = directory.digest().toString('hex')
    const nodes = directory.others().filter(({ peer }) => {
      const tag = directory.tagOf(peer)
      return acks.has(tag, dot) && (typeof want === 'number' || acks.get(tag).list === list)
    })
    const peers = [network.self, ...nodes.map(({ peer }) => peer)]
    return { have: peers.length, want: wanted, nodes: peers.map((peer) => directory.name(peer)) }
  }

  /**
   * Waits until a majority of the members (this one included) has answered a question that was asked after this call.
   * Resolves whether it did in time.
   */
  async proveQuorum(timeoutMs: number): Promise<boolean> {
    const exchange = this.#quorum.join()
    try {
      return await this.#until(() => exchange.isProven, timeoutMs)
    } finally {
      this.#quorum.leave(exchange)
    }
  }

  /**
   * Asks which other members durably hold a dot: resolves when all that are there have answered, or when the
   * time is over. One that is away counts as a holder when it acknowledged the dot before it went.
   */
  async holders(dot: Dot, timeoutMs: number): Promise<Holders> {
    const { acks, directory, environment, heartbeats, local } = this.#options
    const startMs = environment.monotonicMs()
    const answered = new Set<PeerId>()
    const equal = new Set<PeerId>()
    const asked = new Set(this.#connectedMembers())
    for (const peer of asked) {
      heartbeats.fresh(peer).then(
        (beat) => {
          answered.add(peer)
          if (beat.state !== undefined && beat.state.digest === local.digest()) equal.add(peer)
          this.changed()
        },
        () => undefined,
      )
    }
    const has = (peer: PeerId) => acks.has(directory.tagOf(peer), dot) || (equal.has(peer) && local.applied().has(dot))
    // Who is not connected may be passed on by another: what it said after the question counts.
    const isRelayed = (peer: PeerId) => !asked.has(peer) && acks.get(directory.tagOf(peer)).takenAtMs >= startMs
    const isHeard = (peer: PeerId) => answered.has(peer) || isRelayed(peer)
    const others = () => directory.others().map(({ peer }) => peer)
    const isKnown = (peer: PeerId) => has(peer) || isHeard(peer) || !this.isReachable(peer)
    await this.#until(() => others().every(isKnown), timeoutMs)
    const without = others().filter((peer) => !has(peer))
    return {
      nodes: others().filter(has),
      missing: without.filter(isHeard),
      unknown: without.filter((peer) => !isHeard(peer)),
    }
  }

  /** True if a member is connected, or was heard lately by way of one that is. */
  isReachable(peer: PeerId): boolean {
    const { acks, directory, environment, heartbeatMs, network } = this.#options
    const connected = network.peers()
    if (connected.includes(peer)) return true
    const { by, takenAtMs } = acks.get(directory.tagOf(peer))
    if (by === null || !connected.includes(by)) return false
    // In a large mesh members are relayed in turn, a few with each heartbeat.
    const turns = Math.ceil(directory.others().length / relaysAim)
    return environment.monotonicMs() - takenAtMs <= (missedHeartbeatsMax + 3 * turns) * heartbeatMs
  }

  /** Waits for the condition. Resolves when it has come true, when the time is over, or when it is aborted. */
  async wait(condition: WaitCondition, signal?: AbortSignal): Promise<WaitOutcome> {
    const { converged, peers, timeoutMs } = condition
    const untilMs = this.#nowMs + timeoutMs
    if (!converged) {
      const areThere = () => this.#connectedMembers().length >= this.#peersWanted(peers)
      return this.#outcome(await this.#until(areThere, timeoutMs, signal), new Map())
    }
    const startMs = this.#nowMs
    const heard = new Map<PeerId, Heard>()
    for (let pauseMs = waitRoundMs; ; pauseMs = Math.min(2 * pauseMs, waitRoundMsMax)) {
      if (await this.#round(startMs, peers, untilMs, heard)) return this.#outcome(true, heard)
      const leftMs = untilMs - this.#nowMs
      if (leftMs <= 0 || signal?.aborted === true) return this.#outcome(false, heard)
      await this.#until(() => false, Math.min(pauseMs, leftMs), signal)
    }
  }

  #outcome(isTrue: boolean, heard: ReadonlyMap<PeerId, Heard>): WaitOutcome {
    const isUnverified = this.#options.local.digest() === undefined
    if (isTrue) return { isTrue, missing: [], isUnverified }
    const connected = new Set(this.#connected())
    const known = new Set([...this.#options.directory.others().map(({ peer }) => peer), ...connected])
    const missing = [...known].flatMap((peer): MissingMember[] => {
      const reason = connected.has(peer) ? heard.get(peer) : this.#absence(peer)
      return reason === undefined || reason === 'equal' ? [] : [{ peer, reason }]
    })
    return { isTrue, missing, isUnverified }
  }

  /** State of a member that is not connected, as far as is known. */
  #absence(peer: PeerId): Heard {
    const { acks, directory, local } = this.#options
    if (!this.isReachable(peer)) return 'away'
    return acks.get(directory.tagOf(peer)).state === local.digest() ? 'equal' : 'unequal'
  }

  /**
   * One round of `wait`: asks every connected member for a heartbeat, and compares each with the own state at its
   * arrival. The own state must have stood still meanwhile, so that the members are equal to each other as well.
   * `heard` gets the state of each.
   */
  async #round(
    startMs: number,
    peers: number | undefined,
    untilMs: number,
    heard: Map<PeerId, Heard>,
  ): Promise<boolean> {
    const { heartbeats, local } = this.#options
    const before = local.digest()
    if (before === undefined) return false
    const limitMs = Math.min(freshHeartbeatMs, untilMs - this.#nowMs)
    const equal = new Set<PeerId>()
    const silent = new Set(this.#connected())
    const asked = [...silent].map(async (peer) => {
      const { state } = await heartbeats.fresh(peer)
      const isEqual = state !== undefined && state.digest === local.digest()
      silent.delete(peer)
      heard.set(peer, isEqual ? 'equal' : state === undefined ? 'unverified' : 'unequal')
      if (isEqual) equal.add(peer)
    })
    const isEnough = () => equal.size + this.#equalElsewhere(startMs, equal, before) >= this.#peersWanted(peers)
    let left = asked.length
    for (const one of asked) {
      one
        .catch(() => undefined)
        .finally(() => {
          left--
          this.changed()
        })
    }
    await this.#until(() => left === 0 || isEnough(), limitMs)
    // A round that the end of the wait cut short says nothing new of those that had no time to answer.
    for (const peer of silent) if (limitMs >= freshHeartbeatMs || !heard.has(peer)) heard.set(peer, 'silent')
    return isEnough() && local.digest() === before
  }

  /**
   * Members that are not connected, but were passed on as equal by one that is, with a heartbeat taken after the start;
   * nobody asked them for the state of now, so that it may be as old as a busy node's may be.
   */
  #equalElsewhere(startMs: number, equal: ReadonlySet<PeerId>, digest: string): number {
    const { acks, directory } = this.#options
    const connected = new Set(this.#connected())
    return directory.others().filter(({ peer }) => {
      const { by, state, takenAtMs } = acks.get(directory.tagOf(peer))
      const isFresh = !connected.has(peer) && by !== null && takenAtMs > startMs + staleMsMax
      return isFresh && equal.has(by) && state === digest
    }).length
  }

  /** Connected peers that were not forgotten, whether their records have come or not. */
  #connected(): PeerId[] {
    const { directory, network } = this.#options
    return network.peers().filter((peer) => !directory.isForgotten(peer))
  }

  /** Connected members whose records are here: they can be called by name. */
  #connectedMembers(): PeerId[] {
    return this.#connected().filter((peer) => this.#options.directory.isMember(peer))
  }

  #peersWanted(peers: number | undefined): number {
    const { directory } = this.#options
    return peers ?? new Set([...directory.others().map(({ peer }) => peer), ...this.#connected()]).size
  }

  #wanted(want: Want): number {
    const nodes = this.#options.directory.peers().length
    if (want === 'all') return nodes
    return want === 'majority' ? majority(nodes) : want
  }

  #isEnough({ have, want }: Acks): boolean {
    return have >= want
  }

  get #nowMs(): number {
    return this.#options.environment.monotonicMs()
  }

  /** Resolves once the condition holds (true), or when the time is over or it was aborted (false). */
  #until(condition: () => boolean, timeoutMs: number, signal?: AbortSignal, renew?: () => void): Promise<boolean> {
    if (condition()) return Promise.resolve(true)
    if (timeoutMs <= 0 || signal?.aborted === true) return Promise.resolve(false)
    const { environment } = this.#options
    return new Promise((resolve) => {
      let renewal: Timer | undefined
      const done = (outcome: boolean) => {
        this.#watchers.delete(watcher)
        timer.cancel()
        renewal?.cancel()
        signal?.removeEventListener('abort', aborted)
        resolve(outcome)
      }
      const watcher = () => {
        if (condition()) done(true)
      }
      const aborted = () => done(false)
      const renewLater = () => {
        if (renew === undefined) return
        renewal = environment.setTimer(freshHeartbeatMs, () => {
          renew()
          renewLater()
        })
      }
      const timer = environment.setTimer(timeoutMs, () => done(condition()))
      this.#watchers.add(watcher)
      signal?.addEventListener('abort', aborted)
      renewLater()
    })
  }
}
