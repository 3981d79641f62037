/** The client's side of documents: one method for each route. All reject with HearsayApiError. */
import { HearsayApiError } from '../failure.js'
import {
  bytesOf,
  deletion,
  durationText,
  nodesQuery,
  pathOf,
  patience,
  queryOf,
  type Requests,
  writeHeaders,
} from './requests.js'
import type * as shapes from './shapes.js'

const patchTypes = { merge: 'application/merge-patch+json', operations: 'application/json-patch+json' } as const

/** Documents: JSON whose parts merge. JSON goes as values, or as text and bytes that are sent as they are. */
export class DocumentClient {
  readonly #requests: Requests

  constructor(requests: Requests) {
    this.#requests = requests
  }

  /** Reads a document, with the concurrent values inside. */
  get(key: string, options: shapes.ReadOptions = {}): Promise<shapes.DocumentShown> {
    const { consistency, timeoutMs } = options
    const query = queryOf({ conflicts: true, consistency, timeout: durationText(timeoutMs) })
    return this.#requests.json({ method: 'GET', path: pathOf('/v1/docs', key) + query, timeoutMs: patience(timeoutMs) })
  }

  /**
   * Makes a document show this JSON. Only what differs is written: from what the context was read from where one is given, else from
   * what the node has now.
   */
  put(key: string, document: unknown, options: shapes.DocumentOptions = {}): Promise<shapes.Written> {
    return this.#write('PUT', key, document, 'application/json', options)
  }

  /** Applies a JSON merge patch (RFC 7396); makes the document when there is none. */
  merge(key: string, patch: unknown, options: shapes.DocumentOptions = {}): Promise<shapes.Written> {
    return this.#write('PATCH', key, patch, patchTypes.merge, options)
  }

  /** Applies a JSON patch (RFC 6902), whole or not at all. Rejects with PATCH_FAILED when it does not fit. */
  patch(key: string, operations: unknown, options: shapes.DocumentOptions = {}): Promise<shapes.Written> {
    return this.#write('PATCH', key, operations, patchTypes.operations, options)
  }

  /** Deletes a document; edits that the node has not seen survive. */
  async delete(key: string, options: shapes.DeleteOptions & shapes.OnceOptions = {}): Promise<void> {
    await this.#requests.send(deletion(pathOf('/v1/docs', key), options))
  }

  #write(
    method: 'PUT' | 'PATCH',
    key: string,
    json: unknown,
    type: string,
    options: shapes.DocumentOptions,
  ): Promise<shapes.Written> {
    const path = pathOf('/v1/docs', key) + queryOf({ ...nodesQuery(options), ifAbsent: options.ifAbsent })
    const headers = { 'Content-Type': type, ...writeHeaders(options) }
    return this.#requests.json({ method, path, headers, body: jsonBytes(json), timeoutMs: patience(options.timeoutMs) })
  }
}

function jsonBytes(json: unknown): Uint8Array {
  if (typeof json === 'string' || json instanceof Uint8Array) return bytesOf(json)
  const text = JSON.stringify(json)
  if (text !== undefined) return Buffer.from(text)
  throw new HearsayApiError('BAD_DOCUMENT', 0, 'the value is not JSON; nothing was sent')
}
