/**
 * Sets: every member is an address of its own, so that a change costs one element. Adding wins over a concurrent
 * removal.
 */
import { HearsayError } from '../errors.js'
import { setMember } from '../model/address.js'
import type { Dot } from '../model/dot.js'
import { hasExpired } from '../model/register.js'
import type { Access, WriteTurn } from './access.js'
import { clearAll } from './clearing.js'
import { dotAnswer, once } from './once.js'
import { collectionRows } from './scan.js'
import type { OnceOptions } from './types.js'

const present = new Uint8Array(0)

/** Reads and writes of sets. */
export class Sets {
  readonly #access: Access

  constructor(access: Access) {
    this.#access = access
  }

  /** True if a set has a member. Throws DAMAGED_VALUE. */
  has(key: string, member: Uint8Array): boolean {
    const { nowMs } = this.#access.replica.clock.display()
    return this.#access.replica.versions(setMember(key, member)).some((version) => !hasExpired(version, nowMs))
  }

  /** The members in the order of their bytes, in chunks; `after` goes on behind a member. */
  async *members(key: string, after?: Uint8Array): AsyncGenerator<readonly Uint8Array[]> {
    const { nowMs } = this.#access.replica.clock.display()
    for await (const rows of collectionRows(this.#access.replica, key, 'set', after)) {
      const live = rows.filter(({ versions }) => versions.some((version) => !hasExpired(version, nowMs)))
      if (live.length > 0) yield live.map(({ address }) => address.field)
    }
  }

  /** Adds a member; adding it again issues a new dot, which a removal under way has not seen. */
  add(key: string, member: Uint8Array, options: OnceOptions): Promise<Dot> {
    return this.#access.write((turn) => once(turn, options, dotAnswer, () => this.addIn(turn, key, member)))
  }

  /** Removes a member, as far as it was seen here. NOT_FOUND. */
  remove(key: string, member: Uint8Array, options: OnceOptions): Promise<Dot> {
    return this.#access.write((turn) => once(turn, options, dotAnswer, () => this.removeIn(turn, key, member)))
  }

  /**
   * Removes the members seen here, a bounded number in each batch; resolves with the last delete. NOT_FOUND when there
   * are none.
   */
  clear(key: string, options: OnceOptions): Promise<Dot> {
    const remove = (turn: WriteTurn, member: Uint8Array) => this.#removeSeen(turn, key, member)
    const absent = () => new HearsayError('NOT_FOUND', `there is no set "${key}"`)
    return clearAll(this.#access, { elements: this.members(key), remove, absent }, options)
  }

  /** The same as `add`, inside a write. */
  addIn({ transaction }: WriteTurn, key: string, member: Uint8Array): Dot {
    const address = setMember(key, member)
    const superseded = transaction.versions(address).map((version) => version.dot)
    return transaction.put(address, present, null, superseded)
  }

  /** The same as `remove`, inside a write. */
  removeIn(turn: WriteTurn, key: string, member: Uint8Array): Dot {
    const dot = this.#removeSeen(turn, key, member)
    if (dot !== undefined) return dot
    throw new HearsayError('NOT_FOUND', `the set "${key}" has no such member`)
  }

  #removeSeen({ transaction }: WriteTurn, key: string, member: Uint8Array): Dot | undefined {
    const address = setMember(key, member)
    const versions = transaction.versions(address)
    if (versions.every((version) => hasExpired(version, transaction.nowMs))) return undefined
    return transaction.remove(
      address,
      versions.map((version) => version.dot),
    )
  }
}
