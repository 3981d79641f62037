/**
 * The state that the next batch builds on (committed or not yet), and how updates, joins and unions change it.
 * Every method runs inside one write of one batch: rows, contexts, counts and checksum move together or not at all.
 */
import type { Environment } from '../environment.js'
import { contextKey, type DotRow, encodeContext, encodeState, entryKey, type StateRow, stateKey } from '../keyspace.js'
import type { Address } from '../model/address.js'
import { type HybridTime, observe, tick } from '../model/clock.js'
import { type Contexts, type MemberTag, type TaggedContexts, unknownMember } from '../model/codec.js'
import { Context } from '../model/context.js'
import { entryDigest } from '../model/digest.js'
import { type Actor, compareDots, type Dot, includesDot, sameDot } from '../model/dot.js'
import { applyUpdate, joinVersions, sameVersion } from '../model/join.js'
import type { Update, UpdateKind, Version } from '../model/update.js'
import type { Batch } from './batch.js'
import { DotRows, stubRow } from './dot-rows.js'
import { EntryRows, type TrieChange } from './entry-rows.js'
import { FeedRows } from './feed-rows.js'
import { OwnRun } from './run.js'
import type { ApplyOutcome, FeedEvent, PeerEntry } from './types.js'

/** What one batch did to the state in memory. */
export interface LedgerChanges {
  readonly seen: Context
  readonly applied: Context
  readonly state: StateRow
  readonly trie: readonly TrieChange[]
  readonly events: readonly FeedEvent[]
  readonly issued: readonly (readonly Update[])[]
  readonly contextsChanged: boolean
  /** How many changes of the mesh's own records there were so far. */
  readonly systemWrites: number
  /** Whether addresses are marked as lost. */
  readonly hasLost: boolean
}

/** What the ledger needs to know of its surroundings. */
export interface LedgerOptions {
  readonly environment: Environment
  /** The tag of this node's member. */
  readonly member: MemberTag
  readonly clockBoundMs: number
  /** Told of a dot of our own that we did not issue, and of a dot issued twice: a cloned or rolled-back disk. */
  onIdentityClash(what: string): void
  /** Told of a row that failed its checksum. */
  onDamage(error: Error): void
}

/** What is issued, before it has a dot. */
export interface Draft {
  readonly address: Address
  readonly kind: UpdateKind
  readonly expiresAtMs: number | null
  readonly value: Uint8Array | null
  readonly supersedes: readonly Dot[]
}

/** How much of an update is known. */
interface Knowledge {
  /** What it superseded is not known. */
  readonly bare: boolean
  /** It counts as applied: all of its effects are in the state with this write. */
  readonly counts: boolean
}

const whole: Knowledge = { bare: false, counts: true }
const bareVersion: Knowledge = { bare: true, counts: false }
const noOutcome: ApplyOutcome = { news: 0, dropped: 0 }

/** The state in memory that writes run against. */
export class Ledger implements Contexts {
  readonly seen: Context
  readonly applied: Context
  readonly members: Map<Actor, MemberTag>
  /** The live entries, and what moves with them. */
  readonly entries: EntryRows
  /** The index of live dots, and the log. */
  readonly dots: DotRows
  /** The change feed. */
  readonly feed: FeedRows
  readonly #run: OwnRun
  readonly #options: LedgerOptions
  #clock: HybridTime
  readonly #touched = new Set<Actor>()
  /** Actors whose ranges before the present write are noted. */
  readonly #remembered = new Set<Actor>()
  #issued: Update[][] = []
  #issuing: Update[] = []

  /** Takes over the contexts and members as they were loaded. */
  constructor(contexts: Contexts, members: Map<Actor, MemberTag>, state: StateRow, options: LedgerOptions) {
    this.seen = contexts.seen
    this.applied = contexts.applied
    this.members = members
    this.entries = new EntryRows(state, options.onDamage)
    this.dots = new DotRows(state.logBytes, options.onDamage)
    this.#run = new OwnRun(options.environment, options.onIdentityClash)
    this.feed = new FeedRows(state)
    this.#clock = state.clock
    this.#options = options
  }

  /** Counts, checksum, sequence and clock as the next batch will have them. */
  get state(): StateRow {
    return { ...this.feed.state, ...this.entries.counts, clock: this.#clock, logBytes: this.dots.logBytes }
  }

  /** The id that this run issues under; undefined before its first write. */
  get actor(): Actor | undefined {
    return this.#run.actor
  }

  /** Ends the run: the next write takes a new id. */
  endRun(): void {
    this.#run.end()
  }

  /** Runs one write: what it issues is one group; when it throws, memory and rows are as before. */
  write<T>(batch: Batch, body: () => T): T {
    const clock = this.#clock
    const issued = this.#issued.length
    this.#issuing = []
    this.#remembered.clear()
    this.#run.guard(batch)
    this.entries.guard(batch)
    this.feed.guard(batch)
    batch.onUndo(() => {
      this.#clock = clock
      this.#issued.length = issued
    })
    const result = body()
    if (this.#issuing.length > 0) this.#issued.push(this.#issuing)
    return result
  }

  /** The live versions at an address. Throws DAMAGED_VALUE. */
  versions(batch: Batch, address: Address): readonly Version[] {
    return this.entries.read(batch, entryKey(address))
  }

  /** Issues an update under a new dot of this run. */
  issue(batch: Batch, draft: Draft): Update {
    return this.issueAs(batch, () => draft)
  }

  /** Issues an update that depends on the dot it gets. */
  issueAs(batch: Batch, draftFor: (dot: Dot) => Draft): Update {
    const nowMs = this.#options.environment.nowMs()
    const dot = this.#run.nextDot(nowMs, (actor) => this.members.set(actor, this.#options.member))
    const draft = draftFor(dot)
    this.#clock = tick(this.#clock, nowMs)
    const supersedes = [...draft.supersedes].sort(compareDots)
    const update: Update = { ...draft, dot, time: this.#clock, supersedes }
    this.#applyNews(batch, update, whole)
    this.#issuing.push(update)
    return update
  }

  /** Applies an update of another node. Applying it again changes nothing. */
  apply(batch: Batch, update: Update, member: MemberTag): ApplyOutcome {
    this.#run.checkDot(update.dot)
    if (this.applied.has(update.dot)) {
      this.#settleClashOf(batch, update)
      return noOutcome
    }
    this.#setMember(batch, update.dot.actor, member)
    const { environment, clockBoundMs } = this.#options
    this.#clock = observe(this.#clock, update.time, environment.nowMs(), clockBoundMs)
    return this.#applyNews(batch, update, whole)
  }

  /**
   * Joins one address of a peer's copy that was read after `peer` was captured there (rule 3), against the state of now.
   * Its updates are applied as updates; what the peer had seen and no longer has goes.
   */
  join(batch: Batch, entry: PeerEntry, peer: TaggedContexts): ApplyOutcome {
    let { news, dropped } = noOutcome
    for (const update of entry.updates) {
      const outcome = this.#applyListed(batch, update, entry, peer)
      news += outcome.news
      dropped += outcome.dropped
    }
    const key = entryKey(entry.address)
    const mine = this.entries.read(batch, key)
    const change = joinVersions(mine, entry.updates, this.seen, peer.seen)
    if (change.dropped.length > 0) {
      this.entries.write(batch, entry.address, key, mine, change.versions)
      for (const version of change.dropped) this.#removed(batch, entry.address, version)
    }
    return { news, dropped: dropped + change.dropped.length }
  }

  /** Unites a peer's captured contexts with ours (rule 1), but for the dots in `except` (rule 6). */
  unite(batch: Batch, peer: TaggedContexts, except: Context): void {
    this.#run.checkSeen(peer.seen)
    for (const [mine, theirs] of [
      [this.seen, peer.seen],
      [this.applied, peer.applied],
    ] as const) {
      const news = theirs.minus(mine).minus(except)
      for (const actor of news.actors()) {
        this.#rememberRanges(batch, actor)
        if (!this.members.has(actor)) this.#setMember(batch, actor, peer.members.get(actor) ?? unknownMember)
      }
      mine.union(news)
    }
    this.entries.settleLost(batch)
  }

  /**
   * Whether a version is live here that came after the peer was compared with us, and that the peer had seen by then: the peer may have
   * removed it. A union would say that it was never superseded, and nothing but the tree would take it away again.
   */
  hasUnsettled(batch: Batch, peer: TaggedContexts, compared: Context): boolean {
    for (const dot of this.seen.minus(compared).intersection(peer.seen).dots()) {
      if (this.dots.read(batch, dot)?.state === 'live') return true
    }
    return false
  }

  /** Takes dots out of both contexts (damage: their fate is to be learnt again). */
  forgetDots(batch: Batch, dots: Iterable<Dot>): void {
    const lost = Context.of(dots)
    for (const actor of lost.actors()) {
      this.#rememberRanges(batch, actor)
      for (const context of [this.seen, this.applied]) {
        const kept = new Context(new Map([[actor, context.rangesOf(actor)]])).minus(lost)
        context.setRanges(actor, kept.rangesOf(actor))
      }
    }
  }

  /** Puts other contexts in place of the present ones (damage that could not be located). */
  replaceContexts(batch: Batch, contexts: Contexts): void {
    for (const actor of new Set([...this.seen.actors(), ...contexts.seen.actors()])) {
      this.#rememberRanges(batch, actor)
      this.seen.setRanges(actor, contexts.seen.rangesOf(actor))
      this.applied.setRanges(actor, contexts.applied.rangesOf(actor))
    }
  }

  /** Adds the rows that go with every batch and hands over what it did to memory. */
  seal(batch: Batch): LedgerChanges {
    for (const actor of this.#touched) {
      const key = contextKey(actor)
      const member = this.members.get(actor) ?? unknownMember
      const row = { member, seen: this.seen.rangesOf(actor), applied: this.applied.rangesOf(actor) }
      batch.set(key, row.seen.length === 0 ? null : encodeContext(key, row))
    }
    const { state } = this
    batch.set(stateKey, encodeState(state))
    const changes: LedgerChanges = {
      seen: this.seen.clone(),
      applied: this.applied.clone(),
      state,
      trie: this.entries.takeTrie(),
      events: this.feed.takeEvents(),
      issued: this.#issued,
      contextsChanged: this.#touched.size > 0,
      systemWrites: this.entries.systemWrites,
      hasLost: this.entries.hasLost,
    }
    this.#touched.clear()
    this.#issued = []
    return changes
  }

  /** One live dot of a peer's copy: an update where all of it is known, a bare version otherwise. */
  #applyListed(batch: Batch, update: Update, entry: PeerEntry, peer: TaggedContexts): ApplyOutcome {
    const { dot } = update
    const member = peer.members.get(dot.actor) ?? unknownMember
    // Without its bytes an update is of use only when its version was met here before.
    if (update.value === null && !this.seen.has(dot)) return noOutcome
    if (!includesDot(entry.bare, dot)) return this.apply(batch, update, member)
    this.#run.checkDot(dot)
    if (this.seen.has(dot)) {
      this.#settleClashOf(batch, update)
      return noOutcome
    }
    this.#setMember(batch, dot.actor, member)
    // What it superseded is not known: it stays hollow until its own update comes, or a complete pass is united.
    return this.#applyNews(batch, update, bareVersion)
  }

  /** The change itself, of an update that was not applied here before. */
  #applyNews(batch: Batch, update: Update, knowledge: Knowledge): ApplyOutcome {
    const { dot, address } = update
    const key = entryKey(address)
    const before = this.entries.read(batch, key)
    const known = this.seen.has(dot) ? this.dots.read(batch, dot) : undefined
    const change = applyUpdate(before, update, this.seen)
    this.entries.write(batch, address, key, before, change.versions)
    for (const superseded of update.supersedes) this.#supersede(batch, superseded, update, change.dropped)
    const isLive = change.versions.some((version) => sameDot(version.dot, dot))
    this.#writeDotRow(batch, update, isLive, known, knowledge.bare)
    this.#addDot(batch, this.seen, dot)
    if (knowledge.counts) this.#addDot(batch, this.applied, dot)
    for (const theirs of change.clashes) this.#settleClash(batch, address, theirs)
    return { news: 1, dropped: change.dropped.length }
  }

  #writeDotRow(batch: Batch, update: Update, isLive: boolean, known: DotRow | undefined, bare: boolean): void {
    const { dot, address, kind, time, expiresAtMs, supersedes } = update
    const supersededBy = isLive ? null : (known?.supersededBy ?? null)
    // A put seen before and gone, of which nobody here knows what superseded it, could not be sent on safely: it is not logged.
    const isLogged = isLive || kind !== 'put' || supersededBy !== null || !this.seen.has(dot)
    if (!isLogged) return
    const sequence = this.feed.placeOf(batch, update, known)
    const value = isLive ? null : update.value
    const state = isLive ? 'live' : 'logged'
    this.dots.write(batch, dot, {
      state,
      kind,
      bare,
      sequence,
      address,
      time,
      expiresAtMs,
      supersedes,
      supersededBy,
      value,
    })
  }

  /** What becomes of the dot row of a dot that an update superseded. */
  #supersede(batch: Batch, superseded: Dot, by: Update, dropped: readonly Version[]): void {
    const row = this.seen.has(superseded) ? this.dots.read(batch, superseded) : undefined
    const version = dropped.find((other) => sameDot(other.dot, superseded))
    if (version !== undefined && row?.state === 'live') {
      this.dots.write(batch, superseded, { ...row, state: 'logged', supersededBy: by.dot, value: version.value })
    } else if (row !== undefined && row.supersededBy === null) {
      this.dots.write(batch, superseded, { ...row, supersededBy: by.dot })
    } else if (row === undefined && !this.seen.has(superseded)) {
      this.dots.write(batch, superseded, stubRow(by))
    }
    this.#addDot(batch, this.seen, superseded)
  }

  /** A version that the peer had seen and no longer has is gone: so is its dot row. */
  #removed(batch: Batch, address: Address, version: Version): void {
    const arrival = this.dots.read(batch, version.dot)?.sequence ?? 0
    this.dots.write(batch, version.dot, null)
    this.feed.remove(batch, address, version, arrival)
  }

  #addDot(batch: Batch, context: Context, dot: Dot): void {
    if (context.has(dot)) return
    this.#rememberRanges(batch, dot.actor)
    context.add(dot)
  }

  /** Marks an actor's context row as changed, and notes how to undo what follows; once for each actor and write is enough. */
  #rememberRanges(batch: Batch, actor: Actor): void {
    if (this.#remembered.has(actor)) return
    this.#remembered.add(actor)
    const seen = this.seen.rangesOf(actor)
    const applied = this.applied.rangesOf(actor)
    batch.onUndo(() => {
      this.seen.setRanges(actor, seen)
      this.applied.setRanges(actor, applied)
    })
    this.#touched.add(actor)
    batch.touch()
  }

  #setMember(batch: Batch, actor: Actor, member: MemberTag): void {
    const before = this.members.get(actor)
    if (before === member || (before !== undefined && member === unknownMember)) return
    this.#rememberRanges(batch, actor)
    this.members.set(actor, member)
  }

  #settleClashOf(batch: Batch, update: Update): void {
    if (update.kind !== 'put' || update.value === null) return
    const live = this.versions(batch, update.address).find((version) => sameDot(version.dot, update.dot))
    if (live === undefined) return
    const change = applyUpdate([live], update, this.seen)
    for (const theirs of change.clashes) this.#settleClash(batch, update.address, theirs)
  }

  /** One dot, two values: the greater digest keeps the dot, the other bytes get a dot of their own. Both stay. */
  #settleClash(batch: Batch, address: Address, theirs: Version): void {
    const before = this.versions(batch, address)
    const mine = before.find((version) => sameDot(version.dot, theirs.dot))
    if (mine === undefined || sameVersion(mine, theirs)) return
    const noId = new Uint8Array(0)
    const theirsKeeps = Buffer.compare(entryDigest(noId, [theirs]), entryDigest(noId, [mine])) > 0
    const [winner, loser] = theirsKeeps ? [theirs, mine] : [mine, theirs]
    const after = before.map((version) => (version === mine ? winner : version))
    if (theirsKeeps) this.entries.write(batch, address, entryKey(address), before, after)
    this.#options.onIdentityClash(
      `dot ${theirs.dot.actor}:${theirs.dot.counter} was issued twice with different values`,
    )
    if (after.some((version) => Buffer.compare(version.valueHash, loser.valueHash) === 0)) return
    this.issue(batch, { address, kind: 'put', expiresAtMs: loser.expiresAtMs, value: loser.value, supersedes: [] })
  }
}
