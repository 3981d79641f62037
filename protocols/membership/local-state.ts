/** What this node shows of itself in heartbeats: root and contexts, read in one turn, and read again only after a change. */
import type { Environment } from '../../store/environment.js'
import type { MemberTag } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { ChangeLog } from './core/changes.js'
import { contextsDigest, stateDigest } from './core/digest.js'
import type { LocalView } from './core/writer.js'
import { changesKept, heartbeatMsMax } from './limits.js'
import type { MembershipReplica } from './types.js'

type Snapshot = Pick<LocalView, 'root' | 'contexts' | 'state'>

/** This node's own side of every heartbeat. */
export class LocalState {
  readonly #replica: MembershipReplica
  readonly #environment: Environment
  readonly #list: () => Uint8Array
  readonly #applied = new ChangeLog(new Context(), changesKept)
  #snapshot: Snapshot | undefined
  #wasVerified = false
  #damageEpoch: number
  #epoch: number

  /** `list` gives the digest of the member list. */
  constructor(replica: MembershipReplica, environment: Environment, list: () => Uint8Array) {
    this.#replica = replica
    this.#environment = environment
    this.#list = list
    this.#damageEpoch = replica.damageEpoch
    this.#epoch = clamp(environment.nowMs())
  }

  /** Under which epoch this run acknowledges. */
  get epoch(): number {
    return this.#epoch
  }

  /** The committed state has changed. */
  touch(): void {
    this.#snapshot = undefined
  }

  /** Another node knows a greater epoch of this one: goes beyond it. Returns whether it had to. */
  goBeyond(epoch: number): boolean {
    if (epoch < this.#epoch) return false
    this.#epoch = clamp(epoch + 1)
    return true
  }

  /** The digest of root and contexts as they are now, as hexadecimal digits; undefined while the store is not verified. */
  digest(): string | undefined {
    const { state } = this.#read()
    return this.#wasVerified ? Buffer.from(state).toString('hex') : undefined
  }

  /** What has been applied here. */
  applied(): Context {
    this.#read()
    return this.#applied.current
  }

  /** What the next heartbeat shows. */
  view(neighbours: readonly MemberTag[]): LocalView {
    return {
      ...this.#read(),
      isVerified: this.#wasVerified,
      list: this.#list(),
      epoch: this.#epoch,
      applied: this.#applied,
      neighbours,
      wallMs: this.#environment.nowMs(),
      monotonicMs: this.#environment.monotonicMs(),
    }
  }

  #read(): Snapshot {
    const { isVerified, damageEpoch } = this.#replica
    if (isVerified !== this.#wasVerified) this.#snapshot = undefined
    this.#wasVerified = isVerified
    if (damageEpoch !== this.#damageEpoch) {
      this.#damageEpoch = damageEpoch
      this.#snapshot = undefined
      this.goBeyond(Math.max(this.#epoch, clamp(this.#environment.nowMs())))
    }
    this.#snapshot ??= this.#capture()
    return this.#snapshot
  }

  #capture(): Snapshot {
    const capture = this.#replica.capture()
    this.#applied.advance(capture.applied)
    const contexts = contextsDigest(capture)
    return { root: capture.root, contexts, state: stateDigest(capture.root, contexts) }
  }
}

function clamp(ms: number): number {
  return Math.min(Math.max(1, Math.floor(ms)), heartbeatMsMax)
}
