/** The mesh as the API sees it: protocols over the live network, joining, blocks. */

import type { Rival } from '../../protocols/membership/core/rival.js'
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
import type { Identity } from '../net/identity.js'
import { keepBound, readBound } from '../net/kept-ports.js'
import { LazyNetwork } from '../net/lazy-network.js'
import type { LiveNetwork } from '../net/live-network.js'
import { realEnvironment } from '../net/real-environment.js'
import type { StoredNode } from '../node/stored-node.js'
import type { Mesh, MeshDifferences, SyncCondition } from '../views/mesh-view.js'
import type { BlockList } from './block-list.js'
import { comparisonFailure } from './comparison.js'
import { Joining } from './joining.js'
import { MemberNews } from './member-news.js'
import type { PeerBook } from './peer-book.js'
import { Protocols } from './protocols.js'
import { SessionOutcomes } from './session-outcomes.js'
import { sightingFile } from './sighting-file.js'

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
  readonly #joining: Joining
  readonly #outcomes = new SessionOutcomes(realEnvironment)
  #live: LiveNetwork | undefined
  /** Settled when the network has started, or will not start any more. */
  readonly #started = deferred<LiveNetwork>()
  #news: MemberNews | undefined

  private constructor(options: DaemonMeshOptions) {
    const { identity, settings, node, blocks, log, watchSession } = options
    this.name = settings.name
    this.peer = identity.peer
    this.#options = options
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
    this.#joining = new Joining({
      ...options,
      self: identity.peer,
      membership: this.#protocols.membership,
      whenStarted: () => this.#whenStarted(),
      membersChanged: () => this.#membersChanged(),
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
      secret: this.secret,
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
    this.#joining.stop()
    this.#started.reject(new HearsayError('UNREACHABLE', 'the daemon stops; try again when it has restarted'))
    await this.#protocols.stop()
    await this.#live?.stop()
  }

  addresses(): string[] {
    return this.#live?.addresses() ?? []
  }

  /** The mesh secret that holds now. */
  get secret(): Uint8Array {
    return this.#joining.secret
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
    const { warning } = this.#joining
    const own = warning === undefined ? [] : [{ about: 'join', text: warning }]
    return [...own, ...this.#protocols.membership.notices()]
  }

  syncCondition(peer: PeerId): SyncCondition | undefined {
    return this.#outcomes.of(peer)
  }

  // --- membership
  // -----------------------------------------------------------------------------------------------------

  invite(): Promise<string> {
    return this.#joining.invite()
  }

  join(token: string): Promise<void> {
    return this.#joining.join(token)
  }

  /** Joins by a token that was configured; see `Joining`. Rejects with BAD_TOKEN only. */
  joinAtStart(token: string): Promise<void> {
    return this.#joining.joinAtStart(token)
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
    return this.#protocols.membership.consistency.awaitAcks(dot, want, timeoutMs)
  }

  clockOffMs(): number | null {
    return this.#protocols.membership.clockOffMs()
  }

  proveQuorum(timeoutMs: number): Promise<boolean> {
    return this.#protocols.membership.consistency.proveQuorum(timeoutMs)
  }

  wait(condition: { peers?: number; converged: boolean; timeoutMs: number }, signal?: AbortSignal): Promise<Waited> {
    return this.#protocols.membership.consistency.wait(condition, signal)
  }

  readRepair(address: Address, consistency: 'majority' | 'all', timeoutMs: number): Promise<void> {
    return this.#protocols.membership.consistency.readRepair(address, consistency, timeoutMs)
  }

  where(dot: Dot): Promise<Whereabouts> {
    return this.#protocols.membership.consistency.where(dot)
  }

  /**
   * The API is served while libp2p is still loading: who needs the network waits for it. Rejects with UNREACHABLE when
   * the daemon stops.
   */
  #whenStarted(): Promise<LiveNetwork> {
    return this.#started.promise
  }
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
