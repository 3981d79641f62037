/**
 * What befalls disks: power losses, images put back, rows that rot or are gone; and what the oracle must excuse for it.
 */
import { rangeOf } from '../../store/keyspace.js'
import type { KvChange, KvRow } from '../../store/kv.js'
import { dotText } from '../../store/model/dot.js'
import { dotKey, dotOfKey } from '../../store/rows/dots.js'
import { Random } from '../support/random.js'
import type { DiskImage } from './disk.js'
import type { SimNode } from './node.js'
import type { Oracle } from './oracle.js'
import type { Roster } from './roster.js'
import type { Trace } from './trace.js'

/** Kinds of rows that are damaged; as often as it stands here. */
const damagedKinds = ['entry', 'entry', 'dot', 'context', 'system'] as const

const dotPrefix = rangeOf('dot').gte[0]!

/** What these faults touch. */
export interface DisksAround {
  readonly roster: Roster
  readonly oracle: Oracle
  readonly trace: Trace
  /** True if writes are on the disk before they are acknowledged. */
  readonly isSynced: boolean
}

/** The faults of the disks of one mesh. */
export class DiskFaults {
  readonly #around: DisksAround
  readonly #images = new Map<string, DiskImage>()

  constructor(around: DisksAround) {
    this.#around = around
  }

  /** Loses power. Without fsync a crash may take what was acknowledged, and a repair as well. */
  async crash(node: SimNode, reset: boolean): Promise<void> {
    await node.crash(reset)
    if (this.#around.isSynced) return
    if (node.wasDamaged) node.isDoubtful = true
    node.isRewound = true
    this.excuse(node)
  }

  /** Keeps a copy of a disk, unless it is damaged. */
  keepImage(node: SimNode): void {
    if (!node.isDoubtful) this.#images.set(node.name, node.disk.image())
  }

  /** Puts the copy that was kept in place of the disk of a node that is off. */
  rollback(node: SimNode): void {
    const image = this.#images.get(node.name)
    if (image === undefined || node.run !== undefined || node.isRetired || node.isDoubtful) return
    node.disk.restore(image)
    node.isRewound = true
    this.excuse(node)
  }

  /**
   * Rows of one kind or of several rot or are gone: as with a flipped bit, a lost block, a lost table of the newest
   * rows. One disk at a time. `salt` decides which rows.
   */
  async spoil(node: SimNode, verb: 'flip' | 'lose', salt: number): Promise<void> {
    if (node.isRetired || (verb === 'lose' && node.run !== undefined)) return
    if (this.#around.roster.alive().some((other) => other.isDoubtful)) return
    const random = new Random(salt)
    const kinds = random.shuffle(damagedKinds).slice(0, random.pick([1, 1, 1, 2, 3]))
    const changes: KvChange[] = []
    for (const kind of new Set(kinds)) {
      const rows = await node.disk.all(kind)
      const from = random.below(rows.length)
      const count = 1 + random.below(verb === 'flip' ? 2 : 5)
      for (const row of rows.slice(from, from + count)) changes.push(verb === 'lose' ? gone(row) : rotten(row, random))
    }
    if (changes.length === 0) return
    await this.damage(node, changes)
    this.#around.trace.note(() => `${node.name}: ${verb} of ${changes.length} rows: ${kinds.join(' ')}`)
  }

  /**
   * The rows of the log of what is live at a key are gone: its updates can be told as entries only. The node must be
   * off.
   */
  async unlog(node: SimNode, key: string): Promise<void> {
    if (node.isRetired || node.run !== undefined) return
    if (this.#around.roster.alive().some((other) => other.isDoubtful)) return
    const live = [...node.mirror.live.values()].filter(({ address }) => address.key === key)
    const changes = live.map(({ version }) => ({ key: dotKey(version.dot), value: null }))
    if (changes.length > 0) await this.damage(node, changes)
  }

  /**
   * Changes rows of a disk behind its node's back. Until the node has verified itself again, what it says proves
   * nothing.
   */
  async damage(node: SimNode, changes: readonly KvChange[]): Promise<void> {
    node.isDoubtful = true
    node.wasDamaged = true
    node.damagedRun = node.run
    node.isRewound = true
    this.#noteDigests(node, changes)
    await node.disk.damage(changes)
    this.excuse(node)
  }

  /**
   * Takes note of the dots whose rows are damaged: of those that are not live there, the digest is gone with the row.
   */
  #noteDigests(node: SimNode, changes: readonly KvChange[]): void {
    const dots = changes.flatMap(({ key }) => (key[0] === dotPrefix ? [dotText(dotOfKey(key))] : []))
    for (const dot of dots) if (!node.mirror.live.has(dot)) this.#around.oracle.issues.digestsTaken.add(dot)
  }

  /** What only this node had may be gone. */
  excuse(node: SimNode): void {
    const { roster, oracle, trace } = this.#around
    oracle.destroyed(roster.alive())
    trace.note(() => `what ${node.name} alone had is excused`)
  }
}

/** A row that is lost. */
function gone({ key }: KvRow): KvChange {
  return { key, value: null }
}

/** A row with a flipped bit. */
function rotten({ key, value }: KvRow, random: Random): KvChange {
  const bytes = Buffer.from(value)
  bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
  return { key, value: bytes }
}
