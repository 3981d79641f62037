/** Conflicts: listed and settled. */
import type { FastifyPluginAsync } from 'fastify'
import type { Static } from 'typebox'
import type { ConflictItem, Resolution } from '../../../store/data/types.js'
import { HearsayError } from '../../../store/errors.js'
import type { Registers } from '../../views/data-view.js'
import { boundedValue, takeJson } from '../body.js'
import { conflictsAtOnce, jsonBodyBytesMax, jsonValueFactor, pageBytesMax, pageItemsDefault } from '../limits.js'
import { behind } from '../paths.js'
import { conflictJson, writtenJson } from '../render.js'
import { type Api, type ApiServices, requestKey } from '../services.js'
import * as common from '../shapes/common.js'
import * as shapes from '../shapes/conflicts.js'
import { writtenShape } from '../shapes/kv.js'
import { retryOf } from '../writes.js'

/** The routes below /v1/conflicts. */
export function conflictRoutes(services: ApiServices): FastifyPluginAsync {
  return async (plain) => {
    const api = plain as unknown as Api
    takeJson(api, services.config.settings['values.maxBytes'] * jsonValueFactor + jsonBodyBytesMax)
    addList(api, services)
    addResolve(api, services)
  }
}

function addList(api: Api, { registers, mesh }: ApiServices): void {
  const schema = {
    summary: 'Lists what is in conflict, with every version',
    querystring: shapes.conflictsQuery,
    response: { 200: shapes.conflictsShape, default: common.problemShape },
  }
  api.get('/v1/conflicts', { schema }, async (request) => {
    const { prefix = '', limit = pageItemsDefault } = request.query
    const after = behind(request.query.after)
    const page = await pageOf(registers, { prefix, after, limit })
    return { items: page.items.map((item) => conflictJson(item, mesh)), next: page.next }
  })
}

/** Gathers a page in small steps, so that one of large values ends early instead of filling the memory. */
async function pageOf(registers: Registers, query: { prefix: string; after?: string | undefined; limit: number }) {
  const items: ConflictItem[] = []
  let next = query.after
  let bytes = 0
  do {
    const limit = Math.min(conflictsAtOnce, query.limit - items.length)
    const page = await registers.conflicts({ prefix: query.prefix, after: next, limit })
    items.push(...page.items)
    for (const { versions } of page.items) for (const { value } of versions) bytes += value.length
    if (page.next === null) return { items, next: null }
    next = page.next
  } while (items.length < query.limit && bytes < pageBytesMax)
  return { items, next }
}

function addResolve(api: Api, { registers, maps, mesh, config }: ApiServices): void {
  const schema = {
    summary: 'Settles a conflict by the number of a version, by a value, or by merging',
    params: common.keyParams,
    querystring: common.noQuery,
    headers: common.onceHeaders,
    body: shapes.resolutionBody,
    response: { 200: writtenShape, default: common.problemShape },
  }
  api.post('/v1/conflicts/:key', { schema }, async (request) => {
    const key = requestKey(request)
    const { field } = request.body
    const resolution = resolutionOf(request.body, config.settings['values.maxBytes'])
    const { type = field === undefined ? 'reg' : 'map', context } = request.body
    if ((type === 'map') !== (field !== undefined)) {
      throw new HearsayError('BAD_REQUEST', "a conflict of type 'map' is that of one 'field'; others have none")
    }
    const options = { context, retry: retryOf(request, JSON.stringify(request.body)) }
    const written =
      field === undefined
        ? await registers.resolve(key, resolution, options)
        : await maps.resolve(key, field, resolution, options)
    return { ...writtenJson(key, written), acks: { have: 1, want: 1, nodes: [mesh.name] } }
  })
}

function resolutionOf(body: Static<typeof shapes.resolutionBody>, valueBytesMax: number): Resolution {
  const { pick, value, encoding, merge } = body
  const given = [pick, value, merge].filter((one) => one !== undefined).length
  if (given !== 1) throw new HearsayError('BAD_REQUEST', 'give exactly one of pick, value and merge')
  if (pick !== undefined) return { pick }
  if (value === undefined) return { merge: true }
  return { value: boundedValue(value, encoding, valueBytesMax) }
}
