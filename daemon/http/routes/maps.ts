/** Maps: a field behaves as a key of its own does, with siblings and contexts. */
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import type { ShownField } from '../../../store/data/maps.js'
import { HearsayError } from '../../../store/errors.js'
import { mapField } from '../../../store/model/address.js'
import { asBuffer, encodeValue } from '../../views/value-json.js'
import { takeBytes } from '../body.js'
import { fieldOf } from '../paths.js'
import { deadlineOf } from '../query.js'
import { afterRepair, answerShown } from '../reads.js'
import { writtenJson } from '../render.js'
import { type AnyRequest, type Api, type ApiServices, beforeBody, headerOf, requestKey } from '../services.js'
import * as shapes from '../shapes/collections.js'
import * as common from '../shapes/common.js'
import { deleteQuery, putQuery } from '../shapes/kv.js'
import { jsonStream, sendStream } from '../streams.js'
import { dotJson, startWrite, tellSiblings } from '../writes.js'

/** The routes below /v1/maps. */
export function mapRoutes(services: ApiServices): FastifyPluginAsync {
  return async (plain) => {
    const api = plain as unknown as Api
    takeBytes(api, 'the value', services.config.settings['values.maxBytes'])
    addList(api, services)
    addClear(api, services)
    addGet(api, services)
    addPut(api, services)
    addDelete(api, services)
  }
}

function fieldJson({ field, shown }: ShownField): string {
  const { value, encoding } = encodeValue(shown.versions[0]!.value)
  const content = { value, encoding, siblings: shown.versions.length }
  return `${JSON.stringify(asBuffer(field).toString())}:${JSON.stringify(content)}`
}

function addList(api: Api, { maps, log }: ApiServices): void {
  const schema = {
    summary: 'Reads a map: every field with its shown winner',
    params: common.keyParams,
    querystring: common.noQuery,
    response: { 200: shapes.mapShape, default: common.problemShape },
  }
  api.get('/v1/maps/:key', { schema }, async (request, reply) => {
    const key = requestKey(request)
    const chunks = maps.fields(key)
    const first = await chunks.next()
    if (first.done === true) throw new HearsayError('NOT_FOUND', `there is no map "${key}"`)
    const items = jsonStream(`{"key":${JSON.stringify(key)},"fields":{`, first.value, chunks, '}}', fieldJson)
    return sendStream(reply, items, { type: 'application/json', what: 'the listing of a map', log })
  })
}

function addClear(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Removes the fields that this node has seen; refused while one is in conflict, unless `all`',
    params: common.keyParams,
    querystring: deleteQuery,
    headers: common.onceHeaders,
    response: { 204: common.nothing, default: common.problemShape },
  }
  api.delete('/v1/maps/:key', { schema }, async (request, reply) => {
    const key = requestKey(request)
    const write = startWrite(request, '', services)
    const dot = await services.maps.clear(key, { all: request.query.all ?? false, ...write.once })
    await write.acknowledged([dot], { key, ...dotJson(dot) })
    return reply.code(204).send()
  })
}

function addGet(api: Api, services: ApiServices): void {
  const { maps, mesh } = services
  const schema = {
    summary: 'Reads a field; with `Accept: application/json` every version',
    params: shapes.fieldParams,
    querystring: common.getQuery,
    response: { 200: shapes.fieldVersionsShape, default: common.problemShape },
  }
  api.get('/v1/maps/:key/:field', { schema }, async (request, reply): Promise<FastifyReply> => {
    const { key, field } = named(request)
    await afterRepair(request, request.query, services, mapField(key, field))
    await maps.prepare(key, field)
    const shown = maps.get(key, field)
    if (shown === undefined) throw new HearsayError('NOT_FOUND', `the map "${key}" has no field "${field}"`)
    return answerShown(shown, request.headers.accept, reply, mesh, { field })
  })
}

function addPut(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Stores a field',
    params: shapes.fieldParams,
    querystring: putQuery,
    headers: common.writeHeaders,
    response: { 200: shapes.fieldWrittenShape, default: common.problemShape },
  }
  api.put('/v1/maps/:key/:field', { schema, onRequest: beforeBody(named) }, async (request, reply) => {
    const { key, field } = named(request)
    const value = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
    const write = startWrite(request, value, services)
    const written = await services.maps.put(key, field, value, {
      context: headerOf(request, 'hearsay-context'),
      expiresAtMs: deadlineOf(request.query.ttl, services.nowMs()),
      ifAbsent: request.query.ifAbsent ?? false,
      ...write.once,
    })
    tellSiblings(reply, written)
    return write.acknowledged([written.dot], { ...writtenJson(key, written), field })
  })
}

function addDelete(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Removes a field; refused in conflict unless the request says what it has in view',
    params: shapes.fieldParams,
    querystring: deleteQuery,
    headers: common.writeHeaders,
    response: { 204: common.nothing, default: common.problemShape },
  }
  api.delete('/v1/maps/:key/:field', { schema }, async (request, reply) => {
    const { key, field } = named(request)
    const write = startWrite(request, '', services)
    const written = await services.maps.delete(key, field, {
      context: headerOf(request, 'hearsay-context'),
      all: request.query.all ?? false,
      ...write.once,
    })
    await write.acknowledged([written.dot], { ...writtenJson(key, written), field })
    return reply.code(204).send()
  })
}

function named(request: AnyRequest): { key: string; field: string } {
  return { key: requestKey(request), field: fieldOf(request.originalUrl) }
}
