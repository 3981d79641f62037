/**
 * A store in memory: for tests and for simulations of thousands of nodes. Deterministic; snapshots and copies cost next
 * to nothing.
 */
import {
  boundsOf,
  closedFailure,
  type KvChange,
  type KvRange,
  type KvRow,
  type KvSnapshot,
  type KvStore,
  limitOf,
  snapshotFailure,
} from './kv.js'
import { memoryChunkRowsMax, scanBytesMax, scanRowsMax } from './limits.js'

/** Token that a frozen view replaces: a chunk that bears the store's present one may be changed in place. */
type Owner = object

/**
 * A run of rows in order. `texts` are the keys as strings of one character a byte, whose order is that of the bytes.
 */
interface Chunk {
  readonly owner: Owner
  readonly texts: string[]
  readonly rows: KvRow[]
}

/** Chunks in order; none is empty. */
type Chunks = readonly Chunk[]

class MemorySnapshot implements KvSnapshot {
  isClosed = false

  constructor(
    readonly store: MemoryStore,
    readonly chunks: Chunks,
  ) {}

  async close(): Promise<void> {
    this.isClosed = true
  }
}

/** A position among the rows: a chunk and an index in it. */
interface Position {
  chunk: number
  row: number
}

/**
 * Rows in sorted chunks, copied on write: a frozen view keeps the chunks, and the next change copies only those that
 * it touches. A write takes effect and resolves in a microtask, in the order of calls.
 */
export class MemoryStore implements KvStore {
  #chunks: Chunk[] = []
  #chunksOwner: Owner
  #owner: Owner = {}
  #tail: Promise<void> = Promise.resolve()
  #isClosed = false

  /** An empty store. */
  constructor() {
    this.#chunksOwner = this.#owner
  }

  /**
   * A store of its own with the same rows, open whether or not this one is: a copied disk. Writes under way are not in
   * it.
   */
  clone(): MemoryStore {
    const copy = new MemoryStore()
    copy.#chunks = this.#freeze() as Chunk[]
    copy.#chunksOwner = this.#owner
    return copy
  }

  /** The value of a key, or undefined. */
  get(key: Uint8Array, snapshot?: KvSnapshot): Uint8Array | undefined {
    const chunks = this.#view(snapshot)
    const text = textOf(key)
    const chunk = chunks[chunkOf(chunks, text)]
    const row = chunk === undefined ? -1 : search(chunk.texts, text)
    return row < 0 ? undefined : chunk!.rows[row]!.value
  }

  /** Takes effect and resolves in a microtask; `sync` means nothing here. */
  write(changes: readonly KvChange[], _options: { readonly sync: boolean }): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedFailure())
    const copies = changes.map(({ key, value }) => ({ key: Buffer.from(key), value: value && Buffer.from(value) }))
    this.#tail = Promise.resolve().then(() => {
      for (const { key, value } of copies) this.#change(key, value)
    })
    return this.#tail
  }

  /** Takes effect at once: a batch that lands between two reads. Writes called for before must have taken effect. */
  writeNow(changes: readonly KvChange[]): void {
    for (const { key, value } of changes) this.#change(Buffer.from(key), value && Buffer.from(value))
  }

  /** Rows in chunks; the view is taken when the first chunk is asked for. */
  async *scan(range: KvRange, snapshot?: KvSnapshot): AsyncGenerator<readonly KvRow[]> {
    let left = limitOf(range)
    const chunks = snapshot === undefined ? this.#freezeOpen() : this.#view(snapshot)
    const { from, to } = positionsOf(chunks, range)
    const step = range.reverse === true ? stepBack : stepOn
    const position = range.reverse === true ? to : from
    const end = range.reverse === true ? from : to
    while (left > 0) {
      const rows: KvRow[] = []
      for (let bytes = 0; rows.length < Math.min(left, scanRowsMax) && bytes <= scanBytesMax; ) {
        const row = step(chunks, position, end)
        if (row === undefined) break
        rows.push(row)
        bytes += row.key.length + row.value.length
      }
      if (rows.length === 0) return
      left -= rows.length
      yield rows
      this.#view(snapshot)
    }
  }

  /** A frozen view of now. */
  snapshot(): KvSnapshot {
    return new MemorySnapshot(this, this.#freezeOpen())
  }

  /** Does nothing: deleted rows hold no space. */
  async compact(): Promise<void> {
    this.#view(undefined)
  }

  /** Closes; waits for writes under way. The rows stay and can be cloned. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#tail
  }

  #view(snapshot: KvSnapshot | undefined): Chunks {
    if (this.#isClosed) throw closedFailure()
    if (snapshot === undefined) return this.#chunks
    if (!(snapshot instanceof MemorySnapshot) || snapshot.store !== this || snapshot.isClosed) throw snapshotFailure()
    return snapshot.chunks
  }

  #freezeOpen(): Chunks {
    this.#view(undefined)
    return this.#freeze()
  }

  /** Returns the chunks, none of which is changed in place from now on. */
  #freeze(): Chunks {
    if (this.#chunksOwner === this.#owner) this.#owner = {}
    return this.#chunks
  }

  #change(key: Buffer, value: Buffer | null): void {
    const text = textOf(key)
    const at = chunkOf(this.#chunks, text)
    const found = this.#chunks[at]
    const row = found === undefined ? ~0 : search(found.texts, text)
    if (value === null && row < 0) return
    const chunk = this.#own(at)
    if (value === null) {
      chunk.texts.splice(row, 1)
      chunk.rows.splice(row, 1)
      if (chunk.rows.length === 0) this.#chunks.splice(at, 1)
    } else if (row >= 0) {
      chunk.rows[row] = { key, value }
    } else {
      chunk.texts.splice(~row, 0, text)
      chunk.rows.splice(~row, 0, { key, value })
      if (chunk.rows.length > memoryChunkRowsMax) this.#split(at)
    }
  }

  /** A chunk that may be changed in place; one is added to an empty store. */
  #own(at: number): Chunk {
    if (this.#chunksOwner !== this.#owner) {
      this.#chunks = this.#chunks.slice()
      this.#chunksOwner = this.#owner
    }
    const chunk = this.#chunks[at]
    if (chunk?.owner === this.#owner) return chunk
    const owned = { owner: this.#owner, texts: chunk?.texts.slice() ?? [], rows: chunk?.rows.slice() ?? [] }
    this.#chunks[at] = owned
    return owned
  }

  #split(at: number): void {
    const { owner, texts, rows } = this.#chunks[at]!
    const half = rows.length >> 1
    this.#chunks.splice(at + 1, 0, { owner, texts: texts.splice(half), rows: rows.splice(half) })
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The chunk that holds a key or would: the last one that begins at or before it, else the first. */
function chunkOf(chunks: Chunks, text: string): number {
  let low = 0
  let high = chunks.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (chunks[middle]!.texts[0]! <= text) low = middle
    else high = middle - 1
  }
  return low
}

/** The index of a text; when it is not there, the complement (~) of where it belongs. */
function search(texts: readonly string[], text: string): number {
  let low = 0
  let high = texts.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const other = texts[middle]!
    if (other === text) return middle
    if (other < text) low = middle + 1
    else high = middle - 1
  }
  return ~low
}

/** The first row of a range, and the one behind its last; equal when the range is empty. */
function positionsOf(chunks: Chunks, range: KvRange): { from: Position; to: Position } {
  const { lower, isLowerIncluded, upper, isUpperIncluded } = boundsOf(range)
  const from = lower === undefined ? { chunk: 0, row: 0 } : positionOf(chunks, lower, !isLowerIncluded)
  const to = upper === undefined ? { chunk: chunks.length, row: 0 } : positionOf(chunks, upper, isUpperIncluded)
  return isBefore(from, to) ? { from, to } : { from, to: { ...from } }
}

/** The first row at or, with `isBehind`, after a key. */
function positionOf(chunks: Chunks, key: Uint8Array, isBehind: boolean): Position {
  const text = textOf(key)
  const chunk = chunkOf(chunks, text)
  const found = search(chunks[chunk]?.texts ?? [], text)
  return { chunk, row: found < 0 ? ~found : found + (isBehind ? 1 : 0) }
}

function isBefore(a: Position, b: Position): boolean {
  return a.chunk < b.chunk || (a.chunk === b.chunk && a.row < b.row)
}

/** The row at the position, which moves on; undefined at the end. */
function stepOn(chunks: Chunks, position: Position, end: Position): KvRow | undefined {
  while (position.row >= (chunks[position.chunk]?.rows.length ?? Number.POSITIVE_INFINITY)) {
    position.chunk++
    position.row = 0
  }
  return isBefore(position, end) ? chunks[position.chunk]!.rows[position.row++] : undefined
}

/** The row before the position, which moves back; undefined at the end. */
function stepBack(chunks: Chunks, position: Position, end: Position): KvRow | undefined {
  if (!isBefore(end, position)) return undefined
  while (position.row === 0) {
    position.chunk--
    position.row = chunks[position.chunk]!.rows.length
  }
  return isBefore(end, position) ? chunks[position.chunk]!.rows[--position.row] : undefined
}
