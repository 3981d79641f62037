/** Requests of the contract: paths of user text, queries, bodies and answers, each typed by its route. */
import type { ReadQuery } from '../../protocols/api/common.js'
import type { AnswerAt, BodyAt, QueryAt } from '../../protocols/api/endpoints.js'
import { contentTypes, headerNames } from '../../protocols/api/headers.js'
import type { EncodedValue } from '../../protocols/api/parts.js'
import { partsOf, type Route, type SegmentOf } from '../../protocols/api/routes.js'
import { HearsayApiError } from '../failure.js'
import { responseGraceMs } from '../limits.js'
import type * as options from './options.js'
import { mayRepeat, pauseUnless, retryDelayMs } from './retrying.js'
import type { HttpAnswer, HttpCall, Transport } from './transport.js'

/** A text of the user in a path; bytes, where a member of a set is no text. */
type Segment = string | Uint8Array

/** Input of a request under a route. */
export type AskedOf<R extends Route> = AskedBeside<R> & TextsOf<R>

/** The texts of the path, by their names in it. */
type TextsOf<R extends Route> = [SegmentOf<R>] extends [never]
  ? { readonly path?: undefined }
  : { readonly path: { readonly [Name in SegmentOf<R>]: Segment } }

interface AskedBeside<R extends Route> {
  /** Members that are undefined, false or empty are left out. */
  readonly query?: QueryAt<R>
  readonly headers?: Readonly<Record<string, string>>
  /** A body as JSON. */
  readonly json?: BodyAt<R>
  /** A body as bytes. */
  readonly bytes?: Uint8Array
  /** Longest silence of the connection, in milliseconds. */
  readonly timeoutMs?: number
  /** Ends the request, also in the middle of its answer. */
  readonly signal?: AbortSignal | undefined
  /** True for a write that the daemon knows again by its retry key. */
  readonly takesRetryKey?: boolean
}

/** Sends requests and reads their answers. */
export class Requests {
  readonly #transport: Transport
  readonly #retries: number

  /** `retries`: attempts after a lost connection; 0 when absent. */
  constructor(transport: Transport, retries = 0) {
    this.#transport = transport
    this.#retries = retries
  }

  /** The daemon's address, as `--api` takes it. */
  get address(): string {
    return this.#transport.address
  }

  /** Closes kept connections. */
  close(): void {
    this.#transport.close()
  }

  /**
   * Sends a request and collects the answer; again where its connection was lost and it cannot be done twice. Throws
   * HearsayApiError for every status from 400.
   */
  async send<R extends Route>(route: R, asked: AskedOf<R>): Promise<HttpAnswer> {
    const call = this.#keyed(callOf(route, asked), asked.takesRetryKey === true)
    for (let failures = 1; ; failures++) {
      try {
        return await this.#transport.send(call)
      } catch (error) {
        if (failures > this.#retries || !mayRepeat(error, call)) throw error
      }
      await pauseUnless(retryDelayMs(failures, Math.random()), call.signal)
    }
  }

  /** Names a write, so that it may be repeated. */
  #keyed(call: HttpCall, takesRetryKey: boolean): HttpCall {
    if (this.#retries === 0 || !takesRetryKey || call.headers?.[headerNames.retryKey] !== undefined) return call
    return { ...call, headers: { ...call.headers, [headerNames.retryKey]: globalThis.crypto.randomUUID() } }
  }

  /** Sends a request and gives the answer's bytes as they come. */
  stream<R extends Route>(route: R, asked: AskedOf<R>): AsyncGenerator<Buffer> {
    return this.#transport.stream(callOf(route, asked))
  }

  /** Sends a request whose answer is JSON. Throws UNREACHABLE_DAEMON when it is something else. */
  async json<R extends Route>(route: R, asked: AskedOf<R>): Promise<AnswerAt<R>> {
    return this.#parsed(await this.send(route, asked))
  }

  /** Sends a put, whose answer says beside its JSON how many siblings there are now. */
  async put<R extends Route>(route: R, asked: AskedOf<R>): Promise<AnswerAt<R> & options.SiblingsLeft> {
    const answer = await this.send(route, asked)
    const written = this.#parsed<AnswerAt<R> & options.SiblingsLeft>(answer)
    const siblings = headerOf(answer, headerNames.siblings)
    return siblings === '' ? written : Object.assign(written, { siblings: Number(siblings) })
  }

  /** The JSON of an answer; it is what the contract says, since the daemon's handlers are held to it. */
  #parsed<T>(answer: HttpAnswer): T {
    if (answer.body.byteLength === 0) return {} as T
    try {
      return JSON.parse(answer.body.toString('utf8')) as T
    } catch (cause) {
      const message = `${this.address} did not answer with JSON: is it a hearsay daemon?`
      throw new HearsayApiError('UNREACHABLE_DAEMON', answer.status, message, {}, { cause })
    }
  }
}

function callOf<R extends Route>(route: R, asked: AskedOf<R>): HttpCall {
  const { query, headers, json, bytes, timeoutMs, signal } = asked
  const parts = partsOf(route)
  const isJson = json !== undefined
  const body = isJson ? Buffer.from(JSON.stringify(json)) : bytes
  return {
    method: parts.method,
    path: filled(parts.path, asked.path) + queryOf(query),
    headers: { ...(isJson && { 'Content-Type': contentTypes.json }), ...headers },
    ...(body !== undefined && { body }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    signal,
  }
}

/**
 * A path with the texts of the user in it, percent-encoded so that neither slashes nor dots mean anything.
 * @throws HearsayApiError BAD_KEY when a text is empty or not well-formed Unicode.
 */
function filled(template: string, texts: Readonly<Record<string, Segment>> | undefined): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => segmentOf(texts?.[name] ?? ''))
}

function segmentOf(text: Segment): string {
  if (text.length === 0) throw new HearsayApiError('BAD_KEY', 0, 'a key or name is empty: give at least one character')
  if (typeof text !== 'string') return [...text].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  try {
    return encodeURIComponent(text).replaceAll('.', '%2E')
  } catch (cause) {
    throw new HearsayApiError('BAD_KEY', 0, 'a key or name is not well-formed Unicode', {}, { cause })
  }
}

/** A query of what is given; nothing when nothing is. */
function queryOf(members: unknown): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(members ?? {})) {
    if (value !== undefined && value !== false && value !== '') query.set(name, String(value))
  }
  return query.size === 0 ? '' : `?${query}`
}

/** A read that may ask other nodes. */
export function reading({ consistency, timeoutMs, signal }: options.ReadOptions) {
  const query: ReadQuery = { consistency, timeout: durationText(timeoutMs) }
  return { query, ...silenceMax(timeoutMs), signal }
}

/** A write that may ask something of other nodes, and can be repeated. */
export function writing(asked: options.WriteOptions) {
  const { acks, requireQuorum, timeoutMs, signal } = asked
  const query = { acks: acks === undefined ? undefined : `${acks}`, requireQuorum, timeout: durationText(timeoutMs) }
  return { query, headers: writeHeaders(asked), ...silenceMax(timeoutMs), signal, takesRetryKey: true }
}

/** A put of a register or a field. */
export function putting(value: string | Uint8Array, asked: options.PutOptions) {
  const write = writing(asked)
  return {
    ...write,
    query: { ttl: durationText(asked.ttlMs), ...write.query, ifAbsent: asked.ifAbsent },
    headers: { 'Content-Type': contentTypes.bytes, ...write.headers },
    bytes: bytesOf(value),
  }
}

/** A delete of what may be in conflict. */
export function deleting(asked: options.DeleteOptions) {
  const write = writing(asked)
  return { ...write, query: { all: asked.all, ...write.query } }
}

function writeHeaders({ context, idempotencyKey }: options.WriteOptions): Record<string, string> {
  return {
    ...(context !== undefined && { [headerNames.context]: context }),
    ...(idempotencyKey !== undefined && { [headerNames.retryKey]: idempotencyKey }),
  }
}

/** A duration as the API takes it. */
export function durationText(durationMs: number | undefined): string | undefined {
  return durationMs === undefined ? undefined : `${durationMs}ms`
}

/**
 * Longest silence before an answer for which the daemon may wait so long for other nodes; that of the client when it is
 * not said.
 */
function silenceMax(timeoutMs: number | undefined): { readonly timeoutMs?: number } {
  return timeoutMs === undefined ? {} : { timeoutMs: timeoutMs + responseGraceMs }
}

/** A value's bytes. */
export function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : value
}

/** A value for JSON: as text when it is valid UTF-8. */
export function encode(bytes: Uint8Array): EncodedValue {
  const text = Buffer.from(bytes).toString('utf8')
  if (Buffer.from(text, 'utf8').equals(bytes)) return { value: text, encoding: 'utf8' }
  return { value: Buffer.from(bytes).toString('base64'), encoding: 'base64' }
}

/** The bytes form of a read. */
export function shownOf(answer: HttpAnswer): options.Shown {
  return {
    value: answer.body,
    context: headerOf(answer, headerNames.context),
    dot: headerOf(answer, headerNames.dot),
    siblings: Number(headerOf(answer, headerNames.siblings) || 1),
  }
}

function headerOf(answer: HttpAnswer, name: string): string {
  const value = answer.headers[name.toLowerCase()]
  return typeof value === 'string' ? value : ''
}
