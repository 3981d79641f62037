/** Counters: read, incremented, deleted. */
import type { FastifyPluginAsync } from 'fastify'
import { isBeyond } from '../../../store/data/counters.js'
import { HearsayError } from '../../../store/errors.js'
import { counter } from '../../../store/model/address.js'
import { takeJson } from '../body.js'
import { jsonBodyBytesMax } from '../limits.js'
import { afterRepair } from '../reads.js'
import { type Api, type ApiServices, requestKey } from '../services.js'
import * as shapes from '../shapes/collections.js'
import * as common from '../shapes/common.js'
import { dotJson, startWrite } from '../writes.js'

/** The routes below /v1/counters. */
export function counterRoutes(services: ApiServices): FastifyPluginAsync {
  return async (plain) => {
    const api = plain as unknown as Api
    takeJson(api, jsonBodyBytesMax)
    addGet(api, services)
    addIncrement(api, services)
    addDelete(api, services)
  }
}

/** A value as a number; beyond the safe integers as text, with a code that says so. */
function counterJson(key: string, value: bigint) {
  return isBeyond(value) ? { key, value: `${value}`, code: 'COUNTER_RANGE' } : { key, value: Number(value) }
}

function addGet(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Reads a counter',
    params: common.keyParams,
    querystring: common.getQuery,
    response: { 200: shapes.counterShape, default: common.problemShape },
  }
  api.get('/v1/counters/:key', { schema }, async (request) => {
    const key = requestKey(request)
    await afterRepair(request, request.query, services, counter(key))
    const value = services.counters.get(key)
    if (value === undefined) throw new HearsayError('NOT_FOUND', `there is no counter "${key}"`)
    return counterJson(key, value)
  })
}

function addIncrement(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Adds to a counter, or takes away; every increment counts, whatever happens at other nodes meanwhile',
    params: common.keyParams,
    querystring: common.writeQuery,
    headers: common.onceHeaders,
    body: shapes.incrementBody,
    response: { 200: shapes.countedShape, default: common.problemShape },
  }
  api.post('/v1/counters/:key', { schema }, async (request) => {
    const key = requestKey(request)
    const { by = 1 } = request.body
    const write = startWrite(request, `${by}`, services)
    const { dot, value } = await services.counters.increment(key, by, write.once)
    return write.acknowledged([dot], { ...counterJson(key, value), ...dotJson(dot) })
  })
}

function addDelete(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Deletes a counter; increments that this node has not seen survive',
    params: common.keyParams,
    querystring: common.writeQuery,
    headers: common.onceHeaders,
    response: { 204: common.nothing, default: common.problemShape },
  }
  api.delete('/v1/counters/:key', { schema }, async (request, reply) => {
    const key = requestKey(request)
    const write = startWrite(request, '', services)
    const dot = await services.counters.delete(key, write.once)
    await write.acknowledged([dot], { key, ...dotJson(dot) })
    return reply.code(204).send()
  })
}
