/** Count and checksum of live dots: the two sides of a store, and what it says of itself, are compared by them. */
import { type Checksum, emptyChecksum, fingerprint, shiftChecksum } from '../rows/state.js'

/** A count and checksum of live dots. */
export interface Tally {
  liveDots: number
  checksum: Checksum
}

/** The tally of no dot. */
export function emptyTally(): Tally {
  return { liveDots: 0, checksum: emptyChecksum }
}

/** Counts one live dot at an address, given both row keys. */
export function addToTally(tally: Tally, dotRowKey: Uint8Array, entryRowKey: Uint8Array): void {
  tally.liveDots++
  tally.checksum = shiftChecksum(tally.checksum, fingerprint(dotRowKey, entryRowKey), 1)
}

/** True if both count the same dots. */
export function isSameTally(a: Readonly<Tally>, b: Readonly<Tally>): boolean {
  return a.liveDots === b.liveDots && a.checksum.low === b.checksum.low && a.checksum.high === b.checksum.high
}
