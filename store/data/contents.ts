/**
 * Everything that users have stored below a prefix, entry by entry, and how it is taken in again: for exports and
 * imports.
 */
import type { JsonObject } from '../documents/json.js'
import { HearsayError } from '../errors.js'
import { rangeOf } from '../keyspace.js'
import type { KvRow } from '../kv.js'
import { type Address, setMember } from '../model/address.js'
import { counterValue } from '../model/counter.js'
import { valueHash } from '../model/digest.js'
import { siblings } from '../model/register.js'
import { isExportedAsStored } from '../model/types.js'
import type { Version } from '../model/update.js'
import { decodeVersions, entryAddress, entryPrefix } from '../rows/entries.js'
import { isDamage } from '../rows/seal.js'
import type { Access } from './access.js'
import type { Counters } from './counters.js'
import type { Documents } from './documents.js'
import type { Sets } from './sets.js'
import type { ShownVersion } from './types.js'
import { Values } from './values.js'

/** Content of one address. */
export type Content =
  | { readonly kind: 'versions'; readonly address: Address; readonly versions: readonly ShownVersion[] }
  | {
      readonly kind: 'document'
      readonly address: Address
      readonly versions: readonly ShownVersion[]
      /** Document that the versions show together; undefined when none can be read. */
      readonly document: JsonObject | undefined
    }
  | { readonly kind: 'counter'; readonly address: Address; readonly value: bigint }
  /** Of a type of a later version: every live version, as it is stored. */
  | { readonly kind: 'opaque'; readonly address: Address; readonly versions: readonly ShownVersion[] }
  /** The record cannot be read. */
  | { readonly kind: 'damaged'; readonly address: Address; readonly error: HearsayError }

/** Reads and takes in contents. */
export class Contents {
  readonly #access: Access
  readonly #values: Values
  readonly #counters: Counters
  readonly #sets: Sets
  readonly #documents: Documents

  constructor(access: Access, counters: Counters, sets: Sets, documents: Documents) {
    this.#access = access
    this.#values = new Values(access)
    this.#counters = counters
    this.#sets = sets
    this.#documents = documents
  }

  /**
   * Everything below a prefix in key order, from one consistent view, every sibling kept whatever the key's resolver;
   * one chunk after the other.
   */
  async *entries(prefix: string): AsyncGenerator<readonly Content[]> {
    const gte = entryPrefix('entry', prefix)
    for await (const rows of this.#access.replica.store.scan({ gte, lt: rangeOf('entry').lt })) {
      const below = rows.filter((row) => Buffer.compare(row.key.subarray(0, gte.length), gte) === 0)
      const contents = below.flatMap((row) => this.#content(row) ?? [])
      yield await Promise.all(contents.map((content) => this.#withDocument(content)))
      if (below.length < rows.length) return
    }
  }

  /**
   * Stores an imported version of a register or a field unless an equal value is live; resolves whether it was news.
   * The first version of a line is an ordinary put; an `extra` one supersedes nothing, so that siblings stay siblings.
   */
  importVersion(
    address: Address,
    value: Uint8Array,
    options: { expiresAtMs: number | null; extra: boolean },
  ): Promise<boolean> {
    return this.#values.importValue(address, value, options)
  }

  /** Adds an imported member unless it is there; resolves whether it was news. */
  importMember(key: string, member: Uint8Array): Promise<boolean> {
    return this.#access.write((turn) => {
      if (turn.look(setMember(key, member)).groups.length > 0) return false
      this.#sets.addIn(turn, key, member)
      return true
    })
  }

  /** Gives a counter an imported value unless it has it; resolves whether it was news. COUNTER_RANGE. */
  importCounter(key: string, value: bigint): Promise<boolean> {
    return this.#access.write((turn) => this.#counters.importIn(turn, key, value))
  }

  /** Stores a version of an imported document beside what is here; resolves whether it was news. BAD_DOCUMENT. */
  importDocument(key: string, saved: Uint8Array): Promise<boolean> {
    return this.#documents.importSaved(key, saved)
  }

  /** Puts the JSON of an imported document; resolves whether it was news. BAD_DOCUMENT, TOO_LARGE. */
  importJson(key: string, json: JsonObject, bytesMax: number): Promise<boolean> {
    return this.#documents.importJson(key, json, bytesMax)
  }

  /**
   * Stores imported versions of a type that is exported as it is stored, beside what is here, each unless an equal
   * value is live; resolves whether any was news. They supersede nothing: what one version of such a type means for
   * another is not known here.
   */
  importOpaque(
    address: Address,
    imported: readonly { readonly value: Uint8Array; readonly expiresAtMs: number | null }[],
  ): Promise<boolean> {
    return this.#access.write(({ transaction }) => {
      const live = new Set(transaction.versions(address).map(({ valueHash: hash }) => hashText(hash)))
      const before = live.size
      for (const { value, expiresAtMs } of imported) {
        const hash = hashText(valueHash(value))
        if (!live.has(hash)) transaction.put(address, value, expiresAtMs, [])
        live.add(hash)
      }
      return live.size > before
    })
  }

  async #withDocument(content: Content): Promise<Content> {
    if (content.kind !== 'versions' || content.address.type !== 'doc') return content
    const { address, versions } = content
    const document = await this.#documents.jsonOf(versions.map(({ value }) => value))
    return { kind: 'document', address, versions, document }
  }

  #content(row: KvRow): Content | undefined {
    const address = entryAddress(row.key)
    try {
      return this.#readable(address, row)
    } catch (error) {
      if (!(error instanceof HearsayError) && !isDamage(error)) throw error
      const known = error instanceof HearsayError ? error : new HearsayError('DAMAGED_VALUE', (error as Error).message)
      return { kind: 'damaged', address, error: known }
    }
  }

  #readable(address: Address, row: KvRow): Content | undefined {
    const { replica } = this.#access
    const versions = replica.guard.reading(() => decodeVersions(row.key, row.value))
    if (address.type === 'ctr') {
      const value = counterValue(versions)
      return value === undefined ? undefined : { kind: 'counter', address, value }
    }
    if (isExportedAsStored(address.type)) {
      return { kind: 'opaque', address, versions: versions.map((version) => this.#asStored(version)) }
    }
    const shown = siblings(versions, replica.clock.display()).map((group) => this.#access.toShown(group))
    return shown.length === 0 ? undefined : { kind: 'versions', address, versions: shown }
  }

  #asStored({ dot, time, expiresAtMs, value }: Version): ShownVersion {
    return { dot, member: this.#access.replica.memberOf(dot.actor), time, expiresAtMs, value }
  }
}

function hashText(hash: Uint8Array): string {
  return Buffer.from(hash).toString('latin1')
}
