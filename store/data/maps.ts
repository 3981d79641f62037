/** Maps: every field is a multi-value register of its own; a field removed on one side survives a put unseen by it. */
import { HearsayError } from '../errors.js'
import { mapField } from '../model/address.js'
import type { Dot } from '../model/dot.js'
import type { Access, WriteTurn } from './access.js'
import { clearAll } from './clearing.js'
import { collectionRows } from './scan.js'
import type {
  DeleteOptions,
  OnceOptions,
  Reopened,
  Resolution,
  ResolveOptions,
  SettledVersion,
  Shown,
  WriteOptions,
  Written,
} from './types.js'
import { dotsOf, Values } from './values.js'

/** One field of a map as a reader sees it. */
export interface ShownField {
  readonly field: Uint8Array
  readonly shown: Shown
}

/** Reads and writes of maps. */
export class Maps {
  readonly #access: Access
  readonly #values: Values

  constructor(access: Access) {
    this.#access = access
    this.#values = new Values(access)
  }

  /** Field as a read shows it; undefined when it is absent. Throws DAMAGED_VALUE. */
  get(key: string, field: string): Shown | undefined {
    return this.#values.get(mapField(key, field))
  }

  /** The same with what the key's resolver shows, in this turn unless that has to be computed first. */
  read(key: string, field: string): Shown | undefined | Promise<Shown | undefined> {
    return this.#values.read(mapField(key, field))
  }

  /** All fields in the order of their bytes, in chunks. */
  async *fields(key: string): AsyncGenerator<readonly ShownField[]> {
    for await (const rows of collectionRows(this.#access.replica, key, 'map')) {
      const fields: ShownField[] = []
      for (const { address, versions } of rows) {
        await this.#access.prepare(address, versions)
        const shown = this.#values.shown(address, versions)
        if (shown !== undefined) fields.push({ field: address.field, shown })
      }
      if (fields.length > 0) yield fields
    }
  }

  /** Stores a field, as a register is stored. */
  put(key: string, field: string, value: Uint8Array, options: WriteOptions): Promise<Written> {
    return this.#values.put(mapField(key, field), value, options)
  }

  /** Removes a field, as a register is deleted. NOT_FOUND, CONFLICT. */
  delete(key: string, field: string, options: WriteOptions): Promise<Written> {
    return this.#values.delete(mapField(key, field), options)
  }

  /** Settles the conflict of a field. */
  resolve(key: string, field: string, resolution: Resolution, options: ResolveOptions): Promise<Written> {
    return this.#values.resolve(mapField(key, field), resolution, options)
  }

  /** Undoes the resolution of a field while its version is live; STALE_CONTEXT when it is not any more. */
  reopen(key: string, field: string, resolution: Dot, settled: readonly SettledVersion[]): Promise<Reopened> {
    return this.#values.reopen(mapField(key, field), resolution, settled)
  }

  /**
   * Removes the fields seen here, a bounded number in each batch. Fields in conflict stay, unless `all` is given: then
   * CONFLICT is thrown before anything is removed, and what comes into conflict meanwhile is left. NOT_FOUND when there
   * is no field.
   */
  clear(key: string, options: OnceOptions & DeleteOptions): Promise<Dot> {
    const remove = (turn: WriteTurn, { field }: ShownField) => {
      const address = { key, type: 'map' as const, field }
      const { groups } = turn.look(address)
      const isLeft = groups.length === 0 || (groups.length > 1 && options.all !== true)
      return isLeft ? undefined : turn.transaction.remove(address, dotsOf(groups))
    }
    const absent = () => new HearsayError('NOT_FOUND', `there is no map "${key}"`)
    const check = async () => {
      if (options.all !== true) await this.#refuseConflicts(key)
    }
    return clearAll(this.#access, { elements: this.fields(key), check, remove, absent }, options)
  }

  async #refuseConflicts(key: string): Promise<void> {
    for await (const fields of this.fields(key)) {
      const inConflict = fields.find(({ shown }) => shown.versions.length > 1)
      if (inConflict === undefined) continue
      const name = Buffer.from(inConflict.field).toString()
      const { length } = inConflict.shown.versions
      throw new HearsayError(
        'CONFLICT',
        `field "${name}" of map "${key}" holds ${length} siblings: settle them first, or ask for the whole map to be removed`,
        { siblings: length, field: name },
      )
    }
  }
}
