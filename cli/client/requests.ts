/** Requests of the API's form: paths of user text, queries, JSON bodies and answers. */
import { HearsayApiError } from '../failure.js'
import { meshTimeoutMs, responseGraceMs, responseTimeoutMsDefault } from '../limits.js'
import type * as shapes from './shapes.js'
import type { Answer, Call, Transport } from './transport.js'

/** Sends requests and reads their answers. */
export class Requests {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** The daemon's address, as `--api` takes it. */
  get address(): string {
    return this.#transport.address
  }

  /** Closes kept connections. */
  close(): void {
    this.#transport.close()
  }

  /** Sends a request and collects the answer. Throws HearsayApiError for every status from 400. */
  send(call: Call): Promise<Answer> {
    return this.#transport.send(call)
  }

  /** Sends a request and gives the answer's bytes as they come. */
  stream(call: Call): AsyncGenerator<Buffer> {
    return this.#transport.stream(call)
  }

  /** Sends a JSON body; the answer is JSON too. */
  post<T>(path: string, body: unknown, options: shapes.OnceOptions = {}): Promise<T> {
    const headers = { 'Content-Type': 'application/json', ...onceHeaders(options) }
    const bytes = Buffer.from(JSON.stringify(body))
    return this.json({ method: 'POST', path, headers, body: bytes, timeoutMs: meshTimeoutMs })
  }

  /** Sends a request whose answer is JSON. Throws UNREACHABLE_DAEMON when it is something else. */
  async json<T>(call: Call): Promise<T> {
    return this.#parsed(await this.#transport.send(call))
  }

  /** Sends a put, whose answer says beside its JSON how many siblings there are now. */
  async put<T extends shapes.Written>(call: Call): Promise<T> {
    const answer = await this.#transport.send(call)
    const written = this.#parsed<T>(answer)
    const siblings = headerOf(answer, 'hearsay-siblings')
    return siblings === '' ? written : { ...written, siblings: Number(siblings) }
  }

  #parsed<T>(answer: Answer): T {
    if (answer.body.byteLength === 0) return {} as T
    try {
      return JSON.parse(answer.body.toString('utf8')) as T
    } catch (cause) {
      const message = `${this.address} did not answer with JSON: is it a hearsay daemon?`
      throw new HearsayApiError('UNREACHABLE_DAEMON', answer.status, message, {}, { cause })
    }
  }
}

/**
 * A path whose last segments are user text, percent-encoded so that neither slashes nor dots mean anything.
 * @throws HearsayApiError BAD_KEY when a text is empty or not well-formed Unicode.
 */
export function pathOf(route: string, ...texts: readonly (string | Uint8Array)[]): string {
  return [route, ...texts.map(segmentOf)].join('/')
}

function segmentOf(text: string | Uint8Array): string {
  if (text.length === 0) throw new HearsayApiError('BAD_KEY', 0, 'a key or name is empty: give at least one character')
  if (typeof text !== 'string') return [...text].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  try {
    return encodeURIComponent(text).replaceAll('.', '%2E')
  } catch (cause) {
    throw new HearsayApiError('BAD_KEY', 0, 'a key or name is not well-formed Unicode', {}, { cause })
  }
}

/** A query of what is given; nothing when nothing is. */
export function queryOf(members: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined && value !== false && value !== '') query.set(name, String(value))
  }
  return query.size === 0 ? '' : `?${query}`
}

/** The members of a query that ask something of other nodes. */
export function nodesQuery({ acks, requireQuorum, timeoutMs }: shapes.NodesOptions) {
  return { acks, requireQuorum, timeout: durationText(timeoutMs) }
}

/** The query of a read. */
export function readQuery(options: shapes.ReadOptions): string {
  return queryOf({ consistency: options.consistency, timeout: durationText(options.timeoutMs) })
}

/** The query of a put of a register or a field. */
export function putQuery(options: shapes.PutOptions): string {
  return queryOf({ ttl: durationText(options.ttlMs), ...nodesQuery(options), ifAbsent: options.ifAbsent })
}

/** A delete of whatever a path names. */
export function deletion(path: string, options: shapes.DeleteOptions & shapes.OnceOptions) {
  const query = queryOf({ all: options.all, ...nodesQuery(options) })
  const timeoutMs = patience(options.timeoutMs)
  return { method: 'DELETE', path: path + query, headers: writeHeaders(options), timeoutMs } as const
}

/** The headers of a write: context and idempotency key, where given. */
export function writeHeaders(options: { readonly context?: string | undefined } & shapes.OnceOptions) {
  const context: Record<string, string> = options.context === undefined ? {} : { 'Hearsay-Context': options.context }
  return { ...context, ...onceHeaders(options) }
}

function onceHeaders({ idempotencyKey }: shapes.OnceOptions): Record<string, string> {
  return idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }
}

/** A duration as the API takes it. */
export function durationText(durationMs: number | undefined): string | undefined {
  return durationMs === undefined ? undefined : `${durationMs}ms`
}

/** How long an answer may take that may wait so long for other nodes, in milliseconds. */
export function patience(timeoutMs: number | undefined): number {
  return timeoutMs === undefined ? responseTimeoutMsDefault : timeoutMs + responseGraceMs
}

/** A value's bytes. */
export function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : value
}

/** A value for JSON: as text when it is valid UTF-8. */
export function encode(bytes: Uint8Array): shapes.EncodedValue {
  const text = Buffer.from(bytes).toString('utf8')
  if (Buffer.from(text, 'utf8').equals(bytes)) return { value: text, encoding: 'utf8' }
  return { value: Buffer.from(bytes).toString('base64'), encoding: 'base64' }
}

/** The bytes form of a read. */
export function shownOf(answer: Answer): shapes.Shown {
  return {
    value: answer.body,
    context: headerOf(answer, 'hearsay-context'),
    dot: headerOf(answer, 'hearsay-dot'),
    siblings: Number(answer.headers['hearsay-siblings'] ?? 1),
  }
}

function headerOf(answer: Answer, name: string): string {
  const value = answer.headers[name]
  return typeof value === 'string' ? value : ''
}
