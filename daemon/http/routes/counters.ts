/** Counters: read, incremented, deleted. */
import { type CounterValue, counters } from '../../../protocols/api/collections.js'
import { isBeyond } from '../../../store/data/counters.js'
import { HearsayError } from '../../../store/errors.js'
import { counter } from '../../../store/model/address.js'
import { takeSmallJson } from '../body.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { afterRepair } from '../reads.js'
import { requestKey } from '../services.js'
import { dotJson, startWrite } from '../writes.js'

/** A value as a number; beyond the safe integers as text, with a code that says so. */
function counterJson(key: string, value: bigint): CounterValue {
  return isBeyond(value) ? { key, value: `${value}`, code: 'COUNTER_RANGE' } : { key, value: Number(value) }
}

const getCounter: Handler<typeof counters.getCounter> = async (request, _reply, services) => {
  const key = requestKey(request)
  await afterRepair(request, request.query, services, counter(key))
  const value = services.counters.get(key)
  if (value === undefined) throw new HearsayError('NOT_FOUND', `there is no counter "${key}"`)
  return counterJson(key, value)
}

const incrementCounter: Handler<typeof counters.incrementCounter> = async (request, _reply, services) => {
  const key = requestKey(request)
  const { by = 1 } = request.body
  const write = startWrite(request, `${by}`, services)
  const { dot, value } = await services.counters.increment(key, by, write.once)
  return write.acknowledged([dot], { ...counterJson(key, value), ...dotJson(dot) })
}

const deleteCounter: Handler<typeof counters.deleteCounter> = async (request, _reply, services) => {
  const key = requestKey(request)
  const write = startWrite(request, '', services)
  const dot = await services.counters.delete(key, write.once)
  await write.acknowledged([dot], { key, ...dotJson(dot) })
}

/** The routes below /v1/counters. */
export const counterRoutes: RouteGroup<typeof counters> = {
  endpoints: counters,
  bodies: takeSmallJson,
  handlers: { getCounter, incrementCounter, deleteCounter },
}
