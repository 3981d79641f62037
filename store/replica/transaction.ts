/** Transactions: reads and writes inside the committing batch, on top of the ledger. */
import type { Address } from '../model/address.js'
import type { Dot } from '../model/dot.js'
import { supersedesAim } from '../model/limits.js'
import { decodeRetry, encodeRetry, encodeRetryOrder, retryKeyRow, retryOrderKey } from '../rows/retries.js'
import type { Batch } from './batch.js'
import type { Ledger } from './ledger.js'
import type { ReadGuard } from './read-guard.js'
import { assertRoom } from './room.js'
import type { Transaction } from './types.js'

/** A transaction of one write. `guard` runs reads of rows that may fail their checksum. */
export function transactionOn(
  batch: Batch,
  ledger: Ledger,
  { nowMs, expiredByMs }: Pick<Transaction, 'nowMs' | 'expiredByMs'>,
  guard: ReadGuard,
): Transaction {
  const remove = (address: Address, supersedes: readonly Dot[], kind: 'delete' | 'expiry') =>
    ledger.issue(batch, { address, kind, value: null, expiresAtMs: null, supersedes }).dot
  return {
    nowMs,
    expiredByMs,
    versions: (address) => ledger.versions(batch, address),
    put: (address, value, expiresAtMs, supersedes) => {
      assertRoom(address, ledger.versions(batch, address), supersedes, value)
      const [first = [], ...more] = inPieces(supersedes)
      const { dot } = ledger.issue(batch, { address, kind: 'put', value, expiresAtMs, supersedes: first })
      for (const piece of more) remove(address, piece, 'delete')
      return dot
    },
    putAs: (address, build) =>
      ledger.issueAs(batch, (dot, time) => ({ address, kind: 'put', expiresAtMs: null, ...build(dot, time) })).dot,
    remove: (address, supersedes, kind = 'delete') => {
      const [first = [], ...more] = inPieces(supersedes)
      const dot = remove(address, first, kind)
      for (const piece of more) remove(address, piece, kind)
      return dot
    },
    recall: (retryKey) => {
      const key = retryKeyRow(retryKey)
      const row = batch.get(key)
      return row === undefined ? undefined : guard.reading(() => decodeRetry(key, row))
    },
    remember: (retryKey, requestHash, answer) => {
      const key = retryKeyRow(retryKey)
      batch.set(key, encodeRetry(key, { requestHash, answer, atMs: nowMs }))
      const orderKey = retryOrderKey(ledger.feed.state.sequence)
      batch.set(orderKey, encodeRetryOrder(orderKey, retryKey, nowMs))
    },
  }
}

/**
 * Dots in pieces that one update can supersede: what is beyond the first takes updates of its own, in the same batch.
 */
function inPieces(dots: readonly Dot[]): (readonly Dot[])[] {
  if (dots.length <= supersedesAim) return [dots]
  const pieces: (readonly Dot[])[] = []
  for (let at = 0; at < dots.length; at += supersedesAim) pieces.push(dots.slice(at, at + supersedesAim))
  return pieces
}
