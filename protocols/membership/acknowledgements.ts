/** Saves acknowledgements (now and then, never with each heartbeat), and tells the log which members it waits for. */
import type { Environment, Timer } from '../../store/environment.js'
import type { MemberTag } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import type { AckTable } from './core/acks.js'
import type { Directory } from './core/directory.js'
import { reportObligationsMs, saveAcknowledgementsMs } from './limits.js'
import type { AckStore, MembershipReplica } from './types.js'

/** Dependencies. */
export interface KeeperOptions {
  readonly environment: Environment
  readonly replica: MembershipReplica
  readonly store: AckStore
  readonly acks: AckTable
  readonly directory: Directory
  onError(what: string, error: unknown): void
}

/** Carries acknowledgements to the disk and to the log. */
export class AckKeeper {
  readonly #options: KeeperOptions
  readonly #saved = new Map<MemberTag, Context>()
  #saveTimer: Timer | undefined
  #reportTimer: Timer | undefined
  #isLoaded = false
  #isReported = false
  #isStopped = false

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** Reads what was kept, and reports it to the log. The directory must have been loaded. */
  async load(): Promise<void> {
    const kept = await this.#options.store.load()
    for (const [member, context] of kept) this.#saved.set(member, context)
    this.#options.acks.load(kept)
    this.#isLoaded = true
    this.report()
  }

  /** Handles a possible change of acknowledgements, or of what is to be acknowledged. */
  changed(): void {
    this.#isReported = false
    // Before the members are loaded the log must not be updated: it would trim what they miss.
    if (this.#isStopped || !this.#isLoaded) return
    const { environment } = this.#options
    this.#saveTimer ??= environment.setTimer(saveAcknowledgementsMs, () => {
      this.#saveTimer = undefined
      void this.#save()
    })
    this.#reportTimer ??= environment.setTimer(reportObligationsMs, () => {
      this.#reportTimer = undefined
      this.refresh()
    })
  }

  /** Updates the log now if anything has changed: before hints are shown. */
  refresh(): void {
    if (!this.#isReported) this.report()
  }

  /** Updates the log now: after the member list has changed. For a member that was never heard everything is kept. */
  report(): void {
    const { acks, directory, replica } = this.#options
    this.#isReported = true
    const obligations = directory.others().map(({ peer, readsFolds = false }) => {
      const member = directory.tagOf(peer)
      return { member, acknowledged: acks.get(member).context, readsFolds }
    })
    replica.log.setObligations(obligations)
  }

  /** Deletes what is kept for a forgotten member. */
  async forget(member: MemberTag): Promise<void> {
    this.#options.acks.forget(member)
    this.report()
    if (this.#saved.delete(member)) await this.#options.store.save(member, null)
  }

  /** Saves what changed, and stops. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#saveTimer?.cancel()
    this.#reportTimer?.cancel()
    await this.#save()
  }

  async #save(): Promise<void> {
    const { acks, directory, store, onError } = this.#options
    const unsaved = acks.takeUnsaved().filter((member) => {
      const peer = directory.peerOf(member)
      return peer !== undefined && directory.isMember(peer)
    })
    const news = unsaved.filter(
      (member) => !(this.#saved.get(member) ?? new Context()).equals(acks.get(member).context),
    )
    try {
      // In one turn, so that they go into one batch.
      await Promise.all(
        news.map((member) => {
          const { context } = acks.get(member)
          this.#saved.set(member, context)
          return store.save(member, context)
        }),
      )
    } catch (error) {
      onError('acknowledgements', error)
    }
  }
}
