/** The client's side of counters, sets and maps: one method for each route. All reject with HearsayApiError. */
import {
  bytesOf,
  deletion,
  nodesQuery,
  pathOf,
  patience,
  putQuery,
  queryOf,
  type Requests,
  readQuery,
  shownOf,
  writeHeaders,
} from './requests.js'
import type * as shapes from './shapes.js'

const jsonType = { 'Content-Type': 'application/json' }

/** Counters. */
export class CounterClient {
  readonly #requests: Requests

  constructor(requests: Requests) {
    this.#requests = requests
  }

  /** Reads a counter; `value` is text beyond 2^53 - 1. */
  get(key: string, options: shapes.ReadOptions = {}): Promise<shapes.CounterValue> {
    const path = pathOf('/v1/counters', key) + readQuery(options)
    return this.#requests.json({ method: 'GET', path, timeoutMs: patience(options.timeoutMs) })
  }

  /** Adds `by`, 1 when absent; the counter begins at 0. */
  increment(key: string, by = 1, options: shapes.CollectionOptions = {}): Promise<shapes.Counted> {
    const path = pathOf('/v1/counters', key) + queryOf(nodesQuery(options))
    const headers = { ...jsonType, ...writeHeaders(options) }
    const body = Buffer.from(JSON.stringify({ by }))
    return this.#requests.json({ method: 'POST', path, headers, body, timeoutMs: patience(options.timeoutMs) })
  }

  /** Deletes a counter; increments that the node has not seen survive. */
  async delete(key: string, options: shapes.CollectionOptions = {}): Promise<void> {
    await this.#requests.send(deletion(pathOf('/v1/counters', key), options))
  }
}

/** Sets. Members are text or bytes. */
export class SetClient {
  readonly #requests: Requests

  constructor(requests: Requests) {
    this.#requests = requests
  }

  /** All members, in the order of their bytes. */
  members(key: string): Promise<shapes.SetMembers> {
    return this.#requests.json({ method: 'GET', path: pathOf('/v1/sets', key) })
  }

  /** Adds a member. */
  add(key: string, member: string | Uint8Array, options: shapes.CollectionOptions = {}): Promise<shapes.Added> {
    const path = pathOf('/v1/sets', key, member) + queryOf(nodesQuery(options))
    const call = {
      method: 'PUT',
      path,
      headers: writeHeaders(options),
      timeoutMs: patience(options.timeoutMs),
    } as const
    return this.#requests.json(call)
  }

  /** Removes a member. */
  async remove(key: string, member: string | Uint8Array, options: shapes.CollectionOptions = {}): Promise<void> {
    await this.#requests.send(deletion(pathOf('/v1/sets', key, member), options))
  }

  /** Removes all members that the node has seen. */
  async clear(key: string, options: shapes.CollectionOptions = {}): Promise<void> {
    await this.#requests.send(deletion(pathOf('/v1/sets', key), options))
  }
}

/** Maps. A field behaves as a key does. */
export class MapClient {
  readonly #requests: Requests

  constructor(requests: Requests) {
    this.#requests = requests
  }

  /** All fields, each with its shown winner. */
  fields(key: string): Promise<shapes.MapFields> {
    return this.#requests.json({ method: 'GET', path: pathOf('/v1/maps', key) })
  }

  /** A field's shown winner. */
  async get(key: string, field: string, options: shapes.ReadOptions = {}): Promise<shapes.Shown> {
    const headers = { Accept: 'application/octet-stream' }
    return shownOf(await this.#requests.send({ ...readField(key, field, options), headers }))
  }

  /** Every version of a field, the winner first. */
  getAll(key: string, field: string, options: shapes.ReadOptions = {}): Promise<shapes.FieldVersions> {
    return this.#requests.json({ ...readField(key, field, options), headers: { Accept: 'application/json' } })
  }

  /** Stores a field. */
  put(
    key: string,
    field: string,
    value: string | Uint8Array,
    options: shapes.PutOptions = {},
  ): Promise<shapes.FieldWritten> {
    const path = pathOf('/v1/maps', key, field) + putQuery(options)
    const headers = { 'Content-Type': 'application/octet-stream', ...writeHeaders(options) }
    const timeoutMs = patience(options.timeoutMs)
    return this.#requests.put({ method: 'PUT', path, headers, body: bytesOf(value), timeoutMs })
  }

  /** Removes a field. Rejects with CONFLICT when it has siblings and neither a context nor `all` is given. */
  async remove(key: string, field: string, options: shapes.DeleteOptions = {}): Promise<void> {
    await this.#requests.send(deletion(pathOf('/v1/maps', key, field), options))
  }

  /** Removes all fields that the node has seen. Rejects with CONFLICT while one has siblings, unless `all`. */
  async clear(key: string, options: shapes.DeleteOptions = {}): Promise<void> {
    await this.#requests.send(deletion(pathOf('/v1/maps', key), options))
  }
}

function readField(key: string, field: string, options: shapes.ReadOptions) {
  const path = pathOf('/v1/maps', key, field) + readQuery(options)
  return { method: 'GET', path, timeoutMs: patience(options.timeoutMs) } as const
}
