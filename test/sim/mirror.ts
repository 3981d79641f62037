/**
 * What stands on one simulated disk, decoded row by row as batches take effect: the oracle's own view of a node, which
 * no node is asked for.
 */
import { rangeOf } from '../../store/keyspace.js'
import type { KvChange } from '../../store/kv.js'
import { type Address, addressText } from '../../store/model/address.js'
import { Context } from '../../store/model/context.js'
import { valueHash } from '../../store/model/digest.js'
import { type Actor, type Dot, dotText } from '../../store/model/dot.js'
import type { Version } from '../../store/model/update.js'
import { contextActor, decodeContext } from '../../store/rows/contexts.js'
import { type DotRow, decodeDotRow, dotOfKey } from '../../store/rows/dots.js'
import { decodeVersions, entryAddress } from '../../store/rows/entries.js'
import { isDamage } from '../../store/rows/seal.js'
import { standingText, storedText } from './forks.js'

/** One live version and where it lives. */
export interface MirroredVersion {
  readonly address: Address
  readonly version: Version
}

/** What one batch changed on a disk. */
export interface MirrorDelta {
  readonly added: readonly MirroredVersion[]
  readonly removed: readonly MirroredVersion[]
  /** Dots that are in a context now and were not before. */
  readonly seen: Context
  readonly applied: Context
  /** Dots that left the contexts: only damage may do that. */
  readonly unseen: Context
  /** Dot rows that were written. */
  readonly rows: readonly { readonly dot: Dot; readonly row: DotRow }[]
  /** Dots whose readable row is gone. */
  readonly unlogged: ReadonlySet<string>
}

const entryPrefix = rangeOf('entry').gte[0]!
const systemPrefix = rangeOf('system').gte[0]!
const contextPrefix = rangeOf('context').gte[0]!
const dotPrefix = rangeOf('dot').gte[0]!

/** Live versions, contexts and dot rows of one disk. */
export class Mirror {
  readonly live = new Map<string, MirroredVersion>()
  readonly seen = new Context()
  readonly applied = new Context()
  /** States of dot rows, by dot. */
  readonly rows = new Map<string, DotRow['state']>()
  /** What ever stood here at each dot: of a dot that names two updates, which of them came. */
  readonly #stood = new Map<string, readonly string[]>()
  /** Live versions by entry, each with its dot: a dot that names two updates may be live at two addresses. */
  readonly #entries = new Map<string, ReadonlyMap<string, MirroredVersion>>()
  #texts: string | undefined

  /** An independent copy: a copied disk. */
  clone(): Mirror {
    const copy = new Mirror()
    for (const [dot, version] of this.live) copy.live.set(dot, version)
    for (const [dot, state] of this.rows) copy.rows.set(dot, state)
    for (const [key, versions] of this.#entries) copy.#entries.set(key, versions)
    for (const [dot, texts] of this.#stood) copy.#stood.set(dot, texts)
    copy.seen.union(this.seen)
    copy.applied.union(this.applied)
    return copy
  }

  /** Follows a batch. */
  apply(changes: readonly KvChange[]): MirrorDelta {
    const delta = {
      added: [] as MirroredVersion[],
      removed: [] as MirroredVersion[],
      rows: [] as { dot: Dot; row: DotRow }[],
      seen: new Context(),
      applied: new Context(),
      unseen: new Context(),
      unlogged: new Set<string>(),
    }
    for (const { key, value } of changes) {
      const prefix = key[0]
      if (prefix === entryPrefix || prefix === systemPrefix) this.#entry(key, value, delta)
      else if (prefix === contextPrefix) this.#context(key, value, delta)
      else if (prefix === dotPrefix) this.#dotRow(key, value, delta)
    }
    return delta
  }

  /**
   * Follows a batch that is taken back, because a crash lost what no sync had covered: what it brought never stood
   * here.
   */
  undo(changes: readonly KvChange[]): void {
    const { removed, unseen } = this.apply(changes)
    for (const { address, version } of removed) this.#forget(dotText(version.dot), standingText(address, version))
    for (const dot of unseen.dots()) this.#stood.delete(dotText(dot))
  }

  #forget(dot: string, standing: string): void {
    const left = this.#stood.get(dot)?.filter((text) => text !== standing) ?? []
    if (left.length === 0) this.#stood.delete(dot)
    else this.#stood.set(dot, left)
  }

  /** True if this ever stood here at a dot: see `standingText`. */
  held(dot: Dot, standing: string): boolean {
    return this.#stood.get(dotText(dot))?.includes(standing) === true
  }

  /** This stood here at a dot. */
  stands(dot: string, standing: string): void {
    const before = this.#stood.get(dot) ?? []
    if (!before.includes(standing)) this.#stood.set(dot, [...before, standing])
  }

  /** The live versions at an address, which is given as text. */
  versionsAt(text: string): MirroredVersion[] {
    return this.#all().flatMap(([, one]) => (addressText(one.address) === text ? one : []))
  }

  /** All live versions as one text: equal for equal entries alone. */
  entriesText(): string {
    this.#texts ??= this.#all()
      .map(([dot, { address, version }]) => {
        const { time, expiresAtMs } = version
        const field = Buffer.from(address.field).toString('latin1')
        const hash = Buffer.from(version.valueHash).toString('latin1')
        return `${address.type}|${address.key}|${field}|${dot}|${hash}|${time.ms}|${time.logical}|${expiresAtMs}`
      })
      .sort()
      .join('\n')
    return this.#texts
  }

  #entry(key: Uint8Array, value: Uint8Array | null, delta: { added: MirroredVersion[]; removed: MirroredVersion[] }) {
    const text = Buffer.from(key).toString('latin1')
    const address = readable(() => entryAddress(key))
    const versions = value === null ? [] : (readable(() => decodeVersions(key, value)) ?? [])
    if (address === undefined) return
    const before = this.#entries.get(text) ?? new Map<string, MirroredVersion>()
    const after = new Map(versions.map((version) => [dotText(version.dot), { address, version }]))
    this.#texts = undefined
    for (const [dot, version] of before) {
      if (after.has(dot)) continue
      delta.removed.push(version)
      if (this.live.get(dot) === version) this.live.delete(dot)
    }
    for (const [dot, version] of after) {
      const known = before.get(dot)
      if (known === undefined || storedText(known.version) !== storedText(version.version)) {
        delta.added.push(version)
        this.stands(dot, standingText(address, version.version))
      }
      this.live.set(dot, version)
    }
    if (after.size === 0) this.#entries.delete(text)
    else this.#entries.set(text, after)
  }

  /** Every live version with its dot. */
  #all(): [string, MirroredVersion][] {
    return [...this.#entries.values()].flatMap((versions) => [...versions])
  }

  #context(
    key: Uint8Array,
    value: Uint8Array | null,
    delta: { seen: Context; applied: Context; unseen: Context },
  ): void {
    const actor = contextActor(key)
    const row = value === null ? undefined : readable(() => decodeContext(key, value))
    const [seen, applied] = [row?.seen ?? [], row?.applied ?? []]
    const only = (ranges: readonly number[]) => contextOf(actor, ranges)
    delta.seen.union(only(seen).minus(this.seen))
    delta.applied.union(only(applied).minus(this.applied))
    delta.unseen.union(only(this.seen.rangesOf(actor)).minus(only(seen)))
    this.seen.setRanges(actor, seen)
    this.applied.setRanges(actor, applied)
  }

  #dotRow(
    key: Uint8Array,
    value: Uint8Array | null,
    delta: { rows: { dot: Dot; row: DotRow }[]; unlogged: Set<string> },
  ): void {
    const dot = dotOfKey(key)
    const text = dotText(dot)
    const row = value === null ? undefined : readable(() => decodeDotRow(key, value))
    if (row === undefined) {
      if (this.rows.delete(text)) delta.unlogged.add(text)
    } else {
      this.rows.set(text, row.state)
      if (row.state === 'logged' && (row.kind !== 'put' || row.value !== null)) {
        const stored = row.value === null ? null : { valueHash: valueHash(row.value), time: row.time }
        this.stands(text, standingText(row.address, stored))
      }
      delta.rows.push({ dot, row })
    }
  }
}

function contextOf(actor: Actor, ranges: readonly number[]): Context {
  return new Context(ranges.length === 0 ? new Map() : new Map([[actor, ranges]]))
}

/** A row that was damaged on purpose stands for nothing. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}
