/** Invitations and joins: how this node comes into a mesh, under which secret it is in it. */
import { decodeInvite, encodeInvite, type Invite } from '../../protocols/membership/invite.js'
import type { Membership } from '../../protocols/membership/service.js'
import type { PeerId } from '../../protocols/network.js'
import { HearsayError } from '../../store/errors.js'
import type { Settings } from '../config/knobs.js'
import type { Log } from '../log/log.js'
import { replaceMeshSecret } from '../net/identity.js'
import type { LiveNetwork } from '../net/live-network.js'
import { realEnvironment } from '../net/real-environment.js'
import type { StoredNode } from '../node/stored-node.js'
import { Admission } from './admission.js'
import type { BlockList } from './block-list.js'
import type { PeerBook } from './peer-book.js'
import { failureText } from './protocols.js'

/**
 * Time for which an admitted join waits for the member's record, and then for the member to have ours, so that each can
 * call the other by name, in milliseconds.
 */
const firstRecordMs = 5_000
/** Pauses between attempts of a join that was asked for at the start, in milliseconds. */
const joinRetryMs = [1_000, 2_000, 5_000, 10_000] as const

/** Dependencies of joining. */
export interface JoiningOptions {
  readonly self: PeerId
  /** The mesh secret at the start, 32 bytes. */
  readonly secret: Uint8Array
  readonly membership: Membership
  readonly node: Pick<StoredNode, 'setSecret'>
  readonly settings: Pick<Settings, 'data'>
  readonly blocks: BlockList
  readonly book: PeerBook
  readonly log: Log
  /** Resolves once the network has started. Rejects with UNREACHABLE when the daemon stops. */
  whenStarted(): Promise<LiveNetwork>
  /** Those who are to be dialled have changed. */
  membersChanged(): void
  /**
   * Another node keeps this node's peer id: a new one is to be taken, and the daemon restarted with it, to join by the
   * token.
   */
  onIdentityLost(reason: string, token: string): void
}

/** The way of one node into a mesh: it invites others, and joins by their invitations, one at a time. */
export class Joining {
  readonly #options: JoiningOptions
  #secret: Uint8Array
  #joining: Promise<void> | undefined
  #warning: string | undefined
  #isStopped = false

  constructor(options: JoiningOptions) {
    this.#options = options
    this.#secret = options.secret
  }

  /** The mesh secret that holds now. */
  get secret(): Uint8Array {
    return this.#secret
  }

  /** Reason why a join that was configured has not come about yet; undefined: none waits. */
  get warning(): string | undefined {
    return this.#warning
  }

  /** Tries no more. */
  stop(): void {
    this.#isStopped = true
  }

  /** Makes the token of an invitation. Rejects with UNREACHABLE for a node without addresses. */
  async invite(): Promise<string> {
    const live = await this.#options.whenStarted()
    // A join to another mesh restarts the network.
    if (live.addresses().length === 0) await this.#joining?.catch(() => {})
    const addresses = live.addresses()
    if (addresses.length > 0) return encodeInvite({ secret: this.#secret, peer: this.#options.self, addresses })
    const message =
      'this node has no address that an invitation could name; restart it with an address to listen on (--listen) or to announce (--announce)'
    throw new HearsayError('UNREACHABLE', message)
  }

  /** Joins the mesh of a token, after a join that is under way. */
  join(token: string): Promise<void> {
    const earlier = this.#joining ?? Promise.resolve()
    const joining = earlier.catch(() => {}).then(() => this.#join(decodeInvite(token)))
    this.#joining = joining
    return joining
  }

  /**
   * Joins the mesh of a token that was configured. Rejects with BAD_TOKEN only: a mesh that cannot be reached is tried
   * again in the background, and a node that is in another mesh by now stays there, with a warning.
   */
  async joinAtStart(token: string): Promise<void> {
    const { log, membership, whenStarted } = this.#options
    const invite = decodeInvite(token)
    const isIn = this.#isSecretOf(invite) && membership.records().length > 0
    if (isIn) return (await whenStarted()).learn(invite.peer, invite.addresses)
    try {
      await this.#join(invite)
    } catch (error) {
      // The token of a node's own is of no harm in the settings that all nodes share.
      if (error instanceof HearsayError && error.code === 'OWN_INVITATION') return
      this.#warning = `--join: ${failureText(error)}`
      log.warn({ event: 'joinWaits' }, this.#warning)
      const mayHelp = error instanceof HearsayError && ['UNREACHABLE', 'NOT_ADMITTED'].includes(error.code)
      if (mayHelp) this.#joinLater(token, 0)
    }
  }

  #joinLater(token: string, attempt: number): void {
    realEnvironment.setTimer(joinRetryMs[Math.min(attempt, joinRetryMs.length - 1)]!, () => {
      if (this.#isStopped) return
      this.join(token).then(
        () => {
          this.#warning = undefined
        },
        () => this.#joinLater(token, attempt + 1),
      )
    })
  }

  /** Resolves once the inviting member has admitted this node: a heartbeat that it took after our own has come back. */
  async #join(invite: Invite): Promise<void> {
    const { blocks, log, membership, self, whenStarted } = this.#options
    const live = await whenStarted()
    if (invite.peer === self) return this.#joinNamesake(invite, live)
    const admission = new Admission({ invite, self, membership, blocks, environment: realEnvironment, log })
    if (this.#isSecretOf(invite)) admission.refuseHopeless()
    else await this.#changeMesh(invite, live)
    live.learn(invite.peer, invite.addresses)
    await admission.wait(() => this.#isStopped)
    await membership.consistency.wait({ peers: 1, converged: false, timeoutMs: firstRecordMs })
    await admission.whenNamedThere(firstRecordMs, () => this.#isStopped)
    this.#warning = undefined
  }

  #isSecretOf({ secret }: Invite): boolean {
    return Buffer.from(secret).equals(this.#secret)
  }

  /**
   * An invitation by a node with our own peer id: our own invitation (OWN_INVITATION), or that of the node that our
   * data directory is a copy of. Who joins is the one to take a new peer id: the daemon restarts under it and joins by
   * itself, which this does not wait for (NOT_ADMITTED).
   */
  async #joinNamesake(invite: Invite, live: LiveNetwork): Promise<void> {
    const { log, onIdentityLost } = this.#options
    const own = new Set(live.addresses())
    if (invite.addresses.every((address) => own.has(address))) throw ownInvitation()
    const { reachesOther } = await import('../net/join.js')
    const isHere = (visitor: PeerId) => live.connections().some(({ peer }) => peer === visitor)
    if (!(await reachesOther(invite, isHere, realEnvironment, log))) throw ownInvitation()
    const reason = 'the invitation is of another node with the peer id of this one (a copied data directory)'
    onIdentityLost(reason, encodeInvite(invite))
    const message = `${reason}; this node takes a new peer id, restarts and joins by itself: look at its status in a moment`
    throw new HearsayError('NOT_ADMITTED', message, { peer: invite.peer, restarts: true })
  }

  /** Moves this node to the mesh of an invitation. Changes nothing unless that mesh was reached under its secret. */
  async #changeMesh(invite: Invite, live: LiveNetwork): Promise<void> {
    const { book, log, membership, membersChanged, node, settings } = this.#options
    const others = membership.records().length
    if (others > 0) {
      const message = `this node is in a mesh with ${others} other members; forget them first, or join with a new --data directory`
      throw new HearsayError('OTHER_MESH', message, { members: others })
    }
    const { testInvitation } = await import('../net/join.js')
    await testInvitation(invite, realEnvironment, log)
    await replaceMeshSecret(settings.data, invite.secret)
    // Whoever was remembered is of the mesh that is left.
    await book.remember([])
    membersChanged()
    this.#secret = invite.secret
    node.setSecret(invite.secret)
    await live.restart(invite.secret)
    membership.addressesChanged()
  }
}

function ownInvitation(): HearsayError {
  const message = 'this is the invitation of this node itself; use it on the machine that is to join'
  return new HearsayError('OWN_INVITATION', message)
}
