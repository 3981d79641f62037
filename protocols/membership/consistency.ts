/**
 * Questions to the other members, for writes, reads and operators: acknowledgements, a quorum, equality, who holds a
 * dot. Members are called by their names here.
 */
import type { Environment } from '../../store/environment.js'
import type { Address } from '../../store/model/address.js'
import type { Context } from '../../store/model/context.js'
import type { Dot } from '../../store/model/dot.js'
import type { PeerId } from '../network.js'
import type { AckTable } from './core/acks.js'
import type { Directory } from './core/directory.js'
import type { Heartbeats } from './heartbeats.js'
import { freshHeartbeatMs } from './limits.js'
import type { LocalState } from './local-state.js'
import type { ReadRepair } from './read-repair.js'
import type { Sightings } from './sightings.js'
import type { Acks, MissedMember, Waited, Want, Whereabouts } from './types.js'
import type { MissingMember, WaitCondition, Waiting } from './waiting.js'

/** Parts of membership from which the answers come. */
export interface ConsistencyOptions {
  /** The configured name of this node: it goes by it even before its record is written. */
  readonly name: string
  readonly environment: Environment
  readonly directory: Directory
  readonly acks: AckTable
  readonly local: LocalState
  readonly heartbeats: Heartbeats
  readonly sightings: Sightings
  readonly waiting: Waiting
  readonly readRepair: ReadRepair
}

/** Questions to the other members, on behalf of one node. */
export class Consistency {
  readonly #options: ConsistencyOptions

  constructor(options: ConsistencyOptions) {
    this.#options = options
  }

  /**
   * Waits until so many nodes (this one included) have the dot durably. Resolves with what there is at the end of the
   * time.
   */
  async awaitAcks(dot: Dot, want: Want, timeoutMs: number): Promise<Acks> {
    const { name, waiting } = this.#options
    const acks = await waiting.awaitAcks(dot, want, timeoutMs)
    return { ...acks, nodes: [name, ...acks.nodes.slice(1)] }
  }

  /** True if somebody here waits for acknowledgements: gossip tells others so. */
  get wantsAcknowledgements(): boolean {
    return this.#options.waiting.wantsAcknowledgements
  }

  /**
   * Waits until a majority of the members (this one included) has answered a question that was asked after this call.
   * Resolves whether it did in time.
   */
  proveQuorum(timeoutMs: number): Promise<boolean> {
    return this.#options.waiting.proveQuorum(timeoutMs)
  }

  /**
   * Waits until members are connected and, if asked, equal. Resolves with who was missing to the end when it did not
   * come true in time, or was aborted.
   */
  async wait(condition: WaitCondition, signal?: AbortSignal): Promise<Waited> {
    const { environment, local, waiting } = this.#options
    const { missing, ...outcome } = await waiting.wait(condition, signal)
    const nowMs = environment.nowMs()
    const applied = local.applied()
    return { ...outcome, missing: missing.map((member) => this.#missed(member, nowMs, applied)) }
  }

  #missed({ peer, reason }: MissingMember, nowMs: number, applied: Context): MissedMember {
    const { acks, directory, heartbeats, sightings } = this.#options
    const { seenMs } = sightings.of(peer)
    const earlierMs = seenMs === null ? null : Math.max(0, nowMs - seenMs)
    const awayMs = heartbeats.unheardMs(peer) ?? earlierMs
    const { context } = acks.get(directory.tagOf(peer))
    return {
      name: directory.name(peer),
      peer,
      reason,
      awayMs: reason === 'away' ? awayMs : null,
      behind: applied.minus(context).size,
    }
  }

  /** Joins the copies of a majority (or of all) here, and repairs what lags. Throws NO_QUORUM, NOT_VERIFIED. */
  readRepair(address: Address, consistency: 'majority' | 'all', timeoutMs: number): Promise<void> {
    return this.#options.readRepair.read(address, consistency, timeoutMs)
  }

  /** Asks which nodes durably hold a dot; each node is in exactly one of the lists. */
  async where(dot: Dot, timeoutMs: number = freshHeartbeatMs): Promise<Whereabouts> {
    const { directory, local, name, waiting } = this.#options
    const { nodes, missing, unknown } = await waiting.holders(dot, timeoutMs)
    const named = (peers: readonly PeerId[]) => peers.map((peer) => directory.name(peer)).sort()
    return local.applied().has(dot)
      ? { nodes: [name, ...named(nodes)], missing: named(missing), unknown: named(unknown) }
      : { nodes: named(nodes), missing: [name, ...named(missing)], unknown: named(unknown) }
  }

  /** Members that have durably applied a dot, as far as is known without asking. */
  knownHolders(dot: Dot): string[] {
    const { acks, directory } = this.#options
    return directory.others().flatMap(({ peer, name }) => (acks.has(directory.tagOf(peer), dot) ? [name] : []))
  }
}
