/** Delta sync: streaming exactly the updates that the other side has not applied, out of the log. */
import { Context } from '../../../store/model/context.js'
import { deltaBroughtShareMin, deltaBytesAim, deltaLookedMax, digestsAim } from '../limits.js'
import type { Message } from '../messages.js'
import { readMissing, receive, type SessionPart, SyncError } from './actions.js'
import { baselineOf } from './captures.js'
import type { Conversation } from './conversation.js'

/** The dots applied on our side that the peer has not applied, by the captures exchanged last. */
export function missingThere(talk: Conversation): Context {
  return talk.mine.applied.minus(talk.theirs.applied)
}

/** The dots applied on the peer's side that we had not applied, by the captures exchanged last. */
export function missingHere(talk: Conversation): Context {
  return talk.theirs.applied.minus(talk.mine.applied)
}

/** The dots that updates here have superseded, whose own updates never came, and that the peer does not know. */
export function namedThere(talk: Conversation): Context {
  return talk.mine.seen.minus(talk.mine.applied).minus(talk.theirs.seen)
}

/** The same dots of the peer. */
export function namedHere(talk: Conversation): Context {
  return talk.theirs.seen.minus(talk.theirs.applied).minus(talk.mine.seen)
}

/** True if neither side has an update, or the digest of a superseded one, that the other lacks. */
export function isNothingMissing(talk: Conversation): boolean {
  return [missingThere(talk), missingHere(talk), namedThere(talk), namedHere(talk)].every((dots) => dots.isEmpty)
}

/**
 * Sends the updates that the peer lacks, a message at a time as the channel drains, the digests of dots that it will
 * know by the union alone, and `deltaEnd`. Returns how many dots the log could not tell about: their fate is left to
 * the tree.
 */
export function* sendDelta(talk: Conversation): SessionPart<number> {
  const wanted = missingThere(talk)
  const named = namedThere(talk)
  const digested = new Context()
  const unlisted = yield* sendKnown(talk, wanted, digested)
  // No update of them ever came here, so the tree is not asked about them.
  yield* sendKnown(talk, named.minus(digested), digested)
  yield* talk.send({ type: 'deltaEnd', unlisted })
  return unlisted
}

/**
 * Sends what the log has of these dots: updates, and digests where only those are kept. A step that looked in vain
 * sends a message without an update, since the peer waits; and a store that knows little of what is asked for is not
 * asked to the end. Adds to `digested` the dots that an update named with a digest. Returns how many dots the log could
 * not tell about.
 */
function* sendKnown(talk: Conversation, wanted: Context, digested: Context): SessionPart<number> {
  let missing = wanted
  let unlisted = 0
  let looked = 0
  let brought = 0
  while (!missing.isEmpty) {
    const peerApplied = baselineOf({ ...talk.theirs, seen: talk.sent, applied: talk.sent }, talk.theirs).applied
    const found = yield* readMissing(missing, deltaBytesAim, peerApplied)
    const { updates, digests } = found
    const left = missing.minus(found.listed).minus(found.unlisted)
    if (updates.length > 0 || !left.isEmpty) {
      yield* talk.send({ type: 'delta', updates: { updates: [...updates], members: talk.mine.members } })
      talk.updatesSent += updates.length
      talk.valuesSent += updates.filter((update) => update.value !== null).length
      talk.sent.union(found.listed)
    }
    for (const { supersedes } of updates) {
      for (const dot of supersedes) if (dot.digest !== undefined) digested.add(dot)
    }
    for (let at = 0; at < digests.length; at += digestsAim) {
      yield* talk.send({ type: 'digests', dots: digests.slice(at, at + digestsAim) })
    }
    unlisted += missing.intersection(found.unlisted).size
    if (left.equals(missing)) throw new Error('the log makes no progress')
    missing = left
    looked += found.rows
    brought += updates.length + digests.length
    if (looked > deltaLookedMax && brought < looked * deltaBroughtShareMin) return unlisted + left.size
  }
  return unlisted
}

/**
 * Takes the peer's updates until its `deltaEnd`; each message is one durable batch.
 * `first`: a message that has come already. Returns how many dots the peer's log could not tell about.
 */
export function* receiveDelta(talk: Conversation, first?: Message): SessionPart<number> {
  for (let message = first ?? (yield* receive()); ; message = yield* receive()) {
    if (message.type === 'deltaEnd') return message.unlisted
    if (message.type === 'digests') {
      yield { type: 'keepDigests', dots: message.dots }
      continue
    }
    if (message.type !== 'delta') throw new SyncError(`unexpected message ${message.type} in a delta`)
    yield* takeUpdates(talk, message)
  }
}

/**
 * A refused update keeps its dot out of both contexts; what stands in the same message is of other values and is taken.
 */
function* takeUpdates(talk: Conversation, message: Extract<Message, { type: 'delta' }>): SessionPart<void> {
  const { members } = message.updates
  talk.learnMembers(members)
  talk.updatesReceived += message.updates.updates.length
  const updates = message.updates.updates.filter((update) => {
    if (talk.isRefused(update)) talk.refused.add(update.dot)
    return !talk.isRefused(update)
  })
  if (updates.length > 0) yield { type: 'apply', updates: { updates, members } }
}
