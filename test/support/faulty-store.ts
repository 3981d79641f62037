/** A store for tests that fails on demand: failed, lost and held writes, lost rows, flipped bits. */
import { HearsayError } from '../../store/errors.js'
import type { KvChange, KvRange, KvRow, KvSnapshot, KvStore } from '../../store/kv.js'

/** Batches that the store can take back. */
const undoBatchesMax = 64

/** Time of a fault: before the batch took effect, or after. */
export type FaultTime = 'before' | 'after'

/** Rows that a batch replaced, so that it can be undone. */
interface Undo {
  readonly changes: readonly KvChange[]
  /** True if this batch or a later one was synced: an honest disk keeps it. */
  isSynced: boolean
}

/** Gate at which held writes wait. */
interface Gate {
  readonly time: FaultTime
  readonly opened: Promise<void>
  open(): void
}

/**
 * Wraps a store. Without faults it behaves as the one inside; writes take effect one after another, in the order of
 * calls. It goes on writing after a failed write, so that a test can see whether its user does.
 */
export class FaultyStore implements KvStore {
  readonly #inner: KvStore
  readonly #faults = new Map<number, FaultTime>()
  readonly #gates = new Set<Gate>()
  readonly #undo: Undo[] = []
  #tail: Promise<void> = Promise.resolve()
  #writes = 0
  #isCrashed = false

  /** Wraps a store, which nobody else may write to meanwhile. */
  constructor(inner: KvStore) {
    this.#inner = inner
  }

  /** Writes called for so far, failed ones included. */
  get writes(): number {
    return this.#writes
  }

  /** Makes the n-th write from now (1 is the next) reject with STORE_FAILED, before or after it took effect. */
  failWrite(number: number, time: FaultTime): void {
    this.#faults.set(this.#writes + number, time)
  }

  /** Holds every write called from now on, before or after it takes effect, until the returned function is called. */
  holdWrites(time: FaultTime): () => void {
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const gate = { time, opened, open }
    this.#gates.add(gate)
    return () => {
      this.#gates.delete(gate)
      open()
    }
  }

  /**
   * Loses power: every call from now on fails, and writes under way reject. What has taken effect stays inside, but for
   * the batches that are lost: those that no sync has covered (`unsynced`), or the last so many, synced or not (a disk
   * that lies). Returns the store inside, to be wrapped or opened again.
   */
  async crash(lost: 'nothing' | 'unsynced' | { readonly lastBatches: number } = 'nothing'): Promise<KvStore> {
    this.#isCrashed = true
    for (const gate of this.#gates) gate.open()
    await this.#tail
    const count = typeof lost === 'object' ? lost.lastBatches : lost === 'unsynced' ? this.#unsyncedCount() : 0
    if (count > this.#undo.length) throw new RangeError(`only ${this.#undo.length} batches can be taken back`)
    for (let left = count; left > 0; left--) await this.#inner.write(this.#undo.pop()!.changes, { sync: true })
    return this.#inner
  }

  /** Flips one bit of a row's value. Throws a RangeError when there is no such row or bit. */
  async flipBit(key: Uint8Array, bit: number): Promise<void> {
    await this.#tail
    const value = this.#inner.get(key)
    if (value === undefined || bit >= value.length * 8) throw new RangeError('no such row or bit')
    const flipped = Buffer.from(value)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    await this.#inner.write([{ key, value: flipped }], { sync: true })
  }

  /** Loses every row of a range, as a lost table file would. Returns how many there were. */
  async loseRows(range: KvRange): Promise<number> {
    await this.#tail
    const changes: KvChange[] = []
    for await (const rows of this.#inner.scan(range)) {
      for (const { key } of rows) changes.push({ key, value: null })
    }
    await this.#inner.write(changes, { sync: true })
    return changes.length
  }

  /** As inside. */
  get(key: Uint8Array, snapshot?: KvSnapshot): Uint8Array | undefined {
    this.#assertRunning()
    return this.#inner.get(key, snapshot)
  }

  /** As inside, but for the faults that are set. */
  write(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void> {
    const number = ++this.#writes
    const gates = [...this.#gates]
    const written = this.#tail.then(() => this.#commit(number, gates, changes, options.sync))
    this.#tail = written.catch(() => {})
    return written
  }

  /** As inside. */
  async *scan(range: KvRange, snapshot?: KvSnapshot): AsyncGenerator<readonly KvRow[]> {
    this.#assertRunning()
    for await (const rows of this.#inner.scan(range, snapshot)) {
      this.#assertRunning()
      yield rows
    }
  }

  /** As inside. */
  snapshot(): KvSnapshot {
    this.#assertRunning()
    return this.#inner.snapshot()
  }

  /** As inside. */
  async compact(range: { readonly gte: Uint8Array; readonly lt: Uint8Array }): Promise<void> {
    this.#assertRunning()
    await this.#inner.compact(range)
  }

  /** Closes the store inside, unless this one has crashed. */
  async close(): Promise<void> {
    await this.#tail
    if (!this.#isCrashed) await this.#inner.close()
  }

  async #commit(number: number, gates: readonly Gate[], changes: readonly KvChange[], sync: boolean): Promise<void> {
    await this.#pass(number, gates, 'before')
    const undo = { changes: this.#replacedBy(changes), isSynced: sync }
    await this.#inner.write(changes, { sync })
    this.#undo.push(undo)
    if (sync) for (const earlier of this.#undo) earlier.isSynced = true
    while (this.#undo.length > undoBatchesMax && this.#undo[0]!.isSynced) this.#undo.shift()
    await this.#pass(number, gates, 'after')
  }

  async #pass(number: number, gates: readonly Gate[], time: FaultTime): Promise<void> {
    for (const gate of gates) if (gate.time === time) await gate.opened
    this.#assertRunning()
    if (this.#faults.get(number) === time) throw new HearsayError('STORE_FAILED', `write ${number} was made to fail`)
  }

  #replacedBy(changes: readonly KvChange[]): KvChange[] {
    return changes.map(({ key }) => ({ key: Buffer.from(key), value: this.#inner.get(key) ?? null }))
  }

  #unsyncedCount(): number {
    return this.#undo.filter((undo) => !undo.isSynced).length
  }

  #assertRunning(): void {
    if (this.#isCrashed) throw new HearsayError('STORE_FAILED', 'the store has crashed; open the one inside again')
  }
}
