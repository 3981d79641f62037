/** A plain model of a store, and generators of what is done to it. */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { KvChange, KvRange, KvRow } from '../../store/kv.js'

/** Bytes from their latin1 text. */
export function latin1Bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** A change from texts; null deletes. */
export function change(key: string, value: string | null): KvChange {
  return { key: latin1Bytes(key), value: value === null ? null : latin1Bytes(value) }
}

/** Rows of a scan as pairs of latin1 texts. */
export async function listed(scan: AsyncIterable<readonly KvRow[]>): Promise<[string, string][]> {
  const pairs: [string, string][] = []
  for await (const rows of scan) {
    expect(rows.length).toBeGreaterThan(0)
    for (const { key, value } of rows) pairs.push([latin1Text(key), latin1Text(value)])
  }
  return pairs
}

/** The latin1 text of bytes. */
export function latin1Text(value: Uint8Array): string {
  return Buffer.from(value).toString('latin1')
}

/** The model: a sorted map of latin1 texts, whose order is that of the bytes. */
export type Model = Map<string, string>

/** What a scan of the model gives. */
export function modelScan(model: Model, range: KvRange): [string, string][] {
  const rows = [...model].sort(([a], [b]) => (a < b ? -1 : 1))
  const within = rows.filter(([key]) => {
    const order = (bound: Uint8Array): number => Buffer.compare(latin1Bytes(key), bound)
    if (range.gte !== undefined && order(range.gte) < 0) return false
    if (range.gt !== undefined && order(range.gt) <= 0) return false
    if (range.lte !== undefined && order(range.lte) > 0) return false
    return range.lt === undefined || order(range.lt) < 0
  })
  if (range.reverse === true) within.reverse()
  return within.slice(0, range.limit)
}

const keyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 3 }),
  fc.array(fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xff), { maxLength: 4 }).map((list) => Uint8Array.from(list)),
)
const valueBytes = fc.uint8Array({ maxLength: 5 })
/** Batches over few keys, so that they meet. */
export const batchOf = fc.array(fc.record({ key: keyBytes, value: fc.option(valueBytes, { nil: null, freq: 3 }) }), {
  maxLength: 12,
})
/** Ranges with any combination of bounds. */
export const modelRange: fc.Arbitrary<KvRange> = fc.record(
  { gte: keyBytes, gt: keyBytes, lt: keyBytes, lte: keyBytes, reverse: fc.boolean(), limit: fc.nat({ max: 20 }) },
  { requiredKeys: [] },
)

/** Applies a batch to the model. */
export function applyTo(model: Model, batch: readonly KvChange[]): void {
  for (const { key, value } of batch) {
    if (value === null) model.delete(latin1Text(key))
    else model.set(latin1Text(key), latin1Text(value))
  }
}
