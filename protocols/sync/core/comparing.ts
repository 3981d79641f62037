/**
 * Sessions that compare two copies and change neither: the side that asks descends into the peer's tree and takes a
 * bounded number of the entries that differ. Only the peer lists entries, so that it never sends one that was not
 * wanted. Nothing is joined, nothing united.
 */
import { type Address, isUserAddress } from '../../../store/model/address.js'
import { addressId, updateDigest } from '../../../store/model/digest.js'
import { sameDot } from '../../../store/model/dot.js'
import { saltedDigestBytes } from '../../../store/model/roots.js'
import { typeNumber } from '../../../store/model/types.js'
import type { Update } from '../../../store/model/update.js'
import type { PeerEntry } from '../../../store/replica/types.js'
import { withoutValue } from '../entries.js'
import {
  comparedAnswerBytesMax,
  comparedQuestionBytesMax,
  comparedValueBytesMax,
  messageBytesAim,
  treeNodesAim,
  treeTurnsMax,
} from '../limits.js'
import type { Message, TreeNode } from '../messages.js'
import { receive, type SessionPart, SyncError } from './actions.js'
import { Asked, prefixLengthMax } from './compare.js'
import type { ComparedCopies, ComparedEntry, ComparedVersion, Conversation, Ending } from './conversation.js'
import { DescentState, type PeerTurn, startTurn } from './descent-state.js'
import { bytesOfIds, IdList, idText } from './ids.js'
import { takeTree } from './inbound.js'
import { sendNodes, sendWants } from './outbound.js'

/** Reason with which the asking side breaks off: the peer does not know sessions that compare alone, and would sync. */
export const comparesNot = 'compares not'

const digits = 16
const valueOverheadBytes = 64

/** Asks the peer for the entries that differ, of which the options say how many at most. */
export function* openComparison(talk: Conversation): SessionPart<Ending> {
  const { salt, compareEntriesMax = 0 } = talk.options
  talk.compares = true
  yield* talk.send({ type: 'open', young: false, salt, capture: talk.captureNow(), compares: true })
  talk.turns++
  const answer = yield* talk.expect('open', 'busy', 'equal')
  if (answer.type === 'busy') return { mode: 'busy', provenEqual: false, united: false, ended: answer.reason }
  yield* talk.hear(answer.capture)
  if (answer.type === 'open' && answer.compares !== true) throw new SyncError(comparesNot)
  const search = new Search(talk, compareEntriesMax)
  if (answer.type === 'open') {
    talk.setSalt(salt, answer.salt)
    yield* descend(talk, search)
  }
  return { ...unchanged, compared: search.result() }
}

/**
 * Answers a peer that compares, from its `open` on: our tree, and what it wants of our entries. `salt`: the peer's
 * part.
 */
export function* answerComparison(talk: Conversation, salt: Uint8Array): SessionPart<Ending> {
  talk.turns++
  const capture = talk.captureNow()
  if (Buffer.compare(talk.mine.root, talk.theirs.root) === 0) {
    yield* talk.send({ type: 'equal', capture })
    return unchanged
  }
  talk.setSalt(salt, talk.options.salt)
  yield* talk.send({ type: 'open', young: false, salt: talk.options.salt, capture, compares: true })
  const state = new DescentState(talk)
  state.hasSpoken = true
  yield* talk.send({ type: 'tree', answers: [], nodes: state.comparison.hello(state.asked) })
  yield* talk.send({ type: 'end', expecting: true })
  for (let turns = 0; turns < treeTurnsMax; turns++) {
    talk.turns++
    const { turn, wants } = yield* receiveQuestion(state)
    if (!turn.expecting) return unchanged
    const asked = new Asked()
    yield* sendNodes(state, turn, asked)
    yield* sendWanted(state, wants)
    state.asked = asked
    yield* talk.send({ type: 'end', expecting: true })
  }
  throw new SyncError('too many turns')
}

const unchanged: Ending = { mode: 'compared', provenEqual: false, united: false, ended: 'complete' }

/** Takes turns until all that is looked for has come, and ends the session. */
function* descend(talk: Conversation, search: Search): SessionPart<void> {
  const state = new DescentState(talk)
  let wanted = 0
  for (let turns = 0; turns < treeTurnsMax; turns++) {
    const turn = yield* receiveAnswer(state, search, wanted)
    talk.turns++
    const asked = new Asked()
    wanted = yield* ask(state, turn, { search, asked })
    state.asked = asked
    state.hasSpoken = true
    const expecting = asked.nodes > 0 || wanted > 0
    yield* talk.send({ type: 'end', expecting })
    talk.turns++
    if (!expecting) return
  }
  throw new SyncError('too many turns')
}

/** Takes the peer's nodes, and the entries that were wanted, until it ends its turn. */
function* receiveAnswer(state: DescentState, search: Search, wanted: number): SessionPart<PeerTurn> {
  const turn = startTurn()
  let left = wanted
  for (let message = yield* receive(); message.type !== 'end'; message = yield* receive()) {
    if (message.type === 'tree') takeTree(state, turn, message)
    else if (message.type === 'entries') {
      left -= message.entries.entries.length
      if (left < 0) throw new SyncError('entries that were not wanted')
      search.take(message)
    } else throw new SyncError(`unexpected message ${message.type} in a comparison`)
    assertBounded(turn, comparedAnswerBytesMax)
  }
  if (turn.answered !== state.asked.blocks.length) throw new SyncError('blocks without an answer')
  return turn
}

/** Throws when the nodes of a turn are more than a comparison can need. */
function assertBounded({ places }: PeerTurn, bytesMax: number): void {
  const bytes = places.reduce((sum, { node }) => sum + node.digests.length, 0)
  if (bytes > bytesMax) throw new SyncError('too many nodes in one turn')
}

/** Answers the peer's blocks with blocks, and wants what it lists and we lack. Returns how many entries are wanted. */
function* ask(
  state: DescentState,
  turn: PeerTurn,
  { search, asked }: { search: Search; asked: Asked },
): SessionPart<number> {
  yield* sendBlocks(state, turn, { search, asked })
  const wants: number[] = []
  let offset = 0
  for (const place of turn.places) {
    if (place.node.kind !== 'listing') continue
    const lacking = new IdList()
    if (search.left > 0) {
      const positions = yield* state.comparison.listing(place, lacking)
      for (const position of positions) wants.push(offset + position)
      search.note(lacking, positions.length)
    } else search.isPartial = true
    offset += place.node.digests.length / saltedDigestBytes
  }
  yield* sendWants(state, wants)
  return wants.length
}

/** Answers every block; children beyond what is still looked for are left out. */
function* sendBlocks(
  state: DescentState,
  turn: PeerTurn,
  { search, asked }: { search: Search; asked: Asked },
): SessionPart<void> {
  let answers: number[] = []
  let nodes: TreeNode[] = []
  for (const place of turn.places) {
    if (place.node.kind !== 'digests') continue
    if (place.prefix.length >= prefixLengthMax - 1) throw new SyncError('a block below an id')
    const some = yield* state.comparison.someOfBlock(place, asked, search.left - asked.nodes)
    if (!some.isWhole) search.isPartial = true
    answers.push(some.answer)
    nodes.push(...some.nodes)
    if (nodes.length + digits <= treeNodesAim && answers.length < treeNodesAim) continue
    yield* state.talk.send({ type: 'tree', answers, nodes })
    answers = []
    nodes = []
  }
  if (answers.length > 0) yield* state.talk.send({ type: 'tree', answers, nodes })
}

/** Takes one turn of a peer that compares: blocks below ours, and positions of entries that we listed. */
function* receiveQuestion(state: DescentState): SessionPart<{ turn: PeerTurn; wants: Uint8Array[] }> {
  const turn = startTurn()
  const wants: Uint8Array[] = []
  let message = yield* receive()
  for (; message.type !== 'end'; message = yield* receive()) {
    if (message.type === 'wants') wants.push(...message.positions.map((position) => listedAt(state, position)))
    else if (message.type === 'tree' && message.nodes.every(({ kind }) => kind === 'digests')) {
      takeTree(state, turn, message)
    } else throw new SyncError(`unexpected message ${message.type} in a comparison`)
    if (wants.length > state.asked.listed.length) throw new SyncError('positions wanted twice')
    assertBounded(turn, comparedQuestionBytesMax)
  }
  if (turn.answered !== state.asked.blocks.length) throw new SyncError('blocks without an answer')
  turn.expecting = message.expecting
  return { turn, wants }
}

function listedAt(state: DescentState, position: number): Uint8Array {
  const id = state.asked.listed.at(position)
  if (id === undefined) throw new SyncError('a position that was not listed')
  return id
}

/** Sends the entries that are now at these ids, as a person needs them. */
function* sendWanted({ talk }: DescentState, ids: readonly Uint8Array[]): SessionPart<void> {
  let entries: PeerEntry[] = []
  let bytes = 0
  for (const id of ids) {
    const entry = talk.view.peerEntry(id)
    if (entry === undefined) continue
    const brief = briefly(entry, talk.options.entryVersionsAim)
    entries.push(brief)
    talk.entriesSent++
    bytes += brief.updates.reduce(
      (sum, { value }) => sum + valueOverheadBytes + (value?.length ?? 0),
      valueOverheadBytes,
    )
    if (bytes < messageBytesAim && entries.length < talk.options.messageEntriesAim) continue
    yield* talk.send({ type: 'entries', part: false, entries: { entries, members: talk.mine.members } })
    entries = []
    bytes = 0
  }
  if (entries.length > 0)
    yield* talk.send({ type: 'entries', part: false, entries: { entries, members: talk.mine.members } })
}

/** An entry without long values, without what its versions superseded, and with a bounded number of them. */
function briefly({ address, updates }: PeerEntry, versionsMax: number): PeerEntry {
  const brief = updates.slice(0, versionsMax).map((update) => {
    const isLong = update.value !== null && update.value.length > comparedValueBytesMax
    return { ...(isLong ? withoutValue(update) : update), supersedes: [] }
  })
  return { address, updates: brief, bare: [] }
}

/** Entries that differ, as far as they are known. */
class Search {
  /** True if others may differ that were not looked at. */
  isPartial = false
  readonly #talk: Conversation
  readonly #entriesMax: number
  /** Ids of entries here that the peer has not, or has otherwise. */
  readonly #mine = new Set<string>()
  readonly #theirs = new Map<string, PeerEntry>()
  #wanted = 0

  constructor(talk: Conversation, entriesMax: number) {
    this.#talk = talk
    this.#entriesMax = entriesMax
  }

  /**
   * Number of entries still to be looked for: each may be counted on both sides, and the mesh's own are left out in the
   * end.
   */
  get left(): number {
    return Math.max(0, 2 * this.#entriesMax + systemSlack - this.#mine.size - this.#wanted)
  }

  /** Notes what one listing of the peer has shown: our entries that it lacks, and how many of its own are wanted. */
  note(lacking: IdList, wanted: number): void {
    let room = Math.max(0, this.left - wanted)
    this.#wanted += wanted
    for (const id of lacking) {
      if (room-- <= 0) {
        this.isPartial = true
        return
      }
      this.#mine.add(idText(id))
    }
  }

  /** Takes entries of the peer. */
  take({ entries: { entries, members } }: Extract<Message, { type: 'entries' }>): void {
    this.#talk.learnMembers(members)
    this.#talk.entriesReceived += entries.length
    for (const entry of entries) this.#theirs.set(idText(addressId(entry.address)), entry)
  }

  /** The users' entries that differ now, in the order of keys, as many as were asked for. */
  result(): ComparedCopies {
    const ids = new Set([...this.#mine, ...this.#theirs.keys()])
    const found = [...ids]
      .flatMap((id) => this.#entryAt(id) ?? [])
      .sort((a, b) => compareAddresses(a.address, b.address))
    const entries = found.slice(0, this.#entriesMax)
    return { entries, more: this.isPartial || found.length > entries.length }
  }

  /** Undefined when both sides have the same by now, or it is the mesh's own. */
  #entryAt(id: string): ComparedEntry | undefined {
    const theirs = this.#theirs.get(id)
    const here = this.#talk.view.peerEntry(bytesOfIds(id))
    const address = (theirs ?? here)?.address
    if (address === undefined || !isUserAddress(address)) return undefined
    const mine = here === undefined ? undefined : briefly(here, this.#talk.options.entryVersionsAim)
    if (mine !== undefined && theirs !== undefined && isSame(mine.updates, theirs.updates)) return undefined
    return { address, here: this.#versions(mine), there: this.#versions(theirs) }
  }

  #versions(entry: PeerEntry | undefined): ComparedVersion[] {
    return (entry?.updates ?? []).map(({ dot, time, expiresAtMs, value }) => {
      const shown = value !== null && value.length > comparedValueBytesMax ? null : value
      return { dot, member: this.#talk.memberOf(dot.actor), time, expiresAtMs, value: shown }
    })
  }
}

/** Entries of the mesh itself that may be found among those of the users. */
const systemSlack = 64

function isSame(mine: readonly Update[], theirs: readonly Update[]): boolean {
  if (mine.length !== theirs.length) return false
  return mine.every((update, at) => {
    const other = theirs[at]!
    return sameDot(update.dot, other.dot) && updateDigest(update) === updateDigest(other)
  })
}

function compareAddresses(a: Address, b: Address): number {
  const byKey = Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))
  if (byKey !== 0) return byKey
  return typeNumber(a.type) - typeNumber(b.type) || Buffer.compare(a.field, b.field)
}
