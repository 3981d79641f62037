/** Errors between a client and its daemon, with the exit code of the command line. */
import { type ErrorCode, errorCodes } from '../store/errors.js'

/** An error answer of the daemon, or no answer at all (`status` is 0 then). */
export class HearsayApiError extends Error {
  override readonly name = 'HearsayApiError'
  /** The exit code of the command line for this error. */
  readonly exit: number

  /**
   * @param code a stable code of store/errors.ts; a newer daemon may send others
   * @param status the HTTP status; 0 when there was no answer
   * @param details the other members of the problem document, for example `acks` and `stored`
   */
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.exit = exitOf(code, status)
  }
}

/** A wrong call of the command line: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The exit code for a stable code; for an unknown one, that of its HTTP status. */
export function exitOf(code: string, status: number): number {
  if (Object.hasOwn(errorCodes, code)) return errorCodes[code as ErrorCode].exit
  if (status === 404 || status === 410) return 3
  if (status === 409) return 4
  if (status === 504) return 7
  return status >= 400 && status < 500 && status !== 401 && status !== 403 ? 2 : 1
}

/**
 * Makes the error of an HTTP answer.
 * @param body a problem document, or anything else
 */
export function failureOf(status: number, body: Uint8Array): HearsayApiError {
  const problem = parseProblem(body)
  const { code, detail, title, type: _type, status: _status, instance: _instance, ...details } = problem
  const message = [detail, title].find((text) => typeof text === 'string' && text !== '') as string | undefined
  return new HearsayApiError(
    typeof code === 'string' ? code : `HTTP_${status}`,
    status,
    message ?? `the daemon answered ${status} without a reason; see its log`,
    details,
  )
}

function parseProblem(body: Uint8Array): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
