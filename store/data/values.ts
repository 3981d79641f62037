/** Multi-value registers at an address: registers of their own, and the fields of maps. */
import { HearsayError } from '../errors.js'
import type { Address } from '../model/address.js'
import { valueHash } from '../model/digest.js'
import { type Dot, includesDot, sameDot } from '../model/dot.js'
import { versionAt } from '../model/join.js'
import { expiredDots, mergeDots, type Sibling, siblings, visible } from '../model/register.js'
import type { Version } from '../model/update.js'
import { entryKey } from '../rows/entries.js'
import type { Access, WriteTurn } from './access.js'
import { dotAnswer, once } from './once.js'
import { isStill } from './shown-memo.js'
import type {
  DeleteOptions,
  PutOptions,
  Reopened,
  Resolution,
  ResolveOptions,
  SettledVersion,
  Shown,
  WriteOptions,
  Written,
} from './types.js'

/** Reads and writes of multi-value registers. */
export class Values {
  constructor(readonly access: Access) {}

  /** Versions that a read shows now; undefined when there is nothing. Throws DAMAGED_VALUE. */
  get(address: Address): Shown | undefined {
    return this.shown(address, this.access.replica.versions(address))
  }

  /** View of these versions as a read shows it now; undefined when there is nothing. */
  shown(address: Address, versions: readonly Version[]): Shown | undefined {
    const { access } = this
    const groups = access.shown(address, versions)
    if (groups.length === 0) return undefined
    const winnerContext = access.token(address, groups[0]!.dots)
    const context = groups.length === 1 ? winnerContext : access.token(address, dotsOf(groups))
    return { key: address.key, versions: groups.map((group) => access.toShown(group)), winnerContext, context }
  }

  /**
   * The same as `get`, with what the resolver of the address shows, in this turn unless that has to be computed first.
   */
  read(address: Address): Shown | undefined | Promise<Shown | undefined> {
    const { memo, replica, tokenKey } = this.access
    const isRegister = address.type === 'reg'
    const known = isRegister ? memo.recall(address.key) : undefined
    const rowKey = known?.rowKey ?? entryKey(address)
    const row = replica.row(address, rowKey)
    if (row === undefined) return undefined
    if (known !== undefined && isStill(known, row, tokenKey)) return known.shown
    const versions = replica.versions(address, row)
    const computed = this.access.prepare(address, versions)
    if (computed !== undefined) return computed.then(() => this.get(address))
    const shown = this.shown(address, versions)
    const isFixed = isRegister && versions.length === 1 && versions[0]!.expiresAtMs === null
    if (isFixed && shown !== undefined) memo.remember(address.key, { rowKey, row, tokenKey, shown })
    return shown
  }

  /** Stores a value. EXISTS, BAD_CONTEXT, RETRY_KEY_REUSED: nothing was stored. */
  async put(address: Address, value: Uint8Array, options: WriteOptions): Promise<Written> {
    // A retry that is answered from memory does not look.
    const stored: { version?: Version | undefined; isAlone: boolean } = { isAlone: false }
    const durable = this.access.write((turn) =>
      once(turn, options, dotAnswer, () => {
        const dot = this.putIn(turn, address, value, options)
        const versions = turn.transaction.versions(address)
        stored.version = versionAt(versions, dot)
        stored.isAlone = versions.length === 1
        return dot
      }),
    )
    // The token is made while the disk works, once the writer has handed the batch over.
    await undefined
    const early = stored.version && this.access.written(address, stored.version.dot, stored.version)
    const dot = await durable
    const siblings = stored.isAlone ? 1 : (this.get(address)?.versions.length ?? 0)
    return { ...(early ?? this.access.written(address, dot)), siblings }
  }

  /**
   * Deletes. NOT_FOUND when there is nothing; CONFLICT when siblings are there and neither a context nor `all` was
   * given.
   */
  async delete(address: Address, options: WriteOptions): Promise<Written> {
    const dot = await this.access.write((turn) =>
      once(turn, options, dotAnswer, () => this.deleteIn(turn, address, options)),
    )
    return this.access.written(address, dot)
  }

  /** The same as `put`, inside a write. */
  putIn(turn: WriteTurn, address: Address, value: Uint8Array, options: PutOptions): Dot {
    const context = this.access.contextDots(address, options.context)
    const { transaction } = turn
    const versions = transaction.versions(address)
    const expired = expiredDots(versions, transaction.expiredByMs)
    if (options.ifAbsent === true && visible(versions, transaction.nowMs).length > 0) {
      throw new HearsayError('EXISTS', `${nameOf(address)} exists; nothing was stored`)
    }
    // Who says what is in view need not wait for what a resolver would show.
    const superseded = mergeDots(context ?? turn.look(address).groups[0]?.dots ?? [], expired)
    return transaction.put(address, value, options.expiresAtMs ?? null, superseded)
  }

  /** The same as `delete`, inside a write. */
  deleteIn(turn: WriteTurn, address: Address, options: DeleteOptions): Dot {
    const context = this.access.contextDots(address, options.context)
    const { transaction } = turn
    const versions = transaction.versions(address)
    const expired = expiredDots(versions, transaction.expiredByMs)
    if (visible(versions, transaction.nowMs).length === 0) {
      throw new HearsayError('NOT_FOUND', `there is no ${nameOf(address)}`)
    }
    return transaction.remove(address, mergeDots(context ?? this.#allInView(turn, address, options), expired))
  }

  /** Every dot in view; CONFLICT when they are siblings and `all` is not given. */
  #allInView(turn: WriteTurn, address: Address, { all }: DeleteOptions): readonly Dot[] {
    if (all === true) {
      return dotsOf(siblings(turn.transaction.versions(address), this.access.replica.clock.display()))
    }
    const { groups } = turn.look(address)
    if (groups.length > 1) throw conflictAt(address, groups.length)
    return dotsOf(groups)
  }

  /** Settles a conflict; STALE_CONTEXT when a sibling has come that the given context lacks. */
  async resolve(address: Address, resolution: Resolution, options: ResolveOptions): Promise<Written> {
    let settled: readonly SettledVersion[] | undefined
    const dot = await this.access.write((turn) =>
      once(turn, options, dotAnswer, () => {
        const done = this.#resolveIn(turn, address, resolution, options.context)
        settled = done.settled
        return done.dot
      }),
    )
    return { ...this.access.written(address, dot), ...(settled && { settled }) }
  }

  /**
   * Undoes a resolution: writes the versions that it settled again, each as one that nobody has seen, in place of the
   * resolution's alone. STALE_CONTEXT when that is not live any more.
   */
  async reopen(address: Address, resolution: Dot, settled: readonly SettledVersion[]): Promise<Reopened> {
    const dots = await this.access.write(({ transaction }) => {
      if (!transaction.versions(address).some(({ dot }) => sameDot(dot, resolution))) {
        const message = `${nameOf(address)} has been written again since the conflict was settled; nothing was changed`
        throw new HearsayError('STALE_CONTEXT', message)
      }
      // Of versions with equal times the later one is shown first.
      return settled
        .toReversed()
        .map(({ value, expiresAtMs }, at) => transaction.put(address, value, expiresAtMs, at === 0 ? [resolution] : []))
        .toReversed()
    })
    return { dots, context: this.access.token(address, mergeDots(dots)) }
  }

  /**
   * Stores an imported version unless an equal value is live; resolves with whether it was stored. Nobody is given a
   * token, which would cost as much as the write. The first version of a line is an ordinary put; an `extra` one
   * supersedes nothing, so that siblings stay siblings.
   */
  async importValue(
    address: Address,
    value: Uint8Array,
    options: { expiresAtMs: number | null; extra: boolean },
  ): Promise<boolean> {
    return this.access.write(({ transaction }) => {
      const versions = transaction.versions(address)
      if (this.#isLive(versions, value)) return false
      const winner = options.extra ? [] : (this.access.shown(address, versions)[0]?.dots ?? [])
      const superseded = mergeDots(winner, expiredDots(versions, transaction.expiredByMs))
      transaction.put(address, value, options.expiresAtMs, superseded)
      return true
    })
  }

  /** True if a value that has not expired has the same bytes. */
  #isLive(versions: readonly Version[], value: Uint8Array): boolean {
    if (versions.length === 0) return false
    const hash = valueHash(value)
    const groups = siblings(versions, this.access.replica.clock.display())
    return groups.some((group) => Buffer.compare(group.version.valueHash, hash) === 0)
  }

  #resolveIn(turn: WriteTurn, address: Address, resolution: Resolution, token: string | undefined) {
    const context = this.access.contextDots(address, token)
    const { transaction } = turn
    const versions = transaction.versions(address)
    const groups = siblings(versions, this.access.replica.clock.display())
    if (groups.length === 0) throw new HearsayError('NOT_FOUND', `there is no ${nameOf(address)}`)
    const inView = dotsOf(groups)
    if (context !== undefined && inView.some((one) => !includesDot(context, one))) {
      throw new HearsayError(
        'STALE_CONTEXT',
        `${nameOf(address)} has gained another sibling since; read the conflict again, then resolve it`,
      )
    }
    const { value, expiresAtMs } = resolved(turn, address, resolution, groups)
    const superseded = mergeDots(context ?? inView, expiredDots(versions, transaction.expiredByMs))
    const settled = groups.map((group) => ({ value: group.version.value, expiresAtMs: group.expiresAtMs }))
    return { dot: transaction.put(address, value, expiresAtMs, superseded), settled }
  }
}

/** All dots of these groups. */
export function dotsOf(groups: readonly Sibling[]): Dot[] {
  return mergeDots(...groups.map((group) => group.dots))
}

/** An address in words. */
function nameOf({ key, type, field }: Address): string {
  return type === 'map' ? `field "${Buffer.from(field).toString()}" of map "${key}"` : `"${key}"`
}

function conflictAt(address: Address, count: number): HearsayError {
  const message = `${nameOf(address)} holds ${count} siblings: give the context of a read to delete what it showed, or ask for all of them to be deleted`
  return new HearsayError('CONFLICT', message, { siblings: count })
}

function resolved(
  turn: WriteTurn,
  address: Address,
  resolution: Resolution,
  groups: readonly Sibling[],
): { value: Uint8Array; expiresAtMs: number | null } {
  if ('value' in resolution) return { value: resolution.value, expiresAtMs: null }
  if ('merge' in resolution) return merged(turn, address, groups)
  const picked = groups[resolution.pick - 1]
  if (picked !== undefined) return { value: picked.version.value, expiresAtMs: picked.expiresAtMs }
  throw new HearsayError(
    'BAD_REQUEST',
    `${nameOf(address)} has versions 1 to ${groups.length}; there is no number ${resolution.pick}`,
  )
}

/** Value that the resolver shows in place of the siblings. Throws BAD_REQUEST when none merges them. */
function merged(
  turn: WriteTurn,
  address: Address,
  groups: readonly Sibling[],
): { value: Uint8Array; expiresAtMs: number | null } {
  const shown = turn.look(address).groups
  if (shown.length === 1 && groups.length >= 1) {
    const { version, expiresAtMs } = shown[0]!
    return { value: version.value, expiresAtMs }
  }
  throw new HearsayError(
    'BAD_REQUEST',
    `no merging resolver is set for ${nameOf(address)}; pick a version by its number or give a value`,
  )
}
