/** Batches: several writes of any types, stored as one and spread as one. */
import { batch, type Operation as RawOperation } from '../../../protocols/api/batch.js'
import type { OperationName } from '../../../protocols/api/data-types.js'
import { headerNames } from '../../../protocols/api/headers.js'
import { batchOperationsMax } from '../../../protocols/api/limits.js'
import type { Operation } from '../../../store/data/batches.js'
import { HearsayError } from '../../../store/errors.js'
import { decodeValue } from '../../views/value-json.js'
import { boundedValue, takeBatches } from '../body.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { checkKey, checkPart } from '../paths.js'
import { deadlineOf } from '../query.js'
import { type ApiServices, headerOf } from '../services.js'
import { dotJson, startWrite } from '../writes.js'

type Member = Exclude<keyof RawOperation, 'op' | 'key'>

/** Members that each operation takes beside its key: those it needs, and those it may have. */
const members: Readonly<Record<OperationName, { needs: readonly Member[]; allows: readonly Member[] }>> = {
  put: { needs: ['value'], allows: ['encoding', 'context', 'ttl', 'ifAbsent'] },
  del: { needs: [], allows: ['context', 'all'] },
  'counter.incr': { needs: [], allows: ['by'] },
  'set.add': { needs: ['member'], allows: ['encoding'] },
  'set.rm': { needs: ['member'], allows: ['encoding'] },
  'map.put': { needs: ['field', 'value'], allows: ['encoding', 'context', 'ttl', 'ifAbsent'] },
  'map.rm': { needs: ['field'], allows: ['context', 'all'] },
}

const runBatch: Handler<typeof batch.runBatch> = async (request, _reply, services) => {
  const operations = operationsOf(request.body.ops, services)
  // Up to 8 MiB of text that tells a repeated request from another one: nobody else needs it.
  const isRepeatable = headerOf(request, headerNames.retryKey) !== undefined
  const write = startWrite(request, isRepeatable ? JSON.stringify(request.body) : '', services)
  const dots = await services.batches.run(operations, write.once)
  return write.acknowledged(dots, { ops: dots.map(dotJson) })
}

function operationsOf(raw: readonly RawOperation[], services: ApiServices): Operation[] {
  if (raw.length > batchOperationsMax) {
    throw new HearsayError('TOO_LARGE', `a batch has at most ${batchOperationsMax} operations; nothing was stored`)
  }
  return raw.map((operation, at) => {
    try {
      return operationOf(operation, services)
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      throw new HearsayError(error.code, `operation ${at + 1}: ${error.message}`, { ...error.details, op: at })
    }
  })
}

function operationOf(raw: RawOperation, services: ApiServices): Operation {
  checkMembers(raw)
  const key = checkKey(raw.key)
  switch (raw.op) {
    case 'put':
      return { op: 'put', key, value: valueIn(raw, services), options: putOptions(raw, services) }
    case 'del':
      return { op: 'del', key, options: { context: raw.context, all: raw.all ?? false } }
    case 'counter.incr':
      return { op: 'counter.incr', key, by: raw.by ?? 1 }
    case 'set.add':
    case 'set.rm':
      return { op: raw.op, key, member: checkPart(decodeValue(raw.member!, raw.encoding), 'member') }
    case 'map.put':
      return {
        op: 'map.put',
        key,
        field: fieldOf(raw),
        value: valueIn(raw, services),
        options: putOptions(raw, services),
      }
    case 'map.rm':
      return { op: 'map.rm', key, field: fieldOf(raw), options: { context: raw.context, all: raw.all ?? false } }
  }
}

/** Every member that an operation needs is there, and none that it does not know. */
function checkMembers(raw: RawOperation): void {
  const known = Object.hasOwn(members, raw.op) ? members[raw.op] : undefined
  if (known === undefined) {
    throw new HearsayError('BAD_REQUEST', `there is no operation '${raw.op}': ${Object.keys(members).join(', ')}`)
  }
  const given = Object.keys(raw).filter((name) => name !== 'op' && name !== 'key') as Member[]
  const missing = known.needs.find((name) => raw[name] === undefined)
  if (missing !== undefined) throw new HearsayError('BAD_REQUEST', `'${raw.op}' needs '${missing}'`)
  const foreign = given.find((name) => !known.needs.includes(name) && !known.allows.includes(name))
  if (foreign !== undefined) throw new HearsayError('BAD_REQUEST', `'${raw.op}' has no '${foreign}'`)
}

function fieldOf(raw: RawOperation): string {
  checkPart(decodeValue(raw.field!), 'field')
  return raw.field!
}

function valueIn(raw: RawOperation, { config }: ApiServices): Buffer {
  return boundedValue(raw.value!, raw.encoding, config.settings['values.maxBytes'])
}

function putOptions(raw: RawOperation, services: ApiServices) {
  const expiresAtMs = deadlineOf(raw.ttl, services.nowMs())
  return { context: raw.context, expiresAtMs, ifAbsent: raw.ifAbsent ?? false }
}

/** /v1/batch. */
export const batchRoutes: RouteGroup<typeof batch> = {
  endpoints: batch,
  bodies: takeBatches,
  handlers: { runBatch },
}
