/** Messages between the daemon and the thread that works on documents. */
import type { EditRequest } from '../../store/documents/engine.js'
import type { ErrorCode } from '../../store/errors.js'

/** A request to the thread. */
export type DocumentCall =
  | { readonly name: 'show'; readonly versions: readonly Uint8Array[] }
  | { readonly name: 'holds'; readonly versions: readonly Uint8Array[]; readonly other: Uint8Array }
  | { readonly name: 'edit'; readonly request: EditRequest }

/** A call under its number. */
export interface DocumentQuestion {
  readonly id: number
  readonly call: DocumentCall
}

/** An error that a user may see, or (without a code) a defect. */
export interface Refusal {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** The answer to a call. `isSpent`: the library failed, and the thread is of no further use. */
export type DocumentAnswer = { readonly id: number } & (
  | { readonly result: unknown }
  | { readonly refusal: Refusal; readonly isSpent: boolean }
)
