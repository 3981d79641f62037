/** Sets: members listed, looked for, added and removed. */
import { isUtf8 } from 'node:buffer'
import { type SetMember, sets } from '../../../protocols/api/collections.js'
import { contentTypes } from '../../../protocols/api/headers.js'
import { HearsayError } from '../../../store/errors.js'
import { setMember } from '../../../store/model/address.js'
import { asBuffer, encodeValue } from '../../views/value-json.js'
import { takeSmallJson } from '../body.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { memberOfPath } from '../paths.js'
import { afterRepair } from '../reads.js'
import { requestKey } from '../services.js'
import { jsonStream, sendStream } from '../streams.js'
import { dotJson, startWrite } from '../writes.js'

/** A member as text, or with its encoding when it is not UTF-8. */
function memberJson(member: Uint8Array): SetMember {
  return isUtf8(member) ? asBuffer(member).toString() : encodeValue(member)
}

const getSet: Handler<typeof sets.getSet> = async (request, reply, services) => {
  const key = requestKey(request)
  const chunks = services.sets.members(key)
  const first = await chunks.next()
  if (first.done === true) throw new HearsayError('NOT_FOUND', `there is no set "${key}"`)
  const items = jsonStream(`{"key":${JSON.stringify(key)},"members":[`, first.value, chunks, ']}', (member) =>
    JSON.stringify(memberJson(member)),
  )
  return sendStream(reply, items, { type: contentTypes.json, what: 'the listing of a set', log: services.log })
}

const clearSet: Handler<typeof sets.clearSet> = async (request, _reply, services) => {
  const key = requestKey(request)
  const write = startWrite(request, '', services)
  const dot = await services.sets.clear(key, write.once)
  await write.acknowledged([dot], { key, ...dotJson(dot) })
}

const getMember: Handler<typeof sets.getMember> = async (request, _reply, services) => {
  const key = requestKey(request)
  const member = memberOfPath(request.originalUrl)
  await afterRepair(request, request.query, services, setMember(key, member))
  if (services.sets.has(key, member)) return { key, member: memberJson(member) }
  throw new HearsayError('NOT_FOUND', `the set "${key}" has no such member`)
}

const addMember: Handler<typeof sets.addMember> = async (request, _reply, services) => {
  const key = requestKey(request)
  const member = memberOfPath(request.originalUrl)
  const write = startWrite(request, '', services)
  const dot = await services.sets.add(key, member, write.once)
  return write.acknowledged([dot], { key, member: memberJson(member), ...dotJson(dot) })
}

const removeMember: Handler<typeof sets.removeMember> = async (request, _reply, services) => {
  const key = requestKey(request)
  const member = memberOfPath(request.originalUrl)
  const write = startWrite(request, '', services)
  const dot = await services.sets.remove(key, member, write.once)
  await write.acknowledged([dot], { key, ...dotJson(dot) })
}

/** The routes below /v1/sets. */
export const setRoutes: RouteGroup<typeof sets> = {
  endpoints: sets,
  bodies: takeSmallJson,
  handlers: { getSet, clearSet, getMember, addMember, removeMember },
}
