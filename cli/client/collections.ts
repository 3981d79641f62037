/** The client's side of every type but registers: one method for each route. All reject with HearsayApiError. */
import type {
  Added,
  Counted,
  CounterValue,
  FieldVersions,
  MapFields,
  SetMembers,
} from '../../protocols/api/collections.js'
import { contentTypes } from '../../protocols/api/headers.js'
import { routes } from '../../protocols/api/routes.js'
import { DocumentClient } from './documents.js'
import type * as options from './options.js'
import { deleting, putting, type Requests, reading, shownOf, writing } from './requests.js'

/** Counters. */
export class CounterClient {
  readonly #requests: Requests

  constructor(requests: Requests) {
    this.#requests = requests
  }

  /** Reads a counter; `value` is text beyond 2^53 - 1. */
  get(key: string, asked: options.ReadOptions = {}): Promise<CounterValue> {
    return this.#requests.json(routes.getCounter, { path: { key }, ...reading(asked) })
  }

  /** Adds `by`, 1 when absent; the counter begins at 0. */
  increment(key: string, by = 1, asked: options.CollectionOptions = {}): Promise<Counted> {
    return this.#requests.json(routes.incrementCounter, { path: { key }, json: { by }, ...writing(asked) })
  }

  /** Deletes a counter; increments that the node has not seen survive. */
  async delete(key: string, asked: options.CollectionOptions = {}): Promise<void> {
    await this.#requests.send(routes.deleteCounter, { path: { key }, ...writing(asked) })
  }
}

/** Sets. Members are text or bytes. */
export class SetClient {
  readonly #requests: Requests

  constructor(requests: Requests) {
    this.#requests = requests
  }

  /** All members, in the order of their bytes. */
  members(key: string): Promise<SetMembers> {
    return this.#requests.json(routes.getSet, { path: { key } })
  }

  /** Adds a member. */
  add(key: string, member: string | Uint8Array, asked: options.CollectionOptions = {}): Promise<Added> {
    return this.#requests.json(routes.addMember, { path: { key, member }, ...writing(asked) })
  }

  /** Removes a member. */
  async remove(key: string, member: string | Uint8Array, asked: options.CollectionOptions = {}): Promise<void> {
    await this.#requests.send(routes.removeMember, { path: { key, member }, ...writing(asked) })
  }

  /** Removes all members that the node has seen. */
  async clear(key: string, asked: options.CollectionOptions = {}): Promise<void> {
    await this.#requests.send(routes.clearSet, { path: { key }, ...writing(asked) })
  }
}

/** Maps. A field behaves as a key does. */
export class MapClient {
  readonly #requests: Requests

  constructor(requests: Requests) {
    this.#requests = requests
  }

  /** All fields, each with its shown winner. */
  fields(key: string): Promise<MapFields> {
    return this.#requests.json(routes.getMap, { path: { key } })
  }

  /** A field's shown winner. */
  async get(key: string, field: string, asked: options.ReadOptions = {}): Promise<options.Shown> {
    const headers = { Accept: contentTypes.bytes }
    return shownOf(await this.#requests.send(routes.getField, { path: { key, field }, headers, ...reading(asked) }))
  }

  /** Every version of a field, the winner first. */
  getAll(key: string, field: string, asked: options.ReadOptions = {}): Promise<FieldVersions> {
    const headers = { Accept: contentTypes.json }
    return this.#requests.json(routes.getField, { path: { key, field }, headers, ...reading(asked) })
  }

  /** Stores a field. */
  put(
    key: string,
    field: string,
    value: string | Uint8Array,
    asked: options.PutOptions = {},
  ): Promise<options.FieldWritten> {
    return this.#requests.put(routes.putField, { path: { key, field }, ...putting(value, asked) })
  }

  /** Removes a field. Rejects with CONFLICT when it has siblings and neither a context nor `all` is given. */
  async remove(key: string, field: string, asked: options.DeleteOptions = {}): Promise<void> {
    await this.#requests.send(routes.deleteField, { path: { key, field }, ...deleting(asked) })
  }

  /** Removes all fields that the node has seen. Rejects with CONFLICT while one has siblings, unless `all`. */
  async clear(key: string, asked: options.DeleteOptions = {}): Promise<void> {
    await this.#requests.send(routes.clearMap, { path: { key }, ...deleting(asked) })
  }
}

/** A client for each type of data but registers, which the client itself reads and writes. */
export class TypeClients {
  readonly counters: CounterClient
  readonly sets: SetClient
  readonly maps: MapClient
  readonly documents: DocumentClient

  constructor(requests: Requests) {
    this.counters = new CounterClient(requests)
    this.sets = new SetClient(requests)
    this.maps = new MapClient(requests)
    this.documents = new DocumentClient(requests)
  }
}
