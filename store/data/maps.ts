/** Maps: every field is a multi-value register of its own; a field removed on one side survives a put unseen by it. */
import { HearsayError } from '../errors.js'
import { mapField } from '../model/address.js'
import type { Dot } from '../model/dot.js'
import type { Access } from './access.js'
import { collectionRows } from './scan.js'
import type { DeleteOptions, OnceOptions, Resolution, Shown, WriteOptions, Written } from './types.js'
import { dotsOf, Values } from './values.js'

/** Fields removed in one durable batch when a whole map goes. */
const fieldsAtOnce = 1_000

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

  /** What a read of a field shows; undefined when it is not there. Throws DAMAGED_VALUE. */
  get(key: string, field: string): Shown | undefined {
    return this.#values.get(mapField(key, field))
  }

  /** Waits until a read of the field can show what the key's resolver computes; undefined when there is nothing to wait for. */
  prepare(key: string, field: string): Promise<void> | undefined {
    return this.#values.prepare(mapField(key, field))
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
  resolve(
    key: string,
    field: string,
    resolution: Resolution,
    options: { context?: string | undefined },
  ): Promise<Written> {
    return this.#values.resolve(mapField(key, field), resolution, options)
  }

  /**
   * Removes the fields seen here, a bounded number in each batch. Fields in conflict stay, unless `all` is given: then CONFLICT is thrown
   * before anything is removed. NOT_FOUND when there is no field.
   */
  async clear(
    key: string,
    options: OnceOptions & DeleteOptions,
  ): Promise<{ readonly removed: number; readonly dot: Dot }> {
    if (options.all !== true) await this.#refuseConflicts(key)
    let removed = 0
    let dot: Dot | undefined
    for await (const fields of this.fields(key)) {
      for (let at = 0; at < fields.length; at += fieldsAtOnce) {
        const dots = await this.#removeSome(key, fields.slice(at, at + fieldsAtOnce), options)
        removed += dots.length
        dot = dots.at(-1) ?? dot
      }
    }
    if (dot === undefined) throw new HearsayError('NOT_FOUND', `there is no map "${key}"`)
    return { removed, dot }
  }

  #removeSome(key: string, fields: readonly ShownField[], { guard }: OnceOptions): Promise<Dot[]> {
    return this.#access.write((turn) => {
      guard?.()
      return fields.flatMap(({ field }) => {
        const address = { key, type: 'map' as const, field }
        const { groups } = turn.look(address)
        return groups.length === 0 ? [] : [turn.transaction.remove(address, dotsOf(groups))]
      })
    })
  }

  async #refuseConflicts(key: string): Promise<void> {
    for await (const fields of this.fields(key)) {
      const inConflict = fields.find(({ shown }) => shown.versions.length > 1)
      if (inConflict === undefined) continue
      const name = Buffer.from(inConflict.field).toString()
      const { length } = inConflict.shown.versions
      throw new HearsayError(
        'CONFLICT',
        `field "${name}" of map "${key}" holds ${length} siblings; settle them with 'hearsay resolve', or delete the map with --all`,
        { siblings: length, field: name },
      )
    }
  }
}
