/**
 * Entries as the writer rewrites them, and all that moves with them in the same batch: the count and checksum of live
 * dots, marks of deadlines and baselines, the trie, and the marks of addresses that were lost to damage.
 */
import { HearsayError } from '../errors.js'
import { type Address, addressText, isUserAddress } from '../model/address.js'
import { isBaseline } from '../model/counter-values.js'
import { addressId, entryDigest } from '../model/digest.js'
import type { Dot } from '../model/dot.js'
import type { Version } from '../model/update.js'
import { dotKey } from '../rows/dots.js'
import { decodeVersions, encodeVersions, entryKey } from '../rows/entries.js'
import { baselineKey, deadlineKey } from '../rows/marks.js'
import { isDamage } from '../rows/seal.js'
import { type Checksum, fingerprint, type StateRow, shiftChecksum } from '../rows/state.js'
import type { Batch } from './batch.js'

/** A change of the trie that goes with a batch. */
export interface TrieChange {
  readonly id: Uint8Array
  /** Null: the entry is gone. */
  readonly digest: Uint8Array | null
  readonly locator: Dot | null
}

/** Counts of what is live, and the checksum of the live dots. */
export interface EntryCounts {
  readonly liveDots: number
  readonly userEntries: number
  readonly checksum: Checksum
}

/** Place of an address: the key of its row, and its id in the trie once somebody asked. */
interface Place {
  readonly address: Address
  readonly key: Buffer
  id: Buffer | undefined
}

/** The entry that the present write is at: read once, and written as a row once, however many updates it takes. */
interface OpenEntry {
  readonly place: Place
  /** Undefined as long as it was only read. */
  address: Address | undefined
  /** Versions of the entry when it was opened. */
  readonly before: readonly Version[]
  after: readonly Version[]
}

const mark = new Uint8Array(0)
const noVersions: readonly Version[] = []

/** The entries that the next batch builds on. */
export class EntryRows {
  /** Number of changes of the mesh's own records so far, committed or not. */
  systemWrites = 0
  #liveDots: number
  #userEntries: number
  #checksum: Checksum
  #trie = new Map<string, TrieChange>()
  #place: Place | undefined
  #open: OpenEntry | undefined
  #isWriting = false
  readonly #lost = new Map<string, Address>()
  readonly #onDamage: (row: Error) => void
  #isStored: (id: Uint8Array) => boolean = () => true

  /** `onDamage`: notified of a row that failed its checksum. */
  constructor({ liveDots, userEntries, checksum }: StateRow, onDamage: (row: Error) => void) {
    this.#liveDots = liveDots
    this.#userEntries = userEntries
    this.#checksum = checksum
    this.#onDamage = onDamage
  }

  /**
   * Names who knows of entries that the store does not hold, by their ids: their rows are not looked for. True is
   * always right.
   */
  askBeforeReading(isStored: (id: Uint8Array) => boolean): void {
    this.#isStored = isStored
  }

  /** Counts as the next batch will have them. */
  get counts(): EntryCounts {
    return { liveDots: this.#liveDots, userEntries: this.#userEntries, checksum: this.#checksum }
  }

  /** Notes how to take back what the present write does to the counts, and to an entry that is not a row yet. */
  guard(batch: Batch): void {
    const { counts } = this
    batch.onUndo(() => {
      this.#setCounts(counts)
      this.#close()
    })
    this.#isWriting = true
  }

  /** Sets the counts to what was counted (repair). */
  resetCounts(batch: Batch, counts: EntryCounts): void {
    batch.touch()
    this.#setCounts(counts)
  }

  /** The live versions at an address. Throws DAMAGED_VALUE. */
  read(batch: Batch, address: Address): readonly Version[] {
    const place = this.#placeOf(address)
    if (this.#isOpen(place)) return this.#open!.after
    try {
      const row = batch.get(place.key, () => this.#isStored(idOf(place)))
      const versions = row === undefined ? noVersions : decodeVersions(place.key, row)
      const isFree = this.#isWriting && this.#open?.address === undefined
      if (isFree) this.#open = { place, address: undefined, before: versions, after: versions }
      return versions
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#onDamage(error as Error)
      throw new HearsayError(
        'DAMAGED_VALUE',
        'a record on the disk fails its checksum; the store is being verified, and what is damaged is fetched again from peers',
        {},
        { cause: error },
      )
    }
  }

  /**
   * Rewrites an address; everything that goes with it follows when another address is written or the write ends
   * (`flush`). The same array: nothing has changed.
   */
  write(batch: Batch, address: Address, before: readonly Version[], after: readonly Version[]): void {
    if (before === after) return
    if (!isUserAddress(address)) this.systemWrites++
    this.#forgetLost(batch, address)
    const place = this.#placeOf(address)
    if (this.#isOpen(place)) {
      this.#open!.address = address
      this.#open!.after = after
      return
    }
    this.#writeOpen(batch)
    this.#open = { address, place, before, after }
  }

  /** Puts the entry that was changed last into its row. To be called at the end of each write. */
  flush(batch: Batch): void {
    this.#writeOpen(batch)
    this.#close()
  }

  #close(): void {
    this.#open = undefined
    this.#isWriting = false
  }

  /** The place of an address; that of the last one is kept: a write asks several times in a row. */
  #placeOf(address: Address): Place {
    if (this.#place?.address !== address) this.#place = { address, key: entryKey(address), id: undefined }
    return this.#place
  }

  #isOpen(place: Place): boolean {
    return this.#open !== undefined && (this.#open.place === place || this.#open.place.key.equals(place.key))
  }

  #writeOpen(batch: Batch): void {
    if (this.#open?.address === undefined) return
    const { address, place, before, after } = this.#open
    const { key } = place
    this.#open = undefined
    batch.set(key, after.length === 0 ? null : encodeVersions(key, after))
    for (const version of without(before, after)) this.#count(batch, key, address, version, -1)
    for (const version of without(after, before)) this.#count(batch, key, address, version, 1)
    const appeared = Number(after.length > 0) - Number(before.length > 0)
    if (isUserAddress(address)) this.#userEntries += appeared
    this.#changeTrie(batch, idOf(place), after)
  }

  #setCounts({ liveDots, userEntries, checksum }: EntryCounts): void {
    this.#liveDots = liveDots
    this.#userEntries = userEntries
    this.#checksum = checksum
  }

  /** The trie changes since the last call. */
  takeTrie(): TrieChange[] {
    const changes = [...this.#trie.values()]
    this.#trie = new Map()
    return changes
  }

  // --- what damage took ---------------------------------------------------------------------------------------------

  /** True if addresses are marked as lost to damage. */
  get hasLost(): boolean {
    return this.#lost.size > 0
  }

  /**
   * Marks an address as lost to damage: it is answered as damaged, not as absent, until its fate has been learnt again.
   */
  markLost(batch: Batch, address: Address): void {
    this.#writeOpen(batch)
    if (this.read(batch, address).length > 0) return
    this.#open = undefined
    const { key } = this.#placeOf(address)
    batch.set(key, encodeVersions(key, []))
    const text = addressText(address)
    if (this.#lost.has(text)) return
    batch.onUndo(() => this.#lost.delete(text))
    this.#lost.set(text, address)
  }

  /** Names the addresses that were marked as lost before this run. */
  rememberLost(addresses: readonly Address[]): void {
    for (const address of addresses) this.#lost.set(addressText(address), address)
  }

  /** After a complete pass the fate of what was lost is known: what a peer did not bring is deleted. */
  settleLost(batch: Batch): void {
    this.#writeOpen(batch)
    for (const address of [...this.#lost.values()]) {
      if (this.read(batch, address).length === 0) batch.set(this.#placeOf(address).key, null)
      this.#open = undefined
      this.#forgetLost(batch, address)
    }
  }

  /** Takes an address out of the lost ones; the write that does so may yet fail. */
  #forgetLost(batch: Batch, address: Address): void {
    if (this.#lost.size === 0) return
    const text = addressText(address)
    if (!this.#lost.delete(text)) return
    batch.onUndo(() => this.#lost.set(text, address))
  }

  #count(batch: Batch, key: Buffer, address: Address, version: Version, sign: 1 | -1): void {
    this.#liveDots += sign
    this.#checksum = shiftChecksum(this.#checksum, fingerprint(dotKey(version.dot), key), sign)
    const row = sign === 1 ? mark : null
    if (address.type === 'ctr' && isBaseline(version.value)) batch.set(baselineKey(version.dot), row)
    if (version.expiresAtMs !== null) batch.set(deadlineKey(version.expiresAtMs, version.dot), row)
  }

  #changeTrie(batch: Batch, id: Buffer, versions: readonly Version[]): void {
    const text = id.toString('latin1')
    const before = this.#trie.get(text)
    batch.onUndo(() => {
      if (before === undefined) this.#trie.delete(text)
      else this.#trie.set(text, before)
    })
    const isGone = versions.length === 0
    const digest = isGone ? null : entryDigest(id, versions)
    this.#trie.set(text, { id, digest, locator: isGone ? null : versions[0]!.dot })
  }
}

function idOf(place: Place): Buffer {
  place.id ??= addressId(place.address)
  return place.id
}

const fewVersions = 8

/** The versions of one list that are not in another. */
function without(versions: readonly Version[], others: readonly Version[]): readonly Version[] {
  if (versions.length === 0 || others.length === 0) return versions
  if (others.length <= fewVersions) return versions.filter((version) => !others.includes(version))
  const known = new Set(others)
  return versions.filter((version) => !known.has(version))
}
