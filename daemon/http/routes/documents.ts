/** Documents: JSON whose parts merge. */
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import type { ShownDocument } from '../../../store/data/documents.js'
import type { DocumentEdit } from '../../../store/documents/document.js'
import type { JsonObject } from '../../../store/documents/json.js'
import { parseJsonPatch } from '../../../store/documents/json-patch.js'
import { HearsayError } from '../../../store/errors.js'
import { document } from '../../../store/model/address.js'
import { dotText } from '../../../store/model/dot.js'
import { parseDocument, takeBytes } from '../body.js'
import { afterRepair } from '../reads.js'
import { writtenJson } from '../render.js'
import {
  type AnyRequest,
  type Api,
  type ApiServices,
  beforeBody,
  contentTypeOf,
  headerOf,
  requestKey,
} from '../services.js'
import * as common from '../shapes/common.js'
import * as shapes from '../shapes/documents.js'
import { deleteQuery, writtenShape } from '../shapes/kv.js'
import { dotJson, type NodesQuery, startWrite } from '../writes.js'

/** The routes below /v1/docs. */
export function documentRoutes(services: ApiServices): FastifyPluginAsync {
  return async (plain) => {
    const api = plain as unknown as Api
    takeBytes(api, 'the document', services.config.settings['values.maxBytes'])
    addGet(api, services)
    addPut(api, services)
    addPatch(api, services)
    addDelete(api, services)
  }
}

function addGet(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Reads a document: all versions merged; with `conflicts` also the concurrent values inside',
    params: common.keyParams,
    querystring: shapes.documentQuery,
    response: { 200: shapes.documentShape, default: common.problemShape },
  }
  api.get('/v1/docs/:key', { schema }, async (request, reply): Promise<FastifyReply> => {
    const key = requestKey(request)
    await afterRepair(request, request.query, services, document(key))
    const shown = await services.documents.get(key)
    if (shown === undefined) throw new HearsayError('NOT_FOUND', `there is no document "${key}"`)
    if (shown.unreadable > 0) services.log.warn({ versions: shown.unreadable }, 'versions of a document cannot be read')
    reply.headers(documentHeaders(shown))
    return reply.send(request.query.conflicts === true ? conflictsJson(shown) : shown.json)
  })
}

function documentHeaders(shown: ShownDocument): Record<string, string> {
  return {
    'Hearsay-Context': shown.context,
    'Hearsay-Dot': dotText(shown.dot),
    'Hearsay-Siblings': `${shown.siblings}`,
    'Hearsay-Conflicts': `${shown.conflictCount}`,
    ...(shown.unreadable === 0 ? {} : { 'Hearsay-Unreadable': `${shown.unreadable}` }),
  }
}

function conflictsJson({ key, context, dot, siblings, unreadable, json, conflicts }: ShownDocument) {
  return { key, context, ...dotJson(dot), siblings, unreadable, document: json, conflicts }
}

function addPut(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Makes a document show this JSON: what differs is written, so that concurrent edits merge',
    params: common.keyParams,
    querystring: shapes.documentPutQuery,
    headers: common.writeHeaders,
    response: { 200: writtenShape, default: common.problemShape },
  }
  api.put('/v1/docs/:key', { schema, onRequest: beforeBody(requestKey) }, (request) => {
    const body = bodyOf(request.body)
    return edit(request, services, body, { put: parseDocument(body) as JsonObject })
  })
}

function addPatch(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Patches a document: RFC 7396 or RFC 6902, by the content type',
    params: common.keyParams,
    querystring: common.writeQuery,
    headers: shapes.patchHeaders,
    response: { 200: writtenShape, default: common.problemShape },
  }
  const onRequest = beforeBody((request) => {
    patchTypeOf(request)
    requestKey(request)
  })
  api.patch('/v1/docs/:key', { schema, onRequest }, (request) => {
    const body = bodyOf(request.body)
    const json = parseDocument(body)
    const isMerge = patchTypeOf(request) === 'application/merge-patch+json'
    const change: DocumentEdit = isMerge ? { merge: json as JsonObject } : { operations: parseJsonPatch(json) }
    return edit(request, services, body, change)
  })
}

const patchTypes = ['application/merge-patch+json', 'application/json-patch+json'] as const

function patchTypeOf(request: AnyRequest): (typeof patchTypes)[number] {
  const given = contentTypeOf(request)
  const type = patchTypes.find((one) => one === given)
  if (type !== undefined) return type
  throw new HearsayError('UNSUPPORTED_TYPE', `a patch says its kind by its content type: ${patchTypes.join(' or ')}`)
}

function bodyOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body) && body.length > 0) return body
  throw new HearsayError('BAD_REQUEST', 'the body is empty; send JSON')
}

type EditRequest = AnyRequest & {
  readonly method: string
  readonly query: NodesQuery & { readonly ifAbsent?: boolean }
}

async function edit(request: EditRequest, services: ApiServices, body: Buffer, change: DocumentEdit) {
  const key = requestKey(request)
  const told = Buffer.concat([Buffer.from(`${Object.keys(change)[0]}\n`), body])
  const write = startWrite(request, told, services)
  const written = await services.documents.edit(key, change, {
    context: headerOf(request, 'hearsay-context'),
    ifAbsent: request.query.ifAbsent ?? false,
    bytesMax: services.config.settings['values.maxBytes'],
    ...write.once,
  })
  return write.acknowledged([written.dot], writtenJson(key, written))
}

function addDelete(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Deletes a document; edits that this node has not seen survive',
    params: common.keyParams,
    querystring: deleteQuery,
    headers: common.writeHeaders,
    response: { 204: common.nothing, default: common.problemShape },
  }
  api.delete('/v1/docs/:key', { schema }, async (request, reply) => {
    const key = requestKey(request)
    const write = startWrite(request, '', services)
    const dot = await services.documents.delete(key, {
      context: headerOf(request, 'hearsay-context'),
      all: request.query.all ?? false,
      ...write.once,
    })
    await write.acknowledged([dot], { key, ...dotJson(dot) })
    return reply.code(204).send()
  })
}
