/** The sending side of one heartbeat channel: builds each frame from what changed since the one before. */
import type { MemberTag } from '../../../store/model/codec.js'
import type { Context } from '../../../store/model/context.js'
import type { Actor } from '../../../store/model/dot.js'
import type { PeerId } from '../../network.js'
import { heartbeatActorsAim, heartbeatContextBytesAim, heartbeatMsMax, neighboursAim } from '../limits.js'
import type { ActorRanges, Heartbeat } from '../messages.js'
import type { ChangeLog } from './changes.js'
import { actorRangesBytesMax, type Relayable, RelayWriter, trimmedRanges } from './relays.js'

/** State of a node at one moment. */
export interface LocalView {
  readonly isVerified: boolean
  readonly root: Uint8Array
  readonly contexts: Uint8Array
  /** The digest of root and contexts together. */
  readonly state: Uint8Array
  readonly list: Uint8Array
  readonly epoch: number
  /** The own applied context and its changes. */
  readonly applied: ChangeLog
  readonly neighbours: readonly MemberTag[]
  readonly wallMs: number
  readonly monotonicMs: number
}

/** Content of one heartbeat, apart from the node's own state. */
export interface BeatOptions {
  readonly wantsEarlyAcks: boolean
  readonly asks: boolean
  readonly echo: Heartbeat['echo']
  readonly knownEpoch: number | null
  /** Members that may be relayed to this receiver. */
  readonly relays: readonly Relayable[]
}

/** Builds the heartbeats of one channel. */
export class HeartbeatWriter {
  /** The peer at the other end. */
  readonly peer: PeerId
  /** The nonce of the last heartbeat. */
  nonce: number
  #root: Uint8Array | undefined
  #contexts: Uint8Array | undefined
  #list: Uint8Array | undefined
  #neighbours = ''
  #epoch: number | undefined
  #toldVersion = 0
  readonly #unsent = new Set<Actor>()
  readonly #relays = new RelayWriter()

  /**
   * `nonce`: that of the last heartbeat to this peer, on an earlier channel; nonces never repeat while the peer stays
   * connected.
   */
  constructor(peer: PeerId, nonce: number) {
    this.peer = peer
    this.nonce = nonce
  }

  /** True if the last heartbeat did not hold all changes of the applied context. */
  get hasMore(): boolean {
    return this.#unsent.size > 0
  }

  /** The next heartbeat. */
  next(view: LocalView, options: BeatOptions): Heartbeat {
    const { wantsEarlyAcks, asks, echo, knownEpoch } = options
    const isVerified = view.isVerified
    const head = {
      nonce: ++this.nonce,
      wallMs: onTheWire(view.wallMs),
      isVerified,
      wantsEarlyAcks,
      asks,
      echo,
      knownEpoch,
    }
    return {
      ...head,
      state: isVerified ? this.#state(view) : null,
      list: this.#changedList(view),
      ...this.#context(view),
      neighbours: this.#changedNeighbours(view),
      relays: isVerified ? this.#relays.next(view, options.relays, this.nonce, !this.hasMore) : [],
    }
  }

  #state({ root, contexts }: LocalView): Heartbeat['state'] {
    const isSame = this.#root !== undefined && sameBytes(this.#root, root) && sameBytes(this.#contexts!, contexts)
    this.#root = root
    this.#contexts = contexts
    return isSame ? null : { root, contexts }
  }

  #changedList({ list }: LocalView): Uint8Array | null {
    const isSame = this.#list !== undefined && sameBytes(this.#list, list)
    this.#list = list
    return isSame ? null : list
  }

  #changedNeighbours(view: LocalView): readonly MemberTag[] | null {
    const neighbours = view.neighbours.slice(0, neighboursAim)
    const text = neighbours.join()
    if (text === this.#neighbours) return null
    this.#neighbours = text
    return neighbours
  }

  /** The whole context at first, under a new epoch, and to a receiver that lags too far; changed actors otherwise. */
  #context({ isVerified, applied, epoch }: LocalView): Pick<Heartbeat, 'epoch' | 'acknowledged'> {
    // A node that became unverified starts again: what it had shown before may be lost.
    if (!isVerified) {
      this.#root = undefined
      this.#epoch = undefined
      return { epoch: null, acknowledged: [] }
    }
    const changed = this.#epoch === epoch ? applied.since(this.#toldVersion) : undefined
    if (changed === undefined) this.#unsent.clear()
    for (const actor of changed ?? applied.current.actors()) this.#unsent.add(actor)
    this.#toldVersion = applied.version
    this.#epoch = epoch
    return { epoch: changed === undefined ? epoch : null, acknowledged: this.#takeUntold(applied.current) }
  }

  #takeUntold(applied: Context): ActorRanges[] {
    const changed: ActorRanges[] = []
    let bytes = 0
    for (const actor of this.#unsent) {
      const ranges = trimmedRanges(applied.rangesOf(actor))
      bytes += actorRangesBytesMax(ranges)
      if (changed.length === heartbeatActorsAim || (changed.length > 0 && bytes > heartbeatContextBytesAim)) break
      changed.push({ actor, ranges })
      this.#unsent.delete(actor)
    }
    return changed
  }
}

/** Clamps a time to what a frame can carry: a clock may be far off. */
function onTheWire(ms: number): number {
  return Math.min(Math.max(0, Math.floor(ms)), heartbeatMsMax)
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
