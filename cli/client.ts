/** The client of a daemon's HTTP API: one typed method for each route. The command line uses nothing else. */
import { CounterClient, MapClient, SetClient } from './client/collections.js'
import { DocumentClient } from './client/documents.js'
import { type ImportFormat, importLines, type Lines } from './client/importing.js'
import { locate, tokenOf, type Whereabouts } from './client/locate.js'
import {
  bytesOf,
  deletion,
  durationText,
  encode,
  nodesQuery,
  pathOf,
  patience,
  putQuery,
  queryOf,
  Requests,
  readQuery,
  shownOf,
  writeHeaders,
} from './client/requests.js'
import type * as shapes from './client/shapes.js'
import { type Call, Transport } from './client/transport.js'
import { watchEvents } from './client/watching.js'
import { HearsayApiError } from './failure.js'
import { meshTimeoutMs, responseGraceMs, waitTimeoutMsDefault, watchSilenceMs } from './limits.js'

export type * from './client/shapes.js'
export { HearsayApiError } from './failure.js'

/** Where the daemon is and how to talk to it. */
export interface ConnectOptions extends Whereabouts {
  /** The API token, for TCP; when absent `HEARSAY_TOKEN`, else, on this machine, that of the data directory. */
  readonly token?: string | undefined
  /** Whether connections are kept between requests: true when absent. */
  readonly keepAlive?: boolean
  /** The environment that names a daemon when the options do not; `process.env` when absent. */
  readonly environment?: NodeJS.ProcessEnv
}

/**
 * Makes a client; nothing is sent yet.
 * @throws UsageError when the address is malformed.
 */
export function connect(options: ConnectOptions = {}): Client {
  const environment = options.environment ?? process.env
  const endpoint = locate(options, environment)
  const token = options.token ?? environment.HEARSAY_TOKEN ?? tokenOf(endpoint, options, environment)
  return new Client(new Requests(new Transport(endpoint, token, options.keepAlive ?? true)))
}

/**
 * A daemon's API. Every method rejects with HearsayApiError: the daemon's own code (`NOT_FOUND` for everything that
 * is absent), `UNREACHABLE_DAEMON`, or `TIMED_OUT`.
 */
export class Client {
  readonly counters: CounterClient
  readonly sets: SetClient
  readonly maps: MapClient
  readonly documents: DocumentClient
  readonly #requests: Requests

  constructor(requests: Requests) {
    this.#requests = requests
    this.counters = new CounterClient(requests)
    this.sets = new SetClient(requests)
    this.maps = new MapClient(requests)
    this.documents = new DocumentClient(requests)
  }

  /** The daemon's address, as `--api` takes it. */
  get address(): string {
    return this.#requests.address
  }

  /** Closes kept connections. */
  close(): void {
    this.#requests.close()
  }

  /** The shown winner's bytes. */
  async get(key: string, options: shapes.ReadOptions = {}): Promise<shapes.Shown> {
    const headers = { Accept: 'application/octet-stream' }
    return shownOf(await this.#requests.send({ ...read(key, options), headers }))
  }

  /** Every version, the winner first. */
  getAll(key: string, options: shapes.ReadOptions = {}): Promise<shapes.Versions> {
    return this.#requests.json({ ...read(key, options), headers: { Accept: 'application/json' } })
  }

  /** Stores a value; resolves when it is durable here, and on as many nodes as asked. */
  put(key: string, value: string | Uint8Array, options: shapes.PutOptions = {}): Promise<shapes.Written> {
    const types = { 'Content-Type': 'application/octet-stream', Accept: 'application/json' }
    const headers = { ...types, ...writeHeaders(options) }
    const path = pathOf('/v1/kv', key) + putQuery(options)
    const timeoutMs = patience(options.timeoutMs)
    return this.#requests.put({ method: 'PUT', path, headers, body: bytesOf(value), timeoutMs })
  }

  /** Deletes a key. Rejects with CONFLICT when it has siblings and neither a context nor `all` is given. */
  async delete(key: string, options: shapes.DeleteOptions = {}): Promise<void> {
    await this.#requests.send(deletion(pathOf('/v1/kv', key), options))
  }

  /** Runs several writes as one: all are stored, or none. Resolves with their dots in order. */
  batch(ops: readonly shapes.Operation[], options: shapes.CollectionOptions = {}): Promise<shapes.Batched> {
    return this.#requests.post(`/v1/batch${queryOf(nodesQuery(options))}`, { ops }, options)
  }

  /** One page of keys in the order of their bytes. */
  listPage(options: shapes.ListOptions = {}): Promise<shapes.Page<shapes.ListItem>> {
    return this.#requests.json({ method: 'GET', path: `/v1/kv${queryOf({ ...options })}` })
  }

  /** All keys in the order of their bytes; `limit` is the size of a page. */
  list(options: shapes.ListOptions = {}): AsyncGenerator<shapes.ListItem> {
    return pages((after) => this.listPage({ ...options, after: after ?? options.after }))
  }

  /** All addresses in conflict. */
  conflicts(prefix = ''): AsyncGenerator<shapes.Conflict> {
    return pages((after) => this.#requests.json({ method: 'GET', path: `/v1/conflicts${queryOf({ prefix, after })}` }))
  }

  /** Settles a conflict, that of a map's `field` where given; rejects with STALE_CONTEXT when a sibling has come that the context lacks. */
  resolve(key: string, resolution: shapes.Resolution, context?: string, field?: string): Promise<shapes.Written> {
    const choice = 'value' in resolution ? encode(bytesOf(resolution.value)) : resolution
    return this.#requests.post(pathOf('/v1/conflicts', key), { ...choice, context, field })
  }

  /** What the node knows of itself and the mesh. */
  status(): Promise<shapes.Status> {
    return this.#requests.json({ method: 'GET', path: '/v1/status' })
  }

  /** The node's figures in the text form of Prometheus. */
  async metrics(): Promise<string> {
    return (await this.#requests.send({ method: 'GET', path: '/metrics' })).body.toString()
  }

  /** All members but the asked node. */
  async members(): Promise<readonly shapes.Member[]> {
    return itemsOf(await this.#requests.json<unknown>({ method: 'GET', path: '/v1/members' }), 'members')
  }

  /** Retires a member for good. */
  async forget(nameOrPeer: string): Promise<void> {
    await this.#requests.send({ method: 'DELETE', path: pathOf('/v1/members', nameOrPeer), timeoutMs: meshTimeoutMs })
  }

  /** A token with which another node joins this mesh. Keep it secret. */
  invite(): Promise<{ readonly token: string }> {
    return this.#requests.post('/v1/invite', {})
  }

  /** Takes the asked node into the mesh of an invitation. */
  async join(token: string): Promise<unknown> {
    return this.#requests.post('/v1/join', { token })
  }

  /** Cuts the asked node off from peers; resolves when their connections are closed. */
  async block(peers: readonly string[]): Promise<unknown> {
    return this.#requests.post('/v1/block', { peers })
  }

  /** Lifts blocks; all of them when no peer is named. */
  async unblock(peers?: readonly string[]): Promise<unknown> {
    return this.#requests.post('/v1/unblock', { peers })
  }

  /** Runs anti-entropy now with one peer, or with every connected one. */
  sync(peer?: string): Promise<{ readonly sessions: readonly shapes.SyncSession[] }> {
    return this.#requests.post('/v1/sync', { peer })
  }

  /** Which members durably hold the shown version of a key. */
  where(key: string): Promise<shapes.Where> {
    return this.#requests.json({ method: 'GET', path: pathOf('/v1/where', key) })
  }

  /** Resolves when so many members are connected and, with `converged`, proven equal; rejects with TIMED_OUT. */
  async wait(condition: { peers?: number; converged?: boolean; timeoutMs?: number } = {}): Promise<unknown> {
    const { peers, converged, timeoutMs = waitTimeoutMsDefault } = condition
    const path = `/v1/wait${queryOf({ peers, converged, timeout: durationText(timeoutMs) })}`
    return this.#requests.json({ method: 'GET', path, timeoutMs: timeoutMs + responseGraceMs })
  }

  /** The settings in effect, each with where it comes from. */
  config(): Promise<unknown> {
    return this.#requests.json({ method: 'GET', path: '/v1/config' })
  }

  /** Whether the daemon is alive and whether it is ready for clients, with what it says about itself. */
  async health(): Promise<{ readonly ready: boolean; readonly details: unknown }> {
    await this.#requests.send({ method: 'GET', path: '/healthz' })
    try {
      return { ready: true, details: await this.#requests.json<unknown>({ method: 'GET', path: '/readyz' }) }
    } catch (error) {
      if (!(error instanceof HearsayApiError) || error.status !== 503) throw error
      return { ready: false, details: { code: error.code, reason: error.message, ...error.details } }
    }
  }

  /**
   * The change feed: each update of keys with a prefix, in the order of arrival at the daemon. Goes on by itself where it
   * was after a cut or a restart of the daemon, without a gap or a repeat. Throws CURSOR_GONE when what should follow is no
   * longer kept, and what the very first connection meets.
   */
  watch(options: shapes.WatchOptions = {}): AsyncGenerator<shapes.WatchEvent> {
    const { prefix, signal } = options
    const headers = { Accept: 'text/event-stream' }
    return watchEvents((since) => {
      const path = `/v1/watch${queryOf({ prefix, since })}`
      return this.#requests.stream({ method: 'GET', path, headers, timeoutMs: watchSilenceMs, signal })
    }, options)
  }

  /** Every entry as JSON lines, in chunks of bytes as they come. Throws when the stream is cut. */
  export(prefix = ''): AsyncGenerator<Buffer> {
    return this.#requests.stream({ method: 'GET', path: `/v1/export${queryOf({ prefix })}`, timeoutMs: meshTimeoutMs })
  }

  /** A backup of the asked node, in chunks of bytes as they come: with its identity and the mesh secret. Throws when the stream is cut. */
  backup(): AsyncGenerator<Buffer> {
    return this.#requests.stream({ method: 'GET', path: '/v1/backup', timeoutMs: meshTimeoutMs })
  }

  /**
   * Imports in requests of bounded size; what was imported before a failure stays, and importing again skips it.
   * @param onProgress told after each request how much was taken, in bytes of the source
   * @param format JSON lines (`jsonl`), `consul kv export` (`consul`), or key, tab, value (`tsv`); by default what its first
   *   entry tells, and BAD_REQUEST when that is none of them
   */
  import(
    source: Lines,
    onProgress?: (bytes: number, sum: shapes.ImportSummary) => void,
    format: ImportFormat | 'auto' = 'auto',
  ): Promise<shapes.ImportSummary> {
    const headers = { 'Content-Type': 'application/x-ndjson' }
    const send = (body: Uint8Array) =>
      this.#requests.json<shapes.ImportSummary>({
        method: 'POST',
        path: '/v1/import',
        headers,
        body,
        timeoutMs: meshTimeoutMs,
      })
    return importLines(source, format, send, onProgress)
  }
}

function read(key: string, options: shapes.ReadOptions): Pick<Call, 'method' | 'path' | 'timeoutMs'> {
  return { method: 'GET', path: pathOf('/v1/kv', key) + readQuery(options), timeoutMs: patience(options.timeoutMs) }
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
