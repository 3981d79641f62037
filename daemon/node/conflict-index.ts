/**
 * Index of the addresses in conflict: found by one scan after the start, kept current from commits, looked at again
 * only when asked.
 */
import { dataTypeOf } from '../../protocols/api/data-types.js'
import type { Listing } from '../../store/data/listing.js'
import type { Address } from '../../store/model/address.js'
import { ByteReader } from '../../store/model/bytes.js'
import { encodeAddress, readAddress } from '../../store/model/codec.js'
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
  /** Addresses as packed text: a bulk load leaves many that nobody asks about. */
  readonly #inConflict = new Set<string>()
  readonly #changed = new Set<string>()
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
    if (this.#changed.size < changedMax) this.#changed.add(packedAddress(address))
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
    const suspects = new Set([...this.#inConflict, ...this.#changed])
    this.#changed.clear()
    let looked = 0
    for (const packed of suspects) {
      if (await this.#hasConflict(addressIn(packed))) this.#inConflict.add(packed)
      else this.#inConflict.delete(packed)
      if (++looked % sliceAddresses === 0) await this.#yieldTurn()
    }
  }

  async #scan(): Promise<void> {
    this.#needsScan = false
    this.#changed.clear()
    this.#inConflict.clear()
    for (let after: string | undefined; ; ) {
      const page = await this.#listing.conflicts({ prefix: '', after, limit: pageConflicts })
      for (const { key, type, field } of page.items) this.#inConflict.add(packedAddress({ key, type, field }))
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

/** The encoding of an address as text of one-byte characters: a quarter of what the address itself takes. */
function packedAddress(address: Address): string {
  return encodeAddress(address).toString('latin1')
}

function addressIn(packed: string): Address {
  return readAddress(new ByteReader(Buffer.from(packed, 'latin1')))
}
