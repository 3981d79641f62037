/** Reading users' entries in key order, in bounded memory, with jumps over what a reader does not need. */
import type { KvRow } from '../kv.js'
import { type Address, noField } from '../model/address.js'
import type { Type } from '../model/types.js'
import type { Version } from '../model/update.js'
import type { Replica } from '../replica/replica.js'
import {
  decodeVersions,
  entryAddress,
  entryKey,
  entryKeyEnd,
  entryKeyStart,
  entryPrefix,
  entryPrefixEnd,
  entryTypeEnd,
  entryTypeStart,
} from '../rows/entries.js'

/** One address as it is stored. */
export interface EntryRow {
  readonly address: Address
  readonly versions: readonly Version[]
}

/** Next step of a scan: the next row, a jump past the rows of this address's type, or the end. */
export type ScanStep = 'next' | 'past-type' | 'stop'

/** Rows of one collection that are read one by one before the rest of it is jumped over; a jump costs about as much. */
const rowsBeforeJump = 64

/** Keys that a scan goes over, and in which order. */
export interface KeyRange {
  readonly prefix: string
  /** Begins behind this key, in the order of the scan. */
  readonly after?: string | undefined
  /** Ends with this key, in the order of the scan. */
  readonly until?: string | undefined
  /** True to go from the last key to the first. */
  readonly reverse?: boolean | undefined
}

/**
 * Visits the users' entries of a range in the order of keys, rising or falling; in falling order the types of a key,
 * and the elements of a collection, come in falling order too. A row that fails its checksum is reported
 * (DAMAGED_VALUE), never left out silently.
 */
export async function visitEntries(
  replica: Replica,
  query: KeyRange,
  visit: (entry: EntryRow) => ScanStep,
): Promise<void> {
  const isReverse = query.reverse === true
  let rows: RowRange | undefined = rowsOf(query)
  while (rows !== undefined) {
    const rest = await visitRows(replica, rows, isReverse, visit)
    if (rest === undefined) return
    rows = isReverse ? { ...rows, lt: rest } : { ...rows, gte: rest }
  }
}

/** Bounds of row keys. */
interface RowRange {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
}

function rowsOf({ prefix, after, until, reverse }: KeyRange): RowRange | undefined {
  const [first, last] = reverse === true ? [until, after] : [after, until]
  const low = first === undefined ? [] : [reverse === true ? entryKeyStart(first) : entryKeyEnd(first)]
  const high = last === undefined ? [] : [reverse === true ? entryKeyStart(last) : entryKeyEnd(last)]
  const gte = [entryPrefix('entry', prefix), ...low].reduce((a, b) => (Buffer.compare(a, b) > 0 ? a : b))
  const lt = [entryPrefixEnd(prefix), ...high].reduce((a, b) => (Buffer.compare(a, b) < 0 ? a : b))
  return Buffer.compare(gte, lt) < 0 ? { gte, lt } : undefined
}

/** Visits rows until the end (undefined) or until a jump pays; returns the bound from which to go on. */
async function visitRows(
  replica: Replica,
  rows: RowRange,
  reverse: boolean,
  visit: (entry: EntryRow) => ScanStep,
): Promise<Uint8Array | undefined> {
  let passedOver = 0
  let end: Uint8Array | undefined
  const isPassed = (key: Uint8Array, bound: Uint8Array) => Buffer.compare(key, bound) < 0 !== reverse
  for await (const chunk of replica.store.scan({ ...rows, reverse })) {
    for (const row of chunk) {
      if (end !== undefined && isPassed(row.key, end)) {
        if (++passedOver >= rowsBeforeJump) return end
        continue
      }
      end = undefined
      const entry = entryOf(replica, row)
      const step = visit(entry)
      if (step === 'stop') return undefined
      if (step === 'past-type') {
        end = reverse ? entryTypeStart(entry.address) : entryTypeEnd(entry.address)
        passedOver = 0
      }
    }
  }
  return undefined
}

/** The rows of one collection, in the order of their fields' bytes; `after` is the field to go on behind. */
export async function* collectionRows(
  replica: Replica,
  key: string,
  type: Type,
  after?: Uint8Array,
): AsyncGenerator<readonly EntryRow[]> {
  const bounds = { lt: entryTypeEnd({ key, type, field: noField }) }
  const start = entryKey({ key, type, field: after ?? noField })
  const range = after === undefined ? { gte: start, ...bounds } : { gt: start, ...bounds }
  for await (const rows of replica.store.scan(range)) yield rows.map((row) => entryOf(replica, row))
}

function entryOf(replica: Replica, row: KvRow): EntryRow {
  return replica.guard.reading(() => ({ address: entryAddress(row.key), versions: decodeVersions(row.key, row.value) }))
}
