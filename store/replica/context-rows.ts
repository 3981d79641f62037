/** Both contexts and the members of actors as the writer changes them, and the rows that go with them. */
import type { ActorMap } from '../model/actor-map.js'
import { type Contexts, type MemberTag, type TaggedContexts, unknownMember } from '../model/codec.js'
import { Context } from '../model/context.js'
import type { Actor, Dot } from '../model/dot.js'
import { contextKey, encodeContext } from '../rows/contexts.js'
import type { Batch } from './batch.js'
import { unionActorsMax } from './limits.js'

/** The contexts that the next batch builds on. */
export class ContextRows implements Contexts {
  readonly seen: Context
  readonly applied: Context
  readonly members: ActorMap<MemberTag>
  /** Actors whose row is to be written with the batch. */
  readonly #touched = new Set<Actor>()
  /** Actors whose ranges before the present write are noted. */
  readonly #remembered = new Set<Actor>()

  constructor({ seen, applied }: Contexts, members: ActorMap<MemberTag>) {
    this.seen = seen
    this.applied = applied
    this.members = members
  }

  /** A new write begins: what it changes is noted from now on. */
  begin(): void {
    this.#remembered.clear()
  }

  /** True if the batch changes a context or the member of an actor. */
  get isTouched(): boolean {
    return this.#touched.size > 0
  }

  /** The actors of which the batch changes what is known. */
  get touched(): readonly Actor[] {
    return [...this.#touched]
  }

  /** Adds a dot to the seen context. */
  addSeen(batch: Batch, dot: Dot): void {
    this.#add(batch, this.seen, dot)
  }

  /** Adds a dot to both contexts. */
  addApplied(batch: Batch, dot: Dot): void {
    this.#add(batch, this.seen, dot)
    this.#add(batch, this.applied, dot)
  }

  /** Names the member of an actor; what is known is never replaced by "unknown". */
  setMember(batch: Batch, actor: Actor, member: MemberTag): void {
    const before = this.members.get(actor)
    if (before === member || (before !== undefined && member === unknownMember)) return
    this.#remember(batch, actor)
    this.members.set(actor, member)
  }

  /**
   * Unites a peer's contexts with ours, but for the dots in `refused`, and for those of actors beyond a number of new
   * ones. Where actors are left out the seen context alone is united: an update that superseded a dot of theirs must
   * not count as applied before that dot is seen. Returns how many actors were left out.
   */
  unite(batch: Batch, peer: TaggedContexts, refused: Context): number {
    const beyond = this.#newActors(peer.seen).slice(unionActorsMax)
    const except = refused.clone()
    for (const actor of beyond) except.setRanges(actor, peer.seen.rangesOf(actor))
    const applied = beyond.length === 0 ? peer.applied : new Context()
    for (const [mine, theirs] of [
      [this.seen, peer.seen],
      [this.applied, applied],
    ] as const) {
      const news = theirs.minus(mine).minus(except)
      for (const actor of news.actors()) {
        this.#remember(batch, actor)
        if (!this.members.has(actor)) this.setMember(batch, actor, peer.members.get(actor) ?? unknownMember)
      }
      mine.union(news)
    }
    return beyond.length
  }

  /** Actors that a peer has seen and that are new here, in ascending order. */
  #newActors(peerSeen: Context): Actor[] {
    const news = peerSeen.minus(this.seen)
    return news.actors().filter((actor) => this.seen.rankOf(actor) === undefined)
  }

  /** Takes dots out of both contexts. */
  forget(batch: Batch, dots: Iterable<Dot>): void {
    const lost = Context.of(dots)
    for (const actor of lost.actors()) {
      this.#remember(batch, actor)
      for (const context of [this.seen, this.applied]) {
        const kept = new Context(new Map([[actor, context.rangesOf(actor)]])).minus(lost)
        context.setRanges(actor, kept.rangesOf(actor))
      }
    }
  }

  /** Puts other contexts in place of the present ones. */
  replace(batch: Batch, contexts: Contexts): void {
    for (const actor of new Set([...this.seen.actors(), ...contexts.seen.actors()])) {
      this.#remember(batch, actor)
      this.seen.setRanges(actor, contexts.seen.rangesOf(actor))
      this.applied.setRanges(actor, contexts.applied.rangesOf(actor))
    }
  }

  /** Writes the rows of the actors that the batch changed. */
  seal(batch: Batch): void {
    for (const actor of this.#touched) {
      const key = contextKey(actor)
      const member = this.members.get(actor) ?? unknownMember
      const row = { member, seen: this.seen.rangesOf(actor), applied: this.applied.rangesOf(actor) }
      batch.set(key, row.seen.length === 0 ? null : encodeContext(key, row))
    }
    this.#touched.clear()
  }

  #add(batch: Batch, context: Context, dot: Dot): void {
    if (context.has(dot)) return
    this.#remember(batch, dot.actor)
    context.add(dot)
  }

  /** Marks an actor's row as changed, and notes how to undo what follows; once for each actor and write is enough. */
  #remember(batch: Batch, actor: Actor): void {
    if (this.#remembered.has(actor)) return
    this.#remembered.add(actor)
    const seen = this.seen.rangesOf(actor)
    const applied = this.applied.rangesOf(actor)
    const member = this.members.get(actor)
    batch.onUndo(() => {
      this.seen.setRanges(actor, seen)
      this.applied.setRanges(actor, applied)
      if (member === undefined) this.members.delete(actor)
      else this.members.set(actor, member)
    })
    this.#touched.add(actor)
    batch.touch()
  }
}
