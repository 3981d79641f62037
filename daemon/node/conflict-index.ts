/**
 * Index of the addresses in conflict: found by one scan after the start, kept current from commits, looked at again
 * only when asked.
 */
import { dataTypeOf } from '../../protocols/api/data-types.js'
import type { Listing } from '../../store/data/listing.js'
import { type Address, addressText } from '../../store/model/address.js'
import type { Replica } from '../../store/replica/replica.js'

/** Changed addresses that wait to be looked at; more, and the next question scans everything again. */
const changedMax = 100_000
/** Addresses looked at before others get their turn. */
const sliceAddresses = 500
/** Conflicts read at once by a scan. */
const pageConflicts = 256

/** Counts addresses in conflict. */
export class ConflictIndex {
  readonly #replica: Pick<Replica, 'versions'>
  readonly #listing: Pick<Listing, 'conflicts' | 'isInConflict' | 'prepare'>
  readonly #yieldTurn: () => Promise<void>
  readonly #inConflict = new Map<string, Address>()
  readonly #changed = new Map<string, Address>()
  #needsScan = true
  #updating: Promise<void> | undefined

  constructor(
    replica: Pick<Replica, 'versions'>,
    listing: Pick<Listing, 'conflicts' | 'isInConflict' | 'prepare'>,
    yieldTurn: () => Promise<void>,
  ) {
    this.#replica = replica
    this.#listing = listing
    this.#yieldTurn = yieldTurn
  }

  /** Notes that the versions at an address may have changed. */
  changed(address: Address): void {
    if (dataTypeOf(address.type)?.hasSiblings !== true) return
    if (this.#changed.size < changedMax) this.#changed.set(addressText(address), address)
    else this.#needsScan = true
  }

  /** Number of addresses in conflict now. */
  async count(): Promise<number> {
    this.#updating ??= this.#update().finally(() => {
      this.#updating = undefined
    })
    await this.#updating
    return this.#inConflict.size
  }

  async #update(): Promise<void> {
    if (this.#needsScan) await this.#scan()
    // Versions in conflict may also have expired, which no commit tells.
    const suspects = new Map([...this.#inConflict, ...this.#changed])
    this.#changed.clear()
    let looked = 0
    for (const [text, address] of suspects) {
      if (await this.#hasConflict(address)) this.#inConflict.set(text, address)
      else this.#inConflict.delete(text)
      if (++looked % sliceAddresses === 0) await this.#yieldTurn()
    }
  }

  async #scan(): Promise<void> {
    this.#needsScan = false
    this.#changed.clear()
    this.#inConflict.clear()
    for (let after: string | undefined; ; ) {
      const page = await this.#listing.conflicts({ prefix: '', after, limit: pageConflicts })
      for (const { key, type, field } of page.items) {
        const address = { key, type, field }
        this.#inConflict.set(addressText(address), address)
      }
      if (page.next === null) return
      after = page.next
    }
  }

  /** True if an address is in conflict. A damaged record is none; its readers get an error. */
  async #hasConflict(address: Address): Promise<boolean> {
    try {
      const versions = this.#replica.versions(address)
      const resolving = this.#listing.prepare(address, versions)
      if (resolving !== undefined) await resolving
      return this.#listing.isInConflict(address, versions)
    } catch {
      return false
    }
  }
}
