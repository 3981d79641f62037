/**
 * Reads that ask several nodes: joins their copies of one address here, and repairs those that lag.
 * It never unites contexts (rule 6): beside the copies it adds only the dots whose fate was reported one by one.
 */
import type { Environment } from '../../store/environment.js'
import { HearsayError } from '../../store/errors.js'
import type { Address } from '../../store/model/address.js'
import { DecodeError } from '../../store/model/bytes.js'
import type { TaggedContexts } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { updateDigest } from '../../store/model/digest.js'
import { compareDots, type Dot, dotText, type NamedDot } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import { ChannelCounts, FrameReader, Watchdog } from '../channels.js'
import type { Channel, Network, PeerId } from '../network.js'
import type { Directory } from './core/directory.js'
import { readProgressMs, readsMax, readsPerPeerMax } from './limits.js'
import * as messages from './read-messages.js'
import type { MembershipReplica } from './types.js'
import { majority } from './waiting.js'

/** What read repair needs. */
export interface ReadRepairOptions {
  readonly network: Network
  readonly environment: Environment
  readonly directory: Directory
  readonly replica: MembershipReplica
  onError(what: string, error: unknown): void
}

/** One member that answered; its channel stands until it is repaired or let go. */
interface Answered {
  readonly channel: Channel
  readonly frames: FrameReader
  readonly copy: messages.Copy
}

/** A read is over after three frames. */
const patience = { stillMs: readProgressMs, wholeMs: 3 * readProgressMs, bytesPerSecondMin: 1 }

/** Asks and answers for single addresses. */
export class ReadRepair {
  readonly #options: ReadRepairOptions
  /** Counts since the start: questions of peers that were not well-formed; each ended its channel. */
  readonly counts = { malformed: 0 }
  readonly #answering = new Set<Channel>()
  readonly #answeringTo = new ChannelCounts()

  constructor(options: ReadRepairOptions) {
    this.#options = options
  }

  /** Begins to answer. */
  start(): void {
    this.#options.network.handle(messages.readProtocol, (channel) => this.#serve(channel))
  }

  /** Breaks what is being answered. */
  stop(): void {
    for (const channel of this.#answering) channel.abort('stopping')
  }

  /**
   * Joins the copies of a majority (or of all) of the members, this one included, and repairs those that lag.
   * Throws NO_QUORUM when too few with the same member list answer in time, NOT_VERIFIED while this store may have lost entries.
   */
  async read(address: Address, consistency: 'majority' | 'all', timeoutMs: number): Promise<void> {
    const { directory, environment, network, replica } = this.#options
    if (!replica.isVerified) {
      throw new HearsayError('NOT_VERIFIED', 'the store is still being verified; try again in a moment')
    }
    const nodes = directory.peers().length
    const want = (consistency === 'all' ? nodes : majority(nodes)) - 1
    const peers = network.peers().filter((peer) => directory.isMember(peer))
    const channels = new Set<Channel>()
    const timer = environment.setTimer(timeoutMs, () => {
      for (const channel of channels) channel.abort('timed out')
    })
    try {
      const dots = namedDots(replica.peerEntryAt(address).updates)
      const answered = await firstOf(
        peers.map((peer) => this.#ask(peer, { address, list: directory.digest(), dots }, channels)),
        want,
      )
      if (answered.length < want) throw noQuorum(answered.length + 1, want + 1)
      await Promise.all(answered.map(({ copy }) => replica.joinEntries([copy.entry], fates(copy))))
      await Promise.all(answered.map((one) => this.#repair(address, one)))
    } finally {
      timer.cancel()
      for (const channel of channels) channel.abort('done')
    }
  }

  /** Asks one member. Undefined when it does not count, for whatever reason. */
  async #ask(peer: PeerId, request: messages.ReadRequest, channels: Set<Channel>): Promise<Answered | undefined> {
    try {
      const channel = await this.#options.network.open(peer, messages.readProtocol)
      channels.add(channel)
      await channel.send(messages.encodeReadRequest(request))
      const frames = new FrameReader(channel)
      const frame = await frames.next()
      if (frame === undefined) throw new DecodeError('the channel ended without an answer')
      const answer = messages.decodeReadAnswer(frame, request.address)
      return answer.kind === 'copy' ? { channel, frames, copy: answer.copy } : undefined
    } catch (error) {
      this.#options.onError(`read from ${peer}`, error)
      return undefined
    }
  }

  /** Gives a member that lags our copy, and waits until it is durable there; a failure is left to sync. */
  async #repair(address: Address, { channel, frames, copy }: Answered): Promise<void> {
    const { replica } = this.#options
    try {
      const theirs = namedDots(copy.entry.updates)
      const mine = this.#copy(address, theirs)
      const known = new Set(theirs.map(dotText))
      const lags = mine.removed.length > 0 || mine.entry.updates.some(({ dot }) => !known.has(dotText(dot)))
      if (!lags || !messages.fitsFrame(mine)) return
      await channel.send(messages.encodeRepair(mine, replica.memberOf))
      const frame = await frames.next()
      if (frame !== undefined) messages.decodeRepaired(frame)
      await channel.close()
    } catch (error) {
      this.#options.onError(`repair of ${channel.peer}`, error)
    }
  }

  /** Answers one question, and takes a repair if one follows. */
  async #serve(channel: Channel): Promise<void> {
    const { environment } = this.#options
    const isGreedy = this.#answeringTo.enter(channel.peer) > readsPerPeerMax
    const isBusy = isGreedy || this.#answering.size >= readsMax
    const watchdog = new Watchdog(environment, channel, patience)
    this.#answering.add(channel)
    try {
      await this.#converse(channel, watchdog, isBusy)
      await channel.close()
    } catch (error) {
      if (error instanceof DecodeError) this.counts.malformed++
      throw error
    } finally {
      watchdog.stop()
      this.#answering.delete(channel)
      this.#answeringTo.leave(channel.peer)
    }
  }

  async #converse(channel: Channel, watchdog: Watchdog, isBusy: boolean): Promise<void> {
    const { replica } = this.#options
    const frames = new FrameReader(channel)
    const question = await frames.next()
    if (question === undefined) return
    const request = messages.decodeReadRequest(question)
    const answer = isBusy ? ({ kind: 'busy' } as const) : this.#answer(request)
    await channel.send(messages.encodeReadAnswer(answer, replica.memberOf))
    watchdog.progress(0)
    const repair = answer.kind === 'copy' ? await frames.next() : undefined
    if (repair !== undefined) {
      const copy = messages.decodeRepair(repair, request.address)
      if (replica.isVerified) await replica.joinEntries([copy.entry], fates(copy))
      await channel.send(messages.encodeRepaired())
    }
  }

  #answer({ address, dots, list }: messages.ReadRequest): messages.ReadAnswer {
    const { directory, replica } = this.#options
    if (!replica.isVerified) return { kind: 'not-verified' }
    if (!directory.digest().equals(list)) return { kind: 'other-list' }
    const copy = this.#copy(address, dots)
    return messages.fitsFrame(copy) ? { kind: 'copy', copy } : { kind: 'too-large' }
  }

  #isSame({ digest, ...dot }: NamedDot): boolean {
    const ours = digest === undefined ? undefined : this.#options.replica.digestOf(dot)
    return ours === undefined || ours === digest
  }

  /** Our copy, read in one turn: without the values of dots that the other side has live, and with the fate of those dots. */
  #copy(address: Address, dots: readonly NamedDot[]): messages.Copy {
    const { memberOf } = this.#options.replica
    const { updates, bare } = this.#options.replica.peerEntryAt(address)
    const { seen } = this.#options.replica.capture()
    const known = new Set(dots.map(dotText))
    const live = new Set(updates.map(({ dot }) => dotText(dot)))
    return {
      entry: {
        address,
        updates: updates.map((update) =>
          known.has(dotText(update.dot)) ? { ...update, value: null, digest: updateDigest(update) } : update,
        ),
        bare: bare.slice().sort(compareDots),
      },
      // Under a dot that names another content than is known here, nothing was removed.
      removed: dots.filter((dot) => seen.has(dot) && !live.has(dotText(dot)) && this.#isSame(dot)).map(bareDot),
      members: new Map(updates.map(({ dot }) => [dot.actor, memberOf(dot.actor)])),
    }
  }
}

/**
 * The contexts of a copy: exactly the dots that it tells the fate of. None counts as applied by that alone,
 * since what a dot superseded may have come here after the question.
 */
function fates({ entry, removed, members }: messages.Copy): TaggedContexts {
  const seen = Context.of([...liveDots(entry.updates), ...removed])
  return { seen, applied: new Context(), members }
}

function namedDots(updates: readonly Update[]): NamedDot[] {
  return updates.map((update) => ({ ...update.dot, digest: updateDigest(update) }))
}

function bareDot({ actor, counter }: Dot): Dot {
  return { actor, counter }
}

function liveDots(updates: readonly { readonly dot: Dot }[]): Dot[] {
  return updates.map(({ dot }) => dot)
}

/** The first so many that count; fewer when there are not so many. */
function firstOf<T>(asked: readonly Promise<T | undefined>[], want: number): Promise<T[]> {
  return new Promise((resolve) => {
    const found: T[] = []
    let left = asked.length
    if (left === 0 || want <= 0) return resolve(found)
    for (const one of asked) {
      one.then((answer) => {
        left--
        if (answer !== undefined && found.length < want) found.push(answer)
        if (left === 0 || found.length === want) resolve(found)
      })
    }
  })
}

function noQuorum(have: number, want: number): HearsayError {
  const message = `${have} of ${want} nodes answered in time; read with --consistency one, or see \`hearsay status\``
  return new HearsayError('NO_QUORUM', message, { have, want })
}
