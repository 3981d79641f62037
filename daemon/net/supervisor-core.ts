/** Decides whom to dial and when: events in, dials out. Pure: no clock, no timers, no randomness of its own. */
import { fullMeshNodesMax } from '../../protocols/membership/limits.js'
import type { PeerId } from '../../protocols/network.js'
import { AddressBook, peerOf } from './address-book.js'
import * as limits from './limits.js'

/** A member as membership knows it. */
export interface KnownMember {
  readonly peer: PeerId
  /** Multiaddrs, with or without their `/p2p/` part. */
  readonly addresses: readonly string[]
}

/** One dial to make. */
export interface Dial {
  /** Names the target in `dialEnded`: a peer id, or an address whose peer is not known. */
  readonly key: string
  /** The peer that must answer; undefined: any peer may. */
  readonly peer: PeerId | undefined
  /** Addresses to try, best first. */
  readonly addresses: readonly string[]
}

/** Dials and closes to be done now, and the time of the next step. */
export interface SupervisorStep {
  readonly dials: readonly Dial[]
  /** Connections to give up, in a large mesh. */
  readonly close: readonly PeerId[]
  /** Time when the next step is due, on the clock that was passed in; Infinity: only after an event. */
  readonly nextMs: number
}

interface Target {
  readonly key: string
  peer: PeerId | undefined
  member: boolean
  static: boolean
  readonly addresses: AddressBook
  state: 'idle' | 'dialling' | 'connected'
  direction: 'inbound' | 'outbound'
  connectedAtMs: number
  failures: number
  triedAtMs: number
  nextMs: number
}

/**
 * Keeps every member connected in a small mesh, and a random partial mesh beyond `fullMeshNodesMax`.
 * Pauses double from `redialFirstMs` to a cap and are jittered by a quarter. A peer that connects hints that a
 * partition has healed, so all others are tried soon. In a large mesh one unconnected member is dialled every
 * `exploreIntervalMs` besides, or two halves that refilled their connections among themselves would never meet again.
 */
export class SupervisorCore {
  readonly #targets = new Map<string, Target>()
  #refused: (peer: PeerId) => boolean = () => false
  #exploreAtMs = 0

  /** `random` gives numbers from 0 (included) to 1. */
  constructor(
    readonly self: PeerId,
    private readonly random: () => number,
  ) {}

  /** Replaces the set of members; their addresses add to those learnt elsewhere. */
  setMembers(members: readonly KnownMember[], nowMs: number): void {
    for (const target of this.#targets.values()) target.member = false
    for (const { peer, addresses } of members) {
      if (peer === this.self) continue
      const target = this.#target(peer, peer, nowMs)
      target.member = true
      target.addresses.add(addresses)
    }
    this.#dropStrangers()
  }

  /**
   * Addresses to keep connected whatever happens. One without `/p2p/` counts as reached while the peer that answered
   * there is connected.
   */
  addStatic(address: string, nowMs: number): void {
    const peer = peerOf(address)
    if (peer === this.self) return
    const target = this.#target(peer ?? address, peer, nowMs, 0)
    target.static = true
    target.addresses.add([address])
  }

  /** A peer was found at addresses (by mDNS, or by its own word): dialled soon unless it is connected. */
  learn(peer: PeerId, addresses: readonly string[], nowMs: number): void {
    if (peer === this.self) return
    const target = this.#target(peer, peer, nowMs)
    target.addresses.add(addresses)
    this.#hint(target, nowMs, 0)
    this.#dropStrangers()
  }

  /** Sets who is never dialled. */
  setRefused(refused: (peer: PeerId) => boolean): void {
    this.#refused = refused
  }

  /** Tries everyone who is not connected soon: a block was lifted, or the network came back. */
  retrySoon(nowMs: number): void {
    for (const target of this.#targets.values()) this.#hint(target, nowMs, 0)
  }

  /** A connection to a peer is open. */
  connected(peer: PeerId, direction: 'inbound' | 'outbound', nowMs: number): void {
    const healed = this.#target(peer, peer, nowMs).failures > 0
    for (const target of this.#ofPeer(peer)) {
      target.state = 'connected'
      target.direction = direction
      target.connectedAtMs = nowMs
    }
    if (!healed || !this.#isSmall()) return
    for (const target of this.#targets.values()) this.#hint(target, nowMs, this.random() * limits.hintSpacingMs)
  }

  /** The connection to a peer is gone: redialled at once after a stable one, after a pause otherwise. */
  disconnected(peer: PeerId, nowMs: number): void {
    for (const target of this.#ofPeer(peer)) {
      if (target.state !== 'connected') continue
      const stable = nowMs - target.connectedAtMs >= limits.stableConnectionMs
      target.state = 'idle'
      target.failures = stable ? 0 : Math.min(target.failures, 3) + 1
      const pause = stable ? this.random() * limits.redialFirstMs : this.#pause(target.failures)
      target.nextMs = nowMs + pause + this.#staggerMs(target)
      if (target.key !== target.peer) target.peer = undefined
    }
  }

  /**
   * A dial is over. `reached` is the peer that answered, undefined when none did; the connection itself is reported
   * through `connected`.
   */
  dialEnded(key: string, reached: { peer: PeerId; address: string } | undefined, nowMs: number): void {
    const target = this.#targets.get(key)
    if (target === undefined) return
    if (reached !== undefined) {
      target.addresses.worked(reached.address)
      if (target.peer === undefined) this.#bind(target, reached.peer)
    }
    if (target.state !== 'dialling') return
    target.state = 'idle'
    target.failures++
    const pause = this.#pause(target.failures)
    target.nextMs = nowMs + (reached === undefined ? pause : Math.max(pause, limits.identifyGraceMs))
    this.#forgetStranger(target)
  }

  /** The peers it knows of, connected or not. */
  get size(): number {
    return this.#targets.size
  }

  /** Decides what to do at this moment; the dials returned count as under way. */
  step(nowMs: number): SupervisorStep {
    const due = [...this.#targets.values()].filter((target) => this.#isDialable(target) && target.nextMs <= nowMs)
    const small = this.#isSmall()
    const chosen = small ? due : this.#choose(due, nowMs)
    const close = small ? [] : this.#explore(chosen, nowMs)
    const room = limits.dialsAtOnceMax - this.#count((target) => target.state === 'dialling')
    const dials = chosen.slice(0, Math.max(room, 0)).map((target) => this.#begin(target, nowMs))
    return { dials, close, nextMs: this.#nextMs(nowMs, small) }
  }

  #begin(target: Target, nowMs: number): Dial {
    target.state = 'dialling'
    target.triedAtMs = nowMs
    return { key: target.key, peer: target.peer, addresses: target.addresses.best() }
  }

  /** Chooses random due targets in a large mesh, up to the wanted number of dialled connections. */
  #choose(due: Target[], nowMs: number): Target[] {
    const out = this.#count((target) => target.state === 'dialling' || isOut(target))
    const wanted = limits.partialMeshDials - out
    const fixed = due.filter((target) => target.static)
    const others = shuffle(
      due.filter((target) => !target.static),
      this.random,
    )
    const chosen = [...fixed, ...others.slice(0, Math.max(wanted, 0))]
    if (nowMs >= this.#exploreAtMs && chosen.length === 0 && others[0] !== undefined) chosen.push(others[0])
    return chosen
  }

  /** Moves the exploration on; gives up old dialled connections when there are too many. */
  #explore(chosen: Target[], nowMs: number): PeerId[] {
    if (nowMs < this.#exploreAtMs) return []
    this.#exploreAtMs = nowMs + limits.exploreIntervalMs * (0.75 + this.random() / 2)
    const out = [...this.#targets.values()].filter(isOut)
    const excess = Math.min(out.length + chosen.length - limits.partialMeshDials, limits.exploreCloseMax)
    const old = out.filter((target) => !target.static && nowMs - target.connectedAtMs >= limits.exploreKeepMs)
    const given = shuffle(old, this.random).slice(0, Math.max(excess, 0))
    return given.flatMap(({ peer }) => (peer === undefined ? [] : [peer]))
  }

  #nextMs(nowMs: number, small: boolean): number {
    let next = small ? Number.POSITIVE_INFINITY : this.#exploreAtMs
    const full = this.#count((target) => target.state === 'dialling') >= limits.dialsAtOnceMax
    if (full) return next
    const satisfied = !small && this.#count((t) => t.state === 'dialling' || isOut(t)) >= limits.partialMeshDials
    for (const target of this.#targets.values()) {
      if (this.#isDialable(target) && !(satisfied && !target.static)) next = Math.min(next, target.nextMs)
    }
    return Math.max(next, nowMs)
  }

  #target(key: string, peer: PeerId | undefined, nowMs: number, delayMs?: number): Target {
    const known = this.#targets.get(key)
    if (known !== undefined) return known
    const target: Target = {
      key,
      peer,
      member: false,
      static: false,
      addresses: new AddressBook(),
      state: 'idle',
      direction: 'inbound',
      connectedAtMs: 0,
      failures: 0,
      triedAtMs: Number.NEGATIVE_INFINITY,
      nextMs: nowMs,
    }
    target.nextMs += delayMs ?? this.#staggerMs(target)
    this.#targets.set(key, target)
    return target
  }

  /** An address turned out to belong to a peer; from now on it shares that peer's fate. */
  #bind(target: Target, peer: PeerId): void {
    target.peer = peer
    const own = this.#targets.get(peer)
    if (own?.state === 'connected') {
      target.state = 'connected'
      target.connectedAtMs = own.connectedAtMs
    }
  }

  #hint(target: Target, nowMs: number, delayMs: number): void {
    if (target.state !== 'idle') return
    const spaced = Math.max(nowMs, target.triedAtMs + limits.hintSpacingMs)
    target.nextMs = Math.min(target.nextMs, spaced + delayMs + this.#staggerMs(target))
  }

  /** The greater peer id waits a little, so that pairs seldom dial at the same moment. */
  #staggerMs(target: Target): number {
    return target.peer !== undefined && this.self > target.peer ? limits.greaterPeerDelayMs : 0
  }

  #pause(failures: number): number {
    const cap = this.#isSmall() ? limits.redialSmallMeshMaxMs : limits.redialLargeMeshMaxMs
    return Math.min(limits.redialFirstMs * 2 ** (failures - 1), cap) * (0.75 + this.random() / 2)
  }

  #isDialable(target: Target): boolean {
    if (target.state !== 'idle' || target.addresses.size === 0) return false
    return target.peer === undefined || !this.#refused(target.peer)
  }

  #isSmall(): boolean {
    const others = this.#count((target) => target.key === target.peer && !this.#refused(target.key))
    return others + 1 <= fullMeshNodesMax
  }

  #ofPeer(peer: PeerId): Target[] {
    return [...this.#targets.values()].filter((target) => target.peer === peer)
  }

  #count(condition: (target: Target) => boolean): number {
    let count = 0
    for (const target of this.#targets.values()) if (condition(target)) count++
    return count
  }

  #forgetStranger(target: Target): void {
    if (!target.member && !target.static && target.failures >= limits.strangerFailuresMax) {
      this.#targets.delete(target.key)
    }
  }

  /** Bounds what mDNS or a talkative peer can make us remember: idle strangers go, oldest first. */
  #dropStrangers(): void {
    const strangers = [...this.#targets.values()].filter((t) => !t.member && !t.static && t.state === 'idle')
    for (const target of strangers.slice(0, Math.max(strangers.length - limits.strangersMax, 0))) {
      this.#targets.delete(target.key)
    }
  }
}

function isOut(target: Target): boolean {
  return target.state === 'connected' && target.direction === 'outbound' && target.key === target.peer
}

/** A shuffled copy (Fisher and Yates). */
function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const shuffled = [...items]
  for (let index = shuffled.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1))
    const item = shuffled[index] as T
    shuffled[index] = shuffled[other] as T
    shuffled[other] = item
  }
  return shuffled
}
