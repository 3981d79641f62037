/** Requests to the daemon that served this page: signed in by cookie, or by the token that the reader gave. */

const tokenName = 'hearsay-token'

/** A refused or failed request, with the stable code of the API. */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

/** Parts of a request. */
export interface Call {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly text?: string
  readonly signal?: AbortSignal
}

/** Keeps the token for this tab; null forgets it. */
export function keepToken(token: string | null): void {
  if (token === null) sessionStorage.removeItem(tokenName)
  else sessionStorage.setItem(tokenName, token)
}

/** One segment of a path: slashes and dots are parts of keys. */
export function segment(text: string): string {
  return encodeURIComponent(text).replace(/^\.{1,2}$/, (dots) => dots.replaceAll('.', '%2E'))
}

/** Sends a request. Throws ApiFailure for any answer that is not a success, and when there is none. */
export async function call(
  path: string,
  { method = 'GET', headers = {}, json, text, signal }: Call = {},
): Promise<Response> {
  const token = sessionStorage.getItem(tokenName)
  const sent: RequestInit = {
    method,
    cache: 'no-store',
    headers: {
      Accept: 'application/json',
      'Hearsay-Dashboard': '1',
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
  }
  if (json !== undefined) sent.body = JSON.stringify(json)
  if (text !== undefined) sent.body = text
  if (signal !== undefined) sent.signal = signal
  const answer = await fetch(path, sent).catch((error: Error) => {
    throw new ApiFailure(0, error.name === 'AbortError' ? 'ABORTED' : 'NO_ANSWER', 'the daemon does not answer')
  })
  if (answer.ok) return answer
  const problem = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string }
  throw new ApiFailure(
    answer.status,
    problem.code ?? 'INTERNAL',
    problem.detail ?? `the daemon answered ${answer.status}`,
  )
}

/** The JSON that a request is answered with. */
export async function jsonOf<T>(path: string, sent: Call = {}): Promise<T> {
  return (await (await call(path, sent)).json()) as T
}

/** A failure in words for people. */
export function failureSentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
