/**
 * The gossip service: publishes committed local writes, applies what others publish, fetches what is only announced.
 * It repairs nothing: whatever is dropped or lost here leaves a gap, which sync closes.
 */
import { DecodeError } from '../../store/model/bytes.js'
import type { TaggedUpdates } from '../../store/model/codec.js'
import type { Dot } from '../../store/model/dot.js'
import type { Commit } from '../../store/replica/types.js'
import type { PeerId } from '../network.js'
import { gapsIn } from './core/gaps.js'
import { Inbox, merge } from './core/inbox.js'
import { Outbox, type Outgoing } from './core/outbox.js'
import { Fetcher } from './fetcher.js'
import * as limits from './limits.js'
import { decodeGossip, encodeAnnouncement, encodeGossip, fetchProtocol } from './messages.js'
import { type GossipCounts, type GossipOptions, noCounts } from './types.js'

/** Gossip of one node. */
export class Gossip {
  readonly counts: GossipCounts = noCounts()
  readonly #options: GossipOptions
  readonly #outbox = new Outbox(limits.gossipBytesAim, limits.outboxBytesMax)
  readonly #inbox = new Inbox({
    messagesMax: limits.inboxMessagesMax,
    bytesMax: limits.inboxBytesMax,
    batchBytesMax: limits.gossipBatchBytesMax,
  })
  readonly #fetcher: Fetcher
  #isPublishing = false
  #applying: Promise<void> | undefined
  #isStopped = false

  constructor(options: GossipOptions) {
    this.#options = options
    this.#fetcher = new Fetcher(options, this.counts, {
      apply: (tagged, from, bytes) => this.#applyFetched(tagged, from, bytes),
      gap: (peer) => this.#gap(peer),
    })
  }

  /** Begins to receive, and to answer fetches. */
  start(): void {
    this.#options.network.onGossip((bytes, from) => this.#receive(bytes, from))
    this.#options.network.handle(fetchProtocol, (channel) => this.#fetcher.serve(channel))
  }

  /** Publishes nothing more, and resolves when what was received is applied. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#fetcher.stop()
    await this.#applying
  }

  /** Handles a commit; must be called for every commit of the replica, in order. */
  committed(commit: Commit): void {
    if (this.#isStopped) return
    for (const group of commit.issued) if (!this.#outbox.add(group)) this.counts.groupsLeftToSync++
    if (!this.#isPublishing) void this.#publishAll()
  }

  // --- publishing
  // -----------------------------------------------------------------------------------------------------

  /** Publishes one message at a time; what is committed meanwhile goes together into the next. */
  async #publishAll(): Promise<void> {
    this.#isPublishing = true
    for (;;) {
      const outgoing = this.#isStopped ? undefined : this.#outbox.take()
      if (outgoing === undefined) break
      try {
        const bytes = this.#encode(outgoing)
        await this.#options.network.publish(bytes)
        this.#countPublished(outgoing, bytes.length)
      } catch (error) {
        this.counts.groupsLeftToSync += outgoing.kind === 'updates' ? outgoing.groups.length : 1
        this.#options.onError?.('publish', error)
      }
    }
    this.#isPublishing = false
  }

  #encode(outgoing: Outgoing): Uint8Array {
    const { replica, wantsEarlyAcknowledgement } = this.#options
    const early = wantsEarlyAcknowledgement?.() ?? false
    return outgoing.kind === 'updates'
      ? encodeGossip(outgoing.groups.flat(), early, replica.memberOf)
      : encodeAnnouncement(outgoing.updates, early, replica.memberOf)
  }

  #countPublished(outgoing: Outgoing, bytes: number): void {
    this.counts.messagesPublished++
    this.counts.bytesPublished += bytes
    if (outgoing.kind === 'announcement') this.counts.announcementsPublished++
    else for (const group of outgoing.groups) this.counts.updatesPublished += group.length
  }

  // --- receiving
  // ------------------------------------------------------------------------------------------------------

  #receive(bytes: Uint8Array, from: PeerId): boolean {
    if (this.#isStopped) return true
    this.counts.messagesReceived++
    this.counts.bytesReceived += bytes.length
    try {
      const message = decodeGossip(bytes)
      if (message.kind === 'later') {
        this.counts.later++
        return true
      }
      if (message.early) this.#options.onEarlyAcknowledgementWanted?.()
      if (message.kind === 'announcement') this.#fetcher.announced(message.announcement, from)
      else this.#enqueue(message.tagged, from, bytes.length)
      return true
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.counts.malformed++
      this.#options.onError?.(`malformed gossip by way of ${from}`, error)
      return false
    }
  }

  #enqueue(tagged: TaggedUpdates, from: PeerId, bytes: number): void {
    if (!this.#inbox.add({ tagged, from, bytes })) {
      this.counts.dropped++
      this.#gap(from)
      return
    }
    this.#applying ??= this.#applyAll()
  }

  async #applyFetched(tagged: TaggedUpdates, from: PeerId, bytes: number): Promise<void> {
    this.#inbox.addFetched({ tagged, from, bytes })
    this.#applying ??= this.#applyAll()
    await this.#applying
  }

  /** Applies messages in the order of arrival; those that wait together in one batch. */
  async #applyAll(): Promise<void> {
    // What arrives in this turn goes into the first batch.
    await Promise.resolve()
    while (this.#inbox.length > 0) {
      const received = this.#inbox.take()
      try {
        const { news } = await this.#options.replica.sync.applyUpdates(merge(received))
        this.counts.updatesApplied += news
        const isApplied = (dot: Dot) => this.#options.replica.sync.hasApplied(dot)
        const isPending = (dot: Dot) => this.#fetcher.isPending(dot)
        for (const peer of gapsIn(received, isApplied, isPending)) this.#gap(peer)
      } catch (error) {
        this.counts.dropped += received.length
        this.#options.onError?.('apply gossip', error)
      }
    }
    this.#applying = undefined
  }

  #gap(peer: PeerId): void {
    this.counts.gaps++
    this.#options.onGap?.(peer)
  }
}
