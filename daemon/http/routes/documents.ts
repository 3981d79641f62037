/** Documents: JSON whose parts merge. */
import { documents } from '../../../protocols/api/documents.js'
import { contentTypes, headerNames } from '../../../protocols/api/headers.js'
import type { Written } from '../../../protocols/api/kv.js'
import type { ShownDocument } from '../../../store/data/documents.js'
import type { DocumentEdit } from '../../../store/documents/document.js'
import type { JsonObject } from '../../../store/documents/json.js'
import { parseJsonPatch } from '../../../store/documents/json-patch.js'
import { HearsayError } from '../../../store/errors.js'
import { document } from '../../../store/model/address.js'
import { dotText } from '../../../store/model/dot.js'
import { parseDocument, takeDocuments } from '../body.js'
import type { Handler, RequestOf, RouteGroup } from '../endpoints.js'
import { afterRepair } from '../reads.js'
import { writtenJson } from '../render.js'
import { type AnyRequest, type ApiServices, contentTypeOf, headerOf, requestKey } from '../services.js'
import { dotJson, startWrite } from '../writes.js'

const getDocument: Handler<typeof documents.getDocument> = async (request, reply, services) => {
  const key = requestKey(request)
  await afterRepair(request, request.query, services, document(key))
  const shown = await services.documents.get(key)
  if (shown === undefined) throw new HearsayError('NOT_FOUND', `there is no document "${key}"`)
  if (shown.unreadable > 0) services.log.debug({ versions: shown.unreadable }, 'versions of a document cannot be read')
  reply.headers(documentHeaders(shown))
  return request.query.conflicts === true ? conflictsJson(shown) : shown.json
}

function documentHeaders(shown: ShownDocument): Record<string, string> {
  return {
    [headerNames.context]: shown.context,
    [headerNames.dot]: dotText(shown.dot),
    [headerNames.siblings]: `${shown.siblings}`,
    [headerNames.conflicts]: `${shown.conflictCount}`,
    ...(shown.unreadable === 0 ? {} : { [headerNames.unreadable]: `${shown.unreadable}` }),
  }
}

function conflictsJson({ key, context, dot, siblings, unreadable, json, conflicts }: ShownDocument) {
  return { key, context, ...dotJson(dot), siblings, unreadable, document: json, conflicts }
}

const putDocument: Handler<typeof documents.putDocument> = (request, _reply, services) => {
  const body = bodyOf(request.body)
  return edit(request, services, body, { put: parseDocument(body) as JsonObject })
}

const patchDocument: Handler<typeof documents.patchDocument> = (request, _reply, services) => {
  const body = bodyOf(request.body)
  const json = parseDocument(body)
  const isMerge = patchTypeOf(request) === contentTypes.mergePatch
  const change: DocumentEdit = isMerge ? { merge: json as JsonObject } : { operations: parseJsonPatch(json) }
  return edit(request, services, body, change)
}

const patchTypes = [contentTypes.mergePatch, contentTypes.jsonPatch] as const

function patchTypeOf(request: AnyRequest): (typeof patchTypes)[number] {
  const given = contentTypeOf(request)
  const type = patchTypes.find((one) => one === given)
  if (type !== undefined) return type
  throw new HearsayError('UNSUPPORTED_TYPE', `a patch says its kind by its content type: ${patchTypes.join(' or ')}`)
}

function bodyOf(body: Buffer | undefined): Buffer {
  if (body !== undefined && body.length > 0) return body
  throw new HearsayError('BAD_REQUEST', 'the body is empty; send JSON')
}

async function edit(
  request: RequestOf<typeof documents.putDocument>,
  services: ApiServices,
  body: Buffer,
  change: DocumentEdit,
): Promise<Written> {
  const key = requestKey(request)
  const identity = Buffer.concat([Buffer.from(`${Object.keys(change)[0]}\n`), body])
  const write = startWrite(request, identity, services)
  const written = await services.documents.edit(key, change, {
    context: headerOf(request, headerNames.context),
    ifAbsent: request.query.ifAbsent ?? false,
    bytesMax: services.config.settings['values.maxBytes'],
    ...write.once,
  })
  return write.acknowledged([written.dot], writtenJson(key, written))
}

const deleteDocument: Handler<typeof documents.deleteDocument> = async (request, _reply, services) => {
  const key = requestKey(request)
  const write = startWrite(request, '', services)
  const dot = await services.documents.delete(key, {
    context: headerOf(request, headerNames.context),
    all: request.query.all ?? false,
    ...write.once,
  })
  await write.acknowledged([dot], { key, ...dotJson(dot) })
}

/** The routes below /v1/docs. */
export const documentRoutes: RouteGroup<typeof documents> = {
  endpoints: documents,
  bodies: takeDocuments,
  handlers: { getDocument, putDocument, patchDocument, deleteDocument },
  beforeBody: { patchDocument: patchTypeOf },
}
