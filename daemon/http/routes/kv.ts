/** Keys and values: put, get, delete, list. */
import { hash } from 'node:crypto'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { HearsayError } from '../../../store/errors.js'
import { register } from '../../../store/model/address.js'
import { type Dot, dotText } from '../../../store/model/dot.js'
import type { Acks, Mesh, Registers, Shown, WriteOptions, Written } from '../../services.js'
import { takeBytes } from '../bodies.js'
import {
  idleSocketMs,
  nodesTimeoutMsDefault,
  pageBytesMax,
  pageItemsDefault,
  retryKeyCharactersMax,
} from '../limits.js'
import { checkKey, pathOf } from '../paths.js'
import { acksOf, deadlineOf, timeoutOf } from '../query.js'
import { asBuffer, listItemJson, shownJson, writtenJson } from '../render.js'
import { type AnyRequest, type Api, type ApiServices, allowSilence, headerOf, requestKey } from '../services.js'
import * as shapes from '../shapes.js'

interface NodesQuery {
  readonly acks?: string
  readonly requireQuorum?: boolean
  readonly timeout?: string
}

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
    params: shapes.keyParams,
    querystring: shapes.putQuery,
    headers: shapes.writeHeaders,
    response: { 200: shapes.writtenShape, default: shapes.problemShape },
  }
  // The key is looked at before the body is read: a bad one is answered at once.
  const onRequest = (request: AnyRequest, _reply: unknown, done: () => void) => {
    requestKey(request)
    done()
  }
  api.put('/v1/kv/:key', { schema, onRequest }, async (request) => {
    const key = requestKey(request)
    const value = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
    const write = startWrite(request, request.query, services)
    const written = await services.registers.put(key, value, {
      context: headerOf(request, 'hearsay-context'),
      expiresAtMs: deadlineOf(request.query.ttl, services.nowMs()),
      ifAbsent: request.query.ifAbsent ?? false,
      retry: retryOf(request, value),
      guard: write.guard,
    })
    return { ...writtenJson(key, written), acks: await write.acknowledged(key, written) }
  })
}

function addGet(api: Api, services: ApiServices): void {
  const { registers, mesh, config } = services
  const schema = {
    summary: 'Reads a value; with `Accept: application/json` every version',
    params: shapes.keyParams,
    querystring: shapes.getQuery,
    response: { 200: shapes.versionsShape, default: shapes.problemShape },
  }
  const answer = (key: string, accept: string | undefined, reply: FastifyReply): FastifyReply => {
    const shown = registers.get(key)
    if (shown === undefined) throw new HearsayError('NOT_FOUND', `there is no "${key}"`)
    if (accept?.includes('application/json') === true) return reply.send(shownJson(shown, mesh))
    return reply.headers(valueHeaders(shown)).send(asBuffer(shown.versions[0]!.value))
  }
  // A plain read answers in the same turn.
  api.get('/v1/kv/:key', { schema }, (request, reply) => {
    const key = requestKey(request)
    const { accept } = request.headers
    const consistency = request.query.consistency ?? config.settings.consistency
    if (consistency === 'one') return void answer(key, accept, reply)
    const timeoutMs = timeoutOf(request.query.timeout, nodesTimeoutMsDefault)
    allowSilence(request, timeoutMs + idleSocketMs)
    return mesh.readRepair(register(key), consistency, timeoutMs).then(() => answer(key, accept, reply))
  })
}

function valueHeaders(shown: Shown): Record<string, string> {
  return {
    'Content-Type': 'application/octet-stream',
    'Hearsay-Context': shown.winnerContext,
    'Hearsay-Dot': dotText(shown.versions[0]!.dot),
    'Hearsay-Siblings': `${shown.versions.length}`,
  }
}

function addDelete(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'Deletes a key; refused in conflict unless the request says what it has in view',
    params: shapes.keyParams,
    querystring: shapes.deleteQuery,
    headers: shapes.writeHeaders,
    response: { 204: shapes.nothing, default: shapes.problemShape },
  }
  api.delete('/v1/kv/:key', { schema }, async (request, reply) => {
    const key = requestKey(request)
    const write = startWrite(request, request.query, services)
    const written = await services.registers.delete(key, {
      context: headerOf(request, 'hearsay-context'),
      all: request.query.all ?? false,
      retry: retryOf(request, Buffer.alloc(0)),
      guard: write.guard,
    })
    await write.acknowledged(key, written)
    return reply.code(204).send()
  })
}

function addList(api: Api, { registers }: ApiServices): void {
  const schema = {
    summary: 'Lists keys in the order of their bytes',
    querystring: shapes.listQuery,
    response: { 200: shapes.listShape, default: shapes.problemShape },
  }
  api.get('/v1/kv', { schema }, async (request) => {
    const { prefix = '', after, limit = pageItemsDefault, values = false } = request.query
    if (after !== undefined) checkKey(after)
    const page = await registers.list({ prefix, after, limit, values: false })
    if (!values) return { items: page.items.map(listItemJson), next: page.next }
    return withValues(page, registers)
  })
}

/** Values are read one by one, so that a page of large ones ends early instead of filling the memory. */
function withValues(page: Awaited<ReturnType<Registers['list']>>, registers: Registers) {
  const items: ReturnType<typeof listItemJson>[] = []
  let bytes = 0
  for (const item of page.items) {
    if (bytes > pageBytesMax) return { items, next: items.at(-1)!.key }
    const value = item.types.includes('reg') ? registers.get(item.key)?.versions[0]?.value : undefined
    bytes += value?.length ?? 0
    items.push(listItemJson(value === undefined ? item : { ...item, value }))
  }
  return { items, next: page.next }
}

/** What a write promises about other nodes: checked in it, waited for after it. Throws BAD_REQUEST. */
function startWrite(request: AnyRequest, query: NodesQuery, { mesh, config }: ApiServices) {
  const want = acksOf(query.acks, config.settings.acks)
  const timeoutMs = timeoutOf(query.timeout, nodesTimeoutMsDefault)
  const needsQuorum = query.requireQuorum ?? config.settings.requireQuorum
  return {
    /** Refuses the write when too few members can be reached; not asked for a retry of one that is stored. Throws NO_QUORUM. */
    guard(): void {
      if (!needsQuorum || mesh.hasQuorum()) return
      const message = 'fewer than a majority of the members are reachable; try again later, or without requireQuorum'
      throw new HearsayError('NO_QUORUM', message, { stored: false })
    },
    /** The acknowledgements of the write. Throws NOT_ENOUGH_ACKS. */
    async acknowledged(key: string, written: Written): Promise<Acks> {
      if (want === 1) return { have: 1, want: 1, nodes: [mesh.name] }
      allowSilence(request, timeoutMs + idleSocketMs)
      const acks = await awaitAcks(mesh, written.dot, want, timeoutMs)
      if (acks.have >= acks.want) return acks
      const message = `${acks.have} of ${acks.want} nodes have it durably; it is stored and will spread by itself`
      throw new HearsayError('NOT_ENOUGH_ACKS', message, { acks, stored: true, ...writtenJson(key, written) })
    },
  }
}

async function awaitAcks(mesh: Mesh, dot: Dot, want: number | 'majority' | 'all', timeoutMs: number): Promise<Acks> {
  const { have, want: wanted, nodes } = await mesh.awaitAcks(dot, want, timeoutMs)
  return { have, want: wanted, nodes }
}

/** The retry key and what tells whether it is the same request: method, path, query, context and body. */
function retryOf(request: AnyRequest & { method: string; query: unknown }, body: Buffer): WriteOptions['retry'] {
  const key = headerOf(request, 'idempotency-key')
  if (key === undefined) return undefined
  if (key.length > retryKeyCharactersMax) {
    throw new HearsayError('BAD_REQUEST', `an Idempotency-Key has at most ${retryKeyCharactersMax} characters`)
  }
  const query = Object.entries(request.query as object).sort(([a], [b]) => (a < b ? -1 : 1))
  const context = headerOf(request, 'hearsay-context') ?? null
  const bodyHash = hash('sha256', body, 'hex')
  const parts = JSON.stringify([request.method, pathOf(request.originalUrl), query, context, bodyHash])
  return { key, requestHash: hash('sha256', parts, 'buffer') }
}
