/** Keys and values: put, get, delete, list. */
import type { FastifyReply } from 'fastify'
import type { AnswerOf, Shape } from '../../../protocols/api/endpoint.js'
import { headerNames } from '../../../protocols/api/headers.js'
import { kv, type ListItem, type listQuery } from '../../../protocols/api/kv.js'
import { pageItemsDefault } from '../../../protocols/api/limits.js'
import type { KeyRange } from '../../../store/data/scan.js'
import type { Shown } from '../../../store/data/types.js'
import { HearsayError } from '../../../store/errors.js'
import { register } from '../../../store/model/address.js'
import type { Registers } from '../../views/data-view.js'
import { takeValues } from '../body.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { pageBytesMax } from '../limits.js'
import { behind } from '../paths.js'
import { deadlineOf } from '../query.js'
import { absentValue, afterRepair, answerShown } from '../reads.js'
import { listItemJson, writtenJson } from '../render.js'
import { headerOf, requestKey } from '../services.js'
import { addSiblingsHeader, startWrite } from '../writes.js'

const putValue: Handler<typeof kv.putValue> = async (request, reply, services) => {
  const key = requestKey(request)
  const value = request.body ?? Buffer.alloc(0)
  const write = startWrite(request, value, services)
  const written = await services.registers.put(key, value, {
    context: headerOf(request, headerNames.context),
    expiresAtMs: deadlineOf(request.query.ttl, services.nowMs()),
    ifAbsent: request.query.ifAbsent ?? false,
    ...write.once,
  })
  addSiblingsHeader(reply, written)
  return write.acknowledged([written.dot], writtenJson(key, written))
}

/** A plain read of what is there is answered in the same turn. */
const getValue: Handler<typeof kv.getValue> = (request, reply, services) => {
  const { registers, mesh } = services
  const key = requestKey(request)
  const { accept } = request.headers
  const answer = (shown: Shown | undefined): FastifyReply | Promise<never> =>
    shown === undefined ? absentValue(registers, key) : answerShown(shown, accept, reply, mesh)
  const repaired = afterRepair(request, request.query, services, register(key))
  const shown = repaired === undefined ? registers.read(key) : repaired.then(() => registers.read(key))
  return shown instanceof Promise ? shown.then(answer) : answer(shown)
}

const deleteValue: Handler<typeof kv.deleteValue> = async (request, _reply, services) => {
  const key = requestKey(request)
  const write = startWrite(request, '', services)
  const context = headerOf(request, headerNames.context)
  const options = { context, all: request.query.all ?? false, ...write.once }
  const written = await services.registers.delete(key, options).catch((error: unknown) => {
    if (error instanceof HearsayError && error.code === 'NOT_FOUND') return absentValue(services.registers, key)
    throw error
  })
  await write.acknowledged([written.dot], writtenJson(key, written))
}

const listKeys: Handler<typeof kv.listKeys> = async (request, _reply, { registers }) => {
  const { prefix = '', limit = pageItemsDefault, values = false, reverse = false } = request.query
  const range = { prefix, after: behind(request.query.after), until: behind(request.query.until), reverse }
  if (request.query.count === true) return countKeys(request.query, range, registers)
  const page = await registers.list({ ...range, limit, values: false })
  if (!values) return { items: page.items.map(listItemJson), next: page.next }
  return withValues(page, registers)
}

async function countKeys(
  { limit, values }: Shape<typeof listQuery>,
  range: KeyRange,
  registers: Registers,
): Promise<AnswerOf<typeof kv.listKeys>> {
  if (limit !== undefined || values === true) {
    throw new HearsayError('BAD_REQUEST', 'a count is of every key of the range: leave `limit` and `values` out')
  }
  const { keys, types, next } = await registers.count(range)
  return { items: [], next, count: { keys, types: Object.fromEntries(types) } }
}

/** Values are read one by one, so that a page of large ones ends early instead of filling the memory. */
async function withValues(page: Awaited<ReturnType<Registers['list']>>, registers: Registers) {
  const items: ListItem[] = []
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
  const shown = await registers.read(key)
  return shown?.versions[0]?.value
}

/** The routes below /v1/kv. */
export const kvRoutes: RouteGroup<typeof kv> = {
  endpoints: kv,
  bodies: takeValues,
  handlers: { putValue, getValue, deleteValue, listKeys },
}
