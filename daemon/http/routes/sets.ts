/** Sets: members listed, looked for, added and removed. */
import { isUtf8 } from 'node:buffer'
import type { FastifyPluginAsync } from 'fastify'
import { HearsayError } from '../../../store/errors.js'
import { setMember } from '../../../store/model/address.js'
import { asBuffer, encodeValue } from '../../views/value-json.js'
import { takeJson } from '../body.js'
import { jsonBodyBytesMax } from '../limits.js'
import { memberOf } from '../paths.js'
import { afterRepair } from '../reads.js'
import { type Api, type ApiServices, requestKey } from '../services.js'
import * as shapes from '../shapes/collections.js'
import * as common from '../shapes/common.js'
import { jsonStream, sendStream } from '../streams.js'
import { dotJson, startWrite } from '../writes.js'

/** The routes below /v1/sets. */
export function setRoutes(services: ApiServices): FastifyPluginAsync {
  return async (plain) => {
    const api = plain as unknown as Api
    takeJson(api, jsonBodyBytesMax)
    addList(api, services)
    addClear(api, services)
    addLook(api, services)
    addAdd(api, services)
    addRemove(api, services)
  }
}

/** A member as text, or with its encoding when it is not UTF-8. */
function memberJson(member: Uint8Array) {
  return isUtf8(member) ? asBuffer(member).toString() : encodeValue(member)
}

function addList(api: Api, { sets, log }: ApiServices): void {
  const schema = {
    summary: 'Lists the members of a set in the order of their bytes',
    params: common.keyParams,
    querystring: common.noQuery,
    response: { 200: shapes.setShape, default: common.problemShape },
  }
  api.get('/v1/sets/:key', { schema }, async (request, reply) => {
    const key = requestKey(request)
    const chunks = sets.members(key)
    const first = await chunks.next()
    if (first.done === true) throw new HearsayError('NOT_FOUND', `there is no set "${key}"`)
    const items = jsonStream(`{"key":${JSON.stringify(key)},"members":[`, first.value, chunks, ']}', (member) =>
      JSON.stringify(memberJson(member)),
    )
    return sendStream(reply, items, { type: 'application/json', what: 'the listing of a set', log })
  })
}

function addClear(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Removes the members that this node has seen',
    params: common.keyParams,
    querystring: common.writeQuery,
    headers: common.onceHeaders,
    response: { 204: common.nothing, default: common.problemShape },
  }
  api.delete('/v1/sets/:key', { schema }, async (request, reply) => {
    const key = requestKey(request)
    const write = startWrite(request, '', services)
    const dot = await services.sets.clear(key, write.once)
    await write.acknowledged([dot], { key, ...dotJson(dot) })
    return reply.code(204).send()
  })
}

function addLook(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Whether something is in a set',
    params: shapes.memberParams,
    querystring: common.getQuery,
    response: { 200: shapes.setMemberShape, default: common.problemShape },
  }
  api.get('/v1/sets/:key/:member', { schema }, async (request) => {
    const key = requestKey(request)
    const member = memberOf(request.originalUrl)
    await afterRepair(request, request.query, services, setMember(key, member))
    if (services.sets.has(key, member)) return { key, member: memberJson(member) }
    throw new HearsayError('NOT_FOUND', `the set "${key}" has no such member`)
  })
}

function addAdd(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Adds a member; an addition survives a removal that had not seen it',
    params: shapes.memberParams,
    querystring: common.writeQuery,
    headers: common.onceHeaders,
    response: { 200: shapes.addedShape, default: common.problemShape },
  }
  api.put('/v1/sets/:key/:member', { schema }, async (request) => {
    const key = requestKey(request)
    const member = memberOf(request.originalUrl)
    const write = startWrite(request, '', services)
    const dot = await services.sets.add(key, member, write.once)
    return write.acknowledged([dot], { key, member: memberJson(member), ...dotJson(dot) })
  })
}

function addRemove(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Removes a member, as far as this node has seen it',
    params: shapes.memberParams,
    querystring: common.writeQuery,
    headers: common.onceHeaders,
    response: { 204: common.nothing, default: common.problemShape },
  }
  api.delete('/v1/sets/:key/:member', { schema }, async (request, reply) => {
    const key = requestKey(request)
    const member = memberOf(request.originalUrl)
    const write = startWrite(request, '', services)
    const dot = await services.sets.remove(key, member, write.once)
    await write.acknowledged([dot], { key, ...dotJson(dot) })
    return reply.code(204).send()
  })
}
