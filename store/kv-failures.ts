/** Errors that all stores throw alike: for a closed store, and for a snapshot that is closed or of another store. */
import { HearsayError } from './errors.js'

/** A store was used after it was closed. */
export function closedFailure(): HearsayError {
  return new HearsayError('STORE_FAILED', 'the store is closed; start the daemon again')
}

/** A snapshot was used after it was closed, or with a store that it is not of. A defect of the caller. */
export function snapshotFailure(): HearsayError {
  return new HearsayError('INTERNAL', 'a closed or foreign snapshot was read; this is a defect, please report it')
}
