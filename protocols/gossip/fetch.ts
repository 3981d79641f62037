/**
 * The fetch protocol over channels: answering from committed state, and bringing a whole announced group or nothing.
 */
import type { Environment } from '../../store/environment.js'
import { DecodeError } from '../../store/model/bytes.js'
import type { MemberOf, MemberTag, TaggedUpdates } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { valueHash } from '../../store/model/digest.js'
import { type Actor, type Dot, dotText } from '../../store/model/dot.js'
import { updateBytesBound } from '../../store/model/sizes.js'
import type { Update } from '../../store/model/update.js'
import type { SyncReplica } from '../../store/replica/types.js'
import { FrameReader, Watchdog } from '../channels.js'
import type { Channel, Network, PeerId } from '../network.js'
import type { Pending } from './core/fetches.js'
import { fetchBytesPerSecondMin, fetchFrameBytesAim, fetchProgressMs, fetchSlackBytes, fetchTotalMs } from './limits.js'
import {
  type AnnouncedUpdate,
  decodeFetchAnswer,
  decodeFetchRequest,
  encodeFetchRefusal,
  encodeFetchRequest,
  encodeFetchUpdates,
  fetchProtocol,
} from './messages.js'

const timeouts = { idleMs: fetchProgressMs, totalMs: fetchTotalMs, bytesPerSecondMin: fetchBytesPerSecondMin }

/** The part of the replica that answering needs; all of it committed. */
export interface FetchSource {
  readonly memberOf: MemberOf
  readonly sync: Pick<SyncReplica, 'readMissing'>
}

/**
 * Answers one request, over a channel that a peer has opened. Rejects when the peer breaks the protocol or stands
 * still.
 */
export async function answerFetch(
  channel: Channel,
  source: FetchSource,
  environment: Environment,
  isBusy: boolean,
): Promise<void> {
  const watchdog = new Watchdog(environment, channel, timeouts)
  try {
    const request = await new FrameReader(channel).next()
    if (request === undefined) throw new DecodeError('the channel ended without a request')
    const dots = decodeFetchRequest(request)
    watchdog.progress(request.length)
    if (isBusy) await channel.send(encodeFetchRefusal('busy'))
    else await sendUpdates(channel, dots, source, watchdog)
    await channel.close()
  } finally {
    watchdog.stop()
  }
}

async function sendUpdates(channel: Channel, dots: readonly Dot[], source: FetchSource, watchdog: Watchdog) {
  let missing = Context.of(dots)
  while (!missing.isEmpty) {
    const { updates, listed, unlisted } = await source.sync.readMissing(missing, fetchFrameBytesAim)
    const left = missing.minus(listed)
    if (updates.length === 0 || !unlisted.isEmpty) return channel.send(encodeFetchRefusal('missing'))
    const parts = splitIntoFrames(updates)
    for (const [at, part] of parts.entries()) {
      const isLast = left.isEmpty && at === parts.length - 1
      const frame = encodeFetchUpdates(part, isLast, source.memberOf)
      await channel.send(frame)
      watchdog.progress(frame.length)
    }
    missing = left
  }
}

/** Splits updates into frames of about the usual size; a single large one travels alone. */
function splitIntoFrames(updates: readonly Update[]): Update[][] {
  const parts: Update[][] = []
  let bytes = 0
  for (const update of updates) {
    const more = updateBytesBound(update)
    const part = parts.at(-1)
    if (part === undefined || bytes + more > fetchFrameBytesAim) {
      parts.push([update])
      bytes = more
    } else {
      part.push(update)
      bytes += more
    }
  }
  return parts
}

/**
 * Fetches a group from a peer. Resolves with all of its updates (and those that superseded some of them meanwhile),
 * checked; with undefined when the peer does not have all of them or is busy. Rejects when the channel breaks or the
 * answer is wrong.
 */
export async function fetchGroup(
  network: Network,
  environment: Environment,
  peer: PeerId,
  pending: Pending,
): Promise<TaggedUpdates | undefined> {
  const channel = await network.open(peer, fetchProtocol)
  const watchdog = new Watchdog(environment, channel, timeouts)
  try {
    await channel.send(encodeFetchRequest(pending.dots))
    const brought = await collect(channel, pending.bytes + fetchSlackBytes, watchdog)
    if (brought !== undefined) check(pending.announcement.updates, brought.updates)
    await channel.close()
    return brought
  } catch (error) {
    channel.abort('fetch failed')
    throw error
  } finally {
    watchdog.stop()
  }
}

async function collect(channel: Channel, bytesMax: number, watchdog: Watchdog): Promise<TaggedUpdates | undefined> {
  const updates: Update[] = []
  const members = new Map<Actor, MemberTag>()
  let bytes = 0
  const reader = new FrameReader(channel)
  for (;;) {
    const frame = await reader.next()
    if (frame === undefined) throw new DecodeError('the answer ended too early')
    watchdog.progress(frame.length)
    bytes += frame.length
    if (bytes > bytesMax) throw new DecodeError('more was sent than was announced')
    const answer = decodeFetchAnswer(frame)
    if (answer.kind === 'later') continue
    if (answer.kind !== 'updates') return undefined
    for (const update of answer.tagged.updates) updates.push(update)
    for (const [actor, member] of answer.tagged.members) members.set(actor, member)
    if (answer.isLast) return { updates, members }
  }
}

/** Checks that every announced dot has come, with the announced bytes unless they were superseded meanwhile. */
function check(announced: readonly AnnouncedUpdate[], updates: readonly Update[]): void {
  const brought = new Map(updates.map((update) => [dotText(update.dot), update]))
  const superseded = new Set(updates.flatMap((update) => update.supersedes.map(dotText)))
  for (const { dot, value } of announced) {
    const update = brought.get(dotText(dot))
    if (update === undefined) throw new DecodeError('an announced update did not come')
    if ((update.kind === 'put') !== (value !== null)) throw new DecodeError('an update of another kind than announced')
    if (value === null) continue
    if (update.value === null) {
      if (!superseded.has(dotText(dot))) throw new DecodeError('a put came without its value')
    } else if (Buffer.compare(valueHash(update.value), value.hash) !== 0) {
      throw new DecodeError('other bytes came than were announced')
    }
  }
}
