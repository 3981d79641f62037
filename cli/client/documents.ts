/** The client's side of documents: one method for each route. All reject with HearsayApiError. */
import type { DocumentShown } from '../../protocols/api/documents.js'
import { contentTypes } from '../../protocols/api/headers.js'
import type { Written } from '../../protocols/api/kv.js'
import { routes } from '../../protocols/api/routes.js'
import { HearsayApiError } from '../failure.js'
import type * as options from './options.js'
import { bytesOf, deleting, type Requests, reading, writing } from './requests.js'

/** Documents: JSON whose parts merge. JSON goes as values, or as text and bytes that are sent as they are. */
export class DocumentClient {
  readonly #requests: Requests

  constructor(requests: Requests) {
    this.#requests = requests
  }

  /** Reads a document, with the concurrent values inside. */
  async get(key: string, asked: options.ReadOptions = {}): Promise<DocumentShown> {
    const read = reading(asked)
    const query = { conflicts: true, ...read.query }
    // With `conflicts` the answer is always this one of its two forms.
    return (await this.#requests.json(routes.getDocument, { path: { key }, ...read, query })) as DocumentShown
  }

  /**
   * Makes a document show this JSON. Only what differs is written: from what the context was read from where one is
   * given, else from what the node has now.
   */
  put(key: string, document: unknown, asked: options.DocumentOptions = {}): Promise<Written> {
    const write = edit(document, contentTypes.json, asked)
    const query = { ...write.query, ifAbsent: asked.ifAbsent }
    return this.#requests.json(routes.putDocument, { path: { key }, ...write, query })
  }

  /** Applies a JSON merge patch (RFC 7396); makes the document when there is none. */
  merge(key: string, patch: unknown, asked: options.WriteOptions = {}): Promise<Written> {
    return this.#requests.json(routes.patchDocument, { path: { key }, ...edit(patch, contentTypes.mergePatch, asked) })
  }

  /** Applies a JSON patch (RFC 6902), whole or not at all. Rejects with PATCH_FAILED when it does not fit. */
  patch(key: string, operations: unknown, asked: options.WriteOptions = {}): Promise<Written> {
    const write = edit(operations, contentTypes.jsonPatch, asked)
    return this.#requests.json(routes.patchDocument, { path: { key }, ...write })
  }

  /** Deletes a document; edits that the node has not seen survive. */
  async delete(key: string, asked: options.DeleteOptions = {}): Promise<void> {
    await this.#requests.send(routes.deleteDocument, { path: { key }, ...deleting(asked) })
  }
}

/** A write of a document whose body is JSON of a type. */
function edit(json: unknown, type: string, asked: options.WriteOptions) {
  const write = writing(asked)
  return { ...write, headers: { 'Content-Type': type, ...write.headers }, bytes: jsonBytes(json) }
}

function jsonBytes(json: unknown): Uint8Array {
  if (typeof json === 'string' || json instanceof Uint8Array) return bytesOf(json)
  const text = JSON.stringify(json)
  if (text !== undefined) return Buffer.from(text)
  throw new HearsayApiError('BAD_DOCUMENT', 0, 'the value is not JSON; nothing was sent')
}
