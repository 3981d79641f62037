/** The entries that benchmarks store, the raw store they are measured against, and folders that are gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'

/** Bytes of the values of all benchmarks. */
export const valueBytes = 100

/** One key and its value. */
export interface Pair {
  readonly key: string
  readonly value: Buffer
}

/** The value of a number: text that does not compress well, the same every time. */
export function valueNumber(at: number): Buffer {
  const value = Buffer.allocUnsafe(valueBytes)
  let mixed = (at + 1) >>> 0
  for (let byte = 0; byte < valueBytes; byte++) {
    mixed = (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0
    value[byte] = 48 + ((mixed >>> 8) % 75)
  }
  return value
}

/** Pairs with consecutive numbers; `name` begins their keys. */
export function pairsOf(name: string, count: number, from = 0): Pair[] {
  return Array.from({ length: count }, (_, at) => ({
    key: `${name}/${`${from + at}`.padStart(8, '0')}`,
    value: valueNumber(from + at),
  }))
}

/** Bytes of keys and values. */
export function pairBytes(pairs: readonly Pair[]): number {
  return pairs.reduce((sum, { key, value }) => sum + Buffer.byteLength(key) + value.length, 0)
}

/** Batches of so many. */
export function* slices<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}

/** A folder for the stores of one benchmark. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'hearsay-bench-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** classic-level by itself: the yardstick of everything that stores. */
export class RawStore {
  readonly #database: ClassicLevel<string, Buffer>

  private constructor(database: ClassicLevel<string, Buffer>) {
    this.#database = database
  }

  /** Opens or makes one. */
  static async open(path: string): Promise<RawStore> {
    const database = new ClassicLevel<string, Buffer>(path, { valueEncoding: 'buffer' })
    await database.open()
    return new RawStore(database)
  }

  /** Stores pairs in synced batches; resolves with pairs a second. */
  async fill(pairs: readonly Pair[], batchSize: number): Promise<number> {
    const startMs = performance.now()
    for (const slice of slices(pairs, batchSize)) await this.batch(slice)
    return pairs.length / ((performance.now() - startMs) / 1000)
  }

  /** One synced batch. */
  batch(pairs: readonly Pair[]): Promise<void> {
    return this.#database.batch(
      pairs.map(({ key, value }) => ({ type: 'put' as const, key, value })),
      { sync: true },
    )
  }

  /** Closes it. */
  close(): Promise<void> {
    return this.#database.close()
  }
}
