/** What a user's write may do inside the committing batch, on top of the ledger. */
import { decodeRetry, encodeRetry, encodeRetryOrder, retryKeyRow, retryOrderKey } from '../keyspace.js'
import type { Batch } from './batch.js'
import type { Ledger } from './ledger.js'
import type { Transaction } from './types.js'

/** A transaction of one write. `reading` runs reads of rows that may fail their checksum. */
export function transactionOn(
  batch: Batch,
  ledger: Ledger,
  nowMs: number,
  reading: <T>(read: () => T) => T,
): Transaction {
  return {
    nowMs,
    versions: (address) => ledger.versions(batch, address),
    put: (address, value, expiresAtMs, supersedes) =>
      ledger.issue(batch, { address, kind: 'put', value, expiresAtMs, supersedes }).dot,
    putAs: (address, build) =>
      ledger.issueAs(batch, (dot, time) => ({ address, kind: 'put', expiresAtMs: null, ...build(dot, time) })).dot,
    remove: (address, supersedes, kind = 'delete') =>
      ledger.issue(batch, { address, kind, value: null, expiresAtMs: null, supersedes }).dot,
    recall: (retryKey) => {
      const key = retryKeyRow(retryKey)
      const row = batch.get(key)
      return row === undefined ? undefined : reading(() => decodeRetry(key, row))
    },
    remember: (retryKey, requestHash, answer) => {
      const key = retryKeyRow(retryKey)
      batch.set(key, encodeRetry(key, { requestHash, answer, atMs: nowMs }))
      const orderKey = retryOrderKey(ledger.feed.state.sequence)
      batch.set(orderKey, encodeRetryOrder(orderKey, retryKey, nowMs))
    },
  }
}
