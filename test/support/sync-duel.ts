/**
 * Two sessions against each other, one action at a time: chance says who goes on, when writes land, and what happens in
 * between.
 */

import { decodeMessage, encodeMessage } from '../../protocols/sync/codec.js'
import type { SessionAction, SessionAnswer } from '../../protocols/sync/core/actions.js'
import type { SessionOptions, SessionOutcome } from '../../protocols/sync/core/conversation.js'
import { type Role, SessionCore } from '../../protocols/sync/core/session.js'
import type { Message } from '../../protocols/sync/messages.js'
import type { TaggedContexts } from '../../store/model/codec.js'
import { unknownMember } from '../../store/model/codec.js'
import type { Update } from '../../store/model/update.js'
import type { Capture, PeerEntry } from '../../store/replica/types.js'
import type { ModelReplica } from './model-replica.js'
import type { Random } from './random.js'

/** Rules of a session that a test may break. */
export interface BrokenSession {
  readonly uniteAtStart?: boolean
  readonly uniteAfterCut?: boolean
  readonly uniteEndCapture?: boolean
  /** A partial pass adds the peer's whole context. */
  readonly partialAddsContext?: boolean
}

/** Options of a duel. */
export interface DuelOptions {
  readonly random: Random
  readonly youngOk?: boolean
  /** The channel breaks after so many messages in both directions together. */
  readonly cutAfter?: number
  /** Called between any two actions. */
  readonly between?: () => void
  readonly broken?: BrokenSession
  /** Greatest value that each side takes. */
  readonly valueBytesMax?: readonly [number, number]
  /** Puts other messages in place of one. */
  readonly tamper?: (message: Message, from: 0 | 1) => readonly Message[] | undefined
  readonly helloListingAim?: number
  readonly listingAim?: number
  /** Actors from which on a table is named. */
  readonly tableActorsMin?: number
  /** True for a side that knows tables, as both do by default. */
  readonly tables?: readonly [boolean, boolean]
  /** Versions of one entry beyond which it is not named whole. */
  readonly entryVersionsMax?: number
  /** Entries that the initiator looks for, when it compares and does not sync. */
  readonly compareEntriesMax?: number
}

/** Outcome of a duel. */
export interface DuelResult {
  readonly outcomes: readonly [SessionOutcome | undefined, SessionOutcome | undefined]
  /** Every message in order, with the side that sent it. */
  readonly messages: readonly { readonly from: 0 | 1; readonly message: Message; readonly bytes: number }[]
  readonly isCut: boolean
}

type Write = () => void

class Side {
  readonly replica: ModelReplica
  readonly session: SessionCore
  readonly inbox: Buffer[] = []
  readonly writes: Write[] = []
  heard: Capture | undefined
  action: SessionAction | undefined

  constructor(role: Role, replica: ModelReplica, options: SessionOptions) {
    this.replica = replica
    this.session = new SessionCore(role, replica, options)
  }
}

/** Sessions meet over an encoded wire. */
export class Duel {
  readonly #sides: readonly [Side, Side]
  readonly #options: DuelOptions
  readonly #messages: { from: 0 | 1; message: Message; bytes: number }[] = []
  #isCut = false

  constructor(initiator: ModelReplica, responder: ModelReplica, options: DuelOptions) {
    this.#options = options
    const { youngOk = false, valueBytesMax = [1e9, 1e9], helloListingAim = 2, listingAim = 2 } = options
    const entries = { messageEntriesAim: 2, entryVersionsAim: 2, entryVersionsMax: options.entryVersionsMax ?? 1e9 }
    const tables = { tableActorsMin: options.tableActorsMin ?? 64, tableListedActors: 1 }
    const common = { youngOk, youngMs: 2_000, helloListingAim, listingAim, ...entries, ...tables }
    const comparing = options.compareEntriesMax === undefined ? {} : { compareEntriesMax: options.compareEntriesMax }
    const own = (index: 0 | 1) => ({
      salt: options.random.bytes(8),
      valueBytesMax: valueBytesMax[index],
      tables: options.tables?.[index] ?? true,
    })
    this.#sides = [
      new Side('initiator', initiator, { ...common, ...own(0), ...comparing }),
      new Side('responder', responder, { ...common, ...own(1) }),
    ]
    initiator.sessionStarts()
    responder.sessionStarts()
    for (const side of this.#sides) side.action = side.session.start()
  }

  /** Runs to the end or the cut. Throws what a session throws, and when both sides wait for each other. */
  run(): DuelResult {
    while (this.step()) this.#options.between?.()
    return this.result()
  }

  /** Returns the outcome, after the last step. */
  result(): DuelResult {
    if (this.#isCut) this.#afterCut()
    const [a, b] = this.#sides
    return { outcomes: [a.session.outcome, b.session.outcome], messages: this.#messages, isCut: this.#isCut }
  }

  /** Returns the action that a side has asked for and that is not done yet. */
  pending(side: 0 | 1): SessionAction['type'] | undefined {
    return this.#sides[side].action?.type
  }

  /** One action of one side. Returns false when nothing is left to do. */
  step(): boolean {
    const { random } = this.#options
    const writing = this.#sides.filter((side) => side.writes.length > 0)
    if (writing.length > 0 && random.chance(0.5)) {
      random.pick(writing).writes.shift()!()
      return true
    }
    if (this.#isCut) return false
    const able = ([0, 1] as const).filter((index) => this.#canGoOn(this.#sides[index]))
    if (able.length > 0) {
      const index = random.pick(able)
      const side = this.#sides[index]
      side.action = side.session.next(this.#perform(index, side, side.action!))
      return true
    }
    if (writing.length > 0) return true
    if (this.#sides.some((side) => side.action !== undefined)) throw new Error('both sides wait')
    return false
  }

  #canGoOn(side: Side): boolean {
    if (side.action === undefined) return false
    if (side.action.type === 'receive') return side.inbox.length > 0
    return side.action.type !== 'settle' || side.writes.length === 0
  }

  #perform(index: 0 | 1, side: Side, action: SessionAction): SessionAnswer {
    switch (action.type) {
      case 'send':
        for (const message of this.#options.tamper?.(action.message, index) ?? [action.message])
          this.#send(index, message)
        return { type: 'done' }
      case 'receive':
        return { type: 'message', message: decodeMessage(side.inbox.shift()!) }
      case 'readMissing':
        return { type: 'missing', missing: side.replica.readMissingNow(action.missing, action.peerApplied) }
      case 'apply':
        return this.#later(side, () => side.replica.applyNow(action.updates.updates as Update[]))
      case 'keepDigests':
        return { type: 'done' }
      case 'join':
        return this.#later(side, () => {
          side.replica.joinNow(action.entries as PeerEntry[], action.peer)
          if (this.#options.broken?.partialAddsContext) side.replica.uniteNow(side.heard!)
        })
      case 'settle':
        return { type: 'settled', outcome: { news: 0, dropped: 0 } }
      case 'unite':
        this.#unite(index, side, action.peer, action.except)
        return { type: 'done' }
      case 'acquireSlot':
        return { type: 'acquired', granted: true }
      case 'peerCaptured':
        if (this.#options.broken?.uniteAtStart && side.heard === undefined) side.replica.uniteNow(action.capture)
        side.heard = action.capture
        return { type: 'done' }
      case 'pause':
        return { type: 'done' }
    }
  }

  #unite(index: 0 | 1, side: Side, peer: TaggedContexts, except: TaggedContexts['seen']): void {
    const other = this.#sides[index === 0 ? 1 : 0].replica
    side.replica.uniteNow(this.#options.broken?.uniteEndCapture ? other.capture() : peer, except)
  }

  #later(side: Side, write: Write): SessionAnswer {
    side.writes.push(write)
    return { type: 'done' }
  }

  #send(from: 0 | 1, message: Message): void {
    const bytes = encodeMessage(message, () => unknownMember)
    if (this.#messages.length === this.#options.cutAfter) {
      this.#isCut = true
      return
    }
    this.#messages.push({ from, message, bytes: bytes.length })
    this.#sides[from === 0 ? 1 : 0].inbox.push(bytes)
  }

  #afterCut(): void {
    if (!this.#options.broken?.uniteAfterCut) return
    for (const side of this.#sides) if (side.heard !== undefined) side.replica.uniteNow(side.heard)
  }
}
