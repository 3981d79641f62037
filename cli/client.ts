/** The client of a daemon's HTTP API: one typed method for each route. The command line uses nothing else. */
import { HearsayApiError } from './failure.js'
import { importLines, type Lines } from './importing.js'
import { meshTimeoutMs, responseGraceMs, responseTimeoutMsDefault, waitTimeoutMsDefault } from './limits.js'
import { locate, type Whereabouts } from './locate.js'
import type * as shapes from './shapes.js'
import { type Answer, type Call, Transport } from './transport.js'

export { HearsayApiError } from './failure.js'
export type * from './shapes.js'

/** Where the daemon is and how to talk to it. */
export interface ConnectOptions extends Whereabouts {
  /** The API token, for TCP; `HEARSAY_TOKEN` when absent. */
  readonly token?: string | undefined
  /** Whether connections are kept between requests: true when absent. */
  readonly keepAlive?: boolean
  /** The environment that names a daemon when the options do not; `process.env` when absent. */
  readonly environment?: NodeJS.ProcessEnv
}

/** The bytes form of a read: the shown winner. */
export interface Shown {
  readonly value: Buffer
  /** The token of what is shown. */
  readonly context: string
  readonly dot: string
  /** 1 when there is no conflict. */
  readonly siblings: number
}

/**
 * Makes a client; nothing is sent yet.
 * @throws UsageError when the address is malformed.
 */
export function connect(options: ConnectOptions = {}): Client {
  const environment = options.environment ?? process.env
  const token = options.token ?? environment.HEARSAY_TOKEN
  return new Client(new Transport(locate(options, environment), token, options.keepAlive ?? true))
}

/**
 * A daemon's API. Every method rejects with HearsayApiError: the daemon's own code (`NOT_FOUND` for everything that
 * is absent), `UNREACHABLE_DAEMON`, or `TIMED_OUT`.
 */
export class Client {
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

  /** The shown winner's bytes. */
  async get(key: string, options: shapes.ReadOptions = {}): Promise<Shown> {
    const headers = { Accept: 'application/octet-stream' }
    const answer = await this.#transport.send({ ...read(key, options), headers })
    return {
      value: answer.body,
      context: headerOf(answer, 'hearsay-context'),
      dot: headerOf(answer, 'hearsay-dot'),
      siblings: Number(answer.headers['hearsay-siblings'] ?? 1),
    }
  }

  /** Every version, the winner first. */
  getAll(key: string, options: shapes.ReadOptions = {}): Promise<shapes.Versions> {
    return this.#json({ ...read(key, options), headers: { Accept: 'application/json' } })
  }

  /** Stores a value; resolves when it is durable here, and on as many nodes as asked. */
  put(key: string, value: string | Uint8Array, options: shapes.PutOptions = {}): Promise<shapes.Written> {
    const headers: Record<string, string> = { 'Content-Type': 'application/octet-stream', Accept: 'application/json' }
    if (options.context !== undefined) headers['Hearsay-Context'] = options.context
    if (options.idempotencyKey !== undefined) headers['Idempotency-Key'] = options.idempotencyKey
    const query = { ttl: durationText(options.ttlMs), ...nodesQuery(options), ifAbsent: options.ifAbsent }
    const path = pathOf('/v1/kv', key) + queryOf(query)
    return this.#json({ method: 'PUT', path, headers, body: bytesOf(value), timeoutMs: patience(options.timeoutMs) })
  }

  /** Deletes a key. Rejects with CONFLICT when it has siblings and neither a context nor `all` is given. */
  async delete(key: string, options: shapes.DeleteOptions = {}): Promise<void> {
    const { context, all, timeoutMs } = options
    const headers: Record<string, string> = context === undefined ? {} : { 'Hearsay-Context': context }
    const path = pathOf('/v1/kv', key) + queryOf({ all, ...nodesQuery(options) })
    await this.#transport.send({ method: 'DELETE', path, headers, timeoutMs: patience(timeoutMs) })
  }

  /** One page of keys in the order of their bytes. */
  listPage(options: shapes.ListOptions = {}): Promise<shapes.Page<shapes.ListItem>> {
    return this.#json({ method: 'GET', path: `/v1/kv${queryOf({ ...options })}` })
  }

  /** All keys in the order of their bytes; `limit` is the size of a page. */
  list(options: shapes.ListOptions = {}): AsyncGenerator<shapes.ListItem> {
    return pages((after) => this.listPage({ ...options, after: after ?? options.after }))
  }

  /** All addresses in conflict. */
  conflicts(prefix = ''): AsyncGenerator<shapes.Conflict> {
    return pages((after) => this.#json({ method: 'GET', path: `/v1/conflicts${queryOf({ prefix, after })}` }))
  }

  /** Settles a conflict; rejects with STALE_CONTEXT when a sibling has come that the context lacks. */
  resolve(key: string, resolution: shapes.Resolution, context?: string): Promise<shapes.Written> {
    const choice = 'value' in resolution ? encode(bytesOf(resolution.value)) : resolution
    return this.#post(pathOf('/v1/conflicts', key), { ...choice, context })
  }

  /** What the node knows of itself and the mesh. */
  status(): Promise<shapes.Status> {
    return this.#json({ method: 'GET', path: '/v1/status' })
  }

  /** The node's figures in the text form of Prometheus. */
  async metrics(): Promise<string> {
    return (await this.#transport.send({ method: 'GET', path: '/metrics' })).body.toString()
  }

  /** All members but the asked node. */
  async members(): Promise<readonly shapes.Member[]> {
    return itemsOf(await this.#json<unknown>({ method: 'GET', path: '/v1/members' }), 'members')
  }

  /** Retires a member for good. */
  async forget(nameOrPeer: string): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: pathOf('/v1/members', nameOrPeer), timeoutMs: meshTimeoutMs })
  }

  /** A token with which another node joins this mesh. Keep it secret. */
  invite(): Promise<{ readonly token: string }> {
    return this.#post('/v1/invite', {})
  }

  /** Takes the asked node into the mesh of an invitation. */
  async join(token: string): Promise<unknown> {
    return this.#post('/v1/join', { token })
  }

  /** Cuts the asked node off from peers; resolves when their connections are closed. */
  async block(peers: readonly string[]): Promise<unknown> {
    return this.#post('/v1/block', { peers })
  }

  /** Lifts blocks; all of them when no peer is named. */
  async unblock(peers?: readonly string[]): Promise<unknown> {
    return this.#post('/v1/unblock', { peers })
  }

  /** Runs anti-entropy now with one peer, or with every connected one. */
  sync(peer?: string): Promise<{ readonly sessions: readonly shapes.SyncSession[] }> {
    return this.#post('/v1/sync', { peer })
  }

  /** Which members durably hold the shown version of a key. */
  where(key: string): Promise<shapes.Where> {
    return this.#json({ method: 'GET', path: pathOf('/v1/where', key) })
  }

  /** Resolves when so many members are connected and, with `converged`, proven equal; rejects with TIMED_OUT. */
  async wait(condition: { peers?: number; converged?: boolean; timeoutMs?: number } = {}): Promise<unknown> {
    const { peers, converged, timeoutMs = waitTimeoutMsDefault } = condition
    const path = `/v1/wait${queryOf({ peers, converged, timeout: durationText(timeoutMs) })}`
    return this.#json({ method: 'GET', path, timeoutMs: timeoutMs + responseGraceMs })
  }

  /** The settings in effect, each with where it comes from. */
  config(): Promise<unknown> {
    return this.#json({ method: 'GET', path: '/v1/config' })
  }

  /** Whether the daemon is alive and whether it is ready for clients, with what it says about itself. */
  async health(): Promise<{ readonly ready: boolean; readonly details: unknown }> {
    await this.#transport.send({ method: 'GET', path: '/healthz' })
    try {
      return { ready: true, details: await this.#json<unknown>({ method: 'GET', path: '/readyz' }) }
    } catch (error) {
      if (!(error instanceof HearsayApiError) || error.status !== 503) throw error
      return { ready: false, details: { code: error.code, reason: error.message, ...error.details } }
    }
  }

  /** Every entry as JSON lines, in chunks of bytes as they come. Throws when the stream is cut. */
  export(prefix = ''): AsyncGenerator<Buffer> {
    return this.#transport.stream({ method: 'GET', path: `/v1/export${queryOf({ prefix })}`, timeoutMs: meshTimeoutMs })
  }

  /**
   * Imports JSON lines in requests of bounded size; what was imported before a failure stays, and importing again skips it.
   * @param onProgress told after each request how much was taken, in bytes of the source
   */
  import(lines: Lines, onProgress?: (bytes: number, sum: shapes.ImportSummary) => void): Promise<shapes.ImportSummary> {
    const headers = { 'Content-Type': 'application/x-ndjson' }
    const send = (body: Uint8Array) =>
      this.#json<shapes.ImportSummary>({ method: 'POST', path: '/v1/import', headers, body, timeoutMs: meshTimeoutMs })
    return importLines(lines, send, onProgress)
  }

  #post<T>(path: string, body: unknown): Promise<T> {
    const headers = { 'Content-Type': 'application/json' }
    const bytes = Buffer.from(JSON.stringify(body))
    return this.#json({ method: 'POST', path, headers, body: bytes, timeoutMs: meshTimeoutMs })
  }

  async #json<T>(call: Call): Promise<T> {
    const answer = await this.#transport.send(call)
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
 * A path whose last segment is user text, percent-encoded so that neither slashes nor dots mean anything.
 * @throws HearsayApiError BAD_KEY when the text is empty or not well-formed Unicode.
 */
export function pathOf(route: string, text: string): string {
  if (text === '') throw new HearsayApiError('BAD_KEY', 0, 'a key or name is empty: give at least one character')
  try {
    return `${route}/${encodeURIComponent(text).replaceAll('.', '%2E')}`
  } catch (cause) {
    throw new HearsayApiError('BAD_KEY', 0, 'a key or name is not well-formed Unicode', {}, { cause })
  }
}

function queryOf(members: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined && value !== false && value !== '') query.set(name, String(value))
  }
  return query.size === 0 ? '' : `?${query}`
}

function nodesQuery({ acks, requireQuorum, timeoutMs }: shapes.NodesOptions) {
  return { acks, requireQuorum, timeout: durationText(timeoutMs) }
}

function read(key: string, options: shapes.ReadOptions): Pick<Call, 'method' | 'path' | 'timeoutMs'> {
  const query = queryOf({ consistency: options.consistency, timeout: durationText(options.timeoutMs) })
  return { method: 'GET', path: pathOf('/v1/kv', key) + query, timeoutMs: patience(options.timeoutMs) }
}

function durationText(durationMs: number | undefined): string | undefined {
  return durationMs === undefined ? undefined : `${durationMs}ms`
}

function patience(timeoutMs: number | undefined): number {
  return timeoutMs === undefined ? responseTimeoutMsDefault : timeoutMs + responseGraceMs
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : value
}

function encode(bytes: Uint8Array): shapes.EncodedValue {
  const text = Buffer.from(bytes).toString('utf8')
  if (Buffer.from(text, 'utf8').equals(bytes)) return { value: text, encoding: 'utf8' }
  return { value: Buffer.from(bytes).toString('base64'), encoding: 'base64' }
}

function headerOf(answer: Answer, name: string): string {
  const value = answer.headers[name]
  return typeof value === 'string' ? value : ''
}

function itemsOf<T>(answer: unknown, name: string): readonly T[] {
  if (Array.isArray(answer)) return answer as T[]
  const { [name]: named, items } = answer as Record<string, unknown>
  return (named ?? items ?? []) as T[]
}

async function* pages<T>(page: (after: string | undefined) => Promise<shapes.Page<T>>): AsyncGenerator<T> {
  let after: string | undefined
  for (;;) {
    const { items, next } = await page(after)
    yield* items
    if (next === null || next === undefined) return
    after = next
  }
}
