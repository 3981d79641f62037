/**
 * The state that the next batch builds on (committed or not yet), and how updates, joins and unions change it.
 * Every method runs inside one write of one batch: rows, contexts, counts and checksum move together or not at all.
 */
import type { Environment } from '../environment.js'
import type { ActorMap } from '../model/actor-map.js'
import type { Address } from '../model/address.js'
import { type HybridTime, isFuture, observe, taken, tick } from '../model/clock.js'
import { type Contexts, type MemberTag, type TaggedContexts, unknownMember } from '../model/codec.js'
import type { Context } from '../model/context.js'
import { isPlace } from '../model/digest.js'
import { type Actor, type Dot, includesDot, matcherOf, type NamedDot, sameDot } from '../model/dot.js'
import { joinVersions, staysAt } from '../model/join.js'
import type { Update, UpdateKind, Version } from '../model/update.js'
import { encodeState, type StateRow, stateKey } from '../rows/state.js'
import type { Batch } from './batch.js'
import { ContextRows } from './context-rows.js'
import { DigestRows } from './digest-rows.js'
import { DotRows } from './dot-rows.js'
import { bareVersion, Effects, whole } from './effects.js'
import { EntryRows, type TrieChange } from './entry-rows.js'
import { FeedRows } from './feed-rows.js'
import { clashesNamedMax } from './limits.js'
import { OwnRuns, type RunMemory } from './run.js'
import type { ApplyOutcome, FeedEvent, PeerEntry } from './types.js'

/** State in memory after one batch, and what the batch changed. */
export interface LedgerChanges {
  readonly seen: Context
  readonly applied: Context
  readonly state: StateRow
  readonly trie: readonly TrieChange[]
  readonly events: readonly FeedEvent[]
  readonly issued: readonly (readonly Update[])[]
  readonly contextsChanged: boolean
  /** The actors of which it changed what is known. */
  readonly changedActors: readonly Actor[]
  /** Number of changes of the mesh's own records so far. */
  readonly systemWrites: number
  /** True if addresses are marked as lost to damage. */
  readonly hasLost: boolean
}

/** Surroundings of a ledger: environment, member, clocks and listeners. */
export interface LedgerOptions {
  readonly environment: Environment
  /** The tag of this node's member. */
  readonly member: MemberTag
  readonly clockBoundMs: number
  /** Now, by the median of the own clock and the members'. */
  sharedNowMs(): number
  /** Notified of an update of a member whose time lies beyond the bound. */
  onFutureTime(time: HybridTime, member: MemberTag): void
  /** Memory that a copied process had of its runs; undefined: the first write takes a new id. */
  readonly memory?: RunMemory | undefined
  /** Notified, in words, of evidence that another copy of this process issues updates under its ids. */
  onCopyFound(what: string): void
  /** Notified of a dot that turned out to have two contents, and how many times that was so. */
  onClash(dot: Dot, clashes: number): void
  /** Notified of a row that failed its checksum. */
  onDamage(error: Error): void
}

/** Update to be issued, before it has a dot. */
export interface LedgerDraft {
  readonly address: Address
  readonly kind: UpdateKind
  readonly expiresAtMs: number | null
  readonly value: Uint8Array | null
  /** With the digests of contents that were read elsewhere. */
  readonly supersedes: readonly NamedDot[]
}

/** Counts of what honest nodes that run once never send. */
export interface Irregularities {
  /**
   * Times that one dot turned out to have two contents: a machine was cloned while it ran, or rolled back with its
   * memory.
   */
  readonly clashes: number
  /** The dots of those clashes, each once, the first `clashesNamedMax` of them. */
  readonly clashedDots: readonly Dot[]
  /** Superseded dots that were left out because they belong to another address. */
  readonly foreignDots: number
}

const noOutcome: ApplyOutcome = { news: 0, dropped: 0 }

/** The state in memory that writes run against. */
export class Ledger implements Contexts {
  /** The live entries, and what moves with them. */
  readonly entries: EntryRows
  /** The index of live dots, and the log. */
  readonly dots: DotRows
  /** The digests of dots of which the log has nothing any more. */
  readonly digests: DigestRows
  /** The change feed. */
  readonly feed: FeedRows
  /** The ids that this process issues under. */
  readonly runs: OwnRuns
  readonly #contexts: ContextRows
  readonly #effects: Effects
  readonly #options: LedgerOptions
  readonly #irregularities = { clashes: 0, clashedDots: [] as Dot[], foreignDots: 0 }
  #clock: HybridTime
  #issued: Update[][] = []
  #issuing: Update[] = []

  /** Takes over the contexts and members as they were loaded. */
  constructor(contexts: Contexts, members: ActorMap<MemberTag>, state: StateRow, options: LedgerOptions) {
    const { environment } = options
    this.#contexts = new ContextRows(contexts, members)
    this.entries = new EntryRows(state, options.onDamage)
    this.dots = new DotRows(state.logBytes, options.onDamage)
    this.digests = new DigestRows(() => environment.nowMs())
    this.runs = new OwnRuns(environment, options.onCopyFound, options.memory)
    this.feed = new FeedRows(state)
    this.#clock = state.clock
    this.#options = options
    const rows = {
      entries: this.entries,
      dots: this.dots,
      digests: this.digests,
      feed: this.feed,
      contexts: this.#contexts,
    }
    this.#effects = new Effects(rows, {
      clash: (dot) => this.#clashed(dot),
      foreignDot: () => this.#irregularities.foreignDots++,
    })
  }

  get seen(): Context {
    return this.#contexts.seen
  }

  get applied(): Context {
    return this.#contexts.applied
  }

  /** The member of each actor. */
  get members(): ActorMap<MemberTag> {
    return this.#contexts.members
  }

  /** Counts, checksum, sequence and clock as the next batch will have them. */
  get state(): StateRow {
    return { ...this.feed.state, ...this.entries.counts, clock: this.#clock, logBytes: this.dots.logBytes }
  }

  /** Counts since the start. */
  get irregularities(): Irregularities {
    return this.#irregularities
  }

  /** Runs one write: what it issues is one group; when it throws, memory and rows are as before. */
  write<T>(batch: Batch, body: () => T): T {
    const clock = this.#clock
    const issued = this.#issued.length
    this.#issuing = []
    this.#contexts.begin()
    this.runs.guard(batch)
    this.entries.guard(batch)
    this.feed.guard(batch)
    batch.onUndo(() => {
      this.#clock = clock
      this.#issued.length = issued
    })
    const result = body()
    this.entries.flush(batch)
    if (this.#issuing.length > 0) this.#issued.push(this.#issuing)
    return result
  }

  /** The live versions at an address. Throws DAMAGED_VALUE. */
  versions(batch: Batch, address: Address): readonly Version[] {
    return this.entries.read(batch, address)
  }

  /** Issues an update under a new dot of this process. */
  issue(batch: Batch, draft: LedgerDraft): Update {
    return this.issueAs(batch, () => draft)
  }

  /** Issues an update that depends on the dot and the time that it gets. */
  issueAs(batch: Batch, draftFor: (dot: Dot, time: HybridTime) => LedgerDraft): Update {
    const nowMs = this.#options.environment.nowMs()
    this.#clock = tick(this.#takenClock(nowMs), nowMs)
    const time = this.#clock
    let dot = this.#nextDot(nowMs)
    let draft = draftFor(dot, time)
    // A token of another copy of this process can name dots that were not issued here: the id ends before it could
    // issue them again.
    for (const superseded of draft.supersedes) this.runs.checkDot(superseded)
    if (this.seen.has(dot) || includesDot(draft.supersedes, dot) || this.runs.actor !== dot.actor) {
      this.runs.end()
      dot = this.#nextDot(nowMs)
      draft = draftFor(dot, time)
    }
    const { address, kind, expiresAtMs, value } = draft
    const supersedes = this.#effects.contents.named(batch, address, draft.supersedes)
    const issued: Update = { dot, address, kind, time, expiresAtMs, value, supersedes }
    const update = this.#effects.withoutForeignDots(batch, issued)
    this.#effects.apply(batch, update, whole)
    this.#issuing.push(update)
    return update
  }

  /** Applies an update of another node. Applying it again changes nothing. */
  apply(batch: Batch, update: Update, member: MemberTag): ApplyOutcome {
    return this.#applyKnown(batch, update, member, whole, false)
  }

  /**
   * Joins one address of a peer's copy that was read after `peer` was captured there (rule 3), against the state of
   * now. Its updates are applied as updates; what the peer had seen and no longer has goes, unless the peer knows
   * another content under its dot.
   */
  join(batch: Batch, entry: PeerEntry, peer: TaggedContexts): ApplyOutcome {
    let { news, dropped } = noOutcome
    const isBare = matcherOf(entry.bare)
    for (const update of entry.updates) {
      const outcome = this.#applyListed(batch, update, isBare(update.dot), peer)
      news += outcome.news
      dropped += outcome.dropped
    }
    for (const { digest, ...dot } of entry.clashes ?? []) {
      if (digest !== undefined) this.#effects.yieldTo(batch, dot, digest)
    }
    const mine = this.entries.read(batch, entry.address)
    const change = joinVersions(mine, entry.updates, this.seen, peer.seen, staysAt(entry.address, entry))
    if (change.dropped.length > 0) {
      this.entries.write(batch, entry.address, mine, change.versions)
      for (const version of change.dropped) this.#effects.remove(batch, entry.address, version)
    }
    return { news, dropped: dropped + change.dropped.length }
  }

  /** Unites a peer's captured contexts with ours (rule 1), but for the dots in `except` (rule 6). */
  unite(batch: Batch, peer: TaggedContexts, except: Context): number {
    this.checkSeen(peer.seen)
    const leftOut = this.#contexts.unite(batch, peer, except)
    this.entries.settleLost(batch)
    return leftOut
  }

  /** Keeps digests that a peer sent of dots whose updates it does not keep any more. */
  keepDigests(batch: Batch, digests: readonly NamedDot[]): void {
    for (const { digest, ...dot } of digests) {
      const ours = this.#effects.contents.of(batch, dot)
      if (digest !== undefined && (ours === undefined || isPlace(ours))) this.digests.write(batch, dot, digest)
    }
  }

  /** Looks for evidence of another copy of this process in what a peer has seen. */
  checkSeen(seen: Context): void {
    this.runs.checkSeen(seen)
  }

  /**
   * True if a version is live here that came after the two copies were compared, and that the peer had seen by then.
   * The peer may have removed it: a union would record that nothing superseded it, and only the tree would remove it
   * here again.
   */
  hasUnsettled(batch: Batch, peer: TaggedContexts, compared: Context): boolean {
    for (const dot of this.seen.minus(compared).intersection(peer.seen).dots()) {
      if (this.dots.read(batch, dot)?.state === 'live') return true
    }
    return false
  }

  /** Takes dots out of both contexts (damage: their fate is to be learnt again). */
  forgetDots(batch: Batch, dots: Iterable<Dot>): void {
    this.#contexts.forget(batch, dots)
  }

  /** Puts other contexts in place of the present ones (damage that could not be located). */
  replaceContexts(batch: Batch, contexts: Contexts): void {
    this.#contexts.replace(batch, contexts)
  }

  /** Adds the rows that go with every batch and hands over what it did to memory. */
  seal(batch: Batch): LedgerChanges {
    const contextsChanged = this.#contexts.isTouched
    const changedActors = this.#contexts.touched
    this.#contexts.seal(batch)
    const { state } = this
    batch.set(stateKey, encodeState(state))
    const changes: LedgerChanges = {
      seen: this.seen.clone(),
      applied: this.applied.clone(),
      state,
      trie: this.entries.takeTrie(),
      events: this.feed.takeEvents(),
      issued: this.#issued,
      contextsChanged,
      changedActors,
      systemWrites: this.entries.systemWrites,
      hasLost: this.entries.hasLost,
    }
    this.#issued = []
    return changes
  }

  /** A time from beyond the bound is reported, and moves no clock. */
  #observe(time: HybridTime, member: MemberTag): void {
    const { clockBoundMs, environment, onFutureTime, sharedNowMs } = this.#options
    const nowMs = sharedNowMs()
    this.#clock = observe(this.#takenClock(environment.nowMs()), time, nowMs, clockBoundMs)
    if (isFuture(time, nowMs, clockBoundMs)) onFutureTime(time, member)
  }

  /** The clock that this node goes on with; one from before the wall clock was put right is left behind. */
  #takenClock(nowMs: number): HybridTime {
    const { clockBoundMs, sharedNowMs } = this.#options
    return taken(this.#clock, Math.max(nowMs, sharedNowMs()), clockBoundMs)
  }

  #nextDot(nowMs: number): Dot {
    return this.runs.nextDot(nowMs, (actor) => this.#contexts.members.set(actor, this.#options.member))
  }

  /** One live dot of a peer's copy: an update where all of it is known, a bare version otherwise. */
  #applyListed(batch: Batch, update: Update, isBare: boolean, peer: TaggedContexts): ApplyOutcome {
    const { dot } = update
    // Without its bytes an update is of use only when its version was met here before.
    if (update.value === null && !this.seen.has(dot)) return noOutcome
    const member = peer.members.get(dot.actor) ?? unknownMember
    return this.#applyKnown(batch, update, member, isBare ? bareVersion : whole, true)
  }

  #applyKnown(
    batch: Batch,
    update: Update,
    member: MemberTag,
    knowledge: typeof whole,
    isLiveThere: boolean,
  ): ApplyOutcome {
    this.runs.checkDot(update.dot)
    for (const superseded of update.supersedes) this.runs.checkDot(superseded)
    if (this.seen.has(update.dot)) {
      const settled = this.#effects.settle(batch, update, isLiveThere)
      if (settled !== undefined) return settled
      // A bare version says no more than that it was seen.
      if (this.applied.has(update.dot) || !knowledge.counts) return noOutcome
    }
    this.#contexts.setMember(batch, update.dot.actor, member)
    this.#observe(update.time, member)
    return this.#effects.apply(batch, this.#effects.withoutForeignDots(batch, update), knowledge)
  }

  #clashed({ actor, counter }: Dot): void {
    const { clashedDots } = this.#irregularities
    const dot = { actor, counter }
    const isNamed = clashedDots.some((one) => sameDot(one, dot))
    if (!isNamed && clashedDots.length < clashesNamedMax) clashedDots.push(dot)
    this.#options.onClash(dot, ++this.#irregularities.clashes)
    this.runs.copyFound(actor, `dot ${actor}:${counter} has two contents`)
  }
}
