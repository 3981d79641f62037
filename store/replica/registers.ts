/** The users' registers: what a get shows, what a put and a delete thereby supersede, listings, conflicts. */
import { HearsayError } from '../errors.js'
import { decodeVersions, entryAddress, entryKeyEnd, entryPrefix, rangeOf } from '../keyspace.js'
import type { KvRow } from '../kv.js'
import { type Address, register, type Type } from '../model/address.js'
import { ByteReader, ByteWriter } from '../model/bytes.js'
import type { HybridTime } from '../model/clock.js'
import { type MemberTag, readDot, writeDot } from '../model/codec.js'
import { valueHash } from '../model/digest.js'
import { type Dot, includesDot } from '../model/dot.js'
import { expiredDots, mergeDots, type Sibling, siblings } from '../model/register.js'
import { decodeToken, encodeToken } from '../model/token.js'
import type { Version } from '../model/update.js'
import type { Replica } from './replica.js'
import type { Transaction } from './types.js'

/** One sibling as shown to a user. */
export interface ShownVersion {
  readonly dot: Dot
  /** The tag of the member that wrote it. */
  readonly member: MemberTag
  readonly time: HybridTime
  /** Milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null
  readonly value: Uint8Array
}

/** What a read shows: the winner first. */
export interface Shown {
  readonly key: string
  readonly versions: readonly ShownVersion[]
  /** The token of what the bytes form shows: what a put without a token would supersede. */
  readonly winnerContext: string
  /** The token of all versions. */
  readonly context: string
}

/** How a put or a delete is to be done. */
export interface WriteOptions {
  /** A token of an earlier read: supersedes exactly what that showed. */
  readonly context?: string | undefined
  /** Deletes: every version in view, conflict or not. */
  readonly all?: boolean
  /** Puts: the deadline in milliseconds since 1970. */
  readonly expiresAtMs?: number | null
  /** Puts: refuse with EXISTS when a live version is there. */
  readonly ifAbsent?: boolean
  /** Puts: once for each retry key; `requestHash` tells whether it is the same request. */
  readonly retry?: { readonly key: string; readonly requestHash: Uint8Array } | undefined
  /** Called inside the write, unless it is a retry of one that was stored; what it throws refuses the write. */
  readonly guard?: () => void
}

/** What a write answers. */
export interface Written {
  readonly dot: Dot
  /** The token of the new dot alone. */
  readonly context: string
}

/** A type that users see. */
export type UserType = Exclude<Type, 'sys'>

/** One key of a listing. */
export interface ListItem {
  readonly key: string
  readonly types: readonly UserType[]
  /** Sibling groups of the register; 1 without a conflict, 0 without a register. */
  readonly siblings: number
  /** The shown winner, when asked for and the key has a register. */
  readonly value?: Uint8Array
}

/** One address in conflict. */
export interface ConflictItem {
  readonly key: string
  readonly type: UserType
  readonly field: Uint8Array
  readonly context: string
  readonly versions: readonly ShownVersion[]
}

/** A page in key order. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Where to go on; null at the end. */
  readonly next: string | null
}

/** How a conflict is settled. */
export type Resolution = { readonly pick: number } | { readonly value: Uint8Array } | { readonly merge: true }

/** Which resolver computes what is shown under a key: `siblings` keeps all in view, `lww` shows the last write alone. */
export type ResolverOf = (key: string) => 'siblings' | 'lww'

/** Keys looked at in one page of conflicts before the caller is asked to go on. */
const conflictScanMax = 100_000

/** Registers over a replica. */
export class Registers {
  readonly #replica: Replica
  readonly #tokenKey: () => Uint8Array
  readonly #resolverOf: ResolverOf

  /** `tokenKey` gives the key that tokens are authenticated with; it changes when the node joins another mesh. */
  constructor(replica: Replica, tokenKey: () => Uint8Array, resolverOf: ResolverOf = () => 'siblings') {
    this.#replica = replica
    this.#tokenKey = tokenKey
    this.#resolverOf = resolverOf
  }

  /** What a read shows now; undefined when there is nothing. Throws DAMAGED_VALUE. */
  get(key: string): Shown | undefined {
    const address = register(key)
    const groups = this.#shown(key, this.#replica.versions(address))
    if (groups.length === 0) return undefined
    const winnerContext = this.#token(address, groups[0]!.dots)
    const context =
      groups.length === 1 ? winnerContext : this.#token(address, mergeDots(...groups.map((group) => group.dots)))
    return { key, versions: groups.map((group) => this.#toShown(group)), winnerContext, context }
  }

  /** Stores a value. EXISTS, BAD_CONTEXT, RETRY_KEY_REUSED: nothing was stored. */
  async put(key: string, value: Uint8Array, options: WriteOptions): Promise<Written> {
    const address = register(key)
    const context = this.#contextDots(address, options.context)
    const dot = await this.#replica.transact((transaction) => {
      const earlier = recall(transaction, options)
      if (earlier !== undefined) return earlier
      options.guard?.()
      const versions = transaction.versions(address)
      const groups = this.#shown(key, versions)
      if (options.ifAbsent === true && groups.length > 0) {
        throw new HearsayError('EXISTS', `"${key}" exists; leave out --if-absent to overwrite it`)
      }
      const superseded = mergeDots(context ?? groups[0]?.dots ?? [], expiredDots(versions, transaction.nowMs))
      const issued = transaction.put(address, value, options.expiresAtMs ?? null, superseded)
      remember(transaction, options, issued)
      return issued
    })
    return { dot, context: this.#token(address, [dot]) }
  }

  /** Deletes. NOT_FOUND when there is nothing; CONFLICT when siblings are there and neither a context nor `all` was given. */
  async delete(key: string, options: WriteOptions): Promise<Written> {
    const address = register(key)
    const context = this.#contextDots(address, options.context)
    const dot = await this.#replica.transact((transaction) => {
      const earlier = recall(transaction, options)
      if (earlier !== undefined) return earlier
      options.guard?.()
      const versions = transaction.versions(address)
      const groups = this.#shown(key, versions)
      if (groups.length === 0) throw new HearsayError('NOT_FOUND', `there is no "${key}"`)
      if (groups.length > 1 && context === undefined && options.all !== true) {
        throw new HearsayError(
          'CONFLICT',
          `"${key}" holds ${groups.length} siblings; look at them with 'hearsay get --all', then delete with --all or --context`,
          { siblings: groups.length },
        )
      }
      const superseded = mergeDots(
        context ?? mergeDots(...groups.map((group) => group.dots)),
        expiredDots(versions, transaction.nowMs),
      )
      const issued = transaction.remove(address, superseded)
      remember(transaction, options, issued)
      return issued
    })
    return { dot, context: this.#token(address, [dot]) }
  }

  /** Keys in the order of their bytes. */
  async list(query: { prefix: string; after?: string; limit: number; values: boolean }): Promise<Page<ListItem>> {
    const items: ListItem[] = []
    for await (const { key, rows } of this.#keys(query.prefix, query.after)) {
      const item = this.#listItem(key, rows, query.values)
      if (item === undefined) continue
      if (items.length === query.limit) return { items, next: items.at(-1)!.key }
      items.push(item)
    }
    return { items, next: null }
  }

  /** Keys that hold more than one distinct version. */
  async conflicts(query: { prefix: string; after?: string; limit: number }): Promise<Page<ConflictItem>> {
    const items: ConflictItem[] = []
    let scanned = 0
    for await (const { key, rows } of this.#keys(query.prefix, query.after)) {
      for (const { address, versions } of rows) {
        const item = this.#conflictAt(address, versions)
        if (item !== undefined) items.push(item)
      }
      if (items.length >= query.limit || ++scanned >= conflictScanMax) return { items, next: key }
    }
    return { items, next: null }
  }

  /** How many addresses are in conflict; stops counting at `max`. */
  async countConflicts(max: number): Promise<number> {
    let count = 0
    for (let after: string | undefined; ; ) {
      const page = await this.conflicts({ prefix: '', limit: 100, ...(after === undefined ? {} : { after }) })
      count += page.items.length
      if (page.next === null || count >= max) return Math.min(count, max)
      after = page.next
    }
  }

  /** Settles a conflict; STALE_CONTEXT when a sibling has come that the given context lacks. */
  async resolve(key: string, resolution: Resolution, options: { context?: string }): Promise<Written> {
    const address = register(key)
    const context = this.#contextDots(address, options.context)
    const dot = await this.#replica.transact((transaction) => {
      const versions = transaction.versions(address)
      const groups = siblings(versions, this.#replica.displayClock())
      if (groups.length === 0) throw new HearsayError('NOT_FOUND', `there is no "${key}"`)
      const inView = mergeDots(...groups.map((group) => group.dots))
      if (context !== undefined && inView.some((one) => !includesDot(context, one))) {
        throw new HearsayError(
          'STALE_CONTEXT',
          `"${key}" has got another sibling since; look at the conflict again, then resolve it`,
        )
      }
      const { value, expiresAtMs } = resolved(key, resolution, groups)
      return transaction.put(
        address,
        value,
        expiresAtMs,
        mergeDots(context ?? inView, expiredDots(versions, transaction.nowMs)),
      )
    })
    return { dot, context: this.#token(address, [dot]) }
  }

  /**
   * Stores an imported version unless an equal value is live (then undefined).
   * The first version of a line is an ordinary put; an `extra` one supersedes nothing, so that siblings stay siblings.
   */
  async importValue(
    key: string,
    value: Uint8Array,
    options: { expiresAtMs: number | null; extra: boolean },
  ): Promise<Written | undefined> {
    const address = register(key)
    const hash = valueHash(value)
    const dot = await this.#replica.transact((transaction) => {
      const versions = transaction.versions(address)
      const groups = this.#shown(key, versions)
      if (groups.some((group) => Buffer.compare(group.version.valueHash, hash) === 0)) return undefined
      const superseded = mergeDots(
        options.extra ? [] : (groups[0]?.dots ?? []),
        expiredDots(versions, transaction.nowMs),
      )
      return transaction.put(address, value, options.expiresAtMs, superseded)
    })
    return dot === undefined ? undefined : { dot, context: this.#token(address, [dot]) }
  }

  /** Under `lww` all versions are shown as the winner alone, and superseded together. */
  #shown(key: string, versions: readonly Version[]): Sibling[] {
    const groups = siblings(versions, this.#replica.displayClock())
    if (groups.length < 2 || this.#resolverOf(key) === 'siblings') return groups
    return [{ ...groups[0]!, dots: mergeDots(...groups.map((group) => group.dots)) }]
  }

  #toShown({ version, expiresAtMs }: Sibling): ShownVersion {
    const { dot, time, value } = version
    return { dot, member: this.#replica.memberOf(dot.actor), time, expiresAtMs, value }
  }

  #token(address: Address, dots: readonly Dot[]): string {
    return encodeToken(this.#tokenKey(), address, dots)
  }

  #contextDots(address: Address, token: string | undefined): Dot[] | undefined {
    if (token === undefined) return undefined
    const dots = decodeToken(this.#tokenKey(), address, token)
    if (dots !== undefined) return dots
    throw new HearsayError(
      'BAD_CONTEXT',
      'this context is malformed, altered, or of another key or mesh; read the key again and use the context of that answer',
    )
  }

  #listItem(key: string, rows: readonly EntryRow[], values: boolean): ListItem | undefined {
    const types: UserType[] = []
    let shown: Sibling[] = []
    for (const { address, versions } of rows) {
      const groups = this.#shown(key, versions)
      if (groups.length === 0) continue
      const type = address.type as UserType
      if (!types.includes(type)) types.push(type)
      if (type === 'reg') shown = groups
    }
    if (types.length === 0) return undefined
    const value = values && shown.length > 0 ? { value: shown[0]!.version.value } : {}
    return { key, types, siblings: shown.length, ...value }
  }

  #conflictAt(address: Address, versions: readonly Version[]): ConflictItem | undefined {
    if (address.type !== 'reg' && address.type !== 'map') return undefined
    const groups = this.#shown(address.key, versions)
    if (groups.length < 2) return undefined
    const context = this.#token(address, mergeDots(...groups.map((group) => group.dots)))
    const { key, type, field } = address
    return { key, type, field, context, versions: groups.map((group) => this.#toShown(group)) }
  }

  /** The users' keys in order, each with its entries. A row that fails its checksum is reported, never left out silently. */
  async *#keys(prefix: string, after: string | undefined): AsyncIterable<{ key: string; rows: EntryRow[] }> {
    const start = entryPrefix('entry', prefix)
    const past = after === undefined ? undefined : entryKeyEnd(after)
    const from = past !== undefined && Buffer.compare(past, start) > 0 ? past : start
    let key: string | undefined
    let rows: EntryRow[] = []
    for await (const chunk of this.#replica.store.scan({ gte: from, lt: rangeOf('entry').lt })) {
      for (const row of chunk) {
        if (!startsWith(row.key, start)) break
        const entry = this.#entryOf(row)
        if (key !== undefined && entry.address.key !== key) {
          yield { key, rows }
          rows = []
        }
        key = entry.address.key
        rows.push(entry)
      }
      if (chunk.length > 0 && !startsWith(chunk.at(-1)!.key, start)) break
    }
    if (key !== undefined) yield { key, rows }
  }

  #entryOf(row: KvRow): EntryRow {
    return this.#replica.reading(() => ({
      address: entryAddress(row.key),
      versions: decodeVersions(row.key, row.value),
    }))
  }
}

interface EntryRow {
  readonly address: Address
  readonly versions: readonly Version[]
}

function startsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length >= prefix.length && Buffer.compare(key.subarray(0, prefix.length), prefix) === 0
}

function resolved(
  key: string,
  resolution: Resolution,
  groups: readonly Sibling[],
): { value: Uint8Array; expiresAtMs: number | null } {
  if ('value' in resolution) return { value: resolution.value, expiresAtMs: null }
  if ('pick' in resolution) {
    const picked = groups[resolution.pick - 1]
    if (picked !== undefined) return { value: picked.version.value, expiresAtMs: picked.expiresAtMs }
    throw new HearsayError(
      'BAD_REQUEST',
      `"${key}" has versions 1 to ${groups.length}; there is no number ${resolution.pick}`,
    )
  }
  throw new HearsayError(
    'BAD_REQUEST',
    `no merging resolver is set for "${key}"; pick a version by its number or give a value`,
  )
}

function recall(transaction: Transaction, options: WriteOptions): Dot | undefined {
  if (options.retry === undefined) return undefined
  const earlier = transaction.recall(options.retry.key)
  if (earlier === undefined) return undefined
  if (Buffer.compare(earlier.requestHash, options.retry.requestHash) !== 0) {
    throw new HearsayError('RETRY_KEY_REUSED', 'this idempotency key was used for another request; take a new one')
  }
  return readDot(new ByteReader(earlier.answer))
}

function remember(transaction: Transaction, options: WriteOptions, dot: Dot): void {
  if (options.retry === undefined) return
  const answer = new ByteWriter(16)
  writeDot(answer, dot)
  transaction.remember(options.retry.key, options.retry.requestHash, answer.finish())
}
