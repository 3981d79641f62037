/** Our turn in a descent: nodes, wants and entries, in messages of a bounded size. */
import type { Address } from '../../../store/model/address.js'
import { Context } from '../../../store/model/context.js'
import { updateDigest } from '../../../store/model/digest.js'
import { matcherOf } from '../../../store/model/dot.js'
import type { Update } from '../../../store/model/update.js'
import type { PeerEntry } from '../../../store/replica/types.js'
import { namedUpdate } from '../entries.js'
import {
  clashesAim,
  doubtedBatchesMax,
  entryBytesAim,
  messageBytesAim,
  treeNodesAim,
  turnClashesAim,
  valuesAim,
  wantsAim,
} from '../limits.js'
import type { ClashingDots, TreeNode } from '../messages.js'
import type { SessionPart } from './actions.js'
import type { Asked, PlacedNode } from './compare.js'
import { type DescentState, type Doubt, mayBeGone, type PeerTurn } from './descent-state.js'
import { bytesOfIds, idText } from './ids.js'

const nothing = new Context()
const noAddresses: ReadonlyMap<string, Address> = new Map()
const unlisted: Doubt = { listed: undefined, shown: undefined }
const digits = 16

/** Answers the peer's blocks, and notes in `asked` what these nodes ask. Returns the peer's listings, in order. */
export function* sendNodes(state: DescentState, turn: PeerTurn, asked: Asked): SessionPart<PlacedNode[]> {
  const listings: PlacedNode[] = []
  let answers: number[] = []
  let nodes: TreeNode[] = []
  let bytes = 0
  for (const place of turn.places) {
    if (place.node.kind === 'listing') {
      listings.push(place)
      continue
    }
    const { answer, nodes: below } = yield* state.comparison.block(place, asked)
    answers.push(answer)
    nodes.push(...below)
    bytes += below.reduce((sum, node) => sum + node.digests.length, 2)
    // Nodes without an entry take hardly a byte: their number counts as well.
    const isFull = bytes >= messageBytesAim || nodes.length + digits > treeNodesAim || answers.length >= treeNodesAim
    if (!isFull) continue
    yield* state.talk.send({ type: 'tree', answers, nodes })
    answers = []
    nodes = []
    bytes = 0
  }
  if (answers.length > 0) yield* state.talk.send({ type: 'tree', answers, nodes })
  return listings
}

/** Sends the positions that we want of the peer's listings. */
export function* sendWants(state: DescentState, positions: readonly number[]): SessionPart<void> {
  for (let at = 0; at < positions.length; at += wantsAim) {
    yield* state.talk.send({ type: 'wants', positions: positions.slice(at, at + wantsAim) })
  }
}

/** Asks the values of the addresses where both hold the same dots with different digests. */
export function* sendValuesWanted(state: DescentState, turn: PeerTurn): SessionPart<void> {
  if (turn.suspects.size === 0) return
  yield* state.talk.send({ type: 'values', addresses: [...turn.suspects.values()].slice(0, valuesAim) })
}

/**
 * Sends the entries that are now at these ids. `forced`: ids whose values go along whatever the peer has seen. With
 * `isLacking`, the peer did not list these entries: unless it answers with its own, it has nothing there.
 */
export function* sendEntriesOf(
  state: DescentState,
  ids: Iterable<Uint8Array>,
  { forced, isLacking }: { forced: ReadonlyMap<string, Address>; isLacking: boolean },
): SessionPart<void> {
  const sender = new EntrySender(state)
  for (const id of ids) {
    const text = idText(id)
    const doubt = state.doubts.get(text) ?? (isLacking ? unlisted : undefined)
    const entry = state.talk.view.peerEntry(id)
    if (doubt !== undefined) show(state, text, entry, doubt)
    if (entry !== undefined) yield* sender.add(entry, forced.has(text))
  }
  yield* sender.flush()
}

/** Sends what is doubted and was not sent otherwise: nothing of it is removed before. */
export function* sendDoubted(state: DescentState): SessionPart<void> {
  const ids = [...state.doubts].filter(([, { shown }]) => shown === undefined).map(([text]) => bytesOfIds(text))
  yield* sendEntriesOf(state, ids, { forced: noAddresses, isLacking: false })
}

/** An entry is about to be shown: what is still doubted of it is settled after the peer's next turn. */
function show(state: DescentState, text: string, entry: PeerEntry | undefined, { listed }: Doubt): void {
  // What is not shown whole cannot be objected to.
  const isHidden = entry !== undefined && entry.updates.length > state.talk.options.entryVersionsMax
  if (entry === undefined || isHidden || !mayBeGone(state, entry, listed)) state.doubts.delete(text)
  else
    state.doubts.set(text, { listed, shown: entry.updates.map((one) => ({ ...one.dot, digest: updateDigest(one) })) })
}

/** Sends the entries that are now at these addresses, values and all. */
export function* sendEntriesAt(state: DescentState, addresses: readonly Address[]): SessionPart<void> {
  const sender = new EntrySender(state)
  for (const address of addresses) {
    const entry = state.talk.view.peerEntryAt(address)
    if (entry.updates.length > 0) yield* sender.add(entry, true)
  }
  yield* sender.flush()
}

/**
 * Tells the peer under which of the dots that it showed we know another content; `more` when not all of them could be
 * named, so that the peer removes nothing that it showed.
 */
export function* sendObjections(state: DescentState, turn: PeerTurn): SessionPart<void> {
  let left = turnClashesAim
  let clashes: ClashingDots[] = []
  let dotCount = 0
  for (const { address, dots } of turn.objections.values()) {
    for (let at = 0; at < dots.length && left > 0; at += clashesAim) {
      const some = dots.slice(at, at + Math.min(clashesAim, left))
      clashes.push({ address, dots: some })
      left -= some.length
      dotCount += some.length
      if (dotCount < clashesAim) continue
      yield* state.talk.send({ type: 'clashes', more: false, clashes })
      clashes = []
      dotCount = 0
    }
  }
  const total = [...turn.objections.values()].reduce((sum, { dots }) => sum + dots.length, 0)
  const more = total > turnClashesAim
  if (clashes.length > 0 || more) yield* state.talk.send({ type: 'clashes', more, clashes })
}

/**
 * Settles what the peer's turn has said of entries of ours (rule 3): what it had seen and does not list goes, unless it
 * knows another content under the dot; then it tells which, and of the two contents the greater keeps the dot. While
 * the peer waits for our turn it gets a sign of life now and then.
 */
export function* joinDoubted(state: DescentState, turn: PeerTurn | undefined): SessionPart<void> {
  const { talk } = state
  let entries: PeerEntry[] = []
  const add = function* (entry: PeerEntry): SessionPart<void> {
    entries.push(entry)
    if (entries.length < talk.options.messageEntriesAim) return
    yield { type: 'join', entries, peer: talk.theirs }
    entries = []
    yield { type: 'pause' }
  }
  let looked = 0
  for (const [text, { listed, shown }] of state.doubts) {
    if (turn?.expecting === true && ++looked % (doubtedBatchesMax * talk.options.messageEntriesAim) === 0) {
      yield* talk.send({ type: 'wants', positions: [] })
    }
    const clash = turn?.clashes.get(text)
    if (shown === undefined) continue
    state.doubts.delete(text)
    const entry = talk.view.peerEntry(bytesOfIds(text))
    if (entry === undefined || turn?.removesNothing === true || !mayBeGone(state, entry, listed)) continue
    turn?.clashes.delete(text)
    const clashes = clash?.dots ?? []
    yield* add({ updates: [], bare: [], ...listed, address: entry.address, clashes, shown })
  }
  if (entries.length > 0) yield { type: 'join', entries, peer: talk.theirs }
  const remaining = [...(turn?.clashes.values() ?? [])]
  const others = remaining.map(({ address, dots }) => ({ address, updates: [], bare: [], clashes: dots }))
  if (others.length > 0)
    yield { type: 'join', entries: others, peer: { ...talk.theirs, seen: nothing, applied: nothing } }
}

/** Puts entries into messages of a bounded size. */
class EntrySender {
  readonly #state: DescentState
  #entries: PeerEntry[] = []
  #bytes = 0

  constructor(state: DescentState) {
    this.#state = state
  }

  /** Sends an entry as far as the peer does not know it; whole when forced. */
  *add(entry: PeerEntry, isForced: boolean): SessionPart<void> {
    const { talk } = this.#state
    let trimmed = isForced ? entry : talk.trim(entry)
    const { entryVersionsAim, entryVersionsMax } = talk.options
    const isLarge = sizeOf(trimmed) > entryBytesAim || trimmed.updates.length > entryVersionsAim
    if (isLarge) trimmed = yield* this.#sendAhead(trimmed)
    // Too many to be named in one message: the parts have brought what the peer lacks, and what it has too many goes by
    // the log.
    if (trimmed.updates.length > entryVersionsMax) return
    this.#entries.push(trimmed)
    this.#bytes += sizeOf(trimmed)
    talk.entriesSent++
    talk.valuesSent += trimmed.updates.filter((update) => update.value !== null).length
    if (this.#bytes >= messageBytesAim || this.#entries.length >= talk.options.messageEntriesAim) yield* this.flush()
  }

  /** Sends what is left. */
  *flush(): SessionPart<void> {
    if (this.#entries.length === 0) return
    const entries = this.#entries
    this.#entries = []
    this.#bytes = 0
    yield* this.#send(entries, false)
  }

  /**
   * Sends the versions of a large entry that the peer needs, ahead of it, in parts of a bounded size. Returns the entry
   * that is to follow: its dots only, or itself if nothing went ahead. Of an entry that cannot be named whole, an empty
   * part is sent at least: the peer must not take it for absent.
   */
  *#sendAhead(entry: PeerEntry): SessionPart<PeerEntry> {
    const { talk } = this.#state
    const { entryVersionsAim, entryVersionsMax } = talk.options
    const isBare = matcherOf(entry.bare)
    const isNamed = (update: Update) => update.value === null && isBare(update.dot)
    const ahead = entry.updates.filter((update) => !isNamed(update))
    const isSplit = entry.updates.length > entryVersionsMax
    if (ahead.length < 2 && !isSplit) return entry
    for (let from = 0; from < ahead.length || (isSplit && from === 0); ) {
      let to = from
      for (let bytes = 0; to < ahead.length && to - from < entryVersionsAim && bytes < messageBytesAim; to++) {
        bytes += bytesOf(ahead[to]!)
        if (bytes > messageBytesAim && to > from) break
      }
      const updates = ahead.slice(from, to)
      yield* this.#send([{ ...entry, updates, bare: updates.map(({ dot }) => dot).filter(isBare) }], true)
      talk.valuesSent += updates.filter((update) => update.value !== null).length
      from = Math.max(to, from + 1)
    }
    return {
      address: entry.address,
      updates: entry.updates.map(namedUpdate),
      bare: entry.updates.map(({ dot }) => dot),
    }
  }

  *#send(entries: readonly PeerEntry[], part: boolean): SessionPart<void> {
    const { talk } = this.#state
    yield* talk.send({ type: 'entries', part, entries: { entries, members: talk.mine.members } })
  }
}

function sizeOf({ address: { key, field }, updates }: PeerEntry): number {
  return updates.reduce((sum, update) => sum + bytesOf(update), 8 + key.length + field.length)
}

function bytesOf({ value, supersedes }: Update): number {
  return 24 + (value?.length ?? 0) + supersedes.length * 4
}
