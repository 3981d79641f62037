/** Listings over all types: keys in order, and what is in conflict. */
import type { Address } from '../model/address.js'
import { isPresent } from '../model/counter.js'
import { hasExpired } from '../model/register.js'
import type { Version } from '../model/update.js'
import type { Access } from './access.js'
import { type EntryRow, type KeyRange, visitEntries } from './scan.js'
import type { ConflictItem, CountedKeys, ListItem, Page, UserType } from './types.js'
import type { Values } from './values.js'

/** Entries looked at in one page of conflicts before the caller is asked to go on. */
const conflictScanMax = 100_000

/** Keys looked at in one page of a count before the caller is asked to go on. */
export const countKeysMax = 100_000

/** Query for one page of a listing. */
export interface ListQuery extends KeyRange {
  readonly limit: number
}

interface MutableItem {
  readonly key: string
  readonly types: UserType[]
  siblings: number
  value?: Uint8Array
}

/** Lists keys and conflicts. */
export class Listing {
  readonly #access: Access
  readonly #values: Values

  constructor(access: Access, values: Values) {
    this.#access = access
    this.#values = values
  }

  /**
   * Keys in the order of their bytes, rising or falling, each with its types. A collection counts as soon as one
   * element of it is seen.
   */
  async list(query: ListQuery & { readonly values: boolean }): Promise<Page<ListItem>> {
    const items: MutableItem[] = []
    const unresolved: { item: MutableItem; address: Address }[] = []
    let hasMore = false
    await visitEntries(this.#access.replica, query, ({ address, versions }) => {
      const { key } = address
      const type = address.type as UserType
      const shows = this.#shows(address, versions)
      if (!shows) return 'next'
      if (items.at(-1)?.key !== key) {
        if (items.length === query.limit) {
          hasMore = true
          return 'stop'
        }
        items.push({ key, types: [], siblings: 0 })
      }
      const item = items.at(-1)!
      if (query.reverse === true) item.types.unshift(type)
      else item.types.push(type)
      if (type === 'reg') {
        this.#addRegister(item, { address, versions }, query.values)
        if (item.siblings > 1) unresolved.push({ item, address })
      }
      return 'past-type'
    })
    for (const { item, address } of unresolved) await this.#resolve(item, address, query.values)
    return { items, next: hasMore ? items.at(-1)!.key : null }
  }

  /**
   * Counts keys, and how many of them have each type, without reading their values; as many in one call as are looked
   * at before others wait.
   */
  async count(range: KeyRange): Promise<CountedKeys> {
    const types = new Map<UserType, number>()
    let keys = 0
    let lastKey: string | undefined
    let next: string | null = null
    await visitEntries(this.#access.replica, range, ({ address, versions }) => {
      if (!this.#shows(address, versions)) return 'next'
      const type = address.type as UserType
      if (address.key !== lastKey) {
        if (keys === countKeysMax) {
          next = lastKey!
          return 'stop'
        }
        lastKey = address.key
        keys++
      }
      types.set(type, (types.get(type) ?? 0) + 1)
      return 'past-type'
    })
    return { keys, types, next }
  }

  /** Addresses that hold more than one distinct version, in key order. All conflicts of one key are in one page. */
  async conflicts(query: ListQuery): Promise<Page<ConflictItem>> {
    const items: ConflictItem[] = []
    let scanned = 0
    let lastKey: string | undefined
    let next: string | null = null
    const suspects: EntryRow[] = []
    await visitEntries(this.#access.replica, query, (entry) => {
      const { key, type } = entry.address
      if (key !== lastKey && lastKey !== undefined && (suspects.length >= query.limit || scanned >= conflictScanMax)) {
        next = lastKey
        return 'stop'
      }
      lastKey = key
      scanned++
      if (type !== 'reg' && type !== 'map') return 'past-type'
      if (this.isInConflict(entry.address, entry.versions)) suspects.push(entry)
      return 'next'
    })
    for (const { address, versions } of suspects) {
      await this.#access.prepare(address, versions)
      const item = this.#conflictAt(address, versions)
      if (item !== undefined) items.push(item)
    }
    return { items, next }
  }

  /** Waits for the resolver of an address, if it has to compute first; undefined when it need not. */
  prepare(address: Address, versions: readonly Version[]): Promise<void> | undefined {
    if (versions.length < 2 || (address.type !== 'reg' && address.type !== 'map')) return undefined
    return this.#access.prepare(address, versions)
  }

  /** True if a register or field holds more than one distinct version, as far as its resolver has computed. */
  isInConflict(address: Address, versions: readonly Version[]): boolean {
    if (versions.length < 2 || (address.type !== 'reg' && address.type !== 'map')) return false
    return this.#access.shown(address, versions).length > 1
  }

  #shows({ type }: Address, versions: readonly Version[]): boolean {
    if (type === 'ctr') return isPresent(versions)
    if (versions.some(({ expiresAtMs }) => expiresAtMs === null)) return true
    const { nowMs } = this.#access.replica.clock.display()
    return versions.some((version) => !hasExpired(version, nowMs))
  }

  /** Read again, because the values of a whole page are not held while resolvers compute. */
  async #resolve(item: MutableItem, address: Address, withValue: boolean): Promise<void> {
    const versions = this.#access.replica.versions(address)
    const resolving = this.#access.prepare(address, versions)
    if (resolving === undefined) return
    await resolving
    this.#addRegister(item, { address, versions }, withValue)
  }

  #addRegister(item: MutableItem, { address, versions }: EntryRow, withValue: boolean): void {
    const [only] = versions
    // Nearly every key: nothing to order, to group or to hide.
    if (versions.length === 1 && only!.expiresAtMs === null) {
      item.siblings = 1
      if (withValue) item.value = only!.value
      return
    }
    const shown = this.#access.shown(address, versions)
    item.siblings = shown.length
    if (withValue && shown.length > 0) item.value = shown[0]!.version.value
  }

  #conflictAt(address: Address, versions: readonly Version[]): ConflictItem | undefined {
    const shown = this.#values.shown(address, versions)
    if (shown === undefined || shown.versions.length < 2) return undefined
    const { key, type, field } = address
    return { key, type: type as UserType, field, context: shown.context, versions: shown.versions }
  }
}
