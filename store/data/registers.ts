/** Registers: a key with one multi-value register. */
import { register } from '../model/address.js'
import type { Dot } from '../model/dot.js'
import type { Access } from './access.js'
import { Listing, type ListQuery } from './listing.js'
import type { KeyRange } from './scan.js'
import type {
  ConflictItem,
  CountedKeys,
  ListItem,
  Page,
  Reopened,
  Resolution,
  ResolveOptions,
  SettledVersion,
  Shown,
  WriteOptions,
  Written,
} from './types.js'
import { Values } from './values.js'

/** Registers over a replica, and the listing of all keys. */
export class Registers {
  readonly #values: Values
  readonly #listing: Listing

  constructor(access: Access, listing: Listing = new Listing(access, new Values(access))) {
    this.#values = new Values(access)
    this.#listing = listing
  }

  /** Register as a read shows it now; undefined when there is nothing. Throws DAMAGED_VALUE. */
  get(key: string): Shown | undefined {
    return this.#values.get(register(key))
  }

  /** The same with what the key's resolver shows, in this turn unless that has to be computed first. */
  read(key: string): Shown | undefined | Promise<Shown | undefined> {
    return this.#values.read(register(key))
  }

  /** Stores a value. EXISTS, BAD_CONTEXT, RETRY_KEY_REUSED: nothing was stored. */
  put(key: string, value: Uint8Array, options: WriteOptions): Promise<Written> {
    return this.#values.put(register(key), value, options)
  }

  /**
   * Deletes. NOT_FOUND when there is nothing; CONFLICT when siblings are there and neither a context nor `all` was
   * given.
   */
  delete(key: string, options: WriteOptions): Promise<Written> {
    return this.#values.delete(register(key), options)
  }

  /** Keys in the order of their bytes. */
  list(query: ListQuery & { readonly values: boolean }): Promise<Page<ListItem>> {
    return this.#listing.list(query)
  }

  /** Counts keys of every type. */
  count(range: KeyRange): Promise<CountedKeys> {
    return this.#listing.count(range)
  }

  /** Addresses that hold more than one distinct version. */
  conflicts(query: { prefix: string; after?: string | undefined; limit: number }): Promise<Page<ConflictItem>> {
    return this.#listing.conflicts(query)
  }

  /** Settles a conflict; STALE_CONTEXT when a sibling has come that the given context lacks. */
  resolve(key: string, resolution: Resolution, options: ResolveOptions): Promise<Written> {
    return this.#values.resolve(register(key), resolution, options)
  }

  /** Undoes a resolution while its version is live; STALE_CONTEXT when it is not any more. */
  reopen(key: string, resolution: Dot, settled: readonly SettledVersion[]): Promise<Reopened> {
    return this.#values.reopen(register(key), resolution, settled)
  }
}
