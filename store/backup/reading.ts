/**
 * Takes a backup of a store that goes on being written to: one snapshot, so that everything in it was true at one
 * instant.
 */
import { HearsayError } from '../errors.js'
import { formatVersion, rangeOf } from '../keyspace.js'
import type { KvRow } from '../kv.js'
import type { Health } from '../replica/health.js'
import type { Replica } from '../replica/replica.js'
import { feedHoldKey } from '../rows/feed.js'
import { DamagedRow, isSealed } from '../rows/seal.js'
import { formatKey } from '../rows/state.js'
import { BackupEncoder, type BackupHead, type BackupKeys, backedUpKinds } from './format.js'

/** Parts of the replica that a backup needs. */
export type BackedUpReplica = Pick<Replica, 'store' | 'guard'> & {
  readonly health: Pick<Health, 'isVerified' | 'failure' | 'damageEpoch'>
}

/** Content of a backup beside the rows: its origin and its keys. */
export interface BackupOrigin extends Omit<BackupHead, 'layout'> {
  readonly keys: BackupKeys
}

/** Throws NOT_VERIFIED or STORE_FAILED when this store must not be backed up now. */
export function assertSound(replica: BackedUpReplica): void {
  const { failure, isVerified } = replica.health
  if (failure !== undefined) throw failure
  if (isVerified) return
  const message = 'the store is still being verified, and only a verified store is backed up; try again in a moment'
  throw new HearsayError('NOT_VERIFIED', message)
}

/**
 * The bytes of a backup, in pieces of about one block; nothing is read ahead of what is asked for. When it cannot be
 * finished the last piece says why, so that nobody takes what came before for a backup, and `onFailure` is called with
 * the error.
 */
export async function* takeBackup(
  replica: BackedUpReplica,
  origin: BackupOrigin,
  onFailure: (error: unknown) => void = () => {},
): AsyncGenerator<Buffer> {
  const encoder = new BackupEncoder()
  const { keys, ...head } = origin
  try {
    yield encoder.start({ ...head, layout: formatVersion }, keys)
    yield* rowsOf(replica, encoder)
  } catch (error) {
    onFailure(error)
    const known = error instanceof HearsayError
    yield encoder.fail(known ? error.code : 'INTERNAL', known ? error.message : 'a defect; the log has the details')
  }
}

async function* rowsOf(replica: BackedUpReplica, encoder: BackupEncoder): AsyncGenerator<Buffer> {
  assertSound(replica)
  const { damageEpoch } = replica.health
  const snapshot = replica.store.snapshot()
  try {
    for (const kind of backedUpKinds) {
      for await (const rows of replica.store.scan(rangeOf(kind), snapshot)) {
        for (const row of rows) {
          const block = addRow(replica, encoder, row)
          if (block !== undefined) yield block
        }
      }
    }
  } finally {
    await snapshot.close()
  }
  // Damage that was found meanwhile was in the snapshot already.
  assertSound(replica)
  if (replica.health.damageEpoch !== damageEpoch) {
    throw new HearsayError(
      'DAMAGED_VALUE',
      'damage was found in the store meanwhile and repaired; take the backup again',
    )
  }
  yield encoder.finish()
}

function addRow(replica: BackedUpReplica, encoder: BackupEncoder, row: KvRow): Buffer | undefined {
  // The layout's version stands in the head; readers of the feed do not come along, since what is restored is another
  // feed.
  if (formatKey.equals(row.key) || feedHoldKey.equals(row.key)) return undefined
  if (isSealed(row.key, row.value)) return encoder.add(row)
  return replica.guard.reading(() => {
    throw new DamagedRow(row.key)
  })
}
