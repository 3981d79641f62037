/** Keys and values: put, get, delete, list. */
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { HearsayError } from '../../../store/errors.js'
import { register } from '../../../store/model/address.js'
import type { Registers } from '../../views/data-view.js'
import { absentValue } from '../absent.js'
import { takeBytes } from '../body.js'
import { pageBytesMax, pageItemsDefault } from '../limits.js'
import { behind } from '../paths.js'
import { deadlineOf } from '../query.js'
import { afterRepair, answerShown } from '../reads.js'
import { listItemJson, writtenJson } from '../render.js'
import { type Api, type ApiServices, beforeBody, headerOf, requestKey } from '../services.js'
import * as common from '../shapes/common.js'
import * as shapes from '../shapes/kv.js'
import { startWrite, tellSiblings } from '../writes.js'

/** The routes below /v1/kv. */
export function kvRoutes(services: ApiServices): FastifyPluginAsync {
  return async (plain) => {
    const api = plain as unknown as Api
    takeBytes(api, 'the value', services.config.settings['values.maxBytes'])
    addPut(api, services)
    addGet(api, services)
    addDelete(api, services)
    addList(api, services)
  }
}

function addPut(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Stores a value',
    params: common.keyParams,
    querystring: shapes.putQuery,
    headers: common.writeHeaders,
    response: { 200: shapes.writtenShape, default: common.problemShape },
  }
  api.put('/v1/kv/:key', { schema, onRequest: beforeBody(requestKey) }, async (request, reply) => {
    const key = requestKey(request)
    const value = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
    const write = startWrite(request, value, services)
    const written = await services.registers.put(key, value, {
      context: headerOf(request, 'hearsay-context'),
      expiresAtMs: deadlineOf(request.query.ttl, services.nowMs()),
      ifAbsent: request.query.ifAbsent ?? false,
      ...write.once,
    })
    tellSiblings(reply, written)
    return write.acknowledged([written.dot], writtenJson(key, written))
  })
}

function addGet(api: Api, services: ApiServices): void {
  const { registers, mesh } = services
  const schema = {
    summary: 'Reads a value; with `Accept: application/json` every version',
    params: common.keyParams,
    querystring: common.getQuery,
    response: { 200: shapes.versionsShape, default: common.problemShape },
  }
  const answer = (key: string, accept: string | undefined, reply: FastifyReply): FastifyReply | Promise<never> => {
    const shown = registers.get(key)
    return shown === undefined ? absentValue(registers, key) : answerShown(shown, accept, reply, mesh)
  }
  api.get('/v1/kv/:key', { schema }, (request, reply) => {
    const key = requestKey(request)
    const { accept } = request.headers
    const repaired = afterRepair(request, request.query, services, register(key))
    const ready = repaired === undefined ? registers.prepare(key) : repaired.then(() => registers.prepare(key))
    if (ready !== undefined) return ready.then(() => answer(key, accept, reply))
    const answered = answer(key, accept, reply)
    // A plain read of what is there answers in the same turn.
    return answered instanceof Promise ? answered : undefined
  })
}

function addDelete(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Deletes a key; refused in conflict unless the request says what it has in view',
    params: common.keyParams,
    querystring: shapes.deleteQuery,
    headers: common.writeHeaders,
    response: { 204: common.nothing, default: common.problemShape },
  }
  api.delete('/v1/kv/:key', { schema }, async (request, reply) => {
    const key = requestKey(request)
    const write = startWrite(request, '', services)
    const options = { context: headerOf(request, 'hearsay-context'), all: request.query.all ?? false, ...write.once }
    const written = await services.registers.delete(key, options).catch((error: unknown) => {
      if (error instanceof HearsayError && error.code === 'NOT_FOUND') return absentValue(services.registers, key)
      throw error
    })
    await write.acknowledged([written.dot], writtenJson(key, written))
    return reply.code(204).send()
  })
}

function addList(api: Api, { registers }: ApiServices): void {
  const schema = {
    summary: 'Lists keys in the order of their bytes',
    querystring: shapes.listQuery,
    response: { 200: shapes.listShape, default: common.problemShape },
  }
  api.get('/v1/kv', { schema }, async (request) => {
    const { prefix = '', limit = pageItemsDefault, values = false } = request.query
    const after = behind(request.query.after)
    const page = await registers.list({ prefix, after, limit, values: false })
    if (!values) return { items: page.items.map(listItemJson), next: page.next }
    return withValues(page, registers)
  })
}

/** Values are read one by one, so that a page of large ones ends early instead of filling the memory. */
async function withValues(page: Awaited<ReturnType<Registers['list']>>, registers: Registers) {
  const items: ReturnType<typeof listItemJson>[] = []
  let bytes = 0
  for (const item of page.items) {
    if (bytes > pageBytesMax) return { items, next: items.at(-1)!.key }
    const value = item.types.includes('reg') ? await shownValue(registers, item.key) : undefined
    bytes += value?.length ?? 0
    items.push(listItemJson(value === undefined ? item : { ...item, value }))
  }
  return { items, next: page.next }
}

async function shownValue(registers: Registers, key: string): Promise<Uint8Array | undefined> {
  await registers.prepare(key)
  return registers.get(key)?.versions[0]?.value
}
