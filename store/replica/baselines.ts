/**
 * Baselines of counters that subtract from nothing any more: deleted once every member has acknowledged them, and this
 * run, and has nothing that is not here. Until then an increment that the delete had not seen may still come, and be
 * counted from its baseline; also one of this node's own that a disk which went back has lost.
 */
import { rangeOf } from '../keyspace.js'
import { type Address, addressText } from '../model/address.js'
import { idleBaselines } from '../model/counter.js'
import type { Dot } from '../model/dot.js'
import { decodeDotRow, dotKey, dotOfKey } from '../rows/dots.js'
import { DamagedRow } from '../rows/seal.js'
import type { ReplicaCore } from './core.js'
import { baselineSweepMax } from './limits.js'
import type { UpdateLog } from './log.js'
import type { Transaction } from './types.js'

/** Looks for baselines that may go. */
export class BaselineSweep {
  readonly #core: ReplicaCore
  readonly #log: UpdateLog
  /** The last row looked at; the next sweep goes on behind it. */
  #cursor: Uint8Array | undefined

  constructor(core: ReplicaCore, log: UpdateLog) {
    this.#core = core
    this.#log = log
  }

  /** Deletes what may go, among a bounded number of baselines. Returns how many. */
  async sweep(): Promise<number> {
    if (!this.#log.isHeardByAll()) return 0
    const addresses = await this.#candidates()
    if (addresses.length === 0) return 0
    return this.#core.transact((transaction) => {
      let gone = 0
      for (const address of addresses) gone += this.#deleteIdle(transaction, address)
      return gone
    })
  }

  /**
   * Deletes the idle baselines at an address and returns their number. Acknowledgements are checked inside the write.
   */
  #deleteIdle(transaction: Transaction, address: Address): number {
    if (!this.#log.isHeardByAll()) return 0
    const idle = idleBaselines(transaction.versions(address))
      .filter(({ dot, actors }) => this.#log.isKnownToAll(dot) && this.#log.areMembers(actors))
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
    for await (const rows of this.#core.store.scan({ ...from, lt, limit: baselineSweepMax })) {
      for (const { key } of rows) {
        const address = this.#addressOf(dotOfKey(key))
        if (address !== undefined) addresses.set(addressText(address), address)
        if (++rowCount === baselineSweepMax) this.#cursor = key
      }
    }
    return [...addresses.values()]
  }

  #addressOf(dot: Dot): Address | undefined {
    if (!this.#log.isKnownToAll(dot)) return undefined
    const key = dotKey(dot)
    const row = this.#core.store.get(key)
    if (row === undefined) return undefined
    try {
      return decodeDotRow(key, row).address
    } catch (error) {
      if (error instanceof DamagedRow) return undefined
      throw error
    }
  }
}
