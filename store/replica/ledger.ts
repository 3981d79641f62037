/**
 * The state that the next batch builds on (committed or not yet), and how updates, joins and unions change it.
 * Every method runs inside one write of one batch: rows, contexts, counts and checksum move together or not at all.
 */
import type { Environment } from '../environment.js'
import { HearsayError } from '../errors.js'
import {
  baselineKey,
  type Checksum,
  contextKey,
  type DotRow,
  deadlineKey,
  decodeDotRow,
  decodeVersions,
  dotKey,
  encodeContext,
  encodeDotRow,
  encodeFeed,
  encodeState,
  encodeVersions,
  entryKey,
  feedKey,
  fingerprint,
  isDamage,
  isLiveRow,
  type StateRow,
  shiftChecksum,
  stateKey,
} from '../keyspace.js'
import { type Address, addressText, isUserAddress } from '../model/address.js'
import { observe, tick } from '../model/clock.js'
import { type Contexts, type MemberTag, type TaggedContexts, unknownMember } from '../model/codec.js'
import { Context } from '../model/context.js'
import { isBaseline } from '../model/counter.js'
import { addressId, entryDigest } from '../model/digest.js'
import { type Actor, actorBytes, compareDots, type Dot, includesDot, sameDot } from '../model/dot.js'
import { applyUpdate, joinVersions, sameVersion } from '../model/join.js'
import type { Update, UpdateKind, Version } from '../model/update.js'
import type { Batch } from './batch.js'
import { clockJumpMs } from './limits.js'
import type { ApplyOutcome, FeedEvent, PeerEntry } from './types.js'

/** A change of the trie that goes with a batch. */
export interface TrieChange {
  readonly id: Uint8Array
  /** Null: the entry is gone. */
  readonly digest: Uint8Array | null
  readonly locator: Dot | null
}

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

/** One run of this store: the id under which it issues. */
interface Run {
  readonly actor: Actor
  counter: number
  /** The wall clock against the monotonic one at the last write, in milliseconds. */
  clockOffsetMs: number
}

const whole: Knowledge = { bare: false, counts: true }
const bareVersion: Knowledge = { bare: true, counts: false }
const noOutcome: ApplyOutcome = { news: 0, dropped: 0 }

/** The state in memory that writes run against. */
export class Ledger implements Contexts {
  readonly seen: Context
  readonly applied: Context
  readonly members: Map<Actor, MemberTag>
  /** Bytes of the log rows of updates whose version is no longer live. */
  logBytes: number
  /** How many changes of the mesh's own records there were so far, committed or not. */
  systemWrites = 0
  #state: StateRow
  #run: Run | undefined
  readonly #options: LedgerOptions
  readonly #touched = new Set<Actor>()
  /** Actors whose ranges before the present write are noted. */
  readonly #remembered = new Set<Actor>()
  #trie = new Map<string, TrieChange>()
  #events: FeedEvent[] = []
  #issued: Update[][] = []
  #issuing: Update[] = []
  readonly #lost = new Map<string, Address>()
  #reopened = Number.POSITIVE_INFINITY

  /** Takes over the contexts and members as they were loaded. */
  constructor(contexts: Contexts, members: Map<Actor, MemberTag>, state: StateRow, options: LedgerOptions) {
    this.seen = contexts.seen
    this.applied = contexts.applied
    this.members = members
    this.#state = state
    this.logBytes = state.logBytes
    this.#options = options
  }

  /** Counts, checksum, sequence and clock as the next batch will have them. */
  get state(): StateRow {
    return this.#state
  }

  /** The id that this run issues under; undefined before its first write. */
  get actor(): Actor | undefined {
    return this.#run?.actor
  }

  /** Ends the run: the next write takes a new id. */
  endRun(): void {
    this.#run = undefined
  }

  /** Runs one write: what it issues is one group; when it throws, memory and rows are as before. */
  write<T>(batch: Batch, body: () => T): T {
    const { state, events, issued, run } = {
      state: this.#state,
      events: this.#events.length,
      issued: this.#issued.length,
      run: this.#run,
    }
    const counter = run?.counter
    this.#issuing = []
    this.#remembered.clear()
    batch.onUndo(() => {
      this.#state = state
      this.#events.length = events
      this.#issued.length = issued
      this.#run = run
      if (run !== undefined) run.counter = counter!
    })
    const result = body()
    if (this.#issuing.length > 0) this.#issued.push(this.#issuing)
    return result
  }

  /** The live versions at an address. Throws DAMAGED_VALUE. */
  versions(batch: Batch, address: Address, key: Buffer = entryKey(address)): readonly Version[] {
    return this.#reading(() => {
      const row = batch.get(key)
      return row === undefined ? [] : decodeVersions(key, row)
    })
  }

  /** The dot row; undefined when there is none, or none that can be read: the log may forget, and the index is verified apart. */
  dotRow(batch: Batch, dot: Dot): DotRow | undefined {
    const key = dotKey(dot)
    try {
      const row = batch.get(key)
      return row === undefined ? undefined : decodeDotRow(key, row)
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#options.onDamage(error as Error)
      return undefined
    }
  }

  /** Marks an address as lost to damage: it is answered as damaged, not as absent, until its fate has been learnt again. */
  markLost(batch: Batch, address: Address): void {
    const key = entryKey(address)
    if (this.versions(batch, address, key).length > 0) return
    batch.set(key, encodeVersions(key, []))
    this.#lost.set(addressText(address), address)
  }

  /** Whether addresses are marked as lost. */
  get hasLost(): boolean {
    return this.#lost.size > 0
  }

  /** Names the addresses that were marked as lost before this run. */
  rememberLost(addresses: readonly Address[]): void {
    for (const address of addresses) this.#lost.set(addressText(address), address)
  }

  /** Issues an update under a new dot of this run. */
  issue(batch: Batch, draft: Draft): Update {
    return this.issueAs(batch, () => draft)
  }

  /** Issues an update that depends on the dot it gets. */
  issueAs(batch: Batch, draftFor: (dot: Dot) => Draft): Update {
    const nowMs = this.#options.environment.nowMs()
    this.#watchClock(nowMs)
    this.#run ??= { actor: this.#newActor(), counter: 0, clockOffsetMs: this.#clockOffsetMs(nowMs) }
    const dot = { actor: this.#run.actor, counter: ++this.#run.counter }
    const draft = draftFor(dot)
    this.#state = { ...this.#state, clock: tick(this.#state.clock, nowMs) }
    const supersedes = [...draft.supersedes].sort(compareDots)
    const update: Update = { ...draft, dot, time: this.#state.clock, supersedes }
    this.#applyNews(batch, update, whole)
    this.#issuing.push(update)
    return update
  }

  /** Applies an update of another node. Applying it again changes nothing. */
  apply(batch: Batch, update: Update, member: MemberTag): ApplyOutcome {
    this.#checkIdentity(update.dot)
    if (this.applied.has(update.dot)) {
      this.#settleClashOf(batch, update)
      return noOutcome
    }
    this.#setMember(batch, update.dot.actor, member)
    const clock = observe(this.#state.clock, update.time, this.#options.environment.nowMs(), this.#options.clockBoundMs)
    if (clock !== this.#state.clock) this.#state = { ...this.#state, clock }
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
    const mine = this.versions(batch, entry.address, key)
    const change = joinVersions(mine, entry.updates, this.seen, peer.seen)
    if (change.dropped.length > 0) {
      this.#writeVersions(batch, entry.address, key, mine, change.versions)
      for (const version of change.dropped) this.#noteRemoval(batch, entry.address, version)
    }
    return { news, dropped: dropped + change.dropped.length }
  }

  /** Unites a peer's captured contexts with ours (rule 1), but for the dots in `except` (rule 6). */
  unite(batch: Batch, peer: TaggedContexts, except: Context): void {
    const own = this.#run?.actor
    if (own !== undefined && peer.seen.lastOf(own) > this.#run!.counter) {
      this.#options.onIdentityClash(`a peer knows updates of this run, ${own}, that were not issued here`)
    }
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
    this.#settleLost(batch)
  }

  /**
   * Whether a version is live here that came after the peer was compared with us, and that the peer had seen by then: the peer may have
   * removed it. A union would say that it was never superseded, and nothing but the tree would take it away again.
   */
  hasUnsettled(batch: Batch, peer: TaggedContexts, compared: Context): boolean {
    for (const dot of this.seen.minus(compared).intersection(peer.seen).dots()) {
      if (this.dotRow(batch, dot)?.state === 'live') return true
    }
    return false
  }

  /** After a complete pass the fate of what was lost is known: what a peer did not bring is deleted. */
  #settleLost(batch: Batch): void {
    for (const address of this.#lost.values()) {
      const key = entryKey(address)
      if (this.versions(batch, address, key).length === 0) batch.set(key, null)
    }
    this.#lost.clear()
  }

  /** Rewrites or deletes the dot row of a dot; for the log and the repair. */
  setDotRow(batch: Batch, dot: Dot, row: DotRow | null): void {
    const key = dotKey(dot)
    const bytes = row === null ? null : encodeDotRow(key, row)
    // A live row only ever takes the place of none, or of another live one.
    if (row?.state !== 'live') this.#countLog(batch, key, bytes)
    batch.set(key, bytes)
  }

  #countLog(batch: Batch, key: Buffer, bytes: Buffer | null): void {
    const logBytes = this.logBytes
    batch.onUndo(() => {
      this.logBytes = logBytes
    })
    this.logBytes += (bytes?.length ?? 0) - loggedBytes(batch, key)
  }

  /** Notes a new floor of the feed: below it rows may be missing. */
  raiseFeedFloor(sequence: number): void {
    if (sequence > this.#state.feedFloor) this.#state = { ...this.#state, feedFloor: sequence }
  }

  /** The least position whose log row has something to wait for again since the last call; Infinity when there is none. */
  takeReopened(): number {
    const reopened = this.#reopened
    this.#reopened = Number.POSITIVE_INFINITY
    return reopened
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

  /** Sets counts and checksum to what was counted (repair). */
  resetCounts(batch: Batch, counts: { liveDots: number; checksum: Checksum; userEntries: number }): void {
    batch.touch()
    this.#state = { ...this.#state, ...counts }
  }

  /** Rewrites an entry's versions; counts, checksum, deadlines and trie follow. For the repair and for clashes. */
  rewriteVersions(batch: Batch, address: Address, before: readonly Version[], after: readonly Version[]): void {
    this.#writeVersions(batch, address, entryKey(address), before, after)
  }

  /** Adds the rows that go with every batch and hands over what it did to memory. */
  seal(batch: Batch): LedgerChanges {
    for (const actor of this.#touched) {
      const key = contextKey(actor)
      const member = this.members.get(actor) ?? unknownMember
      const row = { member, seen: this.seen.rangesOf(actor), applied: this.applied.rangesOf(actor) }
      batch.set(key, row.seen.length === 0 ? null : encodeContext(key, row))
    }
    this.#state = { ...this.#state, logBytes: this.logBytes }
    batch.set(stateKey, encodeState(this.#state))
    const changes: LedgerChanges = {
      seen: this.seen.clone(),
      applied: this.applied.clone(),
      state: this.#state,
      trie: [...this.#trie.values()],
      events: this.#events,
      issued: this.#issued,
      contextsChanged: this.#touched.size > 0,
      systemWrites: this.systemWrites,
      hasLost: this.hasLost,
    }
    this.#touched.clear()
    this.#trie = new Map()
    this.#events = []
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
    this.#checkIdentity(dot)
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
    const before = this.versions(batch, address, key)
    const known = this.seen.has(dot) ? this.dotRow(batch, dot) : undefined
    const change = applyUpdate(before, update, this.seen)
    this.#writeVersions(batch, address, key, before, change.versions)
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
    const sequence = this.#placeOf(batch, update, known)
    const value = isLive ? null : update.value
    const state = isLive ? 'live' : 'logged'
    this.setDotRow(batch, dot, {
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
    const row = this.seen.has(superseded) ? this.dotRow(batch, superseded) : undefined
    const version = dropped.find((other) => sameDot(other.dot, superseded))
    if (version !== undefined && row?.state === 'live') {
      this.setDotRow(batch, superseded, { ...row, state: 'logged', supersededBy: by.dot, value: version.value })
    } else if (row !== undefined && row.supersededBy === null) {
      this.setDotRow(batch, superseded, { ...row, supersededBy: by.dot })
    } else if (row === undefined && !this.seen.has(superseded)) {
      this.setDotRow(batch, superseded, stubRow(by))
    }
    this.#addDot(batch, this.seen, superseded)
  }

  /** The version's dot row goes; what the feed told of its arrival stays readable, without its bytes. */
  #noteRemoval(batch: Batch, address: Address, { dot, time }: Version): void {
    const arrival = this.dotRow(batch, dot)?.sequence ?? 0
    this.setDotRow(batch, dot, null)
    const isAboveFloor = arrival > this.#state.feedFloor
    if (arrival > 0) {
      const key = feedKey(arrival)
      batch.set(key, isAboveFloor ? encodeFeed(key, { kind: 'past', dot, address, time }) : null)
    }
    const sequence = this.#nextSequence()
    const key = feedKey(sequence)
    batch.set(key, encodeFeed(key, { kind: 'removal', dot, address, time, arrival: isAboveFloor ? arrival : 0 }))
    this.#events.push({ sequence, address, op: 'del', dot, time, value: null })
  }

  /** Where an update stands in the feed: a version that came bare, and then as its own update, keeps its place. */
  #placeOf(batch: Batch, update: Update, known: DotRow | undefined): number {
    if (known?.state === 'live') return known.sequence
    if (known === undefined || known.sequence === 0) return this.#arrive(batch, update)
    this.#reopened = Math.min(this.#reopened, known.sequence)
    return known.sequence
  }

  /** Gives an update its place in the feed. */
  #arrive(batch: Batch, update: Update): number {
    const { address, dot, time, value, kind } = update
    const sequence = this.#nextSequence()
    const key = feedKey(sequence)
    batch.set(key, encodeFeed(key, { kind: 'update', dot }))
    const op = kind === 'put' ? 'put' : kind === 'delete' ? 'del' : 'expire'
    this.#events.push({ sequence, address, op, dot, time, value })
    return sequence
  }

  #nextSequence(): number {
    const sequence = this.#state.sequence + 1
    this.#state = { ...this.#state, sequence }
    return sequence
  }

  #writeVersions(
    batch: Batch,
    address: Address,
    key: Buffer,
    before: readonly Version[],
    after: readonly Version[],
  ): void {
    if (before === after) return
    if (!isUserAddress(address)) this.systemWrites++
    batch.set(key, after.length === 0 ? null : encodeVersions(key, after))
    if (this.#lost.size > 0) this.#lost.delete(addressText(address))
    for (const version of before) if (!after.includes(version)) this.#count(batch, key, address, version, -1)
    for (const version of after) if (!before.includes(version)) this.#count(batch, key, address, version, 1)
    const appeared = Number(after.length > 0) - Number(before.length > 0)
    if (appeared !== 0 && isUserAddress(address)) {
      this.#state = { ...this.#state, userEntries: this.#state.userEntries + appeared }
    }
    this.#changeTrie(batch, addressId(address), after)
  }

  #count(batch: Batch, key: Buffer, address: Address, version: Version, sign: 1 | -1): void {
    const checksum = shiftChecksum(this.#state.checksum, fingerprint(dotKey(version.dot), key), sign)
    this.#state = { ...this.#state, liveDots: this.#state.liveDots + sign, checksum }
    const mark = sign === 1 ? new Uint8Array(0) : null
    if (address.type === 'ctr' && isBaseline(version.value)) batch.set(baselineKey(version.dot), mark)
    if (version.expiresAtMs !== null) batch.set(deadlineKey(version.expiresAtMs, version.dot), mark)
  }

  #changeTrie(batch: Batch, id: Buffer, versions: readonly Version[]): void {
    const text = id.toString('latin1')
    const before = this.#trie.get(text)
    batch.onUndo(() => {
      if (before === undefined) this.#trie.delete(text)
      else this.#trie.set(text, before)
    })
    const isGone = versions.length === 0
    const digest = isGone ? null : entryDigest(id, versions)
    this.#trie.set(text, { id, digest, locator: isGone ? null : versions[0]!.dot })
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

  #newActor(): Actor {
    const actor = Buffer.from(this.#options.environment.randomBytes(actorBytes)).toString('hex')
    this.members.set(actor, this.#options.member)
    return actor
  }

  /** A wall clock that jumped against the monotonic one: this machine may be the clone of a running one. */
  #watchClock(nowMs: number): void {
    if (this.#run === undefined) return
    const offsetMs = this.#clockOffsetMs(nowMs)
    const jumpMs = offsetMs - this.#run.clockOffsetMs
    this.#run.clockOffsetMs = offsetMs
    if (Math.abs(jumpMs) > clockJumpMs) {
      this.#options.onIdentityClash(
        `its clock jumped by ${Math.round(jumpMs / 100) / 10} s, as that of a copied machine does`,
      )
    }
  }

  #clockOffsetMs(nowMs: number): number {
    return nowMs - this.#options.environment.monotonicMs()
  }

  /** A dot of our own run that we did not issue: the disk was cloned while it ran. The owner ends the run; the update is taken as another's. */
  #checkIdentity(dot: Dot): void {
    if (this.#run === undefined || dot.actor !== this.#run.actor || dot.counter <= this.#run.counter) return
    this.#options.onIdentityClash(
      `update ${dot.actor}:${dot.counter} bears the id of this run, but was not issued here`,
    )
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
    if (theirsKeeps) this.rewriteVersions(batch, address, before, after)
    this.#options.onIdentityClash(
      `dot ${theirs.dot.actor}:${theirs.dot.counter} was issued twice with different values`,
    )
    if (after.some((version) => Buffer.compare(version.valueHash, loser.valueHash) === 0)) return
    this.issue(batch, { address, kind: 'put', expiresAtMs: loser.expiresAtMs, value: loser.value, supersedes: [] })
  }

  #reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#options.onDamage(error as Error)
      throw new HearsayError(
        'DAMAGED_VALUE',
        'a record on the disk fails its checksum; the store is being verified, and what is damaged is fetched again from peers',
        {},
        { cause: error },
      )
    }
  }
}

/** What a dot row counts for in the log: nothing when it is not there, live, or unreadable. */
function loggedBytes(batch: Batch, key: Buffer): number {
  try {
    const row = batch.get(key)
    return row === undefined || isLiveRow(row) ? 0 : row.length
  } catch (error) {
    if (isDamage(error)) return 0
    throw error
  }
}

function stubRow(by: Update): DotRow {
  const { address, time } = by
  return {
    state: 'stub',
    kind: 'put',
    bare: true,
    sequence: 0,
    address,
    time,
    expiresAtMs: null,
    supersedes: [],
    supersededBy: by.dot,
    value: null,
  }
}
