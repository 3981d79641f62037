/** Reading users' entries in key order, in bounded memory, with jumps over what a reader does not need. */
import { rangeOf } from '../keyspace.js'
import type { KvRow } from '../kv.js'
import { type Address, noField } from '../model/address.js'
import type { Type } from '../model/types.js'
import type { Version } from '../model/update.js'
import type { Replica } from '../replica/replica.js'
import { decodeVersions, entryAddress, entryKey, entryKeyEnd, entryPrefix, entryTypeEnd } from '../rows/entries.js'

/** One address as it is stored. */
export interface EntryRow {
  readonly address: Address
  readonly versions: readonly Version[]
}

/** Next step of a scan: the next row, a jump past the rows of this address's type, or the end. */
export type ScanStep = 'next' | 'past-type' | 'stop'

/** Rows of one collection that are read one by one before the rest of it is jumped over; a jump costs about as much. */
const rowsBeforeJump = 64

/**
 * Visits the users' entries whose keys start with a prefix, behind `after`, in key order. A row that fails its checksum is reported
 * (DAMAGED_VALUE), never left out silently.
 */
export async function visitEntries(
  replica: Replica,
  query: { readonly prefix: string; readonly after?: string | undefined },
  visit: (entry: EntryRow) => ScanStep,
): Promise<void> {
  const prefix = entryPrefix('entry', query.prefix)
  const past = query.after === undefined ? prefix : entryKeyEnd(query.after)
  let from: Uint8Array | undefined = Buffer.compare(past, prefix) > 0 ? past : prefix
  while (from !== undefined) from = await visitFrom(replica, from, prefix, visit)
}

/** Visits rows until the end (undefined) or until a jump pays; returns where to go on. */
async function visitFrom(
  replica: Replica,
  from: Uint8Array,
  prefix: Uint8Array,
  visit: (entry: EntryRow) => ScanStep,
): Promise<Uint8Array | undefined> {
  let passedOver = 0
  let end: Uint8Array | undefined
  for await (const rows of replica.store.scan({ gte: from, lt: rangeOf('entry').lt })) {
    for (const row of rows) {
      if (!startsWith(row.key, prefix)) return undefined
      if (end !== undefined && Buffer.compare(row.key, end) < 0) {
        if (++passedOver >= rowsBeforeJump) return end
        continue
      }
      end = undefined
      const entry = entryOf(replica, row)
      const step = visit(entry)
      if (step === 'stop') return undefined
      if (step === 'past-type') {
        end = entryTypeEnd(entry.address)
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

function startsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length >= prefix.length && Buffer.compare(key.subarray(0, prefix.length), prefix) === 0
}
