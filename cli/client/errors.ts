/** Details of the errors of the API by their codes, so that a program need not guess what an error carries. */
import type { TypeTag } from '../../protocols/api/data-types.js'
import type { Acks } from '../../protocols/api/parts.js'
import type { ErrorCode } from '../../store/errors.js'
import { HearsayApiError } from '../failure.js'

/** Details beside code and message, for the codes that have some. */
interface KnownDetails {
  /** `types`: what the key is, when it has no value of its own; a document or a set, for example. */
  readonly NOT_FOUND: { readonly types?: readonly TypeTag[] }
  readonly CONFLICT: { readonly siblings?: number }
  readonly TOO_MANY_SIBLINGS: { readonly versions: number; readonly bytes: number }
  /** The answer of the write, which is stored and spreads: `acks` says who has it. */
  readonly NOT_ENOUGH_ACKS: { readonly acks: Acks; readonly stored: true; readonly key?: string; readonly dot?: string }
  readonly CLOCK_OFF: { readonly aheadMs: number; readonly stored: false }
  /** `setting`: the setting of the daemon that raises the limit. */
  readonly TOO_LARGE: { readonly limit?: number; readonly setting?: string }
  /** Of `wait`: what has not come about. */
  readonly TIMED_OUT: { readonly waitingFor?: string }
  readonly PATCH_FAILED: { readonly operation: number }
  readonly DOCUMENT_UNREADABLE: { readonly unreadable: number }
  /** `sent`: false when it is certain that the daemon never saw the request. */
  readonly UNREACHABLE_DAEMON: { readonly sent?: boolean }
}

/** Details of an error with this code; `op` is the index of the refused operation of a batch. */
export type DetailsOf<Code extends ErrorCode> = (Code extends keyof KnownDetails ? KnownDetails[Code] : unknown) & {
  readonly op?: number
}

/** An error with one of these codes, with the details that belong to it. */
export type ApiErrorOf<Code extends ErrorCode> = Code extends ErrorCode
  ? Omit<HearsayApiError, 'code' | 'details'> & { readonly code: Code; readonly details: DetailsOf<Code> }
  : never

/**
 * True if an error came from the daemon, or from the connection to it, with one of these codes; with any code when none
 * is given.
 * @param error whatever was caught
 */
export function isHearsayError<Code extends ErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is ApiErrorOf<Code> {
  return error instanceof HearsayApiError && (codes.length === 0 || codes.some((code) => code === error.code))
}
