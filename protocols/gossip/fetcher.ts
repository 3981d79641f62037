/** Runs the fetches of announced groups, bounded, with retries by way of other peers; and answers those of others. */
import type { Environment, Timer } from '../../store/environment.js'
import { DecodeError } from '../../store/model/bytes.js'
import type { TaggedUpdates } from '../../store/model/codec.js'
import type { Dot } from '../../store/model/dot.js'
import { ChannelCounts } from '../channels.js'
import type { Channel, PeerId } from '../network.js'
import { type Fetch, Fetches, type Pending } from './core/fetches.js'
import { answerFetch, fetchGroup } from './fetch.js'
import * as limits from './limits.js'
import type { Announcement } from './messages.js'
import type { GossipCounts, GossipOptions } from './types.js'

/** Receiver of what the fetcher brings. */
export interface FetcherOutlets {
  /** Applies a whole group in one batch. Resolves when that is done. */
  apply(tagged: TaggedUpdates, from: PeerId, bytes: number): Promise<void>
  /** Called when a group was given up: a gap is left. */
  gap(peer: PeerId): void
}

/** The fetches of one node. */
export class Fetcher {
  readonly #options: GossipOptions
  readonly #counts: GossipCounts
  readonly #outlets: FetcherOutlets
  readonly #fetches = new Fetches({
    pendingMax: limits.pendingAnnouncementsMax,
    atOnceMax: limits.fetchesMax,
    bytesAtOnceMax: limits.fetchesBytesMax,
    groupBytesMax: limits.fetchBytesMax,
    attemptsMax: limits.fetchAttemptsMax,
  })
  readonly #served = new Set<Channel>()
  readonly #servedTo = new ChannelCounts()
  #timer: Timer | undefined
  #isStopped = false

  constructor(options: GossipOptions, counts: GossipCounts, outlets: FetcherOutlets) {
    this.#options = options
    this.#counts = counts
    this.#outlets = outlets
  }

  /** Starts no more fetches, and breaks off those that are being answered. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    for (const channel of this.#served) channel.abort('stopping')
  }

  /** True if a dot belongs to a group that is to be fetched. */
  isPending(dot: Dot): boolean {
    return this.#fetches.isPending(dot)
  }

  /** Takes an announcement that came from a neighbour. */
  announced(announcement: Announcement, from: PeerId): void {
    if (this.#hasAll(announcement.updates.map(({ dot }) => dot))) return
    const outcome = this.#fetches.add(announcement, from, this.#options.environment.monotonicMs())
    if (outcome === 'refused') this.#giveUp(from)
    if (outcome === 'added') this.#fetchMore()
  }

  /** Answers a fetch of a peer. Rejects when the peer breaks the protocol or sends nothing more. */
  async serve(channel: Channel): Promise<void> {
    const { environment, replica } = this.#options
    const isGreedy = this.#servedTo.enter(channel.peer) > limits.servesPerPeerMax
    const isBusy = isGreedy || this.#served.size >= limits.servesMax
    this.#served.add(channel)
    try {
      await answerFetch(channel, replica, environment, isBusy)
    } catch (error) {
      if (error instanceof DecodeError) this.#counts.fetchesMalformed++
      throw error
    } finally {
      this.#served.delete(channel)
      this.#servedTo.leave(channel.peer)
    }
  }

  #fetchMore(): void {
    this.#timer?.cancel()
    if (this.#isStopped) return
    const { environment, network } = this.#options
    for (;;) {
      const candidates = shuffled(network.peers(), environment)
      const fetch = this.#fetches.take(environment.monotonicMs(), candidates, (pending) => this.#writerOf(pending))
      if (fetch === undefined) break
      this.#fetch(fetch).finally(() => this.#fetchMore())
    }
    const dueMs = this.#fetches.nextDueMs()
    if (dueMs === undefined) return
    // What is due and waits for a free slot is looked at when one is free; the timer covers the rest.
    const delayMs = Math.max(dueMs - environment.monotonicMs(), limits.fetchRetryMs)
    this.#timer = environment.setTimer(delayMs, () => this.#fetchMore())
  }

  async #fetch({ pending, peer }: Fetch): Promise<void> {
    const { environment, network } = this.#options
    if (this.#hasAll(pending.dots)) return this.#fetches.done(pending)
    this.#counts.fetches++
    try {
      const brought = await fetchGroup(network, environment, peer, pending)
      if (this.#isStopped) return
      if (brought === undefined) return this.#failed(pending)
      await this.#outlets.apply(brought, peer, pending.bytes)
      this.#fetches.done(pending)
    } catch (error) {
      this.#options.onError?.(`fetch from ${peer}`, error)
      this.#failed(pending)
    }
  }

  #failed(pending: Pending): void {
    const { environment } = this.#options
    this.#counts.fetchesFailed++
    const delayMs = (attempts: number) => {
      const fullMs = Math.min(limits.fetchRetryMs * 2 ** attempts, limits.fetchRetryMsMax)
      return fullMs * (0.5 + environment.random() / 2)
    }
    if (this.#fetches.failed(pending, environment.monotonicMs(), delayMs) === undefined) this.#giveUp(pending.from)
  }

  #giveUp(from: PeerId): void {
    this.#counts.announcementsGivenUp++
    this.#outlets.gap(from)
  }

  #hasAll(dots: readonly Dot[]): boolean {
    return dots.every((dot) => this.#options.replica.sync.hasApplied(dot))
  }

  #writerOf(pending: Pending): PeerId | undefined {
    const member = pending.announcement.members.get(pending.dots[0]!.actor)
    return member === undefined ? undefined : this.#options.peerOf?.(member)
  }
}

function shuffled<T>(items: readonly T[], environment: Environment): T[] {
  return items
    .map((item) => ({ item, key: environment.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}
