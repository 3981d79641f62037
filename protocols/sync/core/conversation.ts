/** Knowledge of one session: its captures, what the peer is known to have, and the counts for its report. */
import type { Address } from '../../../store/model/address.js'
import type { HybridTime } from '../../../store/model/clock.js'
import type { Contexts, MemberOf, MemberTag, MemberTags, TaggedContexts } from '../../../store/model/codec.js'
import { unknownMember } from '../../../store/model/codec.js'
import { Context } from '../../../store/model/context.js'
import { type Actor, type Dot, dotText, includesDot } from '../../../store/model/dot.js'
import type { Update } from '../../../store/model/update.js'
import type { Capture, PeerEntry } from '../../../store/replica/types.js'
import { namedUpdate, withoutValue } from '../entries.js'
import { saltBytes } from '../limits.js'
import type { Message } from '../messages.js'
import { receive, type SessionPart, SyncError, type SyncView } from './actions.js'
import { type AddedActor, baselineOf, type CapturePatch, diffCapture, LayeredTags, patchCapture } from './captures.js'
import type { TreeLimits } from './compare.js'
import { knownTables, settledTable, tableRoot } from './tables.js'

/** Settings of one session. */
export interface SessionOptions extends TreeLimits {
  /** This side's part of the salt: 8 unpredictable bytes. */
  readonly salt: Uint8Array
  /** The initiator's wish: end when all differences are young. */
  readonly youngOk: boolean
  /** Bytes of the largest value that is taken; a larger one is refused and left out of every union. */
  readonly valueBytesMax: number
  /** Age below which a difference is young, in milliseconds. */
  readonly youngMs: number
  /** False: speaks as builds do that know no tables. */
  readonly tables: boolean
  /** Actors from which on an opening message names a table, and those that a swap lists rather than divides. */
  readonly tableActorsMin: number
  readonly tableListedActors: number
  /**
   * Number of differing entries that are looked for by a session that compares and changes nothing; absent: the session
   * syncs.
   */
  readonly compareEntriesMax?: number
}

/** One version as a comparison shows it. */
export interface ComparedVersion {
  readonly dot: Dot
  /** Tag of the member that wrote it. */
  readonly member: MemberTag
  readonly time: HybridTime
  readonly expiresAtMs: number | null
  /** Its bytes; null when they are too many to be shown. */
  readonly value: Uint8Array | null
}

/** One address at which two copies differ; a side without versions holds nothing there. */
export interface ComparedEntry {
  readonly address: Address
  readonly here: readonly ComparedVersion[]
  readonly there: readonly ComparedVersion[]
}

/** Entries of the users in which two copies differ. */
export interface ComparedCopies {
  /** In the order of keys. */
  readonly entries: readonly ComparedEntry[]
  /** True if there may be others beside these. */
  readonly more: boolean
}

/** Kind of a session by the course that it took. */
export type SessionMode = 'equal' | 'contexts' | 'delta' | 'tree' | 'full' | 'busy' | 'young' | 'compared'

/** Outcome of a session, for its report. */
export interface SessionOutcome {
  readonly mode: SessionMode
  /** True if roots were equal when compared after both captures. */
  readonly provenEqual: boolean
  /** True if the peer's contexts were united, or held nothing new. */
  readonly united: boolean
  /** Reason of the end: `complete`, `young`, or that of the refusal. */
  readonly ended: string
  /** Half the number of turns; the closing verdict on a check is not counted, since nothing waits for it. */
  readonly roundTrips: number
  readonly updatesSent: number
  readonly updatesReceived: number
  readonly entriesSent: number
  readonly entriesReceived: number
  readonly valuesSent: number
  /** Dots whose values were refused. */
  readonly refused: Context
  /** Differences that a session which compared has found; on the side that asked. */
  readonly compared?: ComparedCopies
}

/** Part of the outcome that the steps of a session return; the conversation adds its counters. */
export type Ending = Pick<SessionOutcome, 'mode' | 'provenEqual' | 'united' | 'ended' | 'compared'>

const noTable: Contexts = { seen: new Context(), applied: new Context() }

/** One session's knowledge. Both roles use it. */
export class Conversation {
  readonly view: SyncView
  readonly options: SessionOptions
  readonly refused = new Context()
  /** Dots that went to the peer as updates in this session. */
  readonly sent = new Context()
  /** Dots that the peer's entries listed as live. */
  readonly listed = new Context()
  /** True once it is known that the session compares and changes nothing. */
  compares = false
  /** True once the peer has left updates that we lack to gossip: its delta does not come. */
  isDeltaLeftOut = false
  turns = 0
  verdictTurns = 0
  updatesSent = 0
  updatesReceived = 0
  entriesSent = 0
  entriesReceived = 0
  valuesSent = 0
  #salt: Uint8Array = new Uint8Array(0)
  #mine: Capture | undefined
  #theirs: Capture | undefined
  /** Members of actors that the peer named, and we may not know. */
  readonly #named = new Map<Actor, MemberTag>()
  /** The peer's capture that the deltas were made for. */
  #theirsAtFirst: Capture | undefined
  readonly #arrived = new Set<string>()
  /** The table that the initiator's first capture is a patch on: both sides hold it. */
  #table: Contexts | undefined
  readonly #epoch: number

  constructor(view: SyncView, options: SessionOptions) {
    if (options.salt.length !== saltBytes) throw new RangeError(`a salt has ${saltBytes} bytes`)
    this.view = view
    this.options = options
    this.#epoch = view.damageEpoch
  }

  /** True once each side has sent its contexts to the other. */
  get haveMet(): boolean {
    return this.#mine !== undefined && this.#theirs !== undefined
  }

  /** The last capture that was sent to the peer. */
  get mine(): Capture {
    if (this.#mine === undefined) throw new Error('nothing captured yet')
    return this.#mine
  }

  /** The last capture that the peer sent. */
  get theirs(): Capture {
    if (this.#theirs === undefined) throw new Error('nothing received yet')
    return this.#theirs
  }

  /** The salt of digests on the wire: both sides' parts, the initiator's first. */
  get salt(): Uint8Array {
    return this.#salt
  }

  /** Puts the salt together. */
  setSalt(initiator: Uint8Array, responder: Uint8Array): void {
    this.#salt = Buffer.concat([initiator, responder])
  }

  /** Names the member of an actor, for frames. */
  readonly memberOf: MemberOf = (actor) =>
    this.#mine?.members.get(actor) ?? this.#theirs?.members.get(actor) ?? unknownMember

  /**
   * Captures now, for an opening message, as a patch on a table that the peer may hold; on nothing where there are few
   * actors, or `table` is null. Returns the patch and the digest of the table.
   */
  captureToOpen(table?: Contexts | null): { readonly capture: CapturePatch; readonly table: Uint8Array | undefined } {
    const capture = this.view.capture()
    const named = table ?? (this.options.tables && table !== null ? settledTable(capture) : noTable)
    this.#table = named.seen.actorCount < this.options.tableActorsMin ? undefined : named
    this.#mine = capture
    return {
      capture: diffCapture(capture, this.#tableKnown, this.memberOf),
      table: this.#table && tableRoot(this.#table),
    }
  }

  /**
   * Looks for the table that an opening message names; `swapped` is the one that both sides should hold by now. Returns
   * whether it is held.
   */
  findTable(
    open: Pick<Extract<Message, { type: 'open' }>, 'capture' | 'table'>,
    swapped: Contexts | undefined,
  ): boolean {
    const { table, capture } = open
    if (table === undefined) return true
    const candidates = swapped === undefined ? knownTables(this.view.capture(), capture.added) : [swapped]
    this.#table = candidates.find((one) => Buffer.compare(tableRoot(one), table) === 0)
    return this.#table !== undefined
  }

  /** Captures now. Every read of the tree and the log for the peer comes after. */
  captureNow(): CapturePatch {
    const baseline = baselineOf(this.#mine, this.#theirs)
    const capture = this.view.capture()
    this.#mine = { ...capture, members: capture.members }
    return diffCapture(capture, baseline, this.memberOf)
  }

  /** Takes the peer's capture. Throws a DecodeError when it does not fit what was said before. */
  *hear(patch: CapturePatch): SessionPart<Capture> {
    const isFirst = this.#mine === undefined && this.#theirs === undefined
    const capture = patchCapture(patch, isFirst ? this.#tableKnown : baselineOf(this.#mine, this.#theirs))
    for (const { actor, member } of patch.added) this.#named.set(actor, member)
    const mine = this.#mine === undefined ? [] : [this.#mine.members]
    this.#theirs = { ...capture, members: new LayeredTags([...mine, this.#named]) }
    this.#theirsAtFirst ??= capture
    yield { type: 'peerCaptured', capture }
    return capture
  }

  get #tableKnown(): TaggedContexts {
    return { ...(this.#table ?? noTable), members: new Map() }
  }

  /** Sends a message, unless damage was found since the session began: then nothing may leave any more. */
  *send(message: Message): SessionPart<void> {
    this.assertSound()
    yield { type: 'send', message }
  }

  /** The peer's next message, which must be of one of these types. */
  *expect<T extends Message['type']>(...types: readonly T[]): SessionPart<Extract<Message, { type: T }>> {
    const message = yield* receive()
    if (!(types as readonly string[]).includes(message.type)) {
      throw new SyncError(`unexpected message ${message.type} instead of ${types.join(' or ')}`)
    }
    return message as Extract<Message, { type: T }>
  }

  /** Throws when damage was found since the session began (DESIGN 3.2, rule 11): it must end without a union. */
  assertUndamaged(): void {
    if (this.view.damageEpoch !== this.#epoch) throw new SyncError('damage')
  }

  /** Throws unless the store is verified, and undamaged since the session began. */
  assertSound(): void {
    this.assertUndamaged()
    if (!this.view.isVerified) throw new SyncError('unverified')
  }

  /**
   * Unites the peer's first capture after a complete pass (rule 1), but for what was refused (rule 6): then an update
   * that superseded a refused dot must not count as applied either, and only the log can tell which those are. Not the
   * last capture: what was issued and superseded at the peer since the first was in no delta, and a union alone would
   * not say what stood at those dots. For the same reason nothing is united where the peer's delta was left out. Returns
   * whether the contexts are united, or hold nothing new.
   */
  *unite(): SessionPart<boolean> {
    this.assertSound()
    if (this.isDeltaLeftOut) return false
    const { members } = this.theirs
    const { seen: theirSeen, applied: theirApplied } = this.#theirsAtFirst!
    const peer: TaggedContexts = {
      members,
      seen: theirSeen,
      applied: this.refused.isEmpty ? theirApplied : new Context(),
    }
    const { seen, applied } = this.mine
    const hasNews = !(seen.covers(peer.seen) && applied.covers(peer.applied))
    if (!hasNews && this.view.awaitsPass !== true) return true
    const compared = seen.clone()
    compared.union(this.listed)
    yield { type: 'unite', peer, except: this.refused, compared }
    return true
  }

  /** Adds the tags of actors that a swap of tables named. */
  learnActors(actors: readonly AddedActor[]): void {
    for (const { actor, member } of actors) if (member !== unknownMember) this.#named.set(actor, member)
  }

  /** Adds the tags of actors that a frame of the peer named. */
  learnMembers(members: MemberTags): void {
    for (const [actor, member] of members) {
      if (member !== unknownMember) this.#named.set(actor, member)
    }
  }

  /** Notes what the peer's entry shows that it holds beyond its capture. */
  noteArrived(entry: PeerEntry): void {
    for (const { dot, value } of entry.updates) {
      if (value !== null && !this.theirs.seen.has(dot)) this.#arrived.add(dotText(dot))
    }
  }

  /** True if the peer is known to have seen a dot. */
  peerHasSeen(dot: Dot): boolean {
    return (
      this.theirs.seen.has(dot) || this.sent.has(dot) || (this.#arrived.size > 0 && this.#arrived.has(dotText(dot)))
    )
  }

  /** True if the peer is known to have applied a dot's own update. */
  peerHasApplied(dot: Dot): boolean {
    return this.theirs.applied.has(dot) || this.sent.has(dot)
  }

  /**
   * An entry as the peer needs it: values only of dots that it has not seen, superseded dots only of updates that it
   * has not applied.
   */
  trim(entry: PeerEntry): PeerEntry {
    const bare: Dot[] = []
    const updates = entry.updates.map((update) => {
      const isBare = includesDot(entry.bare, update.dot)
      const isNamed = this.peerHasSeen(update.dot) && (isBare || this.peerHasApplied(update.dot))
      if (isBare || isNamed) bare.push(update.dot)
      if (isNamed) return namedUpdate(update)
      return this.peerHasSeen(update.dot) ? withoutValue(update) : update
    })
    return { address: entry.address, updates, bare }
  }

  /** True if a value is too large for this node. */
  isRefused(update: Update): boolean {
    return update.value !== null && update.value.length > this.options.valueBytesMax
  }

  /** Half the number of turns so far; the closing verdict on a check is not counted. */
  get roundTrips(): number {
    return (this.turns - this.verdictTurns) / 2
  }

  /** The report. */
  outcome(ending: Ending): SessionOutcome {
    const { roundTrips, updatesSent, updatesReceived, entriesSent, entriesReceived, valuesSent, refused } = this
    const counts = { updatesSent, updatesReceived, entriesSent, entriesReceived, valuesSent }
    return { ...ending, roundTrips, refused, ...counts }
  }
}
