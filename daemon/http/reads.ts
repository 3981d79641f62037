/**
 * Common parts of reads of single addresses: read repair from other nodes, the answer with the versions of a
 * register, and the error for a key that has none.
 */
import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { ReadQuery } from '../../protocols/api/common.js'
import { dataTypeOf } from '../../protocols/api/data-types.js'
import { contentTypes, headerNames } from '../../protocols/api/headers.js'
import type { ListItem, Shown, UserType } from '../../store/data/types.js'
import { HearsayError } from '../../store/errors.js'
import type { Address } from '../../store/model/address.js'
import { dotText } from '../../store/model/dot.js'
import type { Registers } from '../views/data-view.js'
import type { Mesh } from '../views/mesh-view.js'
import { asBuffer } from '../views/value-json.js'
import { idleSocketMs, joinedBytesMax, nodesTimeoutMsDefault } from './limits.js'
import { timeoutOf } from './query.js'
import { shownJson } from './render.js'
import { type AnyRequest, type ApiServices, allowSilence } from './services.js'

/**
 * Joins the copies of other nodes into ours first, when the request (or the configuration) asks for that; undefined
 * when it does not: the read can be answered in the same turn. Rejects with NO_QUORUM. Throws BAD_REQUEST.
 */
export function afterRepair(
  request: AnyRequest,
  query: ReadQuery,
  { mesh, config }: ApiServices,
  address: Address,
): Promise<void> | undefined {
  const consistency = query.consistency ?? config.settings.consistency
  if (consistency === 'one') return undefined
  const timeoutMs = timeoutOf(query.timeout, nodesTimeoutMsDefault)
  allowSilence(request, timeoutMs + idleSocketMs)
  return mesh.readRepair(address, consistency, timeoutMs)
}

/**
 * Answers with the winner's bytes, or with every version as JSON where the client accepts that; `named` goes with the
 * JSON.
 */
export function answerShown(
  shown: Shown,
  accept: string | undefined,
  reply: FastifyReply,
  mesh: Mesh,
  named: object = {},
): FastifyReply {
  if (accept?.includes(contentTypes.json) === true) return reply.send({ ...shownJson(shown, mesh), ...named })
  sendBytes(reply, headersOf(shown), asBuffer(shown.versions[0]!.value))
  return reply
}

/** Headers of answers that are given again and again: what was shown is remembered, see `ShownMemo`. */
const headersOfShown = new WeakMap<Shown, OutgoingHttpHeaders>()

function headersOf(shown: Shown): OutgoingHttpHeaders {
  const known = headersOfShown.get(shown)
  if (known !== undefined) return known
  const { dot, value } = shown.versions[0]!
  const headers = {
    'X-Content-Type-Options': 'nosniff',
    'Content-Type': contentTypes.bytes,
    'Content-Length': value.length,
    [headerNames.context]: shown.winnerContext,
    [headerNames.dot]: dotText(dot),
    [headerNames.siblings]: `${shown.versions.length}`,
  }
  headersOfShown.set(shown, headers)
  return headers
}

/**
 * Sends an answer past the router's own sending, which would look at it again. Bytes as Latin-1 text go to the socket
 * together with the head, in one write; a larger value would only be copied for that.
 */
function sendBytes(reply: FastifyReply, headers: OutgoingHttpHeaders, bytes: Buffer): void {
  const { raw } = reply.hijack()
  raw.writeHead(200, headers)
  if (bytes.length > joinedBytesMax) raw.end(bytes)
  else raw.end(bytes.toString('latin1'), 'latin1')
}

/** Rejects with NOT_FOUND for a key without a register; `types` in its details are those that it has. */
export async function absentValue(registers: Pick<Registers, 'list'>, key: string): Promise<never> {
  // A key is the first of all that begin with it.
  const { items } = await registers.list({ prefix: key, limit: 1, values: false })
  const types = typesOf(items[0], key)
  if (types.length === 0) throw new HearsayError('NOT_FOUND', `there is no "${key}"`)
  const held = types.map(nounOf).join(' and ')
  throw new HearsayError('NOT_FOUND', `"${key}" is ${held}, and has no value of its own`, { types })
}

function typesOf(item: ListItem | undefined, key: string): readonly UserType[] {
  return item?.key === key ? item.types.filter((type) => type !== 'reg') : []
}

function nounOf(type: UserType): string {
  const noun = dataTypeOf(type)?.noun
  return noun === undefined ? `data that this version does not know (${type})` : `a ${noun}`
}
