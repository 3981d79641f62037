/** The id that this run issues under, when it must end before the run does: after a clone, a jump of the clock, or because an operator asked. */

import type { Address } from '../model/address.js'
import { Context } from '../model/context.js'
import { type Actor, type Dot, sameDot } from '../model/dot.js'
import type { Ledger } from './ledger.js'
import { reissueRowsMax } from './limits.js'
import type { PeerReader } from './missing.js'
import type { Transaction } from './types.js'

/** What is needed of the replica. */
export interface IdentityOwner {
  readonly ledger: Ledger
  /** Reads committed rows. */
  readonly reader: PeerReader
  /** The dots of one actor that are known here, committed. */
  seenOf(actor: Actor): readonly number[]
  /** Waits until everything submitted so far is settled. */
  flushed(): Promise<void>
  transact<T>(write: (transaction: Transaction) => T): Promise<T>
  warn(about: string, warning: string): void
}

/** Ends ids, and issues what is live under an ended one again. */
export class Identity {
  readonly #owner: IdentityOwner
  #isStopped = false

  constructor(owner: IdentityOwner) {
    this.#owner = owner
  }

  /** Ends the id: the next write takes a new one. Resolves when the run's live versions are issued again, superseding nothing. */
  async rotate(reason: string): Promise<void> {
    const actor = this.#end(reason)
    if (actor !== undefined) await this.#reissue(actor)
  }

  /** Another copy of this run may be alive. Called in the middle of a write: the id ends at once, its versions are issued again after it. */
  clash(what: string): void {
    const actor = this.#end(what)
    if (actor === undefined || this.#isStopped) return
    this.#reissue(actor).catch((error: unknown) =>
      this.#owner.warn('reissue', `versions of an ended run could not be issued again: ${String(error)}`),
    )
  }

  /** The store is closing: nothing is issued any more. */
  stop(): void {
    this.#isStopped = true
  }

  #end(reason: string): Actor | undefined {
    const { ledger, warn } = this.#owner
    const { actor } = ledger
    ledger.endRun()
    warn('identity', `this node took a new actor id: ${reason}`)
    return actor
  }

  async #reissue(actor: Actor): Promise<void> {
    const { reader, seenOf, flushed } = this.#owner
    await flushed()
    const own = new Context(new Map([[actor, seenOf(actor)]]))
    let live: Live[] = []
    for (const dot of own.dots()) {
      const row = reader.dotRow(dot)
      if (row?.state === 'live') live.push({ dot, address: row.address })
      if (live.length < reissueRowsMax) continue
      await this.#issueAgain(live)
      live = []
    }
    if (live.length > 0) await this.#issueAgain(live)
  }

  #issueAgain(live: readonly Live[]): Promise<void> {
    return this.#owner.transact((transaction) => {
      for (const { dot, address } of live) {
        const version = transaction.versions(address).find((other) => sameDot(other.dot, dot))
        if (version !== undefined) transaction.put(address, version.value, version.expiresAtMs, [])
      }
    })
  }
}

interface Live {
  readonly dot: Dot
  readonly address: Address
}
