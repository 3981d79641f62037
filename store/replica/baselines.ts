/**
 * Baselines of counters that subtract from nothing any more: deleted once every member has acknowledged them and has nothing that
 * is not here. Until then an increment that the delete had not seen may still come, and be counted from its baseline.
 */
import { DamagedRow, decodeDotRow, dotKey, dotOfKey, rangeOf } from '../keyspace.js'
import type { KvStore } from '../kv.js'
import { type Address, addressText } from '../model/address.js'
import { idleBaselines } from '../model/counter.js'
import type { Actor, Dot } from '../model/dot.js'
import { baselineSweepMax } from './limits.js'
import type { Transaction } from './types.js'

/** What the sweep needs of the replica. */
export interface BaselineOwner {
  transact<T>(write: (transaction: Transaction) => T): Promise<T>
}

/** Looks for baselines that may go. */
export class BaselineSweep {
  readonly #store: KvStore
  readonly #owner: BaselineOwner
  readonly #isKnownToAll: (dot: Dot) => boolean
  readonly #areMembers: (actors: ReadonlySet<Actor>) => boolean
  /** The last row looked at; the next sweep goes on behind it. */
  #cursor: Uint8Array | undefined

  /**
   * `isKnownToAll`: whether every member has acknowledged a dot, and nothing that is not here; `areMembers`: whether runs are all of this node or
   * of such members. Both are asked inside the write.
   */
  constructor(
    store: KvStore,
    owner: BaselineOwner,
    isKnownToAll: (dot: Dot) => boolean,
    areMembers: (actors: ReadonlySet<Actor>) => boolean,
  ) {
    this.#store = store
    this.#owner = owner
    this.#isKnownToAll = isKnownToAll
    this.#areMembers = areMembers
  }

  /** Deletes what may go, among a bounded number of baselines. Returns how many. */
  async sweep(): Promise<number> {
    const addresses = await this.#candidates()
    if (addresses.length === 0) return 0
    return this.#owner.transact((transaction) => {
      let gone = 0
      for (const address of addresses) gone += this.#deleteIdle(transaction, address)
      return gone
    })
  }

  #deleteIdle(transaction: Transaction, address: Address): number {
    const idle = idleBaselines(transaction.versions(address))
      .filter(({ dot, actors }) => this.#isKnownToAll(dot) && this.#areMembers(actors))
      .map(({ dot }) => dot)
    if (idle.length > 0) transaction.remove(address, idle)
    return idle.length
  }

  async #candidates(): Promise<Address[]> {
    const { gte, lt } = rangeOf('baseline')
    const addresses = new Map<string, Address>()
    const from = this.#cursor === undefined ? { gte } : { gt: this.#cursor }
    this.#cursor = undefined
    let rowCount = 0
    for await (const rows of this.#store.scan({ ...from, lt, limit: baselineSweepMax })) {
      for (const { key } of rows) {
        const address = this.#addressOf(dotOfKey(key))
        if (address !== undefined) addresses.set(addressText(address), address)
        if (++rowCount === baselineSweepMax) this.#cursor = key
      }
    }
    return [...addresses.values()]
  }

  #addressOf(dot: Dot): Address | undefined {
    if (!this.#isKnownToAll(dot)) return undefined
    const key = dotKey(dot)
    const row = this.#store.get(key)
    if (row === undefined) return undefined
    try {
      return decodeDotRow(key, row).address
    } catch (error) {
      if (error instanceof DamagedRow) return undefined
      throw error
    }
  }
}
