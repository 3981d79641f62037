/** The mesh as the API sees it: protocols over the live network, invitations, blocks. */

import type { Rival } from '../../protocols/membership/core/rival.js'
import { decodeInvite, encodeInvite, type Invite } from '../../protocols/membership/invite.js'
import type { Acks, MemberStatus, Waited, Want, Whereabouts } from '../../protocols/membership/types.js'
import type { PeerId } from '../../protocols/network.js'
import type { SessionReport } from '../../protocols/sync/service.js'
import type { WatchSession } from '../../protocols/sync/watching.js'
import { HearsayError } from '../../store/errors.js'
import type { Address } from '../../store/model/address.js'
import type { MemberTag } from '../../store/model/codec.js'
import type { Dot } from '../../store/model/dot.js'
import type { Notice } from '../../store/replica/warnings.js'
import type { Settings } from '../config/knobs.js'
import type { Log } from '../log/log.js'
import { namedCounts } from '../metrics/counters.js'
import { type Identity, replaceMeshSecret } from '../net/identity.js'
import { keepBound, readBound } from '../net/kept-ports.js'
import { LazyNetwork } from '../net/lazy-network.js'
import type { LiveNetwork } from '../net/live-network.js'
import { realEnvironment } from '../net/real-environment.js'
import type { StoredNode } from '../node/stored-node.js'
import type { Mesh, MeshDifferences, SyncCondition } from '../views/mesh-view.js'
import { Admission } from './admission.js'
import type { BlockList } from './block-list.js'
import { comparisonFailure } from './comparison.js'
import { MemberNews } from './member-news.js'
import type { PeerBook } from './peer-book.js'
import { failureText, Protocols } from './protocols.js'
import { SessionOutcomes } from './session-outcomes.js'
import { sightingFile } from './sighting-file.js'

/**
 * Time for which an admitted join waits for the member's record, and then for the member to have ours, so that each can
 * call the other by name, in milliseconds.
 */
const firstRecordMs = 5_000
/** Pauses between attempts of a join that was asked for at the start, in milliseconds. */
const joinRetryMs = [1_000, 2_000, 5_000, 10_000] as const

/** Dependencies of the mesh. */
export interface DaemonMeshOptions {
  readonly node: StoredNode
  readonly settings: Settings
  readonly identity: Identity
  /** The mesh secret, 32 bytes. */
  readonly secret: Uint8Array
  readonly blocks: BlockList
  readonly book: PeerBook
  readonly log: Log
  /** Watches sync sessions. */
  readonly watchSession: WatchSession
  /**
   * Another node keeps this node's peer id: a new one is to be taken, and the daemon restarted with it. `token`: whom
   * to join then.
   */
  onIdentityLost(reason: string, token?: string): void
}

/** One node's side of the mesh. */
export class DaemonMesh implements Mesh {
  readonly name: string
  readonly peer: PeerId
  readonly #options: DaemonMeshOptions
  readonly #lazy: LazyNetwork
  readonly #protocols: Protocols
  readonly #outcomes = new SessionOutcomes(realEnvironment)
  #secret: Uint8Array
  #live: LiveNetwork | undefined
  /** Settled when the network has started, or will not start any more. */
  readonly #started = deferred<LiveNetwork>()
  #joining: Promise<void> | undefined
  #joinWarning: string | undefined
  #isStopped = false
  #news: MemberNews | undefined

  private constructor(options: DaemonMeshOptions) {
    const { identity, settings, node, blocks, log, watchSession } = options
    this.name = settings.name
    this.peer = identity.peer
    this.#options = options
    this.#secret = options.secret
    this.#lazy = new LazyNetwork(identity.peer)
    this.#protocols = new Protocols({
      node,
      settings,
      log,
      watchSession,
      network: this.#lazy,
      environment: realEnvironment,
      sightings: sightingFile(settings.data),
      addresses: () => this.addresses(),
      isBlocked: (peer) => blocks.has(peer),
      onSilent: (peer) => void this.#live?.disconnect(peer).catch(() => {}),
      onMembersChanged: () => this.#membersChanged(),
      onForgotten: () => void this.#refuse().catch(() => {}),
      onRival: (rival) => this.#met(rival),
      onSession: (report) => this.#outcomes.ended(report),
    })
    this.#lazy.listen({
      connected: (other) => this.#outcomes.connected(other),
      disconnected: (other) => this.#outcomes.disconnected(other),
    })
  }

  /** Knows the stored members; is connected to nobody before `start`. */
  static async create(options: DaemonMeshOptions): Promise<DaemonMesh> {
    const mesh = new DaemonMesh(options)
    await mesh.#protocols.load()
    mesh.#news = new MemberNews(mesh.#protocols.membership.records(), options.log)
    return mesh
  }

  /** Loads libp2p, listens and dials. Rejects with PORT_IN_USE or BAD_CONFIG. */
  async start(): Promise<void> {
    const { settings, identity, node, log } = this.#options
    const { LiveNetwork } = await import('../net/live-network.js')
    const formerly = await readBound(settings.data)
    const live = new LiveNetwork({
      identity,
      secret: this.#secret,
      listen: settings.listen,
      formerly,
      announce: settings.announce,
      mdns: settings.mdns,
      environment: realEnvironment,
      log,
    })
    node.addCounters(() => namedCounts('net', live.counters))
    this.#lazy.attach(live)
    this.#live = live
    await this.#refuse()
    await this.#protocols.start()
    this.#membersChanged()
    await live.start()
    await keepBound(settings.data, live.listening, formerly).catch((error: Error) =>
      log.warn({ event: 'portsNotKept' }, `the ports listened on cannot be remembered: ${error.message}`),
    )
    this.#protocols.membership.addressesChanged()
    node.setSyncing()
    this.#started.resolve(live)
  }

  /** The store is verified, and sync may begin; or it is being verified again, and sync must wait. */
  verificationChanged(): void {
    this.#protocols.verificationChanged()
  }

  /** Ends all talk and closes all connections. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#started.reject(new HearsayError('UNREACHABLE', 'the daemon stops; try again when it has restarted'))
    await this.#protocols.stop()
    await this.#live?.stop()
  }

  addresses(): string[] {
    return this.#live?.addresses() ?? []
  }

  /** The mesh secret that holds now. */
  get secret(): Uint8Array {
    return this.#secret
  }

  nameOf(member: MemberTag): string {
    return this.#protocols.membership.nameOf(member)
  }

  members(): MemberStatus[] {
    return this.#protocols.membership.members()
  }

  blocked(): string[] {
    const names = new Map(this.members().map(({ peer, name }) => [peer, name]))
    return this.#options.blocks.peers.map((peer) => names.get(peer) ?? peer)
  }

  warnings(): string[] {
    return this.notices().map(({ text }) => text)
  }

  notices(): Notice[] {
    const own = this.#joinWarning === undefined ? [] : [{ about: 'join', text: this.#joinWarning }]
    return [...own, ...this.#protocols.membership.notices()]
  }

  syncCondition(peer: PeerId): SyncCondition | undefined {
    return this.#outcomes.of(peer)
  }

  // --- membership
  // -----------------------------------------------------------------------------------------------------

  async invite(): Promise<string> {
    await this.#whenStarted()
    // A join to another mesh restarts the network.
    if (this.addresses().length === 0) await this.#joining?.catch(() => {})
    const addresses = this.addresses()
    if (addresses.length > 0) return encodeInvite({ secret: this.#secret, peer: this.peer, addresses })
    const message =
      'this node has no address that an invitation could name; restart it with an address to listen on (--listen) or to announce (--announce)'
    throw new HearsayError('UNREACHABLE', message)
  }

  /** One join at a time. */
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
    const invite = decodeInvite(token)
    const isIn = this.#isSecretOf(invite) && this.#protocols.membership.records().length > 0
    if (isIn) return (await this.#whenStarted()).learn(invite.peer, invite.addresses)
    try {
      await this.#join(invite)
    } catch (error) {
      // The token of a node's own is of no harm in the settings that all nodes share.
      if (error instanceof HearsayError && error.code === 'OWN_INVITATION') return
      this.#joinWarning = `--join: ${failureText(error)}`
      this.#options.log.warn({ event: 'joinWaits' }, this.#joinWarning)
      const mayHelp = error instanceof HearsayError && ['UNREACHABLE', 'NOT_ADMITTED'].includes(error.code)
      if (mayHelp) this.#joinLater(token, 0)
    }
  }

  #joinLater(token: string, attempt: number): void {
    realEnvironment.setTimer(joinRetryMs[Math.min(attempt, joinRetryMs.length - 1)]!, () => {
      if (this.#isStopped) return
      this.join(token).then(
        () => {
          this.#joinWarning = undefined
        },
        () => this.#joinLater(token, attempt + 1),
      )
    })
  }

  /** Resolves once the inviting member has admitted this node: a heartbeat that it took after our own has come back. */
  async #join(invite: Invite): Promise<void> {
    const live = await this.#whenStarted()
    if (invite.peer === this.peer) return this.#joinNamesake(invite, live)
    const { membership } = this.#protocols
    const { blocks, log } = this.#options
    const admission = new Admission({ invite, self: this.peer, membership, blocks, environment: realEnvironment, log })
    if (this.#isSecretOf(invite)) admission.refuseHopeless()
    else await this.#changeMesh(invite, live)
    live.learn(invite.peer, invite.addresses)
    await admission.wait(() => this.#isStopped)
    await membership.wait({ peers: 1, converged: false, timeoutMs: firstRecordMs })
    await admission.whenNamedThere(firstRecordMs, () => this.#isStopped)
    this.#joinWarning = undefined
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
    const own = new Set(this.addresses())
    if (invite.addresses.every((address) => own.has(address))) throw ownInvitation()
    const { reachesOther } = await import('../net/join.js')
    const isHere = (visitor: PeerId) => live.connections().some(({ peer }) => peer === visitor)
    if (!(await reachesOther(invite, isHere, realEnvironment, this.#options.log))) throw ownInvitation()
    const reason = 'the invitation is of another node with the peer id of this one (a copied data directory)'
    this.#options.onIdentityLost(reason, encodeInvite(invite))
    const message = `${reason}; this node takes a new peer id, restarts and joins by itself: look at its status in a moment`
    throw new HearsayError('NOT_ADMITTED', message, { peer: invite.peer, restarts: true })
  }

  /** Another live node has our peer id, which one of the two keeps. */
  #met({ ours, theirs, weGiveWay }: Rival): void {
    const { log, onIdentityLost } = this.#options
    const reason = 'another node uses the peer id of this one (a copied data directory)'
    log.warn(
      { event: 'identityShared', peer: this.peer, ours, theirs },
      `${reason}; ${weGiveWay ? 'this node' : 'the other'} takes a new one`,
    )
    if (weGiveWay) onIdentityLost(reason)
  }

  /** Moves this node to the mesh of an invitation. Changes nothing unless that mesh was reached under its secret. */
  async #changeMesh(invite: Invite, live: LiveNetwork): Promise<void> {
    const { settings, node, book, log } = this.#options
    const others = this.#protocols.membership.records().length
    if (others > 0) {
      const message = `this node is in a mesh with ${others} other members; forget them first, or join with a new --data directory`
      throw new HearsayError('OTHER_MESH', message, { members: others })
    }
    const { testInvitation } = await import('../net/join.js')
    await testInvitation(invite, realEnvironment, log)
    await replaceMeshSecret(settings.data, invite.secret)
    // Whoever was remembered is of the mesh that is left.
    await book.remember([])
    this.#membersChanged()
    this.#secret = invite.secret
    node.setSecret(invite.secret)
    await live.restart(invite.secret)
    this.#protocols.membership.addressesChanged()
  }

  async forget(nameOrPeer: string): Promise<void> {
    await this.#protocols.membership.forget(nameOrPeer)
    await this.#refuse()
  }

  // --- blocks
  // ---------------------------------------------------------------------------------------------------------

  async block(peers: readonly string[]): Promise<void> {
    await this.#options.blocks.add(peers.map((peer) => this.#peerOf(peer)))
    await this.#refuse()
  }

  async unblock(peers?: readonly string[]): Promise<void> {
    await this.#options.blocks.remove(peers?.map((peer) => this.#peerOf(peer)))
    await this.#refuse()
  }

  #membersChanged(): void {
    const { book } = this.#options
    const { membership } = this.#protocols
    const dialled = book.dialled(membership.records(), (peer) => membership.isForgotten(peer))
    void book.remember(dialled)
    this.#news?.changed(membership.records())
    this.#live?.setMembers(dialled)
  }

  /** Resolves when the connections to those refused are closed. */
  async #refuse(): Promise<void> {
    const { blocks } = this.#options
    const refused = (peer: PeerId) => blocks.has(peer) || this.#protocols.membership.isForgotten(peer)
    await this.#live?.setRefused(refused)
  }

  /** A peer that is blocked is known, member or not. Throws NOT_FOUND. */
  #peerOf(nameOrPeer: string): PeerId {
    return this.#options.blocks.has(nameOrPeer) ? nameOrPeer : this.#protocols.membership.resolve(nameOrPeer)
  }

  // --- sync and consistency
  // -------------------------------------------------------------------------------------------

  async sync(nameOrPeer?: string): Promise<SessionReport[]> {
    const live = await this.#whenStarted()
    const { scheduler } = this.#protocols
    if (nameOrPeer === undefined) return Promise.all(live.peers().map((peer) => scheduler.syncNow(peer)))
    return [await scheduler.syncNow(this.#otherPeer(nameOrPeer, live))]
  }

  /**
   * Returns the peer of a name that is connected. Throws NOT_FOUND, BAD_REQUEST for this node itself, and UNREACHABLE.
   */
  #otherPeer(nameOrPeer: string, live: LiveNetwork): PeerId {
    const peer = this.#protocols.membership.resolve(nameOrPeer)
    if (peer === this.peer) throw new HearsayError('BAD_REQUEST', 'this is the node itself; name another member')
    if (live.peers().includes(peer)) return peer
    const message = `${nameOrPeer} is not connected; \`hearsay status\` shows who is`
    throw new HearsayError('UNREACHABLE', message, { peer })
  }

  async diff(nameOrPeer: string, entriesMax: number): Promise<MeshDifferences> {
    const live = await this.#whenStarted()
    const peer = this.#otherPeer(nameOrPeer, live)
    const outcome = await this.#protocols.compare(peer, entriesMax)
    const name = this.#protocols.membership.members().find((member) => member.peer === peer)?.name ?? peer
    if (outcome.compared === undefined) throw comparisonFailure(name, peer, outcome.ended)
    return { name, ...outcome.compared }
  }

  awaitAcks(dot: Dot, want: Want, timeoutMs: number): Promise<Acks> {
    return this.#protocols.membership.awaitAcks(dot, want, timeoutMs)
  }

  clockOffMs(): number | null {
    return this.#protocols.membership.clockOffMs()
  }

  proveQuorum(timeoutMs: number): Promise<boolean> {
    return this.#protocols.membership.proveQuorum(timeoutMs)
  }

  wait(condition: { peers?: number; converged: boolean; timeoutMs: number }, signal?: AbortSignal): Promise<Waited> {
    return this.#protocols.membership.wait(condition, signal)
  }

  readRepair(address: Address, consistency: 'majority' | 'all', timeoutMs: number): Promise<void> {
    return this.#protocols.membership.readRepair(address, consistency, timeoutMs)
  }

  where(dot: Dot): Promise<Whereabouts> {
    return this.#protocols.membership.where(dot)
  }

  /**
   * The API is served while libp2p is still loading: who needs the network waits for it. Rejects with UNREACHABLE when
   * the daemon stops.
   */
  #whenStarted(): Promise<LiveNetwork> {
    return this.#started.promise
  }
}

function ownInvitation(): HearsayError {
  const message = 'this is the invitation of this node itself; use it on the machine that is to join'
  return new HearsayError('OWN_INVITATION', message)
}

/** A promise that others settle; nobody need wait for it. */
function deferred<Value>() {
  let resolve!: (value: Value) => void
  let reject!: (error: Error) => void
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  promise.catch(() => {})
  return { promise, resolve, reject }
}
