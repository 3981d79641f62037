/** HTTP requests to one daemon over a Unix socket or TCP, with raw paths and typed failures. */
import { setMaxListeners } from 'node:events'
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { headerBytesMax } from '../../protocols/api/limits.js'
import { failureOf, HearsayApiError } from '../failure.js'
import { responseBytesMax, responseTimeoutMsDefault, timerMsMax } from '../limits.js'
import { type ClientTarget, describeEndpoint } from './locate.js'

/** One request. */
export interface HttpCall {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH'
  /** The path with its query, already percent-encoded; sent as it is. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Longest silence of the connection, in milliseconds. */
  readonly timeoutMs?: number
  /** Ends the request, also in the middle of its answer. */
  readonly signal?: AbortSignal | undefined
}

/** A whole answer. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** Sends requests to one daemon. */
export class Transport {
  readonly #endpoint: ClientTarget
  readonly #token: string | undefined
  readonly #agent: Agent | false
  readonly #responseTimeoutMs: number

  /**
   * @param token sent as bearer token over TCP only
   * @param keepAlive whether connections are kept for the next request; idle ones do not keep the process alive
   * @param responseTimeoutMs longest silence of a connection for calls that name none, in milliseconds
   */
  constructor(
    endpoint: ClientTarget,
    token: string | undefined,
    keepAlive: boolean,
    responseTimeoutMs = responseTimeoutMsDefault,
  ) {
    this.#responseTimeoutMs = responseTimeoutMs
    this.#endpoint = endpoint
    this.#token = 'socketPath' in endpoint ? undefined : token
    this.#agent = keepAlive ? new Agent({ keepAlive: true }) : false
  }

  /** The address, as `--api` takes it. */
  get address(): string {
    return describeEndpoint(this.#endpoint)
  }

  /**
   * Sends a request and collects the answer. Throws HearsayApiError for every status from 400, and the reason of the
   * signal.
   */
  async send(call: HttpCall): Promise<HttpAnswer> {
    const response = await this.#open(call)
    const body = await this.#collect(response, call)
    const status = response.statusCode ?? 0
    if (status >= 400) throw failureOf(status, body)
    return { status, headers: response.headers, body }
  }

  /**
   * Sends a request and gives the answer's bytes as they come. Throws HearsayApiError, also when the stream is cut, and
   * the reason of the signal.
   */
  async *stream(call: HttpCall): AsyncGenerator<Buffer> {
    const response = await this.#open(call)
    const status = response.statusCode ?? 0
    if (status >= 400) throw failureOf(status, await this.#collect(response, call))
    try {
      for await (const chunk of response) yield chunk as Buffer
    } catch (error) {
      throw this.#broken(error, call)
    } finally {
      response.destroy()
    }
  }

  /** Closes kept connections. */
  close(): void {
    if (this.#agent) this.#agent.destroy()
  }

  #open(call: HttpCall): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = this.#options(call)
      for (const [name, value] of Object.entries(options.headers)) checkHeader(name, value)
      const outgoing = request(options, resolve)
      const timeoutMs = Math.min(call.timeoutMs ?? this.#responseTimeoutMs, timerMsMax)
      outgoing.setTimeout(timeoutMs, () => outgoing.destroy(this.#silent(timeoutMs)))
      outgoing.on('error', (error) => reject(this.#unreachable(error, call)))
      outgoing.end(call.body)
    })
  }

  #options(call: HttpCall): RequestOptions & { servername: string; headers: Record<string, string> } {
    const headers: Record<string, string> = { ...call.headers }
    if (call.body) headers['Content-Length'] = String(call.body.byteLength)
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`
    // An empty server name (for TLS) spares Node the search for one, which costs milliseconds at the first request.
    const signal = call.signal && { signal: call.signal }
    // One signal may belong to any number of calls; each leaves it when it ends.
    if (call.signal) setMaxListeners(0, call.signal)
    const fixed = { agent: this.#agent, servername: '', maxHeaderSize: headerBytesMax }
    return { ...this.#endpoint, method: call.method, path: call.path, headers, ...signal, ...fixed }
  }

  async #collect(response: IncomingMessage, call: HttpCall): Promise<Buffer> {
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      for await (const chunk of response) {
        bytes += (chunk as Buffer).byteLength
        if (bytes > responseBytesMax) throw this.#oversized()
        chunks.push(chunk as Buffer)
      }
    } catch (error) {
      throw this.#broken(error, call)
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  }

  /** The error of a request without an answer: without a connection nothing was sent, else nobody knows. */
  #unreachable(error: NodeJS.ErrnoException, call: HttpCall): unknown {
    if (error instanceof HearsayApiError) return error
    if (call.signal?.aborted === true) return call.signal.reason
    const { code, syscall } = error
    if (code === 'ENOENT' || code === 'ECONNREFUSED') {
      return this.#failure('no daemon answers at', 'start one with `hearsay daemon`, or name its --data or --api', {
        sent: false,
        cause: error,
      })
    }
    if (code === 'EACCES' || code === 'EPERM') {
      const next = 'run this as the user that the daemon runs as'
      return this.#failure('not allowed to connect to', next, { cause: error })
    }
    if (code === 'ECONNRESET' || code === 'EPIPE') return this.#broken(error, call)
    const isUnconnected = syscall === 'connect' || syscall === 'getaddrinfo'
    const next = 'check the address and that the daemon runs'
    return this.#failure(`cannot connect (${error.message}) to`, next, { sent: !isUnconnected, cause: error })
  }

  #broken(error: unknown, call: HttpCall): unknown {
    if (error instanceof HearsayApiError) return error
    if (call.signal?.aborted === true) return call.signal.reason
    const next =
      call.method === 'GET' ? 'try again' : 'it is not known whether this was done: look before you repeat it'
    return this.#failure('the connection broke before the answer was whole, at', next, { sent: true, cause: error })
  }

  /** `sent`: false when the daemon never saw the request; absent when trying again is of no use. */
  #failure(what: string, next: string, { sent, cause }: { sent?: boolean; cause: unknown }): HearsayApiError {
    const details = sent === undefined ? {} : { sent }
    return new HearsayApiError('UNREACHABLE_DAEMON', 0, `${what} ${this.address}: ${next}`, details, { cause })
  }

  #silent(timeoutMs: number): HearsayApiError {
    const message = `${this.address} was silent for ${timeoutMs} ms: see whether the daemon is overloaded or stopped`
    return new HearsayApiError('TIMED_OUT', 0, message)
  }

  #oversized(): HearsayApiError {
    const message = `the answer of ${this.address} is over ${responseBytesMax} bytes: ask for less`
    return new HearsayApiError('TOO_LARGE', 0, message)
  }
}

/** Words of the users for the content of these headers. */
const headerWords: Readonly<Record<string, string>> = {
  'Hearsay-Context': 'a context',
  'Idempotency-Key': 'the id of an operation (--id)',
  Authorization: 'the token of the API',
  'Last-Event-ID': 'a cursor',
}

/** A header cannot carry line breaks, nor text beyond Latin-1. */
function checkHeader(name: string, value: string): void {
  const wrong = /[^\t\x20-\x7e\x80-\xff]/u.exec(value)?.[0]
  if (wrong === undefined) return
  const what = headerWords[name] ?? `the header ${name}`
  const message = `${what} cannot hold the character ${JSON.stringify(wrong)}: use letters, digits and punctuation in one line; nothing was sent`
  throw new HearsayApiError('BAD_REQUEST', 0, message)
}
