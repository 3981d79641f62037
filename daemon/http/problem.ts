/** Errors as clients see them: application/problem+json with a stable code. */
import { contentTypes } from '../../protocols/api/headers.js'
import { type ErrorCode, errorCodes, HearsayError } from '../../store/errors.js'
import { systemFailure } from '../../store/system-errors.js'

/** The content type of every error. */
export const problemType = contentTypes.problem

/** The body of an error (RFC 9457), with the code and its details. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly [detail: string]: unknown
}

/** An error whose HTTP status is finer than that of its code: 405, 408, 415, 431. */
export class StatusError extends HearsayError {
  constructor(
    readonly status: number,
    code: ErrorCode,
    message: string,
  ) {
    super(code, message)
  }
}

/** The problem that an error is shown as. Errors that are no HearsayError are defects: nothing of them is shown. */
export function problemOf(error: HearsayError): Problem {
  const { status, meaning } = errorCodes[error.code]
  return {
    ...error.details,
    type: `urn:hearsay:error:${error.code}`,
    title: meaning,
    status: error instanceof StatusError ? error.status : status,
    code: error.code,
    detail: error.message,
  }
}

interface FrameworkError extends Error {
  readonly statusCode?: number
  readonly code?: string
}

/**
 * Any thrown thing as a HearsayError. What is not the caller's fault becomes INTERNAL, with the thrown thing as its
 * cause.
 */
export function hearsayError(thrown: unknown): HearsayError {
  if (thrown instanceof HearsayError) return thrown
  const { statusCode = 500, message, code } = thrown as FrameworkError
  if (code === 'ECONNRESET')
    return new StatusError(400, 'BAD_REQUEST', 'the connection broke before the body was whole')
  if (statusCode === 413) return new HearsayError('TOO_LARGE', `${message}; nothing was stored`)
  if (statusCode === 404) return new HearsayError('NOT_FOUND', message)
  if (statusCode === 400) return new HearsayError('BAD_REQUEST', message)
  if (statusCode > 400 && statusCode < 500) return new StatusError(statusCode, 'BAD_REQUEST', message)
  const refused = systemFailure(thrown)
  if (refused !== undefined) return refused
  return new HearsayError('INTERNAL', 'a defect in the daemon; its log has the details', {}, { cause: thrown })
}

/** The bytes of an answer for a connection that is not in a state to be answered by the router: it ends with it. */
export function rawProblem(error: HearsayError): string {
  const problem = problemOf(error)
  const body = JSON.stringify(problem)
  const head = `HTTP/1.1 ${problem.status} ${error.code}\r\nContent-Type: ${problemType}\r\n`
  return `${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
}
