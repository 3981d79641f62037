/**
 * Reads of committed rows: one that fails its checksum becomes an error for whoever reads, and is reported to those who
 * repair.
 */
import { HearsayError } from '../errors.js'
import { isDamage } from '../rows/seal.js'
import { Signal } from './signal.js'

/** Stands around reads of one store. */
export class ReadGuard {
  /** A row turned out to be damaged. */
  readonly damage = new Signal<Error>()

  /**
   * Runs a read of committed rows; a row that fails its checksum becomes DAMAGED_VALUE, and the store is verified
   * again.
   */
  reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      return this.damagedOr(error)
    }
  }

  /** Throws DAMAGED_VALUE for a row that failed its checksum, and any other error as it is. */
  damagedOr(error: unknown): never {
    if (!isDamage(error)) throw error
    if (error instanceof HearsayError && error.cause === undefined) throw error
    this.damage.emit(error as Error)
    throw new HearsayError(
      'DAMAGED_VALUE',
      'the stored record fails its checksum; it is fetched again from peers: try again in a moment',
      {},
      { cause: error },
    )
  }
}
