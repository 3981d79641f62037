/** What one heartbeat channel passes on of members that the receiver is not connected to: news first, then in turn. */
import type { MemberTag } from '../../../store/model/codec.js'
import { Context, type Ranges } from '../../../store/model/context.js'
import { heartbeatRangesMax, relayActorsMax, relaysMax } from '../limits.js'
import type { ActorRanges, Relay } from '../messages.js'
import type { Acknowledgement } from './acks.js'
import type { ChangeLog } from './changes.js'

/** A member that the receiver is not connected to. */
export interface Relayable {
  readonly member: MemberTag
  readonly acknowledgement: Acknowledgement
  /** Whether its context is passed on as well. */
  readonly withContext: boolean
}

/** What a relay says of the sender itself. */
export interface RelaySource {
  /** The digest of the sender's state. */
  readonly state: Uint8Array
  readonly applied: ChangeLog
  readonly monotonicMs: number
}

/** What was passed on so far of one member. */
interface Told {
  takenAtMs: number
  /** The heartbeat that told it last. */
  nonce: number
  epoch: number
  stamp: number
  context: Context
}

const unknownDigest = '0000000000000000'

/** Builds the relays of one channel. */
export class RelayWriter {
  readonly #told = new Map<MemberTag, Told>()

  /** The relays of the next heartbeat. `mayBeSame`: whether the receiver knows all of the sender's own context by then. */
  next(source: RelaySource, candidates: readonly Relayable[], nonce: number, mayBeSame: boolean): Relay[] {
    const turnOf = ({ member }: Relayable) => this.#told.get(member)?.nonce ?? 0
    const urgency = (one: Relayable) => (this.#hasNewContext(one) ? 0 : 1)
    return candidates
      .filter((one) => this.#hasNewContext(one) || this.#isFresher(one))
      .sort((a, b) => urgency(a) - urgency(b) || turnOf(a) - turnOf(b))
      .slice(0, relaysMax)
      .map((one) => this.#relay(source, one, nonce, mayBeSame))
  }

  #isFresher({ member, acknowledgement }: Relayable): boolean {
    return acknowledgement.takenAtMs > (this.#told.get(member)?.takenAtMs ?? Number.NEGATIVE_INFINITY)
  }

  #hasNewContext({ member, acknowledgement, withContext }: Relayable): boolean {
    const told = this.#told.get(member)
    return withContext && (told?.stamp !== acknowledgement.stamp || told.epoch !== acknowledgement.epoch)
  }

  #relay(source: RelaySource, one: Relayable, nonce: number, mayBeSame: boolean): Relay {
    const { member, acknowledgement } = one
    const { epoch, isVerified, list, state, takenAtMs } = acknowledgement
    const hasNews = this.#hasNewContext(one)
    const told = this.#told.get(member) ?? { epoch: -1, stamp: -1, context: new Context(), takenAtMs, nonce }
    this.#told.set(member, told)
    told.takenAtMs = takenAtMs
    told.nonce = nonce
    const isSameState = state === Buffer.from(source.state).toString('hex')
    return {
      member,
      ageMs: Math.max(0, Math.round(source.monotonicMs - takenAtMs)),
      isVerified: isVerified && state !== null,
      epoch,
      list: Buffer.from(list ?? unknownDigest, 'hex'),
      state: isSameState ? 'same' : Buffer.from(state ?? unknownDigest, 'hex'),
      acknowledged: hasNews ? tellContext(told, acknowledgement, source, mayBeSame) : null,
    }
  }
}

/** What the receiver is to add. A greater epoch than before starts over, even with nothing in it. */
function tellContext(
  told: Told,
  { epoch, stamp, context }: Acknowledgement,
  source: RelaySource,
  mayBeSame: boolean,
): Relay['acknowledged'] {
  if (told.epoch !== epoch) told.context = new Context()
  told.epoch = epoch
  told.stamp = stamp
  if (mayBeSame && context.equals(source.applied.current)) {
    told.context = context.clone()
    return 'same'
  }
  const news = context.minus(told.context).actors()
  const ranges: ActorRanges[] = news
    .slice(0, relayActorsMax)
    .map((actor) => ({ actor, ranges: cut(context.rangesOf(actor)) }))
  told.context = told.context.clone()
  for (const one of ranges) told.context.setRanges(one.actor, one.ranges)
  // What did not fit follows with one of the next heartbeats.
  if (ranges.length < news.length) told.stamp = -1
  return ranges
}

/** An actor with too many gaps is told in part; what is left out is not acknowledged. */
export function cut(ranges: Ranges): Ranges {
  return ranges.length <= 2 * heartbeatRangesMax ? ranges : ranges.slice(0, 2 * heartbeatRangesMax)
}
