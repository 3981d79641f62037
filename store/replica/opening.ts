/**
 * Opens the rows that a replica needs before it serves: the format, counts and clock, and the contexts, as far as they
 * can be read.
 */
import type { Environment } from '../environment.js'
import { HearsayError } from '../errors.js'
import { formatVersion } from '../keyspace.js'
import type { KvStore } from '../kv.js'
import { ActorMap } from '../model/actor-map.js'
import { zeroTime } from '../model/clock.js'
import type { Contexts, MemberTag } from '../model/codec.js'
import { Context } from '../model/context.js'
import { type Actor, actorBytes } from '../model/dot.js'
import { type Ranges, sameRanges } from '../model/ranges.js'
import {
  decodeFormat,
  decodeState,
  emptyChecksum,
  encodeFormat,
  encodeState,
  formatKey,
  type StateRow,
  stateKey,
} from '../rows/state.js'
import { loadContexts } from './verify.js'

/** Rows of a store that are read at its start. */
export interface OpenedRows {
  readonly contexts: Contexts
  readonly members: ActorMap<MemberTag>
  readonly state: StateRow
  /** Something of it could not be read: what the store does not show may be lost. */
  readonly isDamaged: boolean
}

/**
 * Reads the rows; an empty store gets its first ones, and one of an older format its new version, durably. Throws
 * STORE_FORMAT for a store of a newer version.
 */
export async function openRows(store: KvStore, environment: Environment): Promise<OpenedRows> {
  const format = readRow(store, formatKey, decodeFormat)
  if (format.value !== undefined && format.value > formatVersion) {
    throw new HearsayError(
      'STORE_FORMAT',
      `the data directory has format ${format.value}, this version knows ${formatVersion}; update hearsay`,
    )
  }
  if (format.value !== undefined && format.value < formatVersion) await migrate(store)
  const known = readRow(store, stateKey, decodeState)
  const seen = new Context()
  const applied: [Actor, Ranges][] = []
  const members = new ActorMap<MemberTag>()
  const tags = new Map<MemberTag, MemberTag>()
  const { damaged } = await loadContexts(store, (actor, row) => {
    seen.setRanges(actor, row.seen)
    if (!sameRanges(row.applied, row.seen)) applied.push([actor, row.applied])
    // One text for each member, however many runs it had.
    if (!tags.has(row.member)) tags.set(row.member, row.member)
    members.set(actor, tags.get(row.member)!)
  })
  // Most of these actors are past runs, of which nothing changes any more.
  seen.pack()
  members.pack()
  const isNew = !format.isThere && !known.isThere && seen.isEmpty
  const state = known.value ?? freshState(environment)
  if (isNew) await writeFirstRows(store, state)
  const isUnreadable = format.isThere && format.value === undefined
  const isDamaged = damaged || isUnreadable || (known.value === undefined && !isNew)
  return { contexts: { seen, applied: differingFrom(seen, applied) }, members, state, isDamaged }
}

/**
 * Takes over a store of an older format. From 1 to 2: dot rows have digests, and there are rows of digests; rows
 * without them are read as ever, so that nothing is rewritten. From 2 to 3: counters have folds, which an older program
 * would count for nothing. The new version is on the disk before any row that an older program would misread.
 */
async function migrate(store: KvStore): Promise<void> {
  await store.write([{ key: formatKey, value: encodeFormat(formatVersion) }], { sync: true })
}

/**
 * A copy of a context with the ranges of some actors changed: it shares in memory what is the same, which is nearly
 * all.
 */
function differingFrom(context: Context, changes: Iterable<readonly [Actor, Ranges]>): Context {
  const changed = context.clone()
  for (const [actor, ranges] of changes) changed.setRanges(actor, ranges)
  return changed
}

/** A row that is there and has no value cannot be read. */
function readRow<T>(store: KvStore, key: Uint8Array, decode: (row: Uint8Array) => T) {
  const row = store.get(key)
  if (row === undefined) return { isThere: false, value: undefined }
  try {
    return { isThere: true, value: decode(row) }
  } catch {
    return { isThere: true, value: undefined }
  }
}

async function writeFirstRows(store: KvStore, state: StateRow): Promise<void> {
  const rows = [
    { key: formatKey, value: encodeFormat(formatVersion) },
    { key: stateKey, value: encodeState(state) },
  ]
  await store.write(rows, { sync: true })
}

function freshState(environment: Environment): StateRow {
  const feedId = Buffer.from(environment.randomBytes(actorBytes)).toString('hex')
  const counts = { liveDots: 0, checksum: emptyChecksum, userEntries: 0, logBytes: 0 }
  return { ...counts, sequence: 0, feedFloor: 0, clock: zeroTime, feedId }
}
