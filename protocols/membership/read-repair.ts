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
import { differs, updateDigest } from '../../store/model/digest.js'
import { compareDots, type Dot, dotText, type NamedDot } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import { ChannelCounts, FrameReader, Watchdog } from '../channels.js'
import type { Channel, Network, PeerId } from '../network.js'
import type { Directory } from './core/directory.js'
import { readDotsAim, readProgressMs, readsMax, readsPerPeerMax } from './limits.js'
import { majority } from './quorum.js'
import * as messages from './read-messages.js'
import type { MembershipReplica } from './types.js'

/** Dependencies of read repair. */
export interface ReadRepairOptions {
  readonly network: Network
  readonly environment: Environment
  readonly directory: Directory
  readonly replica: MembershipReplica
  onError(what: string, error: unknown): void
}

/** One member that answered; its channel stays open until the member is repaired or needs no repair. */
interface Answered {
  readonly channel: Channel
  readonly frames: FrameReader
  readonly copy: messages.Copy
}

/** A read is over after three frames. */
const timeouts = { idleMs: readProgressMs, totalMs: 3 * readProgressMs, bytesPerSecondMin: 1 }

/** Reads single addresses from several nodes, and answers such reads. */
export class ReadRepair {
  readonly #options: ReadRepairOptions
  /** Counts since the start: questions of peers that were not well-formed; each ended its channel. */
  readonly counts = { malformed: 0 }
  readonly #answering = new Set<Channel>()
  /** Reads under way; each is called to ask members that have connected since. */
  readonly #reading = new Set<() => void>()
  readonly #answeringTo = new ChannelCounts()

  constructor(options: ReadRepairOptions) {
    this.#options = options
  }

  /** Starts to answer. */
  start(): void {
    this.#options.network.handle(messages.readProtocol, (channel) => this.#serve(channel))
  }

  /** Breaks off the reads that are being answered. */
  stop(): void {
    for (const channel of this.#answering) channel.abort('stopping')
  }

  /** Connections, or the member list, have changed. */
  changed(): void {
    for (const askNew of this.#reading) askNew()
  }

  /**
   * Joins the copies of a majority (or of all) of the members, this one included, and repairs those that lag. Whoever
   * connects within the time is asked too. Throws NO_QUORUM when too few with the same member list answer in time,
   * NOT_VERIFIED while this store may have lost entries, TOO_LARGE for more versions than can be asked about.
   */
  async read(address: Address, consistency: 'majority' | 'all', timeoutMs: number): Promise<void> {
    const { directory, environment, network, replica } = this.#options
    if (!replica.sync.isVerified) {
      throw new HearsayError('NOT_VERIFIED', 'the store is still being verified; try again in a moment')
    }
    const dots = namedDots(replica.sync.peerEntryAt(address).updates)
    if (dots.length > readDotsAim) {
      const message = `the key has ${dots.length} versions, more than a question to other nodes can name`
      throw new HearsayError('TOO_LARGE', `${message}; read it from this node alone, and resolve it`)
    }
    const channels = new Set<Channel>()
    const asked = new Answers<Answered>()
    const askNew = () => {
      const nodes = directory.peers().length
      const request = { address, list: directory.digest(), dots }
      asked.expect((consistency === 'all' ? nodes : majority(nodes)) - 1, request.list.toString('hex'))
      for (const peer of network.peers()) {
        if (directory.isMember(peer)) asked.add(peer, () => this.#ask(peer, request, channels))
      }
    }
    this.#reading.add(askNew)
    const timer = environment.setTimer(timeoutMs, () => {
      asked.end()
      for (const channel of channels) channel.abort('timed out')
    })
    try {
      askNew()
      const answered = await asked.enough
      if (answered.length < asked.want) throw noQuorum(answered.length + 1, asked.want + 1)
      await Promise.all(answered.map(({ copy }) => replica.sync.joinEntries([copy.entry], fates(copy))))
      await Promise.all(answered.map((one) => this.#repair(address, one)))
    } finally {
      timer.cancel()
      this.#reading.delete(askNew)
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
    const watchdog = new Watchdog(environment, channel, timeouts)
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
      if (replica.sync.isVerified) await replica.sync.joinEntries([copy.entry], fates(copy))
      await channel.send(messages.encodeRepaired())
    }
  }

  #answer({ address, dots, list }: messages.ReadRequest): messages.ReadAnswer {
    const { directory, replica } = this.#options
    if (!replica.sync.isVerified) return { kind: 'not-verified' }
    if (!directory.digest().equals(list)) return { kind: 'other-list' }
    const copy = this.#copy(address, dots)
    return messages.fitsFrame(copy) ? { kind: 'copy', copy } : { kind: 'too-large' }
  }

  #isSame({ digest, ...dot }: NamedDot, address: Address): boolean {
    const ours = digest === undefined ? undefined : this.#options.replica.sync.digestOf(dot)
    return ours === undefined || !differs(ours, digest!, address)
  }

  /**
   * Our copy, read in one turn: without the values of dots that the other side has live, and with the fate of those
   * dots.
   */
  #copy(address: Address, dots: readonly NamedDot[]): messages.Copy {
    const { memberOf } = this.#options.replica
    const { updates, bare } = this.#options.replica.sync.peerEntryAt(address)
    const { seen } = this.#options.replica.sync.capture()
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
      removed: dots
        .filter((dot) => seen.has(dot) && !live.has(dotText(dot)) && this.#isSame(dot, address))
        .map(bareDot),
      members: new Map(updates.map(({ dot }) => [dot.actor, memberOf(dot.actor)])),
    }
  }
}

/**
 * The contexts of a copy: exactly the dots whose fate it reports. None counts as applied by that alone,
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

/**
 * Answers of members, until there are enough of them. Who does not count now, or breaks off, is asked again when
 * something has changed; with another member list everybody is.
 */
class Answers<T> {
  /** Resolves with as many as are wanted, or with fewer when it is ended. */
  readonly enough: Promise<readonly T[]>
  /** Number of answers wanted. */
  want = Number.POSITIVE_INFINITY
  #list = ''
  #asked = new Set<PeerId>()
  #found: T[] = []
  #resolve!: (found: readonly T[]) => void

  constructor() {
    this.enough = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** Sets the number of answers wanted under this member list. */
  expect(want: number, list: string): void {
    if (list === this.#list) return
    this.want = want
    this.#list = list
    this.#asked = new Set()
    this.#found = []
    if (want <= 0) this.end()
  }

  /** Asks a member unless it has been asked. `ask` gives undefined for an answer that does not count. */
  add(peer: PeerId, ask: () => Promise<T | undefined>): void {
    const asked = this.#asked
    if (asked.has(peer) || this.#found.length >= this.want) return
    asked.add(peer)
    ask().then((answer) => {
      if (answer === undefined) asked.delete(peer)
      else if (asked === this.#asked && this.#found.length < this.want) this.#found.push(answer)
      if (this.#found.length >= this.want) this.end()
    })
  }

  /** Stops waiting. */
  end(): void {
    this.#resolve(this.#found.slice())
  }
}

function noQuorum(have: number, want: number): HearsayError {
  return new HearsayError('NO_QUORUM', `${have} of ${want} nodes answered in time`, { have, want })
}
