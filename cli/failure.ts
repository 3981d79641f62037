/** What can go wrong between a client and its daemon, with the exit code of the command line. */
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

/** What to do next, by code: shown by the command line below the error itself. */
const remedies: Readonly<Record<string, string>> = {
  UNAUTHORIZED: 'name its directory with --data, or set HEARSAY_TOKEN to the content of `api.token` in it',
  FORBIDDEN_ORIGIN: 'use the host name or address that the daemon listens on',
  NOT_FOUND: 'see what is there with `hearsay ls` and `hearsay members`',
  CONFLICT: 'look with `hearsay get KEY --all`; then give --context, or --all, or use `hearsay resolve KEY`',
  EXISTS: 'leave out --if-absent to write over it',
  BASE_UNKNOWN: 'read it here with `hearsay doc get KEY --conflicts --json` and use that context',
  PATCH_FAILED: 'look with `hearsay doc get KEY`, then make the patch anew',
  STALE_CONTEXT: 'read again with `hearsay get KEY --all` and decide with the new version in view',
  TOO_MANY_SIBLINGS: 'look at them with `hearsay get KEY --all`, then settle them with `hearsay resolve KEY`',
  BAD_CONTEXT: 'take the context of a `hearsay get KEY --json` of the same key, whole and unaltered',
  BAD_CURSOR: 'take the `cursor` of an event of `hearsay watch --json`, whole and unaltered',
  CURSOR_GONE: 'read what is there now with `hearsay ls --values`, then watch from now on, or with --since 0',
  TOO_MANY_WATCHERS: 'end some of the readers of this node, or watch another node',
  BAD_TOKEN: 'copy the whole line that `hearsay invite` printed on a node of the mesh',
  NOT_ENOUGH_ACKS: 'the write stays and will spread: see `hearsay where KEY`; do not repeat it without --id',
  NO_QUORUM:
    'see who is reachable with `hearsay status`; without --require-quorum or --consistency this node alone answers',
  TOO_LARGE: 'store less, or raise `values.maxBytes` in the configuration',
  STORE_FAILED: 'check the disk and the log of the daemon, then restart it; the last write may or may not be stored',
  INTERNAL: 'see the log of the daemon',
}

/** What the user can do next about an error with this code; undefined when its message says all. */
export function remedyOf(code: string): string | undefined {
  return remedies[code]
}
