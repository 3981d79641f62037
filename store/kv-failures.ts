/** How all stores fail: the same errors for the same causes. */
import { HearsayError } from './errors.js'

/** A store was used after it was closed. */
export function closedFailure(): HearsayError {
  return new HearsayError('STORE_FAILED', 'the store is closed; start the daemon again')
}

/** A snapshot was used after it was closed, or with a store that it is not of. A defect of the caller. */
export function snapshotFailure(): HearsayError {
  return new HearsayError('INTERNAL', 'a closed or foreign snapshot was read; this is a defect, please report it')
}
