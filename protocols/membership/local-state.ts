/** This node's own state in heartbeats: root and contexts, read in one turn, and read again only after a change. */
import type { Environment } from '../../store/environment.js'
import type { MemberTag } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { ChangeLog } from './core/changes.js'
import { contextsDigest, stateDigest } from './core/digest.js'
import type { LocalView } from './core/writer.js'
import { capturePauseFactor, changesKept, heartbeatMsMax, staleMsMax } from './limits.js'
import type { MembershipReplica } from './types.js'

/** The part of a replica that heartbeats show. */
type ShownReplica = Pick<MembershipReplica['sync'], 'isVerified' | 'damageEpoch' | 'capture'>

type Snapshot = Pick<LocalView, 'root' | 'contexts' | 'state'>

/** This node's own side of every heartbeat. */
export class LocalState {
  readonly #replica: ShownReplica
  readonly #environment: Environment
  readonly #list: () => Uint8Array
  readonly #applied = new ChangeLog(new Context(), changesKept)
  #snapshot: Snapshot | undefined
  #isStale = true
  #capturedMs = 0
  #restMs = 0
  #wasVerified = false
  #damageEpoch: number
  #epoch: number

  /** `list` gives the digest of the member list. */
  constructor(replica: ShownReplica, environment: Environment, list: () => Uint8Array) {
    this.#replica = replica
    this.#environment = environment
    this.#list = list
    this.#damageEpoch = replica.damageEpoch
    this.#epoch = clamp(environment.nowMs())
  }

  /** Epoch under which this run acknowledges. */
  get epoch(): number {
    return this.#epoch
  }

  /** Notes that the committed state has changed. */
  touch(): void {
    this.#isStale = true
  }

  /** True if the state has changed since the last capture. */
  get isStale(): boolean {
    return this.#isStale
  }

  /** Raises the epoch beyond one that another node knows. Returns true if it had to. */
  goBeyond(epoch: number): boolean {
    if (epoch < this.#epoch) return false
    this.#epoch = clamp(epoch + 1)
    return true
  }

  /**
   * The digest of root and contexts as they are now, as hexadecimal digits; undefined while the store is not verified.
   */
  digest(): string | undefined {
    const { state } = this.#read(true)
    return this.#wasVerified ? Buffer.from(state).toString('hex') : undefined
  }

  /** Like `digest`, but undefined also while another capture would cost a busy node too much. */
  cheapDigest(): string | undefined {
    this.#read(false)
    return this.#isStale ? undefined : this.digest()
  }

  /** Context of what has been applied here. */
  applied(): Context {
    this.#read(true)
    return this.#applied.current
  }

  /** Returns the state for the next heartbeat. Unless `ofNow`, a busy node may reuse a recent one. */
  view(neighbours: readonly MemberTag[], ofNow: boolean): LocalView {
    return {
      ...this.#read(ofNow),
      isVerified: this.#wasVerified,
      list: this.#list(),
      epoch: this.#epoch,
      applied: this.#applied,
      neighbours,
      wallMs: this.#environment.nowMs(),
      monotonicMs: this.#environment.monotonicMs(),
    }
  }

  #read(ofNow: boolean): Snapshot {
    const { isVerified, damageEpoch } = this.#replica
    if (isVerified !== this.#wasVerified) this.#snapshot = undefined
    this.#wasVerified = isVerified
    if (damageEpoch !== this.#damageEpoch) {
      this.#damageEpoch = damageEpoch
      this.#snapshot = undefined
      this.goBeyond(Math.max(this.#epoch, clamp(this.#environment.nowMs())))
    }
    const isRested = ofNow || this.#environment.monotonicMs() - this.#capturedMs >= this.#restMs
    if (this.#snapshot === undefined || (this.#isStale && isRested)) this.#snapshot = this.#capture()
    return this.#snapshot
  }

  #capture(): Snapshot {
    const startMs = this.#environment.monotonicMs()
    const capture = this.#replica.capture()
    this.#applied.advance(capture.applied)
    const contexts = contextsDigest(capture)
    this.#isStale = false
    this.#capturedMs = this.#environment.monotonicMs()
    this.#restMs = Math.min(staleMsMax, (this.#capturedMs - startMs) * capturePauseFactor)
    return { root: capture.root, contexts, state: stateDigest(capture.root, contexts) }
  }
}

function clamp(ms: number): number {
  return Math.min(Math.max(1, Math.floor(ms)), heartbeatMsMax)
}
