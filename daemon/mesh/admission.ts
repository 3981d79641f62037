/** The end of a join: the inviting member has admitted this node, or why it has not. */
import type { Invite } from '../../protocols/membership/invite.js'
import type { Membership } from '../../protocols/membership/service.js'
import type { PeerId } from '../../protocols/network.js'
import type { Environment } from '../../store/environment.js'
import { HearsayError } from '../../store/errors.js'
import type { Log } from '../log/log.js'
import type { BlockList } from './block-list.js'

/** Time in which the inviting member must be connected and send a heartbeat back, in milliseconds. */
const admissionMs = 10_000
/** Pause before a member that went again is looked for, in milliseconds. */
const admissionPauseMs = 50

/** Dependencies of an admission: the node `self` asks the inviting member for it. */
export interface AdmissionOptions {
  readonly invite: Invite
  readonly self: PeerId
  readonly membership: Pick<Membership, 'isForgotten' | 'freshHeartbeat' | 'members'>
  readonly blocks: Pick<BlockList, 'has'>
  readonly environment: Environment
  readonly log: Log
}

/** The admission of this node by one member. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Throws where it is known here that the two will not talk: FORGOTTEN, NOT_ADMITTED. */
  refuseHopeless(): void {
    const { blocks, invite, membership, self } = this.#options
    const { peer } = invite
    if (membership.isForgotten(self)) throw forgotten('the mesh has forgotten this node, whose peer id is refused')
    if (membership.isForgotten(peer)) throw forgotten('this node has forgotten the inviting member')
    if (!blocks.has(peer)) return
    const message = 'this node is cut off from the inviting member by a block; lift that first'
    throw new HearsayError('NOT_ADMITTED', message, { peer })
  }

  /**
   * Resolves once a heartbeat has come back that the member took after this call: it has let us in, and hears us.
   * Rejects with UNREACHABLE, FORGOTTEN or NOT_ADMITTED when none comes in time.
   */
  async wait(isStopped: () => boolean): Promise<void> {
    const { environment } = this.#options
    const untilMs = environment.monotonicMs() + admissionMs
    for (let leftMs = admissionMs; leftMs > 0 && !isStopped(); leftMs = untilMs - environment.monotonicMs()) {
      if (await this.#hasBeat(leftMs)) return
    }
    throw await this.#reason()
  }

  /**
   * Waits a while until the member has acknowledged what this node has written, its record with its name among it:
   * until then the member cannot call this node by name. Not a condition of the join, so that it throws nothing.
   */
  async whenNamedThere(limitMs: number, isStopped: () => boolean): Promise<void> {
    const { environment, invite, membership } = this.#options
    const isKnown = () => membership.members().find(({ peer }) => peer === invite.peer)?.behind === 0
    const untilMs = environment.monotonicMs() + limitMs
    for (let leftMs = limitMs; leftMs > 0 && !isStopped() && !isKnown(); leftMs = untilMs - environment.monotonicMs()) {
      await this.#hasBeat(leftMs)
    }
  }

  /** A member that refuses us closes the connection, which is then made again and again. */
  async #hasBeat(limitMs: number): Promise<boolean> {
    const { environment, invite, membership } = this.#options
    const pause = (ms: number) => new Promise<void>((resolve) => void environment.setTimer(ms, resolve))
    const beat = membership.freshHeartbeat(invite.peer).then(
      () => true,
      () => pause(Math.min(admissionPauseMs, limitMs)).then(() => false),
    )
    return Promise.race([beat, pause(limitMs).then(() => false)])
  }

  /**
   * Reason why no heartbeat came back: nobody answers at the addresses, or the member answers, but not to this node.
   */
  async #reason(): Promise<HearsayError> {
    const { environment, invite, log, membership, self } = this.#options
    const { testInvitation } = await import('../net/join.js')
    try {
      await testInvitation(invite, environment, log)
    } catch (error) {
      if (error instanceof HearsayError) return error
      throw error
    }
    if (membership.isForgotten(self)) return forgotten('the mesh has forgotten this node, whose peer id is refused')
    const { peer } = invite
    const message = `the inviting member can be reached, but no heartbeat of it came back within ${admissionMs / 1_000} s: it may have forgotten this node (join then with a new data directory), be cut off from it by a block (lift that there), or be overloaded (try again)`
    return new HearsayError('NOT_ADMITTED', message, { peer })
  }
}

function forgotten(what: string): HearsayError {
  const message = `${what}; join with a new data directory, and export and import what only this node has`
  return new HearsayError('FORGOTTEN', message)
}
