/** A simulated disk: writes take time, power losses tear what was not synced, images can be kept, rows can rot. */
import { HearsayError } from '../../store/errors.js'
import { rangeOf } from '../../store/keyspace.js'
import type { KvChange, KvRange, KvRow, KvSnapshot, KvStore } from '../../store/kv.js'
import { MemoryStore } from '../../store/memory.js'
import type { Random } from '../support/random.js'
import { neverSettles, type VirtualWorld } from '../support/virtual-environment.js'
import { Mirror, type MirrorDelta } from './mirror.js'

/** A disk as it was at some moment. */
export interface DiskImage {
  readonly rows: MemoryStore
  readonly mirror: Mirror
}

interface Undo {
  readonly changes: readonly KvChange[]
}

interface Pending {
  readonly changes: readonly KvChange[]
  readonly sync: boolean
}

/** Latency of writes, in milliseconds: at least and at most. */
const syncedMs: readonly [number, number] = [0.2, 6]
const unsyncedMs: readonly [number, number] = [0.02, 0.3]
/** When a node hears of what its disk did: at once, soon, or late, because it is often at something else. */
export type Telling = 'at once' | 'soon' | 'late'

/** How long after its effect a write is answered, in milliseconds at most. */
const untoldMs: Readonly<Record<Telling, number>> = { 'at once': 0, soon: 1, late: 250 }
/** How long a node that hears late takes over a few rows of a scan, in milliseconds at most. */
const scanPauseMs = 12
const scanPauseRows = 5
/** How often a batch under way lands just before a read of such a node, between two reads of one turn. */
const landChance = 0.1

/** One disk. At most one node has it open; it outlives its nodes. */
export class SimDisk {
  mirror: Mirror
  /** Told of each batch that took effect, after it did. */
  onBatch: (delta: MirrorDelta, rows: number) => void = () => undefined
  /** Told when the node learns of such a batch. */
  onAnswer: () => void = () => undefined
  /** Calls back when the machine is awake: now, if it is. */
  whenAwake: (callback: () => void) => void = (callback) => callback()
  readonly world: VirtualWorld
  readonly random: Random
  readonly #tells: Telling
  #rows: MemoryStore
  #open: Handle | undefined
  /** Batches that no sync has covered: what takes them back. */
  #unsynced: Undo[] = []
  readonly #pending: Pending[] = []
  /** The last batch that took effect and that the node does not know of yet. */
  #untold: Pending | undefined
  #failNext: 'before' | 'after' | undefined

  /** An empty disk, or one with what an image holds. */
  constructor(
    world: VirtualWorld,
    random: Random,
    { tells, image }: { tells: Telling; image?: DiskImage | undefined },
  ) {
    this.world = world
    this.random = random
    this.#tells = tells
    this.#rows = image?.rows.clone() ?? new MemoryStore()
    this.mirror = image?.mirror.clone() ?? new Mirror()
  }

  /** Opens it for a node. */
  open(): KvStore {
    this.#open = new Handle(this)
    return this.#open
  }

  /** True if a batch took effect that the node does not know of yet. */
  get isAhead(): boolean {
    return this.#untold !== undefined
  }

  /** True if nothing is under way: what the process has in memory is what stands here. */
  get isIdle(): boolean {
    return this.#pending.length === 0 && !this.isAhead
  }

  /** The disk as it is: what a copy made under a running node holds. */
  image(): DiskImage {
    return { rows: this.#rows.clone(), mirror: this.mirror.clone() }
  }

  /** Puts an image in place of everything. Nobody may have the disk open. */
  restore(image: DiskImage): void {
    this.#rows = image.rows.clone()
    this.mirror = image.mirror.clone()
    this.#unsynced = []
  }

  /** The next write fails, before or after it took effect; undefined: it does not. */
  failNext(time: 'before' | 'after' | undefined): void {
    this.#failNext = time
  }

  /** Loses power: the write under way is there whole or not at all; of what no sync has covered a part may be gone. */
  async crash(): Promise<void> {
    this.detach()
    this.#failNext = undefined
    const pending = this.#pending.shift()
    this.#pending.length = 0
    if (pending !== undefined && this.random.chance(0.5)) this.#land(pending)
    this.#untold = undefined
    const lost = this.random.below(this.#unsynced.length + 1)
    for (let left = lost; left > 0; left--) {
      const { changes } = this.#unsynced.pop()!
      await this.#rows.write(changes, { sync: true })
      this.mirror.undo(changes)
    }
    this.#unsynced = []
  }

  /** The process ends: what it handed over stays. */
  detach(): void {
    if (this.#open !== undefined) this.#open.isDead = true
    this.#open = undefined
    this.#untold = undefined
  }

  /** The node's calls. */
  get rows(): MemoryStore {
    return this.#rows
  }

  /** Changes rows behind the node's back: rot, lost table files. */
  async damage(changes: readonly KvChange[]): Promise<void> {
    await this.#rows.write(changes, { sync: true })
    this.mirror.apply(changes)
  }

  /** Every row of a kind, in order. */
  async all(kind: 'entry' | 'dot' | 'context' | 'system'): Promise<KvRow[]> {
    const rows: KvRow[] = []
    for await (const chunk of this.#rows.scan(rangeOf(kind))) rows.push(...chunk)
    return rows
  }

  /**
   * Takes a batch of the node; it takes effect after a while, in the order of calls, and the node is told later still:
   * until then its reads find more than it knows to be stored, as those of a store do whose writes run in another
   * thread.
   */
  async write(handle: Handle, changes: readonly KvChange[], sync: boolean): Promise<void> {
    const copies = changes.map(({ key, value }) => ({ key: Buffer.from(key), value: value && Buffer.from(value) }))
    const pending = { changes: copies, sync }
    this.#pending.push(pending)
    const [leastMs, longestMs] = sync ? syncedMs : unsyncedMs
    const delayMs = leastMs + this.random.next() * (longestMs - leastMs)
    await this.#wait(delayMs)
    if (handle.isDead) return neverSettles()
    const fails = this.#failNext
    this.#failNext = undefined
    if (this.#pending.includes(pending)) {
      this.#pending.shift()
      if (fails !== 'before') this.#land(pending)
    }
    const mostMs = untoldMs[this.#tells]
    if (fails === undefined && mostMs > 0) await this.#wait(this.random.next() * mostMs)
    await new Promise<void>((resolve) => this.whenAwake(resolve))
    if (handle.isDead) return neverSettles()
    // By the next step the node has heard of it.
    this.world.schedule(0, () =>
      this.whenAwake(() => {
        if (this.#untold === pending) this.#untold = undefined
        this.onAnswer()
      }),
    )
    if (fails !== undefined) throw new HearsayError('STORE_FAILED', 'this write was made to fail')
  }

  /** What a scan found, as it comes to a node: a few rows at a time where it is busy, while the world goes on. */
  async *deliver(rows: readonly KvRow[]): AsyncGenerator<readonly KvRow[]> {
    if (this.#tells !== 'late') return yield rows
    for (let at = 0; at < rows.length; at += scanPauseRows) {
      await this.#wait(this.random.next() * scanPauseMs)
      yield rows.slice(at, at + scanPauseRows)
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise<void>((resolve) => this.world.schedule(ms, () => this.whenAwake(resolve)))
  }

  /** Before a read: a batch under way may take effect between two reads of one turn. */
  mayLand(): void {
    if (this.#tells !== 'late' || this.#pending.length === 0 || this.#failNext !== undefined) return
    if (!this.random.chance(landChance)) return
    this.#land(this.#pending.shift()!)
  }

  #land(pending: Pending): void {
    const { changes, sync } = pending
    this.#untold = pending
    const undo = changes.map(({ key }) => ({ key, value: this.#rows.get(key) ?? null }))
    this.#rows.writeNow(changes)
    if (sync) this.#unsynced = []
    else this.#unsynced.push({ changes: undo })
    this.onBatch(this.mirror.apply(changes), changes.length)
  }
}

/** One node's opening of the disk. Once dead, it answers nothing any more. */
class Handle implements KvStore {
  isDead = false
  readonly #disk: SimDisk

  constructor(disk: SimDisk) {
    this.#disk = disk
  }

  get(key: Uint8Array, snapshot?: KvSnapshot): Uint8Array | undefined {
    if (!this.isDead) this.#disk.mayLand()
    return this.#disk.rows.get(key, this.isDead ? undefined : snapshot)
  }

  write(changes: readonly KvChange[], { sync }: { readonly sync: boolean }): Promise<void> {
    return this.isDead ? neverSettles() : this.#disk.write(this, changes, sync)
  }

  async *scan(range: KvRange, snapshot?: KvSnapshot): AsyncGenerator<readonly KvRow[]> {
    if (this.isDead) await neverSettles()
    for await (const found of this.#disk.rows.scan(range, snapshot)) {
      for await (const rows of this.#disk.deliver(found)) {
        if (this.isDead) await neverSettles()
        yield rows
      }
    }
  }

  snapshot(): KvSnapshot {
    return this.#disk.rows.snapshot()
  }

  async compact(): Promise<void> {}

  async close(): Promise<void> {}
}
