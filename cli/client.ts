/** The client of a daemon's HTTP API: one typed method for each route. The command line uses nothing else. */
import type { Batched, Operation } from '../protocols/api/batch.js'
import type { Conflict, Resolved, Undone } from '../protocols/api/conflicts.js'
import type { DashboardLink } from '../protocols/api/dashboard.js'
import type { Finding } from '../protocols/api/doctor.js'
import type { AnswerAt } from '../protocols/api/endpoints.js'
import { contentTypes } from '../protocols/api/headers.js'
import type { KeyCount, ListItem, Versions } from '../protocols/api/kv.js'
import { waitTimeoutMsDefault } from '../protocols/api/limits.js'
import type { RecordedSession } from '../protocols/api/live.js'
import type { Diff, Member, Status, Where } from '../protocols/api/mesh.js'
import type { Page } from '../protocols/api/parts.js'
import { routes } from '../protocols/api/routes.js'
import type { ConfigShown } from '../protocols/api/system.js'
import { TypeClients } from './client/collections.js'
import { importLines, type Lines } from './client/importing.js'
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
import { firstCursor, watchEvents } from './client/watching.js'
import { HearsayApiError } from './failure.js'
import {
  countTimeoutMs,
  doctorTimeoutMs,
  meshTimeoutMs,
  responseGraceMs,
  retriesDefault,
  watchSilenceMs,
} from './limits.js'

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
export type { Conflict, Resolved, Undone } from '../protocols/api/conflicts.js'
export type { DashboardLink } from '../protocols/api/dashboard.js'
export type { Finding } from '../protocols/api/doctor.js'
export type { DocumentShown } from '../protocols/api/documents.js'
export type { KeyCount, ListItem, Versions } from '../protocols/api/kv.js'
export type { RecordedSession, SessionStep } from '../protocols/api/live.js'
export type { Diff, DiffSide, KeyDifference, Member, Status, SyncSession, Where } from '../protocols/api/mesh.js'
export type { Acks, EncodedValue, Page, Version } from '../protocols/api/parts.js'
export type { ConfigShown } from '../protocols/api/system.js'
export type { ErrorCode } from '../store/errors.js'
export { type ApiErrorOf, type DetailsOf, isHearsayError } from './client/errors.js'
export type { ImportFormat, Lines } from './client/importing.js'
export type * from './client/options.js'
export { HearsayApiError, UsageError } from './failure.js'

/** Options of a client: the place of the daemon, and the connection to it. */
export interface ConnectOptions extends DaemonPlace {
  /** The API token, for TCP; when absent `HEARSAY_TOKEN`, else, on this machine, that of the data directory. */
  readonly token?: string | undefined
  /** True to keep connections between requests; true when absent. */
  readonly keepAlive?: boolean
  /**
   * Longest silence before an answer, in milliseconds, after which a call rejects with TIMED_OUT; 30 seconds when
   * absent.
   */
  readonly responseTimeoutMs?: number
  /**
   * Attempts after a lost connection, 4 when absent, with growing delays of about 1.5 seconds in all. What never
   * reached the daemon is sent again, and so are reads; writes carry an idempotency key, so that none is done twice. 0:
   * every call is sent once, and writes carry no key but a given one.
   */
  readonly retries?: number
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
  const transport = new Transport(endpoint, token, options.keepAlive ?? true, options.responseTimeoutMs)
  return new Client(new Requests(transport, options.retries ?? retriesDefault))
}

/**
 * A daemon's API. Every method rejects with HearsayApiError: the daemon's own code (`NOT_FOUND` for everything that
 * is absent), `UNREACHABLE_DAEMON`, or `TIMED_OUT`; and with the reason of its signal once that is aborted.
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
    const { signal, ...query } = asked
    return this.#requests.json(routes.listKeys, { query, signal })
  }

  /** All keys in the order of their bytes; `limit` is the size of a page. */
  list(asked: options.ListOptions = {}): AsyncGenerator<ListItem> {
    return pages((after) => this.listPage({ ...asked, after: after ?? asked.after }))
  }

  /** Counts keys, and those that have each type, on the daemon's side. */
  async count({ signal, ...asked }: options.RangeOptions = {}): Promise<KeyCount> {
    let keys = 0
    const types: Record<string, number> = {}
    for (let after = asked.after; ; ) {
      const query = { ...asked, after, count: true }
      const { count, next } = await this.#requests.json(routes.listKeys, { query, timeoutMs: countTimeoutMs, signal })
      keys += count?.keys ?? 0
      for (const [type, amount] of Object.entries(count?.types ?? {})) types[type] = (types[type] ?? 0) + amount
      if (next === null) return { keys, types }
      after = next
    }
  }

  /** All addresses in conflict. */
  conflicts(prefix = '', { signal }: options.CallOptions = {}): AsyncGenerator<Conflict> {
    return pages((after) => this.#requests.json(routes.listConflicts, { query: { prefix, after }, signal }))
  }

  /**
   * Settles a conflict, that of a map's `field` where given; rejects with STALE_CONTEXT when a sibling has come that
   * the context lacks.
   */
  resolve(key: string, resolution: options.Resolution, asked: options.ResolveOptions = {}): Promise<Resolved> {
    const { context, field, ...call } = asked
    const choice = 'value' in resolution ? encode(bytesOf(resolution.value)) : resolution
    const { headers, signal, takesRetryKey } = writing(call)
    const about = { json: { ...choice, context, field }, timeoutMs: meshTimeoutMs }
    return this.#requests.json(routes.resolveConflict, { path: { key }, headers, signal, takesRetryKey, ...about })
  }

  /**
   * Undoes the last resolution of a key at the asked node, or that of a token which `resolve` answered. Rejects with
   * STALE_CONTEXT when something newer is there, with NOT_FOUND when it is not kept any more.
   */
  undo(key: string, { signal, ...asked }: options.UndoOptions = {}): Promise<Undone> {
    return this.#requests.json(routes.undoResolution, { path: { key }, json: asked, timeoutMs: meshTimeoutMs, signal })
  }

  /** A link that opens the dashboard in a browser, once. Keep it secret. */
  dashboardLink({ signal }: options.CallOptions = {}): Promise<DashboardLink> {
    return this.#requests.json(routes.makeDashboardLink, { json: {}, signal })
  }

  /** The last sync sessions of the asked node, step by step, oldest first. */
  async sessions({ signal }: options.CallOptions = {}): Promise<readonly RecordedSession[]> {
    return (await this.#requests.json(routes.listSessions, { signal })).sessions
  }

  /** State of the node, and of the mesh as it knows it. */
  status({ signal }: options.CallOptions = {}): Promise<Status> {
    return this.#requests.json(routes.getStatus, { signal })
  }

  /** The node's figures in the text form of Prometheus. */
  async metrics({ signal }: options.CallOptions = {}): Promise<string> {
    return (await this.#requests.send(routes.getMetrics, { signal })).body.toString()
  }

  /** Findings of the doctor about the node, or about one member; the worst first. */
  async diagnose(peer?: string, { signal }: options.CallOptions = {}): Promise<readonly Finding[]> {
    const answer = await this.#requests.json(routes.diagnose, { query: { peer }, timeoutMs: doctorTimeoutMs, signal })
    return answer.findings
  }

  /** All members but the asked node. */
  async members({ signal }: options.CallOptions = {}): Promise<readonly Member[]> {
    return (await this.#requests.json(routes.listMembers, { signal })).members
  }

  /** Retires a member for good. */
  async forget(nameOrPeer: string, { signal }: options.CallOptions = {}): Promise<void> {
    const path = { name: nameOrPeer }
    await this.#requests.send(routes.forgetMember, { path, timeoutMs: meshTimeoutMs, signal })
  }

  /** A token with which another node joins this mesh. Keep it secret. */
  invite({ signal }: options.CallOptions = {}): Promise<AnswerAt<typeof routes.invite>> {
    return this.#requests.json(routes.invite, { json: {}, timeoutMs: meshTimeoutMs, signal })
  }

  /** Takes the asked node into the mesh of an invitation. */
  join(token: string, { signal }: options.CallOptions = {}): Promise<AnswerAt<typeof routes.join>> {
    return this.#requests.json(routes.join, { json: { token }, timeoutMs: meshTimeoutMs, signal })
  }

  /** Cuts the asked node off from peers; resolves when their connections are closed. */
  block(peers: readonly string[], { signal }: options.CallOptions = {}): Promise<AnswerAt<typeof routes.block>> {
    return this.#requests.json(routes.block, { json: { peers }, timeoutMs: meshTimeoutMs, signal })
  }

  /** Lifts blocks; all of them when no peer is named. */
  unblock(peers?: readonly string[], { signal }: options.CallOptions = {}): Promise<AnswerAt<typeof routes.unblock>> {
    return this.#requests.json(routes.unblock, { json: { peers }, timeoutMs: meshTimeoutMs, signal })
  }

  /** Runs anti-entropy now with one peer, or with every connected one. */
  sync(peer?: string, { signal }: options.CallOptions = {}): Promise<AnswerAt<typeof routes.sync>> {
    return this.#requests.json(routes.sync, { json: { peer }, timeoutMs: meshTimeoutMs, signal })
  }

  /** Keys that a connected peer holds otherwise, `limit` of them at most. Rejects with UNREACHABLE when it is away. */
  diff(peer: string, { signal, limit }: options.DiffOptions = {}): Promise<Diff> {
    const asked = { path: { peer }, query: { limit }, timeoutMs: meshTimeoutMs, signal }
    return this.#requests.json(routes.diffWithPeer, asked)
  }

  /** Members that durably hold the shown version of a key. */
  where(key: string, { signal }: options.CallOptions = {}): Promise<Where> {
    return this.#requests.json(routes.locateValue, { path: { key }, signal })
  }

  /** Resolves when so many members are connected and, with `converged`, proven equal; rejects with TIMED_OUT. */
  wait(condition: options.WaitOptions = {}): Promise<AnswerAt<typeof routes.wait>> {
    const { peers, converged, timeoutMs = waitTimeoutMsDefault, signal } = condition
    const query = { peers, converged, timeout: durationText(timeoutMs) }
    return this.#requests.json(routes.wait, { query, timeoutMs: timeoutMs + responseGraceMs, signal })
  }

  /** The settings in effect, each with where it comes from. */
  config({ signal }: options.CallOptions = {}): Promise<ConfigShown> {
    return this.#requests.json(routes.getConfig, { signal })
  }

  /**
   * Resolves with true in `ready` if the daemon is ready for clients, and with its details; rejects when it is not
   * alive.
   */
  async health({ signal }: options.CallOptions = {}): Promise<{ readonly ready: boolean; readonly details: unknown }> {
    await this.#requests.send(routes.getHealth, { signal })
    try {
      return { ready: true, details: await this.#requests.json(routes.getReadiness, { signal }) }
    } catch (error) {
      if (!(error instanceof HearsayApiError) || error.status !== 503) throw error
      return { ready: false, details: { code: error.code, reason: error.message, ...error.details } }
    }
  }

  /**
   * The change feed: each update of keys with a prefix, in the order of arrival at the daemon. Goes on by itself where
   * it was after a cut or a restart of the daemon, without a gap or a repeat. Throws CURSOR_GONE when what should
   * follow is no longer kept, and what the very first connection meets.
   */
  watch(asked: options.WatchOptions = {}): AsyncGenerator<options.WatchEvent> {
    return watchEvents((since) => this.#feed({ ...asked, since }), asked)
  }

  /**
   * The position of the change feed at this moment. Read what is there, then watch with it as `since`: no change is
   * missed.
   */
  cursor({ signal }: options.CallOptions = {}): Promise<string> {
    return firstCursor(this.#feed({ signal }))
  }

  #feed({ prefix, since, initial, signal }: options.WatchOptions): AsyncGenerator<Buffer> {
    const asked = {
      query: { prefix, since, initial },
      headers: { Accept: contentTypes.events },
      timeoutMs: watchSilenceMs,
      signal,
    }
    return this.#requests.stream(routes.watchChanges, asked)
  }

  /** Every entry as JSON lines, in chunks of bytes as they come. Throws when the stream is cut. */
  export(prefix = '', { signal }: options.CallOptions = {}): AsyncGenerator<Buffer> {
    return this.#requests.stream(routes.exportEntries, { query: { prefix }, timeoutMs: meshTimeoutMs, signal })
  }

  /**
   * A backup of the asked node, in chunks of bytes as they come: with its identity and the mesh secret. Throws when the
   * stream is cut.
   */
  backup({ signal }: options.CallOptions = {}): AsyncGenerator<Buffer> {
    return this.#requests.stream(routes.takeBackup, { timeoutMs: meshTimeoutMs, signal })
  }

  /** Imports in requests of bounded size; what was imported before a failure stays, and importing again skips it. */
  import(source: Lines, asked: options.ImportOptions = {}): Promise<options.ImportSummary> {
    const { format = 'auto', onProgress, signal } = asked
    const headers = { 'Content-Type': contentTypes.lines }
    const send = (bytes: Uint8Array) =>
      this.#requests.json(routes.importEntries, { headers, bytes, timeoutMs: meshTimeoutMs, signal })
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
