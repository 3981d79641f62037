/** The client of a daemon's HTTP API: one typed method for each route. The command line uses nothing else. */
import type { Batched, Operation } from '../protocols/api/batch.js'
import type { Conflict } from '../protocols/api/conflicts.js'
import type { Finding } from '../protocols/api/doctor.js'
import type { AnswerAt } from '../protocols/api/endpoints.js'
import { contentTypes } from '../protocols/api/headers.js'
import type { ListItem, Versions } from '../protocols/api/kv.js'
import { waitTimeoutMsDefault } from '../protocols/api/limits.js'
import type { Member, Status, Where } from '../protocols/api/mesh.js'
import type { Page } from '../protocols/api/parts.js'
import { routes } from '../protocols/api/routes.js'
import type { ConfigShown } from '../protocols/api/system.js'
import { TypeClients } from './client/collections.js'
import { type ImportFormat, importLines, type Lines } from './client/importing.js'
import { type DaemonPlace, locate, tokenOf } from './client/locate.js'
import type * as options from './client/options.js'
import {
  bytesOf,
  deleting,
  durationText,
  encode,
  putting,
  Requests,
  reading,
  shownOf,
  writing,
} from './client/requests.js'
import { Transport } from './client/transport.js'
import { watchEvents } from './client/watching.js'
import { HearsayApiError } from './failure.js'
import { doctorTimeoutMs, meshTimeoutMs, responseGraceMs, watchSilenceMs } from './limits.js'

export type { Batched, Operation } from '../protocols/api/batch.js'
export type {
  Added,
  Counted,
  CounterValue,
  FieldVersions,
  MapFields,
  SetMember,
  SetMembers,
} from '../protocols/api/collections.js'
export type { Conflict } from '../protocols/api/conflicts.js'
export type { Finding } from '../protocols/api/doctor.js'
export type { DocumentShown } from '../protocols/api/documents.js'
export type { ListItem, Versions } from '../protocols/api/kv.js'
export type { Member, Status, SyncSession, Where } from '../protocols/api/mesh.js'
export type { Acks, EncodedValue, Page, Version } from '../protocols/api/parts.js'
export type { ConfigShown } from '../protocols/api/system.js'
export type * from './client/options.js'
export { HearsayApiError } from './failure.js'

/** Options of a client: the place of the daemon, and the connection to it. */
export interface ConnectOptions extends DaemonPlace {
  /** The API token, for TCP; when absent `HEARSAY_TOKEN`, else, on this machine, that of the data directory. */
  readonly token?: string | undefined
  /** True to keep connections between requests; true when absent. */
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
export class Client extends TypeClients {
  readonly #requests: Requests

  constructor(requests: Requests) {
    super(requests)
    this.#requests = requests
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
  async get(key: string, asked: options.ReadOptions = {}): Promise<options.Shown> {
    const headers = { Accept: contentTypes.bytes }
    return shownOf(await this.#requests.send(routes.getValue, { path: { key }, headers, ...reading(asked) }))
  }

  /** Every version, the winner first. */
  getAll(key: string, asked: options.ReadOptions = {}): Promise<Versions> {
    const headers = { Accept: contentTypes.json }
    return this.#requests.json(routes.getValue, { path: { key }, headers, ...reading(asked) })
  }

  /** Stores a value; resolves when it is durable here, and on as many nodes as asked. */
  put(key: string, value: string | Uint8Array, asked: options.PutOptions = {}): Promise<options.Written> {
    return this.#requests.put(routes.putValue, { path: { key }, ...putting(value, asked) })
  }

  /** Deletes a key. Rejects with CONFLICT when it has siblings and neither a context nor `all` is given. */
  async delete(key: string, asked: options.DeleteOptions = {}): Promise<void> {
    await this.#requests.send(routes.deleteValue, { path: { key }, ...deleting(asked) })
  }

  /** Runs several writes as one: all are stored, or none. Resolves with their dots in order. */
  batch(ops: readonly Operation[], asked: options.CollectionOptions = {}): Promise<Batched> {
    return this.#requests.json(routes.runBatch, { ...writing(asked), json: { ops }, timeoutMs: meshTimeoutMs })
  }

  /** One page of keys in the order of their bytes. */
  listPage(asked: options.ListOptions = {}): Promise<Page<ListItem>> {
    return this.#requests.json(routes.listKeys, { query: asked })
  }

  /** All keys in the order of their bytes; `limit` is the size of a page. */
  list(asked: options.ListOptions = {}): AsyncGenerator<ListItem> {
    return pages((after) => this.listPage({ ...asked, after: after ?? asked.after }))
  }

  /** All addresses in conflict. */
  conflicts(prefix = ''): AsyncGenerator<Conflict> {
    return pages((after) => this.#requests.json(routes.listConflicts, { query: { prefix, after } }))
  }

  /** Settles a conflict, that of a map's `field` where given; rejects with STALE_CONTEXT when a sibling has come that the context lacks. */
  resolve(key: string, resolution: options.Resolution, context?: string, field?: string): Promise<options.Written> {
    const choice = 'value' in resolution ? encode(bytesOf(resolution.value)) : resolution
    const json = { ...choice, context, field }
    return this.#requests.json(routes.resolveConflict, { path: { key }, json, timeoutMs: meshTimeoutMs })
  }

  /** State of the node, and of the mesh as it knows it. */
  status(): Promise<Status> {
    return this.#requests.json(routes.getStatus, {})
  }

  /** The node's figures in the text form of Prometheus. */
  async metrics(): Promise<string> {
    return (await this.#requests.send(routes.getMetrics, {})).body.toString()
  }

  /** Findings of the doctor about the node, or about one member; the worst first. */
  async diagnose(peer?: string): Promise<readonly Finding[]> {
    const answer = await this.#requests.json(routes.diagnose, { query: { peer }, timeoutMs: doctorTimeoutMs })
    return answer.findings
  }

  /** All members but the asked node. */
  async members(): Promise<readonly Member[]> {
    return (await this.#requests.json(routes.listMembers, {})).members
  }

  /** Retires a member for good. */
  async forget(nameOrPeer: string): Promise<void> {
    await this.#requests.send(routes.forgetMember, { path: { name: nameOrPeer }, timeoutMs: meshTimeoutMs })
  }

  /** A token with which another node joins this mesh. Keep it secret. */
  invite(): Promise<AnswerAt<typeof routes.invite>> {
    return this.#requests.json(routes.invite, { json: {}, timeoutMs: meshTimeoutMs })
  }

  /** Takes the asked node into the mesh of an invitation. */
  join(token: string): Promise<AnswerAt<typeof routes.join>> {
    return this.#requests.json(routes.join, { json: { token }, timeoutMs: meshTimeoutMs })
  }

  /** Cuts the asked node off from peers; resolves when their connections are closed. */
  block(peers: readonly string[]): Promise<AnswerAt<typeof routes.block>> {
    return this.#requests.json(routes.block, { json: { peers }, timeoutMs: meshTimeoutMs })
  }

  /** Lifts blocks; all of them when no peer is named. */
  unblock(peers?: readonly string[]): Promise<AnswerAt<typeof routes.unblock>> {
    return this.#requests.json(routes.unblock, { json: { peers }, timeoutMs: meshTimeoutMs })
  }

  /** Runs anti-entropy now with one peer, or with every connected one. */
  sync(peer?: string): Promise<AnswerAt<typeof routes.sync>> {
    return this.#requests.json(routes.sync, { json: { peer }, timeoutMs: meshTimeoutMs })
  }

  /** Members that durably hold the shown version of a key. */
  where(key: string): Promise<Where> {
    return this.#requests.json(routes.locateValue, { path: { key } })
  }

  /** Resolves when so many members are connected and, with `converged`, proven equal; rejects with TIMED_OUT. */
  wait(
    condition: { peers?: number; converged?: boolean; timeoutMs?: number } = {},
  ): Promise<AnswerAt<typeof routes.wait>> {
    const { peers, converged, timeoutMs = waitTimeoutMsDefault } = condition
    const query = { peers, converged, timeout: durationText(timeoutMs) }
    return this.#requests.json(routes.wait, { query, timeoutMs: timeoutMs + responseGraceMs })
  }

  /** The settings in effect, each with where it comes from. */
  config(): Promise<ConfigShown> {
    return this.#requests.json(routes.getConfig, {})
  }

  /**
   * Resolves with true in `ready` if the daemon is ready for clients, and with its details; rejects when it is not
   * alive.
   */
  async health(): Promise<{ readonly ready: boolean; readonly details: unknown }> {
    await this.#requests.send(routes.getHealth, {})
    try {
      return { ready: true, details: await this.#requests.json(routes.getReadiness, {}) }
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
  watch(asked: options.WatchOptions = {}): AsyncGenerator<options.WatchEvent> {
    const { prefix, signal } = asked
    const headers = { Accept: contentTypes.events }
    return watchEvents((since) => {
      const query = { prefix, since }
      return this.#requests.stream(routes.watchChanges, { query, headers, timeoutMs: watchSilenceMs, signal })
    }, asked)
  }

  /** Every entry as JSON lines, in chunks of bytes as they come. Throws when the stream is cut. */
  export(prefix = ''): AsyncGenerator<Buffer> {
    return this.#requests.stream(routes.exportEntries, { query: { prefix }, timeoutMs: meshTimeoutMs })
  }

  /** A backup of the asked node, in chunks of bytes as they come: with its identity and the mesh secret. Throws when the stream is cut. */
  backup(): AsyncGenerator<Buffer> {
    return this.#requests.stream(routes.takeBackup, { timeoutMs: meshTimeoutMs })
  }

  /**
   * Imports in requests of bounded size; what was imported before a failure stays, and importing again skips it.
   * @param onProgress called after each request with the bytes of the source taken so far
   * @param format JSON lines (`jsonl`), `consul kv export` (`consul`), or key, tab, value (`tsv`); by default what its first
   *   entry tells, and BAD_REQUEST when that is none of them
   */
  import(
    source: Lines,
    onProgress?: (bytes: number, sum: options.ImportSummary) => void,
    format: ImportFormat | 'auto' = 'auto',
  ): Promise<options.ImportSummary> {
    const headers = { 'Content-Type': contentTypes.lines }
    const send = (bytes: Uint8Array) =>
      this.#requests.json(routes.importEntries, { headers, bytes, timeoutMs: meshTimeoutMs })
    return importLines(source, format, send, onProgress)
  }
}

async function* pages<T>(page: (after: string | undefined) => Promise<Page<T>>): AsyncGenerator<T> {
  let after: string | undefined
  for (;;) {
    const { items, next } = await page(after)
    yield* items
    if (next === null || next === undefined) return
    after = next
  }
}
