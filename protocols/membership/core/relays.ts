/**
 * Builds the relays of one heartbeat channel: state of members that the receiver is not connected to; news first, then
 * in turn.
 */
import type { MemberTag } from '../../../store/model/codec.js'
import { Context, type Ranges } from '../../../store/model/context.js'
import { actorBytes } from '../../../store/model/dot.js'
import { heartbeatRangesAim, heartbeatRelayBytesAim, relayActorsAim, relaysAim, relaysInTurn } from '../limits.js'
import type { ActorRanges, Relay } from '../messages.js'
import type { Acknowledgement } from './acks.js'
import type { ChangeLog } from './changes.js'

/** A member that the receiver is not connected to. */
export interface Relayable {
  readonly member: MemberTag
  readonly acknowledgement: Acknowledgement
  /** True if its context is passed on as well. */
  readonly withContext: boolean
}

/** State of the sender that relays refer to. */
export interface RelaySource {
  /** The digest of the sender's state. */
  readonly state: Uint8Array
  readonly applied: ChangeLog
  readonly monotonicMs: number
}

/** State of one member as last sent on this channel. */
interface SentState {
  readonly takenAtMs: number
  /** The heartbeat that sent it last. */
  readonly nonce: number
  readonly epoch: number
  readonly stamp: number
  readonly context: Context
}

const nothingSent: SentState = {
  takenAtMs: Number.NEGATIVE_INFINITY,
  nonce: 0,
  epoch: -1,
  stamp: -1,
  context: new Context(),
}

const unknownDigest = '0000000000000000'
/** Bytes of a number on the wire, at most. */
const varintBytesMax = 8

/** Builds the relays of one channel. */
export class RelayWriter {
  readonly #sent = new Map<MemberTag, SentState>()

  /**
   * The relays of the next heartbeat. `mayBeSame`: whether the receiver knows all of the sender's own context by then.
   */
  next(source: RelaySource, candidates: readonly Relayable[], nonce: number, mayBeSame: boolean): Relay[] {
    const relays: Relay[] = []
    let bytesLeft = heartbeatRelayBytesAim
    for (const one of this.#order(candidates)) {
      if (relays.length === relaysAim) break
      const sent = this.#sent.get(one.member) ?? nothingSent
      const news = this.#hasNewContext(one) ? newContext(sent, one.acknowledgement, source, mayBeSame) : undefined
      const part = news && fitting(news, bytesLeft)
      // Left out, it goes to the front of the next heartbeat.
      if (part === 'nothing') continue
      bytesLeft -= part?.bytes ?? 0
      this.#sent.set(one.member, afterSending(sent, one.acknowledgement, part, nonce))
      relays.push(relayOf(source, one, part?.acknowledged ?? null))
    }
    return relays
  }

  /**
   * First a few who have waited longest, so that all get their turn; then those of whom there is a new context; then
   * the others.
   */
  #order(candidates: readonly Relayable[]): Set<Relayable> {
    const turnOf = ({ member }: Relayable) => (this.#sent.get(member) ?? nothingSent).nonce
    const waiting = candidates
      .filter((one) => this.#hasNewContext(one) || this.#isFresher(one))
      .sort((a, b) => turnOf(a) - turnOf(b))
    const withNews = waiting.filter((one) => this.#hasNewContext(one))
    return new Set([...waiting.slice(0, relaysInTurn), ...withNews, ...waiting])
  }

  #isFresher({ member, acknowledgement }: Relayable): boolean {
    return acknowledgement.takenAtMs > (this.#sent.get(member) ?? nothingSent).takenAtMs
  }

  #hasNewContext({ member, acknowledgement, withContext }: Relayable): boolean {
    const sent = this.#sent.get(member) ?? nothingSent
    return withContext && (sent.stamp !== acknowledgement.stamp || sent.epoch !== acknowledgement.epoch)
  }
}

/** The part of a member's context that the receiver lacks. */
interface NewContext {
  /** The whole of it is the sender's own. */
  readonly isSame: boolean
  /** Context sent so far under this epoch. */
  readonly before: Context
  readonly whole: Context
  readonly actors: readonly ActorRanges[]
}

/** The part that fits into one heartbeat. */
interface Part {
  readonly acknowledged: NonNullable<Relay['acknowledged']>
  /** Context sent once this part is included. */
  readonly context: Context
  readonly isWhole: boolean
  readonly bytes: number
}

/** Finds what to add to what was sent; under a greater epoch everything starts over. */
function newContext(
  sent: SentState,
  { epoch, context }: Acknowledgement,
  source: RelaySource,
  mayBeSame: boolean,
): NewContext {
  const before = sent.epoch === epoch ? sent.context : new Context()
  const isSame = mayBeSame && context.equals(source.applied.current)
  const actors = context
    .minus(before)
    .actors()
    .map((actor) => ({ actor, ranges: trimmedRanges(context.rangesOf(actor)) }))
    // Of an actor with too many gaps no more than this can be sent.
    .filter(({ actor, ranges }) => !sameRanges(ranges, before.rangesOf(actor)))
  return { isSame, before, whole: context, actors }
}

/** Takes as much as fits into `bytesMax`; `nothing` when there is something to send, and no room for any of it. */
function fitting({ isSame, before, whole, actors }: NewContext, bytesMax: number): Part | 'nothing' {
  if (isSame) return { acknowledged: 'same', context: whole.clone(), isWhole: true, bytes: 0 }
  const context = before.clone()
  const acknowledged: ActorRanges[] = []
  let bytes = 0
  for (const one of actors.slice(0, relayActorsAim)) {
    const more = actorRangesBytesMax(one.ranges)
    if (bytes + more > bytesMax) break
    bytes += more
    acknowledged.push(one)
    context.setRanges(one.actor, one.ranges)
  }
  if (acknowledged.length === 0 && actors.length > 0) return 'nothing'
  return { acknowledged, context, isWhole: acknowledged.length === actors.length, bytes }
}

function afterSending(
  sent: SentState,
  { epoch, stamp, takenAtMs }: Acknowledgement,
  part: Part | undefined,
  nonce: number,
): SentState {
  if (part === undefined) return { ...sent, takenAtMs, nonce }
  // What did not fit follows with one of the next heartbeats.
  return { takenAtMs, nonce, epoch, stamp: part.isWhole ? stamp : -1, context: part.context }
}

function relayOf(
  source: RelaySource,
  { member, acknowledgement }: Relayable,
  acknowledged: Relay['acknowledged'],
): Relay {
  const { epoch, isVerified, list, state, takenAtMs } = acknowledgement
  const isSameState = state === Buffer.from(source.state).toString('hex')
  return {
    member,
    ageMs: Math.max(0, Math.round(source.monotonicMs - takenAtMs)),
    isVerified: isVerified && state !== null,
    epoch,
    list: Buffer.from(list ?? unknownDigest, 'hex'),
    state: isSameState ? 'same' : Buffer.from(state ?? unknownDigest, 'hex'),
    acknowledged,
  }
}

/** An actor with too many gaps is sent in part; what is left out is not acknowledged. */
export function trimmedRanges(ranges: Ranges): Ranges {
  return ranges.length <= 2 * heartbeatRangesAim ? ranges : ranges.slice(0, 2 * heartbeatRangesAim)
}

/** Bytes that the ranges of one actor take at most, once cut: its id, their count, and two numbers each. */
export function actorRangesBytesMax(ranges: Ranges): number {
  return actorBytes + 2 + ranges.length * varintBytesMax
}

function sameRanges(a: Ranges, b: Ranges): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at])
}
