/**
 * The peer's turn in a descent: its nodes are put in their places, its wants noted, its entries joined as they come.
 */
import type { Prefix } from '../../../store/merkle/types.js'
import type { Address } from '../../../store/model/address.js'
import { Context } from '../../../store/model/context.js'
import { addressId, differs, updateDigest } from '../../../store/model/digest.js'
import { type Dot, matcherOf, type NamedDot, sameDot } from '../../../store/model/dot.js'
import type { PeerEntry } from '../../../store/replica/types.js'
import { namedUpdate } from '../entries.js'
import { clashesMax, turnNodesMax, valuesMax } from '../limits.js'
import type { Message } from '../messages.js'
import { receive, type SessionPart, SyncError } from './actions.js'
import { Comparison, type PlacedNode, prefixLengthMax } from './compare.js'
import type { Conversation } from './conversation.js'
import { type DescentState, mayBeGone, type PeerTurn, startTurn } from './descent-state.js'
import { bytesOfIds, idText } from './ids.js'

const digits = '0123456789abcdef'
const nothing = new Context()

/**
 * Takes the peer's messages until it ends its turn. Entries are being joined when this returns; settle before going on.
 */
export function* receiveTurn(state: DescentState, first: Message): SessionPart<PeerTurn> {
  const turn = startTurn()
  let message = first
  while (message.type !== 'end') {
    yield* take(state, turn, message)
    message = yield* receive()
  }
  turn.expecting = message.expecting
  // Parts show that the entry is there: as long as the whole of it has not come, nothing of ours is removed.
  for (const id of turn.inParts) state.doubts.delete(id)
  if (turn.answered !== state.asked.blocks.length) throw new SyncError('blocks without an answer')
  const asks = turn.places.length > 0 || turn.wanted.size > 0 || turn.values.length > 0
  if (asks && !turn.expecting) throw new SyncError('a last turn that asks')
  return turn
}

function* take(state: DescentState, turn: PeerTurn, message: Message): SessionPart<void> {
  switch (message.type) {
    case 'tree':
      return takeTree(state, turn, message)
    case 'wants':
      return takeWants(state, turn, message.positions)
    case 'entries':
      return yield* takeEntries(state, turn, message)
    case 'clashes':
      return takeClashes(turn, message)
    case 'values':
      turn.values.push(...message.addresses)
      if (turn.values.length > valuesMax) throw new SyncError('too many values asked for')
      return
    default:
      throw new SyncError(`unexpected message ${message.type} in a descent`)
  }
}

/** Puts the peer's nodes in their places: below our blocks, or at the top when they come first. */
export function takeTree(state: DescentState, turn: PeerTurn, message: Extract<Message, { type: 'tree' }>): void {
  const places = state.hasSpoken ? placesBelow(state, turn, message) : Comparison.placesOfHello(message.nodes)
  if (places === undefined || (!state.hasSpoken && (turn.places.length > 0 || message.answers.length > 0))) {
    throw new SyncError('first nodes of no known form')
  }
  turn.places.push(...places)
  if (turn.places.length > turnNodesMax) throw new SyncError('too many nodes in one turn')
}

function placesBelow(state: DescentState, turn: PeerTurn, message: Extract<Message, { type: 'tree' }>): PlacedNode[] {
  const prefixes: Prefix[] = []
  for (const answer of message.answers) {
    const parent = state.asked.blocks[turn.answered++]
    if (parent === undefined) throw new SyncError('an answer to no block')
    for (let child = 0; child < digits.length; child++) if ((answer >> child) & 1) prefixes.push(parent + digits[child])
  }
  if (prefixes.length !== message.nodes.length) throw new SyncError('nodes and answers do not match')
  return message.nodes.map((node, at) => {
    const prefix = prefixes[at]!
    if (prefix.length >= prefixLengthMax && node.kind === 'digests') throw new SyncError('a block below an id')
    return { prefix, node }
  })
}

/**
 * Notes the entries of ours that the peer wants: its own differ there. Where none of its own comes in this turn, it
 * holds nothing.
 */
function takeWants(state: DescentState, turn: PeerTurn, positions: readonly number[]): void {
  for (const position of positions) {
    const id = state.asked.listed.at(position)
    if (id === undefined) throw new SyncError('a position that was not listed')
    const text = idText(id)
    turn.wanted.add(text)
    if (!state.doubts.has(text)) state.doubts.set(text, { listed: undefined, shown: undefined })
  }
}

/** Notes the dots under which the peer knows other contents: it has removed nothing of ours there. */
function takeClashes(turn: PeerTurn, { more, clashes }: Extract<Message, { type: 'clashes' }>): void {
  if (more) turn.removesNothing = true
  for (const { address, dots } of clashes) {
    const id = idText(addressId(address))
    turn.clashes.set(id, { address, dots: [...(turn.clashes.get(id)?.dots ?? []), ...dots] })
    turn.clashCount += dots.length
  }
  if (turn.clashCount > clashesMax) throw new SyncError('too many clashes')
}

/**
 * Adds at once the versions that each entry brings. Those that it does not list are removed later, once the peer has
 * been shown our entry: under one of these dots it may know another content than ours.
 */
function* takeEntries(
  state: DescentState,
  turn: PeerTurn,
  message: Extract<Message, { type: 'entries' }>,
): SessionPart<void> {
  const { talk } = state
  talk.learnMembers(message.entries.members)
  const accepted: PeerEntry[] = []
  for (const entry of message.entries.entries) {
    const id = idText(addressId(entry.address))
    for (const { dot } of entry.updates) talk.listed.add(dot)
    const isTaken = isAccepted(state, entry)
    if (message.part) turn.inParts.add(id)
    else {
      talk.entriesReceived++
      compare(state, turn, id, entry)
      turn.inParts.delete(id)
      if (isTaken) doubtAfter(state, id, entry)
      else state.doubts.delete(id)
    }
    if (isTaken) accepted.push(entry)
  }
  const peer = { ...talk.theirs, seen: nothing, applied: nothing }
  if (accepted.length > 0) yield { type: 'join', entries: accepted, peer }
}

/** Notes what an entry of the peer's leaves in doubt of ours. */
function doubtAfter(state: DescentState, id: string, entry: PeerEntry): void {
  const { view } = state.talk
  const bytes = bytesOfIds(id)
  const mine = view.trie.get(bytes) === undefined ? undefined : view.peerEntry(bytes)
  const shown = state.doubts.get(id)?.shown
  if (mine !== undefined && mayBeGone(state, mine, entry)) state.doubts.set(id, { listed: named(entry), shown })
  else state.doubts.delete(id)
}

/** An entry as its dots alone. */
function named(entry: PeerEntry): PeerEntry {
  return { ...entry, updates: entry.updates.map(namedUpdate), bare: entry.updates.map(({ dot }) => dot) }
}

/**
 * Objects to what the peer could take for removed here: a dot under which we know another content than it shows, and
 * one that is live here, which may have come since we listed what we hold. Asks for the values where the peer's content
 * keeps the dot.
 */
function compare(state: DescentState, turn: PeerTurn, id: string, entry: PeerEntry): void {
  const { talk } = state
  const dots: NamedDot[] = []
  // After parts the dots are the same because they have just come.
  let isWanted = turn.wanted.has(id) && !turn.inParts.has(id) && isSuspect(state, entry)
  let isLive: ((dot: Dot) => boolean) | undefined
  for (const update of entry.updates) {
    if (update.value !== null && !talk.mine.seen.has(update.dot)) continue
    const theirs = updateDigest(update)
    const ours = theirs === undefined ? undefined : talk.view.digestOf(update.dot)
    if (ours === undefined) continue
    isLive ??= liveAt(talk, id, entry.address)
    if (!differs(ours, theirs!, entry.address) && !isLive(update.dot)) continue
    dots.push({ ...update.dot, digest: ours })
    if (theirs! > ours && update.value === null) isWanted = true
  }
  if (dots.length > 0) turn.objections.set(id, { address: entry.address, dots })
  if (isWanted) turn.suspects.set(id, entry.address)
}

/**
 * The dots that are live here at an address. A batch that is not durable yet is on its way to the trie, while the disk
 * shows it already: what it brings is live, and so is what it takes away.
 */
function liveAt({ view }: Conversation, id: string, address: Address): (dot: Dot) => boolean {
  const here = [view.peerEntry(bytesOfIds(id)), view.peerEntryAt(address)]
  return matcherOf(here.flatMap((entry) => entry?.updates ?? []).map(({ dot }) => dot))
}

/**
 * True if an entry is taken. One with a value that is too large is left aside whole; its dots stay out of the union
 * (DESIGN 3.2, rule 6).
 */
function isAccepted(state: DescentState, entry: PeerEntry): boolean {
  const { talk } = state
  talk.noteArrived(entry)
  if (!entry.updates.some((update) => talk.isRefused(update))) return true
  for (const { dot, value } of entry.updates) if (value !== null) talk.refused.add(dot)
  return false
}

/**
 * True if an entry has the same dots as ours, no new values, and yet another digest: a dot issued twice, or bits that
 * rotted. The values must be compared.
 */
function isSuspect(state: DescentState, entry: PeerEntry): boolean {
  if (entry.updates.some((update) => update.value !== null)) return false
  const mine = state.talk.view.peerEntryAt(entry.address).updates
  return mine.length === entry.updates.length && mine.every((update, at) => sameDot(update.dot, entry.updates[at]!.dot))
}
