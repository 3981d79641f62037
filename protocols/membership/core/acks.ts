/**
 * The table of what each member has durably applied: as it said itself, as others relayed it, and as sync sessions
 * showed it. A member's own statement replaces; a relay only ever adds, and only under the same epoch, so that a stale
 * relay can never bring back what a damaged member has taken back. Epochs rise, as incarnation numbers do in SWIM (Das
 * et al. 2002).
 */
import type { MemberTag } from '../../../store/model/codec.js'
import { Context } from '../../../store/model/context.js'
import type { Dot } from '../../../store/model/dot.js'
import type { PeerId } from '../../network.js'
import type { ActorRanges } from '../messages.js'

/** State of one member, as far as is known. */
export interface Acknowledgement {
  /** Epoch under which it acknowledged; 0 for what was kept on disk. */
  readonly epoch: number
  readonly context: Context
  /** The digest of its member list, as hexadecimal digits; null: not heard. */
  readonly list: string | null
  readonly isVerified: boolean
  /** The digest of its state, as hexadecimal digits; null: not heard, or not verified. */
  readonly state: string | null
  /** Time of the member's latest own statement, in monotonic milliseconds here; minus infinity: not since the start. */
  readonly takenAtMs: number
  /** The neighbour that passed it on; null: the member itself. */
  readonly by: PeerId | null
  /** Rises with each change of the context. */
  readonly stamp: number
}

/** Content of a heartbeat or a relay, apart from the context. */
export type Observation = Pick<Acknowledgement, 'list' | 'isVerified' | 'state' | 'takenAtMs' | 'by'>

const unheard: Acknowledgement = {
  epoch: 0,
  context: new Context(),
  list: null,
  isVerified: true,
  state: null,
  takenAtMs: Number.NEGATIVE_INFINITY,
  by: null,
  stamp: 0,
}

/** The acknowledgements of all members. */
export class AckTable {
  readonly #acknowledgements = new Map<MemberTag, Acknowledgement>()
  readonly #unsaved = new Set<MemberTag>()
  #stamp = 0

  /** Takes what was kept on disk. */
  load(kept: ReadonlyMap<MemberTag, Context>): void {
    for (const [member, context] of kept) this.#acknowledgements.set(member, { ...unheard, context })
  }

  /** Returns what is known of a member. */
  get(member: MemberTag): Acknowledgement {
    return this.#acknowledgements.get(member) ?? unheard
  }

  /**
   * True if the member has durably applied the dot, as far as is known. One that is not verified acknowledges nothing.
   */
  has(member: MemberTag, dot: Dot): boolean {
    const { context, isVerified } = this.get(member)
    return isVerified && context.has(dot)
  }

  /** Members of which anything is known. */
  members(): MemberTag[] {
    return [...this.#acknowledgements.keys()]
  }

  /** Starts the member's context over, empty, under this epoch, whatever was known before. */
  restart(member: MemberTag, epoch: number): void {
    this.#change(member, { epoch, context: new Context() })
  }

  /** Applies the changed actors that the member itself sent. */
  update(member: MemberTag, changes: readonly ActorRanges[]): void {
    if (changes.length === 0) return
    const context = this.get(member).context.clone()
    for (const { actor, ranges } of changes) context.setRanges(actor, ranges)
    this.#change(member, { context })
  }

  /** Records the content of a heartbeat or relay, apart from the context, if it is the latest. */
  observe(member: MemberTag, observation: Observation): void {
    const before = this.get(member)
    if (observation.takenAtMs >= before.takenAtMs) this.#acknowledgements.set(member, { ...before, ...observation })
  }

  /** Applies a relay: adds under the same epoch, starts over under a greater one, ignores a smaller one. */
  applyRelay(member: MemberTag, epoch: number, added: Context): void {
    const before = this.get(member)
    if (epoch < before.epoch) return
    if (epoch > before.epoch) this.#change(member, { epoch, context: added.clone() })
    else this.acknowledge(member, added)
  }

  /** Adds what the member has applied, as a sync session showed it. */
  acknowledge(member: MemberTag, applied: Context): void {
    const { context } = this.get(member)
    if (context.covers(applied)) return
    const united = context.clone()
    united.union(applied)
    this.#change(member, { context: united })
  }

  /** Deletes the acknowledgement of a forgotten member. */
  forget(member: MemberTag): void {
    this.#acknowledgements.delete(member)
    this.#unsaved.delete(member)
  }

  /** The members whose context changed since the last call. */
  takeUnsaved(): MemberTag[] {
    const members = [...this.#unsaved]
    this.#unsaved.clear()
    return members
  }

  #change(member: MemberTag, change: Partial<Acknowledgement>): void {
    this.#acknowledgements.set(member, { ...this.get(member), ...change, stamp: ++this.#stamp })
    this.#unsaved.add(member)
  }
}
