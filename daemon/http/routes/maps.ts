/** Maps: a field behaves as a key of its own does, with siblings and contexts. */
import { maps } from '../../../protocols/api/collections.js'
import { contentTypes, headerNames } from '../../../protocols/api/headers.js'
import type { ShownField } from '../../../store/data/maps.js'
import { HearsayError } from '../../../store/errors.js'
import { mapField } from '../../../store/model/address.js'
import { asBuffer, encodeValue } from '../../views/value-json.js'
import { takeValues } from '../body.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { fieldOf } from '../paths.js'
import { deadlineOf } from '../query.js'
import { afterRepair, answerShown } from '../reads.js'
import { writtenJson } from '../render.js'
import { type AnyRequest, headerOf, requestKey } from '../services.js'
import { jsonStream, sendStream } from '../streams.js'
import { addSiblingsHeader, dotJson, startWrite } from '../writes.js'

function fieldJson({ field, shown }: ShownField): string {
  const { value, encoding } = encodeValue(shown.versions[0]!.value)
  const content = { value, encoding, siblings: shown.versions.length }
  return `${JSON.stringify(asBuffer(field).toString())}:${JSON.stringify(content)}`
}

const getMap: Handler<typeof maps.getMap> = async (request, reply, services) => {
  const key = requestKey(request)
  const chunks = services.maps.fields(key)
  const first = await chunks.next()
  if (first.done === true) throw new HearsayError('NOT_FOUND', `there is no map "${key}"`)
  const items = jsonStream(`{"key":${JSON.stringify(key)},"fields":{`, first.value, chunks, '}}', fieldJson)
  return sendStream(reply, items, { type: contentTypes.json, what: 'the listing of a map', log: services.log })
}

const clearMap: Handler<typeof maps.clearMap> = async (request, _reply, services) => {
  const key = requestKey(request)
  const write = startWrite(request, '', services)
  const dot = await services.maps.clear(key, { all: request.query.all ?? false, ...write.once })
  await write.acknowledged([dot], { key, ...dotJson(dot) })
}

const getField: Handler<typeof maps.getField> = async (request, reply, services) => {
  const { key, field } = named(request)
  await afterRepair(request, request.query, services, mapField(key, field))
  const shown = await services.maps.read(key, field)
  if (shown === undefined) throw new HearsayError('NOT_FOUND', `the map "${key}" has no field "${field}"`)
  return answerShown(shown, request.headers.accept, reply, services.mesh, { field })
}

const putField: Handler<typeof maps.putField> = async (request, reply, services) => {
  const { key, field } = named(request)
  const value = request.body ?? Buffer.alloc(0)
  const write = startWrite(request, value, services)
  const written = await services.maps.put(key, field, value, {
    context: headerOf(request, headerNames.context),
    expiresAtMs: deadlineOf(request.query.ttl, services.nowMs()),
    ifAbsent: request.query.ifAbsent ?? false,
    ...write.once,
  })
  addSiblingsHeader(reply, written)
  return write.acknowledged([written.dot], { ...writtenJson(key, written), field })
}

const deleteField: Handler<typeof maps.deleteField> = async (request, _reply, services) => {
  const { key, field } = named(request)
  const write = startWrite(request, '', services)
  const written = await services.maps.delete(key, field, {
    context: headerOf(request, headerNames.context),
    all: request.query.all ?? false,
    ...write.once,
  })
  await write.acknowledged([written.dot], { ...writtenJson(key, written), field })
}

function named(request: AnyRequest): { key: string; field: string } {
  return { key: requestKey(request), field: fieldOf(request.originalUrl) }
}

/** The routes below /v1/maps. */
export const mapRoutes: RouteGroup<typeof maps> = {
  endpoints: maps,
  bodies: takeValues,
  handlers: { getMap, clearMap, getField, putField, deleteField },
}
