/**
 * What each member has durably applied, as it said itself (directly), as others passed on (relays), and as sync sessions showed.
 * A member's own word replaces; a relay only ever adds, and only under the same epoch: so a stale relay can never bring back
 * what a damaged member has taken back. Epochs rise, as incarnation numbers do in SWIM (Das et al. 2002).
 */
import type { MemberTag } from '../../../store/model/codec.js'
import { Context } from '../../../store/model/context.js'
import type { Dot } from '../../../store/model/dot.js'
import type { PeerId } from '../../network.js'
import type { ActorRanges } from '../messages.js'

/** What is known of one member. */
export interface Acknowledgement {
  /** Under which epoch it said this; 0 for what was kept on disk. */
  readonly epoch: number
  readonly context: Context
  /** The digest of its member list, as hexadecimal digits; null: not heard. */
  readonly list: string | null
  readonly isVerified: boolean
  /** The digest of its state, as hexadecimal digits; null: not heard, or not verified. */
  readonly state: string | null
  /** When the member itself said the latest of it, in monotonic milliseconds here; minus infinity: not since the start. */
  readonly takenAtMs: number
  /** The neighbour that passed it on; null: the member itself. */
  readonly by: PeerId | null
  /** Rises with each change of the context. */
  readonly stamp: number
}

/** What a heartbeat or a relay says beside the context. */
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

  /** What is known of a member. */
  get(member: MemberTag): Acknowledgement {
    return this.#acknowledgements.get(member) ?? unheard
  }

  /** Whether the member has durably applied the dot, as far as is known. One that is not verified acknowledges nothing. */
  has(member: MemberTag, dot: Dot): boolean {
    const { context, isVerified } = this.get(member)
    return isVerified && context.has(dot)
  }

  /** Members of which anything is known. */
  members(): MemberTag[] {
    return [...this.#acknowledgements.keys()]
  }

  /** The member itself begins to tell again: its context starts over, empty, under this epoch, whatever was known before. */
  restart(member: MemberTag, epoch: number): void {
    this.#change(member, { epoch, context: new Context() })
  }

  /** The member itself tells which actors changed. */
  update(member: MemberTag, changes: readonly ActorRanges[]): void {
    if (changes.length === 0) return
    const context = this.get(member).context.clone()
    for (const { actor, ranges } of changes) context.setRanges(actor, ranges)
    this.#change(member, { context })
  }

  /** What is said beside the context: kept when it is the latest. */
  observe(member: MemberTag, observation: Observation): void {
    const before = this.get(member)
    if (observation.takenAtMs >= before.takenAtMs) this.#acknowledgements.set(member, { ...before, ...observation })
  }

  /** A relay: adds under the same epoch, starts over under a greater one, and is ignored under a lesser. */
  applyRelay(member: MemberTag, epoch: number, added: Context): void {
    const before = this.get(member)
    if (epoch < before.epoch) return
    if (epoch > before.epoch) this.#change(member, { epoch, context: added.clone() })
    else this.acknowledge(member, added)
  }

  /** A sync session has shown what the member has applied. */
  acknowledge(member: MemberTag, applied: Context): void {
    const { context } = this.get(member)
    if (context.covers(applied)) return
    const united = context.clone()
    united.union(applied)
    this.#change(member, { context: united })
  }

  /** A member that was forgotten acknowledges nothing any more. */
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
